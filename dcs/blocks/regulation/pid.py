"""PID controller block.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     every change of mode or parameter is bumpless; a NaN, an infinity or a Bad measurement gives actual mode
            Man and a held output, and never reaches the integral; a limited output stops the integral.
Source      Åström & Hägglund, Advanced PID Control (2006), ch. 3; external reset: Shinskey, Process Control Systems;
            options and modes: FF-891.

Words that every scan needs lie together: last among the inputs, first in the state, last among the outputs, first among
the parameters. 10,000 records do not fit into the cache, so a scan costs the lines that it touches.
"""

import math
from dataclasses import replace
from typing import Any

from dcs.blocks.declare import block_type, f8, i8, scale, signal, step
from dcs.blocks.handshake import REASON_CHOICES, RELAY_TEST, STARTING, clamp, limit_code
from dcs.blocks.regulation.pid_host import HOST_PARAMS, HOST_STATE
from dcs.blocks.regulation.pid_mode import choose_mode
from dcs.blocks.regulation.pid_output import (
    RESET_CHOICES,
    integral_increment,
    no_faster,
    output_of_others,
    report,
)
from dcs.blocks.regulation.pid_setpoint import working_setpoint
from dcs.blocks.regulation.pid_settings import (
    BYPASS,
    FEED_FORWARD,
    FROM_LIMIT,
    LARGEST_PCT,
    OUT_RATE,
    RARE_SETTINGS_STATE,
    SAMPLED,
    SCHEDULED,
    SETTINGS_STATE,
    TUNE,
    UNCERTAIN_AS_GOOD,
    absorb_settings,
    newly_scheduled,
    rescaled,
    sample_came,
    shaped,
    take_settings,
)
from dcs.blocks.regulation.relay_fields import (
    RELAY_TEST_EVENT,
    RELAY_TEST_EVENTS,
    RELAY_TEST_INPUTS,
    RELAY_TEST_OUTPUTS,
    RELAY_TEST_PARAMS,
    RELAY_TEST_PUBLISHED,
    RELAY_TEST_STATE,
    RELAY_TEST_WRITABLE,
)
from dcs.blocks.regulation.relay_test import relay_test
from dcs.core.modes import AUTO, CAS, HOST_TARGET_CHOICES, LO, MAN, MODE_CHOICES, OOS, is_automatic, mode_mask
from dcs.core.status import GOOD, LIMIT_CONSTANT, LIMIT_NONE, UNCERTAIN, quality_of

PID = block_type(
    "PID",
    "PID controller",
    inputs=[
        *RELAY_TEST_INPUTS,
        signal("trigger", "", "number of the sample: where it is wired, a new one executes the algorithm"),
        signal("trk_in_d", "", "1 asks for tracking"),
        signal("trk_val", "@out_scale", "output while tracking"),
        signal("readback", "@out_scale", "what the field has taken of OUT, for the external reset"),
        signal("td_factor", "", "multiplies the rate time: gain scheduling"),
        signal("ti_factor", "", "multiplies the reset time; 0 is no factor, and TI 0 stays 0"),
        signal("gain_factor", "", "multiplies the gain: gain scheduling"),
        signal("ff", "@out_scale", "feed-forward"),
        signal("cas_in", "@pv_scale", "setpoint from the block above"),
        signal("bkcal_in", "@out_scale", "what the block below accepted"),
        signal("pv", "@pv_scale", "measurement"),
    ],
    state=[
        *RELAY_TEST_EVENT,
        *SETTINGS_STATE,
        f8("integral_pct", "%", "integral term, or the bias without integral action"),
        f8("derivative_pct", "%", "filtered derivative, before the gain"),
        f8("pv_pct", "%", "measurement of the last scan with a good one, in % of its scale"),
        f8("sp_pct", "%", "working setpoint of the last scan"),
        f8("ff_pct", "%", "feed-forward of the last scan, with its gain"),
        f8("elapsed_s", "s", "period with declared slips"),
        *RARE_SETTINGS_STATE,
        f8("ff_used", "@out_scale", "last good feed-forward"),
        i8("ff_lost", "1 while the feed-forward is held for want of a good one"),
        *HOST_STATE,
        i8("cas_in_linked", "1 when CAS_IN is wired"),
        i8("bkcal_in_linked", "1 when BKCAL_IN is wired"),
        i8("ff_linked", "1 when FF is wired"),
        i8("gain_factor_linked", "1 when GAIN_FACTOR is wired"),
        i8("ti_factor_linked", "1 when TI_FACTOR is wired"),
        i8("td_factor_linked", "1 when TD_FACTOR is wired"),
        i8("readback_linked", "1 when READBACK is wired"),
        i8("trigger_linked", "1 when TRIGGER is wired"),
        *RELAY_TEST_STATE,
    ],
    outputs=[
        *RELAY_TEST_OUTPUTS,
        i8("reset_source", "where the external reset comes from", choices=RESET_CHOICES),
        signal("bkcal_out", "@pv_scale", "setpoint accepted, for the block above"),
        signal("out", "@out_scale", "controller output", limited_by=("out_low", "out_high"), write_in=(MAN,)),
        signal("sp_wrk", "@pv_scale", "working setpoint, after limits and ramp"),
        i8("mode", "actual mode", choices=MODE_CHOICES),
        i8("reason", "why the actual mode is not the target", choices=REASON_CHOICES),
    ],
    params=[
        i8("target", "mode asked for", default=AUTO, choices=HOST_TARGET_CHOICES),
        scale("pv_scale", "range of measurement and setpoint"),
        f8("sp", "@pv_scale", "setpoint of the operator", limited_by=("sp_low", "sp_high"), write_in=(MAN, AUTO)),
        f8("sp_low", "@pv_scale", "lowest setpoint", default_from="pv_scale_low",
           limited_by=("pv_scale_low", "sp_high")),
        f8("sp_high", "@pv_scale", "highest setpoint", default_from="pv_scale_high",
           limited_by=("sp_low", "pv_scale_high")),
        scale("out_scale", "range of the output"),
        f8("gain", "", "proportional gain, % of output per % of measurement", default=1.0, low=0.0),
        f8("ti_s", "s", "reset time; 0 = no integral action", default=60.0, low=0.0),
        f8("td_s", "s", "rate time; 0 = no derivative action", low=0.0),
        f8("sample_s", "s", "time between two samples, where TRIGGER is wired", default=60.0, low=0.1),
        f8("beta", "", "setpoint weight of the proportional part", default=1.0, low=0.0, high=1.0),
        f8("gamma", "", "setpoint weight of the derivative part", low=0.0, high=1.0),
        f8("n", "", "derivative filter: its time constant is TD / n", default=10.0, low=1.0),
        i8("form", "standard (ISA) or series (interacting) form", choices=(("STANDARD", 0), ("SERIES", 1))),
        i8("proportional", "0: no proportional part (I, ID)", default=1, low=0, high=1),
        i8("from_limit", "1: control goes on from the limited output, as in the velocity form", low=0, high=1),
        i8("error_squared", "1: the error is multiplied by its size, 100 % = 1", low=0, high=1),
        f8("gap", "@pv_scale", "half of the gap: an error up to this counts gap_gain times", low=0.0),
        f8("gap_gain", "", "gain inside the gap; beyond it the rest of the error counts fully", default=1.0, low=0.0,
           high=1.0),
        f8("ff_gain", "", "gain of the feed-forward", default=1.0),
        f8("sp_rate_up", "@pv_scale", "fastest rise of the working setpoint in Auto, per second; 0 = any", low=0.0),
        f8("sp_rate_down", "@pv_scale", "fastest fall of the working setpoint in Auto, per second; 0 = any", low=0.0),
        f8("out_low", "@out_scale", "lowest output", default_from="out_scale_low",
           limited_by=("out_scale_low", "out_high")),
        f8("out_high", "@out_scale", "highest output", default_from="out_scale_high",
           limited_by=("out_low", "out_scale_high")),
        f8("out_rate_up", "@out_scale", "fastest rise of the controlled output, per second; 0 = any", low=0.0),
        f8("out_rate_down", "@out_scale", "fastest fall of the controlled output, per second; 0 = any", low=0.0),
        i8("direct_acting", "1: a rising measurement raises the output", low=0, high=1),
        replace(i8("bypass", "1: OUT is the setpoint, in %; switched in Man", low=0, high=1), write_in=(OOS, MAN)),
        i8("bypass_enable", "1: a bypass may be switched on", low=0, high=1),
        i8("sp_track_pv", "1: the setpoint follows the measurement in Man, LO, IMan and ROut", low=0, high=1),
        i8("sp_track_man", "1: it does so in Man", low=0, high=1),
        i8("sp_track_lo", "1: it does so in LO and IMan", low=0, high=1),
        i8("sp_track_rout", "1: it does so in ROut", low=0, high=1),
        i8("sp_track_retained", "1: there it follows CAS_IN or RCAS_IN instead, if it lived from them", low=0, high=1),
        i8("obey_sp_limits", "1: the setpoint limits hold in Cas and RCas too", default=1, low=0, high=1),
        i8("no_out_limits_in_man", "1: the output limits do not hold in Man and while tracking", low=0, high=1),
        i8("uncertain_as_good", "1: control goes on with an Uncertain measurement", low=0, high=1),
        i8("target_man_if_bad", "1: a Bad measurement makes Man the target, so that it stays", low=0, high=1),
        i8("ifs_if_bad", "1: a Bad measurement asks the output block for its fault state", low=0, high=1),
        i8("ifs_if_bad_cas", "1: a Bad CAS_IN does so, while Cas is asked for", low=0, high=1),
        i8("dns_if_bad", "1: a Bad measurement asks a selector below to leave this block out, else its held OUT counts",
           default=1, low=0, high=1),
        i8("bad_out_if_bad", "1: a Bad measurement makes OUT Bad: the block below sheds its cascade", low=0, high=1),
        i8("track_enable", "1: TRK_IN_D is obeyed", low=0, high=1),
        i8("track_in_man", "1: also while the target is Man", low=0, high=1),
        i8("bkcal_pv", "1: BKCAL_OUT carries the measurement, not the setpoint", low=0, high=1),
        *HOST_PARAMS,
        i8("normal", "mode in normal operation", default=AUTO, choices=HOST_TARGET_CHOICES),
        i8("permitted", "mask of permitted modes", default=mode_mask((OOS, MAN, AUTO, CAS))),
        *RELAY_TEST_PARAMS,
    ],
    feedback_inputs=("bkcal_in", "readback"),
    optional_inputs=(
        "cas_in", "bkcal_in", "ff", "trk_in_d", "trk_val", "readback", "gain_factor", "ti_factor", "td_factor",
        "tune_abort", "trigger",
    ),
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
        "BYPASS": "bypass",
        "RCAS_IN": "rcas_in",
        "RCAS_OUT": "rcas_out",
        "ROUT_IN": "rout_in",
        "ROUT_OUT": "rout_out",
        **RELAY_TEST_PUBLISHED,
    },
    writable=(
        "SP", "OUT", "MODE", "TARGET", "GAIN", "TI", "TD", "SP_LO", "SP_HI", "OUT_LO", "OUT_HI", "BYPASS", "RCAS_IN",
        "ROUT_IN", *RELAY_TEST_WRITABLE,
    ),
    events=RELAY_TEST_EVENTS,
)  # fmt: skip


@step(PID)
def pid(b: Any, dt_s: float) -> None:
    r"""ISA form with external reset.

    :math:`u = K_c[(\beta r - y) + T_d \frac{d(\gamma r - y)}{dt}] + I + FF` (reverse acting; direct acting turns the
    sign of r and y) and :math:`\dot I = (u_{accepted} - FF - D - K_c(\beta - 1) r - I)/T_i`, which is
    :math:`K_c(r - y)/T_i` as long as the output is accepted. All in % of span.

    The block writes :math:`K_c(\beta r - y) + I` as :math:`K_c f(r - y) + I'`: of every step of the setpoint the
    integral gives back the part :math:`1 - \beta`. That is the same output, and the error may be shaped (f: gap,
    error-squared): :math:`\dot I' = (u_{accepted} - FF - D - I')/T_i`, without limits :math:`K_c f(e)/T_i`. In the
    series form D is not taken off, so that it is integrated as well.

    Sampled: where TRIGGER is wired the equation is executed with every new sample, with :math:`\Delta t` = SAMPLE_S.
    In between OUT is held; modes, limits and the handshake go on with every scan.

    Gain scheduling: GAIN, TI and TD are multiplied by GAIN_FACTOR, TI_FACTOR and TD_FACTOR where these are wired (to a
    GAIN_SCHEDULER), without a bump. While a factor is Bad, or no factor from 0 to 1000, the last good one counts.
    """
    mode_before = b.mode
    controlled = is_automatic(mode_before) and b.dt_used_s > 0.0
    if b.settings_changed != 0 or dt_s != b.dt_used_s or b.reason == STARTING:
        if not controlled:
            take_settings(b, dt_s, False)
        elif rescaled(b):
            take_settings(b, dt_s, True)
            controlled = False

    pv_pct = (b.pv - b.pv_zero) * b.pv_to_pct
    quality = quality_of(b.pv_status)
    pv_good = quality >= GOOD or (quality == UNCERTAIN and b.options & UNCERTAIN_AS_GOOD != 0)
    pv_good = pv_good and abs(pv_pct) <= LARGEST_PCT  # which no NaN is
    if not pv_good:
        pv_pct = b.pv_pct
    tested = mode_before == LO and b.reason == RELAY_TEST  # then it has its setpoint, as if it had controlled
    wanted = choose_mode(b, mode_before, pv_good or b.options & BYPASS != 0)
    testing = b.options & TUNE != 0 and (b.tune_request != 0 or b.tune_state != 0) and relay_test(b, dt_s, pv_good)
    if testing:
        b.mode, b.reason, sp_limits = LO, RELAY_TEST, LIMIT_CONSTANT
    else:
        sp_limits = working_setpoint(b, AUTO if tested else mode_before, wanted, pv_good, dt_s)
    sp_pct = (b.sp_wrk - b.pv_zero) * b.pv_to_pct
    ff_pct = feed_forward(b, controlled) if b.options & FEED_FORWARD else 0.0
    error_pct = shaped(b, sp_pct - pv_pct)

    limits = LIMIT_CONSTANT
    executes = controlled and is_automatic(b.mode) and b.options & BYPASS == 0
    if b.options & SAMPLED and not sample_came(b) and executes:
        limits = move_out(b, b.out, dt_s)
        sp_pct, pv_pct, ff_pct = b.sp_pct, b.pv_pct, b.ff_pct  # they begin to count with the sample
    elif executes:
        integral_pct = b.integral_pct + integral_increment(b)
        if b.kick_kept != 0.0 and sp_pct != b.sp_pct:
            integral_pct = integral_pct - b.kick_kept * b.loop_gain * (error_pct - shaped(b, b.sp_pct - pv_pct))
        change_pct = b.gamma_used * (sp_pct - b.sp_pct) - (pv_pct - b.pv_pct)
        derivative_pct = b.d_keep * b.derivative_pct + b.d_gain * change_pct
        out_pct = b.p_gain * error_pct + b.loop_gain * derivative_pct + integral_pct + ff_pct
        out = b.out_zero + out_pct * b.pct_to_out
        if math.isfinite(out):
            limits = move_out(b, out, dt_s)
            if limits != LIMIT_NONE and b.options & FROM_LIMIT:  # the integral takes what the limit cuts off
                integral_pct = integral_pct + (b.out - out) * b.out_to_pct
            b.integral_pct = integral_pct
            b.derivative_pct = derivative_pct
    else:
        if testing:
            b.out = b.tune_out
        elif not is_automatic(b.mode):
            b.out = output_of_others(b)
        elif b.options & BYPASS:
            limits = move_out(b, b.out_zero + sp_pct * b.pct_to_out, dt_s)
        else:
            limits = move_out(b, b.out, dt_s)
        if controlled and not is_automatic(b.mode):
            b.settings_changed = 1  # what had to wait for this, a bypass, is taken in the next scan
        # Back-calculated with this scan's setpoint and measurement: OUT starts, or starts again, where it is.
        integral_pct = (b.out - b.out_zero) * b.out_to_pct - b.p_gain * error_pct - ff_pct
        if math.isfinite(integral_pct):
            b.integral_pct = integral_pct
        b.derivative_pct = 0.0

    b.pv_pct, b.sp_pct, b.ff_pct = pv_pct, sp_pct, ff_pct
    if b.options & SCHEDULED and newly_scheduled(b):
        b.settings_changed = 1
    if (b.settings_changed != 0 or dt_s != b.dt_used_s) and is_automatic(b.mode):
        absorb_settings(b, dt_s, sp_pct, pv_pct)
    report(b, wanted, pv_good, limits, sp_limits)


def feed_forward(b: Any, controlled: bool) -> float:
    """Feed-forward in % with its gain; the last one while there is no good one, and no step when it comes back."""
    ff_pct = b.ff * b.ff_to_pct
    quality = quality_of(b.ff_status)
    if quality < UNCERTAIN or not abs(ff_pct) <= LARGEST_PCT:
        b.ff_lost = 1
        return b.ff_pct  # type: ignore[no-any-return]
    if b.ff_lost != 0:
        b.ff_lost = 0
        if controlled:
            b.integral_pct = b.integral_pct + b.ff_pct - ff_pct
            b.ff_pct = ff_pct
    b.ff_used = b.ff
    return ff_pct  # type: ignore[no-any-return]


def move_out(b: Any, wanted: float, dt_s: float) -> int:
    """OUT inside its rates and limits; returns which of them it has reached."""
    out = no_faster(b, wanted, dt_s) if b.options & OUT_RATE else wanted
    out = clamp(out, b.out_low_used, b.out_high_used)
    b.out = out
    return limit_code(wanted < out, wanted > out)
