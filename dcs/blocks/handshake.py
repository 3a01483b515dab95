"""What the blocks of a cascade have in common: reasons, limits, and what each side says to the other.

Called by   the step functions; compiled together with them.
Knows       status bytes, modes and numbers. No block.
Source      FF-891 mode and cascade rules as chosen in the reference for function blocks.
"""

import math

from dcs.core.modes import CAS, IMAN, LO, OOS
from dcs.core.status import (
    BAD,
    FSA,
    GOOD,
    GOOD_CASCADE,
    IA,
    IFS,
    IR,
    LIMIT_CONSTANT,
    LIMIT_HIGH,
    LIMIT_LOW,
    LIMIT_NONE,
    NI,
    OK,
    OUT_OF_SERVICE,
    UNCERTAIN,
    make_status,
    quality_of,
    sub_status_of,
)
from dcs.core.status import LO as SUB_LO

# Why the actual mode differs from the target; shown to people, so that nobody has to guess.
AS_ASKED, STARTING, INPUT_BAD, NO_CASCADE, BELOW_NOT_READY, TRACKING, FAULT_STATE, NO_READBACK = range(8)
NO_HOST, HOST_SILENT, RELAY_TEST, FORCED, FROM_FIELD, INTERLOCKED = 8, 9, 10, 11, 12, 13
REASON_TEXTS = (
    "as asked",
    "leaving out of service",
    "the input is Bad",
    "the cascade input has not been initialised",
    "the block below is not ready",
    "tracking",
    "fault state",
    "no good read-back from the field",
    "the host has not acknowledged",
    "the host has not written in time",
    "relay test",
    "forced",
    "driven from the field",
    "held by an interlock",
)
REASON_CHOICES = tuple((text, code) for code, text in enumerate(REASON_TEXTS))


HANDSHAKE_PART = 1e-9
"""How far, as a part of the span, an acknowledged value may be from the one asked for: rounding, no more."""


def clamp(value: float, low: float, high: float) -> float:
    """``value`` inside ``low`` … ``high``; ``low`` wins when they cross."""
    if value > high:
        value = high
    if value < low:
        value = low
    return value


def lag_factor(dt_s: float, time_constant_s: float) -> float:
    """Part of the way a first-order lag goes in one period: exact for any ratio; 1 without a lag."""
    if time_constant_s <= 0.0:
        return 1.0
    return 1.0 - math.exp(-dt_s / time_constant_s)


def input_ok(value: float, status: int, uncertain_as_good: int) -> bool:
    """May an algorithm work with it?"""
    quality = quality_of(status)
    return math.isfinite(value) and (quality >= GOOD or (quality == UNCERTAIN and uncertain_as_good != 0))


def cascade_ok(value: float, status: int, mode_before: int, asked: float, tolerance: float) -> bool:
    """May the block be in Cas? To stay, any Good (cascade) will do.

    To enter, the primary must have acknowledged, with the value that it was ``asked`` for: an acknowledgement of an
    earlier request may still stand on the wire when the primary is slower than this block or on another controller.
    """
    if quality_of(status) != GOOD_CASCADE or not math.isfinite(value):
        return False
    return mode_before == CAS or (sub_status_of(status) == IA and abs(value - asked) <= tolerance)


def below_ready(value: float, status: int) -> bool:
    """False while the block below does not take this block's output."""
    quality = quality_of(status)
    if quality == BAD or not math.isfinite(value):
        return False
    sub = sub_status_of(status)
    return not (quality == GOOD_CASCADE and (sub in (NI, IR, SUB_LO, FSA)))


def asks_for_fault_state(status: int) -> bool:
    """Does the block above ask the output block below for its fault state?"""
    return quality_of(status) == GOOD_CASCADE and sub_status_of(status) == IFS


def limit_code(at_low: bool, at_high: bool) -> int:
    """Limit bits from two facts."""
    if at_low and at_high:
        return LIMIT_CONSTANT
    if at_low:
        return LIMIT_LOW
    return LIMIT_HIGH if at_high else LIMIT_NONE


def swapped_limits(limits: int) -> int:
    """Low for high and high for low: limits on their way up through an action that inverts."""
    if limits == LIMIT_LOW:
        return LIMIT_HIGH
    return LIMIT_LOW if limits == LIMIT_HIGH else limits


def backward_status(target: int, mode: int, can_cascade: bool, limits: int) -> int:
    """Status of BKCAL_OUT of a block without fault state: what it lets the block above know."""
    return backward_status_of(CAS, target, mode, can_cascade, limits)


def backward_status_of(own: int, target: int, mode: int, can_enter: bool, limits: int) -> int:
    """What is said back that belongs to the mode ``own``: Cas to the block above, RCas and ROut to a host."""
    if mode == OOS:
        return make_status(BAD, OUT_OF_SERVICE, LIMIT_CONSTANT)
    if mode == LO:
        return make_status(GOOD_CASCADE, SUB_LO, LIMIT_CONSTANT)
    if mode == own:
        return make_status(GOOD_CASCADE, OK, limits)
    if target == own and can_enter and mode != IMAN:
        return make_status(GOOD_CASCADE, IR, LIMIT_NONE)
    return make_status(GOOD_CASCADE, NI, LIMIT_CONSTANT)
