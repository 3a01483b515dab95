"""Promises of the timers: the timing diagrams of IEC 61131-3, a second per column, the preset time is three."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.status import BAD, STATUS_BAD, STATUS_GOOD, quality_of
from tests.unit.blocks.bench import OnBench
from tests.unit.blocks.discrete.traces import trace, values
from tests.unit.blocks.hostile import nothing_comes_through

DIAGRAMS = [
    # TON: a short input leaves no trace; ET stands at PT; the fall ends both at once
    ("TON", "0 1 1 0 1 1 1 1 1 0 0", "0 0 0 0 0 0 0 1 1 0 0", "0 0 1 0 0 1 2 3 3 0 0"),
    # TOF: on at once; a short gap leaves no trace; ET stands at PT until the next rise
    ("TOF", "0 1 0 0 1 0 0 0 0 0 1", "0 1 1 1 1 1 1 1 0 0 1", "0 0 0 1 0 0 1 2 3 3 0"),
    # TP: the whole pulse whatever the input does; ET stands at PT while the input is TRUE
    ("TP", "0 1 0 1 0 0 1 1 1 1 1 0 1", "0 1 1 1 0 0 1 1 1 0 0 0 1", "0 0 1 2 0 0 0 1 2 3 3 0 0"),
]


@pytest.mark.parametrize(("kind", "inp", "out", "et"), DIAGRAMS)
def test_timing_diagram(kind, inp, out, et):
    assert trace(OnBench(kind, pt_s=3.0), inp=inp) == out.replace(" ", "")
    row = inp.replace(" ", "")
    assert values(OnBench(kind, pt_s=3.0), "et_s", inp=row) == [float(n) for n in et.split()]


def test_timing_diagram_of_the_retentive_timer():
    """Promise: the time stands while the input is FALSE; reset wins and starts from zero."""
    inp, reset = "0110011110010111", "0000000000010000"
    assert trace(OnBench("TONR", pt_s=3.0), inp=inp, reset_in=reset) == "0000000111100000"
    et = values(OnBench("TONR", pt_s=3.0), "et_s", inp=inp, reset_in=reset)
    assert et == [0, 0, 1, 1, 1, 1, 2, 3, 3, 3, 3, 0, 0, 0, 1, 2]


def test_timing_diagram_of_the_timed_pulse():
    """Promise: a new rise starts the pulse again, a reset ends it."""
    assert trace(OnBench("TIMED_PULSE", pt_s=3.0), inp="0100010110", reset_in="0000000000") == "0111011111"
    assert trace(OnBench("TIMED_PULSE", pt_s=3.0), inp="0100010100", reset_in="0010000100") == "0100011000"


@pytest.mark.parametrize("kind", ["TON", "TOF", "TP", "TONR", "TIMED_PULSE"])
def test_no_preset_time_means_no_delay_and_no_pulse(kind):
    out = trace(OnBench(kind), inp="01101", **({"reset_in": "00000"} if kind in ("TONR", "TIMED_PULSE") else {}))
    assert out == {"TON": "01101", "TOF": "01101", "TONR": "01111"}.get(kind, "00000")


@pytest.mark.parametrize("dt_s", [0.025, 0.1, 0.3, 1.0, 7.0])
@given(scans=st.integers(1, 400))
@settings(max_examples=25, deadline=None)
def test_ton_comes_after_exactly_its_scans_whatever_the_period(dt_s, scans):
    """Promise: PT of n periods is n scans after the rise: rounding makes it neither early nor late."""
    block = OnBench("TON", dt_s, pt_s=scans * dt_s, inp_status=STATUS_GOOD, inp=0.0)
    block.step()
    block.step(inp=1.0)
    for k in range(1, scans):
        assert block.step().out == 0.0, k
    assert block.step().out == 1.0


def test_slips_count():
    """Promise: a scan that took three periods is three seconds of the preset time."""
    block = OnBench("TON", pt_s=3.0, inp=0.0, inp_status=STATUS_GOOD)
    block.step()
    block.step(inp=1.0)
    assert block.step(elapsed_s=3.0).out == 1.0


def test_a_bad_input_goes_on_with_its_last_value_and_shows():
    block = OnBench("TON", pt_s=3.0)
    assert trace(block, inp="011??") == "00001"
    assert quality_of(block.out_status) == BAD
    block.step(inp=0.0, inp_status=STATUS_BAD)
    assert block.out == 1.0
    assert block.step(inp_status=STATUS_GOOD).out == 0.0


def test_a_shorter_preset_time_while_it_runs_counts_at_once():
    block = OnBench("TON", pt_s=100.0, inp=0.0, inp_status=STATUS_GOOD)
    block.step()
    block.step(inp=1.0, count=5)
    assert block.step(pt_s=2.0).out == 1.0


@pytest.mark.parametrize("kind", ["TON", "TOF", "TP", "TONR", "TIMED_PULSE"])
def test_nothing_comes_through(kind):
    nothing_comes_through(kind, {"pt_s": 3.0})
