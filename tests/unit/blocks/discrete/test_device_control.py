"""Promises of motors and valves."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.blocks.declare import BLOCK_TYPES
from dcs.blocks.discrete.device_control import FAIL_FEEDBACK, FAIL_ON, FAIL_REST, FAIL_UNEXPECTED, FAILED, TRIPPED
from dcs.blocks.discrete.motor import STATES
from dcs.blocks.handshake import REASON_TEXTS
from dcs.core.errors import ConfigError
from dcs.core.modes import AUTO, CAS, IMAN, LO, MAN, OOS
from dcs.core.status import BAD, GOOD_CASCADE, IA, IR, NI, OK, STATUS_BAD, STATUS_GOOD, make_status, quality_of
from dcs.core.status import sub_status_of as sub
from tests.unit.blocks.bench import CASCADE_IA, CASCADE_IR, CASCADE_NI, CASCADE_OK, OnBench
from tests.unit.blocks.hostile import nothing_comes_through
from tests.unit.engine.strategies import Bench, BlockSpec, Channel, strategy

STOPPED, RUNNING, STARTING, STOPPING, FAILED_STATE, UNKNOWN = range(6)


def motor(**values: float) -> OnBench:
    """Stopped, in Man, its feedback read once."""
    block = OnBench("MOTOR", **{"feedback_linked": 1, "feedback_status": STATUS_GOOD} | values)
    block.step()
    return block


def valve(**values: float) -> OnBench:
    switches = {"opened_linked": 1, "closed_linked": 1, "opened_status": STATUS_GOOD, "closed_status": STATUS_GOOD}
    block = OnBench("VALVE", **switches | {"closed": 1.0} | values)
    block.step()
    return block


def condition(block: OnBench, kind: str, number: int, value: float, status: int = STATUS_GOOD) -> None:
    getattr(block, kind)[number - 1] = value
    getattr(block, f"{kind}_status")[number - 1] = status
    getattr(block, f"{kind}_linked")[number - 1] = 1


def running(**values: float) -> OnBench:
    block = motor(**values)
    block.step(sp=1)
    block.step(feedback=1.0, event=0)
    assert (block.pv, block.out) == (RUNNING, 1.0)
    return block


# --- commands and feedback ------------------------------------------------------------------------------------
def test_start_and_stop_with_feedback():
    block = motor()
    assert (block.pv, block.out) == (STOPPED, 0.0)
    assert (block.step(sp=1).pv, block.out, block.starts) == (STARTING, 1.0, 1)
    assert (block.step(feedback=1.0).pv, block.at_on) == (RUNNING, 1.0)
    assert (block.step(sp=0).pv, block.out) == (STOPPING, 0.0)
    assert (block.step(feedback=0.0).pv, block.at_rest) == (STOPPED, 1.0)


@pytest.mark.parametrize(("opened", "closed", "state"), [(0.0, 0.0, 2), (1.0, 0.0, 1), (0.0, 1.0, 2), (1.0, 1.0, 2)])
def test_valve_by_two_limit_switches(opened, closed, state):
    block = valve()
    block.step(sp=1)
    assert block.step(opened=opened, closed=closed).pv == state


@pytest.mark.parametrize(("name", "at_rest", "at_on"), [("opened", 0.0, 1.0), ("closed", 1.0, 0.0)])
def test_one_limit_switch_is_enough(name, at_rest, at_on):
    block = OnBench("VALVE", **{f"{name}_linked": 1, f"{name}_status": STATUS_GOOD, name: at_rest})
    assert block.step().pv == 0.0
    assert block.step(sp=1).pv == 2.0
    assert block.step(**{name: at_on}).pv == 1.0


@pytest.mark.parametrize(
    ("sp", "travel", "fail", "after"), [(1, "travel_on_s", FAIL_ON, 0.0), (0, "travel_rest_s", FAIL_REST, 0.0)]
)
def test_travel_time_up_and_down(sp, travel, fail, after):
    """Promise: the failure comes with the travel time and no scan earlier, is journalled, and stays until RESET."""
    block = motor() if sp else running()
    block.step(**{"sp": sp, travel: 4.0})
    assert [block.step().fail for _ in range(4)] == [0, 0, 0, fail]
    assert (block.pv, block.failed, block.event, block.event_value) == (FAILED_STATE, 1.0, FAILED, 9.0 + fail)
    assert block.step().out == 0.0
    block.step(feedback=0.0, count=3)
    assert block.fail == fail
    block.step(reset=1)
    assert (block.fail, block.reset, block.pv) == (0, 0, STOPPED)


def test_feedback_in_the_last_scan_of_the_travel_time_is_in_time():
    block = motor(travel_on_s=4.0)
    block.step(sp=1)
    block.step(count=3)
    assert (block.step(feedback=1.0).pv, block.fail) == (RUNNING, 0)


def test_slips_count_in_the_travel_time():
    block = motor(travel_on_s=4.0)
    block.step(sp=1)
    assert block.step(elapsed_s=4.0).fail == FAIL_ON


@pytest.mark.parametrize(("direction", "out"), [(0, 0.0), (1, 1.0), (2, 1.0)])
def test_fail_direction(direction, out):
    block = running(fail_direction=direction)
    block.step(feedback=0.0, flicker_s=0.0)
    assert (block.fail, block.step().out) == (FAIL_UNEXPECTED, out)


def test_unexpected_move_after_a_flicker():
    """Promise: a feedback that leaves for less than the flicker time is forgiven; a started one by itself fails too."""
    block = running(flicker_s=2.0)
    block.step(feedback=0.0, count=2)
    assert block.step(feedback=1.0).fail == 0
    assert [block.step(feedback=0.0).fail for _ in range(3)] == [0, 0, FAIL_UNEXPECTED]
    by_itself = motor(flicker_s=0.0)
    assert by_itself.step(feedback=1.0).fail == FAIL_UNEXPECTED


def test_both_limit_switches_are_a_failure_of_the_feedback():
    block = valve(flicker_s=1.0)
    assert [block.step(opened=1.0).fail for _ in range(2)] == [0, FAIL_FEEDBACK]


def test_bad_feedback_is_unknown_and_no_failure():
    block = running(travel_on_s=1.0)
    block.step(feedback_status=STATUS_BAD, count=20)
    assert (block.pv, block.fail, block.out, quality_of(block.pv_status)) == (UNKNOWN, 0, 1.0, BAD)
    assert block.step(feedback_status=STATUS_GOOD).pv == RUNNING


def test_a_device_without_feedback_is_believed_after_its_travel_time():
    block = OnBench("VALVE", travel_on_s=3.0)
    assert (block.step().pv, block.out) == (0.0, 0.0)
    assert [block.step(sp=1).pv for _ in range(4)] == [2.0, 2.0, 2.0, 1.0]


def test_pulses_last_their_time_and_nothing_is_pulsed_at_start():
    block = motor(pulse_s=2.0, feedback=1.0)
    assert (block.pv, block.out_on, block.out_rest) == (RUNNING, 0.0, 0.0)
    seen = [(block.step(sp=0).out_on, block.out_rest) for _ in range(4)]
    assert seen == [(0.0, 1.0), (0.0, 1.0), (0.0, 0.0), (0.0, 0.0)]
    block.step(feedback=0.0)
    seen = [(block.step(sp=1, feedback=1.0).out_on, block.out_rest) for _ in range(3)]
    assert seen == [(1.0, 0.0), (1.0, 0.0), (0.0, 0.0)]


def test_statistics():
    """Promise: starts are counted, hours are those of the feedback, slips included."""
    block = running()
    for _ in range(10):
        block.step(elapsed_s=360.0)
    assert block.starts == 1
    assert block.hours == pytest.approx(1.0 + 1.0 / 3600.0)


# --- interlocks and permissives ---------------------------------------------------------------------------------
def test_an_interlock_trips_at_once_and_stays_until_reset():
    block = running()
    condition(block, "interlock", 3, 1.0)
    block.step()
    assert (block.out, block.tripped_out, block.first_out, block.event) == (0.0, 1.0, 3, TRIPPED)
    condition(block, "interlock", 3, 0.0)
    block.step(sp=1, feedback=0.0, event=0)
    assert (block.out, block.sp, block.tripped_out) == (0.0, 0, 1.0), "a start does not reset"
    block.step(reset=1)
    assert (block.tripped_out, block.first_out, block.out) == (0.0, 0, 0.0)
    assert block.step(sp=1).out == 1.0


def test_first_out_is_what_came_first_whatever_follows():
    block = running()
    condition(block, "interlock", 5, 1.0)
    block.step()
    condition(block, "interlock", 2, 1.0)
    condition(block, "interlock", 5, 0.0)
    block.step(count=3)
    assert (block.first_out, block.standing) == (5, 2)


def test_after_the_reset_of_a_failure_the_device_has_its_time_again_and_obeys():
    """Promise: a valve that did not open is not failed again in the scan of the reset, before anybody can command it.

    The reset itself moves nothing: no new pulse goes out before a new command.
    """
    block = valve(travel_on_s=5.0, pulse_s=1.0)
    block.step(sp=1)
    block.step(count=6)
    assert (block.fail, block.command) == (FAIL_ON, 1)
    block.step(reset=1)
    assert (block.fail, block.command, block.out_on) == (0, 1, 0.0)
    block.step(sp=0)
    assert (block.fail, block.command) == (0, 0)
    block.step(count=2, sp=1)
    assert block.step(opened=1.0, closed=0.0).pv == RUNNING


def test_a_device_that_has_not_moved_its_time_after_the_reset_fails_again():
    block = valve(travel_on_s=5.0)
    block.step(sp=1)
    block.step(count=6)
    fails = [block.step(reset=1 if k == 0 else 0).fail for k in range(7)]
    assert fails == [0, 0, 0, 0, 0, FAIL_ON, FAIL_ON]


@pytest.mark.parametrize("pulse_s", [0.5, 20.0])
def test_the_pulse_of_a_new_command_is_whole_also_in_the_scan_of_the_reset(pulse_s):
    block = valve(travel_on_s=5.0, pulse_s=pulse_s)
    block.step(sp=1)
    block.step(count=6)
    block.step(reset=1, sp=0)
    assert (block.command, block.out_on, block.out_rest) == (0, 0.0, 1.0)


def test_no_reset_while_an_interlock_stands():
    block = running()
    condition(block, "interlock", 1, 1.0)
    block.step(count=2)
    block.step(reset=1)
    assert (block.tripped, block.reset) == (1, 0)


@pytest.mark.parametrize(("trips", "out"), [(1, 0.0), (0, 1.0)])
@pytest.mark.parametrize("value", [0.0, math.nan])
def test_a_bad_interlock_trips_unless_it_must_not(trips, out, value):
    block = running(trip_if_bad=trips)
    condition(block, "interlock", 1, value, STATUS_BAD)
    assert block.step().out == out


def test_without_reset_required_it_stays_stopped_but_can_start_again():
    block = running(reset_required=0)
    condition(block, "interlock", 1, 1.0)
    block.step()
    condition(block, "interlock", 1, 0.0)
    block.step(feedback=0.0)
    assert (block.out, block.tripped_out) == (0.0, 0.0)
    assert block.step(sp=1).out == 1.0


def test_an_interlock_of_a_stopped_device_blocks_the_start_but_is_no_trip():
    block = motor()
    condition(block, "interlock", 1, 1.0)
    block.step()
    assert (block.tripped, block.interlocked) == (0, 1)
    block.step(sp=1)
    assert (block.out, block.sp) == (0.0, 0), "in Man a start is not kept for later"
    condition(block, "interlock", 1, 0.0)
    assert block.step(count=3).out == 0.0


def test_a_valve_that_is_safe_when_open_opens():
    block = valve(trip_to=1)
    condition(block, "interlock", 1, 1.0)
    block.step()
    assert (block.out, block.tripped) == (1.0, 1)


def test_a_permissive_counts_at_the_start_only():
    block = motor()
    condition(block, "permissive", 2, 0.0)
    block.step(sp=1)
    assert (block.out, block.permit, block.missing) == (0.0, 0, 2)
    condition(block, "permissive", 2, 1.0)
    block.step(sp=1)
    assert (block.out, block.permit) == (1.0, 1)
    condition(block, "permissive", 2, 0.0)
    assert block.step(feedback=1.0, count=5).out == 1.0


def test_in_auto_a_start_waits_for_its_permissive_and_the_journal_hears_it_once():
    block = motor(target=AUTO, demand_linked=1, demand_status=STATUS_GOOD)
    condition(block, "permissive", 1, 1.0, STATUS_BAD)
    block.step(demand=1.0)
    assert (block.out, block.event, block.event_value) == (0.0, 3, 14.0)
    assert block.step(event=0).event == 0
    condition(block, "permissive", 1, 1.0)
    assert block.step().out == 1.0


# --- modes -------------------------------------------------------------------------------------------------------
def test_auto_follows_logic_and_keeps_the_command_of_a_bad_one():
    block = motor(target=AUTO, demand_linked=1, demand=1.0, demand_status=STATUS_GOOD)
    assert block.step().out == 1.0
    block.step(feedback=1.0, demand=0.0, demand_status=STATUS_BAD)
    assert (block.out, block.mode) == (1.0, AUTO)


def test_the_handshake_with_a_sequence_above():
    block = motor(target=CAS, feedback=1.0, cas_in_status=CASCADE_OK)
    assert (block.mode, block.bkcal_out, sub(block.bkcal_out_status)) == (AUTO, 1.0, IR)
    block.step(cas_in=1.0, cas_in_status=CASCADE_IA)
    assert (block.mode, sub(block.bkcal_out_status)) == (CAS, OK)
    assert block.step(cas_in=0.0, cas_in_status=CASCADE_OK).out == 0.0


def test_the_handshake_with_the_output_block_below():
    """Promise: while the output is not ours the command follows it; then IA with that value, and no bump."""
    block = motor(bkcal_in_linked=1, bkcal_in=1.0, bkcal_in_status=CASCADE_NI, feedback=1.0)
    block.step(sp=0)
    assert (block.mode, block.out, block.sp) == (IMAN, 1.0, 1)
    block.step(bkcal_in_status=CASCADE_IR)
    assert (block.mode, block.out, block.out_status) == (IMAN, 1.0, make_status(GOOD_CASCADE, IA))
    block.step(bkcal_in_status=CASCADE_OK)
    assert (block.mode, block.out, sub(block.out_status)) == (MAN, 1.0, OK)


def test_local_follows_the_field_and_comes_back_without_a_bump():
    block = motor(local_status=STATUS_GOOD)
    block.step(local=1.0)
    block.step(feedback=1.0)
    assert (block.mode, block.out, block.fail) == (LO, 1.0, 0)
    assert REASON_TEXTS[block.reason] == "driven from the field"
    block.step(local=0.0)
    assert (block.mode, block.out, block.sp) == (MAN, 1.0, 1)


def test_an_interlock_trips_in_local_too():
    block = motor(local=1.0, local_status=STATUS_GOOD, feedback=1.0)
    condition(block, "interlock", 1, 1.0)
    assert (block.step().out, block.tripped) == (0.0, 1)


def test_a_running_device_goes_on_when_the_controller_starts():
    """Promise: nothing is commanded before the feedback has been read; then the command is what the device does."""
    block = OnBench("MOTOR", feedback_linked=1, feedback=math.nan, feedback_status=STATUS_BAD)
    block.step(count=3)
    assert (quality_of(block.out_status), block.mode, sub(block.bkcal_out_status)) == (BAD, IMAN, NI)
    block.step(feedback=1.0, feedback_status=STATUS_GOOD)
    assert (block.out, block.mode, block.pv, block.starts) == (1.0, MAN, RUNNING, 0)


def test_after_a_restart_the_command_is_what_the_device_does():
    block = running()
    block.step(restarted=1, feedback=0.0)
    assert (block.out, block.pv, block.restarted, block.fail) == (0.0, STOPPED, 0, 0)


def test_out_of_service_commands_nothing():
    block = running()
    block.step(target=OOS, sp=0)
    assert (quality_of(block.out_status), block.out) == (BAD, 1.0)


def test_simulated_feedback_follows_the_command():
    block = motor(simulate=1, feedback_status=STATUS_BAD)
    block.step(sp=1, count=30)
    assert (block.pv, block.fail) == (RUNNING, 0)


@given(feedback=st.lists(st.sampled_from([0.0, 1.0]), min_size=5, max_size=40), sp=st.integers(0, 1))
@settings(max_examples=60, deadline=None)
def test_no_feedback_starts_a_tripped_device(feedback, sp):
    """Promise: from the trip to the reset the command is rest, whatever the field and the operator do."""
    block = running()
    condition(block, "interlock", 1, 1.0)
    block.step()
    condition(block, "interlock", 1, 0.0)
    for value in feedback:
        assert block.step(sp=sp, feedback=value).out == 0.0


# --- names and refusals --------------------------------------------------------------------------------------------
def station() -> Bench:
    kind = BLOCK_TYPES["MOTOR"]
    assert kind.translate is not None
    names = kind.translate({"interlocks": ["low level", "overload"], "permissives": ["valve open"]})
    block = BlockSpec("P.m", "MOTOR", "loops", {}, {}, dict(names.labels))
    links = [("F", "P.m.feedback"), ("I", "P.m.interlock_2"), ("Q", "P.m.permissive_1"), ("P.m.out", "P")]
    channels = tuple(Channel(name, "in", "") for name in "FIQ")
    at = Bench.of(strategy((block,), links, (*channels, Channel("P", "out", ""))))
    at.reads = dict.fromkeys("FIQ", 0.0)
    at.scan()
    return at


def test_refusals_name_the_condition():
    """Promise: a start that is not permitted is refused with what is missing; a stop never is."""
    at = station()
    assert at.set("P.m.SP", "START") == (
        False, "P.m.SP: a permissive is missing: valve open. It is needed to start.",
    )  # fmt: skip
    assert at.set("P.m.SP", "STOP")[0]
    at.reads["Q"] = 1.0
    at.scan()
    at.must_set("P.m.SP", "START")
    at.scan()
    at.reads["F"], at.reads["I"] = 1.0, 1.0
    at.scan()
    assert at.set("P.m.SP", "START")[1] == "P.m.SP: it has tripped: overload. Remove the cause, then write RESET."
    assert at.set("P.m.RESET", 1.0)[1] == "P.m.RESET: an interlock still stands: overload. Remove the cause first."
    at.reads["F"], at.reads["I"] = 0.0, 0.0
    at.scan()
    at.must_set("P.m.RESET", 1.0)
    at.scan()
    at.must_set("P.m.SP", "START")
    texts = [event.text for event in at.engine.take_events() if event.kind == "process"]
    assert texts == ["P.m tripped: overload", "P.m reset"]


def test_first_out_survives_a_takeover():
    """Promise: it is in the memory: the other controller goes on with it from a copy of the bytes."""
    at, other = station(), station()
    at.reads["Q"] = 1.0
    at.scan()
    at.must_set("P.m.SP", "START")
    at.scan()
    at.reads["I"] = 1.0
    at.scan()
    other.engine.restore(at.engine.snapshot())
    other.reads, other.time_ns = dict(at.reads, I=0.0), at.time_ns
    other.scan()
    assert (other["P.m.first_out"], other["P.m.tripped"]) == (2, 1)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"interlocks": "low level"}, "must be a list of names"),
        ({"permissives": [str(n) for n in range(9)]}, "has 9 names, but 8 are possible"),
        ({"interlocks": ["a", "b", "a"]}, "the name `a` stands twice"),
        ({"interlocks": ["a", ""]}, "must be a list of names"),
    ],
)
def test_names_that_cannot_be(given, sentence):
    translate = BLOCK_TYPES["VALVE"].translate
    assert translate is not None
    with pytest.raises(ConfigError, match=sentence):
        translate(given)


@pytest.mark.parametrize(
    ("kind", "params"),
    [("MOTOR", {}), ("VALVE", {"target": float(CAS)}), ("MOTOR", {"target": float(AUTO), "pulse_s": 2.0}),
     ("VALVE", {"target": float(AUTO), "trip_to": 1.0, "reset_required": 0.0})],
)  # fmt: skip
def test_nothing_comes_through(kind, params):
    nothing_comes_through(kind, params)


def test_the_names_of_the_states_are_those_of_the_tests():
    assert STATES[RUNNING] == "RUNNING"
    assert STATES[FAILED_STATE] == "FAILED"
