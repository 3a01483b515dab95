"""FEED_FORWARD block: static gain, dead time and lead-lag on a disturbance, to be wired to the FF of a PID.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     switching in or out of service, a changed gain or bias, and the return of a Bad disturbance leave the output
            where it is; the difference is bled off over ``bal_time_s``, or kept as a bias when that is 0, for the
            controller's integral is what has to be right in the end.
Source      Seborg, Edgar, Mellichamp, Doyle, Process Dynamics and Control, feed-forward control; Shinskey, Process
            Control Systems, feed-forward control.
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, f8, i8, scale, signal, step
from dcs.blocks.dynamics.delay_line import delay_state, delayed, fill_line
from dcs.blocks.handshake import lag_factor
from dcs.blocks.regulation.transfer import bad_status_of, bled, plain_status, usable
from dcs.core.status import GOOD, LIMIT_CONSTANT, OK, make_status

FEED_FORWARD = block_type(
    "FEED_FORWARD",
    "Feed-forward",
    inputs=[
        signal("disturbance", "@in_scale", "measured disturbance"),
        signal("enable_in", "", "0 takes the feed-forward out of service"),
    ],
    state=[
        i8("enable_in_linked", "1 when ENABLE_IN is wired"),
        *delay_state("@in_scale"),
        f8("lagged", "@in_scale", "disturbance after dead time and lag"),
        f8("balance", "@out_scale", "what is still to be bled off, or kept"),
        f8("balance_from", "@out_scale", "balance at the last change"),
        f8("gain_used", "", "gain of the last scan"),
        f8("bias_used", "@out_scale", "bias of the last scan"),
        f8("lead_used_s", "s", "lead time constant of the last scan"),
        f8("lag_used_s", "s", "lag time constant of the last scan"),
        i8("acting_before", "1 when the feed-forward acted in the last scan"),
        i8("seeded", "1 once a good disturbance has been seen"),
        i8("started", "1 once the output has its first value"),
    ],
    outputs=[
        signal("out", "@out_scale", "part of the controller's output"),
        i8("acting", "1 while the disturbance moves the output"),
    ],
    params=[
        scale("in_scale", "range of the disturbance"),
        scale("out_scale", "range of the output"),
        f8("gain", "", "output per disturbance", default=1.0),
        f8("reference", "@in_scale", "disturbance that needs no feed-forward"),
        f8("bias", "@out_scale", "added to the output"),
        f8("lead_s", "s", "lead time constant", low=0.0),
        f8("lag_s", "s", "lag time constant; 0 = no lead-lag", low=0.0),
        f8("dead_time_s", "s", "dead time", low=0.0),
        f8("dead_time_max_s", "s", "longest dead time; it decides how often a sample is kept", default=60.0, low=0.0),
        f8("bal_time_s", "s", "time in which a balance is bled off; 0 = it is kept", low=0.0),
        i8("in_service", "0: out of service", default=1, low=0, high=1),
    ],
    optional_inputs=("enable_in",),
    published={
        "IN": "disturbance",
        "OUT": "out",
        "ACTING": "acting",
        "GAIN": "gain",
        "BIAS": "bias",
        "LEAD": "lead_s",
        "LAG": "lag_s",
        "DEAD_TIME": "dead_time_s",
        "BAL_TIME": "bal_time_s",
        "IN_SERVICE": "in_service",
    },
    writable=("GAIN", "BIAS", "LEAD", "LAG", "DEAD_TIME", "BAL_TIME", "IN_SERVICE"),
)


@step(FEED_FORWARD)
def feed_forward(b: Any, dt_s: float) -> None:
    r""":math:`out = K \frac{1 + T_{lead} s}{1 + T_{lag} s} e^{-T_d s} (d - d_{ref}) + bias + balance`.

    Out of service the wanted output is the bias alone.
    """
    good = usable(b.disturbance, b.disturbance_status)
    enabled = b.enable_in_linked == 0 or (usable(b.enable_in, b.enable_in_status) and b.enable_in > 0.5)
    in_service = b.in_service != 0 and enabled
    b.acting = 1 if in_service and good else 0
    shaped = shape(b, dt_s) if good else b.reference
    if not good:
        b.seeded = 0
    wanted = b.bias
    if b.acting != 0:
        wanted = b.gain * (shaped - b.reference) + b.bias
    if in_service and not good:
        b.out_status = bad_status_of(b.disturbance_status)
    else:
        move(b, wanted, dt_s)
        b.out_status = plain_status(b.disturbance_status) if b.acting != 0 else make_status(GOOD, OK, LIMIT_CONSTANT)
    b.acting_before = b.acting


def shape(b: Any, dt_s: float) -> float:
    """The disturbance after dead time and lead-lag; starts at rest."""
    if b.seeded == 0:
        fill_line(b, b.disturbance, dt_s, b.dead_time_s, b.dead_time_max_s)
        b.lagged = b.disturbance
        b.seeded = 1
    late = delayed(b, b.disturbance, dt_s, b.dead_time_s, b.dead_time_max_s)
    shaped = late
    lagged = late
    if b.lag_s > 0.0:
        shaped = b.lagged + b.lead_s / b.lag_s * (late - b.lagged)
        lagged = b.lagged + lag_factor(dt_s, b.lag_s) * (late - b.lagged)
    if math.isfinite(lagged):
        b.lagged = lagged
    return shaped


def move(b: Any, wanted: float, dt_s: float) -> None:
    """OUT and its balance: only the first scan of all takes what is wanted at once."""
    tuned = b.gain != b.gain_used or b.bias != b.bias_used or b.lead_s != b.lead_used_s or b.lag_s != b.lag_used_s
    balance = b.balance
    if b.started == 0:
        balance = 0.0
    elif tuned or b.acting != b.acting_before:
        balance = b.out - wanted
        if math.isfinite(balance):
            b.balance_from = balance
    elif b.bal_time_s > 0.0:
        balance = bled(b.balance, b.balance_from, dt_s, b.bal_time_s)
    out = wanted + balance
    if math.isfinite(out) and math.isfinite(balance):
        b.out, b.balance = out, balance
        b.started = 1
    b.gain_used, b.bias_used, b.lead_used_s, b.lag_used_s = b.gain, b.bias, b.lead_s, b.lag_s
