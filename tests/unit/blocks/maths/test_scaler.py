"""Promises of the scaler."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcs.core.status import (
    BAD,
    GOOD_CASCADE,
    LIMIT_HIGH,
    LIMIT_LOW,
    OK,
    STATUS_BAD,
    STATUS_GOOD,
    limits_of,
    make_status,
    quality_of,
)
from tests.unit.blocks.bench import CASCADE_IR, CASCADE_OK, OnBench

SCALES = {"in_scale_low": 4.0, "in_scale_high": 20.0, "out_scale_low": -50.0, "out_scale_high": 150.0}


def scaler(**values: float) -> OnBench:
    return OnBench("SCALER", **SCALES | {"inp_status": STATUS_GOOD} | values)


@pytest.mark.parametrize(
    ("inverted", "limited", "given_", "want"),
    [
        (0, 0, 12.0, 50.0),
        (1, 0, 12.0, 50.0),
        (0, 0, 8.0, 0.0),
        (1, 0, 8.0, 100.0),
        (0, 0, 24.0, 200.0),
        (0, 1, 24.0, 150.0),
        (1, 1, 24.0, -50.0),
    ],
)
def test_a_straight_line(inverted, limited, given_, want):
    assert scaler(inverted=inverted, limited=limited).step(inp=given_).out == pytest.approx(want)


@given(value=st.floats(4, 20), inverted=st.integers(0, 1), asked=st.floats(-50, 150))
def test_the_way_back_is_the_inverse(value, inverted, asked):
    block = scaler(inverted=inverted, bkcal_in_linked=1, inp_status=CASCADE_OK)
    block.step(inp=value, bkcal_in=asked, bkcal_in_status=CASCADE_IR)
    assert block.out == asked
    back = block.bkcal_out
    part = (back - 4.0) / 16.0
    assert -50.0 + 200.0 * (1.0 - part if inverted else part) == pytest.approx(asked, abs=1e-9)
    block.step(inp=back)
    block.step(bkcal_in_status=CASCADE_OK)
    assert block.out == pytest.approx(asked, abs=1e-9)


@pytest.mark.parametrize(("inverted", "up"), [(0, LIMIT_HIGH), (1, LIMIT_LOW)])
def test_limits_swap_where_it_inverts(inverted, up):
    """Promise: in both directions."""
    block = scaler(inverted=inverted, limited=1, bkcal_in_linked=1, bkcal_in_status=CASCADE_OK, bkcal_in=50.0)
    block.step(inp=25.0)
    assert limits_of(block.out_status) == up
    assert limits_of(block.bkcal_out_status) == LIMIT_HIGH
    block.step(inp=12.0, bkcal_in_status=make_status(GOOD_CASCADE, OK, LIMIT_HIGH))
    assert limits_of(block.bkcal_out_status) == up


@pytest.mark.parametrize("dead", [{"inp": math.nan}, {"inp": math.inf}, {"inp": 5.0, "inp_status": STATUS_BAD}])
def test_bad_holds_and_shows(dead):
    block = scaler(inp=12.0)
    block.step()
    block.step(**dead)
    assert (block.out, quality_of(block.out_status)) == (50.0, BAD)
