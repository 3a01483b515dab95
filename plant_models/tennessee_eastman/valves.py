"""Valves: what the positioner follows, and when a sticking one moves.

Called by   ``evaluation`` and ``plant``.
Knows       demands, commands and disturbances.
"""

from plant_models.kernel import Parts, kernel
from plant_models.tennessee_eastman.constants import STICKING_BAND, VALVES
from plant_models.tennessee_eastman.layout import COMMAND


@kernel
def sticks(p: Parts, valve: int) -> bool:
    """Whether valve ``valve`` (0 … 11) sticks: IDV 14: 10; IDV 15: 11; IDV 19: 5, 7, 8, 9."""
    if valve == 9:
        return bool(p.disturbances[13] > 0.0)
    if valve == 10:
        return bool(p.disturbances[14] > 0.0)
    if valve == 4 or valve == 6 or valve == 7 or valve == 8:
        return bool(p.disturbances[18] > 0.0)
    return False


@kernel
def command_of(p: Parts, valve: int) -> float:
    """The demand, once it is further from the old command than the sticking band; within 0 … 100 %."""
    command = p.kept[COMMAND + valve]
    demand = p.inputs[valve]
    band = STICKING_BAND if sticks(p, valve) else 0.0
    if abs(command - demand) > band or (p.clock[0] == 0.0 and demand == demand):
        command = demand
    if command > 100.0:
        return 100.0
    if command > 0.0:
        return float(command)
    return 0.0


@kernel
def move_commands(p: Parts) -> None:
    """Once per step: the commands that the valves follow during it."""
    for valve in range(VALVES):
        p.kept[COMMAND + valve] = command_of(p, valve)
