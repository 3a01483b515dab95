"""Promises of the batch switch, also with a PID above it."""

import math

import pytest

from dcs.core.status import BAD, LIMIT_HIGH, STATUS_BAD, STATUS_GOOD, limits_of, quality_of, sub_status_of
from dcs.core.status import IR as SUB_IR
from dcs.engine.strategy import BlockSpec, Channel
from tests.unit.blocks.bench import CASCADE_IR, CASCADE_OK, OnBench
from tests.unit.engine.strategies import Bench, scaled, strategy


def switch(**values: float) -> OnBench:
    cascade = {"inp_status": CASCADE_OK, "bkcal_in_linked": 1, "bkcal_in_status": CASCADE_OK}
    return OnBench("BATCH_SWITCH", **{"batch_limit": 90.0, "preload": 35.0} | cascade | values)


def heated(with_switch: bool) -> tuple[list[float], list[float]]:
    """Temperature and output of a vessel that is heated up from 0 with reset action: overshoot is the question."""
    pid = scaled(pv_scale=(0, 100), out_scale=(0, 100)) | {"gain": 4.0, "ti_s": 60.0, "sp": 60.0}
    blocks = [BlockSpec("T.pid", "PID", "loops", pid)]
    links = [("T", "T.pid.pv"), ("T.pid.out", "OUT")]
    if with_switch:
        blocks.append(BlockSpec("T.switch", "BATCH_SWITCH", "loops", {"preload": 30.0}))
        links = [("T", "T.pid.pv"), ("T.pid.out", "T.switch.inp"), ("T.switch.bkcal_out", "T.pid.bkcal_in")]
        links.append(("T.switch.out", "OUT"))
    spec = strategy(tuple(blocks), links, (Channel("T", "in", "%"), Channel("OUT", "out", "%")))
    bench = Bench.of(spec, T=0.0)
    warm, temperature, outs, temperatures = 0.0, 0.0, [], []
    for _ in range(2000):
        bench.reads["T"] = temperature
        bench.scan()
        outs.append(bench.out("OUT"))
        warm += 0.05 * (outs[-1] - warm)
        temperature += 0.004 * (warm * 1.2 - temperature)
        temperatures.append(temperature)
    return temperatures, outs


def test_a_batch_start_overshoots_less_and_settles_all_the_same():
    """Promise: what the switch is for."""
    plain, _ = heated(False)
    switched, outs = heated(True)
    assert max(switched) - 60.0 < 0.6 * (max(plain) - 60.0)
    assert switched[-1] == pytest.approx(60.0, abs=0.1)
    assert max(outs) == 100.0


def test_beyond_the_limit_the_controller_gets_the_preload():
    block = switch()
    block.step(inp=95.0, bkcal_in=90.0)
    assert (block.out, block.preloading, block.bkcal_out, limits_of(block.bkcal_out_status)) == (
        90.0,
        1,
        35.0,
        LIMIT_HIGH,
    )
    block.step(inp=80.0)
    assert (block.out, block.preloading, block.bkcal_out) == (80.0, 0, 80.0)


def test_the_low_side():
    block = switch(side=1, batch_limit=10.0, preload=60.0)
    block.step(inp=5.0, bkcal_in=10.0)
    assert (block.out, block.preloading, block.bkcal_out) == (10.0, 1, 60.0)


def test_out_of_service_only_the_limit_is_left():
    block = switch(in_service=0)
    block.step(inp=95.0, bkcal_in=90.0)
    assert (block.out, block.preloading, block.bkcal_out, limits_of(block.bkcal_out_status)) == (
        90.0,
        0,
        90.0,
        LIMIT_HIGH,
    )


def test_the_handshake_passes_through():
    block = switch()
    block.step(inp=95.0, bkcal_in=40.0, bkcal_in_status=CASCADE_IR)
    assert (block.out, block.preloading, block.bkcal_out, sub_status_of(block.bkcal_out_status)) == (
        40.0,
        0,
        40.0,
        SUB_IR,
    )


@pytest.mark.parametrize("dead", [{"inp": math.nan}, {"inp": 99.0, "inp_status": STATUS_BAD}])
def test_a_dead_input_holds_and_shows(dead):
    block = switch(bkcal_in_linked=0)
    block.step(inp=50.0)
    block.step(**dead)
    assert (block.out, quality_of(block.out_status), block.preloading) == (50.0, BAD, 0)
    assert block.step(inp=51.0, inp_status=STATUS_GOOD).out == 51.0
