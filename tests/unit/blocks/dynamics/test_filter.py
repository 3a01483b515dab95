"""Promises of the filter block."""

import itertools
import math

import pytest

from dcs.core.status import BAD, STATUS_BAD, STATUS_GOOD, UNCERTAIN, make_status, quality_of
from tests.unit.blocks.bench import OnBench


def filtered(dt_s: float = 1.0, **values: float) -> OnBench:
    return OnBench("FILTER", dt_s, **{"signal_in_status": STATUS_GOOD} | values)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("time_s", [0.1, 1.0, 8.0, 1e6])
def test_equals_scipy_for_an_input_of_steps(order, time_s):
    """Promise: exact at every scan, also with a period longer than the time constant."""
    from scipy.signal import cont2discrete, dlsim, tf2ss

    denominator = [time_s, 1.0] if order == 1 else [time_s * time_s, 2 * time_s, 1.0]
    system = cont2discrete(tf2ss([1.0], denominator), 1.0, method="zoh")
    steps = [0.0, 5.0, 5.0, -3.0, 0.0, 8.0, 8.0, 8.0, 1.0, 0.0, 2.0]
    block = filtered(time_s=time_s, order=order)
    block.step(signal_in=0.0)
    got = [block.step(signal_in=value).out for value in steps]
    _, answer, _ = dlsim(system, [*steps, 0.0])
    assert got == pytest.approx([float(value) for value in answer[1:, 0]], abs=1e-9)


def test_starts_at_rest_and_again_after_bad():
    block = filtered(time_s=10.0, order=2)
    assert block.step(signal_in=40.0).out == 40.0
    block.step(signal_in=70.0)
    held = block.out
    block.step(count=3, signal_in=math.nan)
    assert (block.out, quality_of(block.out_status)) == (held, BAD)
    block.step(count=3, signal_in=90.0, signal_in_status=STATUS_BAD)
    assert block.out == held
    assert block.step(signal_in=90.0, signal_in_status=STATUS_GOOD).out == 90.0


def test_a_second_lag_comes_and_goes_without_a_jump():
    block = filtered(time_s=20.0)
    block.step(signal_in=0.0)
    outs = [block.step(signal_in=10.0, order=1 + (k // 7) % 2).out for k in range(60)]
    assert max(b - a for a, b in itertools.pairwise(outs)) <= 10.0 * (1 - math.exp(-1 / 20.0)) + 1e-9
    assert outs == sorted(outs)


def test_without_a_time_constant_it_is_a_wire():
    block = filtered(time_s=0.0, order=2)
    assert [block.step(signal_in=value).out for value in (3.0, 9.0)] == [3.0, 9.0]
    status = make_status(UNCERTAIN)
    assert block.step(signal_in_status=status).out_status == status


def test_opposite_huge_values_do_not_overflow_into_it():
    block = filtered(time_s=5.0, order=2)
    for value in (1e308, -1e308, 1e308, 3.0):
        block.step(signal_in=value)
        assert math.isfinite(block.out)
