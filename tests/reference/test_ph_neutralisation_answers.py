"""pH neutralisation against the literature: titration curve, gains, step answers, the delay of the meter.

Numbers are those of the literature's units: mL/s, cm, mol/L.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from plant_models.library import PLANTS
from plant_models.linear import find_steady_state, linearise
from plant_models.model import PlantModel
from plant_models.ph_neutralisation import ph_of

ML_S = 1e-6  # m3/s


def tank(setting: str = "nominal", **flows_ml_s: float) -> PlantModel:
    plant = PLANTS["ph_neutralisation"].create(setting)
    for name, flow in flows_ml_s.items():
        plant.set(name, flow * ML_S)
    return plant


def test_nominal_steady_state() -> None:
    plant = tank()
    assert_allclose(plant.states * (1e-3, 1e-3, 100.0), (-4.360305344e-4, 5.276335878e-4, 13.964111765), rtol=2e-9)
    assert plant.get("ph") == pytest.approx(7.025790545, abs=6e-10)
    assert_allclose(plant.states * (1e-3, 1e-3, 100.0), (-4.32e-4, 5.28e-4, 14.0), rtol=0.01)  # published
    assert_allclose(plant.derivatives(), 0.0, atol=1e-16)


def test_the_published_ph_of_7_belongs_to_a_little_less_base() -> None:
    plant = tank("neutral")
    assert plant.get("base_flow") == 15.55 * ML_S
    assert plant.get("ph") == pytest.approx(7.000172819, abs=6e-10)
    assert_allclose(plant.states[:2] * 1e-3, (-4.320336391e-4, 5.283639144e-4), rtol=2e-10)


TITRATION = {
    10: (3.9757, 0.46571), 12: (5.737231833, 0.48051), 13: (6.121695381, None), 14: (6.431909745, 0.30696),
    15: (6.763737625, 0.37633), 15.6: (7.025790545, 0.52203), 16: (7.278946206, 0.78742), 17: (8.990731897, 1.05327),
    18: (9.558131364, 0.34459), 20: (10.010540858, 0.15891),
}  # fmt: skip


@pytest.mark.parametrize("base_ml_s", TITRATION)
def test_titration_curve_and_its_slope(base_ml_s: float) -> None:
    plant = tank(base_flow=base_ml_s)
    find_steady_state(plant)
    ph, gain = TITRATION[base_ml_s]
    assert plant.get("ph") == pytest.approx(ph, abs=6e-5 if base_ml_s == 10 else 2e-8)
    if gain is not None:
        found = linearise(plant, ["base_flow"], ["ph"]).gain()[0, 0] * ML_S
        assert found == pytest.approx(gain, abs=6e-6)


@pytest.mark.parametrize(("base_ml_s", "ph"), [(15, 4.4606), (15.6, 5.7999), (16, 6.4011), (18, 9.9283)])
def test_with_little_buffer_the_curve_is_steep(base_ml_s: float, ph: float) -> None:
    plant = tank(base_flow=base_ml_s, buffer_flow=0.1)
    find_steady_state(plant)
    assert plant.get("ph") == pytest.approx(ph, abs=6e-5)


SECONDS = (30, 60, 120, 300, 600, 1800)
STEPS = [
    ("base_flow", 17.0, (7.28151, 7.57256, 8.34429, 8.93506, 8.98860, 8.99073), 15.77969696),
    ("base_flow", 14.0, (6.81741, 6.69443, 6.55934, 6.44697, 6.43229, 6.43191), 11.94905944),
    ("buffer_flow", 0.2, (6.92322, 6.83154, 6.68443, 6.49037, 6.45411, 6.45287), 13.51781778),
    ("acid_flow", 18.0, (6.84150, 6.73175, 6.61202, 6.51239, 6.49751, 6.49688), 15.77969696),
]


@pytest.mark.parametrize(("name", "flow", "answers", "level_cm"), STEPS, ids=[f"{s[0]} {s[1]}" for s in STEPS])
def test_step_responses(name: str, flow: float, answers: tuple[float, ...], level_cm: float) -> None:
    plant = tank(**{name: flow})
    found = []
    for second in SECONDS:
        plant.advance(0.1, round((second - plant.time_s) / 0.1))
        found.append(plant.get("ph"))
    assert_allclose(found, answers, atol=6e-6)
    assert plant.get("level") * 100 == pytest.approx(level_cm, abs=1e-7)


@pytest.fixture(scope="module")
def fine() -> tuple[np.ndarray, np.ndarray]:
    """(time in s after the base went to 17 mL/s, pH in the tank), every 50 ms."""
    plant = tank(base_flow=17.0)
    inside = [plant.get("ph")]
    for _ in range(3000):
        plant.advance(0.05)
        inside.append(plant.get("ph"))
    return np.arange(3001) * 0.05, np.array(inside)


@pytest.mark.parametrize("integrator", ["rk4", "stiff", "adaptive"])
@pytest.mark.parametrize(("step_s", "within_ph"), [(0.05, 1e-5), (0.7, 1e-4), (2.0, 3e-4), (6.0, 3e-3), (40.0, 0.1)])
def test_the_meter_sees_the_tank_30_s_late_whatever_the_step(  # type: ignore[no-untyped-def]
    step_s: float, within_ph: float, integrator: str, fine
) -> None:
    """Judged by one finely stepped run; a coarse step only cuts the corners of the curve between its ends."""
    plant = PLANTS["ph_neutralisation"].create(integrator=integrator)
    plant.advance(0.7, 40)
    plant.set("base_flow", 17.0 * ML_S)
    start_s = plant.time_s
    seen, then = [], []
    for _ in range(round(120 / step_s)):
        plant.advance(step_s)
        seen.append(plant.get("ph_measured"))
        then.append(np.interp(plant.time_s - start_s - 30.0, *fine))
    assert_allclose(seen, then, atol=within_ph, rtol=0)
    assert seen[-1] > 7.9


@pytest.mark.parametrize("delay_s", [0.0, 0.1, 7.3, 120.0])
def test_another_delay_is_that_delay(delay_s: float) -> None:
    plant = tank()
    plant.advance(0.1, 1300)
    plant.set("measurement_delay", delay_s)
    plant.set("base_flow", 17.0 * ML_S)
    inside = [plant.get("ph")]
    for _ in range(1500):
        plant.advance(0.1)
        inside.append(plant.get("ph"))
    assert plant.get("ph_measured") == pytest.approx(
        np.interp(150.0 - delay_s, np.arange(1501) * 0.1, inside), abs=2e-6
    )


@pytest.mark.parametrize(("charge", "ph"), [(1.0, 3.0), (-1.0, 11.0), (0.0, 7.0), (100e3, 0.0), (-100e3, 14.0)])
def test_ph_of_strong_acids_and_bases(charge: float, ph: float) -> None:
    """Without carbonate the charge is all there is: 1 mmol/L of acid has pH 3, of base pH 11."""
    assert ph_of(charge, 0.0, 6.35, 10.25) == pytest.approx(ph, abs=1e-6)
