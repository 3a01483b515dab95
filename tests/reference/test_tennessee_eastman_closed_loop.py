"""Closed-loop trajectories of the published simulator under its published controllers."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from plant_models.compiled import CompiledPlant
from plant_models.library import PLANTS
from plant_models.model import PlantModel
from plant_models.tennessee_eastman.closed_loop import TennesseeEastmanControl, run
from plant_models.tennessee_eastman.layout import WALK_A, WALK_B, WALK_C, WALK_D, WALK_LAST, WALK_NEXT
from plant_models.tennessee_eastman.reference_control import SEEN
from tests.reference.te_tables import Table, table, worst

PLANT = PLANTS["tennessee_eastman"]
ONSET = 3600  # second whose controllers see the disturbance begin


@dataclass(frozen=True)
class Run:
    file: str
    disturbance: int = 0
    rk4: bool = False
    drawn: bool = False  # noise of zero size that still takes numbers from the generator


RUNS = (
    Run("closed_base_euler1s"),
    Run("closed_base_rk4", rk4=True),
    Run("closed_idv06_euler1s", 6),
    Run("closed_idv06_rk4", 6, rk4=True),
    Run("closed_idv11_nodraw_euler1s", 11),
    Run("closed_idv11_draw_euler1s", 11, drawn=True),
)


class Driver:
    """A plant under its controllers, second by second of the published numbering (the first is number 1)."""

    def __init__(self, run: Run) -> None:
        self.plant: PlantModel = PLANT.create("base", integrator="rk4" if run.rk4 else "euler")
        self.plant.set("noise", 0.0)
        self.plant.set("shared_generator", 1.0 if run.drawn else 0.0)
        self.control = TennesseeEastmanControl(self.plant)
        self._run = run
        self._dt_s = 0.25 if run.rk4 else 1.0
        self._done = 0

    def seconds(self, count: int) -> None:
        """``count`` more, the disturbance beginning where the published driver begins it."""
        before = ONSET - 1 - self._done
        if self._run.disturbance and 0 <= before < count:
            self._advance(before)
            self.plant.set(f"idv{self._run.disturbance}", 1.0)
            count -= before
        self._advance(count)

    def _advance(self, count: int) -> None:
        self.control.advance(self.plant, count, self._dt_s)
        self._done += count

    def row(self, states: bool) -> list[float]:
        """What the published driver records in the next second, after its controllers and before its step."""
        plant_then, control_then = self.plant.snapshot(), self.control.memory.copy()
        seen = self.control.memory[SEEN:].copy()
        self.control.step(self.plant)
        recorded = [*seen, *self.plant.inputs, *self.control.setpoints]
        self.plant.restore(plant_then)
        self.control.memory[:] = control_then
        return [self._done + 1, self._done - 1, *recorded, *(self.plant.states if states else ())]


def trajectory(run: Run, reference: Table, states: bool) -> Table:
    driver = Driver(run)
    rows = []
    for second in reference[:, 0]:
        driver.seconds(int(second) - 1 - driver._done)
        rows.append(driver.row(states))
    return np.array(rows)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.file)
def test_every_column_of_a_closed_loop_run(run: Run) -> None:
    """41 measurements, 12 demands, 20 setpoints, 50 states: Euler within 1e-8 of the maximum, RK4 within 1e-6."""
    columns, reference = table(run.file)
    off, column = worst(trajectory(run, reference, not run.rk4), reference, columns)
    limit = 1e-6 if run.rk4 else 1e-8
    assert off <= limit, f"{run.file}: {column} is off by {off:.2g} of its maximum"


@pytest.mark.parametrize(("rk4", "second"), [(False, 24847.0), (True, 24848.0)])
def test_loss_of_the_a_feed_trips_in_the_published_second(rk4: bool, second: float) -> None:
    driver = Driver(Run("", 6, rk4=rk4))
    driver.seconds(25200)
    (event,) = (event for event in driver.plant.take_events() if event.condition.startswith("trip_"))
    assert event.condition == "trip_reactor_pressure"
    assert math.ceil(event.time_s) == second  # the published driver looks at whole seconds
    assert 3000.0 < event.value < 3001.0


@pytest.mark.parametrize("drawn", [False, True])
def test_pieces_of_the_cooling_water_walk(drawn: bool) -> None:
    _, reference = table(f"closed_idv11_{'draw' if drawn else 'nodraw'}_walk5_segments")
    driver = Driver(Run("", 11, drawn=drawn))
    plant = driver.plant
    assert isinstance(plant, CompiledPlant)
    kept = plant.kept
    for number, last_h, next_h, *coefficients, _ in reference:
        driver.seconds(int(number) - driver._done)
        found = [kept[at + 4] for at in (WALK_A, WALK_B, WALK_C, WALK_D)]
        assert kept[WALK_LAST + 4] == pytest.approx(last_h, rel=1e-9)
        assert kept[WALK_NEXT + 4] == pytest.approx(next_h, rel=1e-9)
        np.testing.assert_allclose(found, coefficients, rtol=2e-9, atol=1e-9)


def test_a_run_in_pieces_is_the_run_as_a_whole() -> None:
    """Promise: looking at the plant between two calls changes nothing, also where an analyser samples just there."""

    def after(piece_s: int) -> tuple[float, ...]:
        plant = PLANTS["tennessee_eastman"].create(seed=0)
        plant.set("noise", 0.0)
        control = TennesseeEastmanControl(plant)
        for _ in range(0, 1800, piece_s):
            run(plant, control, piece_s)
        return (*map(float, plant.inputs), *map(float, plant.states), *map(float, control.setpoints))

    assert after(1) == after(180) == after(1800)
