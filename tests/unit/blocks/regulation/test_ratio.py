"""Promises of the ratio station."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.modes import AUTO, CAS, IMAN, MAN, OOS
from dcs.core.status import (
    BAD,
    DNS,
    GOOD_CASCADE,
    IA,
    LIMIT_HIGH,
    LIMIT_LOW,
    NI,
    OK,
    STATUS_BAD,
    STATUS_GOOD,
    STATUS_OOS,
    UNCERTAIN,
    limits_of,
    make_status,
    quality_of,
    sub_status_of,
)
from tests.unit.blocks.bench import CASCADE_IA, CASCADE_IR, CASCADE_NI, CASCADE_OK, OnBench


def ratio(**values: float) -> OnBench:
    """A wild flow of 40, a ratio of 1.5: a demand of 60."""
    at = {"wild": 40.0, "wild_status": STATUS_GOOD, "sp": 1.5, "out": 60.0}
    return OnBench("RATIO", **at | values)


def running(**values: float) -> OnBench:
    block = ratio(**values)
    block.step(count=2)
    assert block.mode == AUTO
    return block


@given(sp=st.floats(0, 10), wild=st.floats(0, 100), gain=st.floats(0.1, 3), bias=st.floats(-10, 10))
@settings(max_examples=100)
def test_is_the_product(sp, wild, gain, bias):
    want = gain * sp * wild + bias
    block = ratio(sp=sp, wild=wild, gain=gain, bias=bias, out=min(100.0, max(0.0, want)), bal_time_s=0.0)
    block.step(count=3)
    assert block.out == pytest.approx(min(100.0, max(0.0, want)), abs=1e-9)
    assert limits_of(block.out_status) == (LIMIT_HIGH if want > 100 else LIMIT_LOW if want < 0 else 0)


def test_the_wild_flow_is_filtered_exactly():
    block = running(filter_s=5.0)
    got = [block.step(wild=50.0).out for _ in range(10)]
    assert got == pytest.approx([1.5 * (50.0 - 10.0 * math.exp(-(k + 1) / 5.0)) for k in range(10)])


def test_man_to_auto_starts_where_it_is_and_bleeds_in_a_straight_line():
    """Promise: the operator's ratio stays; what OUT is off is gone after BAL_TIME."""
    block = ratio(target=MAN, out=30.0, bal_time_s=10.0)
    block.step(count=2)
    outs = [block.step(target=AUTO).out for _ in range(13)]
    assert outs == pytest.approx([30.0 + 3.0 * min(k, 10) for k in range(13)])
    assert block.sp == 1.5


@pytest.mark.parametrize("change", [{"gain": 0.5}, {"bias": 7.0}, {"gain": 3.0, "bias": -5.0}])
def test_a_changed_gain_or_bias_moves_nothing_in_its_scan(change):
    block = running()
    assert block.step(**change).out == pytest.approx(60.0)
    block.step()
    assert 0.0 < abs(block.out - 60.0) <= 12.0


@pytest.mark.parametrize("dead", [{"wild": math.nan}, {"wild": math.inf}, {"wild": 0.0, "wild_status": STATUS_BAD}])
def test_a_dead_wild_flow_holds_and_its_return_is_no_spike(dead):
    block = running()
    block.step(count=3, **dead)
    assert (block.mode, block.out, quality_of(block.out_status)) == (MAN, 60.0, GOOD_CASCADE)
    block.step(wild=20.0, wild_status=STATUS_GOOD)
    assert (block.mode, block.out) == (AUTO, 60.0)
    assert block.step().out == pytest.approx(57.0)  # 30 too much, bled over 10 s


def test_follows_the_block_below_and_acknowledges():
    block = running(bkcal_in_linked=1, bkcal_in=60.0, bkcal_in_status=CASCADE_OK)
    block.step(bkcal_in=25.0, bkcal_in_status=CASCADE_NI)
    assert (block.mode, block.out, sub_status_of(block.out_status)) == (IMAN, 25.0, OK)
    block.step(bkcal_in_status=CASCADE_IR)
    assert (block.out, sub_status_of(block.out_status)) == (25.0, IA)
    assert sub_status_of(block.bkcal_out_status) == NI
    block.step(bkcal_in_status=CASCADE_OK)
    assert (block.mode, block.out) == (AUTO, 25.0)


def cascade(**values: float) -> OnBench:
    block = ratio(target=CAS, mode=CAS, cas_in=1.5, cas_in_status=CASCADE_OK, cas_in_linked=1, **values)
    block.balance = block.balance_from = 0.0
    block.gain_used = 1.0
    block.step(count=2)
    return block


def test_the_block_above_is_asked_for_the_ratio_that_gives_the_output():
    """Promise: out of Man the ratio fits the output, so that nothing has to be bled."""
    block = cascade()
    block.step(target=MAN)
    block.step(count=2, out=10.0, target=CAS, mode=MAN, cas_in_status=CASCADE_OK)
    assert (block.mode, block.out, block.bkcal_out) == (AUTO, 10.0, pytest.approx(0.25))
    block.step(cas_in=block.bkcal_out, cas_in_status=CASCADE_IA)
    assert (block.mode, block.out, block.balance) == (CAS, pytest.approx(10.0), pytest.approx(0.0))


@pytest.mark.parametrize(("gain", "said"), [(1.0, LIMIT_HIGH), (-1.0, LIMIT_LOW)])
def test_limits_below_are_told_in_terms_of_the_ratio(gain, said):
    limited = make_status(GOOD_CASCADE, OK, LIMIT_HIGH)
    block = cascade(gain=gain, bias=0.0 if gain > 0 else 90.0, bkcal_in_linked=1, bkcal_in_status=limited)
    block.bkcal_in = block.out
    block.step()
    assert limits_of(block.bkcal_out_status) == said


def test_what_is_cut_off_comes_back_as_the_ratio_that_was_accepted():
    block = cascade()
    block.step(cas_in=4.0)
    assert (block.out, block.bkcal_out) == (100.0, pytest.approx(2.5))
    assert limits_of(block.bkcal_out_status) == LIMIT_HIGH


def test_a_block_above_follows_while_the_block_below_does_not_take_the_output():
    """Promise: what is asked of the block above is always the ratio that fits, so that nothing winds up meanwhile."""
    block = cascade(bkcal_in_linked=1, bkcal_in=60.0, bkcal_in_status=CASCADE_OK)
    block.step(bkcal_in=24.0, bkcal_in_status=CASCADE_NI)
    assert (block.mode, block.bkcal_out, sub_status_of(block.bkcal_out_status)) == (IMAN, pytest.approx(0.6), NI)


def test_no_wild_flow_no_ratio_to_ask_for():
    """Promise: without a wild flow the ratio stays as it is, and the balance carries the output."""
    block = cascade()
    block.step(target=MAN, wild=0.0)
    block.step(out=20.0)
    block.step(target=CAS)
    assert (block.out, block.sp) == (20.0, 1.5)
    assert block.step().out == pytest.approx(18.0)


def test_the_ratio_that_is_reached_is_shown():
    block = running(controlled_linked=1, controlled=50.0, controlled_status=STATUS_GOOD)
    assert (block.ratio, block.ratio_status) == (1.25, STATUS_GOOD)
    block.step(controlled_status=STATUS_BAD)
    assert quality_of(block.ratio_status) == BAD
    block.step(wild=0.0, controlled_status=STATUS_GOOD)
    assert (block.ratio, quality_of(block.ratio_status)) == (1.25, UNCERTAIN)


def test_out_of_service_holds():
    block = running()
    block.step(target=OOS, wild=90.0)
    assert (block.out, block.out_status) == (60.0, STATUS_OOS)
    block.step(target=AUTO)
    assert (block.mode, block.out) == (MAN, 60.0)


def test_without_its_input_a_selector_below_is_asked_to_leave_it_out():
    """Promise: a ratio that nobody can work out neither wins an override nor holds it back."""
    block = OnBench("RATIO", wild=40.0, wild_status=STATUS_GOOD, sp=1.0)
    assert sub_status_of(block.step(count=2).out_status) == OK
    assert sub_status_of(block.step(wild_status=STATUS_BAD).out_status) == DNS
    assert sub_status_of(block.step(wild_status=STATUS_GOOD).out_status) == OK
    assert sub_status_of(block.step(wild_status=STATUS_BAD, target=MAN).out_status) == OK
