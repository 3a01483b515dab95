"""Johansson's numbers: the quadruple tank against the published answers and their exact forms."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose

from plant_models.integrators import solve_adaptive
from plant_models.library import PLANTS
from plant_models.linear import LinearModel, find_steady_state, linearise
from plant_models.model import PlantModel

VOLT_PER_M = 50.0  # the paper's level sensors: 0.50 V/cm


@dataclass(frozen=True)
class Answer:
    setting: str
    levels_cm: tuple[float, ...]
    published_levels_cm: tuple[float, ...]
    time_constants_s: tuple[float, ...]
    gain: tuple[tuple[float, float], tuple[float, float]]
    zeros_1_s: tuple[float, float]
    relative_gain: float


ANSWERS = (
    Answer(
        "minimum_phase",
        (12.26296752, 12.7831584, 1.63394113, 1.4090447),
        (12.4, 12.7, 1.8, 1.4),
        (62.35595942, 90.63056805, 22.76136901, 30.08971003),
        ((2.595566811, 1.492089029), (1.414686523, 2.846366278)),
        (-0.05969789, -0.01747015),
        1.4,
    ),
    Answer(
        "nonminimum_phase",
        (12.44186422, 13.16681293, 4.73026067, 4.9863344),
        (12.6, 13.0, 4.8, 4.9),
        (62.80914847, 91.98053882, 38.72778992, 56.60389506),
        ((1.514373433, 2.435424732), (2.572293256, 1.607647355)),
        (-0.05624679, 0.01275891),
        -0.6356521739,
    ),
)
ids = [answer.setting for answer in ANSWERS]


def plant_of(answer: Answer) -> PlantModel:
    return PLANTS["quadruple_tank"].create(answer.setting)


def linear_model(answer: Answer) -> LinearModel:
    return linearise(plant_of(answer), ["pump_voltage_1", "pump_voltage_2"], ["level_1", "level_2"])


@pytest.mark.parametrize("answer", ANSWERS, ids=ids)
def test_the_setting_starts_at_the_exact_steady_state(answer: Answer) -> None:
    plant = plant_of(answer)
    assert_allclose(plant.states * 100.0, answer.levels_cm, atol=6e-9)
    assert_allclose(plant.states * 100.0, answer.published_levels_cm, atol=0.2)
    assert_allclose(plant.derivatives(), 0.0, atol=1e-17)


@pytest.mark.parametrize("answer", ANSWERS, ids=ids)
def test_the_steady_state_is_found_from_elsewhere(answer: Answer) -> None:
    plant = plant_of(answer)
    plant.states[:] = (0.05, 0.18, 0.03, 0.01)
    assert_allclose(find_steady_state(plant) * 100.0, answer.levels_cm, atol=6e-9)


@pytest.mark.parametrize("answer", ANSWERS, ids=ids)
def test_time_constants(answer: Answer) -> None:
    assert_allclose(-1.0 / np.diag(linear_model(answer).a), answer.time_constants_s, rtol=1e-9)


@pytest.mark.parametrize("answer", ANSWERS, ids=ids)
def test_steady_state_gain_in_the_papers_volts(answer: Answer) -> None:
    assert_allclose(linear_model(answer).gain() * VOLT_PER_M, answer.gain, rtol=1e-9)


@pytest.mark.parametrize("answer", ANSWERS, ids=ids)
def test_transmission_zeros(answer: Answer) -> None:
    assert_allclose(linear_model(answer).zeros(), answer.zeros_1_s, atol=6e-9)


@pytest.mark.parametrize("answer", ANSWERS, ids=ids)
def test_relative_gain(answer: Answer) -> None:
    gains = linear_model(answer).relative_gains()
    assert gains[0, 0] == pytest.approx(answer.relative_gain, abs=1e-9)
    assert_allclose(gains.sum(axis=0), 1.0, atol=1e-12)


PUBLISHED = {  # time constants s, G(0) V/V, zeros 1/s, relative gain
    "minimum_phase": ((62, 90, 23, 30), ((2.6, 1.5), (1.4, 2.8)), (-0.060, -0.018), 1.40),
    "nonminimum_phase": ((63, 91, 39, 56), ((1.5, 2.5), (2.5, 1.6)), (-0.057, 0.013), -0.64),
}


@pytest.mark.parametrize("answer", ANSWERS, ids=ids)
def test_the_rounded_numbers_of_the_paper(answer: Answer) -> None:
    """To a unit or two of their last digit: they belong to levels that were rounded before."""
    time_constants_s, gain, zeros_1_s, relative_gain = PUBLISHED[answer.setting]
    model = linear_model(answer)
    assert_allclose(-1.0 / np.diag(model.a), time_constants_s, atol=1.0)
    assert_allclose(model.gain() * VOLT_PER_M, gain, atol=0.08)
    assert_allclose(model.zeros(), zeros_1_s, atol=1e-3)
    assert model.relative_gains()[0, 0] == pytest.approx(relative_gain, abs=0.005)


@pytest.mark.parametrize("answer", ANSWERS, ids=ids)
def test_relative_gain_follows_from_the_splits_alone_and_so_does_the_sign_of_the_zero(answer: Answer) -> None:
    """λ = γ₁γ₂ / (γ₁ + γ₂ − 1); a zero in the right half plane if and only if γ₁ + γ₂ < 1."""
    for split_1, split_2 in ((0.43, 0.34), (0.7, 0.6), (0.2, 0.7), (0.55, 0.5), (0.9, 0.8)):
        plant = plant_of(answer)
        plant.set("valve_1", split_1)
        plant.set("valve_2", split_2)
        find_steady_state(plant)
        model = linearise(plant, ["pump_voltage_1", "pump_voltage_2"], ["level_1", "level_2"])
        total = split_1 + split_2
        assert model.relative_gains()[0, 0] == pytest.approx(split_1 * split_2 / (total - 1.0), rel=1e-7)
        assert (model.zeros().real.max() > 0.0) == (total < 1.0)


def test_one_more_volt_on_pump_1_moves_the_lower_levels_by_the_gain() -> None:
    """The nonlinear plant agrees with G(0) for a small step, after the slow time constants have passed."""
    answer = ANSWERS[0]
    plant = plant_of(answer)
    plant.set("pump_voltage_1", 3.0 + 1e-4)
    plant.advance(0.5, 4000)
    moved_v = (plant.outputs[:2] * 100.0 - np.array(answer.levels_cm[:2])) * 0.5
    assert_allclose(moved_v / 1e-4, np.array(answer.gain)[:, 0], rtol=1e-3)


def test_nonminimum_phase_sends_the_far_tank_up_first() -> None:
    """With P+, raising both lower levels by one pump goes mostly through the upper tank: the near level lags behind."""
    plant = plant_of(ANSWERS[1])
    start = plant.outputs.copy()
    plant.set("pump_voltage_1", 3.5)
    plant.advance(0.1, 12_000)
    near_m, far_m = plant.outputs[0] - start[0], plant.outputs[1] - start[1]
    assert far_m > near_m > 0.0


@pytest.mark.parametrize("answer", ANSWERS, ids=ids)
def test_runge_kutta_agrees_with_scipy_over_an_hour_of_steps(answer: Answer) -> None:
    """RK4 at the declared step is good to 1 nm where transmitters resolve 10 µm."""
    plant = plant_of(answer)
    reference = plant_of(answer)
    for minute in range(60):
        volts = (2.0 + 0.05 * (minute * 7 % 41), 4.0 - 0.05 * (minute * 11 % 37))
        for model in (plant, reference):
            model.inputs[:2] = volts
            model.disturbances[0] = 1e-6 * (minute % 3)
        plant.advance(plant.type.step_s, round(60 / plant.type.step_s))
        rates = _rates_of(reference)
        reference.states[:] = solve_adaptive(rates, reference.states.copy(), 60.0)
        assert_allclose(plant.states, reference.states, atol=1e-9)


def _rates_of(plant: PlantModel):  # type: ignore[no-untyped-def]
    def rates(states):  # type: ignore[no-untyped-def]
        plant.states[:] = states
        return plant.derivatives()

    return rates


@pytest.mark.parametrize(("integrator", "order"), [("euler", 1), ("rk4", 4)])
def test_a_fixed_step_has_the_order_it_claims(integrator: str, order: int) -> None:
    def state_after_a_minute(step_s: float, name: str) -> np.ndarray:
        plant = PLANTS["quadruple_tank"].create(integrator=name)
        plant.set("pump_voltage_1", 6.0)
        plant.advance(step_s, round(60 / step_s))
        return plant.states.copy()

    exact = state_after_a_minute(60.0, "adaptive")
    coarse, fine = (np.abs(state_after_a_minute(step_s, integrator) - exact).max() for step_s in (10.0, 5.0))
    assert np.log2(coarse / fine) == pytest.approx(order, abs=0.35)
