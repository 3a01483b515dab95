"""Discrete voter: M out of N switches, or trip amplifiers, make one trip.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     what a Bad input does is decided here, by the policy; the output is Uncertain (sub-normal) while an input is
            Bad or bypassed, and never Bad because of an input.
Source      IEC 61511-1:2016, 11.3, 11.8, 16.2; the truth table is tests/reference/voters.csv.
"""

import math
from typing import Any

from dcs.blocks.declare import Text, block_type, i8, signals, step
from dcs.blocks.safety.maintenance import TRIP_CHOICES, ZERO_TRIPS, says_trip
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

VOTER_D = block_type(
    "VOTER_D",
    "Discrete voter",
    inputs=[signals("inp", INPUTS, "", "switch"), *VOTER_INPUTS],
    state=VOTER_STATE,
    outputs=VOTER_OUTPUTS,
    params=[
        i8("trip_on", "value of an input that asks for the trip", default=ZERO_TRIPS, choices=TRIP_CHOICES),
        *VOTER_PARAMS,
    ],
    optional_inputs=("inp", "permit", "reset_in"),
    published={"PV": "votes", **VOTER_PUBLISHED},
    writable=VOTER_WRITABLE,
    texts=[Text("labels", "names of the inputs, in order, for FIRST_OUT and the journal")],
    translate=voter_labels,
    check=voter_check,
    events=VOTER_EVENTS,
)


@step(VOTER_D)
def voter_d(b: Any, dt_s: float) -> None:
    """Trips when at least M of the N wired inputs ask for it; inputs are 1 healthy, 0 trip unless `trip_on: ONE`.

    A Bad input, by policy:

    - `ALWAYS_USE`: it counts as its value stands. 2oo3 acts as 1oo2 while it is stuck at trip, as 2oo2 at healthy.
    - `WILL_NOT_VOTE`: it is left out. 2oo3 → 2oo2 → cannot trip; 1oo2 → 1oo1; 1oo1 and 2oo2 → cannot trip.
    - `VOTE_IF_BAD`: it votes for the trip. 2oo3 → 1oo2 → tripped; 2oo2 → 1oo1; 1oo1 and 1oo2 → tripped.

    A bypassed input is left out under every policy. `reduce_m` lowers M to what may vote (2oo2 → 1oo1). When nobody may
    vote `when_none` decides. A value that is no number keeps the last vote of that input.
    """
    for i in range(INPUTS):
        if b.inp_linked[i] != 0 and math.isfinite(b.inp[i]):
            b.vote[i] = says_trip(b.inp[i], b.trip_on)
    judge_quality(b)
    decide(b, dt_s)
