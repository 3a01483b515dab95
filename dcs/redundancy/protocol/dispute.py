"""Two controllers repeated the same scan and their results differ: which of them is wrong?

Called by   MirrorSource (as the active) and MirrorSink (as the standby).
Knows       findings. Who repeats what, and from which state, is the controller's affair (``ExecutionPorts``).
Rules       docs/explanations/state-transfer.md, decision 0016.

Each repeats its last scans from the last state that both had agreed on, apart from the scan. Who does not get its own
result again is wrong: its memory was damaged. Who gets it again is right as far as it can know.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

RECHECK_FACTOR = 100
"""Mirror times within which both must have said what they find."""


class ExecutionPorts(Protocol):
    """How a member executes: by which software, and whether its results can be repeated."""

    def software(self) -> str:
        """What the bits of a result depend on beside the program: ``numba 0.61.2; cpu skylake; …``."""
        ...

    def mirror_begins(self, by_copy: bool) -> None:
        """As the active: a snapshot follows; ``by_copy``: every record from it on must carry the result itself."""
        ...

    def mirror_ends(self) -> None:
        """As the active: nobody follows any more."""
        ...

    def measured(self, data: bytes) -> None:
        """As the standby: what the active has measured for its next scan."""
        ...

    def recheck(self, seq: int) -> None:
        """Repeat the scans up to ``seq``, apart from the scan; answer with ``PairMember.rechecked``."""
        ...


class Verdict(Enum):
    """What the two findings mean."""

    OPEN = "not both are known"
    STANDBY_WRONG = "the standby cannot repeat its own result"
    ACTIVE_WRONG = "the active cannot repeat its own result"
    BOTH_WRONG = "neither can repeat its own result"
    NONE_WRONG = "both repeat their own result"


@dataclass
class Dispute:
    """As the active: one scan, and what each side finds about its own result."""

    seq: int
    ends_ns: int
    ours: bool | None = None
    theirs: bool | None = None

    @property
    def verdict(self) -> Verdict:
        """Who is wrong."""
        if self.ours is None or self.theirs is None:
            return Verdict.OPEN
        if self.ours:
            return Verdict.NONE_WRONG if self.theirs else Verdict.STANDBY_WRONG
        return Verdict.ACTIVE_WRONG if self.theirs else Verdict.BOTH_WRONG


def other_software(ours: str, theirs: str) -> str:
    """What differs, in words; "" when nothing does, or when it is not known."""
    if not ours or not theirs or ours == theirs:
        return ""
    mine, other = ours.split("; "), theirs.split("; ")
    here = [part for part in mine if part not in other]
    there = [part for part in other if part not in mine]
    return f"{', '.join(there) or 'nothing more'} there, {', '.join(here) or 'nothing more'} here"
