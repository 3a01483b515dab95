"""When a dead node is started again, and when it is given up.

Called by   ``dcs.node.supervisor``.
Knows       monotonic times only; starts nothing.
"""

from collections import deque
from dataclasses import dataclass, field

from dcs.core.clock import NS_PER_S

EXIT_WRONG_INPUT = 2
"""Exit code of a node whose configuration is wrong: starting it again would change nothing."""


@dataclass(slots=True)
class RestartPolicy:
    """Exponential back-off, reset after a stable time; too many deaths in a window are a crash loop."""

    first_s: float = 0.5
    max_s: float = 30.0
    stable_s: float = 30.0
    deaths_max: int = 5
    window_s: float = 60.0
    _next_s: float = field(default=0.0, init=False)
    _deaths_ns: deque[int] = field(default_factory=deque, init=False)

    def __post_init__(self) -> None:
        self._next_s = self.first_s

    def died(self, started_ns: int, now_ns: int, exit_code: int) -> float | None:
        """Seconds to wait before the next start, or None: give it up."""
        if exit_code == EXIT_WRONG_INPUT:
            return None
        if now_ns - started_ns >= self.stable_s * NS_PER_S:
            self._next_s = self.first_s
        self._deaths_ns.append(now_ns)
        while self._deaths_ns[0] <= now_ns - self.window_s * NS_PER_S:
            self._deaths_ns.popleft()
        if len(self._deaths_ns) >= self.deaths_max:
            return None
        wait_s, self._next_s = self._next_s, min(2.0 * self._next_s, self.max_s)
        return wait_s

    def describe(self, exit_code: int) -> str:
        """Why it was given up."""
        if exit_code == EXIT_WRONG_INPUT:
            return "its configuration is wrong (exit code 2)"
        return f"it died {len(self._deaths_ns)} times in {self.window_s:g} s"
