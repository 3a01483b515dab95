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

_ZERO = 1e-9  # of the largest: a pole that small is an integrator
_NO_RAMP = 1e-6  # of the steepest ramp
_ROUNDING = 1e-11  # of the fastest rate: what differences leave where there is no ramp


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
    """The split of the module's docstring; states, inputs and outputs in units in which they are of like size."""
    count = a.shape[0]
    left, strengths, right = np.linalg.svd(a)
    fastest = float(strengths.max(initial=0.0))
    null = strengths <= _ZERO * fastest
    poles = np.abs(np.linalg.eigvals(a))
    zero_poles = int((poles <= _ZERO * poles.max(initial=0.0)).sum())
    if not null.any():
        return StaticGain(0, d - c @ np.linalg.solve(a, b), np.zeros_like(d))
    to_right, to_left = right[null].T, left[:, null]
    meeting = to_left.T @ to_right
    if np.linalg.svd(meeting, compute_uv=False).min() < 1e-6 or zero_poles > int(null.sum()):
        return StaticGain(max(zero_poles, int(null.sum()) + 1), None, None)
    onto = to_right @ np.linalg.solve(meeting, to_left.T)
    group_inverse = np.linalg.solve(a + (fastest or 1.0) * onto, np.eye(count) - onto)
    gain = d - c @ group_inverse @ b
    slope = c @ onto @ b
    size = np.abs(slope)
    ramps = size > max(_NO_RAMP * float(size.max(initial=0.0)), _ROUNDING * fastest)
    return StaticGain(int(null.sum()), np.where(ramps, np.nan, gain), np.where(ramps, slope, 0.0))
