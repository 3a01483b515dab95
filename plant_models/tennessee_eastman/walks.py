r"""The twelve slow random signals: feed compositions and temperatures, cooling water, kinetics, fouling.

Called by   ``evaluation`` (``walk_value``) and ``grid`` (``renew_walks``, once per whole second).
Knows       ``kept``: every signal is a cubic piece :math:`a + h(b + h(c + h d))` of the time :math:`h` since the piece
            began.

Signals 1 … 9 go from node to node, random in time and height, with a slope of zero at the nodes. Signals 10 … 12 are
pulses: they grow as a parabola from 0 to 1 in a random time and return within 0.1 h. Numbers are drawn even while a
disturbance is off (the signal stays at its mean), so one that is switched on acts from the next node.
"""

from plant_models.kernel import kernel
from plant_models.model import Vector
from plant_models.tennessee_eastman.generator import MODULUS, next_state
from plant_models.tennessee_eastman.layout import (
    GENERATOR,
    WALK_A,
    WALK_B,
    WALK_C,
    WALK_D,
    WALK_LAST,
    WALK_NEXT,
)

WALKS = 12
SMOOTH = 9  # the first nine; the others are pulses
FLAG = (8, 8, 9, 10, 11, 12, 13, 13, 16, 17, 18, 20)  # IDV of each
TIME_SPREAD_H = (0.2, 0.7, 0.25, 0.7, 0.15, 0.15, 1.0, 1.0, 0.4, 1.5, 2.0, 1.5)
TIME_H = (0.5, 1.0, 0.5, 1.0, 0.25, 0.25, 2.0, 2.0, 0.5, 2.0, 3.0, 2.0)
SPREAD = (0.03, 0.003, 10.0, 10.0, 10.0, 10.0, 0.25, 0.25, 0.25, 0.0, 0.0, 0.0)
MEAN = (0.485, 0.005, 45.0, 45.0, 35.0, 40.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0)
FIRST_NODE_H = 0.1
_PULSE_FALL_H = 0.1
_PULSE_TOP = 0.1  # a pulse above this returns to zero


@kernel
def begin_walks(kept: Vector) -> None:
    """All signals at their means until the first node."""
    for i in range(WALKS):
        kept[WALK_LAST + i] = 0.0
        kept[WALK_NEXT + i] = FIRST_NODE_H
        kept[WALK_A + i] = MEAN[i]
        kept[WALK_B + i] = 0.0
        kept[WALK_C + i] = 0.0
        kept[WALK_D + i] = 0.0


@kernel
def walk_value(kept: Vector, i: int, time_h: float) -> float:
    """Signal ``i`` (0 … 11) at ``time_h``."""
    h = time_h - kept[WALK_LAST + i]
    return float(kept[WALK_A + i] + h * (kept[WALK_B + i] + h * (kept[WALK_C + i] + h * kept[WALK_D + i])))


@kernel
def _signed(kept: Vector) -> float:
    """One number from [-1, 1) of the generator in ``kept``."""
    state = next_state(int(kept[GENERATOR]))
    kept[GENERATOR] = state
    return 2.0 * state / MODULUS - 1.0


@kernel
def renew_walks(kept: Vector, disturbances: Vector, time_h: float) -> None:
    """Begin the next piece of every signal whose piece has ended."""
    for i in range(WALKS):
        if time_h >= kept[WALK_NEXT + i]:
            h = kept[WALK_NEXT + i] - kept[WALK_LAST + i]
            b, c, d = kept[WALK_B + i], kept[WALK_C + i], kept[WALK_D + i]
            value = kept[WALK_A + i] + h * (b + h * (c + h * d))
            slope = b + h * (2.0 * c + 3.0 * h * d)
            kept[WALK_LAST + i] = kept[WALK_NEXT + i]
            active = 1.0 if disturbances[FLAG[i] - 1] > 0.0 else 0.0
            if i < SMOOTH:
                _begin_smooth(kept, i, value, slope, active)
            else:
                _begin_pulse(kept, i, value, slope, active)


@kernel
def _begin_smooth(kept: Vector, i: int, value: float, slope: float, active: float) -> None:
    """A cubic to the next node: Hermite, with slope zero there."""
    span = TIME_SPREAD_H[i] * _signed(kept) + TIME_H[i]
    goal = SPREAD[i] * _signed(kept) * active + MEAN[i]
    goal_slope = 0.0 * _signed(kept) * active  # always 0, but the number is drawn
    kept[WALK_A + i] = value
    kept[WALK_B + i] = slope
    kept[WALK_C + i] = (3.0 * (goal - value) - span * (goal_slope + 2.0 * slope)) / (span * span)
    kept[WALK_D + i] = (2.0 * (value - goal) + span * (goal_slope + slope)) / (span * span * span)
    kept[WALK_NEXT + i] = kept[WALK_LAST + i] + span


@kernel
def _begin_pulse(kept: Vector, i: int, value: float, slope: float, active: float) -> None:
    """Back to zero after a pulse, else the parabola of the next one."""
    if value > _PULSE_TOP:
        kept[WALK_A + i] = value
        kept[WALK_B + i] = slope
        kept[WALK_C + i] = -(3.0 * value + 0.2 * slope) / 0.01
        kept[WALK_D + i] = (2.0 * value + 0.1 * slope) / 0.001
        kept[WALK_NEXT + i] = kept[WALK_LAST + i] + _PULSE_FALL_H
        return
    span = TIME_SPREAD_H[i] * _signed(kept) + TIME_H[i]
    kept[WALK_A + i] = 0.0
    kept[WALK_B + i] = 0.0
    kept[WALK_C + i] = active / (span * span)
    kept[WALK_D + i] = 0.0
    kept[WALK_NEXT + i] = kept[WALK_LAST + i] + span
