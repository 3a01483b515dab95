"""What stands between a plant and the registers on the way in: transmitters (``actuators``: on the way out).

Called by   ``devices.simulation`` once per plant step.
Knows       first-order lags, noise, the 4–20 mA range with its NAMUR NE 43 limits; what is more than that is done point
            by point (``channels``). No plant, no device, no clock: a step is all the time there is.
State       plain floats, the generators of the noise and the faults, all of it in ``snapshot``. Lists, not arrays: with
            the dozen points that a plant has, one step costs 2 µs and not 8.
"""

import math
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from field_io.channels import Channel, ChannelReading
from field_io.instruments import CURRENT_MAX_MA, CURRENT_MIN_MA
from field_io.ne107 import NORMAL
from field_io.signal_faults import SignalFault, SignalFaults
from field_io.specs import PointSpec, SignalSpec

Vector = NDArray[np.float64]

NOISE_AHEAD = 256


def signal_of(point: PointSpec) -> SignalSpec:
    """The signal of a simulated point; ``ValueError`` when it has none."""
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
        signals = [signal_of(point) for point in points]
        self.names = tuple(point.name for point in points)
        self.lagged = [0.0] * len(points)  # SI
        self._shares = [lag_share(step_s, signal.lag_s) for signal in signals]
        self._slope = _column([s.slope for s in signals])
        self._base = _column([s.field_from_plant(0.0) for s in signals])
        is_current = [point.unit == "mA" for point in points]
        self._low = _column([CURRENT_MIN_MA if current else -np.inf for current in is_current])
        self._high = _column([CURRENT_MAX_MA if current else np.inf for current in is_current])
        self._switches = [at for at, point in enumerate(points) if point.type == "bool"]
        self.switched = [0.0] * len(self._switches)
        self.steps = 0
        self.faults = SignalFaults()
        self._points = tuple(points)
        self._step_s = step_s
        self._switch_at = {at: number for number, at in enumerate(self._switches)}
        # Points that are more than a straight line, for good or as long as they have a fault.
        self._channels = {
            at: Channel(point, step_s)
            for at, (point, signal) in enumerate(zip(points, signals, strict=True))
            if point.status or not signal.instrument.is_straight
        }
        self._stepped = [
            (at, channel) for at, channel in self._channels.items() if channel.signal.instrument.is_stepped
        ]
        # A stream per point, named by the point: adding an instrument changes nobody else's noise.
        self._noisy = [
            (at, signal.noise, np.random.Generator(np.random.PCG64([seed, zlib.crc32(point.name.encode())])))
            for at, (point, signal) in enumerate(zip(points, signals, strict=True))
            if signal.noise > 0.0
        ]
        self._ahead = np.zeros((NOISE_AHEAD, len(points)))  # noise of the steps to come, drawn in one go
        self._at = 0
        self._states: list[Any] = []
        self._said: Vector | None = None  # ``field_values`` until the next step: many devices ask for their part of it
        self._draw_ahead()

    def settle(self, plant_values: Sequence[float]) -> None:
        """Start as if the plant had stood at ``plant_values`` (points, SI) for ever."""
        self._said = None
        self.lagged[:] = plant_values
        self.switched = [1.0 if self._place(at) >= 0.5 else 0.0 for at in self._switches]
        for at, channel in self._stepped:
            channel.settle(self._reading(at))

    def _place(self, at: int) -> float:
        """Where in its range a point stands: 0 at the low end, 1 at the high end of a switch."""
        return float(self._base[at] + self._slope[at] * self.lagged[at])

    def step(self, plant_values: Sequence[float]) -> None:
        """One plant step has ended with ``plant_values`` (points, SI)."""
        self._said = None
        self.lagged = [
            old + share * (new - old) for old, share, new in zip(self.lagged, self._shares, plant_values, strict=True)
        ]
        for number, at in enumerate(self._switches):
            place = self._place(at)
            if place >= 1.0 or place <= 0.0:  # between both ends it stays as it is: the hysteresis of the switch
                self.switched[number] = 1.0 if place >= 1.0 else 0.0
        self.steps += 1
        self._at += 1  # as ``draw(1)``, without the call
        if self._at == NOISE_AHEAD:
            self._at = 0
            self._draw_ahead()
        for at, channel in self._stepped:
            channel.step(self._reading(at))

    def draw(self, steps: int) -> None:
        """Move the noise on by ``steps``: one number per step of the plant, however often anybody looks."""
        self._said = None
        self._at += steps
        while self._at >= NOISE_AHEAD:
            self._at -= NOISE_AHEAD
            self._draw_ahead()

    def _draw_ahead(self) -> None:
        self._states = [generator.bit_generator.state for _, _, generator in self._noisy]
        for at, sigma, generator in self._noisy:
            self._ahead[:, at] = sigma * generator.standard_normal(NOISE_AHEAD)

    def field_values(self) -> Vector:
        """What the instruments say now, in the points' units, to read; a float that has failed is no number."""
        if self._said is not None:
            return self._said
        said = self._base + self._slope * _column(self.lagged) + self._ahead[self._at]
        limited: Vector = np.minimum(np.maximum(said, self._low), self._high)
        if self._switches:
            limited[self._switches] = self.switched
        for at, channel in self._channels.items():
            limited[at] = channel.value(self._reading(at))
        limited.flags.writeable = False
        self._said = limited
        return limited

    def value(self, at: int) -> float:
        """What one instrument says now."""
        return float(self.field_values()[at])

    def diagnosis(self, at: int) -> int:
        """What one instrument knows of itself (``ne107``)."""
        channel = self._channels.get(at)
        return NORMAL if channel is None else channel.diagnosis(self._reading(at))

    def _reading(self, at: int) -> ChannelReading:
        number = self._switch_at.get(at)
        switched = -1.0 if number is None else self.switched[number]
        return ChannelReading(
            self.steps, self.lagged[at], float(self._ahead[self._at, at]), switched, self.faults.at(at, self.steps)
        )

    def begin(self, at: int, fault: SignalFault) -> None:
        """A fault of one instrument."""
        self._said = None
        self.faults.begin(at, fault)
        if at not in self._channels:
            self._channels[at] = Channel(self._points[at], self._step_s)

    def end(self, at: int, kind: str) -> None:
        """The instrument is what it was."""
        self._said = None
        self.faults.end(at, kind)
        if at not in self.faults.places and not self._is_lasting(at):
            self._channels.pop(at, None)

    def _is_lasting(self, at: int) -> bool:
        """Is the point more than a straight line without any fault?"""
        point = self._points[at]
        return bool(point.status) or not signal_of(point).instrument.is_straight

    def snapshot(self) -> dict[str, Any]:
        """JSON types."""
        return {
            "lagged": self.lagged,
            "switched": self.switched,
            "noise_at": self._at,
            "generators": self._states,
            "steps": self.steps,
            "faults": self.faults.snapshot(),
            "channels": [channel.snapshot() for _, channel in self._stepped],
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Inverse of ``snapshot``."""
        self._said = None
        self.lagged[:] = snapshot["lagged"]
        self.switched[:] = snapshot["switched"]
        for (_, _, generator), state in zip(self._noisy, snapshot["generators"], strict=True):
            generator.bit_generator.state = state
        self._draw_ahead()
        self._at = snapshot["noise_at"]
        self.steps = snapshot["steps"]
        self.faults.restore(snapshot["faults"])
        lasting = {at: channel for at, channel in self._channels.items() if self._is_lasting(at)}
        passing = {at: Channel(self._points[at], self._step_s) for at in self.faults.places if at not in lasting}
        self._channels = lasting | passing
        for (_, channel), kept in zip(self._stepped, snapshot["channels"], strict=True):
            channel.restore(kept)
