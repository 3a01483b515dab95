"""Promises of the rate limiter."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.status import BAD, LIMIT_HIGH, LIMIT_LOW, STATUS_BAD, STATUS_GOOD, limits_of, quality_of
from tests.unit.blocks.bench import OnBench


def limiter(dt_s: float = 1.0, **values: float) -> OnBench:
    return OnBench("RATE_LIMITER", dt_s, **{"signal_in_status": STATUS_GOOD} | values)


@given(
    values=st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=50),
    up=st.floats(0, 100),
    down=st.floats(0, 100),
    dt_s=st.sampled_from([0.1, 1.0, 10.0]),
)
@settings(max_examples=100, deadline=None)
def test_never_faster_than_its_rates_and_as_fast_as_they_allow(values, up, down, dt_s):
    """Promise: every move is the whole way to the input or the whole rate, and the limit bits say which."""
    block = limiter(dt_s, rate_up=up, rate_down=down)
    before = block.step(signal_in=values[0]).out
    assert before == values[0]
    for value in values[1:]:
        out = block.step(signal_in=value).out
        if out == value:
            assert limits_of(block.out_status) == 0
            assert up == 0.0 or value - before <= up * dt_s * (1 + 1e-12) + 1e-9
            assert down == 0.0 or before - value <= down * dt_s * (1 + 1e-12) + 1e-9
        elif value > out:
            assert (out, limits_of(block.out_status)) == (before + up * dt_s, LIMIT_HIGH)
        else:
            assert (out, limits_of(block.out_status)) == (before - down * dt_s, LIMIT_LOW)
        before = out


def test_after_bad_it_goes_on_from_where_it_was():
    """Promise: no spike on the way into Bad nor out of it."""
    block = limiter(rate_up=5.0, rate_down=5.0)
    block.step(signal_in=50.0)
    block.step(signal_in=0.0, signal_in_status=STATUS_BAD)
    assert (block.out, quality_of(block.out_status)) == (50.0, BAD)
    block.step(signal_in=math.inf, signal_in_status=STATUS_GOOD)
    assert (block.out, quality_of(block.out_status)) == (50.0, BAD)
    assert [block.step(signal_in=90.0).out for _ in range(2)] == [55.0, 60.0]


def test_out_of_service_it_is_a_wire():
    block = limiter(rate_up=1.0, in_service=0)
    block.step(signal_in=0.0)
    assert block.step(signal_in=70.0).out == 70.0
