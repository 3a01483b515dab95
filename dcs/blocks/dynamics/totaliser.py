"""TOTALISER block: integrates a flow, with reset, pre-trip and batch target.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, the declared time that has passed. No clock, no I/O, no log.
Promise     slips of the scan are counted with the present flow; small increments on a large total are not lost; what
            was added from a held or missing flow shows as an Uncertain total until the reset.
Source      FF-891 integrator; Kahan, Pracniques: further remarks on reducing truncation errors (1965).
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, f8, i8, scale, signal, step
from dcs.blocks.dynamics.time_base import TIME_BASE_CHOICES, seconds_of
from dcs.blocks.handshake import input_ok
from dcs.blocks.regulation.transfer import usable
from dcs.core.status import GOOD, OK, STATUS_BAD, STATUS_GOOD, SUB_NORMAL, UNCERTAIN, make_status

HOLD_FLOW, STOP = 0, 1

TOTALISER = block_type(
    "TOTALISER",
    "Totaliser",
    inputs=[signal("flow", "@flow_scale", "flow to integrate"), signal("reset_in", "", "a rise to 1 resets the total")],
    state=[
        f8("elapsed_s", "s", "time since the last scan, with declared slips"),
        f8("carry", "@total_scale", "what the total is too high by rounding"),
        f8("grand_carry", "@total_scale", "what the grand total is too high by rounding"),
        f8("flow_held", "@flow_scale", "last good flow"),
        i8("seeded", "1 once a good flow has been seen"),
        i8("reset_before", "1 when the reset was asked for in the last scan"),
        i8("doubtful", "1 when part of the total came from a flow that was not good"),
        i8("event", "code of the event of this scan"),
        f8("event_value", "@total_scale", "total of the event"),
    ],
    outputs=[
        signal("out", "@total_scale", "total since the reset"),
        signal("last_total", "@total_scale", "total at the last reset"),
        signal("grand_total", "@total_scale", "total over all resets"),
        signal("pre_trip", "", "1 when the total is within the pre-trip of the target"),
        signal("trip", "", "1 when the total has reached the target"),
        signal("remaining", "@total_scale", "target less total, at least 0"),
        f8("bad_s", "s", "time since the reset during which the flow was not good"),
    ],
    params=[
        scale("flow_scale", "range of the flow"),
        scale("total_scale", "range of the total"),
        i8("time_base", "unit of time of the flow: per …", choices=TIME_BASE_CHOICES),
        f8("factor", "", "unit of the total per unit of the flow times its unit of time", default=1.0),
        f8("cut_off", "@flow_scale", "a flow below counts as none", low=0.0),
        i8("forward_only", "1: a reverse flow does not count", default=1, low=0, high=1),
        i8("if_bad", "what counts while the flow is Bad", choices=(("HOLD", HOLD_FLOW), ("STOP", STOP))),
        f8("batch_target", "@total_scale", "total that is wanted; 0 = none", low=0.0),
        f8("pre_trip_by", "@total_scale", "how long before the target the pre-trip comes", low=0.0),
        f8("preset", "@total_scale", "total after a reset"),
        i8("reset", "write 1 to reset", low=0, high=1),
        i8("hold", "1 stops counting", low=0, high=1),
    ],
    optional_inputs=("reset_in",),
    events={1: "reset at {value}", 2: "batch target reached at {value}"},
    published={
        "FLOW": "flow",
        "TOTAL": "out",
        "LAST_TOTAL": "last_total",
        "GRAND_TOTAL": "grand_total",
        "TARGET_TOTAL": "batch_target",
        "PRE_TRIP_BY": "pre_trip_by",
        "PRE_TRIP": "pre_trip",
        "TRIP": "trip",
        "REMAINING": "remaining",
        "PRESET": "preset",
        "RESET": "reset",
        "HOLD": "hold",
        "BAD_TIME": "bad_s",
    },
    writable=("TARGET_TOTAL", "PRE_TRIP_BY", "PRESET", "RESET", "HOLD"),
)


@step(TOTALISER)
def totaliser(b: Any, dt_s: float) -> None:
    r""":math:`total_{k+1} = total_k + f q \Delta t / T` with :math:`T` the flow's unit of time; summed by Kahan."""
    wired = usable(b.reset_in, b.reset_in_status) and b.reset_in > 0.5
    if b.reset != 0 or (wired and b.reset_before == 0):
        begin_anew(b)
    b.reset = 0
    b.reset_before = 1 if wired else 0
    flow = b.flow_held
    good = input_ok(b.flow, b.flow_status, 0)
    if usable(b.flow, b.flow_status):
        flow = b.flow
        b.flow_held = b.flow
        b.seeded = 1
    elif b.if_bad == STOP or b.seeded == 0:
        flow = 0.0
    if abs(flow) < b.cut_off or (b.forward_only != 0 and flow < 0.0) or b.hold != 0:
        flow = 0.0
    if not good and b.hold == 0:
        b.bad_s = b.bad_s + b.elapsed_s
        b.doubtful = 1
    add(b, b.factor * flow * (b.elapsed_s / seconds_of(b.time_base)))
    report(b)


def begin_anew(b: Any) -> None:
    """A new total; the old one is kept for reading."""
    b.event, b.event_value = 1, b.out
    b.last_total, b.last_total_status = b.out, b.out_status
    b.out = b.preset
    b.carry, b.bad_s = 0.0, 0.0
    b.doubtful = 0


def add(b: Any, increment: float) -> None:
    """Compensated sums: what rounding adds too much is taken off the next increment."""
    total, carry = compensated(b.out, b.carry, increment)
    grand, grand_carry = compensated(b.grand_total, b.grand_carry, increment)
    if math.isfinite(total) and math.isfinite(carry):
        b.out, b.carry = total, carry
    if math.isfinite(grand) and math.isfinite(grand_carry):
        b.grand_total, b.grand_carry = grand, grand_carry


def compensated(total: float, carry: float, increment: float) -> tuple[float, float]:
    """The new total, and by how much rounding has made it too high."""
    exact = increment - carry
    new = total + exact
    return new, (new - total) - exact


def report(b: Any) -> None:
    """Trips and statuses."""
    status = make_status(UNCERTAIN, SUB_NORMAL) if b.doubtful != 0 else make_status(GOOD, OK)
    if b.last_total_status == STATUS_BAD:  # nothing has been reset yet
        b.last_total_status = STATUS_GOOD
    b.out_status, b.grand_total_status, b.remaining_status = status, status, status
    b.pre_trip_status, b.trip_status = status, status
    reached = b.batch_target > 0.0 and b.out >= b.batch_target
    if reached and b.trip == 0.0:
        b.event, b.event_value = 2, b.out
    b.trip = 1.0 if reached else 0.0
    b.pre_trip = 1.0 if b.batch_target > 0.0 and b.out >= b.batch_target - b.pre_trip_by else 0.0
    left = b.batch_target - b.out
    b.remaining = left if left > 0.0 and math.isfinite(left) else 0.0
