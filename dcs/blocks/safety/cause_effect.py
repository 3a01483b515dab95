"""Cause-and-effect matrix: up to 16 causes trip up to 16 effects, each with its first-out, latch and reset.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     an effect that has tripped stays so until its causes are gone and it is reset; first-out, timers, bypasses
            are state, so they survive a takeover. An effect is Uncertain (sub-normal) while a cause of it is Bad or
            bypassed or while it is inhibited, and never Bad.
Source      IEC 61511-1:2016, 10.3 and 11.8; ISA-TR84.00.09 and IEC 62881 (form of the matrix).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from dcs.alarms.machine import delay_over
from dcs.blocks.declare import ParamValue, Text, block_type, f8, i8, signals, step
from dcs.blocks.safety.causes import (
    CAUSE_EVENTS,
    CAUSE_INPUTS,
    CAUSE_PARAMS,
    CAUSE_STATE,
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
    manage_bypasses,
    reset_asked,
    say,
)
from dcs.blocks.safety.matrix import CAUSES, EFFECTS, FIRST_GROUP, GROUPS, NO_MARK, PAIRS_AT, TRIPS, translate_matrix
from dcs.core.status import STATUS_GOOD, SUB_NORMAL, UNCERTAIN, make_status

EVENT_SLOTS = 3 * CAUSES + 2 * EFFECTS


def check_wires(params: Mapping[str, ParamValue], wired: frozenset[str]) -> Iterable[str]:
    """Every row of the matrix has its wire, and every wire its row."""
    causes = params["causes"]
    if not isinstance(causes, int | float) or causes == 0:
        return
    for number in range(1, CAUSES + 1):
        name = f"inp_{number}"
        if number <= causes and name not in wired:
            yield f"row {number} of the matrix has no wire. Add `{name}: …` below `inputs`, or delete the row."
        if number > causes and name in wired:
            yield f"`{name}` is wired, but the matrix has {causes:g} rows. Add a row, or delete the wire."


CAUSE_EFFECT = block_type(
    "CAUSE_EFFECT",
    "Cause-and-effect matrix",
    inputs=[signals("inp", CAUSES, "", "cause of that row"), *CAUSE_INPUTS],
    state=[
        *bypass_state(CAUSES + EFFECTS),
        *CAUSE_STATE,
        f8("timer_s", "s", "how long a cause has asked for an effect", count=CAUSES * EFFECTS),
        f8("group_timer_s", "s", "how long a group has asked for an effect", count=EFFECTS * GROUPS),
        i8("event", "lines for the journal", count=EVENT_SLOTS),
        f8("event_value", "", "what each is about", count=EVENT_SLOTS),
    ],
    outputs=[
        signals("effect", EFFECTS, "", "effect of that column: 1 normal, 0 tripped (de-energise to trip)"),
        i8("tripped", "1 while the effect is tripped, also while inhibited", low=0, high=1, count=EFFECTS),
        i8("first_out", "cause that tripped it first", count=EFFECTS),
        i8("causes_active", "how many causes ask for a trip"),
        i8("effects_tripped", "how many effects are tripped"),
        i8("inhibited", "how many effects are inhibited"),
        i8("reset_needed", "1 while an effect waits for the reset only", low=0, high=1),
        *bypass_outputs(),
    ],
    params=[
        *CAUSE_PARAMS,
        *bypass_params(CAUSES + EFFECTS),
        i8("causes", "rows of the matrix"),
        i8("effects", "columns of the matrix"),
        i8("mark", "what stands where row and column cross: 0 nothing, 1 trip, 2 … 5 group", count=CAUSES * EFFECTS),
        f8("delay_s", "s", "its time", count=CAUSES * EFFECTS),
        i8("need", "votes that a group needs", count=EFFECTS * GROUPS),
        i8("auto", "1: the effect needs no reset", count=EFFECTS),
    ],
    optional_inputs=("inp", "permit", "reset_in"),
    published={
        "PV": "effects_tripped",
        "TRIPPED": "effects_tripped",
        "CAUSES": "causes_active",
        "BYPASSED": "bypassed",
        "BYPASS_WARNING": "bypass_warning",
        "BYPASS_EXPIRED": "bypass_expired",
        "INHIBITED": "inhibited",
        "RESET_NEEDED": "reset_needed",
        "RESET": "reset",
        **{f"EFFECT_{number}": f"effect_{number}" for number in range(1, EFFECTS + 1)},
        **{f"FIRST_OUT_{number}": f"first_out_{number}" for number in range(1, EFFECTS + 1)},
        **{f"BYPASS_{number}": f"bypass_{number}" for number in range(1, CAUSES + 1)},
        **{f"INHIBIT_{number}": f"bypass_{CAUSES + number}" for number in range(1, EFFECTS + 1)},
    },
    writable=(
        "RESET",
        *(f"BYPASS_{number}" for number in range(1, CAUSES + 1)),
        *(f"INHIBIT_{number}" for number in range(1, EFFECTS + 1)),
    ),
    texts=[
        Text("matrix", "list of rows; the first names the effects, each other one a cause and its marks"),
        Text("auto_reset", "list of the effects that need no reset"),
    ],
    translate=translate_matrix,
    by_texts=("causes", "effects", "mark", "delay_s", "need", "auto"),
    check=check_wires,
    events={
        **BYPASS_EVENTS,
        **CAUSE_EVENTS,
        TRIPPED: "tripped {name}",
        RESET: "reset {name}",
        RESET_REFUSED: "reset refused: {name} still asks for the trip",
    },
)


@step(CAUSE_EFFECT)
def cause_effect(b: Any, dt_s: float) -> None:
    """Trips the effect of a column when a cause marked in it asks for it; both ask by 0 (`trip_on: ONE` turns causes).

    | mark | the effect trips when |
    | --- | --- |
    | `T` | the cause asks for it |
    | `T 5 s` | the cause has asked for it for 5 s without a break |
    | `V2` | at least 2 of the causes marked `V2` in the column ask for it |
    | `V2 B 5 s` | the same for group B of the column (A when not named; A to D), for 5 s |

    A tripped effect is reset by `RESET` or `reset_in` once no cause asks for it any more (effects in `auto_reset` by
    themselves). First-out is the cause whose mark tripped the effect; of several in one scan, the one that came
    first, and of those that came together the upper one. A bypassed cause asks for nothing. An inhibited effect keeps
    its output at 1 and is counted as tripped all the same. A Bad cause asks for the trip (`bad_input: TRIP`), does
    what it last did (`HOLD`) or nothing (`IGNORE`): after a cold start everything that is not read yet trips, and is
    reset by the operator.
    """
    manage_bypasses(b, CAUSES + EFFECTS, dt_s)
    judge_causes(b)
    asked = reset_asked(b)
    b.effects_tripped = 0
    b.inhibited = 0
    b.reset_needed = 0
    for e in range(b.effects):
        before = b.tripped[e]
        first = demand_on(b, e, dt_s)
        standing = first_asking(b, e)
        if first != 0:
            b.tripped[e] = 1
            if before == 0:
                b.first_out[e] = first
                say(b, TRIPPED, PAIRS_AT + e * (CAUSES + 1) + first)
        if before != 0 and first == 0:
            if standing == 0 and (asked or b.auto[e] != 0):
                b.tripped[e] = 0
                b.first_out[e] = 0
                say(b, RESET, CAUSES + 1 + e)
            elif standing == 0:
                b.reset_needed = 1
        if asked and before != 0 and standing != 0:
            say(b, RESET_REFUSED, PAIRS_AT + e * (CAUSES + 1) + standing)
        b.effects_tripped += b.tripped[e]
        hold = b.standing[CAUSES + e]
        b.inhibited += hold
        b.effect[e] = 1.0 if b.tripped[e] == 0 or hold != 0 else 0.0
        b.effect_status[e] = make_status(UNCERTAIN, SUB_NORMAL) if hold != 0 or doubtful(b, e) else STATUS_GOOD
    b.bypassed -= b.inhibited  # what is left are causes


def demand_on(b: Any, e: int, dt_s: float) -> int:
    """Cause (1 … 16) that trips effect ``e`` in this scan: the one that came first, then the upper one; 0 for none."""
    found, oldest = 0, b.arrivals + 1
    for c in range(b.causes):
        at = c * EFFECTS + e
        if b.mark[at] != TRIPS or b.active[c] == 0:
            b.timer_s[at] = 0.0
        elif not delay_over(b.timer_s[at], b.delay_s[at], dt_s):
            b.timer_s[at] = b.timer_s[at] + b.elapsed_s
        elif b.arrival[c] < oldest:
            found, oldest = c + 1, b.arrival[c]
    for group in range(GROUPS):
        place = e * GROUPS + group
        if b.need[place] == 0:
            continue
        votes, earliest, first, delay_s = 0, b.arrivals + 1, 0, 0.0
        for c in range(b.causes):
            at = c * EFFECTS + e
            if b.mark[at] == FIRST_GROUP + group:
                delay_s = b.delay_s[at]
                if b.active[c] != 0:
                    votes += 1
                    if b.arrival[c] < earliest:
                        earliest, first = b.arrival[c], c + 1
        if votes < b.need[place]:
            b.group_timer_s[place] = 0.0
        elif not delay_over(b.group_timer_s[place], delay_s, dt_s):
            b.group_timer_s[place] = b.group_timer_s[place] + b.elapsed_s
        elif earliest < oldest or (earliest == oldest and first < found):
            found, oldest = first, earliest
    return found


def first_asking(b: Any, e: int) -> int:
    """First cause (1 … 16) with a mark for effect ``e`` that asks at all; 0 when none does. A reset waits for it."""
    for c in range(b.causes):
        if b.mark[c * EFFECTS + e] != NO_MARK and b.active[c] != 0:
            return c + 1
    return 0


def doubtful(b: Any, e: int) -> bool:
    """Is a cause of effect ``e`` Bad or bypassed?"""
    found = False
    for c in range(b.causes):
        found = found or (b.mark[c * EFFECTS + e] != NO_MARK and (b.bad[c] != 0 or b.standing[c] != 0))
    return found
