"""``monitor: true``: what it becomes, in the strategy and in a running engine."""

import math
from pathlib import Path

import pytest

import plant_models.library  # noqa: F401  (fills PLANTS)
from dcs.config.load import load_plant
from dcs.core.errors import ConfigError
from dcs.engine.strategy import Strategy
from plant_models.model import PLANTS
from tests.unit.config.plants import Hunk, apply
from tests.unit.engine.strategies import Bench

WATCHED = Hunk(
    "control.yaml", "    description: Level of tank 1\n", "    description: Level of tank 1\n    monitor: true\n"
)

EXTRA = "      monitor:\n        type: AI\n        inputs: {raw: LT-101}\n"
EXTRA += "      last:\n        type: AI\n        inputs: {raw: LT-101}\n"


def watched(tank: Path) -> Strategy:
    apply(WATCHED, tank)
    return load_plant(tank, PLANTS).controllers[0].strategy


def test_a_monitor_is_wired_and_published_by_itself(tank: Path) -> None:
    """Promise: one word is enough; ranges and units are those of the controller."""
    strategy = watched(tank)
    block = next(block for block in strategy.blocks if block.name == "LIC-101.monitor")
    assert block.type == "LOOP_MONITOR"
    assert block.scan_class == "loops"
    assert (block.params["pv_scale_low"], block.params["pv_scale_high"]) == (0.0, 20.0)
    assert block.units == {"pv_scale": "cm", "out_scale": "cm3/s"}
    links = {(link.source, link.target) for link in strategy.links}
    for field, terminal in (("pv", "pv"), ("sp_wrk", "sp"), ("out", "out"), ("mode", "loop_mode")):
        assert (f"LIC-101.pid.{field}", f"LIC-101.monitor.{terminal}") in links
    tags = {tag.name: tag for tag in strategy.tags}
    assert tags["LIC-101.monitor.OSCILLATION"].unit == "%"
    assert tags["LIC-101.monitor.DEAD_TIME"].writable
    assert not any(block.name == "FIC-101.monitor" for block in strategy.blocks)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_monitor_hears_its_loop_in_the_same_scan(tank: Path, compiled: bool) -> None:
    """Promise: modes arrive as the whole numbers that they are, and shares of time are those of the loop."""
    strategy = watched(tank)
    bench = Bench.of(strategy, compiled, **{"LT-101": 12.0, "FT-101": 20.0, "P-101": 40.0})
    bench.must_set("LIC-101.monitor.WINDOW", 60.0)
    bench.scan(0, 120)
    assert bench["LIC-101.monitor.loop_mode"] == bench["LIC-101.pid.mode"]
    assert bench["LIC-101.monitor.windows"] == 2
    bench.must_set("LIC-101.MODE", "MAN")
    bench.scan(0, 60)
    assert bench["LIC-101.monitor.abnormal_pct"] == 100.0
    assert bench["LIC-101.monitor.control_pct"] == 0.0
    assert bench["LIC-101.monitor.pv"] == bench["LIC-101.pid.pv"]


def test_compiled_and_uncompiled_give_the_same_bits(tank: Path) -> None:
    strategy = watched(tank)
    benches = [Bench.of(strategy, compiled, **{"FT-101": 20.0, "P-101": 40.0}) for compiled in (True, False)]
    for bench in benches:
        bench.must_set("LIC-101.monitor.WINDOW", 300.0)
        bench.must_set("LIC-101.monitor.DEAD_TIME", 5.0)
        for k in range(400):
            bench.reads["LT-101"] = 12.0 + 2.0 * math.sin(0.1 * k) + 0.3 * math.sin(1.7 * k)
            bench.scan(0)
    assert benches[0]["LIC-101.monitor.harris"] > 0.0
    assert benches[0].engine.snapshot() == benches[1].engine.snapshot()


@pytest.mark.parametrize(
    ("hunks", "message"),
    [
        (
            [Hunk("control.yaml", "    scan: slow\n", "    scan: slow\n    monitor: true\n")],
            "a loop monitor watches a PID, but the main block is ai",
        ),
        (
            [
                WATCHED,
                Hunk("control.yaml", "        inputs: {raw: LT-101}\n", "        inputs: {raw: LT-101}\n" + EXTRA),
            ],
            "the name `monitor` is that of the loop monitor",
        ),
    ],
)
def test_where_there_is_nothing_to_watch_it_says_so(tank: Path, hunks: list[Hunk], message: str) -> None:
    for hunk in hunks:
        apply(hunk, tank)
    with pytest.raises(ConfigError, match=message):
        load_plant(tank, PLANTS)
