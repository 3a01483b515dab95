"""How redundancy is, for people: what NodeReport, ``dcs status`` and the metrics are made from.

Called by   dcs.redundancy.runtime and dcs.redundancy.witness (write), dcs.node (read).
Knows       numbers and names.
"""

from dataclasses import dataclass

from dcs.core.clock import NS_PER_MS
from dcs.redundancy.protocol import PairMember


@dataclass(frozen=True, slots=True)
class VoterLink:
    """One of the two others as this member sees it."""

    name: str
    kind: str  # pair | witness
    state: str  # up | down
    round_trip_ms: float | None


@dataclass(frozen=True, slots=True)
class MemberReport:
    """How redundancy is, for NodeReport and metrics."""

    state: str  # starting | synchronising | ready | out | active | isolated | failed
    role: str  # active | standby
    epoch: int
    sync_pct: float
    standby_ready: bool  # only known to the active
    granting: int  # voters that granted lately, of 3; 0 for a standby, 1 for one that stands alone
    lease_left_ms: float  # 0 for one that needs no lease
    standby: str = ""  # as the active of a pair sees it: ready | synchronising | missing | suspended | out
    links: tuple[VoterLink, ...] = ()
    mirror_round_trip_ms: float | None = None
    takeovers: int = 0
    exclusions: int = 0
    copies: int = 0
    mismatches: int = 0
    by_copy: str = ""  # how the standby's software differs: it is mirrored by copy
    suspended: str = ""  # why no copy is made until somebody asks for it
    malformed: int = 0


def as_ms(duration_ns: int | None) -> float | None:
    """Nanoseconds as milliseconds; unknown stays unknown."""
    return None if duration_ns is None else duration_ns / NS_PER_MS


def others_stand(member: PairMember | None, now_ns: int) -> tuple[str, bool]:
    """(how the standby is as the active sees it, "" for anybody else; whether the witness is heard)."""
    if member is None:
        return "", False
    return member.standby, member.neighbours.hears(member.witness, now_ns)


def voter_links(member: PairMember, now_ns: int) -> tuple[VoterLink, ...]:
    """The two others as this member sees them; what a question to one that is down once took says nothing."""
    links = []
    for voter, kind in ((member.peer, "pair"), (member.witness, "witness")):
        is_up = member.neighbours.hears(voter, now_ns)
        round_trip_ns = member.authority.round_trip_ns.get(voter) if is_up else None
        links.append(VoterLink(voter, kind, "up" if is_up else "down", as_ms(round_trip_ns)))
    return tuple(links)
