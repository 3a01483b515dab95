"""The protocol with nothing broken: the base of all mutants, and what a mutant may change.

Called by   tests.simulation.redundancy_world, which asks it for the classes and the world's flags.
Knows       the classes of the protocol that can be replaced.
"""

from dcs.redundancy.protocol import Authority, MirrorSource, PairMember, Voter, VoterRecord
from dcs.redundancy.timing import LeaseTiming


class Mutant:
    """Nothing broken; the base of all mutants."""

    checks_early = False  # the gate is asked at the start of the scan instead of at the send
    device_ignores_epochs = False
    first_write_waits = False  # a new holder's first write comes with its next scan
    clock_stops = False  # a clock stands still while its node is paused
    voter_class: type[Voter] = Voter
    authority_class: type[Authority] = Authority
    source_class: type[MirrorSource] = MirrorSource
    base_member: type[PairMember] = PairMember

    def __init__(self) -> None:
        attributes = {
            "voter_class": self.voter_class,
            "authority_class": self.authority_class,
            "source_class": self.source_class,
        }
        self.member_class: type[PairMember] = type("Member", (self.base_member,), attributes)

    def timing(self) -> LeaseTiming:
        return LeaseTiming()

    def loads(self, record: VoterRecord | None, name: str) -> VoterRecord | None:
        return record
