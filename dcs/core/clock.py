"""Time is given, never taken: the only module that reads the wall clock.

Called by   every node, driver and controller, through the ``Clock`` it was given.
Knows       two times in integer nanoseconds: monotonic (for periods and leases) and UTC (for stamps).
Peers       ``WallClock`` here, ``SimulatedClock`` in ``dcs.core.simulated_time``.
"""

import asyncio
import time
from typing import Protocol

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000

# CLOCK_MONOTONIC stands still while a machine is suspended: a lease judged by it could outlive its promise.
_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", None)


class Clock(Protocol):
    """What a node knows of time."""

    def monotonic_ns(self) -> int:
        """Nanoseconds since some start; never steps, counts suspend where the system can."""
        ...

    def time_ns(self) -> int:
        """UTC in nanoseconds since 1970, for stamps that people read."""
        ...

    async def sleep_until(self, due_ns: int) -> None:
        """Return when ``monotonic_ns()`` has reached ``due_ns``; at once (after one yield) if it has."""
        ...


class WallClock:
    """The machine's own clocks."""

    def monotonic_ns(self) -> int:
        if _BOOT_CLOCK is None:
            return time.monotonic_ns()
        return time.clock_gettime_ns(_BOOT_CLOCK)

    def time_ns(self) -> int:
        return time.time_ns()

    async def sleep_until(self, due_ns: int) -> None:
        await asyncio.sleep(max(0.0, (due_ns - self.monotonic_ns()) / NS_PER_S))
        while (left_ns := due_ns - self.monotonic_ns()) > 0:  # a timer may fire a little early
            await asyncio.sleep(left_ns / NS_PER_S)

    def block_until(self, due_ns: int) -> None:
        """Sleep the calling thread; late by about 0.1 ms where an event loop's timer is late by 1–2 ms."""
        while (left_ns := due_ns - self.monotonic_ns()) > 0:
            time.sleep(left_ns / NS_PER_S)


async def sleep(clock: Clock, seconds: float) -> None:
    """Sleep ``seconds`` of the given clock."""
    await clock.sleep_until(clock.monotonic_ns() + round(seconds * NS_PER_S))


def utc_text(time_ns: int) -> str:
    """ISO 8601 in UTC with milliseconds, for logs and tables."""
    seconds, rest_ns = divmod(time_ns, NS_PER_S)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest_ns // NS_PER_MS:03d}Z"
