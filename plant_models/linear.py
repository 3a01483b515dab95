r"""The linear model of a plant where it stands: Jacobians, and what follows from four matrices.

Called by   ``plant_models.study.analysis``, ``plant_models.steady_state``, reference tests.
Knows       ``PlantModel`` only: everything is found by moving states and inputs a little and looking at the answer.

.. math::  \dot x = A x + B u, \qquad y = C x + D u, \qquad G(s) = C (sI - A)^{-1} B + D

Units are those of the plant's variables (SI).
Reference: Skogestad and Postlethwaite, Multivariable Feedback Control, 2nd ed. (2005), sections 3.4 and 4.5.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plant_models.differences import Matrix, jacobian
from plant_models.model import INPUT, OUTPUT, STATE, PlantModel, Vector
from plant_models.steady_state import find_steady_state
from plant_models.timeless import without_past
from plant_models.transmission_zeros import transmission_zeros

__all__ = ["LinearModel", "find_steady_state", "linearise"]


@dataclass(frozen=True, eq=False)
class LinearModel:
    """``A`` (states × states), ``B`` (× inputs), ``C`` (outputs ×), ``D`` and the names of their rows and columns."""

    a: Matrix
    b: Matrix
    c: Matrix
    d: Matrix
    states: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def gain(self) -> Matrix:
        """G(0), output units per input unit. Raises ``numpy.linalg.LinAlgError`` for an integrating plant."""
        result: Matrix = self.d - self.c @ np.linalg.solve(self.a, self.b)
        return result

    def poles(self) -> NDArray[np.complex128]:
        """Eigenvalues of A, 1/s, slowest first."""
        poles = np.linalg.eigvals(self.a).astype(np.complex128)
        return poles[np.argsort(np.abs(poles))]

    def zeros(self) -> NDArray[np.complex128]:
        """Finite transmission zeros, 1/s, from left to right. Raises ``ValueError`` unless inputs = outputs."""
        return transmission_zeros(self.a, self.b, self.c, self.d)

    def relative_gains(self) -> Matrix:
        """RGA at steady state: G(0) ∘ G(0)⁻ᵀ, dimensionless; rows are outputs. Square plants only."""
        gain = self.gain()
        result: Matrix = gain * np.linalg.inv(gain).T
        return result


def linearise(plant: PlantModel, inputs: Sequence[str] = (), outputs: Sequence[str] = ()) -> LinearModel:
    """Linear model around where ``plant`` is now (all inputs and outputs unless named). The plant is left as it was.

    Dead times are left out (``plant.type.dead_times_s`` tells them): gains and poles do not depend on them, zeros do.

    Raises ``KeyError`` for a name that is not an input or output.
    """
    plant = without_past(plant)
    columns = _positions(plant, INPUT, inputs)
    rows = _positions(plant, OUTPUT, outputs)
    before = plant.snapshot()
    kind = plant.type
    states, moved = kind.of_role(STATE), [kind.of_role(INPUT)[i] for i in columns]
    try:
        a = jacobian(plant.states, range(plant.states.size), states, plant.derivatives)
        b = jacobian(plant.inputs, columns, moved, plant.derivatives)
        c = jacobian(plant.states, range(plant.states.size), states, lambda: _measured(plant))[rows]
        d = jacobian(plant.inputs, columns, moved, lambda: _measured(plant))[rows]
    finally:
        plant.restore(before)
    return LinearModel(
        a, b, c, d,
        kind.names(STATE),
        tuple(kind.names(INPUT)[i] for i in columns),
        tuple(kind.names(OUTPUT)[i] for i in rows),
    )  # fmt: skip


def _measured(plant: PlantModel) -> Vector:
    plant.measure()
    return plant.outputs.copy()


def _positions(plant: PlantModel, role: str, names: Sequence[str]) -> list[int]:
    known = plant.type.names(role)
    for name in names:
        if name not in known:
            raise KeyError(f"plant {plant.type.name} has no {role} {name!r}; it has {', '.join(known)}")
    return [known.index(name) for name in names] if names else list(range(len(known)))
