"""The working setpoint of the PID: from the operator with ramp and limits, from the block above, from a host.

Called by   the step of the PID, once the mode is chosen. Moves ``sp_wrk`` and ``sp``.
Source      FF-891: SP_RATE_UP, SP_RATE_DN (in Auto), control options on setpoint tracking, bypass.
"""

import math
from typing import Any

from dcs.blocks.handshake import clamp, limit_code
from dcs.blocks.regulation.pid_settings import (
    BEYOND_PART,
    BYPASS,
    SP_FREE,
    SP_RATE,
    SP_TRACK_LO,
    SP_TRACK_MAN,
    SP_TRACK_RETAINED,
    SP_TRACK_ROUT,
)
from dcs.core.modes import AUTO, CAS, IMAN, LO, MAN, OOS, RCAS, ROUT, is_automatic
from dcs.core.status import BAD, LIMIT_CONSTANT, quality_of


def working_setpoint(b: Any, mode_before: int, wanted: int, pv_good: bool, dt_s: float) -> int:
    """Move ``sp_wrk``; returns the limit that it has reached."""
    if b.mode == AUTO:
        if wanted == CAS and pv_good and not is_automatic(mode_before):
            set_both(b, clamp(b.pv, b.sp_low, b.sp_high))  # nobody has given it a setpoint yet
        return local_setpoint(b, dt_s)
    if b.mode == CAS:
        return setpoint_from(b, b.cas_in)
    if b.mode == RCAS:
        return setpoint_from(b, b.rcas_in if b.host_leads != 0 else b.sp_wrk)
    if b.mode != OOS:
        idle_setpoint(b, mode_before, wanted, pv_good)
    return LIMIT_CONSTANT


def local_setpoint(b: Any, dt_s: float) -> int:
    """The operator's, inside its limits, no faster than its ramp. A setpoint on its way counts as limited."""
    before = b.sp_wrk
    wanted = clamp(b.sp, b.sp_low, b.sp_high)
    at_low, at_high = b.sp < b.sp_low, b.sp > b.sp_high
    if b.options & SP_RATE:
        if b.sp_rate_up > 0.0 and wanted > before + b.sp_rate_up * dt_s:
            wanted = before + b.sp_rate_up * dt_s
            at_high = True
        if b.sp_rate_down > 0.0 and wanted < before - b.sp_rate_down * dt_s:
            wanted = before - b.sp_rate_down * dt_s
            at_low = True
    b.sp_wrk = wanted
    return limit_code(at_low, at_high)


def setpoint_from(b: Any, given: float) -> int:
    """That of the block above or of a host, inside the limits, or, where these do not hold, near the range."""
    low, high = b.sp_low, b.sp_high
    if b.options & SP_FREE:
        beyond = BEYOND_PART * (b.pv_scale_high - b.pv_scale_low)
        low, high = b.pv_scale_low - beyond, b.pv_scale_high + beyond
    set_both(b, clamp(given, low, high))
    return limit_code(given < low, given > high)


def idle_setpoint(b: Any, mode_before: int, wanted: int, pv_good: bool) -> None:
    """While somebody else makes the output: what the options let the setpoint follow, so that control starts there."""
    if b.options & BYPASS:
        sp = b.pv_zero + (b.out - b.out_zero) * b.out_to_pct / b.pv_to_pct
        if math.isfinite(sp):
            set_both(b, clamp(sp, b.sp_low, b.sp_high))
    elif b.options & SP_TRACK_RETAINED and follows_retained(b):
        set_both(b, clamp(b.cas_in if b.retained_sp == CAS else b.rcas_in, b.sp_low, b.sp_high))
    elif pv_good and (follows_measurement(b, wanted) or (wanted == CAS and not is_automatic(mode_before))):
        set_both(b, clamp(b.pv, b.sp_low, b.sp_high))
    elif wanted == MAN or mode_before == OOS:
        b.sp_wrk = clamp(b.sp, b.sp_low, b.sp_high)  # a ramp waits while the block is only kept from its target


def follows_measurement(b: Any, wanted: int) -> bool:
    """SP-PV track in Man, in ROut, in LO and IMan."""
    if b.mode == MAN:
        return wanted == MAN and b.options & SP_TRACK_MAN != 0
    if b.mode == ROUT:
        return b.options & SP_TRACK_ROUT != 0  # type: ignore[no-any-return]
    return (b.mode == LO or b.mode == IMAN) and b.options & SP_TRACK_LO != 0  # type: ignore[no-any-return]


def follows_retained(b: Any) -> bool:
    """Is there a setpoint of the block above or of the host, from which the last automatic mode lived?"""
    if b.retained_sp == CAS:
        return quality_of(b.cas_in_status) != BAD and math.isfinite(b.cas_in)
    return b.retained_sp == RCAS and quality_of(b.rcas_in_status) != BAD


def set_both(b: Any, sp: float) -> None:
    """Setpoint and working setpoint."""
    b.sp = sp
    b.sp_wrk = sp
