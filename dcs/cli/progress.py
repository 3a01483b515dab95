"""How far a long piece of work is, in place on a terminal.

Called by   commands that may take longer than a moment.
Knows       a stream and a clock. Nothing is said of what is done within a second, nor to a file.
"""

import sys

from dcs.core.clock import NS_PER_S, Clock, WallClock

_FIRST_NS, _NEXT_NS = NS_PER_S, NS_PER_S // 5


class ProgressLine:
    """``say(text)`` as often as one likes; ``clear`` before other lines and at the end."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or WallClock()
        self.began_ns = self.clock.monotonic_ns()
        self._due_ns = self.began_ns + _FIRST_NS
        self._shown = 0
        self._terminal = sys.stderr.isatty()

    @property
    def due(self) -> bool:
        """True when what is said now would be shown."""
        return self._terminal and self.clock.monotonic_ns() >= self._due_ns

    def say(self, text: str) -> None:
        """Show ``text`` in place of what stands there."""
        if not self.due:
            return
        self._due_ns = self.clock.monotonic_ns() + _NEXT_NS
        sys.stderr.write("\r" + text.ljust(self._shown))
        sys.stderr.flush()
        self._shown = len(text)

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r" + " " * self._shown + "\r")
            sys.stderr.flush()
            self._shown = 0


class Progress(ProgressLine):
    """``tell(share)`` of one piece of work whose length is known."""

    def __init__(self, what: str, clock: Clock | None = None) -> None:
        super().__init__(clock)
        self._what = what

    def tell(self, share: float) -> None:
        """``share`` of the work is done."""
        if not self.due:
            return
        elapsed_s = (self.clock.monotonic_ns() - self.began_ns) / NS_PER_S
        left_s = elapsed_s * (1.0 / share - 1.0) if share > 0.0 else 0.0
        self.say(f"{self._what}: {100.0 * share:.0f} %, {left_s:.0f} s left")
