"""Repeats the outputs of one device when nobody has sent them for a while.

Called by   the drivers: ``note`` with every write of the controller, ``run`` as a task beside the polling.
Knows       what was sent last, under which gate, and when. No device, no register.
Promise     a device with a watchdog is written at least every half of its watchdog time, however slow the scan is. A
            repeat asks the same gate as the write that it repeats: a controller that has lost its authority, or whose
            scan hangs so that its lease is not renewed, repeats nothing, and the watchdog of the device does its work.
"""

from collections.abc import Awaitable, Callable, Mapping

from dcs.core.clock import Clock
from field_io.drivers.gate import Gate

Write = Callable[[Mapping[str, float], Gate], Awaitable[object]]
_NEVER_NS = -(2**62)


class OutputRepeat:
    """The last outputs of one device. ``period_ns`` = 0: nothing is repeated."""

    def __init__(self, period_ns: int, clock: Clock, write: Write) -> None:
        self._period_ns = period_ns
        self._clock = clock
        self._write = write
        self._values: Mapping[str, float] = {}
        self._may_write: Gate = lambda: False
        self._sent_ns = _NEVER_NS
        self.repeats = 0

    def note(self, values: Mapping[str, float], may_write: Gate, sent: bool = True) -> None:
        """The controller wants these outputs now; an output that is not among them is not repeated any more.

        ``sent``: all of them go out now; False where some are left out because the device holds them already.
        """
        self._values = dict(values)
        self._may_write = may_write
        if sent:
            self._sent_ns = self._clock.monotonic_ns()

    def forget(self) -> None:
        """Nothing is to be repeated: the authority is gone."""
        self._values = {}

    async def run(self) -> None:
        """Repeat until cancelled."""
        while self._period_ns > 0:
            await self._clock.sleep_until(self._sent_ns + self._period_ns)
            now_ns = self._clock.monotonic_ns()
            if now_ns - self._sent_ns < self._period_ns:
                continue  # a scan has sent meanwhile
            self._sent_ns = now_ns
            if self._values:
                self.repeats += 1
                await self._write(self._values, self._may_write)
