"""SP_RAMP block: takes a setpoint from where it is to a target, at a rate or in a time, with hold.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     the ramp starts from the setpoint that the block below has; whatever interrupts it (mode, block below,
            hold, a measurement that lags behind) leaves the setpoint where it is; it ends exactly on its target.
Source      FF-891 set point ramp generator (reduced to one segment); guaranteed soak as in programmers for furnaces.
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, f8, i8, scale, signal, step
from dcs.blocks.handshake import AS_ASKED, BELOW_NOT_READY, REASON_CHOICES, STARTING, below_ready, clamp, limit_code
from dcs.blocks.regulation.transfer import usable
from dcs.core.modes import AUTO, IMAN, MAN, MODE_CHOICES, OOS, mode_mask
from dcs.core.status import GOOD_CASCADE, IA, IR, LIMIT_CONSTANT, OK, STATUS_OOS, make_status, quality_of, sub_status_of

IDLE, RAMPING, HELD, DONE = 0, 1, 2, 3
_TARGETS = (("OOS", OOS), ("MAN", MAN), ("AUTO", AUTO))

SP_RAMP = block_type(
    "SP_RAMP",
    "Setpoint ramp",
    inputs=[
        signal("pv", "@out_scale", "measurement; the ramp waits while it lags too far behind"),
        signal("start_in", "", "a rise to 1 starts the ramp"),
        signal("hold_in", "", "1 holds the ramp"),
        signal("bkcal_in", "@out_scale", "setpoint that the block below has"),
    ],
    state=[
        i8("bkcal_in_linked", "1 when BKCAL_IN is wired"),
        i8("start_before", "1 when the start was asked for in the last scan"),
        f8("rate_used", "@out_scale", "rate of the running ramp, per second"),
        i8("event", "code of the event of this scan"),
        f8("event_value", "@out_scale", "setpoint of the event"),
    ],
    outputs=[
        signal("out", "@out_scale", "setpoint", limited_by=("out_low", "out_high"), write_in=(MAN,)),
        i8(
            "phase",
            "what the ramp does",
            choices=(("IDLE", IDLE), ("RAMPING", RAMPING), ("HELD", HELD), ("DONE", DONE)),
        ),
        f8("remaining_s", "s", "time to the target at the present rate"),
        i8("mode", "actual mode", choices=MODE_CHOICES),
        i8("reason", "why the actual mode is not the target", choices=REASON_CHOICES),
    ],
    params=[
        scale("out_scale", "range of the setpoint"),
        f8("end_value", "@out_scale", "target of the ramp", limited_by=("out_low", "out_high")),
        f8("rate", "@out_scale", "rate of the ramp, per second; 0 = from the time", low=0.0),
        f8("time_s", "s", "time of the ramp when no rate is given", default=600.0, low=0.0),
        f8("lag_limit", "@out_scale", "the ramp waits while the measurement is further away; 0 = never", low=0.0),
        i8("start", "write 1 to start", low=0, high=1),
        i8("hold", "1 holds the ramp", low=0, high=1),
        f8("out_low", "@out_scale", "lowest setpoint", default_from="out_scale_low"),
        f8("out_high", "@out_scale", "highest setpoint", default_from="out_scale_high"),
        i8("target", "mode asked for", default=AUTO, choices=_TARGETS),
        i8("normal", "mode in normal operation", default=AUTO, choices=_TARGETS),
        i8("permitted", "mask of permitted modes", default=mode_mask((OOS, MAN, AUTO))),
    ],
    feedback_inputs=("bkcal_in",),
    optional_inputs=("pv", "start_in", "hold_in", "bkcal_in"),
    events={1: "ramp started at {value}", 2: "ramp ended at {value}", 3: "ramp interrupted at {value}"},
    published={
        "OUT": "out",
        "PV": "pv",
        "END": "end_value",
        "RATE": "rate",
        "TIME": "time_s",
        "START": "start",
        "HOLD": "hold",
        "PHASE": "phase",
        "REMAINING": "remaining_s",
        "MODE": "mode",
        "TARGET": "target",
        "NORMAL": "normal",
    },
    writable=("OUT", "MODE", "TARGET", "END", "RATE", "TIME", "START", "HOLD"),
)


@step(SP_RAMP)
def sp_ramp(b: Any, dt_s: float) -> None:
    r""":math:`out_{k+1} = out_k \pm r\,\Delta t` until the target; :math:`r` is given or :math:`|end - out_0|/T`."""
    choose_mode(b)
    wired = usable(b.start_in, b.start_in_status) and b.start_in > 0.5
    starts = b.start != 0 or (wired and b.start_before == 0)
    b.start_before = 1 if wired else 0
    b.start = 0
    end = clamp(b.end_value, b.out_low, b.out_high)
    limits = LIMIT_CONSTANT
    if b.mode == AUTO:
        if starts:
            b.phase = RAMPING
            b.rate_used = abs(end - b.out) / b.time_s if b.time_s > 0.0 else 0.0
            if not math.isfinite(b.rate_used):  # a time too short to be divided by: at once, as with none
                b.rate_used = 0.0
            b.event, b.event_value = 1, b.out
        if b.phase in (RAMPING, HELD):
            advance(b, end, dt_s)
        b.out = clamp(b.out, b.out_low, b.out_high)
        limits = limit_code(b.out <= b.out_low, b.out >= b.out_high)
    else:
        if b.phase in (RAMPING, HELD):
            b.phase = IDLE
            b.event, b.event_value = 3, b.out
        if b.mode == IMAN and usable(b.bkcal_in, b.bkcal_in_status):
            b.out = b.bkcal_in
        elif b.mode == MAN:
            b.out = clamp(b.out, b.out_low, b.out_high)
    rate = b.rate if b.rate > 0.0 else b.rate_used
    b.remaining_s = 0.0
    if b.phase in (RAMPING, HELD) and rate > 0.0 and math.isfinite(abs(end - b.out) / rate):
        b.remaining_s = abs(end - b.out) / rate
    sub = OK
    if b.mode == IMAN and quality_of(b.bkcal_in_status) == GOOD_CASCADE and sub_status_of(b.bkcal_in_status) == IR:
        sub = IA
    b.out_status = STATUS_OOS if b.mode == OOS else make_status(GOOD_CASCADE, sub, limits)


def choose_mode(b: Any) -> None:
    """Actual mode and the reason for it; what comes later has priority."""
    mode_before = b.mode
    b.mode, b.reason = b.target, AS_ASKED
    if b.target == AUTO and mode_before == OOS:
        b.mode, b.reason = MAN, STARTING
    if b.target != OOS and b.bkcal_in_linked != 0 and not below_ready(b.bkcal_in, b.bkcal_in_status):
        b.mode, b.reason = IMAN, BELOW_NOT_READY


def advance(b: Any, end: float, dt_s: float) -> None:
    """One scan of a ramp that has been started."""
    held = b.hold != 0 or (usable(b.hold_in, b.hold_in_status) and b.hold_in > 0.5)
    lags = b.lag_limit > 0.0 and usable(b.pv, b.pv_status) and abs(b.pv - b.out) > b.lag_limit
    b.phase = HELD if held or lags else RAMPING
    if b.phase == HELD:
        return
    rate = b.rate if b.rate > 0.0 else b.rate_used
    part = rate * dt_s
    if abs(end - b.out) <= part or rate <= 0.0:
        b.out = end
        b.phase = DONE
        b.event, b.event_value = 2, b.out
    elif end > b.out:
        b.out = b.out + part
    else:
        b.out = b.out - part
