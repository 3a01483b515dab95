"""Promises of the setpoint ramp."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcs.core.modes import AUTO, IMAN, MAN, OOS
from dcs.core.status import IA, STATUS_BAD, STATUS_GOOD, STATUS_OOS, sub_status_of
from tests.unit.blocks.bench import CASCADE_IR, CASCADE_NI, CASCADE_OK, OnBench

IDLE, RAMPING, HELD, DONE = range(4)


def ramp(**values: float) -> OnBench:
    """At 20, in Auto."""
    block = OnBench("SP_RAMP", **{"out": 20.0, "end_value": 30.0, "rate": 2.5} | values)
    block.step()
    return block


def test_goes_at_its_rate_and_ends_exactly_on_its_target():
    block = ramp(end_value=29.0)
    got = [block.step(event=0, start=1 if k == 0 else 0).out for k in range(6)]
    assert got == [22.5, 25.0, 27.5, 29.0, 29.0, 29.0]
    assert (block.phase, block.remaining_s) == (DONE, 0.0)


@given(end=st.floats(0, 100), time_s=st.floats(1.0, 500.0))
def test_takes_its_time(end, time_s):
    block = ramp(end_value=end, rate=0.0, time_s=time_s)
    scans = 0
    block.step(start=1)
    while block.phase == RAMPING:
        scans += 1
        assert block.out == pytest.approx(20.0 + (end - 20.0) * scans / time_s, abs=1e-6)
        block.step()
    assert block.out == end
    assert scans + 1 == pytest.approx(time_s, abs=1.001) or end == pytest.approx(20.0)


def test_starts_by_wire_once_and_tells_the_journal():
    block = ramp()
    block.step(start_in=1.0, start_in_status=STATUS_GOOD)
    assert (block.phase, block.event, block.event_value) == (RAMPING, 1, 20.0)
    for _ in range(5):
        block.step(event=0) if block.event != 2 else None
    assert (block.out, block.phase, block.event, block.event_value) == (30.0, DONE, 2, 30.0)
    assert block.step(event=0).phase == DONE
    assert ramp(start_in=1.0, start_in_status=STATUS_BAD).phase == IDLE


@pytest.mark.parametrize("why", [{"hold": 1}, {"hold_in": 1.0, "hold_in_status": STATUS_GOOD}, {"pv": 5.0}])
def test_held_it_stands_and_goes_on_from_there(why):
    """Promise: by hand, by wire, and while the measurement lags too far behind."""
    block = ramp(lag_limit=4.0, pv=21.0, pv_status=STATUS_GOOD)
    block.step(start=1)
    assert block.out == 22.5
    block.step(count=3, **why)
    assert (block.out, block.phase) == (22.5, HELD)
    block.step(hold=0, hold_in=0.0, pv=22.0)
    assert (block.out, block.phase) == (25.0, RAMPING)


def test_a_dead_measurement_does_not_hold_it():
    block = ramp(lag_limit=4.0, pv=math.nan, pv_status=STATUS_GOOD)
    assert block.step(start=1).out == 22.5


@pytest.mark.parametrize(("below", "said"), [(CASCADE_NI, 0), (CASCADE_IR, IA)])
def test_follows_the_controller_below_and_is_interrupted(below, said):
    block = ramp(bkcal_in_linked=1, bkcal_in=20.0, bkcal_in_status=CASCADE_OK)
    block.step(start=1)
    block.step(bkcal_in=63.0, bkcal_in_status=below)
    assert (block.mode, block.out, block.phase, block.event) == (IMAN, 63.0, IDLE, 3)
    assert sub_status_of(block.out_status) == said
    block.step(count=3, bkcal_in_status=CASCADE_OK)
    assert (block.mode, block.out) == (AUTO, 63.0)
    assert block.step(start=1).out == 60.5


def test_man_is_the_operators_and_out_of_service_holds():
    block = ramp()
    block.step(target=MAN)
    assert block.step(out=44.0).out == 44.0
    block.step(target=OOS)
    assert (block.out, block.out_status) == (44.0, STATUS_OOS)
    block.step(target=AUTO)
    assert (block.mode, block.out) == (MAN, 44.0)
