"""One measured point that is more than a straight line: instrument, wire and input card, with their faults.

Called by   ``signals.Transmitters``.
Knows       in which order things happen: the instrument measures, is disturbed, saturates or fails; the wire breaks;
            the card filters, samples and converts. No plant, no clock.
"""

import math
from typing import Any, NamedTuple

from field_io import ne107
from field_io.instruments import (
    BURN_OUT_HIGH_MA,
    BURN_OUT_LOW_MA,
    CURRENT_MAX_MA,
    CURRENT_MIN_MA,
    HIGH,
    LOW,
    OPEN_MA,
    SHORT_MA,
    failed_value,
    limited_ma,
)
from field_io.signal_faults import (
    CHECK,
    FAILURE,
    MAINTENANCE,
    OFF_SPEC,
    OPEN_CIRCUIT,
    SHORT_CIRCUIT,
    STUCK,
    SignalFault,
    disturbed,
)
from field_io.specs import NODE, PointSpec

_NS = 1_000_000_000


class ChannelReading(NamedTuple):
    """What a channel is computed from at one step."""

    step: int
    lagged: float  # SI, behind the damping
    noise: float  # in the point's unit
    switched: float  # of a switch 0 or 1; -1: it is none
    faults: dict[str, SignalFault]


class Channel:
    """Filter and last sample are its state; everything else is a function of the reading."""

    def __init__(self, point: PointSpec, step_s: float) -> None:
        assert point.signal is not None
        self.signal = point.signal
        self._is_current = point.unit == "mA"
        self._is_float = (
            point.type in ("float32", "float64") or point.table == NODE
        )  # a node says Bad, whatever its type
        self._is_linear = self.signal.instrument.is_linear
        self._base = self.signal.field_from_plant(0.0)
        self._slope = self.signal.slope
        self._step_s = step_s
        self._step_ns = round(step_s * _NS)
        lag_s = self.signal.instrument.filter_s
        self._share = 1.0 if lag_s <= 0.0 else -math.expm1(-step_s / lag_s)
        self._filtered = 0.0
        self._sampled = 0.0

    # --- state ------------------------------------------------------------------------------------------------
    def settle(self, reading: ChannelReading) -> None:
        """As if it had measured this for ever."""
        self._filtered = self._sampled = self._at_card(reading)

    def step(self, reading: ChannelReading) -> None:
        """One step of the plant has ended."""
        arrived, instrument = self._at_card(reading), self.signal.instrument
        if math.isfinite(arrived) and math.isfinite(self._filtered):
            self._filtered += self._share * (arrived - self._filtered)
        else:
            self._filtered = arrived  # a failure is no number to be averaged
        now_ns = reading.step * self._step_ns
        if instrument.samples(now_ns - self._step_ns, now_ns):
            self._sampled = self._filtered

    def snapshot(self) -> list[Any]:
        """JSON types; JSON has no NaN, a text stands for it."""
        return [repr(self._filtered), repr(self._sampled)]

    def restore(self, snapshot: list[Any]) -> None:
        """Inverse of ``snapshot``."""
        self._filtered, self._sampled = map(float, snapshot)

    # --- what it says -----------------------------------------------------------------------------------------
    def value(self, reading: ChannelReading) -> float:
        """What stands in the register, in the point's unit."""
        instrument = self.signal.instrument
        said = self._sampled if instrument.is_stepped else self._at_card(reading)
        if self._is_current and not BURN_OUT_LOW_MA < said < BURN_OUT_HIGH_MA:
            return said  # a coarse converter must not lift a failure current to where it is none
        return instrument.rounded(said)

    def _measured(self, reading: ChannelReading) -> float:
        """What the instrument would send, were there no limits to it."""
        if reading.switched >= 0.0:
            return reading.switched
        signal = self.signal
        if self._is_linear:  # to the last bit what ``Transmitters`` computes for all such points together
            said = self._base + self._slope * reading.lagged + reading.noise
        else:
            share = (reading.lagged - signal.plant_low) / (signal.plant_high - signal.plant_low)
            share = signal.instrument.share(share)
            said = signal.field_low + share * (signal.field_high - signal.field_low) + reading.noise
        return disturbed(said, reading.faults, reading.step, self._step_s) if reading.faults else said

    def _at_card(self, reading: ChannelReading) -> float:
        faults = reading.faults
        if faults:
            if OPEN_CIRCUIT in faults or SHORT_CIRCUIT in faults:
                return self._wire(is_open=OPEN_CIRCUIT in faults, is_switch=reading.switched >= 0.0)
            if FAILURE in faults:
                return failed_value(self._is_current, self._is_float, self.signal.instrument.fails)
            for held in (CHECK, STUCK):
                if held in faults:
                    return faults[held].value
        said = self._measured(reading)
        return limited_ma(said) if self._is_current else said

    def _wire(self, is_open: bool, is_switch: bool) -> float:
        if is_switch:
            return 0.0 if is_open else 1.0
        if self._is_current:
            return OPEN_MA if is_open else SHORT_MA
        return failed_value(False, self._is_float, HIGH if is_open else LOW)

    def diagnosis(self, reading: ChannelReading) -> int:
        """What the device knows: what breaks it, who works on it, that it is driven out of its range."""
        faults = reading.faults
        found = [ne107.NORMAL]
        if FAILURE in faults or OPEN_CIRCUIT in faults or SHORT_CIRCUIT in faults:
            found.append(ne107.FAILURE)
        if CHECK in faults:
            found.append(ne107.CHECK_FUNCTION)
        if OFF_SPEC in faults or (self._is_current and not CURRENT_MIN_MA <= self._measured(reading) <= CURRENT_MAX_MA):
            found.append(ne107.OUT_OF_SPECIFICATION)
        if MAINTENANCE in faults:
            found.append(ne107.MAINTENANCE_REQUIRED)
        return ne107.worst(found)
