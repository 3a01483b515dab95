"""What happens to a simulated plant, in words for the journal and for ``dcs status``.

Called by   the field node, for every change of a condition.
Knows       the declarations of a plant through a protocol: names, units, ranges, meanings. No plant model.
"""

import math
from collections.abc import Sequence
from typing import Protocol

from dcs.config.plant_config import VariableInfo
from dcs.core.errors import ConfigError
from dcs.core.units import convert, find_unit, units_of

OUT_OF_RANGE = "out_of_range:"
_READABLE = (1.0, 10_000.0)  # the larger end of a range should read as a number in here


class PlantCondition(Protocol):
    """Something that became true or false in the plant; ``value`` made it so, in its variable's unit."""

    @property
    def time_s(self) -> float: ...
    @property
    def condition(self) -> str: ...
    @property
    def active(self) -> bool: ...
    @property
    def value(self) -> float: ...


class DeclaredCondition(Protocol):
    """A condition of the plant."""

    @property
    def name(self) -> str: ...
    @property
    def meaning(self) -> str: ...


class DeclaredPlant(Protocol):
    """What is known of the plant before it runs."""

    @property
    def conditions(self) -> Sequence[DeclaredCondition]: ...
    def variable(self, name: str) -> VariableInfo: ...


def words_for(change: PlantCondition, plant: DeclaredPlant) -> str:
    """One line of the journal: ``plant: temperature left its validity range: 512.3 K (250 … 500 K)``."""
    name = state_of(change.condition)
    if not name:
        meaning = next((c.meaning for c in plant.conditions if c.name == change.condition), "")
        what = f"{change.condition} {'begins' if change.active else 'is over'}"
        return f"plant: {what}: {meaning}" if meaning else f"plant: {what}"
    if not math.isfinite(change.value):
        how = "is not a number any more" if math.isnan(change.value) else "ran to infinity"
        return f"plant: {name} {how}; the plant is frozen where it stood before and goes on from a snapshot only"
    variable = plant.variable(name)
    unit = readable_unit(variable)
    value, low, high = (_shown(number, variable.unit, unit) for number in (change.value, variable.low, variable.high))
    what = "left its validity range" if change.active else "is back in its validity range"
    shown_unit = f" {unit}" if unit not in ("", "1") else ""
    return f"plant: {name} {what}: {value}{shown_unit} ({low} … {high}{shown_unit})"


def state_of(condition: str) -> str:
    """Name of the state that the condition is about; "" for a condition that the plant declares itself."""
    return condition.removeprefix(OUT_OF_RANGE) if condition.startswith(OUT_OF_RANGE) else ""


def readable_unit(variable: VariableInfo) -> str:
    """The unit in which the range reads best: MPa for 11,000,000 Pa, cm for 0.3 m, the plant's own where it can."""
    largest = max(abs(variable.low), abs(variable.high))
    try:
        units = (variable.unit, *units_of(find_unit(variable.unit).dimension))
        if largest == 0.0:
            return variable.unit
        return next(
            (u for u in units if _READABLE[0] <= convert(largest, variable.unit, u, difference=True) < _READABLE[1]),
            variable.unit,
        )
    except ConfigError:  # a unit of the plant's own
        return variable.unit


def _shown(value: float, unit: str, shown_in: str) -> str:
    return f"{value if unit == shown_in else convert(value, unit, shown_in):.5g}"
