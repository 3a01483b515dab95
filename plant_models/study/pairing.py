r"""Which output to control by which input, from static gains: relative gains, Niederlinski's index, a proposal.

Called by   ``plant_models.study.analysis``.
Knows       a matrix of gains; rows are outputs.

Relative gains :math:`\Lambda = G \circ (G^{+})^T`, with the pseudo-inverse where outputs and inputs differ in number
(Chang and Yu). Pair on gains near 1, never on negative ones; the pairing's index
:math:`N = \det \tilde G / \prod \tilde g_{ii}` must be positive, or no set of loops with integral action is stable when
any of them may be in Man.
Reference: S. Skogestad and I. Postlethwaite, Multivariable Feedback Control, 2nd ed. (2005), section 10.6;
J.-W. Chang and C.-C. Yu, The relative gain for non-square multivariable systems, Chem. Eng. Science 45(5), 1990.
"""

import math
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

_SINGULAR = 1e-12
_ALL_TRIED = 6  # loops up to which every pairing is looked at
_FORBIDDEN = 1e6


@dataclass(frozen=True, slots=True)
class Pairing:
    """``loops``: (output, input) positions, in order of the outputs; ``niederlinski`` is NaN where it means nothing."""

    loops: tuple[tuple[int, int], ...]
    niederlinski: float


def relative_gains(gain: Matrix) -> Matrix | None:
    """None where gains do not determine them: outputs that cannot be moved apart from one another."""
    if not np.isfinite(gain).all() or 0 in gain.shape:
        return None
    scaled = _equilibrated(gain)
    strengths = np.linalg.svd(scaled, compute_uv=False)
    if strengths.min(initial=math.inf) <= _SINGULAR * strengths.max(initial=0.0):
        return None
    square = gain.shape[0] == gain.shape[1]
    result: Matrix = scaled * np.linalg.pinv(scaled).T if square else gain * np.linalg.pinv(gain).T
    return result


def _equilibrated(gain: Matrix) -> Matrix:
    """Rows and columns brought to like size: relative gains of a square matrix do not change by it."""
    scaled = gain.copy()
    for _ in range(5):
        for axis in (0, 1):
            size = np.sqrt(np.abs(scaled).max(axis=axis, keepdims=True))
            scaled = scaled / np.where(size > 0.0, size, 1.0)
    return scaled


def niederlinski(gain: Matrix) -> float:
    """Of a square matrix whose loops are on the diagonal; NaN when one of them has no gain."""
    diagonal = float(np.prod(np.diag(gain)))
    return float(np.linalg.det(gain)) / diagonal if diagonal != 0.0 and math.isfinite(diagonal) else math.nan


def propose(gain: Matrix, relative: Matrix) -> Pairing:
    """The pairing whose relative gains are positive and nearest to 1, with a positive index where there is one."""
    outputs, inputs = gain.shape
    cost = np.abs(relative - 1.0) + np.where(relative > 0.0, 0.0, _FORBIDDEN) + np.where(gain == 0.0, _FORBIDDEN, 0.0)
    if outputs == inputs <= _ALL_TRIED:
        tried = [tuple(enumerate(order)) for order in permutations(range(inputs))]
    else:
        from scipy.optimize import linear_sum_assignment

        rows, columns = linear_sum_assignment(cost)
        tried = [tuple((int(row), int(column)) for row, column in zip(rows, columns, strict=True))]

    def badness(loops: tuple[tuple[int, int], ...]) -> tuple[bool, float]:
        return not index_of(loops) > 0.0, sum(float(cost[at]) for at in loops)

    def index_of(loops: tuple[tuple[int, int], ...]) -> float:
        rows, columns = (list(part) for part in zip(*loops, strict=True))
        return niederlinski(_equilibrated(gain[np.ix_(rows, columns)]))

    best = min(tried, key=badness)
    return Pairing(best, index_of(best))
