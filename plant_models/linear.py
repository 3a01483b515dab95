r"""Linear analysis of a plant where it stands: Jacobians, time constants, gains, zeros, relative gains, steady states.

Called by   studies, reference tests, and whoever tunes a loop.
Knows       ``PlantModel`` only: everything is found by moving states and inputs a little and looking at the answer.

.. math::  \dot x = A x + B u, \qquad y = C x + D u, \qquad G(s) = C (sI - A)^{-1} B + D

Units are those of the plant's variables (SI). Transmission zeros are the finite generalised eigenvalues of
:math:`\begin{bmatrix} A & B \\ C & D \end{bmatrix} - s \begin{bmatrix} I & 0 \\ 0 & 0 \end{bmatrix}`.
Reference: Skogestad and Postlethwaite, Multivariable Feedback Control, 2nd ed. (2005), sections 3.4 and 4.5.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plant_models.model import INPUT, OUTPUT, STATE, PlantModel, Vector

Matrix = NDArray[np.float64]

_RELATIVE_STEP = 1e-4  # with the fourth-order formula: truncation 1e-16 and rounding 1e-12 of a variable's size


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
        from scipy.linalg import eig  # 0.2 s of import that running a plant never needs

        if len(self.inputs) != len(self.outputs):
            raise ValueError(
                f"transmission zeros need as many inputs as outputs, not {len(self.inputs)} and {len(self.outputs)}; "
                "choose them when linearising"
            )
        # Rows and columns are scaled to the size of A, or the rank decisions of the QZ algorithm drown in units.
        size = np.abs(self.a).max()
        b_scale = size / max(np.abs(self.b).max(), 1e-300)
        c_scale = size / max(np.abs(self.c).max(), 1e-300)
        count = len(self.states)
        system = np.block([[self.a, self.b * b_scale], [self.c * c_scale, self.d * (b_scale * c_scale)]])
        mass = np.zeros_like(system)
        mass[:count, :count] = np.eye(count)
        zeros = eig(system, mass, right=False)
        finite = zeros[np.isfinite(zeros) & (np.abs(zeros) < 1e6 * size)]
        result: NDArray[np.complex128] = finite[np.argsort(finite.real)].astype(np.complex128)
        return result

    def relative_gains(self) -> Matrix:
        """RGA at steady state: G(0) ∘ G(0)⁻ᵀ, dimensionless; rows are outputs. Square plants only."""
        gain = self.gain()
        result: Matrix = gain * np.linalg.inv(gain).T
        return result


def linearise(plant: PlantModel, inputs: Sequence[str] = (), outputs: Sequence[str] = ()) -> LinearModel:
    """Linear model around where ``plant`` is now (all inputs and outputs unless named). The plant is left as it was.

    Raises ``KeyError`` for a name that is not an input or output.
    """
    columns = _positions(plant, INPUT, inputs)
    rows = _positions(plant, OUTPUT, outputs)
    before = plant.snapshot()
    try:
        a = _jacobian(plant.states, range(plant.states.size), plant.derivatives)
        b = _jacobian(plant.inputs, columns, plant.derivatives)
        c = _jacobian(plant.states, range(plant.states.size), lambda: _measured(plant))[rows]
        d = _jacobian(plant.inputs, columns, lambda: _measured(plant))[rows]
    finally:
        plant.restore(before)
    kind = plant.type
    return LinearModel(
        a, b, c, d,
        kind.names(STATE),
        tuple(kind.names(INPUT)[i] for i in columns),
        tuple(kind.names(OUTPUT)[i] for i in rows),
    )  # fmt: skip


def find_steady_state(plant: PlantModel) -> Vector:
    """States at which nothing moves with the inputs as they are, searched from where the plant is; it goes there.

    Raises ``ArithmeticError`` (and leaves the plant as it was) when none is found.
    """
    from scipy.optimize import root

    before = plant.snapshot()
    sizes = np.array(
        [max(abs(x), 1e-3 * (v.high - v.low)) for x, v in zip(plant.states, plant.type.of_role(STATE), strict=True)]
    )

    def rates(scaled: Vector) -> Vector:
        plant.states[:] = scaled * sizes
        scaled_rates: Vector = plant.derivatives() / sizes
        return scaled_rates

    solution = root(rates, plant.states / sizes, tol=1e-14)
    if not solution.success and not np.abs(solution.fun).max() < 1e-12:
        plant.restore(before)
        raise ArithmeticError(f"plant {plant.type.name}: no steady state found from here: {solution.message}")
    plant.states[:] = solution.x * sizes
    plant.measure()
    return plant.states.copy()


def _measured(plant: PlantModel) -> Vector:
    plant.measure()
    return plant.outputs.copy()


def _positions(plant: PlantModel, role: str, names: Sequence[str]) -> list[int]:
    known = plant.type.names(role)
    for name in names:
        if name not in known:
            raise KeyError(f"plant {plant.type.name} has no {role} {name!r}; it has {', '.join(known)}")
    return [known.index(name) for name in names] if names else list(range(len(known)))


def _jacobian(vector: Vector, positions: Sequence[int], answer: Callable[[], Vector]) -> Matrix:
    """Derivatives of ``answer`` by the entries of ``vector``: central differences of fourth order."""
    columns = []
    for position in positions:
        at = vector[position]
        step = _RELATIVE_STEP * max(abs(at), 1e-3)
        values = []
        for times in (1, -1, 2, -2):
            vector[position] = at + times * step
            values.append(answer())
        vector[position] = at
        columns.append((8.0 * (values[0] - values[1]) - (values[2] - values[3])) / (12.0 * step))
    return np.column_stack(columns)
