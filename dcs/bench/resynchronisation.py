"""What a full copy to the standby does to the scan of the active, and to its lease.

Called by   ``dcs bench resynchronisation``.
Measures    the scan in its own thread at 100 ms, as production runs it, while a standby comes back with nothing, a few
            times: how much later a scan is done than without a copy, how long a copy takes, how much lease is left.
            Where the system tells (Linux), the time for which the scan's thread was ready and other processes had the
            cores does not count; what it waits for within its own process (locks, the interpreter) does.
"""

import asyncio
import contextlib
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

from dcs.bench.figure import Figure
from dcs.bench.loop_scans import LOOPS
from dcs.bench.mirror_rig import SCAN_NS, TIMING, Rig, rig
from dcs.core.clock import WallClock, sleep
from dcs.engine.strategy import ScanClass
from dcs.node.scan_schedule import ThreadSchedule

COPIES = 5
_QUIET_S = 3.0
_PAUSE_LIMIT_PCT = 10.0
_SCHEDULER = Path("/proc/thread-self/schedstat")
"""ns on a core, ns ready but without one, number of turns; of the thread that reads it."""


@dataclass
class Watch:
    """What was seen of the scans and of the lease."""

    late_ms: list[float] = field(default_factory=list)  # from due to done, without what other processes took
    slips: int = 0
    lease_left_ms: float = 1e9  # the least that was ever left
    without_core_ns: int = 0  # the scan's thread, at the end of its last turn

    def done(self, late_ns: int) -> None:
        """A scan is done. Called in its thread."""
        self.late_ms.append((late_ns - (_without_core_ns() - self.without_core_ns)) / 1e6)

    def rest(self) -> None:
        """The thread has nothing more to do until the next scan is due."""
        self.without_core_ns = _without_core_ns()

    def longest_ms(self) -> float:
        """Of the scans since the last call."""
        seen, self.late_ms = self.late_ms, []
        return max(seen)


def _without_core_ns() -> int:
    """How long this thread has been ready and had no core; 0 where the system does not tell."""
    try:
        return int(_SCHEDULER.read_text().split()[1])
    except OSError:
        return 0


async def _resynchronise(loops: int) -> tuple[Watch, float, list[float], list[float], int]:
    """(watch, longest scan without a copy, longest scan of each copy, duration of each copy in s, leases lost)."""
    watch = Watch()
    async with rig(loops, TIMING) as pair:
        tasks = [asyncio.create_task(_scan(pair, watch)), asyncio.create_task(_look(pair, watch))]
        try:
            await asyncio.sleep(1.0)
            watch.longest_ms()
            await asyncio.sleep(_QUIET_S)
            usual_ms = statistics.median(watch.late_ms)
            longest_ms, took_s = [], []
            for _ in range(COPIES):
                watch.longest_ms()
                pair.other.join()
                started_s = time.monotonic()
                await pair.synchronised()
                took_s.append(time.monotonic() - started_s)
                await asyncio.sleep(2 * SCAN_NS / 1e9)
                longest_ms.append(watch.longest_ms())
                pair.other.leave()
                while pair.member.standby_ready:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(1.0)
            lost = sum("no longer active" in text for text in pair.side.events)
            return watch, usual_ms, longest_ms, took_s, lost
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with contextlib.suppress(asyncio.CancelledError):
                    await task


async def _scan(pair: Rig, watch: Watch) -> None:
    loop, replica = asyncio.get_running_loop(), pair.side.replica

    def tick(class_index: int, due_ns: int, due_utc_ns: int, slips: int) -> None:
        with replica.lock:
            record, outcome = pair.scan(due_utc_ns)
            watch.done(clock.monotonic_ns() - due_ns)
            watch.slips += slips
            loop.call_soon_threadsafe(pair.submit, record, outcome)
            taken = pair.side.execution.copy_wanted()
            if taken is not None:
                loop.call_soon_threadsafe(pair.copy_taken, *taken)
        watch.rest()

    clock = WallClock()
    await ThreadSchedule(clock).run((ScanClass("loops", SCAN_NS),), tick)


async def _look(pair: Rig, watch: Watch) -> None:
    clock = WallClock()
    while True:
        report = pair.member.report()
        if report.role == "active":
            watch.lease_left_ms = min(watch.lease_left_ms, report.lease_left_ms)
        await sleep(clock, 0.001)


def resynchronisation_of(loops: int, limit: bool) -> list[Figure]:
    """For a plant of that many loops; ``limit``: the pause is judged."""
    watch, usual_ms, longest_ms, took_s, lost = asyncio.run(_resynchronise(loops))
    pause_pct = 100.0 * (max(longest_ms) - usual_ms) / (SCAN_NS / 1e6)
    limit_pct = _PAUSE_LIMIT_PCT if limit else None
    name, plant = "resynchronisation", f"{loops:,} loops"
    return [
        Figure(name, f"{plant}: longest delay of a scan by a copy", pause_pct, "% of 100 ms", limit_pct),
        Figure(name, f"{plant}: a scan without a copy, due to done", usual_ms, "ms"),
        Figure(name, f"{plant}: a standby that comes back is ready after", statistics.median(took_s), "s"),
        Figure(name, f"{plant}: least lease left", watch.lease_left_ms, "ms"),
        Figure(name, f"{plant}: leases lost in {COPIES} copies", lost, "", 0.0),
    ]  # fmt: skip


def resynchronisation() -> list[Figure]:
    """For 10,000 loops, judged; for 100,000, told."""
    return resynchronisation_of(LOOPS, True) + resynchronisation_of(10 * LOOPS, False)
