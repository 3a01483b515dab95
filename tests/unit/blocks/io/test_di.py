"""Promises of the discrete input block."""

import math

import pytest

from dcs.core.modes import AUTO, MAN, OOS
from dcs.core.status import (
    BAD,
    GOOD,
    LIMIT_CONSTANT,
    NO_COMM,
    STATUS_GOOD,
    UNCERTAIN,
    limits_of,
    make_status,
    quality_of,
)
from tests.unit.blocks.bench import OnBench
from tests.unit.blocks.hostile import nothing_comes_through

BAD_LINK = make_status(BAD, NO_COMM)


def contact(**values: float) -> OnBench:
    return OnBench("DI", **{"raw": 0.0, "raw_status": STATUS_GOOD} | values)


def trace(block: OnBench, raws: str) -> str:
    """Outputs for a row of inputs, both as 0 and 1."""
    return "".join(str(int(block.step(raw=float(raw)).out)) for raw in raws)


@pytest.mark.parametrize(
    ("options", "raw", "out"),
    [
        ({}, "0110100", "0110100"),
        ({"invert": 1}, "0110100", "1001011"),
        ({"on_delay_s": 2.0}, "0101111000", "0000011000"),
        ({"off_delay_s": 2.0}, "0110100010", "0111111011"),
        ({"on_delay_s": 1.0, "off_delay_s": 1.0}, "0101110100", "0000111110"),
    ],
)
def test_inversion_and_delays(options, raw, out):
    """Promise: a change counts once it has lasted; a shorter one leaves no trace."""
    assert trace(contact(**options), raw) == out


def test_slips_count_in_a_delay():
    block = contact(on_delay_s=10.0)
    block.step()
    block.step(raw=1.0, elapsed_s=5.0)
    block.step()
    assert block.step().out == 1.0


@pytest.mark.parametrize("raw", [math.nan, math.inf])
def test_bad_holds_the_value_and_the_first_good_one_counts_at_once(raw):
    block = contact(raw=1.0, off_delay_s=60.0)
    block.step()
    block.step(raw=raw, count=5)
    assert (block.out, quality_of(block.out_status)) == (1.0, BAD)
    block.step(raw=0.0, raw_status=BAD_LINK)
    assert (block.out, block.out_status) == (1.0, BAD_LINK)
    block.step(raw=0.0, raw_status=STATUS_GOOD)
    assert (block.out, block.out_status) == (0.0, STATUS_GOOD)


def test_uncertain_is_passed_on():
    block = contact(raw=1.0, raw_status=make_status(UNCERTAIN, 1, LIMIT_CONSTANT))
    assert (block.step().out, block.out_status) == (1.0, make_status(UNCERTAIN, 1))


def test_simulate_and_force():
    """Promise: both start where the signal and the output are; force shows as constant, also while the input is Bad."""
    block = contact(raw=1.0)
    block.step()
    assert block.step(simulate=1, raw=0.0).out == 1.0
    assert block.step(sim_value=0).out == 0.0
    assert block.step(simulate=0, raw=1.0).out == 1.0
    block.step(force=1, raw=0.0)
    assert (block.out, block.pv, limits_of(block.out_status)) == (1.0, 0.0, LIMIT_CONSTANT)
    block.step(force_value=0, raw=1.0, raw_status=BAD_LINK)
    assert (block.out, quality_of(block.out_status)) == (0.0, GOOD)


def test_a_simulated_contact_is_inverted_like_a_real_one():
    assert contact(invert=1, simulate=1, sim_value=1).step().out == 0.0


def test_modes():
    block = contact(raw=1.0)
    block.step()
    block.step(target=MAN, out=0.0)
    assert (block.out, block.pv, limits_of(block.out_status)) == (0.0, 1.0, LIMIT_CONSTANT)
    block.step(target=OOS)
    assert quality_of(block.out_status) == BAD
    block.step(count=2, target=AUTO)
    assert (block.mode, block.out) == (AUTO, 1.0)


@pytest.mark.parametrize("params", [{}, {"invert": 1.0, "on_delay_s": 2.0}])
def test_nothing_comes_through(params):
    nothing_comes_through("DI", params)
