"""Promises of comparator and multiplexers."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.blocks.discrete.comparator import COMPARISONS
from dcs.core.status import (
    BAD,
    GOOD_CASCADE,
    OK,
    STATUS_BAD,
    STATUS_GOOD,
    SUB_NORMAL,
    UNCERTAIN,
    make_status,
    quality_of,
)
from tests.unit.blocks.bench import OnBench
from tests.unit.blocks.hostile import nothing_comes_through


def comparator(comparison: str, **values: float) -> OnBench:
    fields = {"comparison": COMPARISONS.index(comparison), "limit": 50.0, "signal_in_status": STATUS_GOOD}
    return OnBench("COMPARATOR", **fields | values)


@pytest.mark.parametrize(
    ("comparison", "row", "out"),
    [
        ("GT", (49, 50, 51, 49, 48, 47, 51), "0011001"),
        ("GE", (49, 50, 51, 49, 48, 47, 50), "0111001"),
        ("LT", (51, 50, 49, 51, 51.9, 52, 49), "0011101"),
        ("LE", (51, 50, 49, 51, 52, 53, 50), "0111001"),
        ("EQ", (47, 48, 50, 52, 53), "01110"),
        ("NE", (47, 48, 50, 52, 53), "10001"),
    ],
)
def test_comparison_with_a_hysteresis_of_two(comparison, row, out):
    block = comparator(comparison, hysteresis=2.0)
    seen = "".join(str(int(block.step(signal_in=float(value)).out)) for value in row)
    assert seen == out


@given(values=st.lists(st.floats(-200, 200), max_size=30), limit=st.floats(-100, 100))
@settings(max_examples=50, deadline=None)
def test_without_hysteresis_it_is_the_plain_comparison(values, limit):
    blocks = {name: comparator(name, limit=limit) for name in COMPARISONS}
    for value in values:
        seen = {name: bool(block.step(signal_in=value).out) for name, block in blocks.items()}
        assert seen == {
            "GT": value > limit, "GE": value >= limit, "LT": value < limit,
            "LE": value <= limit, "EQ": value == limit, "NE": value != limit,
        }  # fmt: skip


def test_a_wired_reference_and_bad_inputs():
    block = comparator("GT", reference_linked=1, reference=60.0, reference_status=STATUS_GOOD, signal_in=55.0)
    assert block.step().out == 0.0
    assert block.step(reference=40.0).out == 1.0
    for trouble in ({"reference": math.nan}, {"reference": 99.0, "reference_status": STATUS_BAD}):
        block.step(**trouble)
        assert (block.out, quality_of(block.out_status)) == (1.0, BAD)
    block.step(reference_status=make_status(GOOD_CASCADE, OK))
    assert (block.out, block.out_status) == (0.0, STATUS_GOOD)


def multiplexer(kind: str, **values: float) -> OnBench:
    block = OnBench(kind, **values)
    for i in range(3):
        block.inp[i], block.inp_status[i], block.inp_linked[i] = float(i == 1), STATUS_GOOD, 1
    return block


@pytest.mark.parametrize("kind", ["MULTIPLEXER", "MULTIPLEXER_D"])
def test_selection_by_hand_and_by_wire(kind):
    block = multiplexer(kind)
    assert (block.step().out, block.selected) == (0.0, 1)
    assert block.step(choice=2).out == 1.0
    block.step(selector_linked=1, selector=3.0, selector_status=STATUS_GOOD)
    assert (block.out, block.selected) == (0.0, 3)
    assert block.step(selector=2.0).out == 1.0


@pytest.mark.parametrize("kind", ["MULTIPLEXER", "MULTIPLEXER_D"])
@pytest.mark.parametrize(("selector", "status"), [(0.0, STATUS_GOOD), (4.0, STATUS_GOOD), (99.0, STATUS_GOOD),
                                                  (math.nan, STATUS_GOOD), (3.0, STATUS_BAD)])  # fmt: skip
def test_a_selector_that_names_nothing_keeps_the_selection(kind, selector, status):
    block = multiplexer(kind, selector_linked=1, selector=2.0, selector_status=STATUS_GOOD)
    block.step()
    block.step(selector=selector, selector_status=status)
    assert (block.out, block.selected, block.out_status) == (1.0, 2, make_status(UNCERTAIN, SUB_NORMAL))


@pytest.mark.parametrize("kind", ["MULTIPLEXER", "MULTIPLEXER_D"])
def test_the_status_of_the_selected_input_goes_with_it(kind):
    block = multiplexer(kind, choice=2)
    block.step()
    block.inp_status[1], block.inp[1] = STATUS_BAD, math.nan
    block.step()
    assert (block.out, quality_of(block.out_status)) == (1.0, BAD)
    block.step(choice=1)
    assert (block.out, block.out_status) == (0.0, STATUS_GOOD)


@pytest.mark.parametrize("kind", ["COMPARATOR", "MULTIPLEXER", "MULTIPLEXER_D"])
def test_nothing_comes_through(kind):
    nothing_comes_through(kind)
