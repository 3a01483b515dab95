"""Sampled input: what counts as a sample, what happens when none comes."""

import math

import pytest

from dcs.core.status import BAD, STATUS_BAD, STATUS_GOOD, quality_of
from tests.unit.blocks.bench import OnBench

GOOD = STATUS_GOOD


def analyser(**values: float) -> OnBench:
    """Every 10 s, in scans of 1 s; it has shown 30.0 as its seventh sample."""
    given = {"inp": 30.0, "inp_status": GOOD, "samples": 7.0, "samples_status": GOOD, "sample_s": 10.0}
    block = OnBench("SAMPLED_INPUT", 1.0, **(given | values))
    block.step()
    return block


def test_the_first_value_is_a_sample_and_another_count_makes_the_next() -> None:
    block = analyser()
    assert (block.out, block.sample, quality_of(block.out_status)) == (30.0, 1.0, quality_of(GOOD))
    block.step(inp=31.0)
    assert (block.out, block.sample) == (30.0, 1.0), "what moves without a count is no sample"
    block.step(samples=8.0)
    assert (block.out, block.sample, block.age_s) == (31.0, 2.0, 0.0)
    block.step(samples=0.0, inp=32.0)
    assert (block.out, block.sample) == (32.0, 3.0), "a device that starts again counts from 0"


def test_a_device_that_hangs_is_bad_after_three_samples_that_did_not_come_and_good_with_the_next() -> None:
    """Promise: what a hung analyser goes on showing is not believed for ever."""
    block = analyser()
    block.step(count=30)
    assert (block.stale, quality_of(block.out_status)) == (0, quality_of(GOOD))
    assert (block.age_s, block.next_s) == (30.0, -20.0)
    block.step()
    assert (block.stale, quality_of(block.out_status), block.out) == (1, BAD, 30.0)
    block.step(samples=8.0)
    assert (block.stale, quality_of(block.out_status)) == (0, quality_of(GOOD))


@pytest.mark.parametrize(
    "change",
    [{"inp_status": STATUS_BAD}, {"inp": math.nan}, {"samples_status": STATUS_BAD}, {"samples": math.inf}],
)
def test_a_value_or_a_count_that_cannot_be_read_is_no_sample(change: dict[str, float]) -> None:
    block = analyser()
    block.step(**({"samples": 8.0, "inp": 35.0} | change))
    assert (block.out, block.sample, block.age_s) == (30.0, 1.0, 1.0)
    block.step(samples=8.0, samples_status=GOOD, inp=35.0, inp_status=GOOD)
    assert (block.out, block.sample) == (35.0, 2.0), "it is taken when it can be read"


def test_before_the_first_sample_the_value_is_bad() -> None:
    block = analyser(inp_status=STATUS_BAD)
    assert (block.sample, quality_of(block.out_status)) == (0.0, BAD)
    block.step(inp_status=GOOD)
    assert (block.out, block.sample, quality_of(block.out_status)) == (30.0, 1.0, quality_of(GOOD))
