r"""Plants made of first-order transfer functions with dead time, one per pair of output and input.

Called by   ``plant_models.wood_berry``, ``plant_models.shell_fractionator``; anybody with a table of gain, time
            constant and dead time.
Knows       the table. What the numbers mean is in the module of the plant.

Output :math:`i` is its nominal value and the sum of what every column :math:`j` (inputs, then disturbances) adds:

.. math::

    y_i = y_{i0} + \sum_j x_{ij}, \qquad
    T_{ij} \dot x_{ij}(t) = K_{ij}\,(u_j(t - \theta_{ij}) - u_{j0}) - x_{ij}(t), \qquad
    K_{ij} = \bar K_{ij} + \varepsilon_j \Delta K_{ij}

Inputs are held between two steps, so between two changes of the delayed input the solution is known:
:math:`x(t + h) = x_\infty + (x(t) - x_\infty) e^{-h/T}`. That is how it is stepped, from change to change
(``plant_models.held_inputs``): exact for every step size and whatever integrator is asked for. An integrator of steps
would see a dead time only in whole steps.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from plant_models.compiled import Kernels, compiled_factory
from plant_models.held_inputs import APART_S, close, ends_at, fill, place_at, remember, value_at, words_for
from plant_models.kernel import Ends, Parts, finish_step, kernel, note, parts_of
from plant_models.model import (
    DISTURBANCE,
    INPUT,
    OUTPUT,
    PARAMETER,
    STATE,
    Condition,
    PlantType,
    Setting,
    Variable,
    Vector,
)

MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Column:
    """An input or disturbance, with the value around which the table holds."""

    name: str
    unit: str
    low: float
    high: float
    nominal: float
    meaning: str


@dataclass(frozen=True, slots=True)
class Row:
    """An output, with its value while all columns are at theirs; beyond ``low`` … ``high`` it is impossible."""

    name: str
    unit: str
    low: float
    high: float
    nominal: float
    meaning: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One transfer function; ``spread`` is the uncertainty of its gain, one ε of its column."""

    gain: float
    lag_min: float
    dead_time_min: float
    spread: float = 0.0


@kernel
def _columns(p: Parts) -> int:
    return int(p.inputs.shape[0] + p.disturbances.shape[0])


@kernel
def _line(p: Parts, column: int) -> Vector:
    """The past of a column."""
    words = p.kept.shape[0] // _columns(p)
    return p.kept[column * words : (column + 1) * words]


@kernel
def _now(p: Parts, column: int) -> float:
    if column < p.inputs.shape[0]:
        return float(p.inputs[column])
    return float(p.disturbances[column - p.inputs.shape[0]])


@kernel
def _gain(p: Parts, cell: int) -> float:
    """With the uncertainty of its column, where the plant has any."""
    cells, columns = p.states.shape[0], _columns(p)
    spreads = 3 * cells + columns + 3 * (cells // columns)
    if p.parameters.shape[0] == spreads:
        return float(p.parameters[cell])
    return float(p.parameters[cell] + p.parameters[spreads + cells + cell % columns] * p.parameters[spreads + cell])


@kernel
def _target(p: Parts, cell: int, value: float) -> float:
    """Where a column at ``value`` would bring the cell in the end."""
    cells, columns = p.states.shape[0], _columns(p)
    return _gain(p, cell) * (value - float(p.parameters[3 * cells + cell % columns]))


@kernel
def _moved(part: float, target: float, lag_s: float, for_s: float) -> float:
    if not lag_s > 0.0:
        return target
    return target + (part - target) * math.exp(-for_s / lag_s)


@kernel
def _advance_cell(p: Parts, cell: int, time_s: float, dt_s: float) -> None:
    """From one change of the delayed input to the next."""
    cells = p.states.shape[0]
    lag_s, dead_s = float(p.parameters[cells + cell]), float(p.parameters[2 * cells + cell])
    line = _line(p, cell % _columns(p))
    part = float(p.states[cell])
    if not dead_s >= APART_S:
        p.states[cell] = _moved(part, _target(p, cell, float(line[1])), lag_s, dt_s)
        return
    at_s, end_s = time_s - dead_s, time_s + dt_s - dead_s
    place = place_at(line, at_s)
    while at_s < end_s:
        until_s = ends_at(line, place)
        if until_s > end_s:
            until_s = end_s
        part = _moved(part, _target(p, cell, value_at(line, place)), lag_s, until_s - at_s)
        at_s = until_s
        place += 1
    p.states[cell] = part


@kernel
def derivatives(p: Parts) -> None:
    """The equations of the module's docstring, at this instant."""
    cells, columns = p.states.shape[0], _columns(p)
    for cell in range(cells):
        lag_s, dead_s = p.parameters[cells + cell], p.parameters[2 * cells + cell]
        line = _line(p, cell % columns)
        value = float(line[1])
        if dead_s >= APART_S:
            value = value_at(line, place_at(line, p.clock[0] - dead_s))
        p.rates[cell] = (_target(p, cell, value) - p.states[cell]) / lag_s


@kernel
def forget(p: Parts) -> None:
    """Every column has been for ever what it is now."""
    for column in range(_columns(p)):
        value = _now(p, column)
        if math.isfinite(value):
            fill(_line(p, column), value)


@kernel
def begin(p: Parts, seed: int) -> None:
    """The same."""
    forget(p)


@kernel
def before(p: Parts, dt_s: float) -> None:
    """The columns as they are now are held for the step."""
    for column in range(_columns(p)):
        line = _line(p, column)
        remember(line, p.clock[0], _now(p, column))
        close(line, p.clock[0] + dt_s)


@kernel
def _output(p: Parts, row: int) -> float:
    cells, columns = p.states.shape[0], _columns(p)
    total = float(p.parameters[3 * cells + columns + row])
    for column in range(columns):
        total += p.states[row * columns + column]
    return total


@kernel
def settle(p: Parts) -> None:
    """An output that cannot be is an event: the plant has left what a linear model can say."""
    cells, columns = p.states.shape[0], _columns(p)
    rows = cells // columns
    limits = 3 * cells + columns + rows
    for row in range(rows):
        value = _output(p, row)
        beyond = value < p.parameters[limits + row] or value > p.parameters[limits + rows + row]
        note(p, row, 1.0 if beyond else 0.0, value)


@kernel
def measure(p: Parts) -> None:
    """Outputs in engineering units; then the disturbances, as their meters see them (the last that was a number)."""
    rows = p.states.shape[0] // _columns(p)
    for row in range(rows):
        p.outputs[row] = _output(p, row)
    for number in range(p.disturbances.shape[0]):
        value = p.disturbances[number]
        column = p.inputs.shape[0] + number
        p.outputs[rows + number] = value if math.isfinite(value) else _line(p, column)[1]


@kernel
def advance(memory: Vector, ends: Ends, dt_s: float, steps: int, method: int) -> None:
    """``steps`` steps of ``dt_s``, in one compiled call; the solution is exact, ``method`` has nothing to say."""
    p = parts_of(memory, ends)
    start_s = p.clock[0]
    for step in range(steps):
        before(p, dt_s)
        for cell in range(p.states.shape[0]):
            p.start[cell] = p.states[cell]
            _advance_cell(p, cell, p.clock[0], dt_s)
        p.clock[0] = start_s + (step + 1) * dt_s
        settle(p)
        finish_step(p)
    measure(p)


def transfer_function_plant(
    name: str,
    title: str,
    description: str,
    reference: str,
    inputs: Sequence[Column],
    disturbances: Sequence[Column],
    outputs: Sequence[Row],
    cells: Sequence[Sequence[Cell]],
    gain_unit: str,
    longest_dead_time_s: float,
    loops: tuple[tuple[str, str], ...] = (),
) -> PlantType:
    """A plant type from its table (rows: outputs; columns: inputs, then disturbances), at rest at the nominal values.

    States are ``part_ij``; parameters ``gain_ij``, ``lag_ij``, ``dead_time_ij``, ``nominal_input_j``,
    ``nominal_output_i``, ``lowest_output_i``, ``highest_output_i`` and, with any spread, ``spread_ij``, ``epsilon_j``.
    """
    columns = (*inputs, *disturbances)
    each = [
        (f"{i}{j}", row, column, cells[i - 1][j - 1])
        for i, row in enumerate(outputs, 1)
        for j, column in enumerate(columns, 1)
    ]
    doubtful = any(cell.spread for _, _, _, cell in each)
    tables: list[tuple[Variable, float]] = [
        *(
            (_parameter(f"gain_{at}", gain_unit, -1e3, 1e3, f"gain of {row.name} by {column.name}"), cell.gain)
            for at, row, column, cell in each
        ),
        *(
            (_parameter(f"lag_{at}", "s", 1.0, 1e6, f"time constant of {row.name} by {column.name}"),
             cell.lag_min * MINUTE_S)
            for at, row, column, cell in each
        ),
        *(
            (_parameter(f"dead_time_{at}", "s", 0.0, longest_dead_time_s,
                        f"dead time from {column.name} to {row.name}; below 1 s it counts as none"),
             cell.dead_time_min * MINUTE_S)
            for at, row, column, cell in each
        ),
        *(
            (_parameter(f"nominal_input_{j}", c.unit, c.low, c.high, f"{c.name} around which the table holds"),
             c.nominal)
            for j, c in enumerate(columns, 1)
        ),
        *(
            (_parameter(f"nominal_output_{i}", r.unit, r.low, r.high, f"{r.name} while all columns are nominal"),
             r.nominal)
            for i, r in enumerate(outputs, 1)
        ),
        *(
            (_parameter(f"lowest_output_{i}", r.unit, -1e6, 1e6, f"below it {r.name} is impossible"), r.low)
            for i, r in enumerate(outputs, 1)
        ),
        *(
            (_parameter(f"highest_output_{i}", r.unit, -1e6, 1e6, f"above it {r.name} is impossible"), r.high)
            for i, r in enumerate(outputs, 1)
        ),
    ]  # fmt: skip
    if doubtful:
        tables += [
            (_parameter(f"spread_{at}", gain_unit, 0.0, 1e3, f"uncertainty of gain_{at}"), cell.spread)
            for at, _, _, cell in each
        ]
        tables += [
            (_parameter(f"epsilon_{j}", "1", -1.0, 1.0, f"how far the gains of {c.name} are off, in spreads"), 0.0)
            for j, c in enumerate(columns, 1)
        ]
    states = tuple(
        _state(at, row, (abs(cell.gain) + cell.spread) * max(c.high - c.nominal, c.nominal - c.low), c.name)
        for at, row, c, cell in each
    )
    return PlantType(
        name=name,
        title=title,
        description=description,
        reference=reference,
        variables=(
            *states,
            *(Variable(c.name, c.unit, c.low, c.high, c.meaning, INPUT) for c in inputs),
            *(Variable(c.name, c.unit, c.low, c.high, c.meaning, DISTURBANCE) for c in disturbances),
            *(variable for variable, _ in tables),
            *(Variable(r.name, r.unit, r.low, r.high, r.meaning, OUTPUT) for r in outputs),
            *(
                Variable(f"{c.name}_measured", c.unit, c.low, c.high, f"{c.meaning}, as its meter sees it", OUTPUT)
                for c in disturbances
            ),
        ),
        settings=(
            Setting(
                "nominal",
                "everything at the values around which the transfer functions hold",
                {state.name: 0.0 for state in states},
                {c.name: c.nominal for c in inputs},
                {variable.name: value for variable, value in tables},
                {c.name: c.nominal for c in disturbances},
            ),
        ),
        conditions=tuple(
            Condition(f"impossible_{r.name}", f"{r.name} outside of {r.low:g} … {r.high:g} {r.unit}: no linear model "
                      "holds there")
            for r in outputs
        ),
        create_model=compiled_factory(
            Kernels(advance, derivatives, settle, measure, begin, before, forget, exact=True)
        ),
        loops=loops,
        step_s=1.0,
        kept=len(columns) * words_for(longest_dead_time_s),
        dead_times_s={
            (row.name, column.name): cell.dead_time_min * MINUTE_S for _, row, column, cell in each
        },
    )  # fmt: skip


def _parameter(name: str, unit: str, low: float, high: float, meaning: str) -> Variable:
    return Variable(name, unit, low, high, meaning, PARAMETER)


def _state(at: str, row: Row, reach: float, column: str) -> Variable:
    return Variable(f"part_{at}", row.unit, -reach, reach, f"what {column} adds to {row.name}", STATE)
