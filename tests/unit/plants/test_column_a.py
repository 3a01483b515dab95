"""Column A away from its design: vessels that fill or run dry, analysers, levels left to others."""

import math

import numpy as np
import pytest

from plant_models.library import PLANTS
from plant_models.linear import linearise
from plant_models.model import PlantModel


def column(**values: float) -> PlantModel:
    plant = PLANTS["column_a"].create()
    for name, value in values.items():
        plant.set(name, value)
    return plant


def test_without_its_level_control_the_drum_integrates_what_is_left_over() -> None:
    plant = column(level_control=0.0, distillate=0.49)
    plant.advance(1.0, 600)
    assert plant.get("condenser_level") == pytest.approx(0.5 + 10 * 0.01, abs=1e-6)
    assert plant.get("distillate_flow") == pytest.approx(0.49)
    assert plant.get("reboiler_level") == pytest.approx(0.5, abs=1e-6)


def test_two_integrators_without_level_control() -> None:
    poles = np.abs(linearise(column(level_control=0.0)).poles())
    assert (poles < 1e-9).sum() == 2
    assert (np.abs(linearise(column()).poles()) < 1e-9).sum() == 0


def test_a_full_drum_loses_the_rest_and_says_so_once() -> None:
    plant = column(level_control=0.0, distillate=0.0)
    plant.advance(1.0, 3600)
    assert plant.get("condenser_level") == 1.0
    (event,) = plant.take_events()
    assert (event.condition, event.active) == ("condenser_full", True)
    assert event.time_s == pytest.approx(60, abs=2)
    plant.set("distillate", 0.6)
    plant.advance(1.0, 120)
    assert [(e.condition, e.active) for e in plant.take_events()] == [("condenser_full", False)]


def test_vessels_that_run_dry_give_what_comes_in_and_name_the_state() -> None:
    plant = column(level_control=0.0, distillate=1.0, bottoms=1.5)
    plant.advance(1.0, 7200)
    assert {"out_of_range:m_1", "out_of_range:m_41"} & {event.condition for event in plant.take_events()}
    assert np.isfinite(plant.outputs).all()
    assert plant.states.min() >= 0.0
    assert plant.states[:41].max() <= 1.0


@pytest.mark.parametrize("name", ["reflux", "boilup", "distillate", "bottoms"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0])
def test_a_demand_that_cannot_be_never_makes_a_number_that_is_none(name: str, value: float) -> None:
    plant = column()
    plant.inputs[plant.type.names("input").index(name)] = value
    plant.advance(1.0, 1800)
    assert np.isfinite(plant.states).all()
    assert np.isfinite(plant.outputs).all()
    if name in ("reflux", "boilup"):  # the model's level controls make up for the others
        assert plant.take_events(), "it leaves its range, and says so"


def test_a_vapour_feed_goes_up_from_the_feed_stage() -> None:
    """Liquid below the feed is what comes from above, vapour above it is what comes from below and the feed."""
    plant = column(feed_liquid=0.0, boilup=2.5)
    plant.advance(1.0, 3600)
    assert plant.get("m_21") == pytest.approx(0.5 - 0.063, abs=1e-6)
    assert plant.get("m_22") == pytest.approx(0.5, abs=1e-6)
    assert plant.get("m_2") == pytest.approx(0.5 - 0.063, abs=1e-6)
    assert plant.get("distillate_flow") == pytest.approx(2.5 + 1.0 - 2.70629, abs=1e-6)
    assert plant.get("bottoms_flow") == pytest.approx(2.70629 - 2.5, abs=1e-6)


def test_the_total_of_the_light_component_is_kept() -> None:
    """What comes in, goes out or stays: over an hour of large moves, to the rounding of the integrator."""
    plant = column(reflux=2.9, boilup=3.3, feed=1.1, feed_fraction=0.45)
    inside = float(plant.states[:41] @ plant.states[41:])
    balance = 0.0
    for _ in range(3600):
        out = plant.get("distillate_flow") * plant.get("y_d") + plant.get("bottoms_flow") * plant.get("x_b")
        plant.advance(1.0)
        after = plant.get("distillate_flow") * plant.get("y_d") + plant.get("bottoms_flow") * plant.get("x_b")
        balance += (1.1 * 0.45 - 0.5 * (out + after)) / 60.0
    assert float(plant.states[:41] @ plant.states[41:]) - inside == pytest.approx(balance, abs=1e-4)
    assert abs(balance) > 0.1


@pytest.mark.parametrize("step_s", [0.5, 1.0, 4.0])
def test_analysers_see_what_was_a_minute_ago(step_s: float) -> None:
    plant = column(reflux=2.8, analyser_delay=120.0)
    plant.advance(step_s, round(600 / step_s))
    then = plant.get("y_d"), plant.get("x_b")
    plant.advance(step_s, round(120 / step_s))
    seen = plant.get("y_d_measured"), plant.get("x_b_measured")
    np.testing.assert_allclose(seen, then, atol=1e-7)
    assert abs(plant.get("y_d") - then[0]) > 1e-5


def test_analysis_sees_through_the_sample_line() -> None:
    gain = linearise(column(), ["reflux", "boilup"], ["y_d", "x_b", "y_d_measured", "x_b_measured"]).gain()
    np.testing.assert_allclose(gain[2:], gain[:2], rtol=1e-6)
