"""What RATIO and BIAS_GAIN have in common: modes, the setpoint, the balance, what the blocks above and below are told.

Called by   the step functions of stations; compiled together with them.
Knows       the fields that the declarations of stations share. A station is a block without an integral whose output
            is a straight line of its setpoint: ``out = offset + slope * sp + balance``.
Promise     entering Auto or Cas, a changed gain, and the return of a Bad input leave OUT where it is; the difference
            is bled off over ``bal_time_s``.
Source      FF-891 ratio and bias/gain station, BAL_TIME; mode rules as chosen in the reference for function blocks.
"""

import math
from typing import Any

from dcs.blocks.declare import FieldGroup, f8, i8, signal
from dcs.blocks.handshake import (
    AS_ASKED,
    BELOW_NOT_READY,
    HANDSHAKE_PART,
    INPUT_BAD,
    NO_CASCADE,
    REASON_CHOICES,
    STARTING,
    asks_for_fault_state,
    backward_status,
    below_ready,
    cascade_ok,
    clamp,
    limit_code,
)
from dcs.blocks.regulation.transfer import accepted_of, bled, swapped, usable
from dcs.core.modes import AUTO, CAS, IMAN, MAN, MODE_CHOICES, OOS, TARGET_CHOICES, mode_mask
from dcs.core.status import (
    DNS,
    GOOD_CASCADE,
    IA,
    IFS,
    IR,
    LIMIT_CONSTANT,
    NS,
    OK,
    STATUS_OOS,
    limits_of,
    make_status,
    quality_of,
    sub_status_of,
)

SMALLEST_SLOPE = 1e-12
"""Part of the output range by which a whole range of setpoint must move OUT, to be turned back into a setpoint."""

STATION_STATE: tuple[FieldGroup, ...] = (
    i8("cas_in_linked", "1 when CAS_IN is wired"),
    i8("bkcal_in_linked", "1 when BKCAL_IN is wired"),
    f8("balance", "@out_scale", "what is still to be bled off"),
    f8("balance_from", "@out_scale", "balance at the last hand-over"),
    f8("gain_used", "", "gain of the last scan"),
)
STATION_OUTPUTS: tuple[FieldGroup, ...] = (
    i8("mode", "actual mode", choices=MODE_CHOICES),
    i8("reason", "why the actual mode is not the target", choices=REASON_CHOICES),
)
STATION_PARAMS: tuple[FieldGroup, ...] = (
    f8(
        "out_low", "@out_scale", "lowest output", default_from="out_scale_low", limited_by=("out_scale_low", "out_high")
    ),
    f8(
        "out_high",
        "@out_scale",
        "highest output",
        default_from="out_scale_high",
        limited_by=("out_low", "out_scale_high"),
    ),
    f8("bal_time_s", "s", "time in which a balance is bled off; 0 = at once", default=10.0, low=0.0),
    i8("sp_track", "1: the setpoint follows the output in Man and IMan", low=0, high=1),
    i8("target", "mode asked for", default=AUTO, choices=TARGET_CHOICES),
    i8("normal", "mode in normal operation", default=AUTO, choices=TARGET_CHOICES),
    i8("permitted", "mask of permitted modes", default=mode_mask((OOS, MAN, AUTO, CAS))),
)


def station_out() -> FieldGroup:
    """OUT, which an operator writes in Man."""
    return signal("out", "@out_scale", "output", limited_by=("out_low", "out_high"), write_in=(MAN,))


def choose_station_mode(b: Any, mode_before: int, input_good: bool, sp_span: float) -> None:
    """Actual mode and the reason for it; what comes later has priority."""
    if b.target == OOS:
        b.mode, b.reason = OOS, AS_ASKED
        return
    b.mode, b.reason = b.target, AS_ASKED
    if b.target == CAS and not cascade_ok(
        b.cas_in, b.cas_in_status, mode_before, b.bkcal_out, HANDSHAKE_PART * sp_span
    ):
        b.mode, b.reason = AUTO, NO_CASCADE
    if b.target != MAN and not input_good:
        b.mode, b.reason = MAN, INPUT_BAD
    if b.target != MAN and mode_before == OOS:
        b.mode, b.reason = MAN, STARTING
    if b.bkcal_in_linked != 0 and not below_ready(b.bkcal_in, b.bkcal_in_status):
        b.mode, b.reason = IMAN, BELOW_NOT_READY


def setpoint_for(b: Any, out: float, offset: float, slope: float, sp_span: float) -> float:
    """The setpoint that gives ``out``; the present one where no setpoint does."""
    if abs(slope) * sp_span <= SMALLEST_SLOPE * (b.out_scale_high - b.out_scale_low):
        return b.sp  # type: ignore[no-any-return]
    sp = (out - offset) / slope
    return clamp(sp, b.sp_low, b.sp_high) if math.isfinite(sp) else b.sp


def run_station(b: Any, mode_before: int, offset: float, slope: float, moved: float, dt_s: float) -> None:
    """Output, setpoint and statuses of one scan, from the straight line of this scan.

    ``moved``: by how much the parameters of the last scan would give more now, for the balance to absorb.
    """
    sp_span = abs(b.sp_high - b.sp_low)
    out_before = b.out
    limits = LIMIT_CONSTANT
    sp_limits = 0
    whole = True
    if b.mode == AUTO or b.mode == CAS:
        entering = mode_before not in (AUTO, CAS)
        asked = b.cas_in if b.mode == CAS else b.sp
        if entering and b.mode == AUTO and b.target == CAS:
            asked = setpoint_for(b, b.out, offset, slope, sp_span)  # nobody has given it a setpoint yet
        sp = clamp(asked, b.sp_low, b.sp_high)
        if b.mode == CAS:
            sp_limits = limit_code(asked < b.sp_low, asked > b.sp_high)
        if entering:
            begin_balance(b, b.out - (offset + slope * sp))
        elif moved != 0.0:
            begin_balance(b, b.balance + moved)
        else:
            b.balance = bled(b.balance, b.balance_from, dt_s, b.bal_time_s)
        b.sp = sp
        out = offset + slope * sp + b.balance
        if math.isfinite(out):
            b.out = clamp(out, b.out_low, b.out_high)
            limits = limit_code(out < b.out_low, out > b.out_high)
            whole = b.out == out
    else:
        if b.mode == IMAN and usable(b.bkcal_in, b.bkcal_in_status):
            b.out = b.bkcal_in
        elif b.mode == MAN:
            b.out = clamp(b.out, b.out_low, b.out_high)
        if (b.target == CAS or b.sp_track != 0) and b.mode != OOS:
            b.sp = setpoint_for(b, b.out, offset, slope, sp_span)
        begin_balance(b, b.out - (offset + slope * b.sp))
    report_station(b, out_before, offset, slope, sp_span, limits, sp_limits, whole)


def begin_balance(b: Any, balance: float) -> None:
    """A new balance, from which the straight line to zero starts."""
    if math.isfinite(balance):
        b.balance = balance
        b.balance_from = balance


def report_station(
    b: Any, out_before: float, offset: float, slope: float, sp_span: float, limits: int, sp_limits: int, whole: bool
) -> None:
    """Statuses, and what the block above is told: the setpoint that was accepted down to the field."""
    sub = OK
    if b.mode == IMAN and quality_of(b.bkcal_in_status) == GOOD_CASCADE and sub_status_of(b.bkcal_in_status) == IR:
        sub = IA
    elif b.reason == INPUT_BAD:
        sub = DNS  # a selector below goes by those that know what they do
    if b.target == CAS and asks_for_fault_state(b.cas_in_status):
        sub = IFS  # as long as it is asked for: the fault state itself puts this block into IMan
    b.out_status = STATUS_OOS if b.mode == OOS else make_status(GOOD_CASCADE, sub, limits)
    span = b.out_scale_high - b.out_scale_low
    back = b.sp
    if b.mode == CAS:
        accepted = accepted_of(b.bkcal_in_linked, b.bkcal_in, b.bkcal_in_status, out_before, b.out, span)
        if accepted != b.out or not whole:
            back = setpoint_for(b, accepted - b.balance, offset, slope, sp_span)
    if math.isfinite(back):
        b.bkcal_out = back
    below = limits_of(b.bkcal_in_status) if b.bkcal_in_linked != 0 else 0
    up = (limits | below) if b.mode in (AUTO, CAS) else LIMIT_CONSTANT
    if slope < 0.0:
        up = swapped(up)
    b.bkcal_out_status = backward_status(b.target, b.mode, b.mode == AUTO, up | sp_limits)
    if b.mode == CAS and b.bkcal_in_linked != 0 and sub_status_of(b.bkcal_in_status) == NS:
        b.bkcal_out_status = make_status(GOOD_CASCADE, NS, up | sp_limits)  # a line has nothing of its own to say
