"""Promises of the lead-lag block."""

import math

import pytest

from dcs.core.status import BAD, STATUS_BAD, STATUS_GOOD, quality_of
from tests.unit.blocks.bench import OnBench


def shaped(**values: float) -> OnBench:
    return OnBench("LEAD_LAG", **{"signal_in_status": STATUS_GOOD} | values)


@pytest.mark.parametrize(("lead_s", "lag_s"), [(0.0, 5.0), (12.0, 5.0), (5.0, 5.0), (3.0, 0.4)])
def test_step_response_is_the_continuous_one(lead_s, lag_s):
    """Promise: at every scan the output equals the continuous answer, also when the period is longer than the lag."""
    block = shaped(gain=2.0, lead_s=lead_s, lag_s=lag_s, bias=1.0)
    block.step(count=3, signal_in=0.0)
    got = [block.step(signal_in=10.0).out for _ in range(20)]
    want = [1.0 + 20.0 * (1 + (lead_s / lag_s - 1) * math.exp(-k / lag_s)) for k in range(20)]
    assert got == pytest.approx(want, abs=1e-9)


def test_starts_at_rest_and_starts_again_after_bad_without_a_kick():
    block = shaped(lead_s=10.0, lag_s=5.0)
    assert block.step(signal_in=40.0).out == 40.0
    block.step(signal_in=math.nan)
    assert (block.out, quality_of(block.out_status)) == (40.0, BAD)
    block.step(signal_in=80.0, signal_in_status=STATUS_BAD)
    assert block.out == 40.0
    assert block.step(signal_in=80.0, signal_in_status=STATUS_GOOD).out == 80.0


def test_without_a_lag_only_the_gain_is_left():
    assert shaped(gain=3.0, lead_s=10.0, lag_s=0.0, bias=1.0).step(signal_in=2.0).out == 7.0
