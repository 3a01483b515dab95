"""What the integrators claim: their order, L-stability, a sound LU decomposition, agreement with each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from plant_models.integrators import ADAPTIVE, NAMES, factorise, solve_adaptive, solve_factorised
from plant_models.library import PLANTS
from plant_models.model import PlantModel
from tests.support.toy_plants import TOY, curved_answer


def toy(setting: str, integrator: str) -> PlantModel:
    return TOY.create(setting, integrator=integrator)


@pytest.mark.parametrize(("integrator", "order"), [("euler", 1), ("rk4", 4), ("stiff", 2)])
def test_a_step_half_as_long_is_that_much_better(integrator: str, order: int) -> None:
    """On a smooth nonlinear problem with a closed solution: halving the step divides the error by 2 to the order."""
    errors = []
    for steps in (20, 40, 80, 160):
        plant = toy("curved", integrator)
        plant.advance(4.0 / steps, steps)
        errors.append(np.abs(plant.states - curved_answer(4.0)).max())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert_allclose(orders, order, atol=0.2)
    assert orders[-1] == pytest.approx(order, abs=0.08)


@pytest.mark.parametrize("integrator", ADAPTIVE)
def test_every_method_of_scipy_gives_the_closed_solution(integrator: str) -> None:
    plant = toy("curved", integrator)
    plant.advance(1.0, 4)
    assert_allclose(plant.states, curved_answer(4.0), rtol=1e-7)
    assert plant.time_s == 4.0


@pytest.mark.parametrize("name", ["cstr", "drum_boiler", "ph_neutralisation", "quadruple_tank"])
def test_all_methods_agree_on_real_plants(name: str) -> None:
    """Twenty seconds after an input was moved; fixed steps at a quarter of the plant's own, to their order."""
    answers = {}
    for integrator in NAMES:
        plant = PLANTS[name].create(integrator=integrator)
        plant.inputs[0] *= 1.01
        if integrator in ADAPTIVE:
            plant.advance(20.0)
        else:
            plant.advance(plant.type.step_s / 4, round(20.0 / plant.type.step_s * 4))
        answers[integrator] = plant.states.copy()
    within = {"euler": 1e-2, "stiff": 1e-5, "rk4": 2e-7}
    for integrator, states in answers.items():
        assert_allclose(states, answers["radau"], rtol=within.get(integrator, 2e-7), err_msg=integrator)


@settings(max_examples=50, deadline=None)
@given(st.floats(10.0, 1e9))
def test_the_stiff_method_forgets_what_is_fast_at_any_step(rate_1_s: float) -> None:
    """L-stability: with a step of ``rate`` times the fast time constant, what was wrong is divided by rate / 5 a step.

    What is left follows the slow state without ringing.
    """
    plant = toy("stiff", "stiff")
    plant.set("rate", rate_1_s)
    apart = abs(plant.states[0] - plant.states[1])
    for _ in range(4):
        plant.advance(1.0)
        behind = abs(plant.states[0] - plant.states[1])
        # the fast state lags behind the slow one by 1 / rate of it; a slope of the Jacobian is good to seven digits
        assert behind <= 5.0 / rate_1_s * apart + 6.0 / rate_1_s * abs(plant.states[1]) + 1e-6
        apart = behind


def test_a_thousand_times_the_fastest_time_constant_decays_and_does_not_ring() -> None:
    """Where the stiff method passes 1 s steps over 1 ms, the explicit ones are far beyond their stability."""
    plant = toy("stiff", "stiff")
    fast, slow = [], []
    for _ in range(12):
        plant.advance(1.0)
        fast.append(plant.states[0])
        slow.append(plant.states[1])
    apart = np.abs(np.array(fast) - slow)
    assert apart[0] < 0.01
    assert (np.diff(apart) < 0.0).all()
    assert (np.array(fast) > 0.0).all(), "no undershoot"
    assert (np.diff(fast) < 0.0).all(), "no oscillation"
    assert fast[-1] < 1e-5
    for integrator in ("euler", "rk4"):
        blown = toy("stiff", integrator)
        blown.advance(1.0, 12)
        assert not abs(blown.states[0]) < 1e6


sizes = st.integers(1, 9)


@settings(max_examples=100, deadline=None)
@given(sizes, st.integers(0, 2**32 - 1))
def test_lu_solves_as_numpy_does(count: int, seed: int) -> None:
    """With row exchanges: also where pivots are zero or rows differ by 12 orders of magnitude."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(count, count)) * 10.0 ** rng.integers(-6, 7, size=(count, 1))
    matrix[rng.random((count, count)) < 0.3] = 0.0
    matrix += np.diag(rng.permutation(count) == 0) * 1.0
    matrix = matrix[rng.permutation(count)]
    right = rng.normal(size=count)
    if abs(np.linalg.det(matrix)) < 1e-300 or np.linalg.cond(matrix) > 1e14:
        return
    words = np.concatenate((matrix.ravel(), np.zeros(count)))
    factorise(words, count)
    found = right.copy()
    solve_factorised(words, found)
    expected = np.linalg.solve(matrix, right)
    assert_allclose(found, expected, rtol=1e-15 * max(np.linalg.cond(matrix), 1e3), atol=1e-300)


def test_a_zero_pivot_is_exchanged() -> None:
    words = np.array([0.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    factorise(words, 2)
    right = np.array([3.0, 4.0])
    solve_factorised(words, right)
    assert_allclose(right, (4.0, 3.0))


@pytest.mark.parametrize("method", ADAPTIVE.values())
def test_a_solution_that_runs_to_infinity_is_given_up(method: str) -> None:
    with pytest.raises(ArithmeticError, match=r"gave up after (1|0\.999)"):
        solve_adaptive(lambda x: x * x, np.array([1.0]), 2.0, method)
