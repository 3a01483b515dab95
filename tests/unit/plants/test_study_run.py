"""A plant run alone: rows, moves, events, and an end when it breaks down."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant_models.library import PLANTS
from plant_models.model import PlantEvent, PlantModel
from plant_models.study.run import BLOCK_ROWS, Grid, Move, Outcome, Rows, default_columns, run_alone
from plant_models.study.study import Study

TANK = PLANTS["quadruple_tank"]
NAMES = ("level_1", "pump_voltage_1", "leak_1", "h_2")


def rows_of(
    plant: PlantModel, grid: Grid, moves: list[Move], names: tuple[str, ...] = NAMES, *, until_trip: bool = False
) -> tuple[Rows, Outcome]:
    blocks: list[Rows] = []
    outcome = run_alone(plant, plant, grid, moves, names, lambda b: blocks.append(b.copy()), until_trip=until_trip)
    return np.concatenate(blocks), outcome


def test_there_is_a_row_at_the_start_and_at_every_multiple_and_a_move_shows_in_the_row_of_its_time() -> None:
    plant = TANK.create()
    rows, outcome = rows_of(plant, Grid(0.1, 100, 20), [Move("pump_voltage_1", 1.0, True, 40)])
    assert rows[:, 0].tolist() == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    assert rows[:, 2].tolist() == [3.0, 3.0, 4.0, 4.0, 4.0, 4.0]
    assert rows[2, 1] == pytest.approx(rows[0, 1], rel=1e-12), "the level has had no time to move"
    assert (np.diff(rows[2:, 1]) > 0.0).all()
    assert (outcome.rows, outcome.time_s, outcome.stopped, outcome.events) == (6, 10.0, "", [])


@given(
    every=st.integers(1, 60), steps=st.integers(1, 130),
    moves=st.lists(st.tuples(st.integers(0, 130), st.floats(0.0, 10.0)), max_size=4),
)  # fmt: skip
def test_rows_are_what_step_by_step_gives(every: int, steps: int, moves: list[tuple[int, float]]) -> None:
    """Promise: how rows and moves cut a run into pieces does not show in its numbers."""
    asked = [Move("pump_voltage_1", value, False, at) for at, value in moves]
    rows, _ = rows_of(TANK.create(), Grid(0.1, steps, every), asked)
    plant, expected = TANK.create(), []
    for done in range(steps + 1):
        for move in sorted(asked, key=lambda one: one.step):
            if move.step == done:
                plant.set(move.name, move.value)
        if done % every == 0:
            expected.append([plant.get(name) for name in NAMES])
        plant.advance(0.1)
    assert rows[:, 1:].tobytes() == np.array(expected).tobytes()


def test_many_rows_come_in_blocks_of_which_none_is_lost() -> None:
    count = 2 * BLOCK_ROWS + 7
    rows, outcome = rows_of(TANK.create(), Grid(0.5, count - 1, 1), [Move("leak_1", 1e-6, False, count // 2)])
    assert rows[:, 0].tolist() == [0.5 * number for number in range(count)]
    assert outcome.rows == count
    assert rows[count // 2 - 1, 3] == 0.0
    assert rows[count // 2, 3] == 1e-6


def test_a_run_until_a_trip_has_no_row_after_it_and_one_without_goes_on() -> None:
    moves = [Move("pump_voltage_1", 10.0, False, 0)]
    whole, full = rows_of(TANK.create(), Grid(0.1, 3000, 10), moves)
    assert full.events[0].condition.startswith("overflow_")
    assert full.time_s == 300.0
    rows, outcome = rows_of(TANK.create(), Grid(0.1, 3000, 10), moves, until_trip=True)
    assert outcome.stopped == full.events[0].condition
    assert outcome.time_s == full.events[0].time_s
    assert rows[-1, 0] <= outcome.time_s < rows[-1, 0] + 1.0
    assert rows.tobytes() == whole[: len(rows)].tobytes()
    assert outcome.rows == len(rows)


class Breaking:
    """A stepper that reports a value that is not a number after a while."""

    def __init__(self, plant: PlantModel, after: int) -> None:
        self.plant, self.left = plant, after
        self.events: list[PlantEvent] = []
        plant.take_events = self._take  # type: ignore[method-assign]

    def advance(self, dt_s: float, steps: int = 1) -> None:
        self.left -= steps
        if self.left <= 0 and not self.events:
            self.events.append(PlantEvent(5.0, "out_of_range:h_1", True, math.nan))

    def _take(self) -> list[PlantEvent]:
        return self.events if self.left <= 0 else []


def test_a_value_that_is_not_a_number_ends_every_run() -> None:
    plant = TANK.create()
    heard: list[str] = []
    outcome = run_alone(
        plant, Breaking(plant, 50), Grid(0.1, 1000, 100), [], NAMES, lambda b: None,
        heard=lambda event: heard.append(event.condition),
    )  # fmt: skip
    assert (outcome.broken, outcome.stopped, outcome.time_s) == (True, "out_of_range:h_1", 5.0)
    assert heard == ["out_of_range:h_1"]
    assert outcome.rows == 1


def test_progress_goes_from_nothing_to_all() -> None:
    shares: list[float] = []
    plant = TANK.create()
    run_alone(plant, plant, Grid(0.1, 10000, 10000), [], NAMES, lambda b: None, tell=shares.append)
    assert shares == sorted(shares)
    assert len(shares) == 5, "it is told more often than rows are written"
    assert shares[-1] == 1.0


def test_columns_are_outputs_inputs_states() -> None:
    names = default_columns(TANK.create())
    assert names[:2] == ("level_1", "level_2")
    assert names[6] == "pump_voltage_1"
    assert names[-1] == "h_4"


def test_controllers_are_asked_for_whole_periods() -> None:
    calls: list[tuple[int, float]] = []

    class Control:
        def advance(self, plant: PlantModel, periods: int, dt_s: float) -> None:
            calls.append((periods, dt_s))

    study = Study(TANK.create())
    with pytest.raises(ValueError, match="has no controllers of its own"):
        study.take_control()
    kind = study.plant.type
    object.__setattr__(kind, "reference_control", lambda plant: Control())
    object.__setattr__(kind, "control_period_s", 2.0)
    try:
        study.take_control()
        study.run(0.25, 80, 16, [], ["level_1"], lambda b: None)
    finally:
        object.__setattr__(kind, "reference_control", None)
        object.__setattr__(kind, "control_period_s", 1.0)
    assert calls == [(2, 0.25)] * 5
