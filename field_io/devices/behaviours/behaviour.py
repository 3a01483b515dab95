"""What a behaviour is, and how it finds the values of its roles among those of its device.

Called by   every type of behaviour; ``devices.processes``.
Knows       names and factors. Values of a device are one list of numbers, each in the unit of its point.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from dcs.core.units import convert
from field_io.behaviours import ANY, OWN, BehaviourKind
from field_io.specs import PointSpec

State = list[float]


class Behaviour(Protocol):
    """One behaviour of one device."""

    def step(self, values: list[float], dt_s: float) -> None:
        """One step of the plant has ended: read and write the values of the device."""
        ...

    def driven(self, role: str) -> float:
        """What the device does with a command in the plant, in the unit of the command's point."""
        ...

    def snapshot(self) -> State:
        """All that it remembers."""
        ...

    def restore(self, state: State) -> None:
        """Inverse of ``snapshot``."""
        ...


@dataclass(frozen=True, slots=True)
class Slot:
    """Where the value of a role is, and how many units of the point make one unit of the role."""

    at: int
    factor: float
    unit: str


class Roles:
    """The roles of one behaviour that somebody plays."""

    def __init__(self, kind: BehaviourKind, played: Mapping[str, tuple[int, PointSpec]]) -> None:
        """``played``: role -> (place among the values, the point)."""
        first = next((played[role.name][1].unit for role in kind.roles if role.name in played), "")
        self._slots: dict[str, Slot] = {}
        for role in kind.roles:
            if role.name in played:
                at, point = played[role.name]
                unit = first if role.unit == ANY else point.unit if role.unit == OWN else role.unit
                factor = 1.0 if unit == point.unit else convert(1.0, unit, point.unit, difference=True)
                self._slots[role.name] = Slot(at, factor, point.unit)

    def __contains__(self, role: str) -> bool:
        return role in self._slots

    def unit(self, role: str) -> str:
        """Of the point that plays it."""
        return self._slots[role].unit

    def to_point(self, role: str, value: float) -> float:
        """A value of the role in the unit of its point."""
        return value * self._slots[role].factor

    def get(self, values: list[float], role: str, default: float = 0.0) -> float:
        """What a role says; ``default`` when nobody plays it, or when its value is no number."""
        slot = self._slots.get(role)
        if slot is None:
            return default
        value = values[slot.at] / slot.factor
        return value if math.isfinite(value) else default

    def put(self, values: list[float], role: str, value: float) -> None:
        """Set what a role says, if somebody plays it."""
        slot = self._slots.get(role)
        if slot is not None:
            values[slot.at] = value * slot.factor


class Stateless:
    """For behaviours that remember their time alone, and drive nothing."""

    def __init__(self) -> None:
        self.time_s = 0.0

    def driven(self, role: str) -> float:
        """Nothing."""
        raise KeyError(role)

    def snapshot(self) -> State:
        """Its time."""
        return [self.time_s]

    def restore(self, state: State) -> None:
        """Inverse of ``snapshot``."""
        (self.time_s,) = state
