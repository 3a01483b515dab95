"""Promises of contacts and coils of the simulated field."""

from field_io.actuators import Actuators
from field_io.signals import Transmitters
from field_io.specs import PointSpec, SignalSpec

SWITCH = PointSpec("LSH", "discrete", 0, "bool", signal=SignalSpec("level", 10.0, 12.0, 0.0, 1.0, lag_s=0.0))
METER = PointSpec("LT", "input", 0, "float32", signal=SignalSpec("level", 0.0, 20.0, 0.0, 20.0))
COIL = PointSpec("P", "coil", 0, "bool", direction="out", signal=SignalSpec("voltage", 0.0, 6.0, 0.0, 1.0))


def contact(levels: list[float], asked_every: int) -> list[float]:
    transmitters = Transmitters([METER, SWITCH], 0.1, 1)
    transmitters.settle([levels[0]] * 2)
    seen = []
    for k, level in enumerate(levels):
        transmitters.step([level] * 2)
        if k % asked_every == 0:
            seen.append(float(transmitters.field_values()[1]))
    return seen


def test_between_both_ends_of_its_range_a_switch_stays_as_it_is() -> None:
    assert contact([9.0, 11.0, 12.0, 11.0, 10.1, 10.0, 11.9], 1) == [0, 0, 1, 1, 1, 0, 0]


def test_a_switch_depends_on_the_steps_and_not_on_who_asks() -> None:
    """Promise: a peak that nobody looked at has switched it all the same."""
    levels = [9.0, 11.0, 12.5, 11.0, 11.0, 9.9, 11.0]
    assert contact(levels, 3) == contact(levels, 1)[::3]


def test_it_starts_on_the_nearer_side_and_a_copy_goes_on_with_it() -> None:
    low, high = Transmitters([SWITCH], 0.1, 1), Transmitters([SWITCH], 0.1, 1)
    low.settle([10.9])
    high.settle([11.1])
    assert (low.field_values()[0], high.field_values()[0]) == (0.0, 1.0)
    low.restore(high.snapshot())
    assert low.field_values()[0] == 1.0


def test_a_coil_moves_its_actuator_between_both_ends() -> None:
    actuators = Actuators([COIL], 0.1)
    actuators.demand(0, 1.0)
    assert actuators.step() == [6.0]
    actuators.demand(0, 0.0)
    assert actuators.step() == [0.0]
