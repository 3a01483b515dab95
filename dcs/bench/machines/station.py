"""The operator station's own model, without a screen, that notes when it accepts a frame.

Called by   ``dcs.bench.machines.plant``.
Knows       ``hmi.model``; asks and decides nothing of its own.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass

from dcs.bus.api import Bus
from dcs.bus.messages import Frame
from dcs.core.clock import NS_PER_S, Clock, WallClock
from hmi.model.session import Session
from hmi.model.station import Station
from hmi.model.tags import Group, TagStore

_FRESH_S = 1.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame that the station took: when (monotonic, s), and what it says."""

    at_s: float
    scan_s: float  # UTC of the scan
    scan: int
    epoch: int


class _NotingTags(TagStore):
    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.seen: list[Seen] = []

    def put_frame(self, group: Group, frame: Frame) -> bool:
        taken = super().put_frame(group, frame)
        if taken:
            self.seen.append(Seen(time.monotonic(), frame.time_ns / NS_PER_S, frame.scan, frame.epoch))
        return taken


class Onlooker:
    """One operator station."""

    def __init__(self, plant: str, bus: Bus) -> None:
        clock = WallClock()
        self.station = Station(plant, clock)
        self._tags = _NotingTags(clock)
        self.station.tags = self._tags
        self._session = Session(bus, self.station, clock)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Subscribe."""
        self._task = asyncio.get_running_loop().create_task(self._session.run())

    async def stop(self) -> None:
        """Unsubscribe."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def is_fresh(self) -> bool:
        """A frame has come within the last second."""
        seen = self._tags.seen
        return bool(seen) and time.monotonic() - seen[-1].at_s < _FRESH_S

    def between(self, start_s: float, end_s: float) -> list[Seen]:
        """What the station took between two times of the monotonic clock."""
        return [one for one in self._tags.seen if start_s <= one.at_s <= end_s]

    def forget(self) -> None:
        """Keep the last few seconds only."""
        self._tags.seen = self._tags.seen[-100:]
