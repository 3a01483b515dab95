"""Processes to try controllers on: a lag or an integrator with dead time, exact between scans; a sticky valve."""

import math
import random


class Process:
    """``K e^{-Ls}/(Ts+1)``, or ``K e^{-Ls}/s`` with ``integrating``; signals are deviations in %."""

    def __init__(
        self, gain: float, lag_s: float, dead_s: float, dt_s: float, integrating: bool = False,
        noise: float = 0.0, seed: int = 1, order: int = 1,
    ) -> None:  # fmt: skip
        self.gain, self.lag_s, self.dt_s, self.integrating = gain, lag_s, dt_s, integrating
        self.load = 0.0  # added to the input, after the dead time
        whole = math.floor(dead_s / dt_s + 1e-9)
        self._part_s = max(dead_s - whole * dt_s, 0.0)  # of a scan that still shows the input of the scan before
        self._late = [0.0] * (whole + 1)
        self._x = [0.0] * order
        self.noise = noise
        self._random = random.Random(seed)

    @property
    def clean(self) -> float:
        """The output without noise."""
        return self._x[-1]

    def measured(self) -> float:
        """The output with noise."""
        return self._x[-1] + (self._random.gauss(0.0, self.noise) if self.noise else 0.0)

    def move(self, out: float) -> None:
        """One scan with ``out`` held."""
        self._late.append(out)
        before, now = self._late.pop(0), self._late[0]
        for value, time_s in ((before, self._part_s), (now, self.dt_s - self._part_s)):
            drive = self.gain * (value + self.load)
            for i in range(len(self._x)):
                if self.integrating:
                    self._x[i] += drive * time_s
                else:
                    self._x[i] += (1.0 - math.exp(-time_s / self.lag_s)) * (drive - self._x[i])
                drive = self._x[i]


class StickyValve:
    """A valve that stays where it is until it is asked to move by more than its band, then jumps there."""

    def __init__(self, band: float) -> None:
        self.band, self.at = band, 0.0

    def __call__(self, asked: float) -> float:
        if abs(asked - self.at) > self.band:
            self.at = asked
        return self.at
