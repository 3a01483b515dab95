"""How a block type is declared: a dtype plus a step function (DESIGN rule 2).

Called by   every file in ``dcs.blocks`` and by users' own block files, at import.
Read by     the engine (layout, kernels), the configuration checker (terminals, units, ranges), the HMI and the manual
            (``docs/reference/blocks``): one declaration, many faces.
Knows       NumPy and the names of fields; compiles nothing itself.

Every field is one 8-byte word (``f8`` or ``i8``), so that links are plain word copies.
"""

import keyword
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dcs.core.errors import ConfigError

# Attribute names of NumPy records and arrays: as field names they would mean the array's attribute when uncompiled.
_TAKEN = frozenset(dir(np.recarray)) | {"pprint"}


@dataclass(frozen=True, slots=True)
class Field:
    """One 8-byte word of a block record.

    ``unit`` is a unit of ``dcs.core.units``, "" for a pure number, or ``@scale`` for the unit that the configuration
    gives with the scale of that name (``@pv_scale``).
    """

    name: str
    role: str  # input | state | output | param
    unit: str
    meaning: str
    dtype: str = "f8"  # f8 | i8
    default: float = 0.0
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[tuple[str, int], ...] = ()  # names accepted in a configuration, for an i8 field
    status_of: str = ""  # set on the status word of a signal
    scale_of: str = ""  # set on the two words (low, high) of a scale
    default_from: str = ""  # the field whose configured value is the default: sp_low starts as pv_scale_low
    limited_by: tuple[str, ...] = ()  # the two fields (low, high) between which an operator may write it
    write_in: tuple[int, ...] = ()  # target modes in which an operator may write it; () = any

    @property
    def is_signal(self) -> bool:
        """True for an input or output whose status word follows."""
        return self.role in ("input", "output") and not self.status_of


FieldGroup = Field | tuple[Field, ...]


def f8(
    name: str, unit: str, meaning: str, *, default: float = 0.0, low: float = -math.inf, high: float = math.inf,
    default_from: str = "", limited_by: Iterable[str] = (), write_in: Iterable[int] = (),
) -> Field:  # fmt: skip
    """A number."""
    return Field(
        name, "", unit, meaning, "f8", default, low, high,
        default_from=default_from, limited_by=tuple(limited_by), write_in=tuple(write_in),
    )  # fmt: skip


def i8(
    name: str, meaning: str, *, default: int = 0, low: float = -math.inf, high: float = math.inf,
    choices: Iterable[tuple[str, int]] = (),
) -> Field:  # fmt: skip
    """A whole number, flag (0/1) or one of ``choices``."""
    return Field(name, "", "", meaning, "i8", default, low, high, tuple(choices))


def signal(
    name: str, unit: str, meaning: str, *, limited_by: Iterable[str] = (), write_in: Iterable[int] = ()
) -> tuple[Field, Field]:
    """A terminal: the value and its status byte ``<name>_status``; a link copies both."""
    return (
        Field(name, "", unit, meaning, limited_by=tuple(limited_by), write_in=tuple(write_in)),
        Field(f"{name}_status", "", "", f"status of {name}", "i8", status_of=name),
    )


def scale(name: str, meaning: str, *, low: float = 0.0, high: float = 100.0) -> tuple[Field, Field]:
    """A range ``<name>_low`` … ``<name>_high`` whose unit the configuration gives: ``pv_scale: [0, 20, cm]``."""
    return (
        Field(f"{name}_low", "", f"@{name}", f"{meaning}: value at 0 %", "f8", low, scale_of=name),
        Field(f"{name}_high", "", f"@{name}", f"{meaning}: value at 100 %", "f8", high, scale_of=name),
    )


Step = Callable[[Any, float], None]


@dataclass(eq=False)
class BlockType:
    """Everything the system knows of one type of block."""

    name: str
    title: str
    fields: tuple[Field, ...]
    step: Step | None = None
    feedback_inputs: tuple[str, ...] = ()  # inputs that break a loop: they carry last scan's value (BKCAL_IN)
    optional_inputs: tuple[str, ...] = ()  # inputs that may stay unlinked
    published: dict[str, str] = field(default_factory=dict)  # part of the module -> field: {"PV": "pv", "OUT": "out"}
    writable: tuple[str, ...] = ()  # parts that an operator may write

    @property
    def dtype(self) -> np.dtype[Any]:
        """The record: inputs, state, outputs, statuses where declared, parameters last."""
        return np.dtype([(f.name, "<" + f.dtype) for f in self.fields])

    def field(self, name: str) -> Field:
        """The field of that name; raises ``KeyError``."""
        for candidate in self.fields:
            if candidate.name == name:
                return candidate
        raise KeyError(name)

    def has(self, name: str) -> bool:
        """True when there is such a field."""
        return any(f.name == name for f in self.fields)

    def of_role(self, role: str) -> tuple[Field, ...]:
        """The fields of one role, in order."""
        return tuple(f for f in self.fields if f.role == role)

    @property
    def scales(self) -> tuple[str, ...]:
        """Names of the scales, in order."""
        return tuple(dict.fromkeys(f.scale_of for f in self.fields if f.scale_of))


BLOCK_TYPES: dict[str, BlockType] = {}
"""Every declared type by name; filled at import of ``dcs.blocks.library`` and of users' files."""

INTERNAL_TYPES: dict[str, BlockType] = {}
"""Types that the engine lays out by itself (alarms); a configuration cannot name them."""


def block_type(
    name: str,
    title: str,
    *,
    inputs: Iterable[FieldGroup] = (),
    state: Iterable[FieldGroup] = (),
    outputs: Iterable[FieldGroup] = (),
    params: Iterable[FieldGroup] = (),
    feedback_inputs: Iterable[str] = (),
    optional_inputs: Iterable[str] = (),
    published: dict[str, str] | None = None,
    writable: Iterable[str] = (),
    internal: bool = False,
) -> BlockType:
    """Declare a block type. Raises ``ConfigError`` for a name that would not work as a record field.

    Fields with these names are served by the engine: ``<input>_linked`` (1 when that input is wired), ``now_ns``
    (UTC of the scan), ``elapsed_s`` (period plus declared slips), ``mode`` with ``reason`` (changes are journalled),
    ``event`` with ``event_value`` (a code other than 0 becomes one event).
    """
    fields: list[Field] = []
    for role, groups in (("input", inputs), ("state", state), ("output", outputs), ("param", params)):
        for group in groups:
            for item in group if isinstance(group, tuple) else (group,):
                _check_name(name, item.name, {f.name for f in fields})
                fields.append(_with_role(item, role))
    declared = BlockType(
        name,
        title,
        tuple(fields),
        feedback_inputs=tuple(feedback_inputs),
        optional_inputs=tuple(optional_inputs),
        published=dict(published or {}),
        writable=tuple(writable),
    )
    (INTERNAL_TYPES if internal else BLOCK_TYPES)[name] = declared
    return declared


def step(block: BlockType) -> Callable[[Step], Step]:
    """Decorator: this function executes one scan of one block of that type, in place; ``step(b, dt_s)``."""

    def register(function: Step) -> Step:
        block.step = function
        return function

    return register


def _with_role(item: Field, role: str) -> Field:
    values = {name: getattr(item, name) for name in Field.__slots__}
    return Field(**{**values, "role": role})


def _check_name(block: str, name: str, used: set[str]) -> None:
    if not name.isidentifier() or keyword.iskeyword(name) or name in _TAKEN:
        raise ConfigError(
            f"block type {block}: the field name `{name}` does not work as a record field "
            "(a Python keyword or an attribute of NumPy arrays). Rename it."
        )
    if name in used:
        raise ConfigError(f"block type {block}: the field `{name}` is declared twice. Rename one.")
