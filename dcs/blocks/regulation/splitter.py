"""SPLITTER block: one setpoint for two to four legs, each with its own part of the range (split range).

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     a leg that does not take its output (Man, fault state, no read-back) is followed, and control goes on with
            the others; when it comes back its output starts where it is and the difference is bled off over
            ``bal_time_s``; so is what another range of a leg or another number of legs would move at once. The block
            above is told of a limit only when all legs that can move have reached it.
Source      FF-891 output splitter (IN_ARRAY, OUT_ARRAY, LOCKVAL, BAL_TIME).
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from dcs.blocks.declare import ParamValue, block_type, f8, i8, scale, signal, signals, step
from dcs.blocks.handshake import (
    AS_ASKED,
    BELOW_NOT_READY,
    HANDSHAKE_PART,
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
from dcs.blocks.regulation.transfer import bled, swapped, usable
from dcs.core.modes import AUTO, CAS, IMAN, MAN, MODE_CHOICES, OOS, mode_mask
from dcs.core.status import (
    GOOD_CASCADE,
    IA,
    IFS,
    IR,
    LIMIT_CONSTANT,
    LIMIT_HIGH,
    LIMIT_LOW,
    OK,
    STATUS_NOT_CONNECTED,
    STATUS_OOS,
    limits_of,
    make_status,
    quality_of,
    sub_status_of,
)

LEGS_MAX = 4


def check(params: Mapping[str, ParamValue], wired: frozenset[str]) -> Iterable[str]:
    """Each leg in use needs a range that rises."""
    for k in range(int(params["legs"])):  # type: ignore[arg-type]
        low, high = params["leg_in_low"][k], params["leg_in_high"][k]  # type: ignore[index]
        if not low < high:
            yield (
                f"leg {k + 1} goes from {low:g} to {high:g} of the setpoint (`leg_in_low`, `leg_in_high`); the first "
                "must be lower. To let a leg fall with the setpoint, exchange its `leg_out_low` and `leg_out_high`."
            )


SPLITTER = block_type(
    "SPLITTER",
    "Splitter",
    inputs=[
        signal("cas_in", "@pv_scale", "setpoint from the block above"),
        signals("bkcal_in", LEGS_MAX, "@out_scale", "what the block below this leg accepted"),
    ],
    state=[
        i8("cas_in_linked", "1 when CAS_IN is wired"),
        i8("bkcal_in_linked", "1 when the way back of this leg is wired", count=LEGS_MAX),
        f8("balance", "@out_scale", "what this leg has still to bleed off", count=LEGS_MAX),
        f8("balance_from", "@out_scale", "balance of this leg at its last hand-over", count=LEGS_MAX),
        i8("settings_changed", "1 when a parameter may have changed since the last scan", default=1),
        i8("legs_used", "number of legs in the last scan; 0 before the first"),
        f8("sp_used", "@pv_scale", "setpoint of the last scan"),
        f8("wanted_used", "@out_scale", "what the setpoint of the last scan gave for this leg", count=LEGS_MAX),
    ],
    outputs=[
        signals("out", LEGS_MAX, "@out_scale", "output of this leg"),
        signal("bkcal_out", "@pv_scale", "setpoint accepted, for the block above"),
        i8("mode", "actual mode", choices=MODE_CHOICES),
        i8("reason", "why the actual mode is not the target", choices=REASON_CHOICES),
    ],
    params=[
        scale("pv_scale", "range of the setpoint"),
        scale("out_scale", "range of the outputs"),
        i8("legs", "number of legs in use", default=2, low=2, high=LEGS_MAX),
        f8("leg_in_low", "@pv_scale", "setpoint at which a leg begins to move", count=LEGS_MAX),
        f8("leg_in_high", "@pv_scale", "setpoint at which a leg has finished", default=100.0, count=LEGS_MAX),
        f8("leg_out_low", "@out_scale", "output of a leg where it begins", count=LEGS_MAX),
        f8("leg_out_high", "@out_scale", "output of a leg where it has finished", default=100.0, count=LEGS_MAX),
        i8(
            "lock_value",
            "1: a finished leg stays where it is; 0: it goes back to its beginning when the next leg begins",
            default=1,
            low=0,
            high=1,
        ),
        f8("bal_time_s", "s", "time in which the balance of a leg is bled off; 0 = at once", default=10.0, low=0.0),
        f8("sp", "@pv_scale", "setpoint of the operator", limited_by=("sp_low", "sp_high"), write_in=(AUTO,)),
        f8("sp_low", "@pv_scale", "lowest setpoint", default_from="pv_scale_low"),
        f8("sp_high", "@pv_scale", "highest setpoint", default_from="pv_scale_high"),
        i8("target", "mode asked for", default=CAS, choices=(("OOS", OOS), ("AUTO", AUTO), ("CAS", CAS))),
        i8("normal", "mode in normal operation", default=CAS, choices=(("OOS", OOS), ("AUTO", AUTO), ("CAS", CAS))),
        i8("permitted", "mask of permitted modes", default=mode_mask((OOS, AUTO, CAS))),
    ],
    feedback_inputs=("bkcal_in",),
    optional_inputs=("cas_in", "bkcal_in"),
    check=check,
    published={
        "SP": "sp",
        "OUT1": "out_1",
        "OUT2": "out_2",
        "OUT3": "out_3",
        "OUT4": "out_4",
        "MODE": "mode",
        "TARGET": "target",
        "NORMAL": "normal",
        "BAL_TIME": "bal_time_s",
        "SP_LO": "sp_low",
        "SP_HI": "sp_high",
    },
    writable=("SP", "MODE", "TARGET", "BAL_TIME", "SP_LO", "SP_HI"),
)


@step(SPLITTER)
def splitter(b: Any, dt_s: float) -> None:
    r"""Leg :math:`k`: :math:`out_k = y_{l,k} + (y_{h,k} - y_{l,k})\,\mathrm{sat}\frac{sp - x_{l,k}}{x_{h,k} - x_{l,k}}
    + balance_k`; back: the setpoint that leaves the smallest balances.
    """
    mode_before = b.mode
    choose_mode(b, mode_before)
    automatic = b.mode == AUTO or b.mode == CAS
    entering = automatic and mode_before not in (AUTO, CAS)
    sp_limits = 0
    if b.mode == CAS:
        sp_limits = limit_code(b.cas_in < b.sp_low, b.cas_in > b.sp_high)
        b.sp = b.cas_in
    elif b.target == CAS and (entering or b.mode == IMAN or b.mode == MAN):
        b.sp = best_setpoint(b)  # nobody has given it a setpoint: the one that fits the legs best
    b.sp = clamp(b.sp, b.sp_low, b.sp_high)
    for k in range(b.legs):
        if b.settings_changed != 0 and k < b.legs_used:
            keep_leg(b, k)
        move_leg(b, k, automatic, entering or (b.legs_used > 0 and k >= b.legs_used), dt_s)
    b.settings_changed = 0
    b.legs_used, b.sp_used = b.legs, b.sp
    for k in range(b.legs, LEGS_MAX):
        b.out[k] = 0.0
        b.out_status[k] = STATUS_NOT_CONNECTED
    b.bkcal_out = b.sp
    limits = LIMIT_CONSTANT if b.mode == IMAN else common_limits(b)
    b.bkcal_out_status = backward_status(b.target, b.mode, b.mode == AUTO, limits | sp_limits)


def choose_mode(b: Any, mode_before: int) -> None:
    """Actual mode and the reason for it; what comes later has priority."""
    if b.target == OOS:
        b.mode, b.reason = OOS, AS_ASKED
        return
    b.mode, b.reason = b.target, AS_ASKED
    tolerance = HANDSHAKE_PART * (b.pv_scale_high - b.pv_scale_low)
    if b.target == CAS and not cascade_ok(b.cas_in, b.cas_in_status, mode_before, b.bkcal_out, tolerance):
        b.mode, b.reason = AUTO, NO_CASCADE
    if mode_before == OOS:
        b.mode, b.reason = MAN, STARTING
    for k in range(b.legs):
        if leg_ready(b, k):
            return
    b.mode, b.reason = IMAN, BELOW_NOT_READY


def leg_ready(b: Any, k: int) -> bool:
    """Does the block below this leg take its output?"""
    return b.bkcal_in_linked[k] == 0 or below_ready(b.bkcal_in[k], b.bkcal_in_status[k])


def leg_asks(b: Any, k: int) -> bool:
    """Does the block below this leg ask for its initialisation?"""
    status = b.bkcal_in_status[k]
    return b.bkcal_in_linked[k] != 0 and quality_of(status) == GOOD_CASCADE and sub_status_of(status) == IR


def wanted_of(b: Any, k: int, sp: float) -> float:
    """Output of a leg for a setpoint, without its balance."""
    low, high = b.leg_in_low[k], b.leg_in_high[k]
    if not low < high or sp <= low:
        return b.leg_out_low[k]  # type: ignore[no-any-return]
    if sp < high:
        part = (sp - low) / (high - low)
        out = b.leg_out_low[k] + part * (b.leg_out_high[k] - b.leg_out_low[k])
        if math.isfinite(out):
            return out  # type: ignore[no-any-return]
    if b.lock_value == 0:
        for other in range(b.legs):
            if other != k and b.leg_in_low[other] >= high and sp > b.leg_in_low[other]:
                return b.leg_out_low[k]  # type: ignore[no-any-return]
    return b.leg_out_high[k]  # type: ignore[no-any-return]


def keep_leg(b: Any, k: int) -> None:
    """Other settings: what the last setpoint would give more or less now goes into the balance."""
    moved = b.wanted_used[k] - wanted_of(b, k, b.sp_used)
    if moved != 0.0 and math.isfinite(b.balance[k] + moved):
        b.balance[k] = b.balance[k] + moved
        b.balance_from[k] = b.balance[k]


def move_leg(b: Any, k: int, automatic: bool, entering: bool, dt_s: float) -> None:
    """Output and status of one leg."""
    wanted = wanted_of(b, k, b.sp)
    b.wanted_used[k] = wanted
    ready = leg_ready(b, k)
    if not ready and usable(b.bkcal_in[k], b.bkcal_in_status[k]):
        b.out[k] = b.bkcal_in[k]
    if automatic and ready and not entering:
        b.balance[k] = bled(b.balance[k], b.balance_from[k], dt_s, b.bal_time_s)
    elif math.isfinite(b.out[k] - wanted):
        b.balance[k] = b.out[k] - wanted
        b.balance_from[k] = b.balance[k]
    limits = LIMIT_CONSTANT
    if automatic and ready:
        if math.isfinite(wanted + b.balance[k]):
            b.out[k] = wanted + b.balance[k]
        limits = limit_code(b.sp < b.leg_in_low[k], b.sp > b.leg_in_high[k])
        if b.leg_out_high[k] < b.leg_out_low[k]:
            limits = swapped(limits)
    sub = IA if leg_asks(b, k) else OK
    if b.target == CAS and asks_for_fault_state(b.cas_in_status):
        sub = IFS  # as long as it is asked for: the fault state itself puts this block into IMan
    b.out_status[k] = STATUS_OOS if b.mode == OOS else make_status(GOOD_CASCADE, sub, limits)


def common_limits(b: Any) -> int:
    """Limit bits of the setpoint: those that all legs share which take their output."""
    at_low, at_high = True, True
    for k in range(b.legs):
        if not leg_ready(b, k):
            continue
        limits = limits_of(b.bkcal_in_status[k]) if b.bkcal_in_linked[k] != 0 else 0
        if b.leg_out_high[k] < b.leg_out_low[k]:
            limits = swapped(limits)
        at_low = at_low and ((limits & LIMIT_LOW) != 0 or b.sp <= b.leg_in_low[k])
        at_high = at_high and ((limits & LIMIT_HIGH) != 0 or b.sp >= b.leg_in_high[k])
    return limit_code(at_low, at_high)


def best_setpoint(b: Any) -> float:
    """The setpoint that leaves the smallest balances on the legs that take their output or ask for it, else on all."""
    some = False
    for k in range(b.legs):
        some = some or leg_ready(b, k) or leg_asks(b, k)
    best = clamp(b.sp, b.sp_low, b.sp_high)
    least = misfit(b, best, some)
    for k in range(b.legs):
        rise = b.leg_out_high[k] - b.leg_out_low[k]
        if rise == 0.0:
            continue
        part = clamp((leg_value(b, k) - b.leg_out_low[k]) / rise, 0.0, 1.0)
        sp = b.leg_in_low[k] + part * (b.leg_in_high[k] - b.leg_in_low[k])
        if math.isfinite(sp):
            sp = clamp(sp, b.sp_low, b.sp_high)
            missed = misfit(b, sp, some)
            if missed < least:
                least = missed
                best = sp
    return best


def leg_value(b: Any, k: int) -> float:
    """What the block below a leg has."""
    if b.bkcal_in_linked[k] != 0 and usable(b.bkcal_in[k], b.bkcal_in_status[k]):
        return b.bkcal_in[k]  # type: ignore[no-any-return]
    return b.out[k]  # type: ignore[no-any-return]


def misfit(b: Any, sp: float, only_willing: bool) -> float:
    """Sum of the balances that a setpoint would leave."""
    total = 0.0
    for k in range(b.legs):
        if not only_willing or leg_ready(b, k) or leg_asks(b, k):
            total += abs(leg_value(b, k) - wanted_of(b, k, sp))
    return total
