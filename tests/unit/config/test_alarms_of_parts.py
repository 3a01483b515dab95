"""Alarms from the file to the journal: on one of several outputs, and on a deviation after a change of the setpoint."""

from pathlib import Path

import plant_models.library  # noqa: F401  (fills PLANTS)
from dcs.config.load import load_plant
from plant_models.model import PLANTS
from tests.unit.config.plants import Hunk, apply
from tests.unit.engine.strategies import Bench

TWO_OUTPUTS = Hunk(
    "control.yaml",
    "  LI-103:\n    scan: slow\n    blocks:\n",
    "  LI-103:\n    scan: slow\n    main: ai\n    blocks:\n"
    "      rack:\n"
    "        {type: MUX_AI, inputs: {raw_1: LT-103, raw_2: LT-103}, xd_scale: [0, 20, cm], out_scale: [0, 20, cm]}\n",
)
RAMP = Hunk("control.yaml", "        sp: 12 cm\n", "        sp: 12 cm\n        sp_rate_up: 0.25\n")
DEVIATIONS = """\
alarms:
  LIC-101:
    AT_ONCE: {kind: DEV_LO, limit: 3 cm, priority: 4}
    FAR: {kind: DEV_LO, limit: 3 cm, after_sp: 20 s, priority: 3}
"""


def bench_of(folder: Path, alarms: str, *hunks: Hunk) -> Bench:
    """The controller of that plant, with its level where the setpoint is."""
    for hunk in hunks:
        apply(hunk, folder)
    (folder / "alarms.yaml").write_text(alarms, encoding="utf-8")
    bench = Bench.of(load_plant(folder, PLANTS).controllers[0].strategy)
    bench.reads.update({"LT-101": 4.0 + 16.0 * 12.0 / 20.0, "FT-101": 20.0, "P-101": 50.0, "LT-103": 10.0})
    bench.second(10)
    bench.engine.take_events()
    return bench


def raised(bench: Bench) -> list[str]:
    return [event.subject for event in bench.engine.take_events() if event.kind == "alarm" and event.new == "B"]


def seconds(bench: Bench, count: int) -> None:
    """Scans of the class of the level loop."""
    names = [item.name for item in bench.engine.plan.strategy.scan_classes]
    index = names.index("loops")
    bench.scan(index, count=round(count * 1e9 / bench.engine.plan.period_ns[index]))


def test_an_alarm_watches_the_one_output_that_it_names(tank: Path) -> None:
    """Promise: of a block with several outputs the alarm takes the element, not the first of them."""
    alarms = """\
alarms:
  LI-103:
    SECOND: {kind: HI, of: rack.OUT_2, limit: 15 cm, priority: 3}
    LOST: {kind: BAD_PV, of: rack.OUT_2, priority: 3}
"""
    bench = bench_of(tank, alarms, TWO_OUTPUTS)
    specs = {spec.name: spec for spec in bench.engine.plan.strategy.alarms}
    assert specs["LI-103.SECOND"].source == "LI-103.rack.out_2"
    bench.must_set("LI-103.rack.FORCE_1", 1)
    bench.must_set("LI-103.rack.FORCE_VALUE_1", 18.0)
    bench.second(10)
    assert raised(bench) == []
    bench.must_set("LI-103.rack.FORCE_2", 1)
    bench.must_set("LI-103.rack.FORCE_VALUE_2", 18.0)
    bench.second(10)
    assert raised(bench) == ["LI-103.SECOND"]


def test_a_deviation_waits_after_a_step_of_the_setpoint(tank: Path) -> None:
    """Promise: `after_sp` is the whole setting: the alarm with it waits its time, the one without comes at once."""
    bench = bench_of(tank, DEVIATIONS)
    bench.must_set("LIC-101.SP", 18.0)
    seconds(bench, 18)
    assert raised(bench) == ["LIC-101.AT_ONCE"]
    seconds(bench, 4)
    assert raised(bench) == ["LIC-101.FAR"]


def test_a_setpoint_on_its_ramp_is_no_deviation(tank: Path) -> None:
    """Promise: what counts is the working setpoint; the time after a change begins anew until the ramp has ended."""
    bench = bench_of(tank, DEVIATIONS, RAMP)
    bench.must_set("LIC-101.SP", 18.0)
    seconds(bench, 11)
    assert raised(bench) == []
    seconds(bench, 13 + 18)  # 24 s of ramp, and the level has not moved
    assert raised(bench) == ["LIC-101.AT_ONCE"]
    seconds(bench, 4)
    assert raised(bench) == ["LIC-101.FAR"]
