"""How far a long piece of work is, in place on a terminal.

Called by   commands that may take longer than a moment.
Knows       a stream and a clock. Nothing is said of what is done within a second, nor to a file.
"""

import sys

from dcs.core.clock import NS_PER_S, Clock, WallClock

_FIRST_NS, _NEXT_NS = NS_PER_S, NS_PER_S // 5


class Progress:
    """``tell(share)`` as often as one likes; ``clear`` before other lines and at the end."""

    def __init__(self, what: str, clock: Clock | None = None) -> None:
        self._what, self._clock = what, clock or WallClock()
        self._began_ns = self._clock.monotonic_ns()
        self._due_ns = self._began_ns + _FIRST_NS
        self._shown = 0
        self._terminal = sys.stderr.isatty()

    def tell(self, share: float) -> None:
        """``share`` of the work is done."""
        if not self._terminal:
            return
        now_ns = self._clock.monotonic_ns()
        if now_ns < self._due_ns:
            return
        self._due_ns = now_ns + _NEXT_NS
        left_s = (now_ns - self._began_ns) / NS_PER_S * (1.0 / share - 1.0) if share > 0.0 else 0.0
        text = f"{self._what}: {100.0 * share:.0f} %, {left_s:.0f} s left"
        sys.stderr.write("\r" + text.ljust(self._shown))
        sys.stderr.flush()
        self._shown = len(text)

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r" + " " * self._shown + "\r")
            sys.stderr.flush()
            self._shown = 0
