"""State of a unit: stopped, starting, running, tripped …, as one variable that everybody reads.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, the time since the last scan. No clock, no I/O, no log.
Promise     logic wins over the sequence, the sequence (in Auto) over the operator (in Man); a state that was set stays
            when whoever set it lets go. Each change is journalled. Alarms that are suppressed by design, displays and
            scenarios read STATE or the terminals ``in_state_n``.
Source      plant states of ISA-18.2 / IEC 62682 (state-based alarming); unit states as in ISA-106.
"""

from collections.abc import Mapping
from typing import Any

from dcs.blocks.declare import Text, Translation, block_type, coded, discrete, f8, i8, signal, step
from dcs.blocks.discrete.truth import TRUE, as_number, forwarded, selection, truth
from dcs.blocks.handshake import AS_ASKED, INPUT_BAD, REASON_CHOICES, STARTING, TRACKING
from dcs.core.errors import ConfigError
from dcs.core.modes import AUTO, LO, LOCAL_TARGET_CHOICES, MAN, MODE_CHOICES, OOS, mode_mask
from dcs.core.status import STATUS_GOOD, STATUS_OOS

STATES = 16
CHANGED = 1


def translate(given: Mapping[str, Any]) -> Translation:
    """Names to codes 0, 1, 2 … in their order."""
    names = given.get("states")
    if not isinstance(names, list) or not all(isinstance(name, str) and name.strip() for name in names):
        raise ConfigError("states must be a list of names. Write `states: [stopped, starting, running, tripped]`.")
    if not 2 <= len(names) <= STATES:
        raise ConfigError(f"states has {len(names)} names, but 2 to {STATES} are possible. Correct the list.")
    folded = [name.upper() for name in names]
    if len(set(folded)) < len(names):
        twice = next(name for name in names if folded.count(name.upper()) > 1)
        raise ConfigError(f"states: the name `{twice}` stands twice. Rename one.")
    initial = given.get("initial", names[0])
    if not isinstance(initial, str) or initial.upper() not in folded:
        raise ConfigError(f"initial is `{initial}`, but must be one of {', '.join(names)}.")
    labels = tuple(names)
    return Translation(
        {"state_count": float(len(names)), "sp": float(folded.index(initial.upper()))},
        {"state": labels, "sp": labels, "event": labels},
    )


UNIT_STATE = block_type(
    "UNIT_STATE",
    "State of a unit",
    inputs=[
        discrete("set_in", "TRUE sets the state of this number, counted from 1; the last one wins", count=STATES),
        signal("sequence_in", "", "number of the state that the sequence sets, from 1; taken in Auto"),
    ],
    state=[
        i8("sequence_in_linked", "1 when SEQUENCE_IN is wired"),
        i8("started", "1 once the first state is set"),
        f8("elapsed_s", "s", "period plus declared slips"),
        i8("event", "what the journal hears"),
        f8("event_value", "", "code of the new state"),
    ],
    outputs=[
        coded("state", "state of the unit"),
        discrete("in_state", "TRUE while the unit is in the state of this number", count=STATES),
        f8("since_s", "s", "time in this state"),
        i8("mode", "actual mode", choices=MODE_CHOICES),
        i8("reason", "why the actual mode is not the target", choices=REASON_CHOICES),
    ],
    params=[
        i8("sp", "state that the operator sets", low=0, high=STATES - 1, write_in=(MAN,)),
        i8("state_count", "how many states there are", default=STATES, low=2, high=STATES),
        i8("target", "mode asked for", default=MAN, choices=LOCAL_TARGET_CHOICES),
        i8("normal", "mode in normal operation", default=MAN, choices=LOCAL_TARGET_CHOICES),
        i8("permitted", "mask of permitted modes", default=mode_mask((OOS, MAN, AUTO))),
    ],
    optional_inputs=("set_in", "sequence_in"),
    published={
        "STATE": "state",
        "SP": "sp",
        "SINCE": "since_s",
        "MODE": "mode",
        "TARGET": "target",
        "NORMAL": "normal",
    },
    writable=("SP", "MODE", "TARGET"),
    texts=[
        Text("states", "names of the states, in order"),
        Text("initial", "the state at the first start; the first one when not given"),
    ],
    translate=translate,
    by_texts=("state_count", "sp"),
    events={CHANGED: "is now {name}"},
)


@step(UNIT_STATE)
def unit_state(b: Any, dt_s: float) -> None:
    """State = last TRUE of SET_IN (mode LO), else SEQUENCE_IN in Auto, else SP; held while there is none of them."""
    mode_before = b.mode
    b.mode, b.reason = b.target, AS_ASKED
    if mode_before == OOS and b.target not in (OOS, MAN):
        b.mode, b.reason = MAN, STARTING
    status = STATUS_GOOD
    if b.mode != OOS:
        wanted = 0
        for i in range(STATES):
            if i < b.state_count and truth(b.set_in[i], b.set_in_status[i]) == TRUE:
                wanted = i + 1
        if wanted > 0:
            b.mode, b.reason = LO, TRACKING
        elif b.mode == AUTO and b.sequence_in_linked != 0:
            wanted = selection(b.sequence_in, b.sequence_in_status, b.state_count)
            status = forwarded(b.sequence_in, b.sequence_in_status)
            if wanted == 0:
                b.reason = INPUT_BAD
        if wanted > 0:
            b.sp = wanted - 1
        enter(b)
    b.state_status = STATUS_OOS if b.mode == OOS else status
    for i in range(STATES):
        b.in_state[i] = as_number(TRUE if b.state == 1.0 * i else 0)
        b.in_state_status[i] = b.state_status


def enter(b: Any) -> None:
    """Take SP as the state; the journal hears of a change."""
    if b.started == 0 or b.state != 1.0 * b.sp:
        if b.started != 0:
            b.event, b.event_value = CHANGED, 1.0 * b.sp
        b.state = 1.0 * b.sp
        b.since_s = 0.0
        b.started = 1
    else:
        b.since_s = b.since_s + b.elapsed_s
