"""Maintenance override of one signal: a substitute value, under a key switch, for a limited time, counted.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     a substitute is never shown as Good: its status is Uncertain (substitute).
Source      IEC 61511-1:2016, 11.8 and 16.2 (bypasses: under authority, limited in time, shown as long as they stand).
"""

import math
from typing import Any

from dcs.alarms.machine import delay_over
from dcs.blocks.declare import block_type, f8, i8, signal, step
from dcs.blocks.safety.maintenance import KEEP, REMOVE, TIME_OUT_CHOICES, is_on
from dcs.core.status import BAD, LIMIT_CONSTANT, NON_SPECIFIC, SUBSTITUTE, UNCERTAIN, is_usable, make_status

USE_VALUE, USE_HOLD = 0, 1
SET, ENDED, REFUSED, WITHDRAWN, OVER_REMOVED, OVER_KEPT, EXPIRES_SOON = range(1, 8)

BYPASS = block_type(
    "BYPASS",
    "Maintenance bypass",
    inputs=[
        signal("inp", "*", "signal"),
        signal("permit", "", "key switch: 1 permits the bypass; not wired = permitted"),
    ],
    state=[
        i8("permit_linked", "1 when PERMIT is wired"),
        f8("timer_s", "s", "how long the bypass has stood"),
        f8("held", "*", "last good value"),
        f8("elapsed_s", "s", "period plus declared slips"),
        i8("event", "line for the journal"),
        f8("event_value", "", "number of the bypass"),
    ],
    outputs=[
        signal("out", "*", "the signal, or its substitute"),
        i8("bypassed", "1 while the substitute stands", low=0, high=1),
        i8("warning", "1 while the bypass is about to expire or has expired", low=0, high=1),
        i8("expired", "1 while it stands for longer than permitted", low=0, high=1),
        f8("remaining_s", "s", "time that is left"),
        i8("uses", "how often it has been set"),
    ],
    params=[
        i8("request", "1: bypass", low=0, high=1),
        i8("substitute", "what is put out", choices=(("VALUE", USE_VALUE), ("HOLD", USE_HOLD))),
        f8("value", "*", "substitute value", default=1.0),
        f8("time_s", "s", "how long a bypass may stand; 0 = any time", default=28800.0, low=0.0),
        f8("warn_s", "s", "warning before that time is over", default=900.0, low=0.0),
        i8("time_end", "what happens when the time is over", default=REMOVE, choices=TIME_OUT_CHOICES),
    ],
    optional_inputs=("permit",),
    published={
        "PV": "out",
        "IN": "inp",
        "BYPASSED": "bypassed",
        "BYPASS_WARNING": "warning",
        "BYPASS_EXPIRED": "expired",
        "REMAINING": "remaining_s",
        "USES": "uses",
        "REQUEST": "request",
    },
    writable=("REQUEST",),
    events={
        SET: "bypassed (number {value})",
        ENDED: "bypass ended",
        REFUSED: "bypass refused: there is no permit",
        WITHDRAWN: "bypass ended: the permit was withdrawn",
        OVER_REMOVED: "bypass ended: its time is over",
        OVER_KEPT: "bypass stands for longer than permitted",
        EXPIRES_SOON: "bypass comes to its time limit soon",
    },
)


@step(BYPASS)
def bypass(b: Any, dt_s: float) -> None:
    """Passes its input on; while `REQUEST` is 1 and the permit stands, a substitute value or the last good one.

    A request without permit is set back. When the permit is withdrawn, or when the time is over (`time_end: REMOVE`),
    the bypass ends by itself; with `ALARM` it stays and is flagged. `HOLD` puts out 0 when nothing was good so far.
    """
    allowed = b.permit_linked == 0 or is_on(b.permit, b.permit_status)
    usable = math.isfinite(b.inp) and is_usable(b.inp_status)
    if b.bypassed == 0 and b.request != 0:
        if allowed:
            b.bypassed = 1
            b.timer_s = 0.0
            b.uses += 1
            tell(b, SET)
        else:
            b.request = 0
            tell(b, REFUSED)
    elif b.bypassed != 0:
        carry(b, allowed, dt_s)
    b.warning, b.expired, b.remaining_s = 0, 0, 0.0
    if b.bypassed != 0:
        if b.time_s > 0.0:
            b.remaining_s = b.time_s - b.timer_s if b.timer_s < b.time_s else 0.0
            b.warning = 1 if delay_over(b.timer_s, b.time_s - b.warn_s, dt_s) else 0
            b.expired = 1 if delay_over(b.timer_s, b.time_s, dt_s) else 0
        b.out = b.value if b.substitute == USE_VALUE else b.held
        b.out_status = make_status(UNCERTAIN, SUBSTITUTE, LIMIT_CONSTANT)
        return
    if usable:
        b.held = b.inp
    if math.isfinite(b.inp):
        b.out = b.inp
        b.out_status = b.inp_status
    else:
        b.out_status = make_status(BAD, NON_SPECIFIC) if is_usable(b.inp_status) else b.inp_status


def carry(b: Any, allowed: bool, dt_s: float) -> None:
    """One scan of a bypass that stands."""
    before_s = b.timer_s
    b.timer_s = before_s + b.elapsed_s
    limited = b.time_s > 0.0
    over = limited and delay_over(b.timer_s, b.time_s, dt_s)
    over_before = limited and delay_over(before_s, b.time_s, dt_s)
    code = 0
    if b.request == 0:
        code = ENDED
    elif not allowed:
        code = WITHDRAWN
    elif over and b.time_end != KEEP:
        code = OVER_REMOVED
    if code != 0:
        b.request = 0
        b.bypassed = 0
        tell(b, code)
    elif over and not over_before:
        tell(b, OVER_KEPT)
    elif limited and not over and warned(b, b.timer_s, dt_s) and not warned(b, before_s, dt_s):
        tell(b, EXPIRES_SOON)


def warned(b: Any, timer_s: float, dt_s: float) -> bool:
    """Is the warning due at that time?"""
    return delay_over(timer_s, b.time_s - b.warn_s, dt_s)


def tell(b: Any, code: int) -> None:
    """One line for the journal."""
    b.event = code
    b.event_value = 1.0 * b.uses
