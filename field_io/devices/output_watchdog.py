"""The watchdog of a simulated device over its outputs, and what it did.

Called by   ``devices.simulated`` (every write, every request) and ``devices.simulation`` (when the time is up).
Knows       when an output was written last. It is armed by the first write: a device that nobody has ever written
            stands as it was found.
Source      couplers with Modbus: a time-out register, armed by the first request that counts, and a state of its own
            when it has run out (WAGO 750-881 manual, section on the watchdog).
"""

from collections import deque
from dataclasses import dataclass

from dcs.core.clock import Clock


@dataclass(frozen=True, slots=True)
class FailRecord:
    """The outputs of a device, or of one of its cards, went to their fail action, or are written again."""

    time_ns: int  # UTC
    active: bool
    values: tuple[tuple[str, float], ...] = ()  # outputs that went to a value of their own; the others hold


class OutputWatchdog:
    """``time_ns`` = 0: there is none."""

    def __init__(self, time_ns: int, clock: Clock, kept: int = 1_000) -> None:
        self.time_ns = time_ns
        self.expired = False
        self.record: deque[FailRecord] = deque(maxlen=kept)
        self._clock = clock
        self._written_ns: int | None = None

    @property
    def now_ns(self) -> int:
        """Monotonic time of the device."""
        return self._clock.monotonic_ns()

    @property
    def due_ns(self) -> int | None:
        """Monotonic time at which it runs out; None = it does not."""
        if not self.time_ns or self.expired or self._written_ns is None:
            return None
        return self._written_ns + self.time_ns

    @property
    def age_ns(self) -> int | None:
        """Since the last write of an output; None = never."""
        return None if self._written_ns is None else self._clock.monotonic_ns() - self._written_ns

    def written(self) -> None:
        """An output was written."""
        self._written_ns = self._clock.monotonic_ns()
        self._end_fail_action()

    def power_up(self) -> None:
        """It was switched off and on: nobody has written yet, and no fail action stands."""
        self._written_ns = None
        self._end_fail_action()

    def _end_fail_action(self) -> None:
        if self.expired:
            self.expired = False
            self.record.append(FailRecord(self._clock.time_ns(), False))

    def expire(self, values: tuple[tuple[str, float], ...]) -> None:
        """Its time is up, maybe since a while: nobody has looked."""
        due_ns = self.due_ns
        assert due_ns is not None
        self.expired = True
        late_ns = self._clock.monotonic_ns() - due_ns
        self.record.append(FailRecord(self._clock.time_ns() - late_ns, True, values))

    def snapshot(self) -> list[int | bool | None]:
        """JSON types; the age counts, not the time."""
        return [self.age_ns, self.expired]

    def restore(self, snapshot: list[int | bool | None]) -> None:
        """Inverse of ``snapshot``."""
        age_ns, expired = snapshot
        self._written_ns = None if age_ns is None else self._clock.monotonic_ns() - int(age_ns)
        self.expired = bool(expired)
