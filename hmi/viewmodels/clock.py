"""The plant's time as text: real, or simulated with its speed.

Called by   top bar, banner, tables. Knows no Qt.
"""

from datetime import UTC, datetime

from dcs.core.clock import NS_PER_S
from hmi.model.session import pace_of
from hmi.model.station import Station


def local(time_ns: int) -> datetime:
    """A UTC stamp in the operator's time zone."""
    return datetime.fromtimestamp(time_ns / NS_PER_S, UTC).astimezone()


def clock_text(time_ns: int) -> str:
    """``14:05:30``."""
    return local(time_ns).strftime("%H:%M:%S")


def date_text(time_ns: int) -> str:
    """``2026-01-01 14:05:30``."""
    return local(time_ns).strftime("%Y-%m-%d %H:%M:%S")


class PlantClock:
    """What time it is in the plant."""

    def __init__(self, station: Station) -> None:
        self._station = station

    @property
    def simulated(self) -> bool:
        """True when a node says that its time is simulated."""
        return self._station.nodes.clock_note().startswith("simulated")

    def now_ns(self) -> int:
        """The plant's time: of the newest frame when simulated, else the wall clock's."""
        if self.simulated:
            return self._station.tags.plant_time_ns() or self._station.clock.time_ns()
        return self._station.clock.time_ns()

    def text(self) -> str:
        """``2026-01-01 14:05:30`` and, when simulated, ``SIM ×10`` before it."""
        stamp = date_text(self.now_ns())
        if not self.simulated:
            return stamp
        pace = pace_of(self._station.nodes.clock_note())
        return f"SIM ×{pace:g}   {stamp}" if pace else f"SIM   {stamp}"
