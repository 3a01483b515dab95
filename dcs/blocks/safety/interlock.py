"""Interlock or permissive group: up to 16 conditions make one release, and the first that failed is kept.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     the release is Uncertain (sub-normal) while a condition is Bad or bypassed; first-out survives a takeover.
Source      IEC 61511-1:2016, 11.3 and 11.8; ISA-5.1 (interlock: always; permissive: the same block without the latch).
"""

from collections.abc import Mapping
from typing import Any

from dcs.blocks.declare import Text, Translation, block_type, f8, i8, signal, signals, step
from dcs.blocks.safety.causes import (
    CAUSE_EVENTS,
    CAUSE_INPUTS,
    CAUSE_PARAMS,
    CAUSE_STATE,
    CAUSES,
    RESET,
    RESET_REFUSED,
    TRIPPED,
    judge_causes,
)
from dcs.blocks.safety.maintenance import (
    BYPASS_EVENTS,
    bypass_outputs,
    bypass_params,
    bypass_state,
    label_texts,
    manage_bypasses,
    reset_asked,
    say,
)
from dcs.core.status import STATUS_GOOD, SUB_NORMAL, UNCERTAIN, make_status

EVENT_SLOTS = 3 * CAUSES + 2


def translate_labels(given: Mapping[str, Any]) -> Translation:
    """``labels: [oil pressure, guard closed]``."""
    names = label_texts(given, CAUSES, "condition")
    return Translation({}, {"first_out": names, "event": names})


INTERLOCK = block_type(
    "INTERLOCK",
    "Interlock or permissive group",
    inputs=[signals("inp", CAUSES, "", "condition: 1 fulfilled"), *CAUSE_INPUTS],
    state=[
        *bypass_state(CAUSES),
        *CAUSE_STATE,
        i8("event", "lines for the journal", count=EVENT_SLOTS),
        f8("event_value", "", "what each is about", count=EVENT_SLOTS),
    ],
    outputs=[
        signal("out", "", "1 released, 0 blocked"),
        i8("tripped", "1 while blocked", low=0, high=1),
        i8("first_out", "condition that failed first"),
        i8("causes_active", "how many conditions are not fulfilled"),
        i8("reset_needed", "1 while only the reset is missing", low=0, high=1),
        *bypass_outputs(),
    ],
    params=[
        *CAUSE_PARAMS,
        i8("latch", "1: stays blocked until the reset", low=0, high=1),
        *bypass_params(CAUSES),
    ],
    optional_inputs=("inp", "permit", "reset_in"),
    published={
        "PV": "out",
        "TRIPPED": "tripped",
        "FIRST_OUT": "first_out",
        "CAUSES": "causes_active",
        "BYPASSED": "bypassed",
        "BYPASS_WARNING": "bypass_warning",
        "BYPASS_EXPIRED": "bypass_expired",
        "RESET_NEEDED": "reset_needed",
        "RESET": "reset",
        **{f"BYPASS_{number + 1}": f"bypass_{number + 1}" for number in range(CAUSES)},
    },
    writable=("RESET", *(f"BYPASS_{number + 1}" for number in range(CAUSES))),
    texts=[Text("labels", "names of the conditions, in order, for FIRST_OUT and the journal")],
    translate=translate_labels,
    events={
        **BYPASS_EVENTS,
        **CAUSE_EVENTS,
        TRIPPED: "blocked, first out: {name}",
        RESET: "is released again",
        RESET_REFUSED: "reset refused: {name} still stands",
    },
)


@step(INTERLOCK)
def interlock(b: Any, dt_s: float) -> None:
    """Released while every wired condition that is not bypassed is fulfilled; inputs are 1 fulfilled, 0 not.

    Without `latch` it follows its conditions (a permissive); with it, it stays blocked until the reset, which is
    refused while a condition is not fulfilled. With no input wired it is released. A Bad condition counts, by
    `bad_input`, as not fulfilled (`TRIP`), as it last was (`HOLD`) or as fulfilled (`IGNORE`).
    """
    manage_bypasses(b, CAUSES, dt_s)
    judge_causes(b)
    asked = reset_asked(b)
    before = b.tripped
    if b.causes_active > 0:
        b.tripped = 1
        if before == 0:
            b.first_out = oldest_cause(b)
            say(b, TRIPPED, b.first_out)
        elif asked and b.latch != 0:
            say(b, RESET_REFUSED, oldest_cause(b))
    elif before != 0 and (b.latch == 0 or asked):
        b.tripped = 0
        b.first_out = 0
        say(b, RESET, 0)
    b.reset_needed = 1 if b.tripped != 0 and b.causes_active == 0 else 0
    doubtful = b.bypassed > 0
    for i in range(CAUSES):
        doubtful = doubtful or (b.inp_linked[i] != 0 and b.bad[i] != 0)
    b.out = 1.0 - b.tripped
    b.out_status = make_status(UNCERTAIN, SUB_NORMAL) if doubtful else STATUS_GOOD


def oldest_cause(b: Any) -> int:
    """Number of the active condition that came first; the lowest number of those that came together."""
    found, oldest = 0, b.arrivals + 1
    for i in range(CAUSES):
        if b.active[i] != 0 and b.arrival[i] < oldest:
            found, oldest = i + 1, b.arrival[i]
    return found
