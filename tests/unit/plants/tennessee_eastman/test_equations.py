"""The fast kernels against the equations written plainly: every branch, every limit, random states."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plant_models.compiled import CompiledPlant
from plant_models.library import PLANTS
from plant_models.tennessee_eastman.walks import MEAN
from tests.support.te_plain import Answer, enthalpy, equations

PLANT = PLANTS["tennessee_eastman"]
Change = Callable[[CompiledPlant], None]


def created() -> CompiledPlant:
    plant = PLANT.create("base")
    assert isinstance(plant, CompiledPlant)
    plant.set("noise", 0.0)
    return plant


def same(plant: CompiledPlant) -> Answer:
    """Derivatives within 1e-12 of the gross flux, measurements within 1e-11, the same limits violated."""
    commands = np.clip(plant.inputs, 0.0, 100.0)
    plain = equations(list(plant.states), list(commands), list(plant.disturbances), MEAN)
    found = plant.derivatives() * 3600.0
    flux = np.maximum(np.array(plain.flux), 1e-6)
    assert np.max(np.abs(found - np.array(plain.rates)) / flux) < 1e-12
    plant.measure()
    np.testing.assert_allclose(plant.outputs[:22], plain.xmeas, rtol=1e-11, atol=1e-9)
    trips = [name in plant.active_conditions() for name in PLANT.condition_names[:8]]
    assert trips == plain.tripped
    return plain


def heated(plant: CompiledPlant, temperature_c: float) -> None:
    """The stripper's sump at another temperature."""
    amounts = [float(n) for n in plant.states[18:26]]
    plant.states[26] = enthalpy(amounts, temperature_c, False)


def with_level(plant: CompiledPlant, first: int, energy: int, factor: float) -> None:
    """A vessel with ``factor`` times its liquid, at the same temperature."""
    plant.states[first : energy + 1] *= factor


def scaled_gas(plant: CompiledPlant, first: int, last: int, factor: float) -> None:
    plant.states[first:last] *= factor


def test_base_case_and_every_step_disturbance() -> None:
    plant = created()
    same(plant)
    for number in range(1, 8):
        plant.disturbances[:] = 0.0
        plant.disturbances[number - 1] = 0.3  # any positive value is on
        same(plant)


@pytest.mark.parametrize("position", [0.0, 0.005, 0.1])
def test_stripper_with_little_or_no_liquid(position: float) -> None:
    """Up to 0.1 lbmol/h of liquid (F11 = 0 and 0.075) the shares are fixed; above, they follow the curve."""
    plant = created()
    plant.states[44] = position
    seen = same(plant).seen
    assert (seen["f11"] > 0.1) == (position > 0.05)


@pytest.mark.parametrize(("factor", "low", "high"), [(0.5, 10.0, 50.0), (0.14, 9.0, 11.0), (0.125, 0.0, 10.0)])
def test_reactor_coil_partly_or_not_covered(factor: float, low: float, high: float) -> None:
    plant = created()
    with_level(plant, 3, 8, factor)
    assert low < same(plant).seen["level"] < high


@pytest.mark.parametrize("temperature_c", [4.0, 5.2, 5.4, 99.9, 100.1, 120.0, 169.0, 171.0])
def test_stripper_temperature(temperature_c: float) -> None:
    """Above 100 degC no steam; below 5.292 and above 170 the stripping curve has its ends."""
    plant = created()
    heated(plant, temperature_c)
    assert same(plant).seen["t_c"] == pytest.approx(temperature_c, abs=1e-6)
    assert (plant.get("xmeas19") == 0.0) == (temperature_c > 100.0)


def test_no_flow_backwards_into_the_mixing_zone() -> None:
    plant = created()
    plant.states[27:36] *= 0.8
    seen = same(plant).seen
    assert seen["p_v"] < seen["p_r"]
    assert plant.get("xmeas6") == 0.0


def test_compressor_at_its_highest_pressure_ratio() -> None:
    plant = created()
    plant.states[27:36] *= 1.3
    seen = same(plant).seen
    assert seen["p_v"] / seen["p_s"] > 1.3
    assert plant.get("xmeas20") == pytest.approx(0.0, abs=1.0)


def test_recycle_has_a_floor() -> None:
    plant = created()
    plant.states[42] = 100.0
    plant.states[27:36] *= 1.05
    assert same(plant).seen["net"] < 0.0
    assert 0.0 < plant.get("xmeas5") < 1e-6


def test_no_flow_backwards_into_the_reactor() -> None:
    plant = created()
    plant.states[0:3] *= 0.5
    seen = same(plant).seen
    assert seen["p_s"] > seen["p_r"]


@pytest.mark.parametrize("missing", [[0], [2], [0, 2], [0, 1, 2]])
def test_reactor_without_a_or_c_does_not_react(missing: list[int]) -> None:
    plant = created()
    plant.states[missing] = 0.0
    assert same(plant).seen["r1"] == 0.0


@pytest.mark.parametrize("demand", [-5.0, 105.0, 1e9])
def test_demands_outside_of_the_valve_are_clipped(demand: float) -> None:
    """The field may write anything into the inputs."""
    plant = created()
    plant.inputs[:] = demand
    same(plant)
    plant.advance(1.0, 600)
    assert np.all(plant.states[38:] >= 0.0)
    assert np.all(plant.states[38:] <= 100.0)


def test_a_demand_that_is_no_number_moves_nothing() -> None:
    plant = created()
    other = created()
    plant.advance(1.0, 10)
    other.advance(1.0, 10)
    plant.inputs[:] = np.nan
    plant.advance(1.0, 100)
    other.advance(1.0, 100)
    assert plant.states.tobytes() == other.states.tobytes()


def hot_reactor(plant: CompiledPlant) -> None:
    """Above 175 degC, with little of what boils."""
    plant.states[3:6] *= 0.01
    plant.states[0:3] *= 0.1
    plant.states[8] = enthalpy([0.0, 0.0, 0.0, *map(float, plant.states[3:8])], 176.0, False)


LIMITS: dict[str, Change] = {
    "trip_reactor_pressure": lambda plant: scaled_gas(plant, 0, 3, 1.4),
    "trip_reactor_level_high": lambda plant: (with_level(plant, 3, 8, 1.5), scaled_gas(plant, 0, 3, 0.3))[0],
    "trip_reactor_level_low": lambda plant: with_level(plant, 3, 8, 0.11),
    "trip_reactor_temperature": hot_reactor,
    "trip_separator_level_high": lambda plant: with_level(plant, 12, 17, 2.5),
    "trip_separator_level_low": lambda plant: with_level(plant, 12, 17, 0.19),
    "trip_stripper_level_high": lambda plant: with_level(plant, 18, 26, 1.85),
    "trip_stripper_level_low": lambda plant: with_level(plant, 18, 26, 0.21),
}


@pytest.mark.parametrize("condition", LIMITS)
def test_each_shutdown_limit_stops_the_plant_and_says_so(condition: str) -> None:
    plant = created()
    LIMITS[condition](plant)
    plain = same(plant)
    number = PLANT.condition_names.index(condition)
    assert plain.tripped[number]
    assert condition in plant.active_conditions()
    assert np.all(plant.derivatives() == 0.0)
    event = next(e for e in plant.take_events() if e.condition == condition)
    assert event.active
    assert np.isfinite(event.value)
    before = plant.states.copy()
    plant.advance(1.0, 1000)
    assert plant.states.tobytes() == before.tobytes()
    assert plant.time_s == 1000.0


def test_limits_are_strict_to_one_part_in_a_million() -> None:
    """Just inside nothing happens."""
    for first, energy, start_m3, limit_m3 in ((18, 26, "stripper_volume", 8.0), (12, 17, "separator_volume", 12.0)):
        for side, trips in ((1.0 - 1e-6, False), (1.0 + 1e-6, True)):
            plant = created()
            with_level(plant, first, energy, side * limit_m3 / plant.get(start_m3))
            assert any(same(plant).tripped) == trips


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_random_states_valves_and_disturbances(seed: int) -> None:
    """Five per cent around the base case, with any valves."""
    random = np.random.default_rng(seed)
    plant = created()
    plant.states[:38] *= random.uniform(0.95, 1.05, 38)
    plant.states[38:] = random.uniform(0.0, 100.0, 12)
    plant.disturbances[:7] = random.integers(0, 2, 7)
    same(plant)
