"""The clock of a simulated device that gives timestamps of its own: right, until a fault sets it wrong.

Called by   ``devices.opc_ua_device``; ``devices.device_faults`` (sets it wrong).
"""

from dcs.core.clock import Clock


class OwnClock:
    """Shows ``offset_ns`` more than the clock it is set by; how time passes is the same."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.offset_ns = 0

    def monotonic_ns(self) -> int:
        """See ``Clock``."""
        return self._clock.monotonic_ns()

    def time_ns(self) -> int:
        """See ``Clock``."""
        return self._clock.time_ns() + self.offset_ns

    async def sleep_until(self, due_ns: int) -> None:
        """See ``Clock``."""
        await self._clock.sleep_until(due_ns)
