"""A valve with a positioner.

Called by   ``devices.processes`` through the registry.
Knows       its declaration (``field_io.behaviours.POSITIONER``).
Promise     it never travels faster than its actuator, and rests within the dead band.
"""

import math
from collections.abc import Mapping

from field_io.devices.behaviours.behaviour import Roles, State


class Positioner:
    """Setpoint -> position, end switches, counters."""

    def __init__(self, roles: Roles, numbers: Mapping[str, float], stream: int) -> None:
        self._roles, self._numbers = roles, numbers
        self._begun = False
        self._position = 0.0
        self._direction = 0.0  # -1, 0 (rests), 1
        self._strokes = 0.0
        self._travel = 0.0
        self._deviating_s = 0.0

    def step(self, values: list[float], dt_s: float) -> None:
        """One step on. At first it stands where it was told to be."""
        n, roles = self._numbers, self._roles
        setpoint = min(max(roles.get(values, "setpoint", self._position), 0.0), 100.0)
        if setpoint <= n["cutoff"]:
            setpoint = 0.0
        elif setpoint >= 100.0 - n["cutoff"]:
            setpoint = 100.0
        if not self._begun:
            self._begun, self._position = True, setpoint
        self._move(setpoint, dt_s)
        deviation = setpoint - self._position
        self._deviating_s = self._deviating_s + dt_s if abs(deviation) > n["deviation_limit"] else 0.0
        roles.put(values, "position", self._position)
        roles.put(values, "deviation", deviation)
        roles.put(values, "open", 1.0 if self._position >= 100.0 - n["end_band"] else 0.0)
        roles.put(values, "closed", 1.0 if self._position <= n["end_band"] else 0.0)
        roles.put(values, "moving", abs(self._direction))
        roles.put(values, "strokes", self._strokes)
        roles.put(values, "travel_total", self._travel)
        roles.put(values, "deviation_alarm", 1.0 if self._deviating_s > n["deviation_time"] else 0.0)

    def _move(self, setpoint: float, dt_s: float) -> None:
        deviation = setpoint - self._position
        at_an_end = setpoint in (0.0, 100.0) and deviation != 0.0  # it goes to the end whatever the dead band is
        if abs(deviation) <= self._numbers["dead_band"] and self._direction == 0.0 and not at_an_end:
            return
        direction = math.copysign(1.0, deviation) if deviation else 0.0
        if direction != self._direction and direction != 0.0:
            self._strokes += 1.0
        travel_s = self._numbers["travel"]
        most = 100.0 * dt_s / travel_s if travel_s > 0.0 else 100.0
        way = min(abs(deviation), most)
        self._travel += way
        arrived = way == abs(deviation)
        self._position = setpoint if arrived else self._position + direction * way
        self._direction = 0.0 if arrived else direction

    def driven(self, role: str) -> float:
        """The position, in the unit of the setpoint."""
        return self._roles.to_point(role, self._position)

    def snapshot(self) -> State:
        """All of it."""
        begun = 1.0 if self._begun else 0.0
        return [begun, self._position, self._direction, self._strokes, self._travel, self._deviating_s]

    def restore(self, state: State) -> None:
        """Inverse of ``snapshot``."""
        begun, self._position, self._direction, self._strokes, self._travel, self._deviating_s = state
        self._begun = begun > 0.0
