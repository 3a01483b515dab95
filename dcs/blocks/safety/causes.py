"""Causes: binary inputs with a policy for Bad ones, bypasses and the order in which they came.

Called by   the steps of INTERLOCK and CAUSE_EFFECT; compiled together with them.
Knows       the fields declared here.
Source      IEC 61511-1:2016, 11.3 (what a detected fault of an input does is stated per function).
"""

import math
from typing import Any

from dcs.blocks.declare import FieldGroup, f8, i8, signal
from dcs.blocks.safety.maintenance import OWN_EVENTS, TRIP_CHOICES, ZERO_TRIPS, bypass_inputs, say, says_trip
from dcs.core.status import is_usable

CAUSES = 16
BAD_TRIPS, BAD_HOLDS, BAD_IGNORED = 0, 1, 2
BAD_CHOICES = (("TRIP", BAD_TRIPS), ("HOLD", BAD_HOLDS), ("IGNORE", BAD_IGNORED))

CAUSE_CAME, CAUSE_GONE, CAUSE_BAD, CAUSE_BACK, TRIPPED, RESET, RESET_REFUSED = range(OWN_EVENTS, OWN_EVENTS + 7)
CAUSE_EVENTS = {
    CAUSE_CAME: "{name} asks for the trip",
    CAUSE_GONE: "{name} is back to healthy",
    CAUSE_BAD: "{name} is Bad",
    CAUSE_BACK: "{name} is good again",
}

CAUSE_INPUTS: list[FieldGroup] = [
    *bypass_inputs(),
    signal("reset_in", "", "resets when it goes to 1"),
]
CAUSE_STATE: list[FieldGroup] = [
    i8("inp_linked", "1 when the input is wired", count=CAUSES),
    i8("asks", "1: by its value it asks for the trip", count=CAUSES),
    i8("bad", "1: it cannot be trusted", count=CAUSES),
    i8("active", "1: it counts as a cause", count=CAUSES),
    i8("arrival", "order in which the causes came", count=CAUSES),
    i8("arrivals", "number of the newest one"),
    i8("reset_before", "RESET_IN when it was last good", default=1),
    f8("elapsed_s", "s", "period plus declared slips"),
]
CAUSE_PARAMS: list[FieldGroup] = [
    i8("trip_on", "value of an input that asks for the trip", default=ZERO_TRIPS, choices=TRIP_CHOICES),
    i8("bad_input", "what a Bad input does: TRIP, HOLD what it last said, IGNORE it", choices=BAD_CHOICES),
    i8("reset", "1: reset, by the operator", low=0, high=1),
]


def judge_causes(b: Any) -> None:
    """``active`` and ``bad`` of every input; ``causes_active``; the bypasses must have been managed before."""
    b.causes_active = 0
    new_arrival = b.arrivals + 1
    for i in range(CAUSES):
        if b.inp_linked[i] == 0:
            continue
        bad = 0 if math.isfinite(b.inp[i]) and is_usable(b.inp_status[i]) else 1
        if bad != b.bad[i]:
            say(b, CAUSE_BAD if bad != 0 else CAUSE_BACK, i + 1)
        b.bad[i] = bad
        if bad == 0:
            b.asks[i] = says_trip(b.inp[i], b.trip_on)
        active = b.asks[i]
        if bad != 0 and b.bad_input == BAD_TRIPS:
            active = 1
        elif bad != 0 and b.bad_input == BAD_IGNORED:
            active = 0
        if b.standing[i] != 0:
            active = 0
        if active != b.active[i]:
            say(b, CAUSE_CAME if active != 0 else CAUSE_GONE, i + 1)
            if active != 0:
                b.arrival[i] = new_arrival
                b.arrivals = new_arrival
        b.active[i] = active
        b.causes_active += active
