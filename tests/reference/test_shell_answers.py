"""The Shell control problem's numbers: the 3 × 3 subsystem, every element's step response, and uncertain gains."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from plant_models.library import PLANTS
from plant_models.linear import LinearModel, linearise

MINUTE_S = 60.0
INPUTS, COLUMNS = ["u1", "u2", "u3"], ["u1", "u2", "u3", "d1", "d2"]
OUTPUTS = [f"y{i}" for i in range(1, 8)]
# rows y1 … y7, columns u1, u2, u3, d1, d2: gain, time constant, dead time (minutes), uncertainty of the gain
TABLE = (
    ((4.05, 50, 27, 2.11), (1.77, 60, 28, 0.39), (5.88, 50, 27, 0.59), (1.20, 45, 27, 0.12), (1.44, 40, 27, 0.16)),
    ((5.39, 50, 18, 3.29), (5.72, 60, 14, 0.57), (6.90, 40, 15, 0.89), (1.52, 25, 15, 0.13), (1.83, 20, 15, 0.13)),
    ((3.66, 9, 2, 2.29), (1.65, 30, 20, 0.35), (5.53, 40, 2, 0.67), (1.16, 11, 0, 0.08), (1.27, 6, 0, 0.08)),
    ((5.92, 12, 11, 2.34), (2.54, 27, 12, 0.24), (8.10, 20, 2, 0.32), (1.73, 5, 0, 0.02), (1.79, 19, 0, 0.04)),
    ((4.13, 8, 5, 1.71), (2.38, 19, 7, 0.93), (6.23, 10, 2, 0.30), (1.31, 2, 0, 0.03), (1.26, 22, 0, 0.02)),
    ((4.06, 13, 8, 2.39), (4.18, 33, 4, 0.35), (6.53, 9, 1, 0.72), (1.19, 19, 0, 0.08), (1.17, 24, 0, 0.01)),
    ((4.38, 33, 20, 3.11), (4.42, 44, 22, 0.73), (7.20, 19, 0, 1.33), (1.14, 27, 0, 0.18), (1.26, 32, 0, 0.18)),
)


@pytest.fixture(scope="module")
def model() -> LinearModel:
    return linearise(PLANTS["shell_fractionator"].create(), INPUTS, ["y1", "y2", "y7"])


def test_three_by_three_subsystem(model: LinearModel) -> None:
    gain = model.gain()
    assert np.linalg.det(gain) == pytest.approx(20.849856, rel=1e-6)
    relative = [
        [2.07571218, -0.72888849, -0.34682369],
        [3.42418595, 0.93430055, -3.3584865],
        [-4.49989813, 0.79458793, 4.70531019],
    ]
    assert_allclose(model.relative_gains(), relative, rtol=1e-6)
    strengths = np.linalg.svd(gain, compute_uv=False)
    assert_allclose(strengths, (15.79547, 2.03288, 0.64932), atol=6e-6)
    assert strengths[0] / strengths[2] == pytest.approx(24.3262, abs=1e-4)


@pytest.mark.parametrize("step_s", [0.1, 1.0, 7.0])
@pytest.mark.parametrize("column", range(5), ids=COLUMNS)
def test_every_element_answers_a_step_by_its_formula_whatever_the_step_size(column: int, step_s: float) -> None:
    """35 elements, the dead times to the second, at ages where all of them have something to say."""
    plant = PLANTS["shell_fractionator"].create()
    plant.set(COLUMNS[column], 0.1)
    for _ in range(20):
        plant.advance(step_s, round(420.0 / step_s))
        minutes = plant.time_s / MINUTE_S
        for row, output in enumerate(OUTPUTS):
            gain, lag_min, dead_min, _ = TABLE[row][column]
            answer = gain * 0.1 * (1.0 - math.exp(-max(minutes - dead_min, 0.0) / lag_min))
            assert plant.get(output) == pytest.approx(answer, abs=1e-12), f"{output} at {minutes} min"


def test_nothing_moves_before_the_dead_time_and_something_right_after() -> None:
    plant = PLANTS["shell_fractionator"].create()
    plant.set("u1", 0.5)
    plant.advance(1.0, 27 * 60)
    assert plant.get("y1") == 0.0
    plant.advance(1.0)
    assert plant.get("y1") == pytest.approx(4.05 * 0.5 * (1.0 - math.exp(-1.0 / 3000.0)), rel=1e-9)


@pytest.mark.parametrize("epsilon", [-1.0, 0.5, 1.0])
def test_uncertain_gains_follow_the_epsilon_of_their_column(epsilon: float) -> None:
    for column, name in enumerate(COLUMNS[:3]):
        plant = PLANTS["shell_fractionator"].create()
        plant.set(f"epsilon_{column + 1}", epsilon)
        gain = linearise(plant, INPUTS, OUTPUTS).gain()
        for other in range(3):
            share = epsilon if other == column else 0.0
            expected = [row[other][0] + share * row[other][3] for row in TABLE]
            assert_allclose(gain[:, other], expected, rtol=1e-6, err_msg=name)


def test_uncertainty_of_the_disturbances_too() -> None:
    plant = PLANTS["shell_fractionator"].create()
    plant.set("epsilon_5", -1.0)
    plant.set("d2", 0.2)
    plant.advance(60.0, 2000)
    expected = [0.2 * (row[4][0] - row[4][3]) for row in TABLE]
    assert_allclose(plant.outputs[:7], expected, rtol=1e-9)
