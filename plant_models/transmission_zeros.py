r"""Finite transmission zeros of a linear model, told from the rounding errors at infinity.

Called by   ``plant_models.linear``.
Knows       four matrices.

Zeros are the finite :math:`s` at which

.. math::  \begin{bmatrix} A - sI & B \\ C & D \end{bmatrix}

loses rank. The pencil also has eigenvalues at infinity, and rounding brings them down to large finite numbers, the
nearer the more integrations lie between input and output. They are told apart by looking twice: a true zero stays where
it is when states, inputs and outputs are measured in other units; what came from infinity does not.
Reference: A. Emami-Naeini and P. Van Dooren, Computation of zeros of linear multivariable systems, Automatica 18(4),
1982, 415–430; S. Skogestad and I. Postlethwaite, Multivariable Feedback Control, 2nd ed. (2005), section 4.5.
"""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Complex = NDArray[np.complex128]

_SAME = 1e-3  # of a zero's size: so far may it move between the two looks
_FAR = 1e4  # times the fastest pole: beyond that it is infinity


def transmission_zeros(a: Matrix, b: Matrix, c: Matrix, d: Matrix) -> Complex:
    """From left to right, in the unit of ``a``. Raises ``ValueError`` unless there are as many inputs as outputs."""
    if b.shape[1] != c.shape[0]:
        raise ValueError(
            f"transmission zeros need as many inputs as outputs, not {b.shape[1]} and {c.shape[0]}; "
            "choose them when linearising"
        )
    a, b, c = _balanced(a, b, c)
    one = _pencil_values(a, b, c, d, 1.0)
    turn = _mirror(a.shape[0])
    other = _pencil_values(turn @ a @ turn, turn @ b, c @ turn, d, 30.0)
    limit = _FAR * max(float(np.abs(np.linalg.eigvals(a)).max(initial=0.0)), 1e-300)
    smallest = 1e-12 * limit
    found = []
    for zero in one[np.abs(one) < limit]:
        if other.size == 0:
            break
        nearest = int(np.argmin(np.abs(other - zero)))
        if abs(other[nearest] - zero) <= _SAME * abs(zero) + smallest:
            found.append(zero)
            other = np.delete(other, nearest)
    zeros = np.array(found, np.complex128)
    result: Complex = zeros[np.lexsort((zeros.imag, zeros.real))]
    return result


def _balanced(a: Matrix, b: Matrix, c: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """In units of the states in which rows and columns of ``a`` are alike."""
    from scipy.linalg import matrix_balance

    balanced, transform = matrix_balance(a, permute=False)
    sizes = np.diag(transform)
    return balanced, b / sizes[:, None], c * sizes[None, :]


def _pencil_values(a: Matrix, b: Matrix, c: Matrix, d: Matrix, weight: float) -> Complex:
    """Finite generalised eigenvalues; ``weight`` times the size of ``a`` is the size of inputs and outputs in it."""
    from scipy.linalg import eig

    size = float(np.abs(a).max()) * weight
    in_size = _to_size(size, np.abs(b).max(axis=0))
    out_size = _to_size(size, np.maximum(np.abs(c).max(axis=1), np.abs(d * in_size).max(axis=1)))
    count = a.shape[0]
    system = np.block([[a, b * in_size], [c * out_size[:, None], d * in_size * out_size[:, None]]])
    mass = np.zeros_like(system)
    mass[:count, :count] = np.eye(count)
    above, below = eig(system, mass, right=False, homogeneous_eigvals=True)
    finite = np.abs(below) > 1e-14 * np.abs(above) / max(size, 1e-300)
    result: Complex = (above[finite] / below[finite]).astype(np.complex128)
    return result


def _to_size(size: float, found: Matrix) -> Matrix:
    """Factors that bring what was found to that size; 1 for nothing."""
    result: Matrix = np.where(found > 0.0, size / np.where(found > 0.0, found, 1.0), 1.0)
    return result


def _mirror(count: int) -> Matrix:
    """A reflection that mixes all states: its own inverse, and always the same."""
    direction = np.cos(np.arange(1.0, count + 1.0))
    direction /= np.linalg.norm(direction)
    result: Matrix = np.eye(count) - 2.0 * np.outer(direction, direction)
    return result
