"""The quadruple tank at its limits: full, empty, leaking, and never making water out of nothing."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plant_models.library import PLANTS
from plant_models.model import PlantEvent, PlantModel
from plant_models.quadruple_tank import LAMINAR_M, outflow_m3_s

AREAS_M2 = np.array([28e-4, 32e-4, 28e-4, 32e-4])


def quadruple_tank(setting: str = "minimum_phase") -> PlantModel:
    return PLANTS["quadruple_tank"].create(setting)


def volume_m3(plant: PlantModel) -> float:
    return float(plant.states @ AREAS_M2)


def net_inflow_m3_s(plant: PlantModel) -> float:
    """What the pumps bring minus what leaves the lower tanks and the leaks."""
    leaving = sum(outflow_m3_s(plant.get(f"outlet_{i}"), plant.get(f"h_{i}")) for i in (1, 2))
    leaking = sum(outflow_m3_s(plant.get(f"leak_{i}"), plant.get(f"h_{i}")) for i in (1, 2, 3, 4))
    return plant.get("pump_flow_1") + plant.get("pump_flow_2") - leaving - leaking


volts = st.floats(0.0, 10.0)
fractions = st.floats(0.0, 1.0)
leaks = st.floats(0.0, 5e-5)


@settings(max_examples=25, deadline=None)
@given(st.tuples(volts, volts), st.tuples(fractions, fractions), st.tuples(leaks, leaks, leaks, leaks), st.data())
def test_water_is_neither_made_nor_lost(drive, split, leak, data) -> None:  # type: ignore[no-untyped-def]
    """Promise: dV/dt is what comes in minus what goes out, and less only while a tank spills."""
    plant = quadruple_tank()
    plant.states[:] = data.draw(st.lists(st.floats(0.0, 0.2), min_size=4, max_size=4))
    plant.inputs[:] = (*drive, *split)
    plant.disturbances[:] = leak
    for _ in range(100):
        before_m3, rate_before_m3_s = volume_m3(plant), _net(plant)
        assert plant.derivatives() @ AREAS_M2 == pytest.approx(rate_before_m3_s, abs=1e-15)
        plant.advance(0.004)
        gained_m3 = volume_m3(plant) - before_m3
        expected_m3 = 0.002 * (rate_before_m3_s + _net(plant))  # trapezoid over 4 ms
        assert gained_m3 <= expected_m3 + 1e-9
        if not plant.active_conditions():
            assert gained_m3 == pytest.approx(expected_m3, abs=1e-9)  # 1 mm3 of some 120 mm3
        assert plant.states.min() >= 0.0
        assert plant.states.max() <= 0.2


def _net(plant: PlantModel) -> float:
    plant.measure()
    return net_inflow_m3_s(plant)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=8, max_size=8))
def test_no_drive_signal_whatsoever_breaks_the_plant(values: list[float]) -> None:
    """Actuators saturate: beyond 0–10 V and 0–1 nothing more happens, and NaN is a pump that stands."""
    plant = quadruple_tank()
    plant.inputs[:] = values[:4]
    plant.disturbances[:] = [abs(v) if math.isfinite(v) and abs(v) < 1e-3 else 0.0 for v in values[4:]]
    plant.advance(0.1, 500)
    assert np.isfinite(plant.states).all()
    assert plant.states.min() >= 0.0
    assert plant.states.max() <= 0.2
    assert 0.0 <= plant.get("pump_flow_1") <= 3.33e-5 + 1e-12


def test_pumps_off_every_tank_runs_empty_and_stays_so() -> None:
    plant = quadruple_tank()
    plant.inputs[:2] = 0.0
    plant.advance(0.1, 36_000)
    assert (plant.states < 1e-6).all()
    assert (plant.states >= 0.0).all()
    np.testing.assert_allclose(plant.derivatives(), 0.0, atol=1e-8)


def test_torricelli_and_the_last_tenth_of_a_millimetre() -> None:
    assert outflow_m3_s(7.1e-6, 0.1) == pytest.approx(7.1e-6 * math.sqrt(2 * 9.81 * 0.1))
    below, above = (outflow_m3_s(7.1e-6, LAMINAR_M * f) for f in (1 - 1e-9, 1 + 1e-9))
    assert below == pytest.approx(above, rel=1e-8)
    assert outflow_m3_s(7.1e-6, LAMINAR_M / 2) == pytest.approx(outflow_m3_s(7.1e-6, LAMINAR_M) / 2)
    assert outflow_m3_s(7.1e-6, -0.01) == 0.0


def test_a_tank_overflows_once_and_is_over_a_millimetre_below_the_rim() -> None:
    plant = quadruple_tank()
    plant.set("pump_voltage_1", 10.0)
    plant.advance(0.1, 3000)
    assert plant.get("level_1") == 0.2
    assert "overflow_1" in plant.active_conditions()
    started = plant.take_events()
    assert [e.condition for e in started if e.condition == "overflow_1"] == ["overflow_1"]
    assert all(e.active for e in started)
    assert plant.take_events() == []

    plant.set("pump_voltage_1", 0.0)
    plant.advance(0.1, 1)
    assert "overflow_1" in plant.active_conditions()
    plant.advance(0.1, 300)
    assert "overflow_1" not in plant.active_conditions()
    assert [(e.condition, e.active) for e in plant.take_events() if e.condition == "overflow_1"] == [
        ("overflow_1", False)
    ]


def test_events_carry_the_time_of_the_step_in_which_they_happened() -> None:
    plant, slow = quadruple_tank(), quadruple_tank()
    for model in (plant, slow):
        model.set("pump_voltage_1", 10.0)
    plant.advance(0.1, 3000)
    event = plant.take_events()[0]
    while not (found := slow.take_events()):
        slow.advance(0.1)
    assert event == PlantEvent(  # type: ignore[arg-type]
        pytest.approx(found[0].time_s), found[0].condition, True, pytest.approx(found[0].value)
    )
    assert found[0].time_s == pytest.approx(slow.time_s)


def test_events_not_yet_taken_survive_a_snapshot() -> None:
    plant, other = quadruple_tank(), quadruple_tank()
    plant.set("pump_voltage_1", 10.0)
    plant.advance(0.1, 3000)
    other.restore(plant.snapshot())
    assert other.take_events() == plant.take_events() != []


def test_a_leak_lowers_its_tank_and_the_one_below_only() -> None:
    plant = quadruple_tank()
    before = plant.outputs.copy()
    plant.set("leak_3", 1e-6)
    plant.advance(0.1, 3000)
    fell = before - plant.outputs
    assert fell[2] > 1e-3
    assert fell[0] > 1e-3
    np.testing.assert_allclose(fell[[1, 3]], 0.0, atol=1e-9)


def test_outputs_are_levels_and_pump_flows() -> None:
    plant = quadruple_tank()
    plant.set("pump_voltage_2", 4.0)
    assert plant.get("pump_flow_2") == pytest.approx(4.0 * 3.35e-6)
    np.testing.assert_array_equal(plant.outputs[:4], plant.states)
