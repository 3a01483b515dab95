"""Promises of the bias/gain station."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.modes import AUTO, CAS, MAN
from dcs.core.status import (
    GOOD_CASCADE,
    IR,
    LIMIT_HIGH,
    LIMIT_LOW,
    NS,
    STATUS_BAD,
    STATUS_GOOD,
    limits_of,
    make_status,
    sub_status_of,
)
from tests.unit.blocks.bench import CASCADE_IA, CASCADE_OK, OnBench


def station(**values: float) -> OnBench:
    """A signal of 40, a bias of 10, a gain of 1.2: an output of 60."""
    at = {"inp_linked": 1, "inp": 40.0, "inp_status": STATUS_GOOD, "sp": 10.0, "gain": 1.2, "sp_low": -100.0}
    return OnBench("BIAS_GAIN", **at | {"out": 60.0} | values)


@given(signal=st.floats(-100, 200), bias=st.floats(-100, 100), gain=st.floats(-3, 3), wired=st.integers(0, 1))
@settings(max_examples=100)
def test_is_the_sum_times_the_gain(signal, bias, gain, wired):
    want = gain * (signal * wired + bias)
    block = station(inp=signal, sp=bias, gain=gain, inp_linked=wired, bal_time_s=0.0)
    block.step(count=3)
    assert block.out == pytest.approx(min(100.0, max(0.0, want)), abs=1e-9)


def test_man_to_auto_starts_where_it_is_and_bleeds():
    block = station(target=MAN, out=20.0, bal_time_s=5.0)
    block.step(count=2)
    outs = [block.step(target=AUTO).out for _ in range(8)]
    assert outs == pytest.approx([20.0 + 8.0 * min(k, 5) for k in range(8)])


def test_a_changed_gain_moves_nothing_in_its_scan():
    """Promise: neither its part on the signal nor its part on the bias."""
    block = station()
    block.step(count=2)
    assert block.step(gain=2.0).out == pytest.approx(60.0)
    assert block.step().out == pytest.approx(64.0)
    block.step(count=20)
    assert block.out == 100.0


def test_an_operator_moves_the_output_by_the_gain_times_the_bias():
    block = station()
    block.step(count=2)
    assert block.step(sp=15.0).out == pytest.approx(66.0)


@pytest.mark.parametrize("dead", [{"inp": math.nan}, {"inp": -math.inf}, {"inp": 0.0, "inp_status": STATUS_BAD}])
def test_a_dead_signal_holds_and_its_return_is_no_spike(dead):
    block = station()
    block.step(count=2)
    block.step(count=3, **dead)
    assert (block.mode, block.out) == (MAN, pytest.approx(60.0))
    assert block.step(inp=90.0, inp_status=STATUS_GOOD).out == pytest.approx(60.0)
    assert block.mode == AUTO


@pytest.mark.parametrize(("gain", "said"), [(1.2, LIMIT_HIGH), (-1.2, LIMIT_LOW)])
def test_in_cascade_the_output_limit_is_told_in_terms_of_the_bias(gain, said):
    block = station(target=CAS, cas_in_linked=1, gain=gain, gain_used=gain, sp_low=-150.0)
    block.step(count=2, cas_in_status=CASCADE_OK)
    assert sub_status_of(block.bkcal_out_status) == IR
    block.step(cas_in=block.bkcal_out, cas_in_status=CASCADE_IA)
    assert (block.mode, block.out) == (CAS, pytest.approx(60.0))
    block.step(cas_in=100.0 if gain > 0 else -150.0, cas_in_status=CASCADE_OK)
    assert (block.out, limits_of(block.bkcal_out_status)) == (100.0, said)
    assert gain * (40.0 + block.bkcal_out) == pytest.approx(100.0)


@pytest.mark.parametrize(("gain", "said"), [(1.2, LIMIT_HIGH), (-1.2, LIMIT_LOW)])
def test_not_selected_is_passed_up_so_that_the_controller_above_follows(gain, said):
    """Promise: a station between a controller and a selector takes nothing from what the selector says."""
    block = station(target=CAS, mode=CAS, cas_in_linked=1, cas_in=10.0, cas_in_status=CASCADE_OK, gain=gain)
    block.step(bkcal_in_linked=1, bkcal_in=30.0, bkcal_in_status=make_status(GOOD_CASCADE, NS, LIMIT_HIGH))
    assert (block.mode, sub_status_of(block.bkcal_out_status), limits_of(block.bkcal_out_status)) == (CAS, NS, said)


def test_a_bias_beyond_its_range_is_a_limit_upwards():
    block = station(target=CAS, mode=CAS, cas_in_linked=1, sp_high=15.0, cas_in=30.0, cas_in_status=CASCADE_OK)
    block.step(count=2)
    assert (block.sp, limits_of(block.bkcal_out_status), block.out_status >> 6) == (15.0, LIMIT_HIGH, GOOD_CASCADE)
