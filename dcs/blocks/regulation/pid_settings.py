"""Settings of the PID in the form in which every scan uses them, and how they change without a bump.

Called by   the step of the PID: when a parameter was written, at the start, and after the block has left control.
Knows       the PID's parameters; the words of ``SETTINGS_STATE`` are made from them, here and nowhere else.
Promise     a changed setting acts from the next scan on; in its own scan OUT is what it would have been without it
            (a narrower output limit alone acts at once), and the integral takes the difference.
"""

import math
from typing import Any

from dcs.blocks.declare import f8, i8
from dcs.blocks.handshake import clamp, lag_factor
from dcs.core.modes import RCAS, ROUT
from dcs.core.status import GOOD, quality_of

# Options, one bit each, so that the common case costs one test for many of them.
DIRECT, UNCERTAIN_AS_GOOD, BELOW, BYPASS, HOST = 1, 2, 4, 8, 16
TRACK, TRACK_IN_MAN, TARGET_MAN_IF_BAD = 32, 64, 128
SHAPED, INTEGRAL_ONLY, FEED_FORWARD, SCHEDULED, READBACK = 256, 512, 1024, 2048, 4096
SP_RATE, OUT_RATE, SP_FREE, OUT_FREE_IN_MAN = 8192, 16384, 65536, 131072
SP_TRACK_MAN, SP_TRACK_ROUT, SP_TRACK_LO, SP_TRACK_RETAINED = 262144, 524288, 1048576, 2097152
IFS_IF_BAD, IFS_IF_BAD_CAS, DNS_IF_BAD, BKCAL_PV = 4194304, 8388608, 16777216, 33554432
TUNE = 67108864  # a relay test is asked for or under way
SAMPLED, BAD_OUT_IF_BAD, FROM_LIMIT = 134217728, 268435456, 536870912

BEYOND_PART = 0.1
"""Setpoint and output never leave their ranges by more than this part, limits or not (FF-891)."""

LARGEST_PCT = 1000.0
"""A measurement or a feed-forward ten ranges away is none: one scan of it would stay in the integral for hours."""

LARGEST_FACTOR = 1000.0
"""By a scheduler."""

SMALLEST_TI_FACTOR = 0.001
"""A reset time of 0 is none: a factor of 0 would switch the integral off where it should be fastest."""

LARGEST_GAIN, LONGEST_S, SHORTEST_S = 1e9, 1e9, 1e-6
"""Tuning beyond these acts as these: more would overflow before it made a difference."""

SETTINGS_STATE = (
    i8("settings_changed", "1 when a parameter may have changed since the last scan", default=1),
    i8("options", "options as bits"),
    f8("dt_used_s", "s", "period for which the factors hold; 0 before the first scan"),
    f8("pv_zero", "*", "measurement at 0 %"),
    f8("pv_to_pct", "*", "% per unit of the measurement"),
    f8("out_zero", "*", "output at 0 %"),
    f8("out_to_pct", "*", "% per unit of the output"),
    f8("pct_to_out", "*", "units of the output per %"),
    f8("out_low_used", "@out_scale", "lowest output"),
    f8("out_high_used", "@out_scale", "highest output"),
    f8("loop_gain", "", "gain with the sign of the action"),
    f8("p_gain", "", "the same, 0 without proportional part"),
    f8("d_reset_gain", "", "the same, 0 in the series form: its derivative is integrated as well"),
    f8("reset_part", "", "part of the way that the integral goes in one scan, 1 - exp(-dt/Ti)"),
    f8("d_keep", "", "part of the filtered derivative that stays after one scan"),
    f8("d_gain", "", "filtered derivative per % of change"),
    f8("kick_kept", "", "part of a setpoint step that the proportional part leaves out, 1 - beta"),
    f8("gamma_used", "", "setpoint weight of the derivative"),
)  # fmt: skip

RARE_SETTINGS_STATE = (
    f8("td_used_s", "s", "rate time of the last scan"),
    f8("ff_to_pct", "*", "% of output per unit of feed-forward, with its gain"),
    f8("gap_pct", "%", "half of the gap"),
    f8("gap_gain_used", "", "gain inside the gap"),
    f8("squared_part", "", "1: error-squared"),
    f8("factor_used", "", "gain factor of the last scan with a good one", default=1.0),
    f8("ti_factor_used", "", "factor on the reset time of the last scan with a good one", default=1.0),
    f8("td_factor_used", "", "factor on the rate time of the last scan with a good one", default=1.0),
    f8("trigger_seen", "", "number of the last sample"),
)


def take_settings(b: Any, dt_s: float, controls: bool) -> None:
    """Make the words of ``SETTINGS_STATE``. While it ``controls`` a bypass is neither switched on nor off."""
    b.settings_changed = 0
    b.dt_used_s = dt_s
    b.pv_zero = b.pv_scale_low
    b.pv_to_pct = 100.0 / (b.pv_scale_high - b.pv_scale_low)
    b.out_zero = b.out_scale_low
    b.out_to_pct = 100.0 / (b.out_scale_high - b.out_scale_low)
    b.pct_to_out = (b.out_scale_high - b.out_scale_low) / 100.0
    b.out_low_used, b.out_high_used = b.out_low, b.out_high
    take_factors(b)
    gain = min(b.gain * b.factor_used, LARGEST_GAIN)
    ti_s = b.ti_s * b.ti_factor_used
    td_s = b.td_s * b.td_factor_used
    td_s = min(td_s, LONGEST_S) if td_s >= SHORTEST_S else 0.0
    b.loop_gain = -gain if b.direct_acting != 0 else gain
    b.p_gain = b.loop_gain if b.proportional != 0 else 0.0
    b.d_reset_gain = 0.0 if b.form != 0 else b.loop_gain
    period_s = b.sample_s if b.trigger_linked != 0 else dt_s
    b.reset_part = lag_factor(period_s, ti_s) if ti_s > 0.0 else 0.0
    filter_s = td_s / b.n
    b.d_keep = filter_s / (filter_s + period_s)
    b.d_gain = td_s / (filter_s + period_s)
    b.td_used_s = td_s
    b.kick_kept = 1.0 - b.beta if b.proportional != 0 else 0.0
    b.gamma_used = b.gamma
    b.ff_to_pct = b.ff_gain * b.out_to_pct
    b.gap_pct = b.gap * b.pv_to_pct
    b.gap_gain_used = b.gap_gain
    b.squared_part = 1.0 if b.error_squared != 0 else 0.0
    b.options = options_of(b) | bypass_option(b, controls)


def options_of(b: Any) -> int:
    """The option bits, bypass apart."""
    options = on(b.direct_acting, DIRECT) | on(b.uncertain_as_good, UNCERTAIN_AS_GOOD) | on(b.bkcal_in_linked, BELOW)
    options |= on(b.track_enable, TRACK) | on(b.track_in_man, TRACK_IN_MAN)
    options |= on(b.target_man_if_bad, TARGET_MAN_IF_BAD) | on(b.ff_linked, FEED_FORWARD)
    options |= on(b.gain_factor_linked, SCHEDULED) | on(b.ti_factor_linked, SCHEDULED)
    options |= on(b.td_factor_linked, SCHEDULED) | on(b.readback_linked, READBACK)
    if (b.permitted >> RCAS) & 3 != 0:
        options |= HOST
    if b.error_squared != 0 or (b.gap > 0.0 and b.gap_gain != 1.0):
        options |= SHAPED
    if b.proportional == 0:
        options |= INTEGRAL_ONLY | FROM_LIMIT
    if b.sp_rate_up > 0.0 or b.sp_rate_down > 0.0:
        options |= SP_RATE
    if b.out_rate_up > 0.0 or b.out_rate_down > 0.0:
        options |= OUT_RATE
    if b.obey_sp_limits == 0:
        options |= SP_FREE
    options |= on(b.no_out_limits_in_man, OUT_FREE_IN_MAN) | on(b.sp_track_retained, SP_TRACK_RETAINED)
    options |= on(b.sp_track_pv, SP_TRACK_MAN | SP_TRACK_LO | SP_TRACK_ROUT)
    options |= on(b.sp_track_man, SP_TRACK_MAN) | on(b.sp_track_rout, SP_TRACK_ROUT) | on(b.sp_track_lo, SP_TRACK_LO)
    options |= on(b.tune_request, TUNE) | on(b.tune_state, TUNE)
    options |= on(b.trigger_linked, SAMPLED) | on(b.bad_out_if_bad, BAD_OUT_IF_BAD)
    options |= on(b.from_limit, FROM_LIMIT)
    options |= on(b.ifs_if_bad, IFS_IF_BAD) | on(b.ifs_if_bad_cas, IFS_IF_BAD_CAS)
    return options | on(b.dns_if_bad, DNS_IF_BAD) | on(b.bkcal_pv, BKCAL_PV)


def on(flag: int, bits: int) -> int:
    """``bits`` where the flag is set."""
    return bits if flag != 0 else 0


def bypass_option(b: Any, controls: bool) -> int:
    """A bypass comes and goes only while the block does not control."""
    if controls:
        return b.options & BYPASS  # type: ignore[no-any-return]
    return BYPASS if b.bypass != 0 and b.bypass_enable != 0 else 0


def rescaled(b: Any) -> bool:
    """Has a range changed? Then numbers in % mean something else, and the block starts from its output."""
    return (  # type: ignore[no-any-return]
        b.pv_zero != b.pv_scale_low
        or b.out_zero != b.out_scale_low
        or b.pv_to_pct != 100.0 / (b.pv_scale_high - b.pv_scale_low)
        or b.out_to_pct != 100.0 / (b.out_scale_high - b.out_scale_low)
    )


def sample_came(b: Any) -> bool:
    """Is there a new sample since the last scan?"""
    if quality_of(b.trigger_status) < GOOD or not math.isfinite(b.trigger) or b.trigger == b.trigger_seen:
        return False
    b.trigger_seen = b.trigger
    return True


def factor_ok(linked: int, factor: float, status: int, smallest: float) -> bool:
    """May a factor of a scheduler be used?"""
    return linked != 0 and quality_of(status) >= GOOD and smallest <= factor <= LARGEST_FACTOR


def take_factors(b: Any) -> None:
    """The factors of a scheduler, as far as they can be used; else those of before."""
    if factor_ok(b.gain_factor_linked, b.gain_factor, b.gain_factor_status, 0.0):
        b.factor_used = b.gain_factor
    if factor_ok(b.ti_factor_linked, b.ti_factor, b.ti_factor_status, SMALLEST_TI_FACTOR):
        b.ti_factor_used = b.ti_factor
    if factor_ok(b.td_factor_linked, b.td_factor, b.td_factor_status, 0.0):
        b.td_factor_used = b.td_factor


def newly_scheduled(b: Any) -> bool:
    """Has a scheduler another factor to offer?"""
    gain = b.gain_factor != b.factor_used
    if gain and factor_ok(b.gain_factor_linked, b.gain_factor, b.gain_factor_status, 0.0):
        return True
    ti = b.ti_factor != b.ti_factor_used
    if ti and factor_ok(b.ti_factor_linked, b.ti_factor, b.ti_factor_status, SMALLEST_TI_FACTOR):
        return True
    td = b.td_factor != b.td_factor_used
    return td and factor_ok(b.td_factor_linked, b.td_factor, b.td_factor_status, 0.0)


def absorb_settings(b: Any, dt_s: float, sp_pct: float, pv_pct: float) -> None:
    """New settings at the end of a scan: OUT stays, and what the integral gives from now on starts there."""
    loop_gain, p_gain, ff_to_pct, td_s = b.loop_gain, b.p_gain, b.ff_to_pct, b.td_used_s
    out_low, out_high = b.out_low_used, b.out_high_used
    gap_pct, gap_gain, squared = b.gap_pct, b.gap_gain_used, b.squared_part
    take_settings(b, dt_s, True)
    same = loop_gain == b.loop_gain and p_gain == b.p_gain and ff_to_pct == b.ff_to_pct and td_s == b.td_used_s
    same = same and out_low == b.out_low_used and out_high == b.out_high_used
    if same and gap_pct == b.gap_pct and gap_gain == b.gap_gain_used and squared == b.squared_part:
        return
    if td_s != b.td_used_s:  # the slope that the derivative has seen stays the same
        b.derivative_pct = b.derivative_pct * (b.td_used_s / td_s) if td_s > 0.0 else 0.0
    if ff_to_pct != b.ff_to_pct:
        b.ff_pct = b.ff_used * b.ff_to_pct
    if b.out < b.out_low_used or b.out > b.out_high_used:
        b.out = clamp(b.out, b.out_low_used, b.out_high_used)
    out_pct = (b.out - b.out_zero) * b.out_to_pct
    terms_pct = b.p_gain * shaped(b, sp_pct - pv_pct) + b.loop_gain * b.derivative_pct + b.ff_pct
    if math.isfinite(out_pct - terms_pct):
        b.integral_pct = out_pct - terms_pct


def shaped(b: Any, error_pct: float) -> float:
    """Error as the proportional and integral parts see it: smaller inside the gap, squared with its sign."""
    if b.options & SHAPED == 0:
        return error_pct
    size_pct = abs(error_pct)
    inside_pct = min(size_pct, b.gap_pct)
    size_pct = size_pct - inside_pct * (1.0 - b.gap_gain_used)
    if b.squared_part != 0.0:
        size_pct = size_pct * size_pct / 100.0
    return size_pct if error_pct > 0.0 else -size_pct  # type: ignore[no-any-return]


assert (RCAS, ROUT) == (6, 7), "options_of takes both bits of the mask at once"
