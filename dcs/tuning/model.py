"""The two process models that controllers are tuned for.

Called by   ``dcs.tuning`` (rules, robustness), the command line, tests. Knows NumPy; no engine, no block.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dcs.tuning.fit import ultimate


@dataclass(frozen=True, slots=True)
class ProcessModel:
    r""":math:`K e^{-Ls}/(Ts + 1)`, or with ``integrating`` :math:`K' e^{-Ls}/s` (then ``lag_s`` is 0).

    ``gain``: K in % of measurement per % of output, negative where a rising output lowers the measurement; of an
    integrating process K' in the same per second. ``lag_s``: time constant T. ``dead_s``: dead time L as the controller
    sees it, half a scan of hold included.
    """

    gain: float
    lag_s: float
    dead_s: float
    integrating: bool = False

    def response(self, omega: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Frequency response at ``omega`` (rad/s, shape (n,)); shape (n,)."""
        s = 1j * omega
        lag = s if self.integrating else self.lag_s * s + 1.0
        return np.asarray(self.gain * np.exp(-self.dead_s * s) / lag, np.complex128)

    @property
    def ultimate(self) -> tuple[float, float]:
        """Ultimate gain in %/% and ultimate period in s; (0, 0) without a dead time."""
        return ultimate(self.gain, 0.0 if self.integrating else self.lag_s, self.dead_s)

    @property
    def slope(self) -> float:
        """Steepest rise after a step of 1 %, in %/s: K/T, or K'. Raises ``ZeroDivisionError`` for T = 0."""
        return self.gain if self.integrating else self.gain / self.lag_s

    @property
    def normalised_dead_time(self) -> float:
        """L/(L + T): near 0 dominated by the lag, near 1 by the dead time; 0 for an integrating process."""
        return 0.0 if self.integrating else self.dead_s / (self.dead_s + self.lag_s)
