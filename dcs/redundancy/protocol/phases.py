"""The life of a member as a table: in which phase what may happen, what is done, and what the next phase is.

Called by   PairMember, which changes its phase through ``Life.take`` only; docs/generator makes the page of the table.
Knows       names. No data, no time, no messages.
Behaviour   docs/reference/redundancy-transitions.md (made from ``TRANSITIONS``), docs/explanations/redundancy.md.

What happens in a phase without leaving it (renewing, answering, acknowledging) is not in the table.
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """Where a member is in its life. The value is what a person reads; the comment of each is in ``MEANING``."""

    STARTING = "starting"
    SYNCHRONISING = "synchronising"
    READY = "ready"
    CANDIDATE = "candidate"
    COLD_CANDIDATE = "cold candidate"
    RECORDING = "active, recording"
    ALONE = "active, alone"
    COPYING = "active, copying"
    MIRRORED = "active, mirrored"
    HANDING_OVER = "active, handing over"
    TAKING_OUT = "active, taking the standby out"
    SIMPLEX = "active, simplex"
    OUT = "out"


MEANING = {
    Phase.STARTING: "holds no data that could be used, and asks for a copy whenever it hears an active",
    Phase.SYNCHRONISING: "receives a copy of the active's state",
    Phase.READY: "holds everything; its own voter is bound to the active, so it does not ask",
    Phase.CANDIDATE: "holds everything, hears no active, and asks the voters for the authority",
    Phase.COLD_CANDIDATE: "nobody with complete data was heard for long; asks although its data may be old",
    Phase.RECORDING: "drives the outputs; answers no command until a majority has recorded its newest generation",
    Phase.ALONE: "drives the outputs; a majority has shut older data out, so commands are answered without a standby",
    Phase.COPYING: "drives the outputs; a copy is on its way to the standby",
    Phase.MIRRORED: "drives the outputs; the standby repeats every scan, and its acknowledgement answers commands",
    Phase.HANDING_OVER: "the gate is closed; waits for the standby's last acknowledgement",
    Phase.TAKING_OUT: "drives the outputs; asks the voters to record that it stands alone",
    Phase.SIMPLEX: "drives the outputs by its own durable record; needs no lease and depends on nobody",
    Phase.OUT: "was taken out of the pair: neither asks nor holds data, but still votes (against itself)",
}

BY_COMMAND = frozenset({Phase.HANDING_OVER, Phase.TAKING_OUT, Phase.SIMPLEX})
"""Phases that begin with a command: the mirror alone does not move a member on."""
HOLDING = frozenset({Phase.RECORDING, Phase.ALONE, Phase.COPYING, Phase.MIRRORED}) | BY_COMMAND
"""The phases in which a member has the authority (the gate also looks at the lease)."""
ASKING = frozenset({Phase.CANDIDATE, Phase.COLD_CANDIDATE})
DATA_PHASE = {phase: phase for phase in (Phase.STARTING, Phase.SYNCHRONISING, Phase.READY)} | {
    Phase.CANDIDATE: Phase.READY
}
"""What a phase without authority says about the member's data."""


class Event(StrEnum):
    """What moves a member from one phase to another."""

    COPY_BEGUN = "a copy begins"
    COMPLETE = "the standby's data are complete"
    OUTDATED = "the data are outdated, or the copy is broken"
    SEEKS = "no promise binds the own voter"
    COLD_IS_DUE = "long silence, and nobody has better data"
    BOUND = "the own voter is bound to another, or waits after its restart"
    BETTER_HEARD = "one with better data is heard"
    WON = "two voters granted one request"
    RECORDED = "a majority has recorded the generation"
    SHUT_OUT = "the standby is silent, differs or was restarted"
    SWITCH = "a switchover is commanded"
    NOT_FOLLOWED = "the standby did not follow in time"
    FOLLOWED = "the standby has acknowledged the last scan"
    LEASE_ENDED = "the lease ended"
    TAKE_OUT = "the standby is to be taken out"
    AGREED = "a majority of all three has recorded it"
    BRING_BACK = "the standby is to be brought back, and both others answer"
    STARTS_ALONE = "the own record says: alone, and agreed"
    TAKEN_OUT = "the own voter's record says that the other stands alone"
    BROUGHT_BACK = "the other says that all three vote again"


@dataclass(frozen=True, slots=True)
class Transition:
    """One row. ``actions`` are methods of PairMember, called in this order after the phase has changed."""

    phase: Phase
    event: Event
    next: Phase
    actions: tuple[str, ...] = ()


_P, _E = Phase, Event
_LOSE = ("close_gate", "keep_claim", "step_down")
_TAKE_OUT = ("exclude_standby", "ask_alone")
_OUT = ("stop_asking", "drop_data")

TRANSITIONS: tuple[Transition, ...] = (
    Transition(_P.STARTING, _E.COPY_BEGUN, _P.SYNCHRONISING),
    Transition(_P.STARTING, _E.COMPLETE, _P.READY),
    Transition(_P.STARTING, _E.COLD_IS_DUE, _P.COLD_CANDIDATE),
    Transition(_P.STARTING, _E.STARTS_ALONE, _P.SIMPLEX, ("start_alone", "open_gate", "tell_active")),
    Transition(_P.STARTING, _E.TAKEN_OUT, _P.OUT, _OUT),
    Transition(_P.SYNCHRONISING, _E.COMPLETE, _P.READY),
    Transition(_P.SYNCHRONISING, _E.OUTDATED, _P.STARTING),
    Transition(_P.SYNCHRONISING, _E.COLD_IS_DUE, _P.COLD_CANDIDATE),
    Transition(_P.SYNCHRONISING, _E.TAKEN_OUT, _P.OUT, _OUT),
    Transition(_P.READY, _E.COPY_BEGUN, _P.SYNCHRONISING),
    Transition(_P.READY, _E.OUTDATED, _P.STARTING),
    Transition(_P.READY, _E.SEEKS, _P.CANDIDATE),
    Transition(_P.READY, _E.TAKEN_OUT, _P.OUT, _OUT),
    Transition(_P.CANDIDATE, _E.COPY_BEGUN, _P.SYNCHRONISING, ("stop_asking",)),
    Transition(_P.CANDIDATE, _E.OUTDATED, _P.STARTING, ("stop_asking",)),
    Transition(_P.CANDIDATE, _E.BOUND, _P.READY, ("stop_asking",)),
    Transition(_P.CANDIDATE, _E.COLD_IS_DUE, _P.COLD_CANDIDATE),
    Transition(_P.CANDIDATE, _E.TAKEN_OUT, _P.OUT, _OUT),
    Transition(_P.CANDIDATE, _E.WON, _P.RECORDING, ("open_term", "open_gate", "tell_active")),
    Transition(_P.COLD_CANDIDATE, _E.COPY_BEGUN, _P.SYNCHRONISING, ("stop_asking",)),
    Transition(_P.COLD_CANDIDATE, _E.BOUND, _P.STARTING, ("stop_asking",)),
    Transition(_P.COLD_CANDIDATE, _E.BETTER_HEARD, _P.STARTING, ("stop_asking",)),
    Transition(_P.COLD_CANDIDATE, _E.SEEKS, _P.CANDIDATE),
    Transition(_P.COLD_CANDIDATE, _E.WON, _P.RECORDING, ("open_term", "open_gate", "tell_active")),
    Transition(_P.COLD_CANDIDATE, _E.TAKEN_OUT, _P.OUT, _OUT),
    Transition(_P.RECORDING, _E.RECORDED, _P.ALONE),
    Transition(_P.RECORDING, _E.COPY_BEGUN, _P.COPYING),
    Transition(_P.RECORDING, _E.TAKE_OUT, _P.TAKING_OUT, _TAKE_OUT),
    Transition(_P.RECORDING, _E.LEASE_ENDED, _P.READY, _LOSE),
    Transition(_P.ALONE, _E.COPY_BEGUN, _P.COPYING),
    Transition(_P.ALONE, _E.TAKE_OUT, _P.TAKING_OUT, _TAKE_OUT),
    Transition(_P.ALONE, _E.LEASE_ENDED, _P.READY, _LOSE),
    Transition(_P.COPYING, _E.COMPLETE, _P.MIRRORED),
    Transition(_P.COPYING, _E.SHUT_OUT, _P.RECORDING, ("ask_at_once",)),
    Transition(_P.COPYING, _E.TAKE_OUT, _P.TAKING_OUT, _TAKE_OUT),
    Transition(_P.COPYING, _E.LEASE_ENDED, _P.READY, _LOSE),
    Transition(_P.MIRRORED, _E.SHUT_OUT, _P.RECORDING, ("ask_at_once",)),
    Transition(_P.MIRRORED, _E.SWITCH, _P.HANDING_OVER, ("hold_gate",)),
    Transition(_P.MIRRORED, _E.TAKE_OUT, _P.TAKING_OUT, _TAKE_OUT),
    Transition(_P.MIRRORED, _E.LEASE_ENDED, _P.READY, _LOSE),
    Transition(_P.HANDING_OVER, _E.NOT_FOLLOWED, _P.MIRRORED, ("give_switchover_up", "open_gate")),
    Transition(_P.HANDING_OVER, _E.SHUT_OUT, _P.RECORDING, ("ask_at_once", "give_switchover_up", "open_gate")),
    Transition(_P.HANDING_OVER, _E.FOLLOWED, _P.READY, ("close_gate", "release", *_LOSE[1:], "let_the_other_first")),
    Transition(_P.HANDING_OVER, _E.LEASE_ENDED, _P.READY, _LOSE),
    Transition(_P.TAKING_OUT, _E.AGREED, _P.SIMPLEX, ("stand_alone", "open_gate")),
    Transition(_P.TAKING_OUT, _E.LEASE_ENDED, _P.READY, ("close_gate", "withdraw", *_LOSE[1:])),
    Transition(_P.SIMPLEX, _E.BRING_BACK, _P.RECORDING, ("ask_all_again", "open_gate")),
    Transition(_P.OUT, _E.BROUGHT_BACK, _P.STARTING),
)

_BY_PHASE_AND_EVENT = {(row.phase, row.event): row for row in TRANSITIONS}


class Undeclared(AssertionError):
    """The code wants a transition that the table does not have: a bug in the protocol."""


class Life:
    """The phase of one member, and how often each row of the table was taken."""

    __slots__ = ("active", "phase", "taken")

    def __init__(self) -> None:
        self.phase = Phase.STARTING
        self.active = False  # the phase is one of HOLDING
        self.taken: Counter[Transition] = Counter()

    def take(self, event: Event) -> Transition:
        """Change the phase. Raises ``Undeclared`` when the table has no such row; then nothing has changed."""
        row = _BY_PHASE_AND_EVENT.get((self.phase, event))
        if row is None:
            raise Undeclared(f"redundancy: in phase '{self.phase}' nothing is declared for '{event}'")
        self.phase = row.next
        self.active = row.next in HOLDING
        self.taken[row] += 1
        return row
