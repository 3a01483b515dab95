"""Promises of the lead-lag block."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.status import BAD, LIMIT_HIGH, STATUS_BAD, STATUS_GOOD, UNCERTAIN, make_status, quality_of
from tests.unit.blocks.bench import OnBench


def shaped(dt_s: float = 1.0, **values: float) -> OnBench:
    return OnBench("LEAD_LAG", dt_s, **{"signal_in_status": STATUS_GOOD} | values)


@pytest.mark.parametrize(("lead_s", "lag_s"), [(0.0, 5.0), (12.0, 5.0), (5.0, 5.0), (3.0, 0.4)])
def test_step_response_is_the_continuous_one(lead_s, lag_s):
    """Promise: at every scan the output equals the continuous answer, also when the period is longer than the lag."""
    block = shaped(gain=2.0, lead_s=lead_s, lag_s=lag_s, bias=1.0)
    block.step(count=3, signal_in=0.0)
    got = [block.step(signal_in=10.0).out for _ in range(20)]
    want = [1.0 + 20.0 * (1 + (lead_s / lag_s - 1) * math.exp(-k / lag_s)) for k in range(20)]
    assert got == pytest.approx(want, abs=1e-9)


def test_agrees_with_scipy():
    """Promise: an input of steps gives what scipy's simulation of the same transfer function gives."""
    from scipy.signal import TransferFunction, lsim

    dt_s, fine = 0.5, 50
    steps = [0.0, 3.0, -2.0, -2.0, 7.0, 1.0, 1.0, 0.0, 5.0, 5.0]
    block = shaped(dt_s, lead_s=4.0, lag_s=2.5)
    block.step(signal_in=0.0)
    got = [block.step(signal_in=value).out for value in steps]
    times = [k * dt_s / fine for k in range(len(steps) * fine + 1)]
    inputs = [steps[min(k // fine, len(steps) - 1)] for k in range(len(times))]
    _, answer, _ = lsim(TransferFunction([4.0, 1.0], [2.5, 1.0]), inputs, times, interp=False)
    # A scan shows the answer at its own moment, after the step of the input has arrived.
    assert got == pytest.approx([answer[k * fine] for k in range(len(steps))], abs=1e-9)


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


@pytest.mark.parametrize("status", [make_status(UNCERTAIN), make_status(2, 0, LIMIT_HIGH)])
def test_the_status_travels_with_the_signal(status):
    assert shaped(lag_s=5.0).step(signal_in=2.0, signal_in_status=status).out_status == status


@given(st.lists(st.sampled_from([math.nan, math.inf, -math.inf, 1e308, -1e308, 5.0]), min_size=1, max_size=20))
@settings(deadline=None)
def test_nothing_that_is_no_number_gets_in(values):
    """Promise: two huge inputs of opposite sign, whose difference is infinite, do not get in either."""
    block = shaped(lead_s=100.0, lag_s=5.0, gain=3.0)
    for value in values:
        block.step(signal_in=value)
        assert math.isfinite(block.out)
        assert math.isfinite(block.lagged)
