"""The relay test inside a controller: a few small steps of the output that show what the process is.

Called by   the step of the PID, through ``relay_test``; compiled together with it.
Knows       the controller's record (``relay_fields``) and dt. No clock, no I/O, no log.
Promise     setpoint, target mode and tuning are never written; the output stays within its limits and the measurement
            within ``tune_pv_dev_pct`` of where it was, or the test ends; on any end the output is back where the test
            found it before the controller goes on; a NaN never enters a sum.
Source      Åström & Hägglund (1984); asymmetric relay: see ``dcs.tuning.fit``; the 16th pitfall of the
            reference for function blocks.
"""

import math
from typing import Any

from dcs.blocks.handshake import below_ready, clamp
from dcs.core.modes import AUTO, CAS, IMAN, LO, MAN, OOS, RCAS, ROUT
from dcs.core.status import BAD, GOOD, LIMIT_NONE, limits_of, quality_of
from dcs.tuning.fit import NO_MODEL, describing_function, fit_relay
from dcs.tuning.texts import (
    ABORT_ALARM,
    ABORT_BELOW,
    ABORT_MODE,
    ABORT_OPERATOR,
    ABORT_PV_BAD,
    ABORT_PV_LIMIT,
    ABORT_TIME_OUT,
    CHECKING,
    DONE,
    DONE_COARSE,
    DONE_NO_MODEL,
    DONE_POOR,
    IDLE,
    NO_TEST,
    REFUSED_ALARM,
    REFUSED_BELOW,
    REFUSED_MODE,
    REFUSED_NOISY,
    REFUSED_NOT_STEADY,
    REFUSED_PV,
    REFUSED_SATURATED,
    RUNNING,
    UNDER_WAY,
)

OFF, START = 0, 1
CHECK_SCANS_LEAST = 20
HALF_SCANS_LEAST = 4
"""A half period of fewer scans is too coarse for a model."""
QUALITY_LEAST = 80.0
AGREE_PART, AGREE_SCANS, AGREE_SIZE_PART = 0.25, 2, 0.35
"""How far a half period may differ from the last one on its side: in length (part, scans), in size."""


def relay_test(b: Any, dt_s: float, pv_good: bool) -> bool:
    """One scan of the test; call it when ``b.tune_request != 0 or b.tune_state != 0``, and only then.

    Call it after the block has chosen the mode that it would have without the test (``b.mode``), and before it computes
    its output. True: the test owns the output in this scan; then the block makes its actual mode LO (so that a block
    above stays in IMan), its output ``b.tune_out``, back-calculates its integral from that as it does when tracking,
    and leaves the setpoint alone, setpoint tracking included. The last scan of a test is such a scan, with the output
    back where it was found: what follows is an ordinary return from LO. False: the block goes on as if there were no
    test (it is being checked, has been refused, or something with priority has taken the loop, in which case ``b.out``
    is where it was found unless the block follows someone else).
    """
    pv_pct = (b.pv - b.pv_scale_low) / (b.pv_scale_high - b.pv_scale_low) * 100.0 if pv_good else b.tune_pv_found
    if b.tune_state == IDLE:
        if b.tune_request == START:
            start(b, pv_good)
        else:
            b.tune_request = OFF
        return False
    b.tune_time_s = b.tune_time_s + dt_s
    why = reason_to_end(b, pv_good, pv_pct)
    if b.tune_state == CHECKING:
        if why == NO_TEST:
            why = check(b, pv_pct, dt_s)
        if why != NO_TEST:
            end(b, why)
            return False
        if b.tune_state == CHECKING:
            return False
    elif why == NO_TEST:
        why = follow(b, pv_pct, dt_s)
    if why == NO_TEST:
        direction = -1.0 if b.direct_acting != 0 else 1.0
        step_pct = b.tune_step_up if b.tune_up != 0 else -b.tune_step_down
        out = b.tune_out_found + direction * step_pct / 100.0 * (b.out_scale_high - b.out_scale_low)
        b.tune_out = clamp(out, b.out_low, b.out_high)
        return True
    end(b, why)
    b.tune_out = b.tune_out_found
    b.out = b.tune_out_found
    return b.mode not in (OOS, IMAN, LO)


def start(b: Any, pv_good: bool) -> None:
    """Refuse at once, or begin the check."""
    b.tune_time_s = 0.0
    b.tune_target = b.target
    why = NO_TEST
    if b.bkcal_in_linked != 0 and not below_ready(b.bkcal_in, b.bkcal_in_status):
        why = REFUSED_BELOW
    elif not pv_good or quality_of(b.pv_status) < GOOD:
        why = REFUSED_PV
    elif not in_service(b.mode):
        why = REFUSED_MODE
    elif abort_asked(b):
        why = REFUSED_ALARM
    elif saturated(b, b.out):
        why = REFUSED_SATURATED
    if why != NO_TEST:
        end(b, why)
        return
    b.tune_state, b.tune_result = CHECKING, UNDER_WAY
    b.tune_noise_pct = b.tune_ku = b.tune_pu_s = b.tune_k = b.tune_t_s = b.tune_l_s = b.tune_quality = 0.0
    b.tune_scans, b.tune_agree = 0, 0
    forget_totals(b)


def end(b: Any, result: int) -> None:
    """Whatever the reason: no test, and a word on why, for the journal too."""
    b.tune_state, b.tune_request, b.tune_result = IDLE, OFF, result
    b.event = result
    b.event_value = b.tune_quality


def in_service(mode: int) -> bool:
    """May a loop in this mode be tested?"""
    return mode in (MAN, AUTO, CAS)


def abort_asked(b: Any) -> bool:
    """Does the abort input want the test to end? A Bad one does: nobody would see the alarm."""
    if b.tune_abort_linked == 0:
        return False
    return quality_of(b.tune_abort_status) == BAD or not b.tune_abort <= 0.5


def reason_to_end(b: Any, pv_good: bool, pv_pct: float) -> int:
    """Result with which the test has to end now; ``NO_TEST`` as long as it may go on."""
    if b.tune_request != START:
        return ABORT_OPERATOR
    if not pv_good or quality_of(b.pv_status) < GOOD or not math.isfinite(pv_pct):
        return ABORT_PV_BAD
    if b.target != b.tune_target or b.mode in (OOS, LO, RCAS, ROUT):
        return ABORT_MODE
    if b.mode == IMAN:
        return ABORT_BELOW
    if abort_asked(b):
        return ABORT_ALARM
    if b.tune_state == RUNNING and abs(pv_pct - b.tune_pv_found) > b.tune_pv_dev_pct:
        return ABORT_PV_LIMIT
    if b.tune_time_s > b.tune_timeout_s:
        return ABORT_TIME_OUT
    return NO_TEST


def saturated(b: Any, out: float) -> bool:
    """Is ``out`` limited, or is there no room for the relay around it? Sets the two amplitudes.

    The larger one goes to the side with more room.
    """
    span = b.out_scale_high - b.out_scale_low
    above_pct, below_pct = (b.out_high - out) / span * 100.0, (out - b.out_low) / span * 100.0
    large, small = b.tune_step_pct, b.tune_step_pct / b.tune_asymmetry
    higher, lower = (large, small) if above_pct >= below_pct else (small, large)
    b.tune_step_up, b.tune_step_down = (lower, higher) if b.direct_acting != 0 else (higher, lower)
    limited = b.bkcal_in_linked != 0 and limits_of(b.bkcal_in_status) != LIMIT_NONE
    return limited or not (above_pct >= higher and below_pct >= lower)


def check(b: Any, pv_pct: float, dt_s: float) -> int:
    """Watch the loop at rest, or at control; at the end of the time start the relay or give the reason why not.

    The noise is the standard deviation about the straight line through the samples. It counts as noise, not as
    unsteadiness, when it is as large from sample to sample (von Neumann's mean square of successive differences).
    """
    b.tune_scans = b.tune_scans + 1
    n = b.tune_scans
    if n == 1:
        b.tune_pv_found, b.tune_out_found = pv_pct, b.out
        b.tune_pv_half = b.tune_square_half = b.tune_rms_up = b.tune_rms_down = pv_pct
        return NO_TEST
    if abs(pv_pct - b.tune_pv_half) > b.tune_pv_dev_pct:
        return REFUSED_NOT_STEADY  # there is no use in waiting, nor in squaring what may be huge
    before = pv_pct - b.tune_pv_found
    b.tune_pv_found = b.tune_pv_found + before / n
    b.tune_out_found = b.tune_out_found + (b.out - b.tune_out_found) / n
    b.tune_square_total = b.tune_square_total + before * (pv_pct - b.tune_pv_found)
    b.tune_pv_total = b.tune_pv_total + (n - 1.0) * (pv_pct - b.tune_pv_half)
    jump = pv_pct - b.tune_square_half
    b.tune_out_total = b.tune_out_total + jump * jump
    b.tune_square_half = pv_pct
    b.tune_rms_up, b.tune_rms_down = max(b.tune_rms_up, pv_pct), min(b.tune_rms_down, pv_pct)
    if n < CHECK_SCANS_LEAST or n * dt_s < b.tune_settle_s:
        return NO_TEST

    scatter = n * (n * n - 1.0) / 12.0  # of the numbers of the scans
    slope = (b.tune_pv_total - 0.5 * n * (n - 1.0) * (b.tune_pv_found - b.tune_pv_half)) / scatter
    slow = math.sqrt(max(b.tune_square_total - slope * slope * scatter, 0.0) / (n - 2.0))
    fast = math.sqrt(b.tune_out_total / (2.0 * (n - 1.0)))
    farthest = max(b.tune_rms_up - b.tune_pv_found, b.tune_pv_found - b.tune_rms_down)
    b.tune_noise_pct = slow
    if 3.0 * slow > b.tune_hysteresis_pct:
        return REFUSED_NOISY if fast > 0.5 * slow else REFUSED_NOT_STEADY
    if abs(slope) * n > b.tune_band_pct or farthest > b.tune_band_pct + b.tune_hysteresis_pct:
        return REFUSED_NOT_STEADY
    if saturated(b, b.tune_out_found):
        return REFUSED_SATURATED
    b.tune_state = RUNNING
    b.tune_up, b.tune_scans, b.tune_agree = 1, 0, 0
    b.tune_last_up = b.tune_last_down = 0
    b.tune_rms_up = b.tune_rms_down = 0.0
    forget_half(b)
    forget_totals(b)
    return NO_TEST


def follow(b: Any, pv_pct: float, dt_s: float) -> int:
    """One scan of the relay: add up, switch, compare half periods; the result when enough of them agree."""
    deviation = pv_pct - b.tune_pv_found
    b.tune_scans = b.tune_scans + 1
    if b.tune_scans == 1 and b.tune_agree > 0:  # one scan after a half period that counts
        if b.tune_up != 0:
            b.tune_level_down = b.tune_level_down + deviation
        else:
            b.tune_level_up = b.tune_level_up + deviation
        if b.tune_ups == b.tune_downs and b.tune_ups >= b.tune_periods:
            return conclude(b, dt_s)
    accepted = b.bkcal_in if b.bkcal_in_linked != 0 and math.isfinite(b.bkcal_in) else b.out
    accepted = clamp(accepted, b.out_low, b.out_high)
    direction = -1.0 if b.direct_acting != 0 else 1.0
    out_pct = direction * (accepted - b.tune_out_found) / (b.out_scale_high - b.out_scale_low) * 100.0
    b.tune_pv_half = b.tune_pv_half + deviation
    b.tune_square_half = b.tune_square_half + deviation * deviation
    b.tune_out_half = b.tune_out_half + out_pct
    if b.tune_up != 0 and deviation > b.tune_hysteresis_pct:
        compare(b, b.tune_last_up, b.tune_rms_up)
        b.tune_up = 0
    elif b.tune_up == 0 and deviation < -b.tune_hysteresis_pct:
        compare(b, b.tune_last_down, b.tune_rms_down)
        b.tune_up = 1
    return NO_TEST


def compare(b: Any, scans_before: int, rms_before: float) -> None:
    """A half period is over: into the totals, if it was like the last one on its side; else the totals start anew."""
    scans = b.tune_scans
    rms = math.sqrt(b.tune_square_half / scans)
    alike = abs(scans - scans_before) <= max(AGREE_PART * scans_before, AGREE_SCANS)
    if scans_before > 0 and alike and abs(rms - rms_before) <= AGREE_SIZE_PART * rms_before:
        b.tune_agree = b.tune_agree + 1
        b.tune_pv_total = b.tune_pv_total + b.tune_pv_half
        b.tune_square_total = b.tune_square_total + b.tune_square_half
        b.tune_out_total = b.tune_out_total + b.tune_out_half
        if b.tune_up != 0:
            b.tune_ups, b.tune_up_scans = b.tune_ups + 1, b.tune_up_scans + scans
        else:
            b.tune_downs, b.tune_down_scans = b.tune_downs + 1, b.tune_down_scans + scans
    else:
        b.tune_agree = 0
        forget_totals(b)
    if b.tune_up != 0:
        b.tune_last_up, b.tune_rms_up = scans, rms
    else:
        b.tune_last_down, b.tune_rms_down = scans, rms
    b.tune_scans = 0
    forget_half(b)


def conclude(b: Any, dt_s: float) -> int:
    """From the totals to the figures; the result."""
    scans = b.tune_up_scans + b.tune_down_scans
    mean = b.tune_pv_total / scans
    variance = b.tune_square_total / scans - mean * mean - b.tune_noise_pct * b.tune_noise_pct
    up_s, down_s = b.tune_up_scans * dt_s / b.tune_ups, b.tune_down_scans * dt_s / b.tune_downs
    kind, ku, pu_s, gain, lag_s, dead_s, quality = fit_relay(
        up_s, down_s,
        mean, math.sqrt(max(variance, 0.0)), b.tune_out_total / scans,
        b.tune_level_up / b.tune_ups, b.tune_level_down / b.tune_downs, b.tune_step_up, b.tune_step_down, dt_s,
    )  # fmt: skip
    coarse = min(b.tune_up_scans / b.tune_ups, b.tune_down_scans / b.tune_downs) < HALF_SCANS_LEAST
    if coarse or kind == NO_MODEL:
        rms = math.sqrt(max(variance, 0.0))
        b.tune_ku, b.tune_pu_s = describing_function(up_s, down_s, rms, b.tune_step_up, b.tune_step_down)
        return DONE_COARSE if coarse else DONE_NO_MODEL
    b.tune_ku, b.tune_pu_s = ku, pu_s
    b.tune_k = -gain if b.direct_acting != 0 else gain
    b.tune_t_s, b.tune_l_s, b.tune_quality = lag_s, dead_s, quality
    return DONE_POOR if quality < QUALITY_LEAST else DONE


def forget_half(b: Any) -> None:
    """A half period begins."""
    b.tune_pv_half = b.tune_square_half = b.tune_out_half = 0.0


def forget_totals(b: Any) -> None:
    """No half period counts yet."""
    b.tune_ups = b.tune_downs = b.tune_up_scans = b.tune_down_scans = 0
    b.tune_pv_total = b.tune_square_total = b.tune_out_total = b.tune_level_up = b.tune_level_down = 0.0
