"""What is known of the way to a device: when it answered, how fast, what went wrong last.

Called by   ``drivers.modbus``. Pure.
"""

from dcs.core.clock import NS_PER_MS
from field_io.drivers.backoff import Backoff
from field_io.drivers.links.link import DeviceRefused
from field_io.drivers.modbus.reading import UNREACHED

_NEVER_NS = -(2**62)
_SMOOTHING = 0.1


class Health:
    """One device's. ``refusal`` is the exception code of its last answer, 0 = none."""

    def __init__(self, backoff: Backoff) -> None:
        self.backoff = backoff
        self.answered_ns = _NEVER_NS
        self.refusal = 0
        self.last_trouble = ""
        self._round_trip_ns: float | None = None

    @property
    def ever_answered(self) -> bool:
        """False until the first answer of any kind."""
        return self.answered_ns != _NEVER_NS

    @property
    def unreached(self) -> bool:
        """True while a gateway says that the unit does not answer it."""
        return self.refusal in UNREACHED

    @property
    def round_trip_ms(self) -> float | None:
        """Smoothed; None before the first answer."""
        return None if self._round_trip_ns is None else round(self._round_trip_ns / NS_PER_MS, 3)

    def answered(self, asked_ns: int, now_ns: int) -> None:
        """An answer that is no exception."""
        if self.backoff.failures:
            self.last_trouble = ""  # it is over, and explains nothing that comes later
        self.backoff.answered()
        self.refusal = 0
        self._heard(asked_ns, now_ns)

    def refused(self, exc: DeviceRefused, doing: str, asked_ns: int, now_ns: int) -> None:
        """An exception. From a gateway it may mean that nobody is behind it: then the unit is asked more rarely."""
        self.refusal = exc.code
        self.last_trouble = f"{doing}: {exc}"
        if self.unreached:
            self.backoff.failed(now_ns)
        else:
            self.backoff.answered()
        self._heard(asked_ns, now_ns)

    def failed(self, reason: str, now_ns: int) -> None:
        """No answer, or no connection."""
        self.last_trouble = reason
        self.backoff.failed(now_ns)

    def _heard(self, asked_ns: int, now_ns: int) -> None:
        self.answered_ns = now_ns
        old, new_ns = self._round_trip_ns, now_ns - asked_ns
        self._round_trip_ns = new_ns if old is None else old + _SMOOTHING * (new_ns - old)
