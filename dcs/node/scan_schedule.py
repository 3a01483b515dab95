"""When scans happen: the one seam between the wall clock's thread and the box's task.

Called by   ``dcs.node.controller``; calls back ``tick(class_index, due_ns, slips)`` for every due scan.
Knows       the scan classes' periods and phases on a grid of UTC multiples, so that both controllers of a pair
            share it; absolute deadlines, so that jitter cannot add up; nothing of what a scan does.
Peers       ``ThreadSchedule`` (wall clock: late by 0.1 ms where an event loop's timer is late by 1–2 ms) and
            ``TaskSchedule`` (the box).
"""

import asyncio
import heapq
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from dcs.core.clock import NS_PER_S, Clock, WallClock
from dcs.engine.strategy import ScanClass
from dcs.node.priority import HOLDS, ask_for_priority

Tick = Callable[[int, int, int, int], None]
"""Called with (class index, due time on the monotonic clock, due time in UTC, slips), times in ns."""


class ScanGrid:
    """The next due scan of all classes, in order; equal due times go by class index."""

    def __init__(self, classes: Sequence[ScanClass], clock: Clock) -> None:
        self._classes = classes
        self._clock = clock
        self._utc_minus_monotonic_ns = clock.time_ns() - clock.monotonic_ns()
        now_utc_ns = clock.time_ns()
        self._due_utc: list[tuple[int, int]] = []
        for index, scan_class in enumerate(classes):
            behind_ns = (now_utc_ns - scan_class.phase_ns) % scan_class.period_ns
            heapq.heappush(self._due_utc, (now_utc_ns - behind_ns + scan_class.period_ns, index))

    def next_due(self) -> int:
        """Monotonic ns of the next scan."""
        return self._due_utc[0][0] - self._utc_minus_monotonic_ns

    def take(self) -> tuple[int, int, int, int]:
        """Remove the next scan: (class index, due monotonic ns, due UTC ns, slips).

        ``slips`` counts the whole periods that were missed before this scan; they are skipped, never made up.
        """
        due_utc_ns, index = heapq.heappop(self._due_utc)
        period_ns = self._classes[index].period_ns
        late_ns = self._clock.monotonic_ns() + self._utc_minus_monotonic_ns - due_utc_ns
        slips = max(0, late_ns // period_ns)
        due_utc_ns += slips * period_ns
        heapq.heappush(self._due_utc, (due_utc_ns + period_ns, index))
        return index, due_utc_ns - self._utc_minus_monotonic_ns, due_utc_ns, slips


class ScanSchedule(Protocol):
    """Runs until cancelled; a tick that raises ends it with that exception."""

    async def run(self, classes: Sequence[ScanClass], tick: Tick) -> None:
        """Call ``tick`` for every due scan."""
        ...


class TaskSchedule:
    """Scans as a task of the (simulated) event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._hung_until_ns = 0

    def hang(self, for_ns: int) -> None:
        """A fault: no scan starts for so long, as if the last one did not end."""
        self._hung_until_ns = self._clock.monotonic_ns() + for_ns

    async def run(self, classes: Sequence[ScanClass], tick: Tick) -> None:
        grid = ScanGrid(classes, self._clock)
        while True:
            await self._clock.sleep_until(max(grid.next_due(), self._hung_until_ns))
            if self._clock.monotonic_ns() >= self._hung_until_ns:
                tick(*grid.take())


class ThreadSchedule:
    """Scans in a thread of their own on absolute deadlines of the wall clock; ``realtime``: before other processes."""

    def __init__(self, clock: WallClock, realtime: bool = False) -> None:
        self._clock = clock
        self._realtime = realtime

    async def run(self, classes: Sequence[ScanClass], tick: Tick) -> None:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        stop = threading.Event()

        def finish(error: BaseException | None) -> None:
            if ended.done():
                return
            if error is None:
                ended.set_result(None)
            else:
                ended.set_exception(error)

        def scan_for_ever() -> None:
            try:
                if self._realtime:
                    ask_for_priority(HOLDS)
                grid = ScanGrid(classes, self._clock)
                while not stop.is_set():
                    left_ns = grid.next_due() - self._clock.monotonic_ns()
                    if left_ns > 0:
                        stop.wait(left_ns / NS_PER_S)
                        continue
                    tick(*grid.take())
            except BaseException as error:  # noqa: BLE001  handed to the loop, which takes the node down
                loop.call_soon_threadsafe(finish, error)

        thread = threading.Thread(target=scan_for_ever, name="scan", daemon=True)
        thread.start()
        try:
            await ended
        finally:
            stop.set()
            thread.join(timeout=1.0)
