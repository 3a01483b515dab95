"""Promises of the pulse input block."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.modes import MAN, OOS
from dcs.core.status import BAD, GOOD, LIMIT_CONSTANT, STATUS_BAD, STATUS_GOOD, limits_of, quality_of
from tests.unit.blocks.bench import OnBench
from tests.unit.blocks.hostile import nothing_comes_through


def meter(**values: float) -> OnBench:
    """A flow meter of 0.5 l a pulse, 0 to 6000 l/min."""
    params = {"pulse_value": 0.5, "time_base": 60, "out_scale_high": 6000.0, "raw_status": STATUS_GOOD}
    return OnBench("PULSE_INPUT", **params | values)


@pytest.mark.parametrize(("counter", "ring"), [(16, 2**16), (32, 2**32)])
def test_counts_over_the_end_of_the_counter(counter, ring):
    """Promise: 10 pulses of 0.5 l in a second are 5 l and 300 l/min, also where the counter rolls over."""
    block = meter(counter=counter, raw=float(ring - 15))
    assert (block.step().total, block.out) == (0.0, 0.0)
    for k, raw in enumerate((ring - 5, 5, 15), start=1):
        block.step(raw=float(raw))
        assert (block.total, block.out, block.out_status) == (5.0 * k, 300.0, STATUS_GOOD)


def test_a_wide_counter_may_move_by_more_than_a_narrow_one_holds():
    block = meter(counter=32, raw=5.0, out_scale_high=6e6)
    block.step()
    assert block.step(raw=100_005.0).total == 50_000.0


@given(pulses=st.lists(st.integers(0, 190), min_size=1, max_size=50), start=st.integers(0, 65535))
@settings(max_examples=50, deadline=None)
def test_no_pulse_is_lost_or_counted_twice(pulses, start):
    block = meter(raw=float(start))
    block.step()
    counter = start
    for new in pulses:
        counter = (counter + new) % 65536
        block.step(raw=float(counter))
    assert block.total == 0.5 * sum(pulses)


def test_pulses_of_a_lost_link_come_with_the_first_good_reading():
    """Promise: the total has them all; the rate is their mean over the gap, slips counted."""
    block = meter(raw=100.0)
    block.step()
    block.step(count=3, raw=500.0, raw_status=STATUS_BAD)
    assert (block.total, quality_of(block.out_status), quality_of(block.total_status)) == (0.0, BAD, BAD)
    block.step(raw=200.0, raw_status=STATUS_GOOD, elapsed_s=7.0)
    assert (block.total, block.out) == (50.0, 300.0)


def test_a_counter_that_starts_anew_adds_nothing_and_is_journalled():
    block = meter(raw=30_000.0)
    block.step()
    block.step(raw=12.0)
    assert (block.total, block.event, block.event_value) == (0.0, 1, 35548.0)
    assert quality_of(block.out_status) < GOOD
    block.step(raw=22.0, event=0)
    assert (block.total, block.event, block.out_status) == (5.0, 0, STATUS_GOOD)


@pytest.mark.parametrize("raw", [-1.0, 65536.0, 1e300])
def test_a_counter_that_cannot_be_is_bad(raw):
    block = meter(raw=10.0)
    block.step()
    block.step(raw=raw)
    assert quality_of(block.out_status) == BAD
    assert block.step(raw=20.0).total == 5.0


def test_reset_by_command_and_by_a_rise():
    block = meter(raw=0.0)
    block.step()
    assert block.step(raw=10.0).total == 5.0
    assert (block.step(reset=1).total, block.reset) == (0.0, 0)
    assert block.step(raw=20.0).total == 5.0
    assert block.step(reset_total=1.0, reset_total_status=STATUS_GOOD).total == 0.0
    assert block.step(raw=30.0).total == 5.0, "a rise counts once"


def test_filter_of_the_rate():
    block = meter(raw=0.0, filter_s=2.0)
    block.step()
    assert 0.0 < block.step(raw=10.0).out < 300.0
    assert block.step(count=1, raw=20.0).out < 300.0


def test_simulated_rate_adds_to_the_total_and_the_real_pulses_do_not():
    block = meter(raw=0.0)
    block.step()
    block.step(raw=10.0)
    assert block.step(simulate=1, raw=20.0).out == 300.0
    assert block.step(sim_value=60.0, raw=30.0).total == pytest.approx(5.0 + 5.0 + 1.0)
    assert block.step(simulate=0, raw=40.0).total == pytest.approx(16.0)


def test_force_manual_and_out_of_service():
    block = meter(raw=0.0)
    block.step()
    block.step(force=1, force_value=42.0, raw=10.0)
    assert (block.out, block.pv, limits_of(block.out_status)) == (42.0, 300.0, LIMIT_CONSTANT)
    block.step(force=0, target=MAN, out=7.0, raw=20.0)
    assert (block.out, block.total) == (7.0, 10.0)
    block.step(target=OOS)
    assert quality_of(block.out_status) == BAD


def test_nothing_comes_through():
    nothing_comes_through("PULSE_INPUT", {"filter_s": 2.0})
