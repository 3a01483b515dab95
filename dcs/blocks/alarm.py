"""The alarm record: one configured alarm on one terminal, executed with the blocks so that it is mirrored with them.

Called by   dcs.engine, after the blocks of its scan class.
Knows       its value, its limits, dt. The rules are in ``dcs.alarms.machine``.
"""

from typing import Any

from dcs.alarms.machine import ALARM_KINDS, after_alarm, after_return, delay_over, detect
from dcs.blocks.declare import block_type, f8, i8, step

ALARM = block_type(
    "ALARM",
    "Alarm",
    internal=True,
    reads=("watched", "watched_status", "reference"),  # the last: what a deviation is taken from
    state=[
        i8("active", "1 while the process is in alarm, after delays and deadband"),
        f8("timer_s", "s", "how long the process has been on the other side"),
        i8("event", "old state × 16 + new state when the state has changed in this scan"),
        f8("event_value", "", "value of that change"),
    ],
    outputs=[
        i8("alarm_state", "0 normal, 1 unacknowledged, 2 acknowledged, 3 returned unacknowledged"),
        i8("alarm_time_ns", "UTC of the last change into alarm"),
        f8("alarm_value", "", "value at that time"),
    ],
    params=[
        i8("kind", "kind of alarm", choices=tuple((name, code) for code, name in enumerate(ALARM_KINDS))),
        f8("limit", "", "limit"),
        f8("deadband", "", "how far the value must come back", low=0.0),
        f8("on_delay_s", "s", "time in alarm before it is raised", low=0.0),
        f8("off_delay_s", "s", "time back in normal before it returns", low=0.0),
    ],
)


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
        b.alarm_value = watched
    else:
        b.alarm_state = after_return(before)
    b.event = before * 16 + b.alarm_state
    b.event_value = watched
