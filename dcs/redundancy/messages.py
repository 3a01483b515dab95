"""What the three voters of a pair say to each other.

Called by   dcs.redundancy.protocol; dcs.redundancy.encoding for the wire.
Knows       names and numbers only. No clock, no socket.
"""

from typing import NamedTuple


class Generation(NamedTuple):
    """Which lineage of the state a copy belongs to: the epoch of the holder that opened it, and a count."""

    epoch: int = 0
    n: int = 0

    def __str__(self) -> str:
        return f"{self.epoch}.{self.n}"


NO_GENERATION = Generation(0, 0)

PROGRAM_BYTES = 8
NO_PROGRAM = bytes(PROGRAM_BYTES)
"""Keys of programs: which configuration, compiled by which software."""

# Why a voter refused. The order is the wire code.
GRANTED, PROMISED, EPOCH, GENERATION, WAITING, HEARD, UNKNOWN, TAKEN_OUT = range(8)
REASON_TEXT = (
    "granted",
    "promised to the other one",
    "a higher epoch is known",
    "a newer generation of the data is known",
    "waiting after a restart",
    "a candidate with better data was heard",
    "its own record was lost",
    "the asker was taken out of the pair",
)


class Request(NamedTuple):
    """REQ: give me, or renew, the output authority."""

    incarnation: int
    request_id: int
    epoch: int
    generation: Generation
    cold: bool
    alone: str = ""  # the voter set asked for: "" = all three, else the asker, which then depends on nobody


class Vote(NamedTuple):
    """A voter's answer to one request."""

    incarnation: int  # of the candidate that asked
    request_id: int
    reason: int  # GRANTED or why not
    epoch: int  # the highest the voter knows
    generation: Generation
    wait_ns: int  # a hint: ask again after this time on the voter's clock; 0 = no hint
    alone: str = ""  # with TAKEN_OUT: who stands alone …
    alone_epoch: int = 0  # … since which epoch


class Release(NamedTuple):
    """The holder gives the authority up; it will never use this epoch again."""

    incarnation: int
    epoch: int


class Query(NamedTuple):
    """What do you know? Asked by a voter that lost its record, and as a slow health check."""

    sent_ns: int  # the asker's clock, returned as it is


class Info(NamedTuple):
    """The answer to ``Query``."""

    sent_ns: int
    epoch: int
    generation: Generation
    known: bool  # False: the voter lost its own record
    alone: str = ""  # the voter set that it knows of: "" = all three, else who stands alone …
    alone_epoch: int = 0  # … and since which epoch
    agreed: bool = False  # the sender itself stands alone, and a majority has agreed to it


class Hello(NamedTuple):
    """A member without authority: who I am, what data I hold, whether I need a copy."""

    incarnation: int
    generation: Generation  # of the data I hold, complete or stale
    seq: int
    wants_copy: bool
    holder_incarnation: int  # the last copy I was sent: by whom …
    copy_id: int  # … and its number
    program: bytes = NO_PROGRAM  # the one that a copy could be read by
    software: str = ""  # what the bits of a result depend on beside the program


class Session(NamedTuple):
    """Which mirror a record or acknowledgement belongs to."""

    generation: Generation
    holder_incarnation: int
    standby_incarnation: int
    copy_id: int


class CopyBegin(NamedTuple):
    """A full copy follows: the state after scan ``base_seq``."""

    session: Session
    base_seq: int
    total_bytes: int
    slices: int


class CopySlice(NamedTuple):
    """One part of a full copy."""

    session: Session
    number: int
    data: bytes | memoryview


class Record(NamedTuple):
    """One scan of the active: everything the standby needs to repeat it, and the digest of the result."""

    session: Session
    seq: int
    digest: bytes
    data: bytes


class Measured(NamedTuple):
    """What the active has measured for its next scan, before that is due. Nobody answers; a later one counts more."""

    session: Session
    data: bytes


class Ack(NamedTuple):
    """What the standby holds: all slices below ``slices`` and all records up to ``seq``."""

    session: Session
    seq: int
    slices: int
    complete: bool
    gap: bool  # something before what I just received is missing
    mismatch: bool  # my result of a scan differs from the active's


class Finding(NamedTuple):
    """A scan's results differ; the sender has repeated its own."""

    session: Session
    seq: int
    repeats: bool  # it got its own result again


class Offer(NamedTuple):
    """One part of a program's configuration, in the stream: load it and answer with a verdict."""

    key: bytes
    number: int
    slices: int
    data: bytes


class Verdict(NamedTuple):
    """The standby's answer to an offer, in the stream."""

    key: bytes
    ok: bool
    text: str  # why not


class FieldTold(NamedTuple):
    """Which field devices a member reaches; masks over a list of devices that both know."""

    incarnation: int
    number: int  # of this message; the newest counts
    look: int  # ask your devices now, and answer with this number; 0 = nothing is asked
    answers_incarnation: int  # the look of the other one that this answers
    answers: int
    devices: bytes  # key of the list
    reached: int
    lost: int
    degraded: int


Message = (
    Request
    | Vote
    | Release
    | Query
    | Info
    | Hello
    | CopyBegin
    | CopySlice
    | Record
    | Measured
    | Ack
    | Finding
    | Offer
    | Verdict
    | FieldTold
)
