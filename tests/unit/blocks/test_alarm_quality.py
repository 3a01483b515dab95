"""BAD_PV while its device is dead: suppressed by design, and only then."""

import pytest

from dcs.alarms.machine import ACKNOWLEDGED, BAD_PV, NORMAL, RETURNED, SUPPRESSED, UNACKNOWLEDGED, after_ack
from dcs.blocks.alarm_quality import is_without_value
from dcs.core.status import (
    BAD,
    CONFIGURATION_ERROR,
    DEVICE_FAILURE,
    NON_SPECIFIC,
    SENSOR_FAILURE,
    STATUS_GOOD,
    STATUS_NO_COMM,
    STATUS_NO_COMM_LAST_USABLE,
    STATUS_NOT_CONNECTED,
    STATUS_OOS,
    UNCERTAIN,
    make_status,
)
from tests.unit.blocks.bench import OnBench

A, B, C, D, H = NORMAL, UNACKNOWLEDGED, ACKNOWLEDGED, RETURNED, SUPPRESSED
DEAD, SENSOR = STATUS_NO_COMM_LAST_USABLE, make_status(BAD, SENSOR_FAILURE)


def bench(devices: int = 1, **values: float) -> OnBench:
    served = {f"device_{n}_status": STATUS_GOOD for n in range(1, 5)}
    start = {"kind": BAD_PV, "devices": devices, "watched": 7.0, "watched_status": STATUS_GOOD, "elapsed_s": 1.0}
    return OnBench("ALARM_QUALITY", **(served | start | values))


def test_a_value_of_a_dead_device_is_suppressed_and_returns_to_normal() -> None:
    alarm = bench()
    assert alarm.step(watched_status=DEAD, device_1_status=DEAD).alarm_state == H
    assert (alarm.event, alarm.alarm_time_ns) == (A * 16 + H, 0)
    assert alarm.step(5).alarm_state == H
    assert alarm.step(watched_status=STATUS_GOOD, device_1_status=STATUS_GOOD).alarm_state == A
    assert alarm.event == H * 16 + A


@pytest.mark.parametrize("status", [SENSOR, make_status(BAD, CONFIGURATION_ERROR), make_status(BAD, NON_SPECIFIC)])
def test_another_cause_on_a_live_device_annunciates(status: int) -> None:
    alarm = bench(grace_s=2.0)
    assert alarm.step(watched_status=status).alarm_state == B


def test_with_several_devices_the_status_tells_whose_fault_it_is() -> None:
    """Promise: of a selection from two devices, one of them dead, a sensor failure on the other one annunciates."""
    assert bench(devices=2).step(watched_status=SENSOR, device_1_status=DEAD).alarm_state == B
    assert bench(devices=2).step(watched_status=DEAD, device_2_status=DEAD).alarm_state == H
    both = {"device_1_status": DEAD, "device_2_status": DEAD}
    assert bench(devices=2).step(watched_status=make_status(BAD, NON_SPECIFIC), **both).alarm_state == H


def test_a_single_point_without_communication_annunciates_after_its_grace() -> None:
    """Promise: a device that answers for all points but one has not lost them all; it takes a moment to know that."""
    alarm = bench(grace_s=2.0)
    assert [alarm.step(watched_status=DEAD).alarm_state for _ in range(3)] == [A, A, B]


def test_on_and_off_delay_hold_for_hiding_too() -> None:
    alarm = bench(on_delay_s=3.0, off_delay_s=2.0)
    dead = {"watched_status": DEAD, "device_1_status": DEAD}
    live = {"watched_status": STATUS_GOOD, "device_1_status": STATUS_GOOD}
    assert [alarm.step(**dead).alarm_state for _ in range(4)] == [A, A, A, H]
    assert [alarm.step(**live).alarm_state for _ in range(3)] == [H, H, A]


def test_what_stood_before_is_what_stands_after() -> None:
    """Promise: never acknowledged: B (or D, if it returned while hidden); acknowledged and never returned: C."""
    for acknowledged, if_bad, if_good in ((False, B, D), (True, C, A)):
        for ends, expected in ((SENSOR, if_bad), (STATUS_GOOD, if_good)):
            alarm = bench()
            assert alarm.step(watched_status=SENSOR).alarm_state == B
            if acknowledged:
                alarm.alarm_state = after_ack(alarm.alarm_state)
            assert alarm.step(watched_status=DEAD, device_1_status=DEAD).alarm_state == H
            assert alarm.step(watched_status=ends, device_1_status=STATUS_GOOD).alarm_state == expected


def test_acknowledging_what_is_hidden_changes_nothing() -> None:
    assert after_ack(H) == H


def test_a_device_that_gives_some_values_hides_nothing() -> None:
    alarm = bench()
    assert alarm.step(watched_status=DEAD, device_1_status=make_status(UNCERTAIN)).alarm_state == B


def test_out_of_service_is_no_alarm_and_no_missing_value() -> None:
    assert bench().step(watched_status=STATUS_OOS, device_1_status=DEAD).alarm_state == A
    missing = [STATUS_NOT_CONNECTED, STATUS_NO_COMM, STATUS_NO_COMM_LAST_USABLE, make_status(BAD, DEVICE_FAILURE)]
    assert all(is_without_value(status) for status in missing)
    assert not any(is_without_value(status) for status in (STATUS_OOS, SENSOR, STATUS_GOOD, make_status(UNCERTAIN, 5)))
