"""Steady states of a plant: how far it is from one, and where the next one is.

Called by   ``plant_models.study``, settings of plants, reference tests.
Knows       ``PlantModel`` and its Jacobian.

Newton's method on the derivatives, in units in which all states are alike; the step is the shortest one, so that an
integrator whose inflow and outflow balance does not stop it. Where Newton's method gets stuck, Powell's hybrid method
tries (SciPy).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from plant_models.differences import jacobian, jacobian_of_rates, size_of
from plant_models.model import INPUT, STATE, PlantModel, Vector
from plant_models.timeless import settled_rates, without_past

STILL_PER_S = 1e-12  # of a state's size: what counts as standing still
_ITERATIONS, _HALVINGS = 30, 12
_MARGIN = 1e-9  # of a range: rounding at its ends


@dataclass(frozen=True, slots=True)
class Unrest:
    """The state that moves fastest: by ``per_s`` of its size every second (its value, or a thousandth of its range)."""

    per_s: float
    state: str


def sizes_of_states(plant: PlantModel) -> Vector:
    """What counts as large for each state, where the plant is."""
    variables = plant.type.of_role(STATE)
    return np.array([size_of(variable, float(at)) for variable, at in zip(variables, plant.states, strict=True)])


def unrest(plant: PlantModel) -> Unrest:
    """How far the plant is from a steady state."""
    if plant.states.size == 0:
        return Unrest(0.0, "")
    rates = np.abs(settled_rates(plant)) / sizes_of_states(plant)
    worst = int(np.argmax(np.where(np.isnan(rates), np.inf, rates)))
    return Unrest(float(rates[worst]), plant.type.names(STATE)[worst])


def find_steady_state(plant: PlantModel) -> Vector:
    """States at which nothing moves with the inputs as they are, searched from where the plant is; it goes there.

    One outside the range in which the model holds is none, nor is a model that stands still because it tripped.
    Raises ``ArithmeticError`` (and leaves the plant as it was) when none is found.
    """
    plant = without_past(plant)
    before = plant.snapshot()
    sizes = sizes_of_states(plant)

    def rates(scaled: Vector) -> Vector:
        plant.states[:] = scaled * sizes
        scaled_rates: Vector = plant.derivatives() / sizes
        return scaled_rates

    found = _newton(plant, rates, sizes)
    if found is None:
        plant.restore(before)
        found = _hybrid(plant, rates, sizes)
    if found is None or not np.isfinite(found).all() or not _holds(plant, found * sizes):
        plant.restore(before)
        raise ArithmeticError(f"plant {plant.type.name}: no steady state was found from here")
    plant.states[:] = found * sizes
    plant.measure()
    return plant.states.copy()


def _holds(plant: PlantModel, states: Vector) -> bool:
    """Whether the model means these states: they are within their ranges, and something would move them."""
    for variable, value in zip(plant.type.of_role(STATE), states, strict=True):
        margin = _MARGIN * (variable.high - variable.low) if np.isfinite(variable.high - variable.low) else 0.0
        if not variable.low - margin <= value <= variable.high + margin:
            return False
    plant.states[:] = states
    return bool(jacobian_of_rates(plant).any()) or bool(
        jacobian(plant.inputs, range(plant.inputs.size), plant.type.of_role(INPUT), plant.derivatives).any()
    )


def _newton(plant: PlantModel, rates: Callable[[Vector], Vector], sizes: Vector) -> Vector | None:
    scaled = plant.states / sizes
    now = rates(scaled)
    for _ in range(_ITERATIONS):
        size = float(np.abs(now).max(initial=0.0))
        if not np.isfinite(size):
            return None
        if size <= STILL_PER_S:
            return scaled
        plant.states[:] = scaled * sizes
        jacobian = jacobian_of_rates(plant) * sizes[None, :] / sizes[:, None]
        if not np.isfinite(jacobian).all():
            return None
        step = np.linalg.lstsq(jacobian, -now, rcond=1e-13)[0]
        share = 1.0
        for _ in range(_HALVINGS):
            tried = rates(scaled + share * step)
            if float(np.abs(tried).max()) < size:
                break
            share *= 0.5
        else:
            # rounding: as near as it gets, when that is near enough
            return scaled if size <= 1e3 * STILL_PER_S * max(1.0, float(np.abs(jacobian).max())) else None
        scaled, now = scaled + share * step, tried
    return scaled if float(np.abs(now).max()) <= STILL_PER_S else None


def _hybrid(plant: PlantModel, rates: Callable[[Vector], Vector], sizes: Vector) -> Vector | None:
    from scipy.optimize import root

    solution = root(rates, plant.states / sizes, tol=1e-14)
    if not solution.success and not np.abs(solution.fun).max() < STILL_PER_S:
        return None
    result: Vector = np.asarray(solution.x, np.float64)
    return result
