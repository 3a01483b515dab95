"""The plant without its network behaves like the plant in the box."""

import numpy as np
import pytest

from dcs.config.find import find_config
from dcs.core.errors import NotAuthorised
from dcs.node.assembly import build_direct, load_configuration
from dcs.node.box import Box
from dcs.node.direct import DirectPlant, Rounding
from dcs.node.recorder import Recorder
from field_io.specs import PointSpec
from tests.support.boxes import in_box

STEP_CM = 14.0


def study(seed: int = 1, every_s: float = 1.0) -> DirectPlant:
    return build_direct(load_configuration(find_config("quadruple_tank")), seed, every_s)


def test_a_setpoint_step_goes_as_in_the_box() -> None:
    """Promise: trajectories agree to a few scans' worth of movement, from the cold start on."""

    async def story(box: Box, recorder: Recorder) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        await box.run_for(120)
        await box.command("C1", "set", "LIC-101.SP", STEP_CM)
        await box.run_for(600)
        return recorder.trace("LIC-101.PV")[1]

    boxed = in_box(story)
    direct = study()
    direct.run_for(120)
    direct.set("LIC-101.SP", STEP_CM)
    direct.run_for(600)
    _, alone = direct.trace("LIC-101.PV")
    count = min(len(boxed), len(alone))
    assert count > 700
    apart_cm, moved_cm = np.abs(boxed[-count:] - alone[-count:]), np.abs(np.diff(alone)).max()
    assert apart_cm.max() < 3.0 * moved_cm, "a command, a measurement and a demand may each be a scan apart"
    assert apart_cm[-200:].max() < 0.01
    assert abs(alone[-1] - STEP_CM) < 0.05


def test_the_same_seed_gives_the_same_bits_and_a_snapshot_goes_on_with_them() -> None:
    one, other = study(3), study(3)
    one.run_for(100)
    other.run_for(100)
    assert one.snapshot() == other.snapshot()
    kept = one.snapshot()
    one.disturb("leak_1", 1e-5)
    one.run_for(60)
    assert one.value("LIC-101.PV") != other.value("LIC-101.PV")
    one.restore(kept)
    one.disturb("leak_1", 0.0)
    one.run_for(50)
    other.run_for(50)
    assert one.value("LIC-101.PV") == other.value("LIC-101.PV")
    assert study(4).snapshot() != study(3).snapshot()


def test_what_the_engine_refuses_is_refused_and_alarms_are_counted() -> None:
    direct = study()
    direct.run_for(10)
    with pytest.raises(NotAuthorised):
        direct.set("LIC-101.SP", 99.0)
    with pytest.raises(NotAuthorised):
        direct.set("LIC-999.SP", 1.0)
    assert direct.annunciations() == []
    direct.set("FIC-101.MODE", "MAN")
    direct.set("FIC-101.OUT", 100.0)
    direct.run_for(300)
    assert {event.subject for event in direct.annunciations()} >= {"LIC-101.HI"}
    assert any("overflow" in event.condition for event in direct.field.plant.take_events())  # type: ignore[attr-defined]


def test_values_are_rounded_as_registers_would() -> None:
    points = [
        PointSpec("a", "input", 0, "float32"),
        PointSpec("b", "input", 2, "int16", scale=0.01, offset=1.0),
        PointSpec("c", "input", 3, "float64"),
        PointSpec("d", "coil", 0),
    ]
    given = np.array([1.0 / 3.0, 2.3456, 1.0 / 3.0, 1.0])
    assert Rounding(points)(given).tolist() == [float(np.float32(1.0 / 3.0)), pytest.approx(2.35), 1.0 / 3.0, 1.0]
