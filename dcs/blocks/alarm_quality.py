"""The alarm record of a bad measurement (BAD_PV): suppressed by design while a dead device explains it.

Called by   dcs.engine, after the blocks of its scan class.
Knows       the status that it watches and, where they stand in the input image, the statuses of the devices that
            the value comes from. A device has one alarm of its own (``dcs.blocks.io.field_device``).
Promise     a value that is Bad for another reason than its device is annunciated as ever; what was acknowledged before
            it was hidden stays acknowledged, what returns while hidden and was not waits for its acknowledgement.
Source      ISA-18.2-2016, suppressed by design (state H); decision 0014.
"""

from typing import Any

from dcs.alarms.machine import BAD_PV, SUPPRESSED, after_alarm, after_return, delay_over, detect
from dcs.blocks.alarm import ALARM
from dcs.blocks.declare import block_type, f8, i8, step
from dcs.core.status import (
    BAD,
    DEVICE_FAILURE,
    NO_COMM,
    NO_COMM_LAST_USABLE,
    NOT_CONNECTED,
    quality_of,
    sub_status_of,
)

CAUSES_MAX = 4
"""Devices that one alarm looks at; of a value from more of them the rest never explains it."""

ALARM_QUALITY = block_type(
    "ALARM_QUALITY",
    "Alarm of a bad measurement",
    internal=True,
    reads=("watched", "watched_status", *(f"device_{number + 1}_status" for number in range(CAUSES_MAX))),
    state=[*ALARM.of_role("state"), i8("held", "state in which it was hidden")],
    outputs=ALARM.of_role("output"),
    params=[
        *ALARM.of_role("param"),
        i8("devices", "how many devices the value comes from", low=0),
        f8("grace_s", "s", "how long a value without communication may wait for its device to be known dead", low=0.0),
    ],
)


@step(ALARM_QUALITY)
def alarm_quality(
    b: Any,
    dt_s: float,
    watched: float,
    watched_status: int,
    device_1_status: int,
    device_2_status: int,
    device_3_status: int,
    device_4_status: int,
    elapsed_s: float,
    now_ns: int,
) -> None:
    """Delay and state, as every alarm; while the cause is a dead device the state is H instead of B."""
    found = detect(BAD_PV, b.active, watched, watched_status, 0.0, 0.0, 0.0)
    hidden = 1 if b.alarm_state == SUPPRESSED else 0
    if found == 0 and b.active == 0:
        if b.timer_s != 0.0:
            b.timer_s = 0.0
        return
    dead = 0
    if found != 0 and b.devices > 0:
        dead = gone(device_1_status) + gone(device_2_status) + gone(device_3_status) + gone(device_4_status)
    without_value = is_without_value(watched_status)
    by_device = 1 if dead > 0 and (dead == b.devices or without_value) else 0
    if found == b.active and by_device == hidden:
        if b.timer_s != 0.0:
            b.timer_s = 0.0
        return
    if found != 0 and by_device != 0 and b.active != 0:
        delay_s = 0.0  # it stands already: it is hidden at once
    elif found != 0:
        delay_s = b.on_delay_s
        if by_device == 0 and without_value and b.devices > 0 and b.grace_s > delay_s:
            delay_s = b.grace_s
    else:
        delay_s = b.off_delay_s
    if not delay_over(b.timer_s, delay_s, dt_s):
        b.timer_s = b.timer_s + elapsed_s
        return
    change(b, found, by_device, watched, now_ns)


def change(b: Any, found: int, by_device: int, value: float, now_ns: int) -> None:
    """Into alarm, into hiding, out of it, back to normal; a change of state is an event."""
    before = b.alarm_state
    standing = b.held if before == SUPPRESSED else before
    b.active = found
    b.timer_s = 0.0
    if found == 0:
        b.alarm_state = after_return(standing)
    elif by_device != 0:
        b.held = standing
        b.alarm_state = SUPPRESSED
    else:
        b.alarm_state = after_alarm(standing)
    if found != 0:
        b.alarm_time_ns = now_ns
        b.alarm_value = value
    b.event = before * 16 + b.alarm_state
    b.event_value = value


def gone(status: int) -> int:
    """1 for a device that gives no values."""
    return 1 if quality_of(status) == BAD else 0


def is_without_value(status: int) -> bool:
    """Is it Bad because nothing came from the device, not because of what came?"""
    sub = sub_status_of(status)
    return quality_of(status) == BAD and (sub in (NOT_CONNECTED, DEVICE_FAILURE, NO_COMM_LAST_USABLE, NO_COMM))
