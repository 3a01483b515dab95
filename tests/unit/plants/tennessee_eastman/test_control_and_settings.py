"""The published controllers, the settings and the batch."""

import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plant_models.compiled import CompiledPlant
from plant_models.library import PLANTS
from plant_models.tennessee_eastman import stepping
from plant_models.tennessee_eastman.batch import Batch, run_batch, run_one
from plant_models.tennessee_eastman.closed_loop import TennesseeEastmanControl, closed_loop
from plant_models.tennessee_eastman.cold import cool_down
from plant_models.tennessee_eastman.cold_state import COLD
from plant_models.tennessee_eastman.economics import cost_of
from plant_models.tennessee_eastman.reference_control import OVERRIDE, SEEN
from plant_models.tennessee_eastman.steady_state import nearest_steady_state
from tests.reference.te_tables import table
from tests.support.te_start_up import StartUp

PLANT = PLANTS["tennessee_eastman"]
COSTS = {1: 114.31, 2: 181.09, 3: 43.93, 4: 243.9, 5: 194.6, 6: 49.2}
"""$/h of the modes; the first three as published."""


def created(setting: str = "base", **options: object) -> CompiledPlant:
    plant = PLANT.create(setting, **options)  # type: ignore[arg-type]
    assert isinstance(plant, CompiledPlant)
    return plant


@pytest.mark.parametrize(("integrator", "dt_s"), [("euler", 1.0), ("rk4", 0.25)])
def test_second_by_second_is_the_same_as_many_in_one_call(integrator: str, dt_s: float) -> None:
    """The hook that a study uses and the compiled loop: same bits, noise included."""
    one, many = created(integrator=integrator), created(integrator=integrator)
    assert PLANT.reference_control is not None
    step, advance = PLANT.reference_control(one), PLANT.reference_control(many)
    for onset in (0, 1):
        for plant in (one, many):
            plant.set("idv4", float(onset))
        for _ in range(1900):
            step.step(one)
            one.advance(dt_s, round(1.0 / dt_s))
        advance.advance(many, 1900, dt_s)
        assert one.states.tobytes() == many.states.tobytes()
        assert one.outputs.tobytes() == many.outputs.tobytes()
        assert step.setpoints.tobytes() == advance.setpoints.tobytes()
    assert step.setpoint_names[:2] == ("sp1", "sp2")


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 800), min_size=1, max_size=6), st.sampled_from([360, 361, 720, 721, 900, 901, 1081]))
def test_it_does_not_matter_how_a_run_is_cut_into_calls(parts: list[int], first: int) -> None:
    """Analysers sample at the end of one call and are seen in the next."""
    cut, whole = created(), created()
    cut_control, whole_control = TennesseeEastmanControl(cut), TennesseeEastmanControl(whole)
    for part in (first, *parts):
        cut_control.advance(cut, part, 1.0)
    whole_control.advance(whole, first + sum(parts), 1.0)
    assert cut.states.tobytes() == whole.states.tobytes()
    assert cut.outputs.tobytes() == whole.outputs.tobytes()
    assert cut_control.memory.tobytes() == whole_control.memory.tobytes()


def test_rows_of_a_run() -> None:
    plant = created()
    plant.set("noise", 0.0)
    rows = list(closed_loop(plant, 600, 180))
    assert [row.time_s for row in rows] == [0.0, 180.0, 360.0, 540.0, 600.0]
    assert rows[-1].xmeas[6] == pytest.approx(2705.0, abs=0.05)
    assert (len(rows[0].xmeas), len(rows[0].xmv), len(rows[0].setpoints)) == (41, 12, 20)
    with pytest.raises(ValueError, match=r"must divide a second; 0\.3 s does not"):
        TennesseeEastmanControl(plant).advance(plant, 1, 0.3)


def test_an_adaptive_integrator_runs_under_control_only_second_by_second() -> None:
    plant = created(integrator="adaptive")
    control = TennesseeEastmanControl(plant)
    with pytest.raises(ValueError, match="use euler, rk4 or stiff"):
        control.advance(plant, 1, 1.0)


def test_all_integrators_agree_on_a_step_of_the_a_and_c_feed() -> None:
    pressures = {}
    for integrator, limit in (("rk4", 0.0), ("euler", 0.05), ("stiff", 0.05), ("adaptive", 1e-3), ("radau", 1e-3)):
        plant = created(integrator=integrator)
        plant.set("noise", 0.0)
        plant.set("xmv4", plant.get("xmv4") + 1.0)
        plant.advance(1.0, 40)
        pressures[integrator] = plant.get("xmeas7")
        assert abs(pressures[integrator] - pressures["rk4"]) <= limit, integrator


OVERRIDES = (
    # memory before, pressure, memory after, purge demand
    (0.0, 2950.0, 1.0, 100.0),
    (1.0, 2700.0, 1.0, 100.0),
    (1.0, 2633.0, 0.0, 40.06),
    (0.0, 2300.0, 2.0, 0.0),
    (2.0, 2500.0, 2.0, 0.0),
    (2.0, 2640.0, 0.0, 40.06),
)


@pytest.mark.parametrize(("before", "pressure", "after", "demand"), OVERRIDES)
def test_pressure_override_of_the_purge(before: float, pressure: float, after: float, demand: float) -> None:
    plant = created()
    control = TennesseeEastmanControl(plant)
    control.memory[OVERRIDE] = before
    for _ in range(3):
        control.memory[SEEN + 12] = pressure
        control.step(plant)
        control.memory[SEEN + 12] = pressure
    assert control.memory[OVERRIDE] == after
    assert plant.inputs[5] == demand


@pytest.mark.parametrize("mode", range(1, 7))
def test_each_mode_is_a_steady_state_within_the_published_digits(mode: int) -> None:
    """States to 1e-5, demands to 0.001 %, measurements as printed, the published cost; and the refinement repeats."""
    _, states = table("ricker_modes_states")
    _, demands = table("ricker_modes_xmv")
    _, measured = table("ricker_modes_xmeas")
    plant = created(f"mode_{mode}")
    assert plant.states[:38].tolist() == pytest.approx(states[:, 1 + mode].tolist(), rel=1e-5, abs=1e-8)
    assert plant.inputs.tolist() == pytest.approx(demands[:, 1 + mode].tolist(), abs=1e-3)
    assert np.max(np.abs(plant.derivatives()[:38] * 3600.0) / np.maximum(np.abs(plant.states[:38]), 1e-3)) < 1e-9
    for number, printed in zip(range(1, 42), measured[:, 1 + mode], strict=True):
        digits = 0.51 if abs(printed) >= 700 else 0.06 if abs(printed) >= 100 else 0.051 if number != 10 else 0.001
        assert plant.get(f"xmeas{number}") == pytest.approx(printed, abs=digits), f"xmeas{number}"
    assert plant.get("operating_cost") == pytest.approx(COSTS[mode], abs=0.06)
    assert cost_of(list(plant.outputs[:41])) == pytest.approx(plant.get("operating_cost"), rel=0.02)
    again, moved = nearest_steady_state(created(), states[:, 1 + mode].copy(), demands[:, 1 + mode].copy())
    np.testing.assert_allclose(again, plant.states[:38], rtol=1e-9)
    np.testing.assert_allclose(moved, plant.inputs, atol=1e-6)


def test_the_coldest_state_is_where_a_shutdown_ends() -> None:
    plant = created()
    plant.set("noise", 0.0)
    cool_down(plant)
    assert plant.take_events() == []
    np.testing.assert_allclose(plant.states, COLD, rtol=1e-6, atol=1e-9)
    for number, low, high in ((9, 34.0, 36.5), (11, 31.0, 34.0), (18, 32.0, 36.0), (13, 190.0, 210.0)):
        assert low < plant.get(f"xmeas{number}") < high


def test_the_coldest_state_stands_for_four_hours_and_then_says_what_gives() -> None:
    plant = created("cold")
    plant.advance(1.0, 4 * 3600)
    assert plant.active_conditions() == ()
    plant.advance(1.0, 3 * 3600)
    assert plant.active_conditions() == ("trip_reactor_level_low",)


def test_the_plant_can_be_started_from_cold_with_its_twelve_valves() -> None:
    """Without a trip, to full load and reaction temperature, in less than six hours."""
    plant = created("cold")
    plant.set("noise", 0.0)
    start = StartUp(plant)
    while start.second():
        assert plant.active_conditions() == ()
        assert plant.time_s < 6 * 3600
    assert plant.get("xmeas9") == pytest.approx(120.4, abs=0.5)
    assert 2300.0 < plant.get("xmeas7") < 2800.0
    assert plant.get("xmeas17") == pytest.approx(22.95, rel=0.1)
    assert all(plant.get(name) > 30.0 for name in ("xmeas8", "xmeas12", "xmeas15"))


@pytest.mark.parametrize(
    ("integrator", "pressure_kpa", "smooth"), [("euler", 200.0, True), ("euler", 150.0, False), ("rk4", 150.0, True)]
)
def test_explicit_euler_with_one_second_ends_where_the_pressure_is_low(
    integrator: str, pressure_kpa: float, smooth: bool
) -> None:
    """Why the coldest state has 200 kPa: with less, the compressor's flow oscillates with Euler, not with RK4."""
    plant = created(integrator=integrator)
    plant.set("noise", 0.0)
    cool_down(plant, pressure_kpa)
    apart = []
    for _ in range(20):
        plant.advance(1.0)
        apart.append(abs(plant.get("xmeas5") / plant.get("xmeas6") - 1.0))
    assert max(apart) < 1e-3 if smooth else max(apart) > 0.5


def test_a_batch_gives_every_seed_its_own_run_and_tells_of_its_progress() -> None:
    told: list[tuple[float, float]] = []
    batch = Batch(1800, every_s=300, columns=("xmeas7",))
    outcomes = run_batch([3, 1, 2], batch, on_progress=lambda done, total: told.append((done, total)), workers=2)
    assert [o.seed for o in outcomes] == [3, 1, 2]
    assert told[-1] == (5400.0, 5400.0)
    assert all(earlier[0] <= later[0] for earlier, later in pairwise(told))
    for outcome in outcomes:
        alone = run_one(outcome.seed, batch)
        assert alone.samples.tobytes() == outcome.samples.tobytes()
        assert alone.cost == outcome.cost == pytest.approx(170.6, abs=5.0)
        assert outcome.samples.shape == (7, 2)
        assert (outcome.trip, outcome.time_s) == ("", 1800.0)


def test_runs_of_a_batch_are_computed_side_by_side() -> None:
    """The compiled call gives up the interpreter's lock, so that threads use all cores."""
    assert getattr(stepping.run, "targetoptions", {"nogil": True})["nogil"] is True


def test_a_batch_says_when_and_why_a_run_ended() -> None:
    batch = Batch(8 * 3600, disturbances={"idv6": 1.0}, onset_s=3599, parameters={"noise": 0.0})
    (outcome,) = run_batch([0], batch)
    assert (outcome.trip, outcome.time_s) == ("trip_reactor_pressure", 24847.0)
    with pytest.raises(ValueError, match="onset within the run"):
        Batch(100, onset_s=200)
    with pytest.raises(KeyError, match="no variable 'nonsense'"):
        run_batch([1], Batch(60, parameters={"nonsense": 1.0}))


UNCOMPILED = """
from plant_models.library import PLANTS
plant = PLANTS["tennessee_eastman"].create(seed=7)
for name in ("idv8", "idv11", "idv14", "idv19"):
    plant.set(name, 1.0)
control = PLANTS["tennessee_eastman"].reference_control(plant)
control.advance(plant, 400, 1.0)
plant.set("shared_generator", 1.0)
control.advance(plant, 20, 1.0)
print(plant.states.tobytes().hex(), plant.outputs.tobytes().hex())
"""


def test_compiled_and_uncompiled_give_the_same_bits() -> None:
    """400 seconds with noise, walks and sticking valves, then 20 with the shared generator."""
    outputs = []
    for disabled in ("0", "1"):
        environment = {**os.environ, "NUMBA_DISABLE_JIT": disabled}
        done = subprocess.run(
            [sys.executable, "-c", UNCOMPILED], env=environment, capture_output=True, text=True, timeout=110, check=True
        )
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) > 1000
