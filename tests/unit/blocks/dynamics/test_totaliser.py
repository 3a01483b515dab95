"""Promises of the totaliser."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.status import STATUS_BAD, STATUS_GOOD, UNCERTAIN, quality_of
from dcs.engine.strategy import BlockSpec, Channel
from tests.unit.blocks.bench import OnBench
from tests.unit.engine.strategies import Bench, strategy


def totaliser(elapsed_s: float = 1.0, **values: float) -> OnBench:
    return OnBench("TOTALISER", **{"flow_status": STATUS_GOOD, "elapsed_s": elapsed_s} | values)


@given(
    flows=st.lists(st.floats(0, 1e3), min_size=1, max_size=60),
    base=st.sampled_from([(0, 1), (1, 60), (2, 3600), (3, 86400)]),
    preset=st.sampled_from([0.0, 1e9]),
)
@settings(max_examples=60, deadline=None)
def test_the_total_is_the_sum_to_rounding(flows, base, preset):
    """Promise: also on a total of a thousand million nothing of the increments gets lost (exact sums of fractions)."""
    code, seconds = base
    block = totaliser(time_base=code, out=preset)
    exact = Fraction(preset)
    for flow in flows:
        block.step(flow=flow)
        exact += Fraction(flow * (1.0 / seconds))
    assert block.out - block.carry == pytest.approx(float(exact), abs=0.0, rel=4.5e-16)


def test_a_million_small_increments_on_a_large_total():
    block = totaliser(out=1e9, flow=1e-4)
    block.step(count=100_000)
    assert block.out == pytest.approx(1e9 + 10.0, abs=2e-7)  # a plain sum is off by more than 0.01


def test_the_grand_total_which_nobody_resets_loses_nothing_either():
    block = totaliser(grand_total=1e9, flow=1e-4)
    for _ in range(10):
        block.step(count=10_000)
        block.step(flow=0.0, reset=1)
        block.flow = 1e-4
    assert block.grand_total == pytest.approx(1e9 + 10.0, abs=2e-7)


def test_slips_are_counted():
    """Promise: a scan that comes late counts the time that has passed, with the flow of now."""
    spec = strategy((BlockSpec("F.t", "TOTALISER", "loops", {}),), [("F", "F.t.flow")], (Channel("F", "in", "%"),))
    bench = Bench.of(spec, F=5.0)
    bench.scan()
    bench.scan(slips=3)
    assert bench["F.t.out"] == 5.0 * (1 + 4)


def test_reset_by_hand_and_by_wire_keeps_the_last_total():
    block = totaliser(flow=10.0, preset=2.0)
    block.step(count=5)
    block.step(reset=1)
    assert (block.last_total, block.out, block.event, block.event_value, block.reset) == (50.0, 12.0, 1, 50.0, 0)
    assert block.grand_total == 60.0
    block.step(event=0, reset_in=1.0, reset_in_status=STATUS_GOOD)
    assert (block.last_total, block.out) == (12.0, 12.0)
    block.step(count=3)  # a signal that stays does not reset again
    assert block.out == 42.0
    block.step(reset_in=0.0)
    block.step(reset_in=1.0, reset_in_status=STATUS_BAD)
    assert block.out == 62.0


def test_batch_target_with_pre_trip():
    block = totaliser(flow=10.0, batch_target=35.0, pre_trip_by=15.0)
    seen = []
    for _ in range(5):
        block.step(event=0)
        seen.append((block.out, block.pre_trip, block.trip, block.remaining, block.event))
    assert seen == [
        (10.0, 0.0, 0.0, 25.0, 0),
        (20.0, 1.0, 0.0, 15.0, 0),
        (30.0, 1.0, 0.0, 5.0, 0),
        (40.0, 1.0, 1.0, 0.0, 2),
        (50.0, 1.0, 1.0, 0.0, 0),
    ]


@pytest.mark.parametrize(("if_bad", "counted"), [(0, 10.0), (1, 0.0)])
@pytest.mark.parametrize("dead", [{"flow": math.nan}, {"flow": math.inf}, {"flow": 99.0, "flow_status": STATUS_BAD}])
def test_a_dead_flow_is_held_or_left_out_and_the_total_says_so(if_bad, counted, dead):
    block = totaliser(flow=10.0, if_bad=if_bad)
    block.step(count=2)
    assert block.out_status == STATUS_GOOD
    block.step(count=3, **dead)
    assert (block.out, block.bad_s) == (20.0 + 3 * counted, 3.0)
    assert quality_of(block.out_status) == UNCERTAIN
    block.step(flow=10.0, flow_status=STATUS_GOOD)
    assert quality_of(block.out_status) == UNCERTAIN  # it stays doubtful until the reset
    block.step(reset=1)
    assert (block.out_status, quality_of(block.last_total_status), block.bad_s) == (STATUS_GOOD, UNCERTAIN, 0.0)
    block.step(count=5)
    assert quality_of(block.last_total_status) == UNCERTAIN


def test_nothing_counts_before_the_first_good_flow():
    assert totaliser().step(count=4, flow=50.0, flow_status=STATUS_BAD).out == 0.0


@pytest.mark.parametrize(
    ("values", "total"),
    [
        ({"flow": 0.4, "cut_off": 0.5}, 0.0),
        ({"flow": -0.4, "cut_off": 0.5, "forward_only": 0}, 0.0),
        ({"flow": -3.0}, 0.0),
        ({"flow": -3.0, "forward_only": 0}, -6.0),
        ({"flow": 3.0, "hold": 1}, 0.0),
        ({"flow": 3.0, "factor": 1.5}, 9.0),
    ],
)
def test_what_counts(values, total):
    assert totaliser(**values).step(count=2).out == total
