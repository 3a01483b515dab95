"""What stands between a plant and the registers: transmitters and actuators.

Called by   ``devices.simulation`` once per plant step.
Knows       first-order lags, noise, the 4–20 mA range with its NAMUR NE 43 limits. No plant, no device, no clock.
State       plain floats and the generators of the noise, all of it in ``snapshot``. Lists, not arrays: with the dozen
            points that a plant has, one step costs 2 µs and not 8.
"""

import math
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from field_io.specs import PointSpec, SignalSpec

Vector = NDArray[np.float64]

CURRENT_MIN_MA, CURRENT_MAX_MA = 3.8, 20.5
"""Where a transmitter's output saturates (NE 43)."""

NOISE_AHEAD = 256


def _signal(point: PointSpec) -> SignalSpec:
    if point.signal is None:
        raise ValueError(f"{point.name} has no signal and cannot be simulated")
    return point.signal


def _column(values: Sequence[float]) -> Vector:
    return np.array(values, np.float64)


def lag_share(step_s: float, lag_s: float) -> float:
    r"""Share of the way to its target that a first-order lag goes in one step, :math:`1 - e^{-h/\tau}`; exact."""
    return 1.0 if lag_s <= 0.0 else -math.expm1(-step_s / lag_s)


class Transmitters:
    """Plant outputs (SI) -> what the instruments say (points' units)."""

    def __init__(self, points: Sequence[PointSpec], step_s: float, seed: int) -> None:
        signals = [_signal(point) for point in points]
        self.names = tuple(point.name for point in points)
        self.lagged = [0.0] * len(points)  # SI
        self._shares = [lag_share(step_s, signal.lag_s) for signal in signals]
        self._slope = _column([(s.field_high - s.field_low) / (s.plant_high - s.plant_low) for s in signals])
        self._base = _column([s.field_from_plant(0.0) for s in signals])
        is_current = [point.unit == "mA" for point in points]
        self._low = _column([CURRENT_MIN_MA if current else -np.inf for current in is_current])
        self._high = _column([CURRENT_MAX_MA if current else np.inf for current in is_current])
        self._switches = [at for at, point in enumerate(points) if point.type == "bool"]
        self.switched = [0.0] * len(self._switches)
        self.stuck: dict[int, float] = {}  # point -> what it says whatever happens, in its unit
        # A stream per point, named by the point: adding an instrument changes nobody else's noise.
        self._noisy = [
            (at, signal.noise, np.random.Generator(np.random.PCG64([seed, zlib.crc32(point.name.encode())])))
            for at, (point, signal) in enumerate(zip(points, signals, strict=True))
            if signal.noise > 0.0
        ]
        self._ahead = np.zeros((NOISE_AHEAD, len(points)))  # noise of the steps to come, drawn in one go
        self._at = 0
        self._states: list[Any] = []
        self._draw_ahead()

    def settle(self, plant_values: Sequence[float]) -> None:
        """Start as if the plant had stood at ``plant_values`` (points, SI) for ever."""
        self.lagged[:] = plant_values
        self.switched = [1.0 if self._place(at) >= 0.5 else 0.0 for at in self._switches]

    def _place(self, at: int) -> float:
        """Where in its range a point stands: 0 at the low end, 1 at the high end of a switch."""
        return float(self._base[at] + self._slope[at] * self.lagged[at])

    def step(self, plant_values: Sequence[float]) -> None:
        """One plant step has ended with ``plant_values`` (points, SI)."""
        self.lagged = [
            old + share * (new - old) for old, share, new in zip(self.lagged, self._shares, plant_values, strict=True)
        ]
        for number, at in enumerate(self._switches):
            place = self._place(at)
            if place >= 1.0 or place <= 0.0:  # between both ends it stays as it is: the hysteresis of the switch
                self.switched[number] = 1.0 if place >= 1.0 else 0.0

    def draw(self, steps: int) -> None:
        """Move the noise on by ``steps``; one draw per step, however many steps are taken together."""
        self._at += steps
        while self._at >= NOISE_AHEAD:
            self._at -= NOISE_AHEAD
            self._draw_ahead()

    def _draw_ahead(self) -> None:
        self._states = [generator.bit_generator.state for _, _, generator in self._noisy]
        for at, sigma, generator in self._noisy:
            self._ahead[:, at] = sigma * generator.standard_normal(NOISE_AHEAD)

    def field_values(self) -> Vector:
        """What the instruments say now, in the points' units."""
        said = self._base + self._slope * _column(self.lagged) + self._ahead[self._at]
        limited: Vector = np.minimum(np.maximum(said, self._low), self._high)
        if self._switches:
            limited[self._switches] = self.switched
        for at, value in self.stuck.items():
            limited[at] = value
        return limited

    def snapshot(self) -> dict[str, Any]:
        """JSON types."""
        return {
            "lagged": self.lagged,
            "switched": self.switched,
            "noise_at": self._at,
            "generators": self._states,
            "stuck": sorted(self.stuck.items()),
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Inverse of ``snapshot``."""
        self.lagged[:] = snapshot["lagged"]
        self.switched[:] = snapshot["switched"]
        for (_, _, generator), state in zip(self._noisy, snapshot["generators"], strict=True):
            generator.bit_generator.state = state
        self._draw_ahead()
        self._at = snapshot["noise_at"]
        self.stuck = {int(at): value for at, value in snapshot.get("stuck", ())}


class Actuators:
    """What the controller demands (points' units) -> plant inputs (SI), within the range of the signal."""

    def __init__(self, points: Sequence[PointSpec], step_s: float) -> None:
        self._signals = [_signal(point) for point in points]
        self.names = tuple(point.name for point in points)
        self.targets = [0.0] * len(points)  # SI
        self.positions = [0.0] * len(points)  # SI
        self.stuck: dict[int, float] = {}  # actuator -> where it goes and stays whatever is demanded, SI
        self._shares = [lag_share(step_s, signal.lag_s) for signal in self._signals]

    def settle(self, plant_values: Sequence[float]) -> None:
        """Start standing still at ``plant_values`` (points, SI)."""
        self.targets[:] = plant_values
        self.positions[:] = plant_values

    def demand(self, at: int, field_value: float) -> None:
        """A demand arrived in the register; one that is no number leaves the actuator where it is going."""
        if math.isnan(field_value):
            return
        self.targets[at] = self._within(at, field_value)

    def stick(self, at: int, field_value: float | None) -> None:
        """Whatever is demanded from now on: it goes to ``field_value``, or stays where it stands (None)."""
        self.stuck[at] = self.positions[at] if field_value is None else self._within(at, field_value)

    def _within(self, at: int, field_value: float) -> float:
        signal = self._signals[at]
        low, high = sorted((signal.plant_low, signal.plant_high))
        return min(max(signal.plant_from_field(field_value), low), high)

    def demand_of(self, at: int, plant_value: float) -> float:
        """The demand that holds the actuator at ``plant_value``, in the point's unit."""
        return self._signals[at].field_from_plant(plant_value)

    def step(self) -> list[float]:
        """Positions (points, SI) at the end of one plant step."""
        targets = self.targets
        if self.stuck:
            targets = [self.stuck.get(number, target) for number, target in enumerate(targets)]
        self.positions = [
            at + share * (target - at) for at, share, target in zip(self.positions, self._shares, targets, strict=True)
        ]
        return self.positions

    def snapshot(self) -> dict[str, Any]:
        """JSON types."""
        return {"targets": self.targets, "positions": self.positions, "stuck": sorted(self.stuck.items())}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Inverse of ``snapshot``."""
        self.targets[:] = snapshot["targets"]
        self.positions[:] = snapshot["positions"]
        self.stuck = {int(at): value for at, value in snapshot.get("stuck", ())}
