"""Valves: what the positioner follows, and when a sticking one moves.

Called by   ``evaluation`` and ``stepping``.
Knows       demands, commands and disturbances.
"""

from plant_models.kernel import kernel
from plant_models.model import Vector
from plant_models.tennessee_eastman.constants import STICKING_BAND, VALVES
from plant_models.tennessee_eastman.layout import COMMAND


@kernel
def band_of(disturbances: Vector, valve: int) -> float:
    """How far the demand may be from a sticking valve's command, %; IDV 14: valve 10; 15: 11; 19: 5, 7, 8 and 9."""
    if valve == 9:
        active = disturbances[13] > 0.0
    elif valve == 10:
        active = disturbances[14] > 0.0
    elif valve == 4 or 6 <= valve <= 8:
        active = disturbances[18] > 0.0
    else:
        active = False
    return STICKING_BAND if active else 0.0


@kernel
def command_of(command: float, demand: float, band: float) -> float:
    """The demand, once it is further from the old command than ``band``; within 0 … 100 %."""
    followed = demand if abs(command - demand) > band else command
    return min(max(followed, 0.0), 100.0)


@kernel
def move_commands(kept: Vector, demands: Vector, disturbances: Vector, start: bool) -> None:
    """Once per step: the commands that the valves follow during it; at the start all valves follow."""
    sticking = disturbances[13] > 0.0 or disturbances[14] > 0.0 or disturbances[18] > 0.0
    if sticking and not start:
        for valve in range(VALVES):
            kept[COMMAND + valve] = command_of(kept[COMMAND + valve], demands[valve], band_of(disturbances, valve))
        return
    for valve in range(VALVES):
        kept[COMMAND + valve] = command_of(kept[COMMAND + valve], demands[valve], 0.0)
