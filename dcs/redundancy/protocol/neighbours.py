"""Who of the two others was heard lately, and the slow question that keeps this known.

Called by   PairMember for every message; dcs.redundancy.witness (``SILENT_PROMISES``).
Knows       names and times of the own clock.
"""

from collections.abc import Callable

from dcs.redundancy.messages import Message, Query
from dcs.redundancy.timing import LeaseTiming

QUERY_PROMISES = 8  # a slow health question to the others every 8 promise times
SILENT_PROMISES = 2 * QUERY_PROMISES + 2  # who was not heard for so long is down
ANSWERED_PROMISES = 3  # who answered a question so lately answers now
FOREVER_NS = 1 << 62


class Neighbours:
    """``next_query_ns`` is when the others want to be asked again."""

    def __init__(
        self, others: tuple[str, ...], timing: LeaseTiming, send: Callable[[str, Message], None], now_ns: int
    ) -> None:
        self.heard_ns: dict[str, int] = {}
        self.asked_ns: dict[str, int] = {}  # when the last question was asked that was answered
        self.next_query_ns = now_ns
        self._others = others
        self._timing = timing
        self._send = send
        self._started_ns = now_ns

    def hears(self, voter: str, now_ns: int) -> bool:
        """Whether something of this voter arrived lately."""
        return now_ns - self.heard_ns.get(voter, -FOREVER_NS) <= SILENT_PROMISES * self._timing.promise_ns

    def is_isolated(self, now_ns: int) -> bool:
        """Nobody was heard for long."""
        if now_ns - self._started_ns <= SILENT_PROMISES * self._timing.promise_ns:
            return False
        return not any(self.hears(voter, now_ns) for voter in self._others)

    def answered(self, now_ns: int, voter: str, asked_ns: int) -> None:
        """An answer to the question of ``asked_ns`` came; one that we asked before our restart does not count."""
        if self._started_ns <= asked_ns <= now_ns:
            self.asked_ns[voter] = max(asked_ns, self.asked_ns.get(voter, asked_ns))

    def silent(self, now_ns: int) -> list[str]:
        """Who of the others does not answer questions now."""
        oldest_ns = now_ns - ANSWERED_PROMISES * self._timing.promise_ns
        return [voter for voter in self._others if self.asked_ns.get(voter, -FOREVER_NS) < oldest_ns]

    def ask_around(self, now_ns: int) -> None:
        """What do you know? To both others."""
        self.next_query_ns = now_ns + QUERY_PROMISES * self._timing.promise_ns
        for voter in self._others:
            self._send(voter, Query(now_ns))
