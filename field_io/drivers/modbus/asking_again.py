"""Asks again for what a device refused because it was not ready (exceptions 4, 5, 6), however far the next poll is.

Called by   ``drivers.modbus``, as a task beside the polling. Polls that come soon enough anyway are left alone.
Promise     a device that is ready again is read within the time between two probes, be its poll period an hour.
"""

from collections.abc import Awaitable, Callable, Sequence

from dcs.core.clock import Clock
from field_io.drivers.modbus.reading import Reading, Readings


async def ask_again(
    clock: Clock,
    pause_ns: int,
    readings: Readings,
    is_usable: Callable[[], bool],
    poll: Callable[[Sequence[Reading]], Awaitable[None]],
) -> None:
    """Run until cancelled; returns at once where every poll comes within ``pause_ns``."""
    while readings.slowest_ns > pause_ns:
        await clock.sleep_until(clock.monotonic_ns() + pause_ns)
        if is_usable():
            await poll([reading for reading in readings.again if reading.period_ns > pause_ns])
