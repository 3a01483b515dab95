"""Promises of the limiter."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.status import (
    BAD,
    GOOD_CASCADE,
    IA,
    IR,
    LIMIT_HIGH,
    LIMIT_LOW,
    NI,
    OK,
    STATUS_BAD,
    STATUS_GOOD,
    limits_of,
    make_status,
    quality_of,
    sub_status_of,
)
from tests.unit.blocks.bench import CASCADE_IA, CASCADE_IR, CASCADE_NI, CASCADE_OK, OnBench


def limiter(**values: float) -> OnBench:
    return OnBench("LIMIT", **{"inp_status": STATUS_GOOD, "out_low": 20.0, "out_high": 80.0} | values)


def in_cascade(**values: float) -> OnBench:
    """Between a controller and a block below that takes what it gets."""
    cascade = {"inp_status": CASCADE_OK, "bkcal_in_linked": 1, "bkcal_in_status": CASCADE_OK}
    return limiter(**{"inp": 50.0, "bkcal_in": 50.0, "out": 50.0} | cascade | values)


@given(st.floats(-1e6, 1e6))
def test_cuts_off_and_says_which_end(value):
    block = limiter()
    block.step(inp=value)
    assert block.out == min(80.0, max(20.0, value))
    assert limits_of(block.out_status) == (LIMIT_LOW if value < 20 else LIMIT_HIGH if value > 80 else 0)
    assert limits_of(block.bkcal_out_status) == limits_of(block.out_status)
    assert block.bkcal_out == block.out


@pytest.mark.parametrize("dead", [{"inp": math.nan}, {"inp": -math.inf}, {"inp": 30.0, "inp_status": STATUS_BAD}])
def test_bad_holds_and_shows(dead):
    block = limiter(inp=50.0)
    block.step()
    block.step(**dead)
    assert (block.out, quality_of(block.out_status)) == (50.0, BAD)
    assert block.step(inp=60.0, inp_status=STATUS_GOOD).out == 60.0


def test_limits_of_the_block_below_go_up_and_its_value_too():
    """Promise: what the block below could not take comes back as what it took."""
    block = in_cascade()
    block.step(inp=70.0)
    block.step(inp=75.0, bkcal_in=55.0, bkcal_in_status=make_status(GOOD_CASCADE, OK, LIMIT_HIGH))
    assert (block.out, block.bkcal_out) == (75.0, 55.0)
    assert block.bkcal_out_status == make_status(GOOD_CASCADE, OK, LIMIT_HIGH)


@pytest.mark.parametrize(("below", "said"), [(CASCADE_NI, NI), (CASCADE_IR, IR)])
def test_requests_of_the_block_below_pass_up_and_out_follows(below, said):
    block = in_cascade()
    block.step(inp=50.0, bkcal_in=33.0, bkcal_in_status=below)
    assert (block.out, block.bkcal_out, sub_status_of(block.bkcal_out_status)) == (33.0, 33.0, said)


def test_an_acknowledgement_passes_down_only_with_the_value_that_was_asked_for():
    """Promise: an old acknowledgement that still stands on the wire is not believed."""
    block = in_cascade()
    block.step(inp=50.0, inp_status=CASCADE_IA, bkcal_in=33.0, bkcal_in_status=CASCADE_IR)
    assert sub_status_of(block.out_status) == OK
    block.step()
    assert sub_status_of(block.out_status) == OK
    block.step(inp=33.0)
    assert (sub_status_of(block.out_status), block.out) == (IA, 33.0)


@given(found=st.floats(0, 100), bal_time_s=st.sampled_from([0.0, 0.5, 5.0, 20.0]))
@settings(deadline=None)
def test_a_block_below_that_stands_outside_the_limits_is_bled_to_them(found, bal_time_s):
    """Promise: it is taken over where it is and moved in a straight line over BAL_TIME."""
    block = in_cascade(bal_time_s=bal_time_s)
    block.step(count=2, bkcal_in=found, bkcal_in_status=CASCADE_IR)
    asked = block.bkcal_out
    assert asked == pytest.approx(min(80.0, max(20.0, found)))
    block.step(inp=asked, inp_status=CASCADE_IA)
    assert (block.out, sub_status_of(block.out_status)) == (found, IA)
    outs = [found]
    for _ in range(25):
        block.step(bkcal_in=block.out, bkcal_in_status=CASCADE_OK, inp_status=CASCADE_OK)
        outs.append(block.out)
    rate = abs(found - asked) / bal_time_s if bal_time_s else math.inf
    moved = [abs(b - a) for a, b in itertools.pairwise(outs)]
    assert max(moved) <= rate + 1e-9 if bal_time_s >= 1.0 else moved[0] == abs(found - asked)
    assert outs[-1] == pytest.approx(asked, abs=1e-9)


def test_a_lost_way_back_is_bad_upwards():
    block = in_cascade()
    block.step(bkcal_in_status=STATUS_BAD)
    assert quality_of(block.bkcal_out_status) == BAD
    block.step(bkcal_in=math.nan, bkcal_in_status=CASCADE_OK)
    assert quality_of(block.bkcal_out_status) == BAD
    assert block.out == 50.0
