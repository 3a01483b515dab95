"""What goes on inside the simulated devices of a field, beside the plant.

Called by   ``devices.simulation``, once per plant step.
Knows       devices, their points, and the behaviours that act on them. No clock: a step of the plant is a step here.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from field_io.behaviours import KINDS, BehaviourSpec
from field_io.devices.behaviours.behaviour import Behaviour, Roles
from field_io.devices.behaviours.chance import stream
from field_io.devices.behaviours.registry import MAKERS
from field_io.signals import Vector
from field_io.specs import DeviceSpec, PointSpec


class Process:
    """The behaviours of one device and the values of its points, each in its unit."""

    def __init__(self, spec: DeviceSpec, seed: int) -> None:
        points = (*spec.points, *spec.untaken)
        place = {point.name: at for at, point in enumerate(points)}
        self.values = [0.0] * len(points)
        self._place = place
        self._obeyed = False  # until a client has written something, nothing moves in the plant
        self._behaviours = [_make(behaviour, points, place, seed, spec.name) for behaviour in spec.behaviours]
        made, told, driven = [], [], {}
        for behaviour, item in zip(spec.behaviours, self._behaviours, strict=True):
            kind = KINDS[behaviour.type]
            for name, point in behaviour.roles:
                role = kind.role(name)
                assert role is not None
                if role.made:
                    made.append(points[place[point]])
                elif role.command:
                    told.append(point)
                    if name in kind.driving and points[place[point]].signal is not None:
                        driven[point] = (item, name)
        self.made: tuple[PointSpec, ...] = tuple(made)
        self.made_names = tuple(point.name for point in made)
        self._made_at = [place[name] for name in self.made_names]
        self.told = frozenset(told)
        self.told_alone = tuple(point for point in points if point.name in self.told and point.signal is None)
        self.driven = driven
        made_or_told = {*self.made_names, *told}
        roles = (point for behaviour in spec.behaviours for _, point in behaviour.roles)
        self.read = tuple(dict.fromkeys(name for name in roles if name not in made_or_told))

    def put(self, name: str, value: float) -> None:
        """What a point says from outside. Raises ``KeyError``."""
        self.values[self._place[name]] = value

    def command(self, name: str, value: float) -> None:
        """A client wrote a point. Raises ``KeyError``."""
        self.put(name, value)
        self._obeyed = True

    def get(self, name: str) -> float:
        """What a point says. Raises ``KeyError``."""
        return self.values[self._place[name]]

    def step(self, dt_s: float) -> None:
        """One step on, behaviour by behaviour in the order in which they are configured."""
        for behaviour in self._behaviours:
            behaviour.step(self.values, dt_s)

    def made_values(self) -> list[float]:
        """Of ``made``."""
        return [self.values[at] for at in self._made_at]

    def demands(self) -> list[tuple[str, float]]:
        """What the device does in the plant with its commands; nothing before the first one."""
        if not self._obeyed:
            return []
        return [(point, behaviour.driven(role)) for point, (behaviour, role) in self.driven.items()]

    def snapshot(self) -> dict[str, Any]:
        """JSON types."""
        return {
            "values": self.values,
            "obeyed": self._obeyed,
            "states": [behaviour.snapshot() for behaviour in self._behaviours],
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Inverse of ``snapshot``."""
        self.values[:] = snapshot["values"]
        self._obeyed = snapshot["obeyed"]
        for behaviour, state in zip(self._behaviours, snapshot["states"], strict=True):
            behaviour.restore(list(state))


def _make(spec: BehaviourSpec, points: Sequence[PointSpec], place: dict[str, int], seed: int, device: str) -> Behaviour:
    played = {role: (place[name], points[place[name]]) for role, name in spec.roles}
    name = f"{device}.{spec.type}.{spec.roles[0][1] if spec.roles else ''}"
    return MAKERS[spec.type](Roles(KINDS[spec.type], played), dict(spec.values), stream(seed, name))


class Processes:
    """Those of every device of a field that has one, in the order of the devices."""

    def __init__(self, specs: Sequence[DeviceSpec], seed: int, measured: Sequence[PointSpec]) -> None:
        """``measured``: the points with a signal from the plant, in the order of what ``step`` is given."""
        self.of = [Process(spec, seed) if spec.behaviours else None for spec in specs]
        self._all = [process for process in self.of if process is not None]
        self.some = bool(self._all)
        self.made = tuple(point for process in self._all for point in process.made)
        self.told_alone = tuple(point for process in self._all for point in process.told_alone)
        self._told = {name: process for process in self._all for name in process.told}
        self._alone = {point.name for point in self.told_alone}
        place = {point.name: at for at, point in enumerate(measured)}
        self._fed = [[(name, place[name]) for name in process.read if name in place] for process in self._all]
        self.read_plant = any(self._fed)

    def settle(self, name: str, value: float) -> None:
        """What a command says before anybody has given one."""
        if name in self._told:
            self._told[name].put(name, value)

    def tell(self, name: str, value: float) -> bool:
        """A client wrote a point; True when what it does in the plant, if anything, follows a behaviour."""
        process = self._told.get(name)
        if process is None:
            return False
        process.command(name, value)
        return name in process.driven or name in self._alone

    def step(self, dt_s: float, said: Vector | None) -> Iterator[tuple[str, float]]:
        """One step on; (point, demand) for the actuators. ``said``: what the measured points say."""
        for process, fed in zip(self._all, self._fed, strict=True):
            if said is not None:
                for name, at in fed:
                    process.put(name, float(said[at]))
            process.step(dt_s)
            yield from process.demands()

    def made_values(self) -> list[float]:
        """Of ``made``."""
        return [value for process in self._all for value in process.made_values()]

    def told(self, demands: list[float], place: dict[str, int]) -> list[float]:
        """The same demands, with what was told where a behaviour stands between it and the actuator."""
        for name, process in self._told.items():
            if name in place:
                demands[place[name]] = process.get(name)
        return demands

    def told_alone_values(self) -> list[float]:
        """Of ``told_alone``."""
        return [self._told[point.name].get(point.name) for point in self.told_alone]

    def snapshot(self) -> list[dict[str, Any]]:
        """JSON types."""
        return [process.snapshot() for process in self._all]

    def restore(self, snapshot: Sequence[dict[str, Any]]) -> None:
        """Inverse of ``snapshot``."""
        for process, state in zip(self._all, snapshot, strict=True):
            process.restore(state)
