r"""Integrators behind one call: fixed-step Euler and RK4 as kernels, SciPy's adaptive ones for reference.

Called by   the ``advance`` kernel of every plant (``next_stage``) and ``plant_models.compiled`` (``solve_adaptive``).
Knows       vectors and a step; no plant.

Euler: :math:`x_{n+1} = x_n + h f(x_n)`. RK4, classical:
:math:`x_{n+1} = x_n + \frac{h}{6}(k_1 + 2k_2 + 2k_3 + k_4)`, local error :math:`O(h^5)`.
Reference: Hairer, Nørsett and Wanner, Solving Ordinary Differential Equations I, 2nd ed. (1993), table II.1.2.
"""

from collections.abc import Callable

import numpy as np

from plant_models.kernel import kernel
from plant_models.model import Vector

EULER, RK4 = 1, 4
"""Fixed-step methods; the number is the count of stages in a step."""

FIXED_STEP = {"euler": EULER, "rk4": RK4}
ADAPTIVE = "adaptive"
NAMES = (*FIXED_STEP, ADAPTIVE)


@kernel
def next_stage(
    method: int, stage: int, dt_s: float, states: Vector, start: Vector, rates: Vector, slope: Vector
) -> None:
    """After ``rates`` were computed for ``states``: move ``states`` to where the next stage needs them.

    ``start`` and ``slope`` are the integrator's own memory. After the last stage (``stage == method - 1``) ``states``
    holds the result of the step. The equations do not depend on time: inputs are held during ``advance``.
    """
    if method == EULER:
        for i in range(states.shape[0]):
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


def solve_adaptive(
    derivatives: Callable[[Vector], Vector],
    states: Vector,
    duration_s: float,
    *,
    rtol: float = 1e-10,
    atol: float = 1e-12,
) -> Vector:
    """States after ``duration_s`` seconds of ``x' = derivatives(x)``, to a given tolerance (LSODA: stiff or not).

    Raises ``ArithmeticError`` when SciPy gives up.
    """
    from scipy.integrate import solve_ivp  # 0.3 s of import that a plant with fixed steps never needs

    solution = solve_ivp(
        lambda _time_s, x: derivatives(x), (0.0, duration_s), states, method="LSODA", rtol=rtol, atol=atol
    )
    if not solution.success:
        raise ArithmeticError(f"the adaptive integrator gave up after {solution.t[-1]:g} s: {solution.message}")
    result: Vector = np.ascontiguousarray(solution.y[:, -1])
    return result
