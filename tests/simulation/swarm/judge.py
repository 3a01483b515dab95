"""Who judges a run: what was seen, and the first promise that was broken.

Called by   everything in tests.simulation.swarm.
Knows       true time, a story of one line per event, counts of what happened. A run in which nothing happened proves
            nothing.
"""

from collections import Counter
from collections.abc import Callable

from dcs.core.clock import NS_PER_S


class Broken(AssertionError):
    """A promise was broken: place, finding, and what was promised."""


class Judge:
    """Collects; the first broken promise ends the run at its next step."""

    def __init__(self, now_ns: Callable[[], int], trace: bool = False) -> None:
        self.now_ns = now_ns
        self.counts: Counter[str] = Counter()
        self.broken: str = ""
        self.takeover_ms: list[float] = []  # from the fault to the first output of the other one, in the quiet
        self.story: list[str] = []
        self._trace = trace

    def tell(self, who: str, text: str) -> None:
        """One line of the story."""
        if self._trace:
            self.story.append(f"{self.now_ns() / NS_PER_S:10.4f} {who}: {text}")

    def breaks(self, text: str) -> None:
        """A promise was broken now; only the first counts."""
        self.tell("JUDGE", text)
        if not self.broken:
            self.broken = f"at {self.now_ns() / NS_PER_S:.4f} s: {text}"

    def verdict(self) -> None:
        """Raises ``Broken`` when a promise was broken."""
        if self.broken:
            raise Broken(self.broken)
