"""Promises of flip-flops and edges."""

import math

import pytest

from dcs.core.status import BAD, STATUS_BAD, STATUS_GOOD, quality_of
from tests.unit.blocks.bench import OnBench
from tests.unit.blocks.discrete.traces import trace
from tests.unit.blocks.hostile import nothing_comes_through


@pytest.mark.parametrize(("kind", "out"), [("SR", "0 1 1 0 0 1 1 0"), ("RS", "0 1 1 0 0 0 0 0")])
def test_flip_flop(kind, out):
    """Promise: set and reset keep until the other comes; with both SR is set, RS is reset."""
    seen = trace(OnBench(kind), set_in="0 1 0 0 0 1 1 0", reset_in="0 0 0 1 0 1 1 1")
    assert seen == out.replace(" ", "")


def test_a_bad_input_goes_on_with_its_last_value_and_shows():
    block = OnBench("SR")
    assert trace(block, set_in="0??1", reset_in="0000") == "0001"
    assert block.out_status == STATUS_GOOD
    assert trace(block, set_in="0", reset_in="?") == "1"
    assert quality_of(block.out_status) == BAD


@pytest.mark.parametrize(
    ("kind", "row", "out"),
    [
        ("R_TRIG", "0 1 1 0 1 0 0", "0 1 0 0 1 0 0"),
        ("R_TRIG", "1 1 0 1", "0 0 0 1"),
        ("R_TRIG", "0 ? 1 1 ? ? 1", "0 0 1 0 0 0 0"),
        ("R_TRIG", "1 ? 0 ? 1", "0 0 0 0 1"),
        ("F_TRIG", "1 0 0 1 0 1 1", "0 1 0 0 1 0 0"),
        ("F_TRIG", "0 0 1 0", "0 0 0 1"),
        ("F_TRIG", "1 ? 0 ? 0", "0 0 1 0 0"),
    ],
)
def test_edges(kind, row, out):
    """Promise: one scan per change between usable values; starting up and coming back from Bad are no edges."""
    assert trace(OnBench(kind), inp=row) == out.replace(" ", "")


def test_nan_is_no_edge():
    block = OnBench("R_TRIG", inp=0.0, inp_status=STATUS_GOOD)
    block.step()
    block.step(inp=math.nan)
    assert (block.out, quality_of(block.out_status)) == (0.0, BAD)
    assert block.step(inp=1.0).out == 1.0
    assert quality_of(block.step(inp_status=STATUS_BAD).out_status) == BAD


@pytest.mark.parametrize("kind", ["SR", "RS", "R_TRIG", "F_TRIG"])
def test_nothing_comes_through(kind):
    nothing_comes_through(kind)
