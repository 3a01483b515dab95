r"""The steady state that lies nearest to a rounded one.

Called by   tests, and by hand where ``mode_states`` is made anew.
Knows       a plant; NumPy.

Published states have seven digits and demands five: put together they drift. Here the smallest change, each number
weighed by its last digit, that makes all derivatives zero is found by Gauss and Newton:
:math:`\min \lVert w \rVert` with :math:`f(x + D w) = 0`. Demands at their bounds stay there.
"""

import numpy as np

from plant_models.model import PlantModel, Vector

DYNAMIC = 38  # the states that are not valves
_STATE_DIGIT, _DEMAND_DIGIT = 1e-6, 1e-3  # relative; %
_SMALL = 1e-3
_AT_BOUND = 1.5  # %: a demand that is nearer to 0 or 100 was meant to be there
_ROUNDS_MAX = 10
_AT_REST = 1e-11  # 1/h, relative


def rates_of(plant: PlantModel, states: Vector, demands: Vector) -> Vector:
    """Derivatives per hour of the first 38 states with the valves where the demands are."""
    plant.states[:DYNAMIC] = states
    plant.states[DYNAMIC:] = demands
    plant.inputs[:] = demands
    return plant.derivatives()[:DYNAMIC] * 3600.0


def nearest_steady_state(plant: PlantModel, states: Vector, demands: Vector) -> tuple[Vector, Vector]:
    """(38 states, 12 demands) at rest, near the given ones. Raises ``ArithmeticError`` if there is none nearby."""
    free = [valve for valve in range(12) if _AT_BOUND < demands[valve] < 100.0 - _AT_BOUND]
    size = np.maximum(np.abs(states), _SMALL)
    start = np.concatenate([states, demands[free]])
    digit = np.concatenate([size * _STATE_DIGIT, np.full(len(free), _DEMAND_DIGIT)])

    def residual(point: Vector) -> Vector:
        moved = demands.copy()
        moved[free] = point[DYNAMIC:]
        return rates_of(plant, point[:DYNAMIC], moved) / size

    point = start.copy()
    for _ in range(_ROUNDS_MAX):
        now = residual(point)
        if np.max(np.abs(now)) < _AT_REST:
            moved = demands.copy()
            moved[free] = point[DYNAMIC:]
            return point[:DYNAMIC], moved
        slope = np.empty((DYNAMIC, len(point)))
        for column in range(len(point)):
            nudge = 1e-6 * max(abs(point[column]), _SMALL)
            up, down = point.copy(), point.copy()
            up[column] += nudge
            down[column] -= nudge
            slope[:, column] = (residual(up) - residual(down)) / (2.0 * nudge) * digit[column]
        change = (point - start) / digit
        point = start + digit * np.linalg.lstsq(slope, slope @ change - now, rcond=1e-14)[0]
    raise ArithmeticError(f"no steady state within {_ROUNDS_MAX} rounds; the residual is {np.max(np.abs(now)):g} 1/h")
