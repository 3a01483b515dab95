"""From the signal of a transmitter to a value in engineering units, and what may be believed of it.

Called by   the steps of AI and MUX_AI; compiled together with them.
Knows       numbers and status bytes. No block.
Source      NAMUR NE 43 (2003) for the ranges of a 4–20 mA signal; FF-891 analogue input for root, cut-off, range
            and STATUS_OPTS.
"""

import math

from dcs.core.status import (
    BAD,
    GOOD,
    LIMIT_HIGH,
    LIMIT_LOW,
    RANGE_VIOLATION,
    SENSOR_FAILURE,
    UNCERTAIN,
    limits_of,
    make_status,
    quality_of,
)

# NE 43, in mA: below and above these the signal is no measurement any more.
FAIL_LOW_MA, SATURATED_LOW_MA, SATURATED_HIGH_MA, FAIL_HIGH_MA = 3.6, 3.8, 20.5, 21.0

LINEAR, SQRT = 0, 1
LINEARISATION_CHOICES = (("LINEAR", LINEAR), ("SQRT", SQRT))

LARGEST_SPANS = 1e6
"""A value so many ranges away is none: a register read wrongly, not a measurement."""

OVER_RANGE_PCT = 5.0
"""Beyond the range by more than this part of the span a value is Uncertain; NE 43 ends at 3.1 % above."""


def judge_ne43(raw_ma: float, status: int) -> int:
    """Status of a 4–20 mA signal: Bad in the failure range, Uncertain where it is saturated, else as it came."""
    if raw_ma <= FAIL_LOW_MA or raw_ma >= FAIL_HIGH_MA:
        return make_status(BAD, SENSOR_FAILURE, LIMIT_LOW if raw_ma <= FAIL_LOW_MA else LIMIT_HIGH)
    if raw_ma < SATURATED_LOW_MA:
        return make_status(UNCERTAIN, RANGE_VIOLATION, LIMIT_LOW)
    if raw_ma > SATURATED_HIGH_MA:
        return make_status(UNCERTAIN, RANGE_VIOLATION, LIMIT_HIGH)
    return status


def saturated(raw_ma: float, ne43: int) -> bool:
    """Is a signal that is judged by NE 43 beyond what is measurement? Then it may be on its way out of a failure."""
    return ne43 != 0 and (raw_ma < SATURATED_LOW_MA or raw_ma > SATURATED_HIGH_MA)


def engineering_value(
    raw: float, raw_low: float, raw_high: float, low: float, high: float, linearisation: int, low_cut: float
) -> float:
    r"""Value of a signal: :math:`v = l + p (h - l)` with :math:`p` its place in the raw range, or :math:`\sqrt p`.

    The root makes a flow of a differential pressure; below zero it is zero. The cut-off acts on the value, after the
    root (which lifts the noise of a standing flow to some per cent) and before the filter.
    """
    part = (raw - raw_low) / (raw_high - raw_low)
    if linearisation == SQRT:
        part = math.sqrt(part) if part > 0.0 else 0.0
    value = low + part * (high - low)
    return 0.0 if low_cut > 0.0 and value < low_cut else value


def believable(value: float, low: float, high: float) -> bool:
    """Can it be a value of this range at all? What is no number cannot, nor what would overflow in a filter."""
    return math.isfinite(value) and abs(value - low) <= LARGEST_SPANS * (high - low)


def judge_range(value: float, low: float, high: float, margin_pct: float, status: int) -> int:
    """Uncertain, range violation, for a value that is beyond its range by more than the margin; else as it came."""
    if quality_of(status) == BAD:
        return status
    margin = 0.01 * margin_pct * (high - low)
    if value > high + margin:
        return make_status(UNCERTAIN, RANGE_VIOLATION, LIMIT_HIGH)
    if value < low - margin:
        return make_status(UNCERTAIN, RANGE_VIOLATION, LIMIT_LOW)
    return status


def judge_limits(status: int, bad_if_limited: int, uncertain_if_limited: int) -> int:
    """STATUS_OPTS: what is made of a value that stands at one end of what the device can say; else as it came."""
    limits = limits_of(status)
    if quality_of(status) == BAD or (limits != LIMIT_LOW and limits != LIMIT_HIGH):
        return status
    if bad_if_limited != 0:
        return make_status(BAD, SENSOR_FAILURE, limits)
    if uncertain_if_limited != 0 and quality_of(status) >= GOOD:
        return make_status(UNCERTAIN, RANGE_VIOLATION, limits)
    return status


def delay_passed(timer_s: float, delay_s: float, dt_s: float) -> bool:
    """Has a condition lasted longer than a delay? Half a period of tolerance, so that ten times 0.1 s is one second."""
    return timer_s > delay_s + 0.5 * dt_s
