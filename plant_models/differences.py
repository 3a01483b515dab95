"""Jacobians by finite differences, that respect the ranges in which a plant holds.

Called by   ``plant_models.linear``, ``plant_models.steady_state``.
Knows       ``PlantModel`` and the ranges of its variables.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from plant_models.model import STATE, PlantModel, Variable, Vector

Matrix = NDArray[np.float64]

_RELATIVE_STEP = 1e-4  # with the fourth-order formula: truncation 1e-16 and rounding 1e-12 of a variable's size


def jacobian_of_rates(plant: PlantModel) -> Matrix:
    """Derivatives of the states' derivatives by the states, where the plant is."""
    return jacobian(plant.states, range(plant.states.size), plant.type.of_role(STATE), plant.derivatives)


def size_of(variable: Variable, value: float) -> float:
    """What counts as large for a variable: its value, and at least a thousandth of its range."""
    span = variable.high - variable.low
    return max(abs(value), 1e-3 * span if math.isfinite(span) else 1e-3)


def jacobian(
    vector: Vector, positions: Sequence[int], variables: Sequence[Variable], answer: Callable[[], Vector]
) -> Matrix:
    """Derivatives of ``answer`` by entries of ``vector``: central differences of fourth order; one-sided at a limit."""
    columns = []
    for position, variable in zip(positions, variables, strict=True):
        at = float(vector[position])
        step = _RELATIVE_STEP * size_of(variable, at)

        def moved(times: float, at: float = at, step: float = step, position: int = position) -> Vector:
            vector[position] = at + times * step
            return answer()

        if variable.low <= at and at - 2.0 * step < variable.low:
            column = _one_sided(moved, 1.0) / step
        elif at <= variable.high and at + 2.0 * step > variable.high:
            column = _one_sided(moved, -1.0) / step
        else:
            column = (8.0 * (moved(1.0) - moved(-1.0)) - (moved(2.0) - moved(-2.0))) / (12.0 * step)
        vector[position] = at
        columns.append(column)
    return np.column_stack(columns)


def _one_sided(moved: Callable[[float], Vector], way: float) -> Vector:
    """Slope at 0 from 0, 1, 2 and 3 steps to one side: third order."""
    here, first, second, third = (moved(way * times) for times in (0.0, 1.0, 2.0, 3.0))
    slope: Vector = way * (-11.0 * here + 18.0 * first - 9.0 * second + 2.0 * third) / 6.0
    return slope
