"""Wood and Berry's numbers: gains, interaction measures, and step responses with their dead times."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from plant_models.library import PLANTS
from plant_models.linear import LinearModel, find_steady_state, linearise

MINUTE_S = 60.0
INPUTS, OUTPUTS, COLUMNS = ["reflux", "steam"], ["x_d", "x_b"], ["reflux", "steam", "feed"]
# gain, time constant and dead time in minutes, by output and column
TABLE = {
    ("x_d", "reflux"): (12.8, 16.7, 1.0),
    ("x_d", "steam"): (-18.9, 21.0, 3.0),
    ("x_d", "feed"): (3.8, 14.9, 8.1),
    ("x_b", "reflux"): (6.6, 10.9, 7.0),
    ("x_b", "steam"): (-19.4, 14.4, 3.0),
    ("x_b", "feed"): (4.9, 13.2, 3.4),
}


@pytest.fixture(scope="module")
def model() -> LinearModel:
    return linearise(PLANTS["wood_berry"].create(), INPUTS, OUTPUTS)


def test_nominal_point() -> None:
    plant = PLANTS["wood_berry"].create()
    values = [plant.get(name) for name in (*OUTPUTS, *COLUMNS)]
    assert values == [96.25, 0.50, 1.95, 1.71, 2.45]


def test_gain_and_what_follows_from_it(model: LinearModel) -> None:
    gain = model.gain()
    assert_allclose(gain, [[12.8, -18.9], [6.6, -19.4]], rtol=1e-6)
    assert np.linalg.det(gain) == pytest.approx(-123.58, rel=1e-6)
    assert model.relative_gains()[0, 0] == pytest.approx(2.00938663, rel=1e-6)
    assert_allclose(np.linalg.inv(gain), [[0.15698333, -0.15293737], [0.0534067, -0.10357663]], rtol=1e-6)
    strengths = np.linalg.svd(gain, compute_uv=False)
    assert_allclose(strengths, (30.4047675, 4.0644942), rtol=1e-6)
    assert strengths[0] / strengths[1] == pytest.approx(7.48058, rel=1e-5)
    assert np.linalg.det(gain) / gain.diagonal().prod() == pytest.approx(0.497664, rel=1e-5)  # Niederlinski


def test_poles_are_the_time_constants_of_the_table(model: LinearModel) -> None:
    expected = sorted((lag for _, lag, _ in TABLE.values()), reverse=True)
    assert_allclose(-1.0 / model.poles().real / MINUTE_S, expected, rtol=1e-9)


def test_dead_times_are_told() -> None:
    known = PLANTS["wood_berry"].dead_times_s
    assert known == {at: dead_min * MINUTE_S for at, (_, _, dead_min) in TABLE.items()}


def test_published_step_in_reflux() -> None:
    plant = PLANTS["wood_berry"].create()
    plant.set("reflux", 2.95)
    plant.advance(1.0, 600)
    assert plant.get("x_d") - 96.25 == pytest.approx(5.332778, abs=5e-7)
    assert plant.get("x_b") - 0.50 == pytest.approx(1.587974, abs=5e-7)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("step_s", [0.1, 1.0, 7.0])
def test_every_element_answers_a_step_by_its_formula_whatever_the_step_size(column: str, step_s: float) -> None:
    """K u (1 − exp(−(t−θ)/T)) after the dead time, and nothing before."""
    plant = PLANTS["wood_berry"].create()
    before = plant.get(column)
    plant.set(column, before + 0.01)
    worst = 0.0
    for _ in range(86):
        plant.advance(step_s, round(7.0 * 6 / step_s))
        for output, nominal in (("x_d", 96.25), ("x_b", 0.50)):
            gain, lag_min, dead_min = TABLE[output, column]
            since_min = max(plant.time_s / MINUTE_S - dead_min, 0.0)
            answer = gain * 0.01 * (1.0 - math.exp(-since_min / lag_min))
            worst = max(worst, abs(plant.get(output) - nominal - answer))
    assert worst < 1e-12


def test_analysis_leaves_the_plant_with_its_past() -> None:
    plant = PLANTS["wood_berry"].create()
    plant.set("steam", 1.72)
    plant.advance(1.0, 100)
    before = plant.snapshot()
    linearise(plant)
    assert plant.snapshot() == before


def test_the_steady_state_is_where_it_goes_in_the_end() -> None:
    found, run = (PLANTS["wood_berry"].create() for _ in range(2))
    for plant in (found, run):
        plant.set("reflux", 1.96)
        plant.set("feed", 2.40)
    find_steady_state(found)
    run.advance(10.0, 6000)
    assert_allclose(found.outputs, run.outputs, rtol=1e-9)
    assert found.get("x_d") == pytest.approx(96.25 + 12.8 * 0.01 - 3.8 * 0.05, abs=1e-9)


def test_an_impossible_composition_is_an_event() -> None:
    plant = PLANTS["wood_berry"].create()
    plant.set("steam", 1.80)
    plant.advance(1.0, 3600)
    (event,) = plant.take_events()
    assert event.condition == "impossible_x_b"
    assert event.active
    assert -0.02 < event.value < 0.0
