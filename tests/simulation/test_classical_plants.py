"""The loops of the shipped classical plants: quiet at rest, sensible answers to setpoints and loads."""

import numpy as np
import pytest

from dcs.config.find import find_config
from dcs.node.assembly import build_direct, load_configuration
from dcs.node.box import Box
from dcs.node.direct import DirectPlant
from dcs.node.recorder import Recorder
from tests.support.boxes import in_box

PLANTS = ("cstr", "drum_boiler", "ph_neutralisation", "quadruple_tank", "quadruple_tank_nonminimum")


def study(plant: str, seed: int = 1, every_s: float = 1.0, *overrides: str) -> DirectPlant:
    direct = build_direct(load_configuration(find_config(plant), overrides), seed, every_s)
    direct.run_for(120)
    return direct


def after(direct: DirectPlant, tag: str, seconds: float) -> np.ndarray:
    """Trace of a tag over the next ``seconds``."""
    start_s = direct.time_s
    direct.run_for(seconds)
    times, values = direct.trace(tag)
    return values[times > start_s]


def settled(values: np.ndarray, goal: float, within: float) -> bool:
    """The last fifth stands at the goal, on the average, and stays near."""
    last = values[-len(values) // 5 :]
    return abs(last.mean() - goal) < within / 2 and bool((np.abs(last - goal) < 2 * within).all())


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("plant", PLANTS)
def test_two_hours_at_rest_with_noise_and_nobody_is_called(plant: str, seed: int) -> None:
    """Promise: no alarm, no controller out of its mode, no state out of its range."""
    direct = study(plant, seed, 10.0)
    direct.run_for(7200)
    assert direct.annunciations() == []
    assert [event.text for event in direct.events if event.kind == "alarm"] == []
    assert direct.field.plant.take_events() == []  # type: ignore[attr-defined]
    for module in {place.name.partition(".")[0] for layout in direct._stations[0].layouts for place in layout.tags}:
        try:
            mode, target = direct.value(f"{module}.MODE"), direct.value(f"{module}.TARGET")
        except KeyError:
            continue
        assert mode == target, f"{module} is not in the mode that it is asked for"


def test_the_reactor_follows_its_setpoint_and_holds_against_feed_and_fouling() -> None:
    """At a steady state that it leaves with a doubling time of 15 s."""
    direct = study("cstr")
    direct.set("TIC-301.SP", 355.0)
    up = after(direct, "TIC-301.PV", 600)
    assert settled(up, 355.0, 0.1)
    assert up.max() < 355.5
    for disturbance, value, most_k in (("feed_concentration", 1050.0, 1.0), ("fouling", 0.15, 4.0)):
        direct.disturb(disturbance, value)
        held = after(direct, "TIC-301.PV", 900)
        assert np.abs(held - 355.0).max() < most_k
        assert settled(held, 355.0, 0.1)
    assert direct.annunciations() == []


def test_the_reactor_runs_away_from_a_controller_in_man() -> None:
    """What the control is for: with the coolant held, a richer feed ignites it, and the alarms say so in order."""
    direct = study("cstr")
    direct.set("TIC-301.MODE", "MAN")
    direct.disturb("feed_concentration", 1020.0)
    kelvin = after(direct, "TIC-301.PV", 300)
    assert kelvin.max() > 368.0
    assert direct.annunciations()[0].subject == "TIC-301.HI"


def test_the_boiler_swells_and_shrinks_and_its_feedwater_does_not_fall_for_it() -> None:
    """More steam: the level rises first, and feedwater follows the steam, not the level."""
    direct = study("drum_boiler")
    direct.set("HIC-205.SP", 58.0)
    start_s = direct.time_s
    swell = after(direct, "LIC-202.PV", 1500)
    times, water = direct.trace("FIC-203.PV")
    water = water[times > start_s]
    assert swell[:60].max() > 25.0
    assert water[10:60].min() > 51.0, "water goes up at once, although the level does too"
    assert settled(swell, 0.0, 3.0)
    assert water[-100:].mean() == pytest.approx(58.0, abs=0.2)
    pressure = after(direct, "PIC-201.PV", 60)
    assert settled(pressure, 85.0, 0.1)

    direct.set("HIC-205.SP", 46.0)
    shrink = after(direct, "LIC-202.PV", 1500)
    assert shrink[:90].min() < -35.0
    assert shrink.min() > -100.0
    assert settled(shrink, 0.0, 3.0)

    direct.disturb("heat_lost", 0.1)
    pressure = after(direct, "PIC-201.PV", 1200)
    assert pressure.min() > 83.5
    assert settled(pressure, 85.0, 0.1)
    direct.set("LIC-202.SP", 40.0)
    assert settled(after(direct, "LIC-202.PV", 1800), 40.0, 3.0)
    assert direct.annunciations() == []


def test_ph_goes_along_the_titration_curve_with_a_gain_that_follows_it() -> None:
    """From the flat to the steepest part and back, then an acid step and the loss of half of the buffer."""
    direct = study("ph_neutralisation")
    flat = direct.value("AIC-401.GAIN_FACTOR")
    direct.set("AIC-401.SP", 8.2)
    up = after(direct, "AIC-401.PV", 1500)
    assert settled(up, 8.2, 0.06)
    assert up.max() < 8.6
    assert direct.value("AIC-401.GAIN_FACTOR") < flat / 4
    direct.set("AIC-401.SP", 7.0)
    down = after(direct, "AIC-401.PV", 1500)
    assert settled(down, 7.0, 0.06)
    assert down.min() > 6.8
    for disturbance, value, most_ph in (("acid_flow", 18e-6, 0.15), ("buffer_flow", 0.25e-6, 0.35)):
        direct.disturb(disturbance, value)
        held = after(direct, "AIC-401.PV", 1200)
        assert np.abs(held - 7.0).max() < most_ph
        assert settled(held, 7.0, 0.06)
    direct.set("LIC-403.SP", 16.0)
    assert settled(after(direct, "LIC-403.PV", 1500), 16.0, 0.1)
    assert direct.annunciations() == []


def test_without_the_schedule_the_steep_part_swings() -> None:
    """The same controller with the gain of pH 7 everywhere: at pH 8.2 it never comes to rest."""
    direct = study("ph_neutralisation", 1, 1.0, "control.modules.AIC-401.blocks.schedule.in_service=0")
    direct.set("AIC-401.SP", 8.2)
    swinging = after(direct, "AIC-401.PV", 2400)[-900:]
    assert swinging.max() - swinging.min() > 0.8


def test_non_minimum_phase_needs_crossed_pairs_and_patience() -> None:
    """Relative gain −0.64: straight pairs with the same valves part; crossed and slow ones settle, one loop or two."""
    straight = study("quadruple_tank", 1, 1.0, "model.setting=nonminimum_phase")
    straight.run_for(3600)
    levels = [straight.trace(f"LIC-10{tank}.PV")[1][-300:].mean() for tank in (1, 2)]
    assert abs(levels[0] - levels[1]) > 5.0

    crossed = study("quadruple_tank_nonminimum")
    crossed.set("LIC-101.SP", 13.5)
    level = after(crossed, "LIC-101.PV", 2400)
    assert settled(level, 13.5, 0.05)
    assert level.max() < 13.6
    assert np.flatnonzero(level > 13.3)[0] > 300, "ten times slower than the minimum-phase plant"
    assert settled(crossed.trace("LIC-102.PV")[1][-600:], 13.2, 0.05)
    crossed.set("LIC-102.MODE", "MAN")
    crossed.set("LIC-101.SP", 12.5)
    assert settled(after(crossed, "LIC-101.PV", 3600), 12.5, 0.05), "one loop holds without the other"
    assert crossed.annunciations() == []


@pytest.mark.parametrize(
    ("plant", "setpoint", "value", "measured", "reached", "still"),
    [
        ("cstr", "TIC-301.SP", 352.0, "TIC-301.PV", 351.0, 0.2),
        ("drum_boiler", "HIC-205.SP", 54.0, "FIC-203.PV", 53.0, 0.9),
        ("ph_neutralisation", "AIC-401.SP", 7.3, "AIC-401.PV", 7.08, 0.1),
    ],
)
def test_in_the_box_it_starts_without_a_bump_and_answers_an_operator(
    plant: str, setpoint: str, value: float, measured: str, reached: float, still: float
) -> None:
    """The whole plant, redundant pair, Modbus and all: a cold start, a setpoint, the loss of the active."""

    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(90)
        _, before = recorder.trace(measured)
        assert np.ptp(before[5:]) < still, "noise and no more"
        assert (await box.command("C1", "set", setpoint, value)).ok
        await box.run_for(30)
        await box.kill(box.active("C1"))
        await box.run_for(120)
        assert recorder.trace(measured)[1][-20:].mean() >= reached
        alarms = {event.subject for event in recorder.events if event.kind == "alarm" and event.priority}
        assert alarms == {"C1.STANDBY"}, "nothing but that nobody would take over any more"

    in_box(story, plant=plant)
