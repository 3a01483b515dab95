"""One value on its way from transmitter to screen; it never travels without status and time."""

from dataclasses import dataclass

from dcs.core.status import STATUS_NOT_CONNECTED, describe_status, is_good, is_usable


@dataclass(frozen=True, slots=True)
class ProcessValue:
    """A number, how far to trust it, and when its source sampled it.

    ``time_ns`` is the source's time (UTC, ns since 1970); never the time at which somebody received it.
    """

    value: float
    status: int
    time_ns: int

    @property
    def good(self) -> bool:
        """True for Good and Good (cascade)."""
        return is_good(self.status)

    @property
    def usable(self) -> bool:
        """True unless Bad."""
        return is_usable(self.status)

    def __str__(self) -> str:
        return f"{self.value:g} ({describe_status(self.status)})"


NEVER_READ = ProcessValue(float("nan"), STATUS_NOT_CONNECTED, 0)
"""What a point holds before its first answer."""
