"""Promises of the dead-time block."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.status import BAD, LIMIT_HIGH, STATUS_BAD, STATUS_GOOD, make_status, quality_of
from tests.unit.blocks.bench import OnBench


def delay(dt_s: float = 1.0, **values: float) -> OnBench:
    return OnBench("DEAD_TIME", dt_s, **{"signal_in_status": STATUS_GOOD} | values)


@given(
    values=st.lists(st.floats(-1e3, 1e3), min_size=70, max_size=200),
    scans=st.integers(0, 62),
    dt_s=st.sampled_from([0.025, 0.1, 1.0, 60.0]),
)
@settings(max_examples=60, deadline=None)
def test_up_to_62_scans_are_held_sample_by_sample(values, scans, dt_s):
    """Promise: with a dead time of whole scans OUT is the input of that many scans ago."""
    block = delay(dt_s, dead_time_s=scans * dt_s, dead_time_max_s=62 * dt_s)
    got = [block.step(signal_in=value).out for value in values]
    want = [values[max(0, k - scans)] for k in range(len(values))]
    assert got == pytest.approx(want, abs=1e-6)


@pytest.mark.parametrize("dead_time_s", [100.0, 333.3, 599.0])
def test_a_longer_dead_time_is_read_between_samples(dead_time_s):
    """Promise: a smooth signal comes out as it went in, within what straight lines between kept samples can do."""
    block = delay(dead_time_s=dead_time_s, dead_time_max_s=600.0)
    wave = [math.sin(2 * math.pi * k / 400.0) for k in range(2000)]
    got = [block.step(signal_in=value).out for value in wave]
    kept_s = math.ceil(600.0 / 62)
    most = (2 * math.pi / 400.0 * kept_s) ** 2 / 8
    for k in range(700, 2000):
        assert got[k] == pytest.approx(math.sin(2 * math.pi * (k - dead_time_s) / 400.0), abs=1.1 * most)


def test_a_ramp_is_exact_whatever_the_part_of_a_scan():
    block = delay(dead_time_s=7.3, dead_time_max_s=60.0)
    got = [block.step(signal_in=2.0 * k).out for k in range(40)]
    assert got[20:] == pytest.approx([2.0 * (k - 7.3) for k in range(20, 40)], abs=1e-9)


@pytest.mark.parametrize("change", [(5.0, 50.0), (50.0, 5.0), (50.0, 0.0)])
def test_a_changed_dead_time_does_not_make_it_jump(change):
    """Promise: while it adapts, OUT runs through the history at no more than double speed, and never backwards."""
    before, after = change
    block = delay(dead_time_s=before, dead_time_max_s=60.0)
    outs = []
    for k in range(300):
        outs.append(block.step(signal_in=1.0 * k, dead_time_s=before if k < 100 else after).out)
    moves = [b - a for a, b in itertools.pairwise(outs[80:])]
    assert min(moves) >= 0.5 - 1e-9
    assert max(moves) <= 2.0 + 1e-9
    assert outs[-1] == pytest.approx(299 - after)


def test_bad_holds_and_shows():
    block = delay(dead_time_s=3.0)
    for k in range(10):
        block.step(signal_in=1.0 * k)
    assert block.out == 6.0
    block.step(count=5, signal_in=99.0, signal_in_status=STATUS_BAD)
    assert (block.out, quality_of(block.out_status)) == (6.0, BAD)
    block.step(signal_in=math.nan, signal_in_status=STATUS_GOOD)
    assert (block.out, quality_of(block.out_status)) == (6.0, BAD)
    assert block.step(signal_in=10.0).out == 7.0  # the line goes on where it stood


def test_starts_at_rest_with_the_first_good_value():
    block = delay(dead_time_s=10.0)
    block.step(signal_in=math.inf)
    assert [block.step(signal_in=value).out for value in (42.0, 43.0)] == [42.0, 42.0]
    assert block.out_status == STATUS_GOOD
    limited = make_status(2, 0, LIMIT_HIGH)
    assert block.step(signal_in_status=limited).out_status == limited


def test_another_longest_dead_time_starts_the_line_again_from_the_output():
    block = delay(dead_time_s=5.0, dead_time_max_s=60.0)
    for k in range(20):
        block.step(signal_in=1.0 * k)
    held = block.out
    assert block.step(signal_in=20.0, dead_time_max_s=600.0).out == pytest.approx(held, abs=1.0)
