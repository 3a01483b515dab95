r"""Integrators behind one call: Euler, RK4 and a stiff one with fixed steps as kernels, SciPy's adaptive ones.

Called by   the ``advance`` kernel of every plant (``stages_of``, ``next_stage``) and ``plant_models.compiled``
            (``solve_adaptive``).
Knows       a plant's memory and a step; no plant.

Euler: :math:`x_{n+1} = x_n + h f(x_n)`. RK4, classical:
:math:`x_{n+1} = x_n + \frac{h}{6}(k_1 + 2k_2 + 2k_3 + k_4)`, local error :math:`O(h^5)`.
Stiff: the Rosenbrock method ROS2, L-stable, of second order with any approximate Jacobian :math:`J`:

.. math::

    (I - \gamma h J) k_1 = f(x_n), \qquad (I - \gamma h J) k_2 = f(x_n + h k_1) - 2 k_1, \qquad
    x_{n+1} = x_n + \tfrac32 h k_1 + \tfrac12 h k_2, \qquad \gamma = 1 - 1/\sqrt 2

References: Hairer, Nørsett and Wanner, Solving Ordinary Differential Equations I, 2nd ed. (1993), table II.1.2;
Hundsdorfer and Verwer, Numerical Solution of Time-Dependent Advection-Diffusion-Reaction Equations (2003), ch. II.1.
"""

import math
from collections.abc import Callable

import numpy as np

from plant_models.kernel import Parts, inlined, kernel
from plant_models.model import Vector

EULER, STIFF, RK4 = 1, 2, 4
"""Fixed-step methods."""

FIXED_STEP = {"euler": EULER, "rk4": RK4, "stiff": STIFF}
ADAPTIVE = {"adaptive": "LSODA", "dop853": "DOP853", "radau": "Radau", "bdf": "BDF"}
"""SciPy's methods by our name; ``adaptive`` finds out by itself whether the equations are stiff."""

NAMES = (*FIXED_STEP, *ADAPTIVE)

_GAMMA = 1.0 - math.sqrt(0.5)
_NUDGE = 1e-7  # of a state's size, to see how the derivatives answer: the square root of the rounding error
_SMALL = 1e-4  # of a state's range: no state counts as smaller than that when it is nudged


EVALUATIONS_MAX = 100_000
"""Of the derivatives, in one call of an adaptive method: a day of a stiff plant takes some thousands."""


class NoSolution(ArithmeticError):
    """An adaptive method gave up; ``states`` is where it stood."""

    def __init__(self, message: str, states: Vector) -> None:
        super().__init__(message)
        self.states = states


@kernel
def stages_of(method: int, states: int) -> int:
    """How many evaluations of the derivatives one step takes."""
    if method == STIFF:
        return states + 2
    return method


@inlined
def next_stage(method: int, stage: int, dt_s: float, p: Parts) -> None:
    """After ``p.rates`` were computed for ``p.states``: move the states to where the next stage needs them.

    ``p.start`` and ``p.slope`` are the integrator's own memory; ``start`` holds the states before the step. After the
    last stage the states hold the result. The equations do not depend on time: inputs are held during ``advance``.
    """
    if method == STIFF:
        _next_stiff_stage(stage, dt_s, p)
        return
    states, start, rates, slope = p.states, p.start, p.rates, p.slope
    if method == EULER:
        for i in range(states.shape[0]):
            start[i] = states[i]
            states[i] += dt_s * rates[i]
        return
    if stage == 0:
        for i in range(states.shape[0]):
            start[i] = states[i]
            slope[i] = rates[i]
            states[i] = start[i] + 0.5 * dt_s * rates[i]
    elif stage == 1:
        for i in range(states.shape[0]):
            slope[i] += 2.0 * rates[i]
            states[i] = start[i] + 0.5 * dt_s * rates[i]
    elif stage == 2:
        for i in range(states.shape[0]):
            slope[i] += 2.0 * rates[i]
            states[i] = start[i] + dt_s * rates[i]
    else:
        for i in range(states.shape[0]):
            states[i] = start[i] + dt_s / 6.0 * (slope[i] + rates[i])


@kernel
def nudge_of(p: Parts, i: int) -> float:
    """How far state ``i`` is moved to see what that does to the derivatives."""
    return _NUDGE * float(max(abs(p.start[i]), _SMALL * (p.high[i] - p.low[i])))


@kernel
def _next_stiff_stage(stage: int, dt_s: float, p: Parts) -> None:
    """Stage 0: slope. Stages 1 … n: one column of the Jacobian each. Then the two solutions of ROS2."""
    count = p.states.shape[0]
    if stage == 0:
        for i in range(count):
            p.start[i] = p.states[i]
            p.slope[i] = p.rates[i]
        p.states[stage] += nudge_of(p, stage)
    elif stage <= count:
        column = stage - 1
        moved = p.states[column] - p.start[column]
        for row in range(count):
            p.jacobian[row * count + column] = -_GAMMA * dt_s * (p.rates[row] - p.slope[row]) / moved
        p.jacobian[column * count + column] += 1.0
        p.states[column] = p.start[column]
        if stage < count:
            p.states[stage] += nudge_of(p, stage)
        else:
            factorise(p.jacobian, count)
            solve_factorised(p.jacobian, p.slope)
            for i in range(count):
                p.states[i] = p.start[i] + dt_s * p.slope[i]
    else:
        for i in range(count):
            p.rates[i] -= 2.0 * p.slope[i]
        solve_factorised(p.jacobian, p.rates)
        for i in range(count):
            p.states[i] = p.start[i] + dt_s * (1.5 * p.slope[i] + 0.5 * p.rates[i])


@kernel
def factorise(matrix: Vector, count: int) -> None:
    """LU decomposition in place with row exchanges; the last ``count`` words of ``matrix`` take the pivots."""
    for k in range(count):
        pivot = k
        for row in range(k + 1, count):
            if abs(matrix[row * count + k]) > abs(matrix[pivot * count + k]):
                pivot = row
        matrix[count * count + k] = pivot
        if pivot != k:
            for column in range(count):
                other = matrix[k * count + column]
                matrix[k * count + column] = matrix[pivot * count + column]
                matrix[pivot * count + column] = other
        for row in range(k + 1, count):
            factor = matrix[row * count + k] / matrix[k * count + k]
            if factor != 0.0:
                matrix[row * count + k] = factor
                for column in range(k + 1, count):
                    matrix[row * count + column] -= factor * matrix[k * count + column]


@kernel
def solve_factorised(matrix: Vector, vector: Vector) -> None:
    """``vector`` becomes the solution of the system that ``factorise`` has decomposed."""
    count = vector.shape[0]
    for k in range(count):
        pivot = int(matrix[count * count + k])
        if pivot != k:
            other = vector[k]
            vector[k] = vector[pivot]
            vector[pivot] = other
    for row in range(count):
        total = vector[row]
        for column in range(row):
            total -= matrix[row * count + column] * vector[column]
        vector[row] = total
    for back in range(count):
        row = count - 1 - back
        total = vector[row]
        for column in range(row + 1, count):
            total -= matrix[row * count + column] * vector[column]
        vector[row] = total / matrix[row * count + row]


def solve_adaptive(
    derivatives: Callable[[Vector], Vector],
    states: Vector,
    duration_s: float,
    method: str = "LSODA",
    *,
    rtol: float = 1e-10,
    atol: float = 1e-12,
) -> Vector:
    """States after ``duration_s`` seconds of ``x' = derivatives(x)``, to a given tolerance, by a method of SciPy.

    Raises ``NoSolution`` when SciPy gives up, where derivatives are not finite, and after ``EVALUATIONS_MAX`` of them
    (LSODA would try for ever to pass a point at which a solution runs to infinity).
    """
    from scipy.integrate import solve_ivp  # 0.3 s of import that a plant with fixed steps never needs

    evaluations, last = 0, (0.0, states)

    def rates_at(time_s: float, x: Vector) -> Vector:
        nonlocal evaluations, last
        evaluations += 1
        rates = derivatives(x)
        if evaluations > EVALUATIONS_MAX or not np.isfinite(rates).all():
            why = "derivatives are not finite" if evaluations <= EVALUATIONS_MAX else "it needs steps without number"
            raise NoSolution(f"the adaptive integrator gave up after {time_s:g} s: {why}", x.copy())
        last = (time_s, x)
        return rates

    with np.errstate(all="ignore"):
        solution = solve_ivp(rates_at, (0.0, duration_s), states, method=method, rtol=rtol, atol=atol)
    if not solution.success:
        message = f"the adaptive integrator gave up after {solution.t[-1]:g} s: {solution.message}"
        raise NoSolution(message, last[1].copy())
    result: Vector = np.ascontiguousarray(solution.y[:, -1])
    return result
