"""The alarm record: one configured alarm on one terminal, executed with the blocks so that it is mirrored with them.

Called by   dcs.engine, after the blocks of its scan class.
Knows       its value, its limits, dt. The rules are in ``dcs.alarms.machine``.
"""

import math
from typing import Any

from dcs.alarms.machine import (
    ALARM_KINDS,
    DEV_HI,
    DEV_LO,
    OFF,
    ON,
    ROC,
    after_alarm,
    after_return,
    delay_over,
    detect,
)
from dcs.blocks.declare import FieldGroup, block_type, f8, i8, step
from dcs.blocks.handshake import lag_factor
from dcs.core.status import is_usable

_STATE: list[FieldGroup] = [
    i8("active", "1 while the process is in alarm, after delays and deadband"),
    f8("timer_s", "s", "how long the process has been on the other side"),
    i8("event", "old state × 16 + new state when the state has changed in this scan"),
    f8("event_value", "", "value of that change"),
]
_OUTPUTS: list[FieldGroup] = [
    i8("alarm_state", "0 normal, 1 unacknowledged, 2 acknowledged, 3 returned unacknowledged"),
    i8("alarm_time_ns", "UTC of the last change into alarm"),
    f8("alarm_value", "", "value at that time"),
]
_PARAMS: list[FieldGroup] = [
    i8("kind", "kind of alarm", choices=tuple((name, code) for code, name in enumerate(ALARM_KINDS))),
    f8("limit", "", "limit"),
    f8("deadband", "", "how far the value must come back", low=0.0),
    f8("on_delay_s", "s", "time in alarm before it is raised", low=0.0),
    f8("off_delay_s", "s", "time back in normal before it returns", low=0.0),
]

ALARM = block_type(
    "ALARM",
    "Alarm",
    internal=True,
    reads=("watched", "watched_status", "reference"),  # the last: what a deviation is taken from
    state=_STATE,
    outputs=_OUTPUTS,
    params=_PARAMS,
)

ALARM_EXTENDED = block_type(
    "ALARM_EXTENDED",
    "Alarm with memory",
    internal=True,
    reads=("watched", "watched_status", "reference", "watched_code"),  # the last: the value as a whole number
    state=[
        *_STATE,
        f8("remembered", "", "reference after its last change, or the value after its lag"),
        i8("seeded", "1 once there is something to remember"),
        f8("quiet_s", "s", "how long a deviation is still expected"),
    ],
    outputs=_OUTPUTS,
    params=[
        *_PARAMS,
        i8("whole", "1: watches a whole number", low=0, high=1),
        f8("after_sp_s", "s", "time after a change of the setpoint in which no deviation is raised", low=0.0),
        f8("window_s", "s", "time over which a change is judged", low=0.0),
    ],
)
EXTENDED_KINDS = (ON, OFF, ROC)
"""Kinds that need the larger record, as does what watches a whole number or waits after a change of the setpoint."""

NEW_SETPOINT_PART = 0.1
"""A setpoint that has moved by this part of the limit has changed: one that follows a noisy primary has not."""


@step(ALARM)
def alarm(
    b: Any, dt_s: float, watched: float, watched_status: int, reference: float, elapsed_s: float, now_ns: int
) -> None:
    """Detection, delay, state; the delay starts again whenever the condition ceases.

    There are more alarms than blocks, and their time is the time of their memory: values are read where they are, and a
    quiet alarm writes nothing.
    """
    deadband = b.deadband if b.active != 0 else 0.0  # it holds on leaving only
    found = detect(b.kind, b.active, watched, watched_status, reference, b.limit, deadband)
    follow(b, found, watched, dt_s, elapsed_s, now_ns)


def follow(b: Any, found: int, value: float, dt_s: float, elapsed_s: float, now_ns: int) -> None:
    """Delays and state from what was detected: 1 in alarm, 0 normal, -1 nothing can be said."""
    if found < 0:
        return
    if found == b.active:
        if b.timer_s != 0.0:
            b.timer_s = 0.0
        return
    if not delay_over(b.timer_s, b.on_delay_s if found != 0 else b.off_delay_s, dt_s):
        b.timer_s = b.timer_s + elapsed_s
        return
    before = b.alarm_state
    b.active = found
    b.timer_s = 0.0
    if found != 0:
        b.alarm_state = after_alarm(before)
        b.alarm_time_ns = now_ns
        b.alarm_value = value
    else:
        b.alarm_state = after_return(before)
    b.event = before * 16 + b.alarm_state
    b.event_value = value


@step(ALARM_EXTENDED)
def alarm_extended(
    b: Any,
    dt_s: float,
    watched: float,
    watched_status: int,
    reference: float,
    watched_code: int,
    elapsed_s: float,
    now_ns: int,
) -> None:
    r"""The same for `ON`, `OFF` and `ROC`, for whole numbers, and for deviations that wait after a change of setpoint.

    A rate of change is judged as :math:`|v - l|` against the limit, with :math:`l` the value after a first-order lag of
    the window: a steady ramp of `limit` per window reaches it, a step of `limit` at once. While `quiet_s` runs, a
    deviation is not raised; one that stands may return.
    """
    value = 1.0 * watched_code if b.whole != 0 else watched
    compared = reference
    if b.kind == ROC:
        compared = lagged(b, value, watched_status, dt_s)
    found = detect(b.kind, b.active, value, watched_status, compared, b.limit, b.deadband)
    if b.kind in (DEV_HI, DEV_LO):
        wait_after_change(b, reference, elapsed_s)
        if b.quiet_s > 0.0 and found > 0 and b.active == 0:
            found = 0
    follow(b, found, value, dt_s, elapsed_s, now_ns)


def lagged(b: Any, value: float, status: int, dt_s: float) -> float:
    """What the value was, roughly one window ago; starts again after a Bad value."""
    before: float = b.remembered
    if not math.isfinite(value) or not is_usable(status):
        b.seeded = 0
        return before
    if b.seeded == 0:
        b.seeded = 1
        before = value
    b.remembered = before + lag_factor(dt_s, b.window_s) * (value - before)
    return before


def wait_after_change(b: Any, reference: float, elapsed_s: float) -> None:
    """Start the time again whenever the setpoint has moved noticeably."""
    b.quiet_s = b.quiet_s - elapsed_s if b.quiet_s > elapsed_s else 0.0
    if not math.isfinite(reference):
        return
    if b.seeded == 0:
        b.seeded = 1
        b.remembered = reference
    elif math.fabs(reference - b.remembered) > NEW_SETPOINT_PART * math.fabs(b.limit):
        b.remembered = reference
        b.quiet_s = b.after_sp_s
