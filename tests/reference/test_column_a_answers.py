"""Skogestad's numbers: column A against its steady state, gains, time constants and nonlinear step responses."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from plant_models.library import PLANTS
from plant_models.linear import LinearModel, find_steady_state, linearise
from plant_models.model import PlantModel

MINUTE_S = 60.0
PROFILE = (
    0.01000004, 0.01426097, 0.01972367, 0.02669337, 0.03553126, 0.04665107, 0.06050557, 0.07755805, 0.09823447,
    0.12285418, 0.1515437, 0.18414746, 0.2201597, 0.25870741, 0.29860707, 0.33849661, 0.37701536, 0.41298351,
    0.44553317, 0.47416395, 0.49872494, 0.5264947, 0.55776377, 0.59216039, 0.62903889, 0.66750641, 0.70649803,
    0.74488978, 0.7816252, 0.81582638, 0.846866, 0.87439074, 0.89830132, 0.91870368, 0.93584826, 0.95007098,
    0.96174435, 0.97124156, 0.97891324, 0.98507457, 0.98999996,
)  # fmt: skip
GAIN = ((0.875403, -0.861756), (1.084596, -1.098244))
DISTURBANCE_GAIN = ((0.393944, 0.881249), (0.586056, 1.118751))
TEXTBOOK_GAIN = ((0.878, -0.864), (1.082, -1.096))

# t_min: y_D and x_B after L +0.1 %, V +0.1 %, F +1 %
STEPS = {
    1: (0.99000978, 0.01000004, 0.98998852, 0.0099734, 0.98999996, 0.01000292),
    10: (0.99011531, 0.01013264, 0.98987354, 0.0097935, 0.99001079, 0.01052345),
    100: (0.99088866, 0.01126342, 0.9888102, 0.00867361, 0.99115272, 0.01300944),
    500: (0.99180382, 0.01316108, 0.98683062, 0.0073575, 0.99242193, 0.01684823),
    2000: (0.99189547, 0.01340066, 0.98651774, 0.00720248, 0.99249464, 0.01716211),
}
MOVES = (("reflux", 1.001), ("boilup", 1.001), ("feed", 1.01))


def column() -> PlantModel:
    return PLANTS["column_a"].create()


@pytest.fixture(scope="module")
def model() -> LinearModel:
    return linearise(column(), ["reflux", "boilup"], ["y_d", "x_b"])


def test_the_setting_starts_at_the_steady_state() -> None:
    plant = column()
    assert_allclose(plant.states[:41], PROFILE, atol=6e-9)
    assert_allclose(plant.states[41:], 0.5, rtol=1e-12)
    assert plant.get("y_d") == pytest.approx(0.98999995961, abs=1e-11)
    assert plant.get("x_b") == pytest.approx(0.01000004039, abs=1e-11)
    assert plant.get("distillate_flow") == pytest.approx(0.5, abs=1e-12)
    assert plant.get("bottoms_flow") == pytest.approx(0.5, abs=1e-12)
    assert_allclose(plant.derivatives(), 0.0, atol=1e-15)


def test_the_steady_state_is_found_from_elsewhere() -> None:
    plant = column()
    plant.set("reflux", 2.72)
    plant.advance(1.0, 3600)
    assert abs(plant.get("y_d") - 0.99) > 1e-4
    plant.set("reflux", 2.70629)
    assert_allclose(find_steady_state(plant)[:41], PROFILE, atol=6e-9)


def test_gain_matrix(model: LinearModel) -> None:
    assert_allclose(model.gain(), GAIN, rtol=1e-4)
    assert_allclose(model.gain(), TEXTBOOK_GAIN, rtol=5e-3)
    assert model.gain()[0].sum() + model.gain()[1].sum() == pytest.approx(0.0, abs=1e-4)


def test_total_of_both_gains_by_reflux_is_that_of_the_material_balance(model: LinearModel) -> None:
    """D + B = F: with half of the feed on either side, the compositions share what a change of split brings."""
    assert model.gain()[:, 0].sum() == pytest.approx(1.96, abs=1e-4)


def test_disturbance_gains() -> None:
    """Feed and its composition: half the difference of the steady states on either side."""
    for number, name in enumerate(("feed", "feed_fraction")):
        ends = []
        for way in (1.0, -1.0):
            plant = column()
            plant.set(name, plant.get(name) + way * 1e-5)
            find_steady_state(plant)
            ends.append(np.array([plant.get("y_d"), plant.get("x_b")]))
        assert_allclose((ends[0] - ends[1]) / 2e-5, np.array(DISTURBANCE_GAIN)[:, number], rtol=1e-4)


def test_relative_gain(model: LinearModel) -> None:
    assert model.relative_gains()[0, 0] == pytest.approx(35.942, abs=1e-3)


def test_singular_values_and_condition_number(model: LinearModel) -> None:
    """The weak direction is a 145th of the strong one: that is what makes the column hard to control."""
    strong, weak = np.linalg.svd(100.0 * model.gain(), compute_uv=False)
    assert strong == pytest.approx(197.26, abs=6e-3)
    assert weak == pytest.approx(1.3560, abs=6e-5)
    assert strong / weak == pytest.approx(145.5, abs=0.06)


def test_time_constants(model: LinearModel) -> None:
    poles = model.poles()
    slowest_min = -1.0 / poles.real / MINUTE_S
    assert slowest_min[0] == pytest.approx(193.97, abs=6e-3)
    assert slowest_min[1] == pytest.approx(12.05, abs=6e-3)
    assert len(poles) == 82
    assert poles.real.max() < 0.0


@pytest.mark.parametrize("number", range(len(MOVES)), ids=[name for name, _ in MOVES])
def test_nonlinear_step_responses(number: int) -> None:
    name, factor = MOVES[number]
    plant = column()
    plant.set(name, plant.get(name) * factor)
    for minute, answers in STEPS.items():
        plant.advance(1.0, round(minute * MINUTE_S - plant.time_s))
        found = [plant.get("y_d"), plant.get("x_b")]
        assert_allclose(found, answers[2 * number : 2 * number + 2], atol=6e-9, err_msg=f"{name}, {minute} min")
    assert plant.take_events() == []


def test_the_declared_step_agrees_with_scipy() -> None:
    """RK4 at 1 s after a large move: 1e-8 mole fractions, where an analyser sees 1e-5."""
    plant, exact = column(), PLANTS["column_a"].create(integrator="adaptive")
    for model in (plant, exact):
        model.set("reflux", 3.0)
        model.set("feed", 1.2)
    plant.advance(plant.type.step_s, 1200)
    exact.advance(1200.0)
    assert_allclose(plant.states, exact.states, atol=1e-8)


def test_the_stiff_method_takes_long_steps() -> None:
    plant, long = column(), PLANTS["column_a"].create(integrator="stiff")
    for model in (plant, long):
        model.set("boilup", 3.25)
    plant.advance(1.0, 3600)
    long.advance(20.0, 180)
    assert_allclose(long.states, plant.states, atol=2e-5)
