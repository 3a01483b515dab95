"""What the pure protocol asks of the world around it, and what a voter must remember.

Called by   the classes of this package; implemented by dcs.redundancy.runtime and by the simulation.
Knows       nothing but names. Every call returns at once; nothing here waits.
"""

from typing import NamedTuple, Protocol

from dcs.redundancy.messages import NO_GENERATION, Generation, Message


class VoterRecord(NamedTuple):
    """A voter's durable memory. It changes at takeover, exclusion and restart only, never per scan."""

    epoch: int = 0
    owner: str = ""
    owner_incarnation: int = 0
    generation: Generation = NO_GENERATION
    starts: int = 0  # of this node; the next one's incarnation is higher
    known: bool = True  # False: the record was lost once and is not yet rebuilt from the others
    alone: str = ""  # the voter set: "" = all three, else the member that stands alone (the other one is taken out)
    alone_epoch: int = 0  # the epoch with which the set was last heard to change
    agreed: bool = False  # this very member stands alone, and a majority of all three has recorded it


class VoterPorts(Protocol):
    """The world of a voter."""

    def save(self, record: VoterRecord) -> None:
        """Make the record durable before returning: the reply goes out after it."""
        ...

    def event(self, text: str) -> None:
        """Something a person should read."""
        ...


class CannotRestore(Exception):
    """A copy that this controller cannot read: it belongs to a program that is not loaded here."""


class ProgramPorts(Protocol):
    """The programs (compiled configurations) of a member; a key is eight bytes and names one."""

    def program(self) -> bytes:
        """The key of the one that is executed."""
        ...

    def offer(self) -> tuple[bytes, bytes]:
        """(key, configuration) of the one that is executed, for a standby that has another one."""
        ...

    def loaded(self, key: bytes) -> bool:
        """Could we follow a copy of that program now?"""
        ...

    def load(self, key: bytes, data: bytes) -> None:
        """Load it apart from the scan; answer with ``PairMember.decided``."""
        ...

    def verdict(self, key: bytes, ok: bool, text: str) -> None:
        """As the active: the standby's answer to an offer."""
        ...


class MemberPorts(VoterPorts, Protocol):
    """The world of a member of a pair."""

    def send(self, to: str, message: Message) -> None:
        """A datagram: may be lost, repeated, overtaken."""
        ...

    def send_mirror(self, message: Message) -> None:
        """Into the ordered stream to the peer; lost when the stream breaks."""
        ...

    def look(self, devices: int) -> None:
        """Ask these field devices now (bits of ``DeviceList``); ``set_field`` then and with each answer."""
        ...

    def snapshot(self) -> tuple[int, bytes | memoryview] | None:
        """(number of the last scan, whole state after it), which stays as it is until the next call.

        None: it is taken after the next scan, and given to ``copy_taken``.
        """
        ...

    def restore(self, seq: int, state: bytes | memoryview) -> None:
        """Take over a whole state: that after scan ``seq``. Raises ``CannotRestore``; then nothing has changed."""
        ...

    def execute(self, seq: int, record: bytes) -> bytes:
        """Repeat the active's scan ``seq``; the digest of the result."""
        ...

    def became_active(self, epoch: int, reason: str, cold: bool) -> None:
        """The output authority is ours until the lease ends; ``cold`` = data may be older than acknowledged."""
        ...

    def became_standby(self, reason: str) -> None:
        """The output authority is no longer ours."""
        ...

    def confirmed(self, seq: int) -> None:
        """Commands applied up to scan ``seq`` may be answered."""
        ...
