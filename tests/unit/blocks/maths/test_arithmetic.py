"""Promises of the arithmetic block."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.status import BAD, LIMIT_HIGH, STATUS_BAD, STATUS_GOOD, UNCERTAIN, limits_of, quality_of
from tests.unit.blocks.bench import OnBench

METHODS = dict(
    zip(("linear", "sqrt", "approx", "btu", "mult_div", "mean", "summer", "polynomial", "tank"), range(9), strict=True)
)


def arithmetic(method: str, aux=(), **values) -> OnBench:
    block = OnBench("ARITHMETIC", method=METHODS[method], inp_status=STATUS_GOOD, **values)
    for k, value in enumerate(aux):
        block.aux[k] = value
        block.aux_status[k] = STATUS_GOOD
        block.aux_linked[k] = 1
    return block


def clip(value):
    return min(2.0, max(0.5, value))


FORMULAS = {
    "linear": lambda pv, a, b, c: pv * clip(a / b),
    "sqrt": lambda pv, a, b, c: pv * clip(math.sqrt(a / (b * c))),
    "approx": lambda pv, a, b, c: pv * clip(math.sqrt(a * b * c**2)),
    "btu": lambda pv, a, b, c: pv * clip(a - b),
    "mult_div": lambda pv, a, b, c: pv * clip(a / b + c),
    "mean": lambda pv, a, b, c: math.fsum([pv, a, b, c]) / 4,
    "summer": lambda pv, a, b, c: pv + a + b + c,
    "polynomial": lambda pv, a, b, c: pv + a**2 + b**3 + c**4,
    "tank": lambda pv, a, b, c: (pv - a) / (pv - b),
}
positive = st.floats(0.1, 10.0)


@pytest.mark.parametrize("method", METHODS)
@given(pv=st.floats(20, 100), aux=st.tuples(positive, positive, positive))
@settings(max_examples=40)
def test_each_method_is_its_formula(method, pv, aux):
    block = arithmetic(method, aux, gain=1.5, bias=-2.0)
    want = 1.5 * FORMULAS[method](pv, *aux) - 2.0
    assert block.step(inp=pv).out == pytest.approx(want, rel=1e-9)
    assert block.out_status == STATUS_GOOD


def test_gains_and_biases_of_the_auxiliary_inputs_make_constants_of_those_that_are_not_wired():
    block = arithmetic("summer", (4.0,))
    block.aux_gain[:] = [2.0, 10.0, 1.0]
    block.aux_bias[:] = [1.0, 0.5, 0.0]
    assert block.step(inp=100.0).out == 100.0 + 2.0 * (4.0 + 1.0) + 10.0 * 0.5


def test_the_mean_counts_what_is_wired():
    assert arithmetic("mean", (4.0,)).step(inp=10.0).out == 7.0
    assert arithmetic("mean").step(inp=10.0).out == 10.0


@pytest.mark.parametrize(
    ("method", "aux"),
    [
        ("linear", (1.0, 0.0, 0.0)),
        ("sqrt", (-1.0, 1.0, 1.0)),
        ("tank", (0.0, 50.0, 0.0)),
        ("mult_div", (1.0, 0.0, 1.0)),
    ],
)
def test_what_cannot_be_formed_holds_and_shows(method, aux):
    block = arithmetic(method, (4.0, 2.0, 1.0))
    held = block.step(inp=50.0).out
    block.aux[:] = aux
    block.step()
    assert (block.out, quality_of(block.out_status)) == (held, BAD)


@pytest.mark.parametrize("dead", [(math.nan, STATUS_GOOD), (math.inf, STATUS_GOOD), (9e9, STATUS_BAD)])
def test_a_dead_auxiliary_input_leaves_its_last_good_value_and_an_uncertain_result(dead):
    block = arithmetic("summer", (4.0, 5.0))
    assert block.step(inp=10.0).out == 19.0
    block.aux[1], block.aux_status[1] = dead
    block.step(inp=11.0)
    assert (block.out, quality_of(block.out_status)) == (20.0, UNCERTAIN)


@pytest.mark.parametrize("dead", [{"inp": math.nan}, {"inp": 3.0, "inp_status": STATUS_BAD}])
def test_a_dead_main_input_holds_and_shows(dead):
    block = arithmetic("summer")
    block.step(inp=10.0)
    block.step(**dead)
    assert (block.out, quality_of(block.out_status)) == (10.0, BAD)


def ranged(**values):
    """A low-range transmitter below 10, the main one above 20, mixed in between."""
    low = {"in_lo_linked": 1, "in_lo_status": STATUS_GOOD, "range_low": 10.0, "range_high": 20.0}
    return arithmetic("summer", **low | values)


@pytest.mark.parametrize(
    ("main", "low", "want"),
    [(5.0, 4.0, 4.0), (10.0, 9.0, 9.0), (15.0, 14.0, 14.5), (20.0, 19.0, 20.0), (90.0, 30.0, 90.0)],
)
def test_range_extension_is_continuous(main, low, want):
    assert ranged().step(inp=main, in_lo=low).out == want


def test_range_extension_goes_on_with_the_transmitter_that_counts():
    """Promise: far from the other's range, a dead one does not matter; near it the result is Bad."""
    assert quality_of(ranged(inp=50.0, in_lo=math.nan).step().out_status) >= 2
    assert quality_of(ranged(inp=math.nan, in_lo=5.0).step().out_status) >= 2
    assert quality_of(ranged(inp=15.0, in_lo=math.nan).step().out_status) == BAD
    assert quality_of(ranged(inp=math.nan, in_lo=25.0).step().out_status) == BAD


def test_the_result_is_limited_on_demand():
    block = arithmetic("summer", limited=1, out_high=60.0)
    block.step(inp=70.0)
    assert (block.out, limits_of(block.out_status)) == (60.0, LIMIT_HIGH)
