"""Who of the two others was heard lately, and the slow question that keeps this known.

Called by   PairMember for every message; dcs.redundancy.witness (``silent_after_ns``).
Knows       names and times of the own clock.
"""

from collections.abc import Callable

from dcs.core.clock import NS_PER_MS
from dcs.redundancy.messages import Message, Query
from dcs.redundancy.timing import LeaseTiming

QUERY_PROMISES = 8  # a slow health question to the others every 8 promise times …
QUERY_NS = 800 * NS_PER_MS  # … or so often: people want to know within two seconds who is down …
QUERY_PART = 2  # … but not more often than twice in a promise time, which a slow network may need
ON_THE_WAY_NS = 200 * NS_PER_MS  # an answer to the second question that has not come by then is missing
ANSWERED_PROMISES = 3  # who answered a question so lately answers now
FOREVER_NS = 1 << 62


def query_ns(promise_ns: int) -> int:
    """From one slow question to the next."""
    return min(QUERY_PROMISES * promise_ns, max(QUERY_NS, promise_ns // QUERY_PART))


def silent_after_ns(promise_ns: int) -> int:
    """Who was not heard for so long is down: two questions without an answer."""
    return 2 * query_ns(promise_ns) + min(2 * promise_ns, ON_THE_WAY_NS)


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
        self._query_ns = query_ns(timing.promise_ns)
        self._silent_ns = silent_after_ns(timing.promise_ns)

    def hears(self, voter: str, now_ns: int) -> bool:
        """Whether something of this voter arrived lately."""
        return now_ns - self.heard_ns.get(voter, -FOREVER_NS) <= self._silent_ns

    def is_isolated(self, now_ns: int) -> bool:
        """Nobody was heard for long."""
        if now_ns - self._started_ns <= self._silent_ns:
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
        self.next_query_ns = now_ns + self._query_ns
        for voter in self._others:
            self._send(voter, Query(now_ns))
