"""Promises of the characteriser."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.blocks.declare import BLOCK_TYPES
from dcs.core.errors import ConfigError, Place
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
from dcs.engine.compile import compile_strategy
from dcs.engine.image import initial_values
from dcs.engine.strategy import BlockSpec, Channel
from tests.unit.blocks.bench import CASCADE_IR, CASCADE_OK, OnBench
from tests.unit.engine.strategies import strategy

curves = st.integers(2, 21).flatmap(
    lambda count: st.tuples(
        st.lists(st.integers(0, 1000), min_size=count, max_size=count, unique=True),
        st.lists(st.integers(0, 1000), min_size=count, max_size=count, unique=True),
        st.booleans(),
    )
)


def curve(x, y, **values):
    block = OnBench("CHARACTERISER", **{"inp_status": STATUS_GOOD} | values)
    block.x[: len(x)] = x
    block.y[: len(y)] = y
    block.x_count = block.y_count = len(x)
    return block


def sorted_curve(drawn):
    x, y, falling = drawn
    return [float(v) for v in sorted(x)], [float(v) for v in sorted(y, reverse=falling)]


@given(curves, st.floats(-100, 1100))
@settings(max_examples=200)
def test_is_the_piecewise_straight_line_of_numpy(drawn, value):
    x, y = sorted_curve(drawn)
    assert curve(x, y).step(inp=value).out == pytest.approx(float(np.interp(value, x, y)), rel=1e-12, abs=1e-9)


@given(curves, st.floats(-100, 1100))
@settings(max_examples=200)
def test_the_way_back_is_the_inverse_of_numpy(drawn, asked):
    """Promise: for rising and falling curves; outside them the nearer end."""
    x, y = sorted_curve(drawn)
    block = curve(x, y, bkcal_in_linked=1, inp_status=CASCADE_OK)
    block.step(inp=x[0], bkcal_in=asked, bkcal_in_status=CASCADE_IR)
    up = (x, y) if y[0] < y[-1] else (x[::-1], y[::-1])
    assert block.bkcal_out == pytest.approx(float(np.interp(asked, up[1], up[0])), rel=1e-12, abs=1e-9)


@pytest.mark.parametrize(("y", "above", "below"), [((0, 60, 100), 2, 1), ((100, 60, 0), 1, 2)])
def test_a_falling_curve_swaps_the_limits(y, above, below):
    block = curve([0.0, 30.0, 100.0], [float(v) for v in y], bkcal_in_linked=1, bkcal_in_status=CASCADE_OK)
    block.step(inp=120.0, bkcal_in=block.out)
    assert (limits_of(block.out_status), limits_of(block.bkcal_out_status)) == (above, LIMIT_HIGH)
    assert block.bkcal_out == 100.0
    block.step(inp=-1.0)
    assert (limits_of(block.out_status), limits_of(block.bkcal_out_status)) == (below, LIMIT_LOW)
    block.step(inp=50.0, bkcal_in=block.out, bkcal_in_status=make_status(GOOD_CASCADE, OK, LIMIT_HIGH))
    assert limits_of(block.bkcal_out_status) == above


@pytest.mark.parametrize("dead", [{"inp": math.nan}, {"inp": math.inf}, {"inp": 5.0, "inp_status": STATUS_BAD}])
def test_bad_holds_and_shows(dead):
    block = curve([0.0, 100.0], [0.0, 50.0], inp=50.0)
    block.step()
    block.step(**dead)
    assert (block.out, quality_of(block.out_status)) == (25.0, BAD)


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"x": (0.0, 1.0), "y": (0.0,), "x_count": 2, "y_count": 1}, "`x` has 2 points and `y` has 1"),
        ({"x": (0.0,), "y": (0.0,), "x_count": 1, "y_count": 1}, "one point has no slope"),
        (
            {"x": (0.0, 2.0, 2.0), "y": (0.0, 1.0, 2.0), "x_count": 3, "y_count": 3},
            r"x goes from 2 to 2 \(points 2 and 3\); it must rise",
        ),
        ({"x": (0.0, 1.0, 2.0), "y": (0.0, 1.0, 0.5), "x_count": 3, "y_count": 3}, "cannot be turned back"),
        ({"x": (0.0, 1.0, 2.0), "y": (0.0, 1.0, 1.0), "x_count": 3, "y_count": 3}, "cannot be turned back"),
    ],
)
def test_a_curve_that_cannot_be_used_is_refused(params, sentence):
    """Promise: before anything runs, with the block's name."""
    spec = BlockSpec("M.c", "CHARACTERISER", "loops", params)
    with pytest.raises(ConfigError, match=r"M\.c \(CHARACTERISER\): .*" + sentence):
        compile_strategy(strategy((spec,), [("A", "M.c.inp")], (Channel("A", "in", "%"),)))


def test_a_curve_that_turns_is_allowed_for_a_measurement():
    params = {"x": (0.0, 1.0, 2.0), "y": (0.0, 1.0, 0.5), "x_count": 3, "y_count": 3, "invertible": 0}
    assert initial_values(BLOCK_TYPES["CHARACTERISER"], "c", params, Place())
    assert curve([0.0, 1.0, 2.0], [0.0, 1.0, 0.5], invertible=0).step(inp=1.5).out == 0.75


def test_without_points_it_is_the_line_over_its_scales():
    block = OnBench("CHARACTERISER", inp_status=STATUS_GOOD, out_scale_high=20.0)
    assert block.step(inp=25.0).out == 5.0
