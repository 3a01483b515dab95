"""Promises of the dual gain."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcs.core.status import BAD, STATUS_BAD, STATUS_GOOD, UNCERTAIN, make_status, quality_of
from tests.unit.blocks.bench import OnBench


def dual(**values: float) -> OnBench:
    good = {"pv_status": STATUS_GOOD, "sp_status": STATUS_GOOD}
    gains = {"gain_above": 3.0, "gain_below": 0.5, "gain_inside": 0.1, "zone": 5.0, "base_gain": 2.0}
    return OnBench("DUAL_GAIN", **good | gains | {"sp": 50.0} | values)


@pytest.mark.parametrize(
    ("pv", "error", "gain"),
    [(50.0, 0.0, 0.2), (53.0, -0.3, 0.2), (46.0, 0.4, 0.2), (65.0, -0.5 - 30.0, 6.0), (30.0, 0.5 + 7.5, 1.0)],
)
def test_each_zone_has_its_slope(pv, error, gain):
    block = dual()
    block.step(pv=pv)
    assert (block.error, block.out, block.gain) == pytest.approx((error, 50.0 - error, gain))


@given(st.floats(0, 100), st.floats(0, 100))
def test_the_shaped_error_is_continuous_and_rises(one, other):
    """Promise: between any two measurements it changes by no more than the steepest gain, and in one direction."""
    first, second = dual().step(pv=one).error, dual().step(pv=other).error
    assert abs(first - second) <= 3.0 * abs(one - other) + 1e-9
    assert (first - second) * (other - one) >= 0.0


@pytest.mark.parametrize(
    "dead", [{"pv": math.nan}, {"sp": math.inf}, {"pv_status": STATUS_BAD}, {"sp_status": STATUS_BAD}]
)
def test_a_dead_input_holds_and_shows(dead):
    block = dual(pv=60.0)
    held = (block.step().out, block.error, block.gain)
    block.step(**{"pv": 10.0} | dead)
    assert (block.out, block.error, block.gain) == held
    assert [quality_of(status) for status in (block.out_status, block.error_status, block.gain_status)] == [BAD] * 3


def test_the_worst_status_shows():
    uncertain = make_status(UNCERTAIN)
    assert dual(sp_status=uncertain).step(pv=50.0).out_status == uncertain
