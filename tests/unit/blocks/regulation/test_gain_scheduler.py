"""Promises of the gain scheduler."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcs.core.errors import ConfigError
from dcs.core.status import BAD, STATUS_BAD, STATUS_GOOD, quality_of
from dcs.engine.compile import compile_strategy
from dcs.engine.strategy import BlockSpec, Channel
from tests.unit.blocks.bench import OnBench
from tests.unit.engine.strategies import Bench, scaled, strategy

POINTS, GAINS, TIS, TDS = (20.0, 40.0, 80.0), (0.5, 1.0, 3.0), (2.0, 1.0, 0.5), (0.0, 1.0, 2.0)


def scheduler(**values: float) -> OnBench:
    base = {"base_gain": 2.0, "base_ti_s": 100.0, "base_td_s": 10.0, "variable_status": STATUS_GOOD}
    block = OnBench("GAIN_SCHEDULER", **base)
    block.points_count = 3
    block.points[:3], block.gain_at[:3], block.ti_at[:3], block.td_at[:3] = POINTS, GAINS, TIS, TDS
    for name, value in values.items():
        setattr(block, name, value)
    return block


@given(st.floats(-50, 150))
def test_straight_lines_between_the_points(variable):
    block = scheduler()
    block.step(variable=variable)
    want = [base * float(np.interp(variable, POINTS, table)) for base, table in ((2, GAINS), (100, TIS), (10, TDS))]
    assert [block.gain, block.ti, block.td] == pytest.approx(want, abs=1e-9)


def test_regions_with_hysteresis():
    """Promise: a variable that plays around a border within the hysteresis changes nothing."""
    block = scheduler(method=1, hysteresis=3.0)
    way = [10.0, 39.0, 41.0, 42.9, 43.0, 41.0, 38.0, 37.1, 36.9, 100.0, 10.0]
    got = [block.step(variable=value).gain for value in way]
    assert got == [1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 1.0, 6.0, 1.0]


@pytest.mark.parametrize("dead", [{"variable": math.nan}, {"variable": math.inf}, {"variable_status": STATUS_BAD}])
def test_a_dead_variable_holds_the_tuning(dead):
    block = scheduler()
    block.step(variable=60.0)
    block.step(**{"variable": 20.0} | dead)
    assert (block.gain, block.ti, block.td, quality_of(block.gain_status)) == (4.0, 75.0, 15.0, BAD)
    assert (block.step(variable=20.0, variable_status=STATUS_GOOD).gain, block.gain_status) == (1.0, STATUS_GOOD)


def test_before_the_first_good_variable_it_is_the_base_tuning():
    block = scheduler(variable_status=STATUS_BAD)
    block.step()
    assert (block.gain, block.ti, block.td, quality_of(block.gain_status)) == (2.0, 100.0, 10.0, BAD)


def test_out_of_service_and_without_points_it_is_the_base_tuning():
    for values in ({"in_service": 0}, {"points_count": 0}):
        block = scheduler(**values)
        block.step(variable=80.0)
        assert (block.gain, block.ti, block.gain_status) == (2.0, 100.0, STATUS_GOOD)


def test_points_that_do_not_rise_are_refused():
    spec = BlockSpec("G.s", "GAIN_SCHEDULER", "loops", {"points": (1.0, 1.0), "points_count": 2})
    with pytest.raises(ConfigError, match=r"G\.s \(GAIN_SCHEDULER\): `points` goes from 1 to 1"):
        compile_strategy(strategy((spec,), [("A", "G.s.variable")], (Channel("A", "in", "%"),)))


def test_a_pid_takes_the_scheduled_gain_without_a_bump():
    """Promise: at the border of two regions OUT moves by its integral alone; from then on the new gain counts."""
    pid = scaled(pv_scale=(0, 100), out_scale=(0, 100)) | {"gain": 0.5, "ti_s": 1e12, "sp": 55.0}
    regions = {"points": (0.0, 50.0), "points_count": 2.0, "gain_at": (1.0, 4.0), "method": 1.0}
    blocks = (BlockSpec("T.pid", "PID", "loops", pid), BlockSpec("T.gain", "GAIN_SCHEDULER", "loops", regions))
    links = [("PV", "T.pid.pv"), ("LOAD", "T.gain.variable"), ("T.gain.gain_factor", "T.pid.gain_factor")]
    bench = Bench.of(
        strategy(blocks, links, (Channel("PV", "in", "%"), Channel("LOAD", "in", "%"))), PV=50.0, LOAD=20.0
    )
    bench.scan(count=5)
    before = bench["T.pid.out"]
    bench.reads["LOAD"] = 60.0
    bench.scan(count=2)
    assert bench["T.pid.out"] == pytest.approx(before, abs=1e-9)
    bench.reads["PV"] = 49.0
    bench.scan()
    assert bench["T.pid.out"] == pytest.approx(before + 0.5 * 4.0)


@pytest.mark.parametrize("compiled", [True, False])
def test_a_pid_takes_scheduled_times_without_a_bump(compiled):
    """Promise: all three factors by wire; the step over a border moves OUT only by what the loop does anyway."""
    tuning = {"gain": 0.5, "ti_s": 40.0, "td_s": 4.0, "sp": 50.0}
    pid = scaled(pv_scale=(0, 100), out_scale=(0, 100)) | tuning
    regions = {
        "points": (0.0, 50.0), "points_count": 2.0, "method": 1.0,
        "gain_at": (1.0, 4.0), "ti_at": (1.0, 0.25), "td_at": (1.0, 0.5),
    }  # fmt: skip
    blocks = (BlockSpec("T.pid", "PID", "loops", pid), BlockSpec("T.tune", "GAIN_SCHEDULER", "loops", regions))
    factors = [(f"T.tune.{name}", f"T.pid.{name}") for name in ("gain_factor", "ti_factor", "td_factor")]
    links = [("PV", "T.pid.pv"), ("LOAD", "T.tune.variable"), *factors]
    channels = (Channel("PV", "in", "%"), Channel("LOAD", "in", "%"))
    bench = Bench.of(strategy(blocks, links, channels), compiled, PV=50.0, LOAD=20.0)
    bench.scan(count=5)
    bench.reads["PV"] = 48.0
    bench.scan(count=400)  # until the derivative has gone; OUT rises by the integral alone
    rise = 0.5 * 2.0 * (1.0 - math.exp(-1.0 / 40.0))
    before = bench["T.pid.out"]
    bench.scan()
    assert bench["T.pid.out"] - before == pytest.approx(rise)
    bench.reads["LOAD"] = 60.0
    before = bench["T.pid.out"]
    bench.scan()
    assert bench["T.pid.out"] - before == pytest.approx(rise)
    bench.scan()
    assert bench["T.pid.td_used_s"] == 2.0
    before = bench["T.pid.out"]
    bench.scan()
    assert bench["T.pid.out"] - before == pytest.approx(2.0 * 2.0 * (1.0 - math.exp(-1.0 / 10.0)))
