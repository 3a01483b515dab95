"""PID controller block.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     every change of mode or parameter is bumpless; a NaN, an infinity or a Bad measurement gives actual mode
            Man and a held output, and never reaches the integral; a limited output stops the integral.
Source      Åström & Hägglund, Advanced PID Control (2006), ch. 3; external reset: Shinskey, Process Control Systems.
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, f8, i8, scale, signal, step
from dcs.blocks.handshake import (
    AS_ASKED,
    BELOW_NOT_READY,
    HANDSHAKE_PART,
    INPUT_BAD,
    NO_CASCADE,
    REASON_CHOICES,
    STARTING,
    TRACKING,
    backward_status,
    below_ready,
    cascade_ok,
    clamp,
    input_ok,
    lag_factor,
    limit_code,
)
from dcs.core.modes import AUTO, CAS, IMAN, LO, MAN, MODE_CHOICES, OOS, TARGET_CHOICES, mode_mask
from dcs.core.status import (
    BAD,
    GOOD_CASCADE,
    IA,
    IFS,
    IR,
    LIMIT_CONSTANT,
    LIMIT_HIGH,
    LIMIT_LOW,
    OK,
    STATUS_OOS,
    limits_of,
    make_status,
    quality_of,
    sub_status_of,
)

PID = block_type(
    "PID",
    "PID controller",
    inputs=[
        signal("pv", "@pv_scale", "measurement"),
        signal("cas_in", "@pv_scale", "setpoint from the block above"),
        signal("bkcal_in", "@out_scale", "what the block below accepted"),
        signal("ff", "@out_scale", "feed-forward"),
        signal("trk_in_d", "", "1 asks for tracking"),
        signal("trk_val", "@out_scale", "output while tracking"),
    ],
    state=[
        i8("cas_in_linked", "1 when CAS_IN is wired"),
        i8("bkcal_in_linked", "1 when BKCAL_IN is wired"),
        f8("integral_pct", "%", "integral term, or the bias without integral action"),
        f8("derivative_pct", "%", "filtered derivative, before the gain"),
        f8("pv_pct", "%", "measurement of the last scan with a good one, in % of its scale"),
        f8("sp_pct", "%", "working setpoint of the last scan"),
        f8("ff_pct", "%", "feed-forward of the last good one, before its gain"),
        f8("ff_gain_used", "", "gain of the feed-forward in the last scan"),
        f8("loop_gain", "", "gain with the sign of the action, as used in the last scan"),
        f8("beta_used", "", "beta of the last scan"),
        f8("out_low_used", "@out_scale", "lowest output in the last scan"),
        f8("out_high_used", "@out_scale", "highest output in the last scan"),
    ],
    outputs=[
        signal("out", "@out_scale", "controller output", limited_by=("out_low", "out_high"), write_in=(MAN,)),
        signal("bkcal_out", "@pv_scale", "setpoint accepted, for the block above"),
        f8("sp_wrk", "@pv_scale", "working setpoint, after limits and ramp"),
        i8("mode", "actual mode", choices=MODE_CHOICES),
        i8("reason", "why the actual mode is not the target", choices=REASON_CHOICES),
    ],
    params=[
        scale("pv_scale", "range of measurement and setpoint"),
        scale("out_scale", "range of the output"),
        f8("gain", "", "proportional gain, % of output per % of measurement", default=1.0, low=0.0),
        f8("ti_s", "s", "reset time; 0 = no integral action", default=60.0, low=0.0),
        f8("td_s", "s", "rate time; 0 = no derivative action", low=0.0),
        f8("beta", "", "setpoint weight of the proportional part", default=1.0, low=0.0, high=1.0),
        f8("gamma", "", "setpoint weight of the derivative part", low=0.0, high=1.0),
        f8("n", "", "derivative filter: its time constant is TD / n", default=10.0, low=1.0),
        f8("ff_gain", "", "gain of the feed-forward", default=1.0),
        f8("sp", "@pv_scale", "setpoint of the operator", limited_by=("sp_low", "sp_high"), write_in=(MAN, AUTO)),
        f8(
            "sp_low",
            "@pv_scale",
            "lowest setpoint",
            default_from="pv_scale_low",
            limited_by=("pv_scale_low", "sp_high"),
        ),
        f8(
            "sp_high",
            "@pv_scale",
            "highest setpoint",
            default_from="pv_scale_high",
            limited_by=("sp_low", "pv_scale_high"),
        ),
        f8("sp_rate_up", "@pv_scale", "fastest rise of the working setpoint, per second; 0 = any", low=0.0),
        f8("sp_rate_down", "@pv_scale", "fastest fall of the working setpoint, per second; 0 = any", low=0.0),
        f8(
            "out_low",
            "@out_scale",
            "lowest output",
            default_from="out_scale_low",
            limited_by=("out_scale_low", "out_high"),
        ),
        f8(
            "out_high",
            "@out_scale",
            "highest output",
            default_from="out_scale_high",
            limited_by=("out_low", "out_scale_high"),
        ),
        i8("direct_acting", "1: a rising measurement raises the output", low=0, high=1),
        i8("sp_track_pv", "1: the setpoint follows the measurement in Man, LO and IMan", low=0, high=1),
        i8("uncertain_as_good", "1: control goes on with an Uncertain measurement", low=0, high=1),
        i8("target_man_if_bad", "1: a Bad measurement makes Man the target, so that it stays", low=0, high=1),
        i8("ifs_if_bad", "1: a Bad measurement asks the output block for its fault state", low=0, high=1),
        i8("track_enable", "1: TRK_IN_D is obeyed", low=0, high=1),
        i8("track_in_man", "1: also while the target is Man", low=0, high=1),
        i8("bkcal_pv", "1: BKCAL_OUT carries the measurement, not the setpoint", low=0, high=1),
        i8("target", "mode asked for", default=AUTO, choices=TARGET_CHOICES),
        i8("normal", "mode in normal operation", default=AUTO, choices=TARGET_CHOICES),
        i8("permitted", "mask of permitted modes", default=mode_mask((OOS, MAN, AUTO, CAS))),
    ],
    feedback_inputs=("bkcal_in",),
    optional_inputs=("cas_in", "bkcal_in", "ff", "trk_in_d", "trk_val"),
    published={
        "PV": "pv",
        "SP": "sp",
        "SP_WRK": "sp_wrk",
        "OUT": "out",
        "MODE": "mode",
        "TARGET": "target",
        "NORMAL": "normal",
        "GAIN": "gain",
        "TI": "ti_s",
        "TD": "td_s",
        "SP_LO": "sp_low",
        "SP_HI": "sp_high",
        "OUT_LO": "out_low",
        "OUT_HI": "out_high",
    },
    writable=("SP", "OUT", "MODE", "TARGET", "GAIN", "TI", "TD", "SP_LO", "SP_HI", "OUT_LO", "OUT_HI"),
)


@step(PID)
def pid(b: Any, dt_s: float) -> None:
    r"""ISA standard form with external reset.

    :math:`u = K_c[(\beta r - y) + T_d \frac{d(\gamma r - y)}{dt}] + I + FF` (reverse acting; direct acting turns the
    sign of r and y) and :math:`\dot I = (u_{accepted} - FF - D - K_c(\beta - 1) r - I)/T_i`, which is
    :math:`K_c(r - y)/T_i` as long as the output is accepted. All in % of span.
    """
    mode_before = b.mode
    pv_good = input_ok(b.pv, b.pv_status, b.uncertain_as_good)
    choose_mode(b, mode_before, pv_good)
    sp_limits = working_setpoint(b, mode_before, pv_good, dt_s)

    pv_pct = (b.pv - b.pv_scale_low) / (b.pv_scale_high - b.pv_scale_low) * 100.0 if pv_good else b.pv_pct
    sp_pct = (b.sp_wrk - b.pv_scale_low) / (b.pv_scale_high - b.pv_scale_low) * 100.0
    loop_gain = -b.gain if b.direct_acting != 0 else b.gain
    ff_pct = b.ff_pct
    if input_ok(b.ff, b.ff_status, 1):
        ff_pct = b.ff / (b.out_scale_high - b.out_scale_low) * 100.0

    limits = LIMIT_CONSTANT
    proportional_pct = loop_gain * (b.beta * sp_pct - pv_pct)
    automatic = b.mode == AUTO or b.mode == CAS
    if automatic and (mode_before in (AUTO, CAS)):
        absorb_changes(b, loop_gain)
        increment_pct = integral_increment(b, loop_gain, dt_s)
        filter_s = b.td_s / b.n
        change_pct = b.gamma * (sp_pct - b.sp_pct) - (pv_pct - b.pv_pct)
        derivative_pct = (filter_s * b.derivative_pct + b.td_s * change_pct) / (filter_s + dt_s)
        integral_pct = b.integral_pct + increment_pct
        out_pct = proportional_pct + integral_pct + loop_gain * derivative_pct + b.ff_gain * ff_pct
        out = b.out_scale_low + out_pct / 100.0 * (b.out_scale_high - b.out_scale_low)
        if math.isfinite(out):
            b.out = clamp(out, b.out_low, b.out_high)
            b.integral_pct = integral_pct
            b.derivative_pct = derivative_pct
            limits = limit_code(out < b.out_low, out > b.out_high)
    else:
        if b.mode == LO:
            b.out = b.trk_val
        elif b.mode == IMAN and quality_of(b.bkcal_in_status) != BAD and math.isfinite(b.bkcal_in):
            b.out = b.bkcal_in
        if b.mode != IMAN and b.mode != OOS:
            b.out = clamp(b.out, b.out_low, b.out_high)
        # Back-calculated with this scan's setpoint and measurement: OUT starts, or starts again, where it is.
        out_pct = (b.out - b.out_scale_low) / (b.out_scale_high - b.out_scale_low) * 100.0
        integral_pct = out_pct - proportional_pct - b.ff_gain * ff_pct
        if math.isfinite(integral_pct):
            b.integral_pct = integral_pct
        b.derivative_pct = 0.0
        if automatic:
            limits = limit_code(False, False)

    b.pv_pct, b.sp_pct, b.ff_pct = pv_pct, sp_pct, ff_pct
    b.loop_gain, b.beta_used, b.ff_gain_used = loop_gain, b.beta, b.ff_gain
    b.out_low_used, b.out_high_used = b.out_low, b.out_high
    report(b, pv_good, limits, sp_limits)


def choose_mode(b: Any, mode_before: int, pv_good: bool) -> None:
    """Actual mode and the reason for it; what comes later has priority."""
    if b.target == OOS:
        b.mode, b.reason = OOS, AS_ASKED
        return
    b.mode, b.reason = b.target, AS_ASKED
    if b.target == CAS:
        tolerance = HANDSHAKE_PART * (b.pv_scale_high - b.pv_scale_low)
        if b.bkcal_pv != 0:
            tolerance = math.inf  # a measurement moves by itself
        if not cascade_ok(b.cas_in, b.cas_in_status, mode_before, b.bkcal_out, tolerance):
            b.mode, b.reason = AUTO, NO_CASCADE
    if b.target != MAN and not pv_good:
        b.mode, b.reason = MAN, INPUT_BAD
        if b.target_man_if_bad != 0 and (mode_before in (AUTO, CAS)):
            b.target = MAN
    if b.target != MAN and mode_before == OOS:
        b.mode, b.reason = MAN, STARTING
    wanted = b.track_enable != 0 and input_ok(b.trk_in_d, b.trk_in_d_status, 1) and b.trk_in_d > 0.5
    if wanted and input_ok(b.trk_val, b.trk_val_status, 1) and (b.target != MAN or b.track_in_man != 0):
        b.mode, b.reason = LO, TRACKING
    if b.bkcal_in_linked != 0 and not below_ready(b.bkcal_in, b.bkcal_in_status):
        b.mode, b.reason = IMAN, BELOW_NOT_READY


def working_setpoint(b: Any, mode_before: int, pv_good: bool, dt_s: float) -> int:
    """Move ``sp_wrk``; returns which limit the setpoint of the block above has reached."""
    if b.mode == CAS:
        b.sp_wrk = clamp(b.cas_in, b.sp_low, b.sp_high)
        b.sp = b.sp_wrk
        return limit_code(b.cas_in < b.sp_low, b.cas_in > b.sp_high)
    idle = b.mode in (IMAN, LO) or (b.mode == MAN and b.target == MAN)
    starts = b.target == CAS and mode_before not in (AUTO, CAS)  # nobody has given it a setpoint yet
    if pv_good and b.mode != OOS and ((idle and b.sp_track_pv != 0) or starts):
        b.sp = clamp(b.pv, b.sp_low, b.sp_high)
        b.sp_wrk = b.sp
    wanted = clamp(b.sp, b.sp_low, b.sp_high)
    if b.mode == AUTO:
        if b.sp_rate_up > 0.0 and wanted > b.sp_wrk + b.sp_rate_up * dt_s:
            wanted = b.sp_wrk + b.sp_rate_up * dt_s
        if b.sp_rate_down > 0.0 and wanted < b.sp_wrk - b.sp_rate_down * dt_s:
            wanted = b.sp_wrk - b.sp_rate_down * dt_s
        b.sp_wrk = wanted
    elif b.target == MAN or mode_before == OOS:
        b.sp_wrk = wanted  # a ramp waits, rather than jumps, while the block is only kept from its target
    return limit_code(False, False)


def absorb_changes(b: Any, loop_gain: float) -> None:
    """A changed parameter changes what happens from now on, not the output: the integral takes the difference."""
    if loop_gain != b.loop_gain or b.beta != b.beta_used:
        before_pct = b.loop_gain * (b.beta_used * b.sp_pct - b.pv_pct + b.derivative_pct)
        b.integral_pct = b.integral_pct + before_pct - loop_gain * (b.beta * b.sp_pct - b.pv_pct + b.derivative_pct)
    if b.td_s <= 0.0 and b.derivative_pct != 0.0:
        b.integral_pct = b.integral_pct + loop_gain * b.derivative_pct
        b.derivative_pct = 0.0
    if b.ff_gain != b.ff_gain_used:
        b.integral_pct = b.integral_pct + (b.ff_gain_used - b.ff_gain) * b.ff_pct
    if b.out_low != b.out_low_used or b.out_high != b.out_high_used:
        # What a limit kept back must not come out at once when the limit is widened.
        terms_pct = loop_gain * (b.beta * b.sp_pct - b.pv_pct + b.derivative_pct) + b.ff_gain * b.ff_pct
        out_pct = (b.out - b.out_scale_low) / (b.out_scale_high - b.out_scale_low) * 100.0
        b.integral_pct = out_pct - terms_pct


def integral_increment(b: Any, loop_gain: float, dt_s: float) -> float:
    """External reset: the integral follows what was accepted of last scan's output, with last scan's other terms."""
    if b.ti_s <= 0.0:
        return 0.0
    accepted = b.bkcal_in if b.bkcal_in_linked != 0 else b.out
    accepted_pct = (accepted - b.out_scale_low) / (b.out_scale_high - b.out_scale_low) * 100.0
    others_pct = b.ff_gain * b.ff_pct + loop_gain * (b.derivative_pct + (b.beta - 1.0) * b.sp_pct)
    increment_pct = lag_factor(dt_s, b.ti_s) * (accepted_pct - others_pct - b.integral_pct)
    if b.bkcal_in_linked != 0:
        limits = limits_of(b.bkcal_in_status)
        if limits == LIMIT_CONSTANT:
            return 0.0
        if (limits == LIMIT_HIGH and increment_pct > 0.0) or (limits == LIMIT_LOW and increment_pct < 0.0):
            return 0.0
    return increment_pct  # type: ignore[no-any-return]


def report(b: Any, pv_good: bool, limits: int, sp_limits: int) -> None:
    """Statuses, and what the blocks above and below are told."""
    sub = OK
    if b.mode == IMAN and quality_of(b.bkcal_in_status) == GOOD_CASCADE and sub_status_of(b.bkcal_in_status) == IR:
        sub = IA
    if b.ifs_if_bad != 0 and not pv_good:
        sub = IFS
    b.out_status = STATUS_OOS if b.mode == OOS else make_status(GOOD_CASCADE, sub, limits)

    below = limits_of(b.bkcal_in_status) if b.bkcal_in_linked != 0 else 0
    at_low = ((limits | below) & LIMIT_LOW) != 0
    at_high = ((limits | below) & LIMIT_HIGH) != 0
    if b.direct_acting != 0:  # a higher setpoint lowers the output
        at_low, at_high = at_high, at_low
    at_low = at_low or (sp_limits & LIMIT_LOW) != 0
    at_high = at_high or (sp_limits & LIMIT_HIGH) != 0
    b.bkcal_out = b.pv if b.bkcal_pv != 0 and pv_good else b.sp_wrk
    b.bkcal_out_status = backward_status(b.target, b.mode, b.mode == AUTO, limit_code(at_low, at_high))
