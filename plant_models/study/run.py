"""A plant run alone over a grid of rows: moves at their times, rows of values, events.

Called by   ``dcs plant run`` and ``dcs plant step`` through ``dcs.node.assembly``, and studies.
Knows       ``PlantModel`` and whole numbers of steps. What happens at a time happens before the row of that time is
            taken: a row shows the outputs of the inputs that stand beside them.
Promise     the rows depend on neither the size of the blocks nor on who watches; memory is one block of rows.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from plant_models.model import INPUT, OUTPUT, ROLES, STATE, PlantEvent, PlantModel, Vector

Rows = NDArray[np.float64]

BLOCK_ROWS = 512
STEPS_AT_ONCE = 2000
"""So many steps in one compiled call: progress is told between two, and no event is lost in between."""


class Stepper(Protocol):
    """What lets time pass: the plant itself, or the plant under its own controllers."""

    def advance(self, dt_s: float, steps: int = 1) -> None: ...


@dataclass(frozen=True, slots=True)
class Move:
    """Variable ``name`` is set to ``value``, or moved by it, after ``step`` steps; in the variable's unit."""

    name: str
    value: float
    relative: bool
    step: int


@dataclass(frozen=True, slots=True)
class Grid:
    """``steps`` steps of ``step_s`` in all, a row every ``every`` steps, and one at the start.

    Time passes in multiples of ``together`` steps: the period of controllers, where there are any.
    """

    step_s: float
    steps: int
    every: int
    together: int = 1

    @property
    def rows(self) -> int:
        """How many there will be."""
        return self.steps // self.every + 1


@dataclass(slots=True)
class Outcome:
    """How a run ended: ``rows`` written, plant time, events; ``stopped`` says why it ended before its time."""

    rows: int = 0
    time_s: float = 0.0
    events: list[PlantEvent] = field(default_factory=list)
    stopped: str = ""
    broken: bool = False  # a value was not finite: what comes after it means nothing


def default_columns(plant: PlantModel) -> tuple[str, ...]:
    """Outputs, inputs, states in declared order; a name that two of them have is taken once."""
    names = [name for role in (OUTPUT, INPUT, STATE) for name in plant.type.names(role)]
    return tuple(dict.fromkeys(names))


class Columns:
    """The values of some variables, with the time before them."""

    def __init__(self, plant: PlantModel, names: Sequence[str]) -> None:
        vectors = {role: (plant.type.names(role), _vector(plant, role)) for role in ROLES}
        self._parts: list[tuple[NDArray[np.int64], Vector, NDArray[np.int64]]] = []
        for role in ROLES:
            known, vector = vectors[role]
            chosen = [at for at, name in enumerate(names) if plant.type.variable(name).role == role]
            if chosen:
                places = [known.index(names[at]) for at in chosen]
                self._parts.append((np.array(chosen) + 1, vector, np.array(places)))
        self.width = len(names) + 1

    def take(self, row: Vector, time_s: float) -> None:
        """Fill ``row`` with what the variables are now."""
        row[0] = time_s
        for targets, vector, places in self._parts:
            row[targets] = vector[places]


def _vector(plant: PlantModel, role: str) -> Vector:
    vectors = {
        STATE: plant.states,
        INPUT: plant.inputs,
        OUTPUT: plant.outputs,
        "disturbance": plant.disturbances,
        "parameter": plant.parameters,
    }
    return vectors[role]


def run_alone(
    plant: PlantModel,
    stepper: Stepper,
    grid: Grid,
    moves: Sequence[Move],
    names: Sequence[str],
    write: Callable[[Rows], None],
    *,
    until_trip: bool = False,
    tell: Callable[[float], None] = lambda share: None,
    heard: Callable[[PlantEvent], None] = lambda event: None,
) -> Outcome:
    """Run and hand blocks of rows (``t_s``, then ``names``) to ``write``, shares of the way to ``tell``.

    With ``until_trip`` the first condition that becomes true ends the run; a value that is not finite always does.
    Raises ``ValueError`` where a move leads outside a variable's range.
    """
    outcome, columns = Outcome(), Columns(plant, names)
    block = np.zeros((min(BLOCK_ROWS, grid.rows), columns.width))
    waiting = sorted(moves, key=lambda move: move.step)
    done = filled = 0

    def note_row() -> None:
        nonlocal filled
        columns.take(block[filled], _time_of(done, grid.step_s))
        filled += 1
        outcome.rows += 1
        if filled == len(block):
            write(block)
            filled = 0

    def look() -> bool:
        """Take the events; True when the run ends here."""
        for event in plant.take_events():
            outcome.events.append(event)
            heard(event)
            outcome.broken = outcome.broken or not math.isfinite(event.value)
            if event.active and not outcome.stopped and (until_trip or outcome.broken):
                outcome.stopped = event.condition
                outcome.time_s = event.time_s
        return bool(outcome.stopped)

    while True:
        while waiting and waiting[0].step == done:
            apply_move(plant, waiting.pop(0))
        if done % grid.every == 0:
            note_row()
        if done >= grid.steps or look():
            break
        at_once = max(STEPS_AT_ONCE // grid.together, 1) * grid.together
        goals = [grid.steps, done + grid.every - done % grid.every, done + at_once]
        count = min([*goals, *(move.step for move in waiting)]) - done
        stepper.advance(grid.step_s, count)
        done += count
        tell(done / max(grid.steps, 1))
        if look():
            if outcome.time_s >= _time_of(done, grid.step_s) and done % grid.every == 0:
                note_row()  # it happened in the very moment of a row
            break
    if filled:
        write(block[:filled])
    if not outcome.stopped:
        outcome.time_s = _time_of(done, grid.step_s)
    return outcome


def apply_move(plant: PlantModel, move: Move) -> None:
    """Set the variable; a relative move starts from where it is now."""
    plant.set(move.name, plant.get(move.name) + move.value if move.relative else move.value)


def _time_of(steps: int, step_s: float) -> float:
    """Without the dust of binary fractions: 3 steps of 0.1 s are 0.3 s."""
    return float(f"{steps * step_s:.12g}")
