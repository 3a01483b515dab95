"""Promises of the derivative block."""

import math

import pytest

from dcs.core.status import BAD, LIMIT_HIGH, STATUS_BAD, STATUS_GOOD, make_status, quality_of
from tests.unit.blocks.bench import OnBench


def derivative(dt_s: float = 1.0, **values: float) -> OnBench:
    return OnBench("DERIVATIVE", dt_s, **{"signal_in_status": STATUS_GOOD} | values)


@pytest.mark.parametrize(("time_base", "seconds"), [(0, 1.0), (1, 60.0), (2, 3600.0), (3, 86400.0)])
@pytest.mark.parametrize("filter_s", [0.0, 4.0])
def test_a_ramp_gives_its_slope(time_base, seconds, filter_s):
    block = derivative(0.5, filter_s=filter_s, time_base=time_base, gain=2.0)
    for k in range(200):
        block.step(signal_in=3.0 + 0.25 * k * 0.5)
    assert block.out == pytest.approx(2.0 * 0.25 * seconds, rel=1e-9)


def test_the_filter_is_the_backward_difference_of_one_lag():
    """Promise: against the sum that the difference equation unrolls to."""
    block = derivative(filter_s=3.0)
    block.step(signal_in=0.0)
    got = [block.step(signal_in=10.0).out for _ in range(10)]
    assert got == pytest.approx([10.0 / 4.0 * 0.75**k for k in range(10)], rel=1e-12)


def test_no_kick_at_the_start_nor_after_bad():
    """Promise: what the signal did while nobody could see it is no rate."""
    block = derivative(filter_s=2.0)
    assert block.step(signal_in=80.0).out == 0.0
    block.step(count=2, signal_in=82.0)
    held = block.out
    assert held > 0.0
    for value, status in ((math.nan, STATUS_GOOD), (10.0, STATUS_BAD), (-math.inf, STATUS_GOOD)):
        block.step(signal_in=value, signal_in_status=status)
        assert (block.out, quality_of(block.out_status)) == (held, BAD)
    block.step(signal_in=10.0)
    assert 0.0 < block.out < held
    assert quality_of(block.out_status) == 2


def test_limits_of_the_input_say_nothing_of_its_rate():
    assert derivative().step(signal_in=1.0, signal_in_status=make_status(2, 0, LIMIT_HIGH)).out_status == STATUS_GOOD
