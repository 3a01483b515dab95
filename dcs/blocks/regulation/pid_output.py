"""What of the output was accepted, how fast it may move, and what is said about it to the blocks above and below.

Called by   the step of the PID. Knows OUT, its limits, statuses and options.
Source      external reset: Shinskey, Process Control Systems; statuses: FF-891.
"""

from typing import Any

from dcs.blocks.handshake import asks_for_fault_state, backward_status, clamp, input_ok, swapped_limits
from dcs.blocks.regulation.pid_host import tell_host
from dcs.blocks.regulation.pid_settings import (
    BAD_OUT_IF_BAD,
    BELOW,
    BEYOND_PART,
    BKCAL_PV,
    BYPASS,
    DIRECT,
    DNS_IF_BAD,
    HOST,
    IFS_IF_BAD,
    IFS_IF_BAD_CAS,
    INTEGRAL_ONLY,
    LARGEST_PCT,
    OUT_FREE_IN_MAN,
    READBACK,
    shaped,
)
from dcs.core.modes import AUTO, CAS, IMAN, LO, MAN, OOS, ROUT, is_automatic
from dcs.core.status import (
    BAD,
    DNS,
    GOOD,
    GOOD_CASCADE,
    IA,
    IFS,
    IR,
    LIMIT_CONSTANT,
    LIMIT_HIGH,
    LIMIT_LOW,
    LIMIT_NONE,
    NO_COMM_LAST_USABLE,
    NS,
    OK,
    STATUS_OOS,
    limits_of,
    make_status,
    quality_of,
    sub_status_of,
)

RESET_OWN, RESET_BELOW, RESET_READBACK, RESET_READBACK_BAD = 0, 1, 2, 3
RESET_CHOICES = (("OWN_OUT", 0), ("BLOCK_BELOW", 1), ("READBACK", 2), ("READBACK_BAD", 3))
"""Where the external reset comes from; the last: from the block below or the own OUT, for want of the read-back."""


def integral_increment(b: Any) -> float:
    """One scan of the reset, exact for any dt/Ti; all terms are those of the last scan, to which the answer belongs."""
    accepted = b.bkcal_in if b.options & BELOW else b.out
    if b.options & READBACK:
        accepted = read_back(b, accepted)
    others_pct = b.ff_pct + b.d_reset_gain * b.derivative_pct
    if b.options & INTEGRAL_ONLY:  # what the proportional part would be: it drives the integral, but is not in OUT
        others_pct = others_pct - b.loop_gain * shaped(b, b.sp_pct - b.pv_pct)
    accepted_pct = (accepted - b.out_zero) * b.out_to_pct
    if not abs(accepted_pct) <= LARGEST_PCT:
        return 0.0
    increment_pct = b.reset_part * (accepted_pct - others_pct - b.integral_pct)
    if b.options & BELOW:
        limits = limits_of(b.bkcal_in_status)
        if limits != LIMIT_NONE and sub_status_of(b.bkcal_in_status) != NS:  # not selected: follows the selected one
            if limits == LIMIT_CONSTANT:
                return 0.0
            if (limits == LIMIT_HIGH and increment_pct > 0.0) or (limits == LIMIT_LOW and increment_pct < 0.0):
                return 0.0
    return increment_pct  # type: ignore[no-any-return]


def read_back(b: Any, otherwise: float) -> float:
    """What the field has taken, where that is known."""
    near = abs(b.readback - b.out_zero) * b.out_to_pct <= LARGEST_PCT
    if near and input_ok(b.readback, b.readback_status, 1):
        b.reset_source = RESET_READBACK
        return b.readback  # type: ignore[no-any-return]
    b.reset_source = RESET_READBACK_BAD
    return otherwise


def no_faster(b: Any, out: float, dt_s: float) -> float:
    """An output that moves no faster than its rates."""
    if b.out_rate_up > 0.0 and out > b.out + b.out_rate_up * dt_s:
        return b.out + b.out_rate_up * dt_s  # type: ignore[no-any-return]
    if b.out_rate_down > 0.0 and out < b.out - b.out_rate_down * dt_s:
        return b.out - b.out_rate_down * dt_s  # type: ignore[no-any-return]
    return out


def output_of_others(b: Any) -> float:
    """OUT in the modes in which the equation does not make it."""
    out = b.out
    if b.mode == IMAN:
        usable = quality_of(b.bkcal_in_status) != BAD and abs(b.bkcal_in - b.out_zero) * b.out_to_pct <= LARGEST_PCT
        return b.bkcal_in if usable else out  # type: ignore[no-any-return]
    if b.mode == OOS:
        return out  # type: ignore[no-any-return]
    low, high = b.out_low_used, b.out_high_used
    if b.mode == LO:
        out = b.trk_val
    elif b.mode == ROUT and b.host_leads != 0:
        out = b.rout_in
    if b.options & OUT_FREE_IN_MAN and (b.mode == MAN or b.mode == LO):
        beyond = BEYOND_PART * (b.out_scale_high - b.out_scale_low)
        low, high = b.out_scale_low - beyond, b.out_scale_high + beyond
    return clamp(out, low, high)


def report(b: Any, wanted: int, pv_good: bool, limits: int, sp_limits: int) -> None:
    """Statuses, and what the blocks above and below are told."""
    if b.mode == OOS:
        b.out_status = STATUS_OOS
    else:
        sub = OK
        if b.mode == IMAN and quality_of(b.bkcal_in_status) == GOOD_CASCADE and sub_status_of(b.bkcal_in_status) == IR:
            sub = IA
        if not pv_good or wanted == CAS:
            sub = word_down(b, wanted, pv_good, sub)
        b.out_status = make_status(GOOD_CASCADE, sub, limits)
        if b.options & BAD_OUT_IF_BAD and lost(b, wanted, pv_good):
            b.out_status = make_status(BAD, NO_COMM_LAST_USABLE, LIMIT_CONSTANT)
    b.sp_wrk_status = make_status(GOOD, OK, sp_limits)

    up = limits
    if b.options & BELOW:
        up = up | limits_of(b.bkcal_in_status)
    if b.options & DIRECT and b.options & BYPASS == 0:  # a higher setpoint lowers the output
        up = swapped_limits(up)
    up = up | sp_limits
    b.bkcal_out_status = backward_status(wanted, b.mode, b.mode == AUTO, up)
    b.bkcal_out = b.sp_wrk
    if b.options & BKCAL_PV and pv_good and sub_status_of(b.bkcal_out_status) != IR:  # from SP the cascade starts
        b.bkcal_out = b.pv
    if b.options & HOST:
        tell_host(b, pv_good or b.options & BYPASS != 0, up, limits)


def word_down(b: Any, wanted: int, pv_good: bool, sub: int) -> int:
    """Sub-status of OUT: a request for the fault state, passed on with the target Cas; or not to be selected.

    The first stands as long as it is asked for: the fault state itself puts this block into IMan. A controller that has
    lost its measurement must neither win an override nor hold it back, unless its OUT is somebody else's: the
    operator's, a host's, that of tracking or bypass. An acknowledgement that is waited for goes first.
    """
    if wanted == CAS and asks_for_fault_state(b.cas_in_status):
        return IFS
    if wanted == MAN:  # the output is the operator's
        return sub
    if not pv_good and b.options & IFS_IF_BAD:
        return IFS
    if b.options & IFS_IF_BAD_CAS and wanted == CAS and not input_ok(b.cas_in, b.cas_in_status, 1):
        return IFS
    return DNS if lost(b, wanted, pv_good) and sub != IA and b.options & DNS_IF_BAD != 0 else sub


def lost(b: Any, wanted: int, pv_good: bool) -> bool:
    """Has it lost its measurement, while it should make OUT from it?"""
    return not pv_good and is_automatic(wanted) and b.mode != LO and b.options & BYPASS == 0
