"""Column A, Wood–Berry and the Shell fractionator as shipped: at rest with noise, after setpoints and disturbances."""

import numpy as np
import pytest

from dcs.config.find import find_config
from dcs.node.assembly import build_direct, load_configuration
from dcs.node.box import Box
from dcs.node.direct import DirectPlant
from dcs.node.recorder import Recorder
from tests.support.boxes import in_box

HOUR_S = 3600.0
PLANTS = ("column_a", "wood_berry", "shell_fractionator")
# plant: loops with how near their setpoints they stay, in three standard deviations of the noise and what it moves
LOOPS = {
    "column_a": {"AIC-101": 0.02, "AIC-102": 0.02, "LIC-101": 0.6, "LIC-102": 0.6},
    "wood_berry": {"AIC-101": 0.08, "AIC-102": 0.05},
    "shell_fractionator": {"AIC-101": 0.012, "AIC-102": 0.012, "TIC-107": 0.03},
}


def study(plant: str, seed: int = 1, overrides: tuple[str, ...] = ()) -> DirectPlant:
    return build_direct(load_configuration(find_config(plant), overrides), seed, 10.0)


def worst(plant: DirectPlant, loop: str, since_s: float) -> float:
    """Largest distance from the setpoint after ``since_s``."""
    time_s, value = plant.trace(f"{loop}.PV")
    _, setpoint = plant.trace(f"{loop}.SP")
    return float(np.abs(value - setpoint)[time_s >= since_s].max())


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", PLANTS)
def test_two_hours_at_rest_without_an_alarm(name: str, seed: int) -> None:
    plant = study(name, seed)
    plant.run_for(2 * HOUR_S)
    assert plant.annunciations() == []
    for loop, near in LOOPS[name].items():
        assert worst(plant, loop, 0.0) < near, loop
        assert plant.trace(f"{loop}.PV")[1].std() > 0.0, "with noise"


@pytest.mark.parametrize("name", PLANTS)
def test_in_the_box_it_starts_without_a_bump_and_closes_its_cascades(name: str) -> None:
    """Over Modbus, with a redundant pair: from the first scan on the plant stays where it was."""

    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(300)
        assert box.field.simulation is not None
        model = box.field.simulation.plant
        setting = model.type.find_setting("")
        for variable in model.type.of_role("input"):
            span = variable.high - variable.low
            assert model.get(variable.name) == pytest.approx(setting.inputs[variable.name], abs=0.01 * span)
        for loop in LOOPS[name]:
            assert recorder.trace(f"{loop}.MODE")[1][-1] == 4, f"{loop} in Auto"
        if name != "shell_fractionator":
            assert recorder.trace("FIC-101.MODE")[1][-1] == 5, "in Cas"

    in_box(story, plant=name)


def test_wood_berry_follows_a_setpoint_and_swallows_more_feed() -> None:
    plant = study("wood_berry")
    plant.run_for(600)
    plant.set("AIC-101.SP", 96.8)
    plant.run_for(1.5 * HOUR_S)
    assert worst(plant, "AIC-101", plant.time_s - 1800) < 0.08
    _, top = plant.trace("AIC-101.PV")
    assert top.max() < 97.0, "hardly an overshoot"
    _, bottom = plant.trace("AIC-102.PV")
    assert 0.7 < bottom.max() < 1.1, "the other end feels it"
    plant.disturb("feed", 2.57)
    plant.run_for(3 * HOUR_S)
    assert worst(plant, "AIC-101", plant.time_s - 1800) < 0.08
    assert worst(plant, "AIC-102", plant.time_s - 1800) < 0.08
    assert plant.value("FIC-102.PV") > 1.75, "more feed, more steam"
    assert plant.annunciations() == []


def test_column_a_feeds_forward_and_moves_one_composition_alone() -> None:
    plant = study("column_a")
    plant.run_for(600)
    plant.disturb("feed", 1.1)
    plant.run_for(0.5 * HOUR_S)
    assert plant.value("FIC-101.PV") == pytest.approx(1.1 * 2.70629, abs=0.05)
    plant.disturb("feed_fraction", 0.47)
    plant.run_for(1.5 * HOUR_S)
    for loop in ("AIC-101", "AIC-102"):
        assert worst(plant, loop, plant.time_s - 1800) < 0.03, loop
    plant.set("AIC-101.SP", 99.2)
    plant.run_for(1.5 * HOUR_S)
    for loop in ("AIC-101", "AIC-102"):
        assert worst(plant, loop, plant.time_s - 1800) < 0.03, loop
    _, bottom = plant.trace("AIC-102.PV")
    assert bottom.max() < 1.3
    assert plant.annunciations() == []


def test_feed_forward_halves_what_the_feed_does_to_the_bottoms() -> None:
    moved = []
    for gain in (3.20629, 0.0):
        plant = study("column_a", 1, (f"control.modules.AIC-102.blocks.feed.gain={gain}",))
        plant.run_for(600)
        plant.disturb("feed", 1.1)
        plant.run_for(HOUR_S)
        moved.append(worst(plant, "AIC-102", 0.0))
    assert moved[0] < 0.5 * moved[1]


@pytest.mark.parametrize("epsilon", [(0, 0, 0), (1, 1, 1), (-1, -1, -1), (1, -1, 1), (-1, 1, -1)])
def test_shell_loops_are_calm_with_every_gain_off(epsilon: tuple[int, int, int]) -> None:
    """Both duties move; end points and temperature stay within the limits and are back in the end."""
    errors = tuple(f"model.parameters.epsilon_{j}={e}" for j, e in enumerate(epsilon, 1))
    plant = study("shell_fractionator", 1, errors)
    plant.run_for(600)
    plant.disturb("d2", 0.2)
    plant.run_for(1800)
    plant.disturb("d1", -0.2)
    plant.run_for(12 * HOUR_S)
    for loop in ("AIC-101", "AIC-102", "TIC-107"):
        assert worst(plant, loop, 0.0) < 0.5, loop
        assert worst(plant, loop, plant.time_s - HOUR_S) < 0.06, loop
    _, demand = plant.trace("AIC-101.OUT")
    assert np.abs(np.diff(demand)).max() <= 10.0 * 0.05 / 60.0 + 1e-9, "0.05 per minute"
    assert plant.annunciations() == []


def test_shell_moves_its_top_end_point_through_the_dead_time() -> None:
    plant = study("shell_fractionator")
    plant.run_for(600)
    plant.set("AIC-101.SP", 0.2)
    plant.run_for(1600)
    assert abs(plant.value("AIC-101.PV")) < 0.01, "27 minutes: nothing yet"
    plant.run_for(7 * HOUR_S)
    for loop in ("AIC-101", "AIC-102", "TIC-107"):
        assert worst(plant, loop, plant.time_s - HOUR_S) < 0.04, loop
    assert plant.annunciations() == []
