"""What the reached field devices decide: whether a member may ask, and whether an active should hand over.

Called by   PairMember: ``may_ask`` before it asks for the authority, ``should_hand_over`` after each scan.
Knows       how many devices each side reaches (-1 = unknown), and times.
Behaviour   docs/explanations/redundancy.md, rule 11. No score overrides a lease.
"""

from dcs.redundancy.timing import LeaseTiming

SCANS_BETTER = 3  # the standby's field path must be better for so many scans before a switchover


class FieldChoice:
    """One member's view."""

    def __init__(self, timing: LeaseTiming) -> None:
        self._timing = timing
        self._blind_since_ns: int | None = None  # since when we reach no field device
        self._scans_better = 0

    def may_ask(self, now_ns: int, own_score: int) -> bool:
        """Reaching no field device, we leave the authority to the other one for a while."""
        if own_score != 0:
            self._blind_since_ns = None
            return True
        if self._blind_since_ns is None:
            self._blind_since_ns = now_ns
        return now_ns - self._blind_since_ns >= self._timing.stale_wait_ns

    def term_begins(self) -> None:
        """We hold the authority now."""
        self._scans_better = 0

    def should_hand_over(self, now_ns: int, own_score: int, standby_score: int, switched_ns: int) -> str:
        """Once per scan of the active: the reason for a switchover, or ""."""
        if not standby_score > own_score >= 0:
            self._scans_better = 0
            return ""
        self._scans_better += 1
        if self._scans_better < SCANS_BETTER or now_ns - switched_ns < self._timing.switch_pause_ns:
            return ""
        return "the standby reaches more field devices"
