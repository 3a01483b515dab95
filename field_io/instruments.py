"""An instrument and its input card beyond a straight line: characteristic, calibration, NE 43, resolution, sampling.

Called by   ``specs`` (a signal has an ``InstrumentSpec``), ``signals`` (does what it says), ``dcs.config``.
Knows       pure functions of shares of the range and of field values. No state, no clock.
Source      NAMUR NE 43 (2003): signal levels for failure information of digital transmitters.
"""

import math
from dataclasses import dataclass

CURRENT_MIN_MA, CURRENT_MAX_MA = 3.8, 20.5
"""Where a transmitter's output saturates (NE 43)."""

BURN_OUT_LOW_MA, BURN_OUT_HIGH_MA = 3.6, 21.0
"""What a transmitter sends when it has failed: so much or less, so much or more (NE 43)."""

OPEN_MA, SHORT_MA = 0.0, 24.0
"""What the card measures on a broken wire, and where it limits the current of a short circuit."""

CHARACTERISTICS = ("linear", "square_root", "dp", "dp_root")
"""linear: as the variable · square_root: the variable is a differential pressure and its root is sent · dp: the
variable is a flow, its differential pressure is sent (the AI block takes the root) · dp_root: the same, its root is
sent."""

LOW, HIGH, HOLD = "low", "high", "hold"


@dataclass(frozen=True, slots=True)
class InstrumentSpec:
    """What stands between the variable and the register, besides range, noise and lag."""

    characteristic: str = "linear"
    cut: float = 0.0  # share of the range below which it says the low end
    zero_error: float = 0.0  # calibration: shift of the zero, share of the span
    span_error: float = 0.0  # calibration: change of the span, share of the span
    fails: str = ""  # low | high: where the signal goes when it fails; of an actuator also hold
    filter_s: float = 0.0  # time constant of the input card's filter
    resolution: float = 0.0  # step of the A/D converter, in the unit of the point
    period_ns: int = 0  # the card samples the channel so often; 0 = at every step of the plant
    skew_ns: int = 0  # and so long after the beginning of the card's cycle

    @property
    def is_straight(self) -> bool:
        """True when a straight line and the limits of the current say everything."""
        return self.is_linear and self.resolution == 0.0 and not self.is_stepped

    @property
    def is_linear(self) -> bool:
        """True when the place in the range of the signal is that in the range of the variable."""
        right = self.zero_error == 0.0 and self.span_error == 0.0
        return right and self.characteristic == "linear" and self.cut == 0.0

    @property
    def is_stepped(self) -> bool:
        """True when what it says depends on what was before: it is computed at every step of the plant."""
        return self.filter_s > 0.0 or self.period_ns > 0

    def share(self, share: float) -> float:
        """Place of the variable in its range (0 … 1) -> place of the signal in its range; may lie outside."""
        if self.characteristic in ("dp", "dp_root"):
            share *= abs(share)
        share += self.zero_error + self.span_error * share
        if self.characteristic in ("square_root", "dp_root"):
            share = math.sqrt(share) if share > 0.0 else 0.0
        return 0.0 if share < self.cut and self.cut > 0.0 else share

    def rounded(self, value: float) -> float:
        """What the A/D converter makes of a value in the point's unit."""
        if self.resolution <= 0.0 or not math.isfinite(value):
            return value
        return round(value / self.resolution) * self.resolution

    def samples(self, before_ns: int, now_ns: int) -> bool:
        """Does the card sample the channel after ``before_ns`` and not after ``now_ns``?"""
        if self.period_ns <= 0:
            return True
        return (now_ns - self.skew_ns) // self.period_ns > (before_ns - self.skew_ns) // self.period_ns


STRAIGHT = InstrumentSpec()


def limited_ma(current_ma: float) -> float:
    """Within what a healthy transmitter sends."""
    return min(max(current_ma, CURRENT_MIN_MA), CURRENT_MAX_MA)


def failed_value(is_current: bool, is_float: bool, fails: str) -> float:
    """What a register says of a transmitter that has failed, in the point's unit.

    A float says that it is no number; a whole number cannot, and says the end of its type.
    """
    if is_current:
        return BURN_OUT_HIGH_MA if fails == HIGH else BURN_OUT_LOW_MA
    if is_float:
        return math.nan
    return -math.inf if fails == LOW else math.inf
