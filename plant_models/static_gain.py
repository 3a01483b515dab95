r"""Static gains of a linear model, also of one that integrates.

Called by   ``plant_models.study.analysis``.
Knows       four matrices.

A plant with integrators has no :math:`G(0)`: a held input moves some outputs for ever. With right and left null
vectors :math:`N, M` of :math:`A` (simple integrators: :math:`M^T N` is regular) the transfer function splits into

.. math::  G(s) = \frac{R}{s} + G_0 + O(s), \qquad R = C N (M^T N)^{-1} M^T B, \qquad G_0 = D - C A^{\#} B

with the group inverse :math:`A^{\#}`. Where an entry of :math:`R` is zero, that of :math:`G_0` is an ordinary gain;
elsewhere the plant answers a held input with a ramp of slope :math:`R`.
Reference: S. L. Campbell and C. D. Meyer, Generalized Inverses of Linear Transformations (1979), chapter 7.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

_ZERO = 1e-9  # of the largest: a pole that small is an integrator, in units in which all states are alike
_NO_RAMP = 1e-7


@dataclass(frozen=True, eq=False)
class StaticGain:
    """``gain``: NaN where an output ramps; ``slope``: output units per input unit and second, 0 where it settles.

    ``integrators`` counts zero poles. Both matrices are None where integrators follow on one another, so that a held
    input makes an output grow with the square of time.
    """

    integrators: int
    gain: Matrix | None
    slope: Matrix | None


def static_gain(a: Matrix, b: Matrix, c: Matrix, d: Matrix) -> StaticGain:
    """The split of the module's docstring."""
    from scipy.linalg import matrix_balance

    count = a.shape[0]
    balanced, transform = matrix_balance(a, permute=False)
    sizes = np.diag(transform)
    b, c = b / sizes[:, None], c * sizes[None, :]
    left, strengths, right = np.linalg.svd(balanced)
    null = strengths <= _ZERO * strengths.max(initial=0.0)
    poles = np.linalg.eigvals(balanced)
    zero_poles = int((np.abs(poles) <= _ZERO * np.abs(poles).max(initial=0.0)).sum())
    if not null.any():
        return StaticGain(0, d - c @ np.linalg.solve(balanced, b), np.zeros_like(d))
    to_right, to_left = right[null].T, left[:, null]
    meeting = to_left.T @ to_right
    if np.linalg.svd(meeting, compute_uv=False).min() < 1e-6 or zero_poles > int(null.sum()):
        return StaticGain(max(zero_poles, int(null.sum()) + 1), None, None)
    onto = to_right @ np.linalg.solve(meeting, to_left.T)
    scale = float(strengths.max()) or 1.0
    group_inverse = np.linalg.solve(balanced + scale * onto, np.eye(count) - onto)
    gain = d - c @ group_inverse @ b
    slope = c @ onto @ b
    # a ramp is one when it counts beside what the same input and output are able to do otherwise
    sizes_of_slopes = np.abs(c).max(axis=1, initial=0.0)[:, None] * np.abs(b).max(axis=0, initial=0.0)[None, :]
    ramps = np.abs(slope) > _NO_RAMP * sizes_of_slopes
    return StaticGain(int(null.sum()), np.where(ramps, np.nan, gain), np.where(ramps, slope, 0.0))
