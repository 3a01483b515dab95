"""Device control: what a motor and an on/off valve have in common between a command and its feedback.

Called by   the steps of MOTOR and VALVE; compiled together with them.
Knows       the fields of those records, the time since the last scan. No clock, no I/O, no log.
Promise     an interlock acts always and at once, a permissive at a start only; a trip and a failure stay until RESET.
            What came first is in the record, so it survives a takeover. Nothing is commanded before the feedback has
            been read once: a device that runs when the controller starts goes on running.
Source      the behaviour that the motor and valve blocks of process control systems have in common; trip, reset and
            permissive as in IEC 61511-1.

Positions and commands: 0 is rest (stopped, closed), 1 is on (running, open). A Bad interlock trips unless
``trip_if_bad`` is 0; a Bad permissive is missing.
"""

from typing import Any

from dcs.blocks.discrete.truth import FALSE, TRUE, UNKNOWN, as_number, held, reached, truth
from dcs.blocks.handshake import (
    AS_ASKED,
    BELOW_NOT_READY,
    FROM_FIELD,
    INPUT_BAD,
    NO_CASCADE,
    NO_READBACK,
    STARTING,
    backward_status,
    below_ready,
    cascade_ok,
)
from dcs.core.modes import AUTO, CAS, IMAN, LO, MAN, OOS
from dcs.core.status import (
    BAD,
    GOOD_CASCADE,
    IA,
    IR,
    LIMIT_CONSTANT,
    LIMIT_NONE,
    NON_SPECIFIC,
    OK,
    STATUS_GOOD,
    STATUS_OOS,
    make_status,
    quality_of,
    sub_status_of,
)

CONDITIONS = 8
"""Interlocks, and permissives, of one device."""

BETWEEN, NOT_KNOWN, CONTRADICTION = 2, 3, 4
"""Positions beside rest (0) and on (1): on the way, feedback Bad, both limit switches at once."""

NO_FAIL, FAIL_ON, FAIL_REST, FAIL_UNEXPECTED, FAIL_FEEDBACK = range(5)
HOLD = 2

TRIPPED, FAILED, HELD_BACK, RESET_DONE = 1, 2, 3, 4
_FAIL_AT, _PERMIT_AT = 1 + CONDITIONS, 1 + CONDITIONS + 5
"""Where, among the names of events, those of failures and of permissives begin."""


def control(b: Any, position: int, feedback_status: int) -> None:
    """One scan: ``position`` is what the feedback says now, ``feedback_status`` how far it may be believed."""
    b.position = position
    judge_conditions(b)
    mode_before = b.mode
    choose_device_mode(b, mode_before)
    failed_before = b.fail
    take_reset(b)
    if b.mode != OOS and b.started != 0:
        take_setpoint(b)
        command_before = b.command
        give_command(b)
        if b.command != command_before:
            b.settled, b.travel_timer_s, b.stray_timer_s = 0, 0.0, 0.0
            b.pulsing = 1 if b.tripped != 0 or (b.mode != IMAN and b.mode != LO) else 0
            if b.command == 1:
                b.starts = b.starts + 1
        elif failed_before != NO_FAIL and b.fail == NO_FAIL:  # reset: its whole time anew, but no new pulse
            b.settled, b.travel_timer_s, b.stray_timer_s, b.pulsing = 0, 0.0, 0.0, 0
        else:
            b.travel_timer_s = b.travel_timer_s + b.elapsed_s
        watch_feedback(b)
    if position == 1:
        b.hours = b.hours + b.elapsed_s / 3600.0
    tell(b, feedback_status)


def judge_conditions(b: Any) -> None:
    """Which interlock stands and which permissive is missing; the first of each, by number."""
    b.standing, b.missing = 0, 0
    for i in range(CONDITIONS):
        if b.interlock_linked[i] != 0:
            now = truth(b.interlock[i], b.interlock_status[i])
            if b.standing == 0 and (now == TRUE or (now == UNKNOWN and b.trip_if_bad != 0)):
                b.standing = i + 1
        permitted = b.permissive_linked[i] == 0 or truth(b.permissive[i], b.permissive_status[i]) == TRUE
        if b.missing == 0 and not permitted:
            b.missing = i + 1
    b.interlocked = 1 if b.standing != 0 else 0
    b.permit = 1 if b.missing == 0 else 0


def choose_device_mode(b: Any, mode_before: int) -> None:
    """Actual mode and the reason for it; the first command comes from the feedback."""
    known = b.position == 0 or b.position == 1
    if (b.started == 0 or b.restarted != 0) and (known or b.position == BETWEEN):
        if known:
            b.command = b.position
            b.sp = b.position
            b.settled = 1
        else:
            b.command = b.sp
        b.started, b.restarted = 1, 0
    b.local_before = held(b.local, b.local_status, b.local_before)
    if b.target == OOS:
        b.mode, b.reason = OOS, AS_ASKED
        return
    b.mode, b.reason = b.target, AS_ASKED
    if mode_before == OOS and b.target != MAN:
        b.mode, b.reason = MAN, STARTING
    elif b.target == CAS and not cascade_ok(b.cas_in, b.cas_in_status, mode_before, b.bkcal_out, 0.5):
        b.mode, b.reason = AUTO, NO_CASCADE
    elif b.target == AUTO and b.demand_linked != 0 and truth(b.demand, b.demand_status) == UNKNOWN:
        b.reason = INPUT_BAD
    if b.local_before == TRUE:
        b.mode, b.reason = LO, FROM_FIELD
    if b.started == 0 or b.restarted != 0:
        b.mode, b.reason = IMAN, NO_READBACK
    elif b.bkcal_in_linked != 0 and not below_ready(b.bkcal_in, b.bkcal_in_status):
        b.mode, b.reason = IMAN, BELOW_NOT_READY


def take_reset(b: Any) -> None:
    """RESET by command or by a rise of RESET_IN; refused while an interlock stands."""
    now = held(b.reset_in, b.reset_in_status, b.reset_before)
    wanted = b.reset != 0 or (now == TRUE and b.reset_before == FALSE)
    b.reset_before, b.reset = now, 0
    if b.interlocked != 0:
        return
    if wanted and (b.tripped != 0 or b.fail != NO_FAIL):
        b.event, b.event_value = RESET_DONE, 0.0
    if wanted or b.reset_required == 0:
        b.tripped, b.first_out = 0, 0
    if wanted:
        b.fail = NO_FAIL


def take_setpoint(b: Any) -> None:
    """SP by mode: the operator's in Man, that of logic in Auto, of a sequence in Cas, else what the device does."""
    if b.mode == AUTO and b.reason == AS_ASKED and b.demand_linked != 0:
        b.sp = truth(b.demand, b.demand_status)
    elif b.mode == CAS:
        b.sp = 1 if b.cas_in >= 0.5 else 0
    elif b.mode == LO and (b.position == 0 or b.position == 1):
        b.sp = b.position
    elif b.mode == IMAN and below_value(b) >= 0:
        b.sp = below_value(b)


def below_value(b: Any) -> int:
    """What the output block below stands at; -1 where that is not known."""
    now = truth(b.bkcal_in, b.bkcal_in_status)
    return -1 if now == UNKNOWN else now


def give_command(b: Any) -> None:
    """Interlock before failure before setpoint; a start needs its permissives."""
    held_back = 0
    if b.interlocked != 0 and b.command != b.trip_to and b.tripped == 0:
        b.tripped, b.first_out = 1, b.standing
        b.event, b.event_value = TRIPPED, 1.0 * b.standing
    if b.tripped != 0:
        b.command = b.trip_to
        b.sp = b.trip_to
    elif b.mode == IMAN or b.mode == LO:
        b.command = b.sp
    elif b.fail != NO_FAIL:
        if b.fail_direction != HOLD:
            b.command = b.fail_direction
        b.sp = b.command
    elif b.sp == 0:
        b.command = 0
    elif b.command == 0:
        if b.permit != 0 and b.interlocked == 0:
            b.command = 1
        elif b.mode == MAN:
            b.sp = 0  # a start is not kept for later
        else:
            held_back = 1
            if b.held_back == 0 and b.missing != 0:
                b.event, b.event_value = HELD_BACK, 1.0 * (_PERMIT_AT + b.missing - 1)
    b.held_back = held_back


def watch_feedback(b: Any) -> None:
    """Confirmed, too late, gone without a command, or contradicting itself."""
    if b.position == b.command:
        b.settled, b.stray_timer_s = 1, 0.0
        return
    if b.position == NOT_KNOWN or b.fail != NO_FAIL:
        return
    fail = NO_FAIL
    if b.settled != 0 or b.position == CONTRADICTION:
        if reached(b.stray_timer_s, b.flicker_s):
            fail = FAIL_FEEDBACK if b.position == CONTRADICTION else FAIL_UNEXPECTED
        b.stray_timer_s = b.stray_timer_s + b.elapsed_s
    else:
        b.stray_timer_s = 0.0
        travel_s = b.travel_on_s if b.command == 1 else b.travel_rest_s
        if travel_s > 0.0 and reached(b.travel_timer_s, travel_s):
            fail = FAIL_ON if b.command == 1 else FAIL_REST
    if fail != NO_FAIL:
        b.fail = fail
        b.event, b.event_value = FAILED, 1.0 * (_FAIL_AT + fail)


def tell(b: Any, feedback_status: int) -> None:
    """Outputs and statuses."""
    b.out = as_number(b.command)
    b.out_on = as_number(TRUE if pulse(b, 1) else FALSE)
    b.out_rest = as_number(TRUE if pulse(b, 0) else FALSE)
    b.at_on = as_number(TRUE if b.position == 1 else FALSE)
    b.at_rest = as_number(TRUE if b.position == 0 else FALSE)
    b.failed = as_number(TRUE if b.fail != NO_FAIL else FALSE)
    b.tripped_out = as_number(b.tripped)
    if b.fail != NO_FAIL:
        b.pv = 4.0
    elif b.position == NOT_KNOWN:
        b.pv = 5.0
    elif b.position == b.command:
        b.pv = 1.0 * b.command
    else:
        b.pv = 2.0 if b.command == 1 else 3.0
    status = STATUS_GOOD
    if b.mode == OOS:
        status = STATUS_OOS
    elif b.started == 0 or b.restarted != 0:
        status = make_status(BAD, NON_SPECIFIC)
    b.pv_status = status if quality_of(status) == BAD else feedback_status
    b.at_on_status, b.at_rest_status = b.pv_status, b.pv_status
    b.failed_status, b.tripped_out_status = status, status
    b.out_on_status, b.out_rest_status = status, status
    b.out_status = status
    if status == STATUS_GOOD:
        asked = b.bkcal_in_linked != 0 and sub_status_of(b.bkcal_in_status) == IR
        b.out_status = make_status(GOOD_CASCADE, IA if asked else OK)
    b.bkcal_out = as_number(b.sp)
    limits = LIMIT_CONSTANT if b.tripped != 0 or b.fail != NO_FAIL else LIMIT_NONE
    b.bkcal_out_status = backward_status(b.target, b.mode, b.mode == AUTO, limits)


def pulse(b: Any, command: int) -> bool:
    """Does the pulse of this command last? It begins with the scan of the command."""
    if b.pulsing != 0 and reached(b.travel_timer_s, b.pulse_s):
        b.pulsing = 0
    return b.pulsing != 0 and b.command == command and b.mode != OOS  # type: ignore[no-any-return]


def feedback_of(value: float, status: int, linked: int) -> int:
    """One contact: TRUE, FALSE, UNKNOWN; UNKNOWN as well where it is not wired."""
    return UNKNOWN if linked == 0 else truth(value, status)


def assumed_position(b: Any) -> int:
    """Position of a device without feedback: at rest at first, then where it was sent once the travel time is over."""
    if b.started == 0:
        return 0
    travel_s = b.travel_on_s if b.command == 1 else b.travel_rest_s
    if b.settled != 0 or reached(b.travel_timer_s + b.elapsed_s, travel_s):
        return b.command  # type: ignore[no-any-return]
    return BETWEEN
