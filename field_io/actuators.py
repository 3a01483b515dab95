"""What stands between the registers and a plant on the way out: valves, drives, and what is wrong with them.

Called by   ``devices.simulation`` once per plant step.
Knows       first-order lags and the range of the signal. No plant, no device, no clock.
State       plain floats and the faults, all of it in ``snapshot``.
"""

import math
from collections.abc import Sequence
from typing import Any

from field_io.instruments import HIGH, HOLD
from field_io.signal_faults import OPEN_CIRCUIT, SHORT_CIRCUIT, STUCK, SignalFault, SignalFaults, disturbed
from field_io.signals import lag_share, signal_of
from field_io.specs import PointSpec


class Actuators:
    """What the controller demands (points' units) -> plant inputs (SI), within the range of the signal."""

    def __init__(self, points: Sequence[PointSpec], step_s: float) -> None:
        self._signals = [signal_of(point) for point in points]
        self.names = tuple(point.name for point in points)
        self.targets = [0.0] * len(points)  # SI
        self.positions = [0.0] * len(points)  # SI
        self.steps = 0
        self.faults = SignalFaults()
        self._step_s = step_s
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

    def value(self, at: int) -> float:
        """Where one actuator stands, in the point's unit."""
        return self.demand_of(at, self.positions[at])

    def begin(self, at: int, fault: SignalFault) -> None:
        """A fault of one actuator."""
        self.faults.begin(at, fault)

    def end(self, at: int, kind: str) -> None:
        """It follows its demand again."""
        self.faults.end(at, kind)

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
        if self.faults:
            targets = list(targets)
            for at in self.faults.places:
                targets[at] = self._faulty_target(at)
        self.positions = [
            at + share * (target - at) for at, share, target in zip(self.positions, self._shares, targets, strict=True)
        ]
        self.steps += 1
        return self.positions

    def _faulty_target(self, at: int) -> float:
        faults, signal = self.faults.at(at, self.steps), self._signals[at]
        if not faults:
            return self.targets[at]
        if STUCK in faults:
            return self._within(at, faults[STUCK].value)
        if (
            OPEN_CIRCUIT in faults or SHORT_CIRCUIT in faults
        ):  # no current reaches it: it goes where its spring drives it
            if signal.instrument.fails == HOLD:
                return self.positions[at]
            return signal.plant_high if signal.instrument.fails == HIGH else signal.plant_low
        demand = self.demand_of(at, self.targets[at])
        return self._within(at, disturbed(demand, faults, self.steps, self._step_s))

    def snapshot(self) -> dict[str, Any]:
        """JSON types."""
        return {
            "targets": self.targets,
            "positions": self.positions,
            "steps": self.steps,
            "faults": self.faults.snapshot(),
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Inverse of ``snapshot``."""
        self.targets[:] = snapshot["targets"]
        self.positions[:] = snapshot["positions"]
        self.steps = snapshot["steps"]
        self.faults.restore(snapshot["faults"])
