"""The alarm machine and its record against the tables of ISA-18.2."""

import math

import pytest

from dcs.alarms.machine import (
    ACKNOWLEDGED,
    ALARM_KINDS,
    NORMAL,
    RETURNED,
    UNACKNOWLEDGED,
    after_ack,
    after_alarm,
    after_return,
    detect,
)
from dcs.core.status import NO_COMM, STATUS_BAD, STATUS_GOOD, STATUS_OOS, UNCERTAIN, make_status
from tests.unit.blocks.bench import OnBench

A, B, C, D = NORMAL, UNACKNOWLEDGED, ACKNOWLEDGED, RETURNED


@pytest.mark.parametrize(
    ("happens", "table"),
    [
        (after_alarm, {A: B, B: B, C: C, D: B}),
        (after_return, {A: A, B: D, C: A, D: D}),
        (after_ack, {A: A, B: C, C: C, D: A}),
    ],
)
def test_every_transition_of_the_state_table(happens, table):
    """Promise: each state goes where the standard's diagram says, and nowhere else."""
    assert {state: happens(state) for state in table} == table


@pytest.mark.parametrize(
    ("kind", "in_alarm", "at_limit", "inside_deadband", "normal"),
    [
        ("HIHI", 90.1, 90.0, 89.5, 88.9),
        ("HI", 90.1, 90.0, 89.5, 88.9),
        ("LO", 89.9, 90.0, 90.5, 91.1),
        ("LOLO", 89.9, 90.0, 90.5, 91.1),
        ("DEV_HI", 140.1, 140.0, 139.5, 138.9),  # reference 50, deviation 90
        ("DEV_LO", -40.1, -40.0, -39.5, -38.9),
    ],
)
def test_limits_and_deadband(kind, in_alarm, at_limit, inside_deadband, normal):
    """Promise: the limit itself is normal; once in alarm the value must come back past the deadband."""
    code = ALARM_KINDS.index(kind)

    def ask(active, value):
        return detect(code, active, value, STATUS_GOOD, 50.0 if kind.startswith("DEV") else 0.0, 90.0, 1.0)

    assert [ask(0, value) for value in (in_alarm, at_limit, inside_deadband, normal)] == [1, 0, 0, 0]
    assert [ask(1, value) for value in (in_alarm, at_limit, inside_deadband, normal)] == [1, 1, 1, 0]


@pytest.mark.parametrize("active", [0, 1])
@pytest.mark.parametrize(
    ("value", "status"), [(99.0, STATUS_BAD), (1.0, STATUS_BAD), (math.nan, STATUS_GOOD), (math.inf, STATUS_GOOD)]
)
def test_a_value_that_cannot_be_trusted_freezes_limit_alarms(active, value, status):
    """Promise: a Bad value neither sets nor clears a limit alarm."""
    assert all(detect(code, active, value, status, 0.0, 90.0, 1.0) == -1 for code in range(6))


def test_bad_pv_is_raised_by_bad_only():
    code = ALARM_KINDS.index("BAD_PV")
    answers = [
        detect(code, 0, 1.0, status, 0.0, 0.0, 0.0)
        for status in (make_status(0, NO_COMM), STATUS_GOOD, make_status(UNCERTAIN), STATUS_OOS)
    ]
    assert answers == [1, 0, 0, 0]  # out of service is deliberate: no alarm


def high(**values: float) -> OnBench:
    return OnBench(
        "ALARM",
        **{"kind": 1.0, "limit": 90.0, "deadband": 1.0, "watched_status": STATUS_GOOD, "elapsed_s": 1.0} | values,
    )


def states(alarm: OnBench, *values: float) -> list[int]:
    return [alarm.step(watched=value, now_ns=alarm.now_ns + 1).alarm_state for value in values]


def test_on_delay_starts_again_when_the_condition_ceases():
    """Promise: with 2 s on-delay an excursion of under 2 s is no alarm, however often it comes."""
    alarm = high(on_delay_s=2.0)
    assert states(alarm, 91, 91, 80, 91, 91, 91, 91) == [A, A, A, A, A, B, B]
    assert alarm.alarm_time_ns == 6
    assert alarm.alarm_value == 91.0


def test_off_delay_and_return():
    alarm = high(off_delay_s=2.0)
    assert states(alarm, 91, 80, 91, 80, 80, 80) == [B, B, B, B, B, D]


def test_a_slipped_scan_counts_in_delays():
    """Promise: delays are in seconds; periods that were left out count."""
    alarm = high(on_delay_s=5.0)
    alarm.step(watched=95.0, elapsed_s=1.0)
    alarm.step(watched=95.0, elapsed_s=4.0)
    assert alarm.step(watched=95.0, elapsed_s=1.0).alarm_state == B


def test_acknowledged_alarm_returns_to_normal_and_comes_again_unacknowledged():
    alarm = high()
    assert states(alarm, 95) == [B]
    alarm.alarm_state = after_ack(alarm.alarm_state)
    assert states(alarm, 95, 80, 95) == [C, A, B]


def test_bad_in_the_middle_changes_nothing():
    """Promise: what Bad interrupts goes on afterwards as if it had not been."""
    alarm = high()
    assert states(alarm, 95) == [B]
    alarm.watched_status = STATUS_BAD
    assert states(alarm, 10, 10) == [B, B]
    alarm.watched_status = STATUS_GOOD
    assert states(alarm, 95, 10) == [B, D]


def test_each_change_is_one_event():
    alarm = high()
    events = []
    for value in (80, 95, 95, 80, 95):
        alarm.step(watched=float(value))
        events.append(alarm.event)
        alarm.event = 0  # the kernel takes it
    assert events == [0, A * 16 + B, 0, B * 16 + D, D * 16 + B]
