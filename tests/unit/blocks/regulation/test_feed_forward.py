"""Promises of the feed-forward."""

import math

import pytest

from dcs.core.status import BAD, LIMIT_CONSTANT, STATUS_BAD, STATUS_GOOD, limits_of, quality_of
from tests.unit.blocks.bench import OnBench


def forward(**values: float) -> OnBench:
    return OnBench("FEED_FORWARD", **{"disturbance_status": STATUS_GOOD, "disturbance": 40.0} | values)


def running(**values: float) -> OnBench:
    block = forward(**values)
    block.step(count=3)
    return block


def test_static_part():
    assert running(gain=0.5, reference=30.0, bias=3.0).out == 8.0


def test_dead_time_then_lead_lag():
    """Promise: the step response of K (1 + lead s)/(1 + lag s) exp(-s Td)."""
    block = running(gain=2.0, lead_s=8.0, lag_s=4.0, dead_time_s=3.0)
    got = [block.step(disturbance=50.0).out for _ in range(15)]
    want = [80.0] * 3 + [80.0 + 20.0 * (1 + (8.0 / 4.0 - 1) * math.exp(-k / 4.0)) for k in range(12)]
    assert got == pytest.approx(want)


@pytest.mark.parametrize("bal_time_s", [0.0, 5.0])
def test_out_of_service_and_back_is_bumpless(bal_time_s):
    """Promise: the output stays where it is; the difference is kept, or bled over BAL_TIME."""
    block = running(gain=0.5, bal_time_s=bal_time_s)
    outs = [block.step(in_service=0, disturbance=60.0).out for _ in range(7)]
    assert outs == pytest.approx([20.0 - 4.0 * min(k, 5) if bal_time_s else 20.0 for k in range(7)])
    assert (block.acting, quality_of(block.out_status), limits_of(block.out_status)) == (0, 2, LIMIT_CONSTANT)
    before = block.out
    outs = [block.step(in_service=1).out for _ in range(7)]
    assert outs[0] == pytest.approx(before)
    assert outs[-1] == pytest.approx(30.0 if bal_time_s else 20.0)
    assert block.step(disturbance=62.0).out == pytest.approx(outs[-1] + 1.0)


@pytest.mark.parametrize("change", [{"gain": 3.0}, {"bias": 9.0}, {"lead_s": 30.0}, {"lag_s": 1.0}, {"lag_s": 0.0}])
def test_changed_tuning_moves_nothing_in_its_scan(change):
    block = running(lead_s=2.0, lag_s=20.0)
    block.step(disturbance=50.0)
    block.step(count=3)
    before = block.out
    assert block.step(**change).out == pytest.approx(before)


@pytest.mark.parametrize("dead", [{"disturbance": math.nan}, {"disturbance": 0.0, "disturbance_status": STATUS_BAD}])
def test_a_dead_disturbance_holds_and_comes_back_without_a_step(dead):
    block = running(lag_s=5.0, lead_s=20.0, dead_time_s=4.0)
    block.step(count=5, **dead)
    assert (block.out, quality_of(block.out_status), block.acting) == (40.0, BAD, 0)
    block.step(disturbance=90.0, disturbance_status=STATUS_GOOD)
    assert (block.out, block.out_status) == (pytest.approx(40.0), STATUS_GOOD)
    assert block.step(count=10).out == pytest.approx(40.0)


def test_the_wired_switch_takes_it_out_also_when_it_is_dead():
    block = running(enable_in_linked=1, enable_in=1.0, enable_in_status=STATUS_GOOD)
    assert block.acting == 1
    for dead in ({"enable_in": 0.0}, {"enable_in": math.nan}, {"enable_in": 1.0, "enable_in_status": STATUS_BAD}):
        block.step(disturbance=90.0, **dead)
        assert (block.acting, block.out) == (0, 40.0)


def test_the_first_scan_takes_what_is_wanted():
    assert forward(bias=5.0).step().out == 45.0
