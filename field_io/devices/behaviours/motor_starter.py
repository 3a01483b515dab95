r"""A motor behind a starter with thermal protection.

Called by   ``devices.processes`` through the registry.
Knows       its declaration (``field_io.behaviours.MOTOR_STARTER``).
Model       warming :math:`\dot\theta = (100\,(I/I_r)^2 - \theta)/\tau`, the thermal image of a motor protection
            relay (IEC 60255-149): at rated current it ends at 100 %.
"""

from collections.abc import Mapping

from field_io.devices.behaviours.behaviour import Roles, State
from field_io.signals import lag_share

STOPPED, STARTING, RUNNING, STOPPING, TRIPPED = range(5)


class MotorStarter:
    """Commands -> state, speed, current, warming, counters."""

    def __init__(self, roles: Roles, numbers: Mapping[str, float], stream: int) -> None:
        self._roles, self._numbers = roles, numbers
        self._begun = False
        self._state = STOPPED
        self._speed = 0.0  # %
        self._warming = 0.0  # %
        self._starts = 0.0
        self._run_s = 0.0
        self._was = {"start": False, "run": False, "reset": False}

    def step(self, values: list[float], dt_s: float) -> None:
        """One step on. A motor that is told to run from the beginning runs from the beginning."""
        roles, n = self._roles, self._numbers
        told = {name: roles.get(values, name) >= 0.5 for name in ("start", "stop", "run", "reset")}
        if not self._begun:
            self._begun = True
            if told["run"] and not told["stop"]:
                self._state, self._speed, self._starts = RUNNING, 100.0, 1.0
            self._was = {name: told[name] for name in self._was}
        self._obey(told)
        self._turn(dt_s)
        current = self._current(roles.get(values, "load", n["load"]))
        ratio = current / n["rated_current"] if n["rated_current"] > 0.0 else 0.0
        self._warming += lag_share(dt_s, n["thermal_time"]) * (100.0 * ratio * ratio - self._warming)
        if self._warming >= n["trip"]:
            self._state = TRIPPED
            current = 0.0
        if self._state in (STARTING, RUNNING):
            self._run_s += dt_s
        self._show(values, current)

    def _obey(self, told: Mapping[str, bool]) -> None:
        edges = {name: told[name] and not was for name, was in self._was.items()}
        let_go = self._was["run"] and not told["run"]
        self._was = {name: told[name] for name in self._was}
        if self._state == TRIPPED:
            if edges["reset"] and self._warming < self._numbers["cooled"]:
                self._state = STOPPED if self._speed == 0.0 else STOPPING
            return
        if told["stop"] or let_go:
            if self._state in (STARTING, RUNNING):
                self._state = STOPPING
        elif (edges["start"] or edges["run"]) and self._state in (STOPPED, STOPPING):
            self._state = STARTING
            self._starts += 1.0

    def _turn(self, dt_s: float) -> None:
        """Speed along its ramps."""
        n = self._numbers
        up = self._state in (STARTING, RUNNING)
        full_s = n["run_up"] if up else n["run_down"]
        way = 100.0 * dt_s / full_s if full_s > 0.0 else 100.0
        self._speed = min(100.0, self._speed + way) if up else max(0.0, self._speed - way)
        if self._state == STARTING and self._speed == 100.0:
            self._state = RUNNING
        elif self._state == STOPPING and self._speed == 0.0:
            self._state = STOPPED

    def _current(self, load_percent: float) -> float:
        n = self._numbers
        if self._state == STARTING:
            return n["rated_current"] * n["starting_current"]
        return n["rated_current"] * max(load_percent, 0.0) / 100.0 if self._state == RUNNING else 0.0

    def _show(self, values: list[float], current: float) -> None:
        put, state = self._roles.put, self._state
        put(values, "state", float(state))
        put(values, "ready", 1.0 if state in (STOPPED, STOPPING) else 0.0)
        put(values, "starting", 1.0 if state == STARTING else 0.0)
        put(values, "running", 1.0 if state == RUNNING else 0.0)
        put(values, "tripped", 1.0 if state == TRIPPED else 0.0)
        put(values, "speed", self._speed)
        put(values, "current", current)
        put(values, "thermal_load", self._warming)
        put(values, "starts", self._starts)
        put(values, "hours", self._run_s / 3600.0)

    def driven(self, role: str) -> float:
        """What a switched motor does in the plant: 0 at standstill, 1 at full speed, and between on its ramps."""
        return self._speed / 100.0

    def snapshot(self) -> State:
        """All of it."""
        flags = [1.0 if flag else 0.0 for flag in (self._begun, *self._was.values())]
        return [*flags, float(self._state), self._speed, self._warming, self._starts, self._run_s]

    def restore(self, state: State) -> None:
        """Inverse of ``snapshot``."""
        self._begun = state[0] > 0.0
        self._was = {name: flag > 0.0 for name, flag in zip(self._was, state[1:4], strict=True)}
        self._state = int(state[4])
        self._speed, self._warming, self._starts, self._run_s = state[5:]
