"""What units do beyond their equations: sticking valves, failing air, tripping motors, full and empty tanks, events."""

import math

import numpy as np
import pytest

from plant_models.model import PlantModel
from tests.unit.plants.flowsheets import between_boundaries, plant

VALVE = "V: {{type: valve, kv: 10 m3/h, stroke_time: 10 s, lag: 100 ms{}}}"


def valve(more: str = "", demand: str = "50 %") -> PlantModel:
    return plant(between_boundaries(VALVE.format(more), "V", f"{{V: {{demand: {demand}}}}}"))


def moved(model: PlantModel, demands: "np.ndarray", name: str = "V.opening") -> "np.ndarray":
    """The opening at rest after each demand."""
    found = []
    for demand in demands:
        model.set("V.demand", float(demand))
        model.advance(0.05, 200)
        found.append(model.get(name))
    return np.array(found)


def test_a_valve_takes_its_stroke_time() -> None:
    model = valve(demand="0 %")
    model.set("V.demand", 1.0)
    model.advance(0.05, 100)
    assert model.get("V.position") == pytest.approx(0.5, abs=1e-6)
    model.advance(0.05, 120)
    assert model.get("V.position") == pytest.approx(1.0, abs=1e-4)


def test_a_healthy_valve_follows_exactly() -> None:
    demands = np.array([0.2, 0.21, 0.205, 0.9, 0.1])
    np.testing.assert_allclose(moved(valve(), demands), demands, atol=1e-9)


def test_backlash_loses_its_width_at_every_turn() -> None:
    """Promise: going up the plug is half of the play below the stem, going down half of it above; no jump."""
    up, down = np.arange(0.51, 0.61, 0.01), np.arange(0.59, 0.49, -0.01)
    model = valve(", backlash: 4 %")
    going_up, going_down = moved(model, up), moved(model, down)
    np.testing.assert_allclose(going_up[2:], up[2:] - 0.02, atol=1e-9)
    np.testing.assert_allclose(going_up[0], 0.5, atol=1e-9)
    np.testing.assert_allclose(going_down[:3], going_up[-1], atol=1e-9)
    np.testing.assert_allclose(going_down[5:], down[5:] + 0.02, atol=1e-9)


def test_stiction_sticks_and_jumps() -> None:
    """Promise: after a turn the actuator travels S = 5 % before the stem moves, and then it jumps by J = 2 %."""
    model = valve(", stiction: 5 %, jump: 2 %")
    moved(model, np.array([0.6]))
    fine = np.arange(0.6, 0.53, -0.002)
    stem = moved(model, fine)
    steps = -np.diff(stem)
    first = int(np.argmax(steps > 1e-6))
    assert fine[0] - fine[first + 1] == pytest.approx(0.05, abs=0.003)
    assert steps[first] == pytest.approx(0.02, abs=0.003)
    assert np.all(steps[:first] == 0.0)


def test_a_sticking_valve_makes_an_integrating_controller_cycle() -> None:
    """Promise: the signature of stiction: PI on a flow, constant setpoint, the demand never comes to rest."""
    spans = []
    for more in ("", ", stiction: 5 %, jump: 5 %"):
        model = valve(more)
        target, integral = 1.05 * model.get("V.flow"), 0.5
        demands = []
        for _ in range(4000):
            error = (target - model.get("V.flow")) / target
            integral = min(max(integral + 0.05 * error * 0.1, 0.0), 1.0)
            model.set("V.demand", min(max(integral + 0.1 * error, 0.0), 1.0))
            model.advance(0.1)
            demands.append(model.get("V.demand"))
        spans.append(np.ptp(demands[2000:]))
    assert spans[0] < 1e-6
    assert spans[1] > 0.03


@pytest.mark.parametrize(("failure", "end"), [("closed", 0.0), ("open", 1.0), ("last", 0.5)])
def test_without_air_a_valve_goes_where_its_spring_pushes(failure: str, end: float) -> None:
    model = valve(f", air_failure: {failure}")
    model.set("V.air_failed", 1.0)
    model.set("V.demand", 0.3)
    model.advance(0.05, 20)
    assert abs(model.get("V.position") - 0.5) <= 0.1 + 1e-9, "at its stroke time, not at once"
    model.advance(0.05, 300)
    assert model.get("V.position") == pytest.approx(end, abs=1e-6)
    model.set("V.air_failed", 0.0)
    model.advance(0.05, 300)
    assert model.get("V.position") == pytest.approx(0.3, abs=1e-6)


def test_a_stuck_and_a_blocked_valve() -> None:
    model = valve()
    flow = model.get("V.flow")
    model.set("V.stuck", 1.0)
    model.set("V.demand", 1.0)
    model.advance(0.05, 100)
    assert model.get("V.flow") == flow
    model.set("V.blocked", 0.5)
    assert model.get("V.flow") == pytest.approx(0.5 * flow)
    model.set("V.blocked", 1.0)
    assert model.get("V.flow") == 0.0


TANK = """
units:
  feed: {type: source, pressure: 2 bar}
  V: {type: valve, kv: 20 m3/h, stroke_time: 1 s}
  T: {type: tank, area: 0.5 m2, height: 1 m, low_low: 10 cm}
  W: {type: valve, kv: 20 m3/h, stroke_time: 1 s}
  out: {type: sink}
connections: [feed -> V -> T, T -> W -> out]
initial: {T: {level: 50 cm}, V: {demand: 0 %}, W: {demand: 0 %}}
"""


def test_a_full_tank_spills_and_says_so_and_an_empty_one_too() -> None:
    """Promise: overflow and low-low are events; what is spilled is counted; a tank never goes below 0."""
    model = plant(TANK)
    model.set("V.demand", 1.0)
    model.advance(0.1, 3000)
    entered_m3 = 0.0
    (event,) = model.take_events()
    assert (event.condition, event.active) == ("T.overflow", True)
    assert model.get("T.level") == 1.0
    flow = model.get("V.flow")
    before, entered_m3 = model.get("T.spilled"), flow * 10.0
    model.advance(0.1, 100)
    assert model.get("T.spilled") - before == pytest.approx(entered_m3, rel=1e-6)
    model.set("V.demand", 0.0)
    model.set("W.demand", 1.0)
    model.advance(0.1, 10000)
    assert [(e.condition, e.active) for e in model.take_events()] == [("T.overflow", False), ("T.low_low", True)]
    assert 0.0 <= model.get("T.level") < 1e-3


def test_a_pump_cannot_take_more_than_there_is() -> None:
    """Promise: a tank sucked empty stays at or above zero and its pump loses the flow, without chattering."""
    model = plant(
        """
units:
  T: {type: tank, area: 0.5 m2, height: 1 m}
  P: {type: pump, shutoff_head: 20 m, rated_head: 15 m, rated_flow: 10 m3/h}
  L: {type: pipe, length: 5 m, diameter: 50 mm}
  out: {type: sink}
connections: [T -> P -> L -> out]
initial: {T: {level: 20 cm}, P: {speed: 100 %}}
"""
    )
    flows = []
    for _ in range(3000):
        model.advance(0.1)
        flows.append(model.get("P.flow"))
        assert model.get("T.level") >= 0.0
    assert flows[0] > 2e-3
    assert flows[-1] < 1e-5
    assert np.all(np.diff(flows) <= 1e-12)
    assert "P.deadhead" in model.active_conditions()


MOTOR = """
units:
  a: {type: source, pressure: 1 bar}
  M: {type: motor, rated_power: 1 kW, rated_current: 2 A, ramp: 4 s, coast: 8 s, thermal_time: 30 s}
  P: {type: pump, driven_by: M, shutoff_head: 30 m, rated_head: 25 m, rated_flow: 8 m3/h}
  V: {type: valve, kv: 8 m3/h}
  out: {type: sink, pressure: 1 bar}
connections: [a -> P -> V -> out]
initial: {V: {demand: 100 %}}
"""


def test_a_motor_starts_over_its_ramp_with_its_inrush_and_stops() -> None:
    model = plant(MOTOR)
    assert model.get("P.running") == model.get("M.current") == 0.0
    model.set("M.start", 1.0)
    assert model.get("M.current") == pytest.approx(2.0 * (0.3 + 5.0)), "idle share, and inrush 6 at standstill"
    model.advance(0.1, 20)
    assert model.get("M.speed") == pytest.approx(0.5, abs=1e-9)
    assert model.get("P.running") == 1.0
    model.advance(0.1, 100)
    load = model.get("P.power") / 1000.0
    assert model.get("M.current") == pytest.approx(2.0 * (0.3 + 0.7 * load), rel=1e-3)
    model.set("M.start", 0.0)
    model.advance(0.1, 40)
    assert model.get("M.speed") == pytest.approx(0.5, abs=0.01)


def test_an_overloaded_motor_trips_and_stays_tripped_until_it_is_reset() -> None:
    """Promise: with current I it trips when τ ln((I² − θ)/(I² − 1.15²)) has passed; start off and on again resets."""
    model = plant(MOTOR.replace("1 kW", "500 W").replace("thermal_time: 30 s", "thermal_time: 300 s"))
    model.set("M.start", 1.0)
    model.advance(0.1, 100)
    square, heat, limit = (model.get("M.current") / 2.0) ** 2, model.get("M.heat"), 1.15**2
    assert square > 1.1 * limit
    model.advance(0.1, 4000)
    (event,) = (e for e in model.take_events() if e.condition == "M.tripped")
    assert event.active
    assert event.value == pytest.approx(limit, rel=1e-3)
    assert event.time_s == pytest.approx(10.0 + 300.0 * math.log((square - heat) / (square - limit)), abs=0.3)
    assert (model.get("M.tripped"), model.get("M.current")) == (1.0, 0.0)
    model.advance(0.1, 2000)
    assert model.get("M.speed") == pytest.approx(0.0, abs=1e-6), "it does not start again by itself"
    model.set("M.start", 0.0)
    model.advance(0.1)
    assert model.get("M.tripped") == 0.0
    model.set("M.start", 1.0)
    model.set("M.trip", 1.0)
    model.advance(0.1, 50)
    assert model.get("M.speed") == pytest.approx(0.0, abs=1e-6)


def test_what_is_not_a_number_stops_nothing() -> None:
    """Promise: an input that is not a number counts as its low end, and no output becomes one."""
    model = plant(MOTOR)
    model.set("M.start", 1.0)
    model.advance(0.1, 100)
    for name in ("M.start", "V.demand"):
        position = model.type.names("input").index(name)
        model.inputs[position] = math.nan
    model.advance(0.1, 100)
    assert np.all(np.isfinite(model.outputs))
    assert np.all(np.isfinite(model.states))
    assert model.get("V.position") == pytest.approx(0.0, abs=1e-4)
