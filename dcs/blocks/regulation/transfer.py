"""What blocks without an integral do between two blocks of a cascade: hand on forwards, hand back, bleed a balance.

Called by   the step functions of LIMIT, CHARACTERISER, SCALER, BATCH_SWITCH (blocks that pass the handshake through)
            and of the stations (RATIO, BIAS_GAIN, SPLITTER, CONTROL_SELECTOR); compiled together with them.
Knows       status bytes and numbers, and the field names ``inp``, ``out``, ``bkcal_in``, ``bkcal_out``, ``balance``,
            ``balance_from``, ``bal_time_s``.
Promise     while the block below does not take OUT, OUT is what the block below has; afterwards the difference to
            what the algorithm wants is bled off in a straight line over ``bal_time_s``. Nothing that is not a finite
            number gets into ``out``, ``bkcal_out`` or the balance.
Source      FF-891: BAL_TIME of the ratio, bias/gain and splitter blocks; reverse path of the signal characterizer.
"""

import math
from typing import Any

from dcs.blocks.handshake import HANDSHAKE_PART, below_ready, limit_code
from dcs.core.status import (
    BAD,
    GOOD_CASCADE,
    IA,
    LIMIT_CONSTANT,
    LIMIT_HIGH,
    LIMIT_LOW,
    NON_SPECIFIC,
    OK,
    STATUS_BAD,
    UNCERTAIN,
    limits_of,
    make_status,
    quality_of,
    sub_status_of,
    with_limits,
)

# --- statuses ---------------------------------------------------------------------------------------------------


def usable(value: float, status: int) -> bool:
    """A finite number that is not Bad."""
    return quality_of(status) != BAD and math.isfinite(value)


def bad_status_of(status: int) -> int:
    """Status of an output whose input cannot be used: the input's own if that is Bad, else Bad, non-specific."""
    if quality_of(status) == BAD:
        return status & 0xFF
    return STATUS_BAD


def worse_status(one: int, other: int) -> int:
    """The status with the worse quality, of two; the first of two equal ones. Good (cascade) counts as Good."""
    first, second = quality_of(one), quality_of(other)
    if second < first and second <= UNCERTAIN:
        return other & 0xFF
    return one & 0xFF


def plain_status(status: int) -> int:
    """The status of a value that was calculated from one with this status: no cascade words, no limits."""
    if quality_of(status) == GOOD_CASCADE:
        return make_status(2, OK)
    return status & 0xFC


def swapped(limits: int) -> int:
    """Limit bits of a quantity that falls when the other rises."""
    if limits == LIMIT_LOW:
        return LIMIT_HIGH
    if limits == LIMIT_HIGH:
        return LIMIT_LOW
    return limits


def joined_limits(one: int, other: int) -> int:
    """Limit bits of two limits that act at once."""
    return one | other


# --- balance ----------------------------------------------------------------------------------------------------


def bled(balance: float, began: float, dt_s: float, bal_time_s: float) -> float:
    """What is left after one more period of a balance that began as ``began``: a straight line over ``bal_time_s``."""
    if bal_time_s <= 0.0:
        return 0.0
    part = abs(began) * (dt_s / bal_time_s)
    if balance > part:
        return balance - part
    if balance < -part:
        return balance + part
    return 0.0


def accepted_of(linked: int, bkcal_in: float, status: int, out_before: float, out: float, span: float) -> float:
    """What the block below takes of OUT: all of it, unless it answered last scan's OUT with something else."""
    if linked == 0 or not usable(bkcal_in, status) or abs(bkcal_in - out_before) <= HANDSHAKE_PART * span:
        return out
    return bkcal_in


# --- blocks that pass the handshake through -----------------------------------------------------------------------


def follows_below(b: Any) -> bool:
    """True while the block below does not take OUT."""
    return b.bkcal_in_linked != 0 and not below_ready(b.bkcal_in, b.bkcal_in_status)


def pass_on(b: Any, wanted: float, limits: int, in_span: float, dt_s: float) -> None:
    """Set OUT and its status from what the algorithm wants for the input; ``limits`` are those of OUT.

    While the block below does not take OUT, OUT follows it, and the balance takes the difference. An acknowledgement
    is handed on only with the value that was asked for: one of an earlier request may still stand on the wire.
    """
    good = usable(b.inp, b.inp_status) and math.isfinite(wanted)
    follows = follows_below(b)
    sub = sub_status_of(b.inp_status)
    quality = quality_of(b.inp_status)
    if follows:
        if usable(b.bkcal_in, b.bkcal_in_status):
            b.out = b.bkcal_in
        difference = b.out - wanted
        if good and math.isfinite(difference):
            b.balance = difference
            b.balance_from = difference
        if quality == GOOD_CASCADE and sub == IA and not abs(b.inp - b.bkcal_out) <= HANDSHAKE_PART * in_span:
            sub = OK
    elif good:
        b.balance = bled(b.balance, b.balance_from, dt_s, b.bal_time_s)
        out = wanted + b.balance
        if math.isfinite(out):
            b.out = out
    if not good:
        b.out_status = bad_status_of(b.inp_status)
    else:
        b.out_status = make_status(quality, sub, limits)


def pass_back(b: Any, back: float, limits: int, rising: bool) -> None:
    """Set BKCAL_OUT: the input that gives what was accepted below. ``limits`` are the block's own, of the input."""
    if math.isfinite(back):
        b.bkcal_out = back
    if b.bkcal_in_linked == 0:
        b.bkcal_out_status = make_status(GOOD_CASCADE, OK, limits)
    elif not usable(b.bkcal_in, b.bkcal_in_status):
        b.bkcal_out_status = make_status(BAD, NON_SPECIFIC, LIMIT_CONSTANT)
        if quality_of(b.bkcal_in_status) == BAD:
            b.bkcal_out_status = b.bkcal_in_status & 0xFF
    else:
        below = limits_of(b.bkcal_in_status)
        if not rising:
            below = swapped(below)
        b.bkcal_out_status = with_limits(b.bkcal_in_status & 0xFF, joined_limits(below, limits))


def taken_below(b: Any, out_before: float, out_span: float) -> float:
    """What OUT without its balance was, as far as the block below accepted it: the value to be turned back."""
    if follows_below(b):
        return b.out  # type: ignore[no-any-return]
    accepted = accepted_of(b.bkcal_in_linked, b.bkcal_in, b.bkcal_in_status, out_before, b.out, out_span)
    return accepted - b.balance  # type: ignore[no-any-return]


def taken_whole(b: Any, out_before: float, out_span: float) -> bool:
    """True when nothing below has changed OUT, so that the input itself was accepted."""
    if follows_below(b):
        return False
    accepted = accepted_of(b.bkcal_in_linked, b.bkcal_in, b.bkcal_in_status, out_before, b.out, out_span)
    return accepted == b.out  # type: ignore[no-any-return]


def limits_between(value: float, low: float, high: float) -> int:
    """Limit bits of a value that is cut off below ``low`` and above ``high``."""
    return limit_code(value < low, value > high)
