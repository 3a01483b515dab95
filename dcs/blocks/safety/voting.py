"""M out of N: how votes, Bad inputs and bypasses become a trip. The part that both voters share.

Called by   the steps of VOTER_D and VOTER_A; compiled together with them.
Knows       the fields declared here.
Source      IEC 61511-1:2016, 11.3 and 16.2.9 (behaviour on detected faults, operation while degraded); the three
            policies are those of the usual logic solvers. The table it is held against: tests/reference/voters.csv.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from dcs.alarms.machine import delay_over
from dcs.blocks.declare import FieldGroup, ParamValue, Translation, f8, i8, signal
from dcs.blocks.safety.maintenance import (
    BYPASS_EVENTS,
    OWN_EVENTS,
    bypass_inputs,
    bypass_outputs,
    bypass_params,
    bypass_state,
    label_texts,
    manage_bypasses,
    reset_asked,
    say,
)
from dcs.core.status import (
    BAD,
    CONFIGURATION_ERROR,
    STATUS_GOOD,
    SUB_NORMAL,
    UNCERTAIN,
    is_usable,
    make_status,
    quality_of,
)

INPUTS = 8
ALWAYS_USE, WILL_NOT_VOTE, VOTE_IF_BAD = 0, 1, 2
POLICY_CHOICES = (("ALWAYS_USE", ALWAYS_USE), ("WILL_NOT_VOTE", WILL_NOT_VOTE), ("VOTE_IF_BAD", VOTE_IF_BAD))
INHIBIT, TRIP = 0, 1
WHEN_NONE_CHOICES = (("INHIBIT", INHIBIT), ("TRIP", TRIP))
ONLY_ALARM = 0
DEGRADED_CHOICES = (("ALARM", ONLY_ALARM), ("TRIP", TRIP))
NOBODY = INPUTS + 1
"""First-out when no input did it: none votes any more, or the time of degraded operation is over."""

TRIPPED, HEALTHY, VOTED, VOTE_GONE, INPUT_BAD, INPUT_BACK, DEGRADED_LONG, RESET_REFUSED = range(
    OWN_EVENTS, OWN_EVENTS + 8
)
VOTER_EVENTS = {
    **BYPASS_EVENTS,
    TRIPPED: "tripped, first out: {name}",
    HEALTHY: "is healthy again",
    VOTED: "{name} votes for the trip",
    VOTE_GONE: "{name} is back to healthy",
    INPUT_BAD: "{name} is Bad",
    INPUT_BACK: "{name} is good again",
    DEGRADED_LONG: "has been degraded for longer than permitted",
    RESET_REFUSED: "reset refused: the trip condition still stands",
}
EVENT_SLOTS = 28  # 8 inputs with a vote, a quality and a bypass each, and four lines of the block

VOTER_INPUTS: list[FieldGroup] = [
    *bypass_inputs(),
    signal("reset_in", "", "resets a latched trip when it goes to 1"),
]
VOTER_STATE: list[FieldGroup] = [
    *bypass_state(INPUTS),
    i8("inp_linked", "1 when the input is wired", count=INPUTS),
    i8("vote", "1: by its value it asks for the trip", count=INPUTS),
    i8("bad", "1: it cannot be trusted", count=INPUTS),
    i8("counted", "1: its vote counts for the trip", count=INPUTS),
    i8("arrival", "order in which the votes came", count=INPUTS),
    i8("arrivals", "number of the newest one"),
    i8("voting", "inputs that may vote"),
    i8("m_now", "votes that trip at present"),
    i8("degraded_before", "degraded in the scan before"),
    i8("reset_before", "RESET_IN when it was last good", default=1),
    f8("trip_timer_s", "s", "how long the votes have sufficed"),
    f8("degraded_timer_s", "s", "how long it has been degraded"),
    f8("elapsed_s", "s", "period plus declared slips"),
    i8("event", "lines for the journal", count=EVENT_SLOTS),
    f8("event_value", "", "what each is about", count=EVENT_SLOTS),
]
VOTER_OUTPUTS: list[FieldGroup] = [
    signal("out", "", "1 healthy, 0 tripped (de-energise to trip)"),
    signal("trip", "", "1 tripped, 0 healthy"),
    i8("tripped", "1 while tripped", low=0, high=1),
    i8("votes", "how many inputs vote for the trip"),
    i8("acting_m", "votes that the good inputs must still give; 0: tripped by Bad ones alone"),
    i8("acting_n", "good inputs that may vote"),
    i8("inhibited", "1 while it cannot trip: fewer may vote than are needed", low=0, high=1),
    i8("degraded", "1 while an input is Bad or bypassed", low=0, high=1),
    i8("degraded_alarm", "1 while it has been degraded for longer than permitted", low=0, high=1),
    i8("reset_needed", "1 while only the reset is missing", low=0, high=1),
    i8("first_out", "input that tripped first"),
    *bypass_outputs(),
]
VOTER_PARAMS: list[FieldGroup] = [
    i8("m", "how many votes trip", default=1, low=1, high=INPUTS),
    i8("policy", "what a Bad input does", default=VOTE_IF_BAD, choices=POLICY_CHOICES),
    i8("uncertain_is_bad", "1: an Uncertain input counts as Bad", low=0, high=1),
    i8("reduce_m", "1: where fewer may vote than M, all of them suffice", low=0, high=1),
    i8("when_none", "what happens when no input may vote", default=INHIBIT, choices=WHEN_NONE_CHOICES),
    f8("trip_delay_s", "s", "how long the votes must stand before it trips", low=0.0),
    i8("latch", "1: stays tripped until the reset", low=0, high=1),
    f8("degraded_time_s", "s", "how long it may be degraded; 0 = any time", low=0.0),
    i8("degraded_end", "what happens when that time is over", default=ONLY_ALARM, choices=DEGRADED_CHOICES),
    i8("reset", "1: reset, by the operator", low=0, high=1),
    *bypass_params(INPUTS),
]
VOTER_PUBLISHED = {
    "OUT": "out",
    "TRIPPED": "tripped",
    "FIRST_OUT": "first_out",
    "VOTES": "votes",
    "ACTING_M": "acting_m",
    "ACTING_N": "acting_n",
    "INHIBITED": "inhibited",
    "DEGRADED": "degraded",
    "DEGRADED_ALARM": "degraded_alarm",
    "BYPASSED": "bypassed",
    "BYPASS_WARNING": "bypass_warning",
    "BYPASS_EXPIRED": "bypass_expired",
    "RESET_NEEDED": "reset_needed",
    "RESET": "reset",
    **{f"BYPASS_{number + 1}": f"bypass_{number + 1}" for number in range(INPUTS)},
}
VOTER_WRITABLE = ("RESET", *(f"BYPASS_{number + 1}" for number in range(INPUTS)))


def voter_labels(given: Mapping[str, Any]) -> Translation:
    """``labels: [PT-1A, PT-1B, PT-1C]``."""
    names = (*label_texts(given, INPUTS, "input"), "degraded")
    return Translation({}, {"first_out": names, "event": names})


def voter_check(params: Mapping[str, ParamValue], wired: frozenset[str]) -> Iterable[str]:
    """M cannot be above N."""
    count = sum(f"inp_{number + 1}" in wired for number in range(INPUTS))
    m = params["m"]
    if isinstance(m, float | int) and m > count:
        yield f"m is {m:g}, but {count} inputs are wired, so it could never trip. Wire `inp_1` … or lower `m`."


def judge_quality(b: Any) -> None:
    """Which inputs cannot be trusted."""
    for i in range(INPUTS):
        now = 0
        if b.inp_linked[i] != 0:
            doubtful = quality_of(b.inp_status[i]) == UNCERTAIN and b.uncertain_is_bad != 0
            if doubtful or not math.isfinite(b.inp[i]) or not is_usable(b.inp_status[i]):
                now = 1
        if now != b.bad[i]:
            say(b, INPUT_BAD if now != 0 else INPUT_BACK, i + 1)
        b.bad[i] = now


def decide(b: Any, dt_s: float) -> None:
    """From votes to the trip: bypasses, policy, M out of N, delay, latch, first-out, flags, statuses."""
    manage_bypasses(b, INPUTS, dt_s)
    wired = count_votes(b)
    enough = (b.votes >= b.m_now or (b.voting == 0 and b.when_none == TRIP)) and wired > 0
    b.degraded_timer_s = b.degraded_timer_s + b.elapsed_s if b.degraded != 0 and b.degraded_before != 0 else 0.0
    b.degraded_before = b.degraded
    long = 0
    if b.degraded != 0 and b.degraded_time_s > 0.0 and delay_over(b.degraded_timer_s, b.degraded_time_s, dt_s):
        long = 1
        if b.degraded_alarm == 0:
            say(b, DEGRADED_LONG, NOBODY)
    b.degraded_alarm = long

    demand = False
    if not enough:
        b.trip_timer_s = 0.0
    elif delay_over(b.trip_timer_s, b.trip_delay_s, dt_s):
        demand = True
    else:
        b.trip_timer_s = b.trip_timer_s + b.elapsed_s
    if (long != 0 and b.degraded_end == TRIP) or b.m > wired:
        demand = True
    take_demand(b, demand)

    b.out = 1.0 - b.tripped
    b.trip = 1.0 * b.tripped
    status = STATUS_GOOD
    if b.m > wired:
        status = make_status(BAD, CONFIGURATION_ERROR)
    elif b.degraded != 0:
        status = make_status(UNCERTAIN, SUB_NORMAL)
    b.out_status = status
    b.trip_status = status


def count_votes(b: Any) -> int:
    """Votes, needed votes and the architecture that is left; returns how many inputs are wired."""
    wired, out_of_vote, good, bad_votes = 0, 0, 0, 0
    b.votes = 0
    b.degraded = 0
    new_arrival = b.arrivals + 1
    for i in range(INPUTS):
        counted = 0
        if b.inp_linked[i] != 0:
            wired += 1
            if b.standing[i] != 0:
                out_of_vote += 1
                b.degraded = 1
            elif b.bad[i] != 0:
                b.degraded = 1
                if b.policy == WILL_NOT_VOTE:
                    out_of_vote += 1
                elif b.policy == VOTE_IF_BAD or b.vote[i] != 0:
                    counted = 1
                    bad_votes += 1
            else:
                good += 1
                counted = b.vote[i]
        if counted != b.counted[i]:
            say(b, VOTED if counted != 0 else VOTE_GONE, i + 1)
            if counted != 0:
                b.arrival[i] = new_arrival
                b.arrivals = new_arrival
        b.counted[i] = counted
        b.votes += counted
    b.voting = wired - out_of_vote
    b.m_now = b.m
    if b.reduce_m != 0 and b.voting < b.m_now:
        b.m_now = b.voting if b.voting > 1 else 1
    b.acting_m = b.m_now - bad_votes if b.m_now > bad_votes else 0
    b.acting_n = good
    b.inhibited = 1 if b.acting_m > good else 0
    return wired


def take_demand(b: Any, demand: bool) -> None:
    """Trip, hold, reset; the first-out is the oldest vote that stands when it trips, and stays until the reset."""
    asked = reset_asked(b)
    before = b.tripped
    if demand:
        b.tripped = 1
        if asked and before != 0 and b.latch != 0:
            say(b, RESET_REFUSED, NOBODY)
    elif before != 0 and (b.latch == 0 or asked):
        b.tripped = 0
        b.first_out = 0
        say(b, HEALTHY, 0)
    if b.tripped != 0 and before == 0:
        b.first_out = NOBODY
        oldest = b.arrivals + 1
        for i in range(INPUTS):
            if b.counted[i] != 0 and b.arrival[i] < oldest:
                oldest = b.arrival[i]
                b.first_out = i + 1
        say(b, TRIPPED, b.first_out)
    b.reset_needed = 1 if b.tripped != 0 and not demand else 0
