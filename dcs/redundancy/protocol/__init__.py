"""The redundancy protocol, pure: messages and the own clock's time go in, messages and decisions come out.

Called by   dcs.redundancy.runtime (wall clock and box) and the randomised simulation in the tests.
Knows       no asyncio, time, socket, logging or random; import-linter checks that.
Behaviour   docs/explanations/redundancy.md.
"""

from dcs.redundancy.protocol.authority import Authority
from dcs.redundancy.protocol.config import PairConfig
from dcs.redundancy.protocol.member import PairMember
from dcs.redundancy.protocol.mirror_sink import MirrorSink
from dcs.redundancy.protocol.mirror_source import MirrorSource
from dcs.redundancy.protocol.ports import CannotRestore, MemberPorts, ProgramPorts, VoterPorts, VoterRecord
from dcs.redundancy.protocol.voter import Voter

__all__ = [
    "Authority",
    "CannotRestore",
    "MemberPorts",
    "MirrorSink",
    "MirrorSource",
    "PairConfig",
    "PairMember",
    "ProgramPorts",
    "Voter",
    "VoterPorts",
    "VoterRecord",
]
