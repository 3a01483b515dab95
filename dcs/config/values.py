"""A parameter of a checked configuration, and how a new value for it is written in the file.

Called by   ``dcs upload`` and the bulk edit of tuning.
Knows       the declaration of the block, the unit that the configuration gives it, and the text that stands there now.
"""

from dataclasses import dataclass
from typing import Any

from dcs.blocks.declare import BLOCK_TYPES, Field
from dcs.config.source import Document, KeyPath
from dcs.core.errors import ConfigError
from dcs.core.units import convert, find_unit, is_difference, parse_quantity
from dcs.engine.strategy import BlockSpec, Strategy


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number of one block."""

    module: str
    block: str  # within its module: pid
    name: str  # of the field, or of an element: gain, weight_3
    field: Field
    unit: str  # in which the block computes; "" for a pure number
    value: float

    @property
    def path(self) -> KeyPath:
        """Where it stands in control.yaml."""
        path: KeyPath = ("modules", self.module, "blocks", self.block, self.field.name)
        return path if self.name == self.field.name else (*path, int(self.name.rpartition("_")[2]) - 1)


def parameter(spec: BlockSpec, name: str) -> Parameter:
    """A parameter of a block. Raises ``KeyError`` for a name that is none."""
    kind = BLOCK_TYPES[spec.type]
    f = kind.field(name)
    if f.role != "param" or (f.count > 1 and name == f.name):
        raise KeyError(name)
    default = kind.field(f.default_from).default if f.default_from else f.default
    given: Any = spec.params.get(f.name, spec.params.get(f.default_from, default))
    if isinstance(given, tuple):
        number = int(name.rpartition("_")[2]) - 1
        given = given[number] if number < len(given) else f.default
    module, _, short = spec.name.partition(".")
    unit = spec.units.get(f.unit[1:], "%") if f.unit.startswith("@") else f.unit.replace("*", "")
    return Parameter(module, short, name, f, unit, float(given))


def blocks_of(strategies: list[Strategy]) -> dict[str, BlockSpec]:
    """Every block by its full name."""
    return {spec.name: spec for strategy in strategies for spec in strategy.blocks}


def written(item: Parameter, value: float, document: Document) -> str:
    """The value as it is to stand in the file: as it stood, in the unit in which it stood."""
    f = item.field
    for name, code in f.choices:
        if code == value:
            return name
    if f.dtype == "i8" and (f.low, f.high) == (0, 1):
        return "true" if value else "false"
    before = document.get(item.path) if document.has(item.path) else None
    if isinstance(before, str):
        return _in_unit_of(before, item, value)
    if before is None and item.unit and f.unit.startswith("@"):
        return f"{number(value)} {item.unit}"
    return number(value)


def number(value: float) -> str:
    """The shortest text that is read back as this number."""
    text = repr(float(value))
    return text.removesuffix(".0")


def _in_unit_of(before: str, item: Parameter, value: float) -> str:
    unit = before.strip().lstrip("+-0123456789.eE").strip()
    plain = f"{number(value)} {item.unit}".strip()
    try:
        if not unit or find_unit(unit) == find_unit(item.unit):
            return f"{number(value)} {unit}".strip()
        difference = is_difference(item.field.name)
        text = f"{number(convert(value, item.unit, unit, difference=difference))} {unit}"
        return text if parse_quantity(text, item.unit, difference=difference) == value else plain
    except ConfigError:
        return plain
