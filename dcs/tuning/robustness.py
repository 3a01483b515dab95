"""How much a loop can take: maximum sensitivity and margins, from the frequency response.

Called by   ``dcs.tuning.rules``. Knows NumPy, process models and tunings.
Source      Åström & Hägglund, Advanced PID Control (2006), ch. 4.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dcs.tuning.model import ProcessModel

_POINTS = 20_000


@dataclass(frozen=True, slots=True)
class Tuning:
    """Parameters of the PID block in its standard form; the sign of the action is left to the block."""

    gain: float  # % of output per % of measurement, positive
    ti_s: float  # 0: no integral action
    td_s: float = 0.0
    n: float = 10.0  # the derivative is filtered with td_s / n

    def response(self, omega: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Frequency response of the feedback part at ``omega`` (rad/s, shape (n,)); shape (n,)."""
        s = 1j * omega
        integral = 1.0 / (self.ti_s * s) if self.ti_s > 0.0 else 0.0
        derivative = self.td_s * s / (1.0 + self.td_s / self.n * s)
        return np.asarray(self.gain * (1.0 + integral + derivative), np.complex128)


@dataclass(frozen=True, slots=True)
class Robustness:
    """``ms`` is the largest value of :math:`|1/(1 + G C)|`: 1.4 is cautious, 2 is lively, infinite is unstable."""

    stable: bool
    ms: float
    gain_margin: float  # factor
    phase_margin_deg: float


UNSTABLE = Robustness(False, math.inf, 0.0, 0.0)


def robustness(process: ProcessModel, tuning: Tuning) -> Robustness:
    r"""Stability by Nyquist's criterion, Ms and margins of the loop on the model.

    The open loop has m integrators and no unstable pole, so the closed loop is stable exactly when the argument of
    :math:`1 + G C` turns by :math:`m\,90°` from frequency 0 to infinity. The grid reaches 100 times beyond the phase
    crossover; with PI or PID control the loop gain has fallen there, or the answer is ``UNSTABLE``.
    """
    integrators = int(tuning.ti_s > 0.0) + int(process.integrating)
    if tuning.gain <= 0.0:
        return UNSTABLE
    longest_s = max(process.lag_s, process.dead_s, tuning.ti_s, tuning.td_s)
    shortest_s = max(min(t for t in (process.dead_s, process.lag_s, longest_s) if t > 0.0), 1e-4 * longest_s)
    omega = np.geomspace(1e-4 / longest_s, 300.0 / shortest_s, _POINTS)
    positive = ProcessModel(abs(process.gain), process.lag_s, process.dead_s, process.integrating)
    loop = positive.response(omega) * tuning.response(omega)
    turned = np.unwrap(np.angle(1.0 + loop))
    if abs(turned[-1] - turned[0] - integrators * math.pi / 2.0) > 1.0:
        return UNSTABLE
    ms = float(np.max(1.0 / np.abs(1.0 + loop)))
    phase = np.unwrap(np.angle(loop))
    size = np.abs(loop)
    phase += -2.0 * math.pi * round((phase[0] + integrators * math.pi / 2.0) / (2.0 * math.pi))
    across = np.flatnonzero((phase[:-1] > -math.pi) & (phase[1:] <= -math.pi))
    gain_margin = 1.0 / float(size[across].max()) if across.size else math.inf
    unity = np.flatnonzero((size[:-1] > 1.0) & (size[1:] <= 1.0))
    phase_margin = 180.0 + math.degrees(float(phase[unity].min())) if unity.size else math.inf
    return Robustness(True, ms, gain_margin, phase_margin)
