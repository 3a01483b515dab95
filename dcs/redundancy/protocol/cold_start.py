"""When a member without complete data may start all the same: the last resort, and never in a hurry.

Called by   PairMember while nobody holds the authority.
Knows       the peer's data by its own word, silence, and a random back-off.
Behaviour   docs/explanations/redundancy.md, rule 10.
"""

from collections.abc import Callable

from dcs.redundancy.messages import NO_GENERATION, Generation
from dcs.redundancy.timing import LeaseTiming

Rank = tuple[Generation, int]  # whose data are newer: generation, then scan
NO_RANK: Rank = (NO_GENERATION, 0)

FRESH_PROMISES = 5  # what the peer said of its data counts for so long


class ColdStart:
    """One member's view. ``is_due`` is asked again and again; ``again_ns`` says when."""

    def __init__(self, name: str, peer: str, timing: LeaseTiming, uniform: Callable[[], float]) -> None:
        self.again_ns = 0
        self._name = name
        self._peer = peer
        self._timing = timing
        self._uniform = uniform
        self._peer_rank: Rank = (NO_GENERATION, 0)
        self._peer_told_ns: int | None = None
        self._at_ns: int | None = None
        self._deferred_since_ns: int | None = None

    def peer_told(self, now_ns: int, rank: Rank) -> None:
        """The peer said which data it holds."""
        self._peer_rank = rank
        self._peer_told_ns = now_ns

    def forget(self) -> None:
        """Somebody holds the authority or may get it the ordinary way."""
        self._at_ns = self._deferred_since_ns = None

    def quiet_until_ns(self, heard_eligible_ns: int, is_live: bool) -> int:
        """Until when candidates with complete data must have been silent; longer for one that holds stale data."""
        return heard_eligible_ns + (self._timing.stale_wait_ns if is_live else self._timing.cold_wait_ns)

    def is_due(self, now_ns: int, held: Rank) -> bool:
        """After the silence: our back-off is over, and the peer has no better data (or had its chance)."""
        timing = self._timing
        self.again_ns = now_ns + min(timing.promise_ns, timing.backoff_ns)
        if self._at_ns is None:
            self._at_ns = now_ns + round(timing.backoff_ns * (1 + 4 * self._uniform()))
        if self._peer_has_better(now_ns, held):
            if self._deferred_since_ns is None:
                self._deferred_since_ns = now_ns
            if now_ns - self._deferred_since_ns < 2 * timing.stale_wait_ns:
                return False
        else:
            self._deferred_since_ns = None
            if now_ns < self._at_ns:
                self.again_ns = min(self.again_ns, self._at_ns)
                return False
        self._at_ns = None  # a new back-off before the next try
        return True

    def _peer_has_better(self, now_ns: int, held: Rank) -> bool:
        if self._peer_told_ns is None or now_ns - self._peer_told_ns > FRESH_PROMISES * self._timing.promise_ns:
            return False
        # Of two with equal data the first by name goes ahead.
        return (self._peer_rank, self._name) > (held, self._peer)
