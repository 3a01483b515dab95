"""Analogue voter: M out of N transmitters past a limit make one trip; what they measure is compared as well.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     what a Bad input does is decided here, by the policy; the output is Uncertain (sub-normal) while an input is
            Bad or bypassed, and never Bad because of an input.
Source      IEC 61511-1:2016, 11.3, 11.8, 16.2; ISA-TR84.00.02 (comparison of redundant transmitters as a diagnostic);
            the truth table is tests/reference/voters.csv.
"""

import math
from collections.abc import Mapping
from typing import Any

from dcs.alarms.machine import delay_over
from dcs.blocks.declare import Text, Translation, block_type, f8, i8, scale, signal, signals, step
from dcs.blocks.safety.voting import (
    INPUTS,
    VOTER_EVENTS,
    VOTER_INPUTS,
    VOTER_OUTPUTS,
    VOTER_PARAMS,
    VOTER_PUBLISHED,
    VOTER_STATE,
    VOTER_WRITABLE,
    decide,
    judge_quality,
    voter_check,
    voter_labels,
)
from dcs.core.status import BAD, STATUS_GOOD, SUB_NORMAL, UNCERTAIN, make_status

HIGH, LOW = 0, 1
LARGEST = 1e300


def translate_labels(given: Mapping[str, Any]) -> Translation:
    """The names of the inputs are those of the one that deviates, too."""
    labels = dict(voter_labels(given).labels)
    return Translation({}, {**labels, "deviating_input": labels["first_out"]})


VOTER_A = block_type(
    "VOTER_A",
    "Analogue voter",
    inputs=[signals("inp", INPUTS, "@pv_scale", "measurement"), *VOTER_INPUTS],
    state=[*VOTER_STATE, f8("deviation_timer_s", "s", "how long an input has deviated")],
    outputs=[
        *VOTER_OUTPUTS,
        signal("pv", "@pv_scale", "median of the good inputs; the mean of the middle two of an even number"),
        f8("deviation", "@pv_scale", "largest distance of a good input from the median"),
        i8("deviating", "1 while inputs deviate from each other for longer than permitted", low=0, high=1),
        i8("deviating_input", "the one that deviates most"),
    ],
    params=[
        scale("pv_scale", "range of the measurement"),
        f8("trip_limit", "@pv_scale", "value beyond which an input asks for the trip"),
        i8("direction", "on which side of the limit", default=HIGH, choices=(("HIGH", HIGH), ("LOW", LOW))),
        f8("trip_deadband", "@pv_scale", "how far an input must come back to take its vote back", low=0.0),
        f8("deviation_limit", "@pv_scale", "distance from the median that is flagged; 0 = none", low=0.0),
        f8("deviation_delay_s", "s", "how long it must stand", default=10.0, low=0.0),
        *VOTER_PARAMS,
    ],
    optional_inputs=("inp", "permit", "reset_in"),
    published={
        "PV": "pv",
        **VOTER_PUBLISHED,
        "LIMIT": "trip_limit",
        "DEVIATION": "deviation",
        "DEVIATING": "deviating",
        "DEVIATING_INPUT": "deviating_input",
    },
    writable=VOTER_WRITABLE,
    texts=[Text("labels", "names of the inputs, in order, for FIRST_OUT and the journal")],
    translate=translate_labels,
    check=voter_check,
    events=VOTER_EVENTS,
)


@step(VOTER_A)
def voter_a(b: Any, dt_s: float) -> None:
    """An input asks for the trip above its limit (`direction: HIGH`) or below it (`LOW`); M out of N of them trip.

    At the limit itself it does not. Policies, bypass, latch and degraded operation are those of VOTER_D. A value that
    is no number keeps the last vote of that input.
    """
    for i in range(INPUTS):
        if b.inp_linked[i] != 0 and math.isfinite(b.inp[i]):
            back = b.trip_deadband if b.vote[i] != 0 else 0.0
            if b.direction == LOW:
                b.vote[i] = 1 if b.inp[i] < b.trip_limit + back else 0
            else:
                b.vote[i] = 1 if b.inp[i] > b.trip_limit - back else 0
    judge_quality(b)
    decide(b, dt_s)
    compare_inputs(b, dt_s)


def compare_inputs(b: Any, dt_s: float) -> None:
    """Median of the good inputs that may vote, and who is farthest from it."""
    good = b.acting_n
    if good == 0:
        b.pv_status = make_status(BAD)
        b.deviation = 0.0
        b.deviating = 0
        b.deviating_input = 0
        b.deviation_timer_s = 0.0
        return
    lower = ranked(b, (good - 1) // 2)
    upper = ranked(b, good // 2)
    b.pv = 0.5 * lower + 0.5 * upper  # never beyond the largest number
    b.pv_status = STATUS_GOOD if b.degraded == 0 else make_status(UNCERTAIN, SUB_NORMAL)
    b.deviation = 0.0
    worst = 0
    for i in range(INPUTS):
        if may_vote(b, i):
            distance = math.fabs(b.inp[i] - b.pv)
            if distance > LARGEST:
                distance = LARGEST
            if distance > b.deviation:
                b.deviation = distance
                worst = i + 1
    if b.deviation_limit > 0.0 and b.deviation > b.deviation_limit:
        if delay_over(b.deviation_timer_s, b.deviation_delay_s, dt_s):
            b.deviating = 1
            b.deviating_input = worst
        else:
            b.deviation_timer_s = b.deviation_timer_s + b.elapsed_s
    else:
        b.deviation_timer_s = 0.0
        b.deviating = 0
        b.deviating_input = 0


def may_vote(b: Any, i: int) -> bool:
    """Wired, good and not bypassed."""
    return b.inp_linked[i] != 0 and b.bad[i] == 0 and b.standing[i] == 0  # type: ignore[no-any-return]


def ranked(b: Any, rank: int) -> float:
    """The value with ``rank`` others below it (equal ones in the order of their numbers)."""
    for i in range(INPUTS):
        if may_vote(b, i):
            below = 0
            for k in range(INPUTS):
                if may_vote(b, k) and (b.inp[k] < b.inp[i] or (b.inp[k] == b.inp[i] and k < i)):
                    below += 1
            if below == rank:
                return b.inp[i]  # type: ignore[no-any-return]
    return 0.0
