"""The plant's time as one controller knows it: its own clock, or the old holder's after a takeover.

Called by   ``dcs.node.controller``. Knows a clock and what the active's records said.
"""

from collections import deque

from dcs.core.clock import NS_PER_S, Clock


class PlantTime:
    """UTC of this node's start, counted on by its monotonic clock: a time server's step moves no scan."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.utc_minus_monotonic_ns = clock.time_ns() - clock.monotonic_ns()
        self._ahead_ns: deque[int] = deque(maxlen=16)  # how far the active's time is ahead of ours, latest records
        self.shift_ns = 0  # plant's time minus our own, while we are active

    def own_ns(self) -> int:
        """Our own time, UTC."""
        return self._clock.monotonic_ns() + self.utc_minus_monotonic_ns

    def now_ns(self) -> int:
        """The plant's time."""
        return self.own_ns() + self.shift_ns

    def heard(self, time_ns: int) -> None:
        """A record of the active's scan at ``time_ns`` of the plant's time arrived now."""
        self._ahead_ns.append(time_ns - self.own_ns())

    def go_on(self, node: str, fastest_ns: int) -> str:
        """The old holder's clock may differ from ours: the plant's time neither jumps nor waits. "" or a sentence."""
        # Records arrive late, never early: the largest of the last few is the best estimate.
        ahead_ns = max(self._ahead_ns, default=0)
        self._ahead_ns.clear()
        self.shift_ns = round(ahead_ns / fastest_ns) * fastest_ns
        if not self.shift_ns:
            return ""
        how = "behind" if self.shift_ns > 0 else "ahead of"
        text = f"the clock of {node} is {abs(self.shift_ns) / NS_PER_S:g} s {how} the plant's time"
        return f"{text}, which goes on as it was. Synchronise the clocks of the controllers."
