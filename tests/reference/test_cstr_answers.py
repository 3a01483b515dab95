"""The exothermic reactor against the literature: three steady states, folds, Hopf point, limit cycle, step answers.

Numbers are those of the literature's units: mol/L, K, min.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq

from plant_models.library import PLANTS
from plant_models.linear import find_steady_state, linearise
from plant_models.model import PlantModel

MOL_M3 = 1000.0  # per mol/L
MIN = 60.0


def reactor(setting: str = "middle", coolant_k: float | None = None) -> PlantModel:
    plant = PLANTS["cstr"].create(setting)
    if coolant_k is not None:
        plant.set("coolant_temperature", coolant_k)
    return plant


STEADY = [
    # coolant K, near what temperature K, mol/L, K, eigenvalues 1/min
    (290.0, 312.0, 0.9519412326, 312.6562089, (-1.09178, -2.15081)),
    (300.0, 324.0, 0.8772529461, 324.4754434, (-1.04890 + 0.53882j, -1.04890 - 0.53882j)),
    (300.0, 350.0, 0.4999182860, 350.0055287, (-0.45423, 2.83444)),
    (300.0, 370.0, 0.2087613796, 369.7049134, (1.35733 + 1.54020j, 1.35733 - 1.54020j)),
    (302.0, 329.0, 0.8347854771, 328.7019298, (-0.74541 + 0.59096j, -0.74541 - 0.59096j)),
    (305.0, 378.0, 0.1351960047, 378.0652230, (0.29340 + 3.42188j, 0.29340 - 3.42188j)),
    (310.0, 384.0, 0.0991413757, 383.8875930, (-0.99435 + 4.36000j, -0.99435 - 4.36000j)),
]


@pytest.mark.parametrize(("coolant_k", "near_k", "mol_l", "kelvin", "eigenvalues"), STEADY)
def test_steady_states_and_how_they_hold(coolant_k, near_k, mol_l, kelvin, eigenvalues) -> None:  # type: ignore[no-untyped-def]
    plant = reactor(coolant_k=coolant_k)
    plant.states[:] = (concentration_at(near_k), near_k)
    found = find_steady_state(plant)
    assert_allclose(found, (mol_l * MOL_M3, kelvin), rtol=6e-10)
    poles = linearise(plant).poles() * MIN
    assert_allclose(np.sort_complex(1j * poles), np.sort_complex(1j * np.array(eigenvalues)), atol=8e-6)


@pytest.mark.parametrize(("setting", "row"), [("low", 1), ("middle", 2), ("high", 3)])
def test_settings_are_the_three_steady_states_of_300_k(setting: str, row: int) -> None:
    plant = reactor(setting)
    assert plant.get("coolant_temperature") == 300.0
    assert_allclose(plant.states, (STEADY[row][2] * MOL_M3, STEADY[row][3]), rtol=6e-10)
    assert_allclose(plant.derivatives(), 0.0, atol=1e-13)


def concentration_at(kelvin: float) -> float:
    """mol/m3 at which no reactant is gained or lost: the plant's own balance is linear in it."""
    plant = reactor()
    plant.states[1] = kelvin
    rates = []
    for c in (0.0, 1000.0):
        plant.states[0] = c
        rates.append(plant.derivatives()[0])
    return 1000.0 * rates[0] / (rates[0] - rates[1])


def stand_at(kelvin: float) -> PlantModel:
    """The plant at the steady state of that temperature, whatever coolant that takes."""
    plant = reactor()
    plant.states[:] = (concentration_at(kelvin), kelvin)
    rates = []
    for coolant_k in (290.0, 310.0):
        plant.inputs[0] = coolant_k
        rates.append(plant.derivatives()[1])
    plant.inputs[0] = 290.0 - 20.0 * rates[0] / (rates[1] - rates[0])
    return plant


@pytest.mark.parametrize(
    ("between_k", "coolant_k", "kelvin", "mol_l"),
    [((330.0, 345.0), 303.2292721, 335.6540683, 0.7443256), ((355.0, 368.0), 298.0804573, 360.5107128, 0.3254562)],
    ids=["ignition", "extinction"],
)
def test_folds_where_two_steady_states_meet(between_k, coolant_k, kelvin, mol_l) -> None:  # type: ignore[no-untyped-def]
    fold_k = brentq(lambda t: np.linalg.det(linearise(stand_at(t)).a) * MIN**2, *between_k, xtol=1e-9)
    plant = stand_at(fold_k)
    assert fold_k == pytest.approx(kelvin, abs=1e-5)
    assert plant.get("coolant_temperature") == pytest.approx(coolant_k, abs=1e-7)
    assert plant.get("concentration") == pytest.approx(mol_l * MOL_M3, abs=1e-3)


def test_hopf_point_beyond_which_the_hot_reactor_is_stable() -> None:
    hopf_k = brentq(lambda t: np.trace(linearise(stand_at(t)).a) * MIN, 375.0, 383.0, xtol=1e-9)
    plant = stand_at(hopf_k)
    assert hopf_k == pytest.approx(379.6106285, abs=1e-5)
    assert plant.get("coolant_temperature") == pytest.approx(306.2198689, abs=1e-6)
    assert plant.get("concentration") == pytest.approx(0.1245536 * MOL_M3, abs=1e-3)


def cycle_of(plant: PlantModel, step_s: float = 0.05) -> tuple[float, float, list[float]]:
    """Lowest and highest temperature, and the periods in min, over ten minutes."""
    kelvin = []
    for _ in range(round(10 * MIN / step_s)):
        plant.advance(step_s)
        kelvin.append(plant.get("temperature"))
    t = np.array(kelvin)
    up = np.flatnonzero((t[:-1] < 380.0) & (t[1:] >= 380.0))
    crossed = (up + (380.0 - t[up]) / (t[up + 1] - t[up])) * step_s / MIN
    return t.min(), t.max(), list(np.diff(crossed))


def test_limit_cycle_reached_from_the_middle_with_305_k() -> None:
    plant = reactor(coolant_k=305.0)
    plant.states[:] = (500.0, 350.0)
    plant.advance(0.05, round(60 * MIN / 0.05))
    low_k, high_k, periods = cycle_of(plant)
    assert (low_k, high_k) == pytest.approx((362.45, 405.45), abs=0.005)
    assert periods == pytest.approx([2.193] * len(periods), abs=5e-4)
    assert len(periods) >= 3


def test_the_limit_cycle_setting_is_on_the_limit_cycle_from_its_first_second() -> None:
    plant = reactor("limit_cycle")
    low_k, high_k, periods = cycle_of(plant)
    assert (low_k, high_k) == pytest.approx((362.4505, 405.4535), abs=2e-3)
    assert periods == pytest.approx([2.1929] * len(periods), abs=2e-4)


STEP_MIN = (0.5, 1, 2, 3, 5, 10)
STEPS = [
    (290.0, STEP_MIN, (332.0092, 318.6034, 312.7398, 312.4768, 312.6248, 312.6561),
     (0.582053, 0.711527, 0.864352, 0.921694, 0.948484, 0.951926)),
    (305.0, (0.5, 1, 2, 3, 4, 5), (379.8018, 395.8702, 364.0426, 405.1030, 366.9863, 376.1382),
     (0.344394, 0.044642, 0.230476, 0.051868, 0.194227, 0.226126)),
]  # fmt: skip


@pytest.mark.parametrize(("coolant_k", "minutes", "kelvin", "mol_l"), STEPS, ids=["cooler", "warmer"])
def test_steps_of_the_coolant_from_the_saddle(coolant_k, minutes, kelvin, mol_l) -> None:  # type: ignore[no-untyped-def]
    """The start is the published one to its last digit: from a saddle every digit counts."""
    plant = reactor(coolant_k=coolant_k)
    plant.states[:] = (499.918286, 350.0055287)
    found = []
    for minute in minutes:
        plant.advance(0.05, round((minute * MIN - plant.time_s) / 0.05))
        found.append((plant.get("temperature"), plant.get("concentration") / MOL_M3))
    assert_allclose([t for t, _ in found], kelvin, atol=1.5e-4)
    assert_allclose([c for _, c in found], mol_l, atol=1.5e-6)


def test_the_numbers_without_dimensions() -> None:
    """γ, B, β and Da of the literature, of the plant's own parameters."""
    plant = reactor()
    p = plant.get
    gamma = p("activation_temperature") / p("feed_temperature")
    density_j_m3k = p("density") * p("heat_capacity")
    b = gamma * p("reaction_heat") * p("feed_concentration") / (density_j_m3k * p("feed_temperature"))
    beta = p("heat_transfer") / (density_j_m3k * p("feed_flow"))
    da = p("rate_constant") * np.exp(-gamma) * p("volume") / p("feed_flow")
    assert (gamma, b, beta, da) == pytest.approx((25.0, 14.9432, 2.09205, 0.999932), rel=5e-6)


def test_heat_released_is_heat_removed_at_rest_with_what_the_feed_takes() -> None:
    for setting in ("low", "middle", "high"):
        plant = reactor(setting)
        warmed_w = plant.get("feed_flow") * 1000.0 * 239.0 * (plant.get("temperature") - plant.get("feed_temperature"))
        assert plant.get("heat_released") == pytest.approx(plant.get("heat_removed") + warmed_w, rel=1e-9)
