"""How a block type is declared: a dtype plus a step function (DESIGN rule 2).

Called by   every file in ``dcs.blocks`` and by users' own block files, at import.
Read by     the engine (layout, kernels), the configuration checker (terminals, units, ranges), the HMI and the manual
            (``docs/reference/blocks``): one declaration, many faces.
Knows       NumPy and the names of fields; compiles nothing itself.

Every field is one 8-byte word (``f8`` or ``i8``), or an array of them, so that links are plain word copies. The
elements of an array ``x`` are named ``x_1`` … ``x_<count>`` outside; a step indexes them: ``b.x[0]``.
"""

import keyword
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from dcs.blocks.texts import Carry as Carry
from dcs.blocks.texts import Named as Named
from dcs.blocks.texts import ParamValue as ParamValue
from dcs.blocks.texts import Text as Text
from dcs.blocks.texts import Translate as Translate
from dcs.blocks.texts import Translation as Translation
from dcs.core.errors import ConfigError

# Attribute names of NumPy records and arrays: as field names they would mean the array's attribute when uncompiled.
_TAKEN = frozenset(dir(np.recarray)) | {"pprint"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """When an operator's write is refused, and the sentence that says why and what to do instead.

    It is refused while the word ``when`` is not 0, or while the word ``unless`` is 0. With ``value`` only the write of
    that value is (a start needs permission, a stop never does). ``{field}`` in the sentence is that field as people
    read it.
    """

    sentence: str
    when: str = ""
    unless: str = ""
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One 8-byte word of a block record, or ``count`` of them.

    ``unit`` is a unit of ``dcs.core.units``, "" for a pure number, "*" for any (not checked), or ``@scale`` for the
    unit that the configuration gives with the scale of that name (``@pv_scale``).
    """

    name: str
    role: str  # input | state | output | param
    unit: str
    meaning: str
    dtype: str = "f8"  # f8 | i8
    default: float = 0.0
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[tuple[str, int], ...] = ()  # names of its whole numbers; a configuration writes them by name
    status_of: str = ""  # set on the status word of a signal
    scale_of: str = ""  # set on the two words (low, high) of a scale
    default_from: str = ""  # the field whose configured value is the default: sp_low starts as pv_scale_low
    limited_by: tuple[str, ...] = ()  # the two fields (low, high) between which an operator may write it
    write_in: tuple[int, ...] = ()  # target modes in which an operator may write it; () = any
    count: int = 1  # above 1: an array
    refused_if: tuple[Refusal, ...] = ()  # when an operator may not write it
    discrete: bool = False  # a terminal that carries 0.0 or 1.0
    coded: bool = False  # a terminal that carries a whole number with a name

    @property
    def is_flag(self) -> bool:
        """True for a yes or no: a whole number or a discrete terminal that goes from 0 to 1."""
        return (self.low, self.high) == (0, 1) and (self.dtype == "i8" or self.discrete)

    @property
    def is_signal(self) -> bool:
        """True for an input or output whose status word follows."""
        return self.role in ("input", "output") and not self.status_of


FieldGroup = Field | tuple[Field, ...]


def f8(
    name: str, unit: str, meaning: str, *, default: float = 0.0, low: float = -math.inf, high: float = math.inf,
    default_from: str = "", limited_by: Iterable[str] = (), write_in: Iterable[int] = (), count: int = 1,
    refused_if: Iterable[Refusal] = (),
) -> Field:  # fmt: skip
    """A number, or an array of them: a parameter is then a list in the configuration, which may be shorter."""
    return Field(
        name, "", unit, meaning, "f8", default, low, high,
        default_from=default_from, limited_by=tuple(limited_by), write_in=tuple(write_in), count=count,
        refused_if=tuple(refused_if),
    )  # fmt: skip


def i8(
    name: str, meaning: str, *, default: int = 0, low: float = -math.inf, high: float = math.inf,
    choices: Iterable[tuple[str, int]] = (), count: int = 1, write_in: Iterable[int] = (),
    refused_if: Iterable[Refusal] = (),
) -> Field:  # fmt: skip
    """A whole number, flag (0/1) or one of ``choices``; or an array of them."""
    return Field(
        name, "", "", meaning, "i8", default, low, high, tuple(choices),
        write_in=tuple(write_in), count=count, refused_if=tuple(refused_if),
    )  # fmt: skip


def flag(name: str, meaning: str, *, default: int = 0, count: int = 1, refused_if: Iterable[Refusal] = ()) -> Field:
    """A whole number that is 0 or 1; or an array of them."""
    return i8(name, meaning, default=default, low=0, high=1, count=count, refused_if=refused_if)


def signal(
    name: str, unit: str, meaning: str, *, limited_by: Iterable[str] = (), write_in: Iterable[int] = ()
) -> tuple[Field, Field]:
    """A terminal: the value and its status byte ``<name>_status``; a link copies both."""
    return (
        Field(name, "", unit, meaning, limited_by=tuple(limited_by), write_in=tuple(write_in)),
        Field(f"{name}_status", "", "", f"status of {name}", "i8", status_of=name),
    )


def signals(name: str, count: int, unit: str, meaning: str) -> tuple[Field, Field]:
    """``count`` terminals of one kind, ``<name>_1`` … ``<name>_<count>``; the step reads ``b.<name>[i]``."""
    return (
        Field(name, "", unit, meaning, count=count),
        Field(f"{name}_status", "", "", f"status of {name}", "i8", status_of=name, count=count),
    )


def discrete(name: str, meaning: str, *, count: int = 1, write_in: Iterable[int] = ()) -> tuple[Field, Field]:
    """A terminal that carries 0.0 or 1.0 with its status, or ``count`` of them; a coil is wired to it."""
    return (
        Field(name, "", "", meaning, low=0.0, high=1.0, write_in=tuple(write_in), count=count, discrete=True),
        Field(f"{name}_status", "", "", f"status of {name}", "i8", status_of=name, count=count),
    )


def coded(name: str, meaning: str, choices: Iterable[tuple[str, int]] = ()) -> tuple[Field, Field]:
    """A terminal that carries a whole number with a name, such as a state, and its status."""
    return (
        Field(name, "", "", meaning, choices=tuple(choices), coded=True),
        Field(f"{name}_status", "", "", f"status of {name}", "i8", status_of=name),
    )


def scale(name: str, meaning: str, *, low: float = 0.0, high: float = 100.0) -> tuple[Field, Field]:
    """A range ``<name>_low`` … ``<name>_high`` whose unit the configuration gives: ``pv_scale: [0, 20, cm]``."""
    return (
        Field(f"{name}_low", "", f"@{name}", f"{meaning}: value at 0 %", "f8", low, scale_of=name),
        Field(f"{name}_high", "", f"@{name}", f"{meaning}: value at 100 %", "f8", high, scale_of=name),
    )


Step = Callable[..., None]
"""``step(b, dt_s)``; further arguments are ``elapsed_s``, ``now_ns`` and what the type ``reads``."""
Check = Callable[[Mapping[str, ParamValue], frozenset[str]], Iterable[str]]
"""From all parameters (arrays at full length) and the names of the wired inputs to sentences on what does not go
together: points that must rise, more votes than inputs."""


@dataclass(eq=False)
class BlockType:
    """Everything the system knows of one type of block.

    ``below`` are pairs (output, back-calculation input) towards the blocks below, ``above`` pairs (cascade input,
    back-calculation output) towards the blocks above: along them go the requests and answers of the cascade handshake.
    A cascade input other than ``cas_in`` may also be wired to a block that takes no part in a cascade.
    """

    name: str
    title: str
    fields: tuple[Field, ...]
    step: Step | None = None
    feedback_inputs: tuple[str, ...] = ()  # inputs that break a loop: they carry last scan's value (BKCAL_IN)
    optional_inputs: tuple[str, ...] = ()  # inputs that may stay unlinked
    published: dict[str, str] = field(default_factory=dict)  # part of the module -> field: {"PV": "pv", "OUT": "out"}
    writable: tuple[str, ...] = ()  # parts that an operator may write
    texts: tuple[Text, ...] = ()
    translate: Translate | None = None
    check: Check | None = None
    by_texts: tuple[str, ...] = ()  # parameters that only ``translate`` writes
    named: tuple[Named, ...] = ()
    carry: Carry | None = None  # what an online change of the texts makes of the state, where names alone do not tell
    events: dict[int, str] = field(default_factory=dict)  # code of ``event`` -> sentence; may hold {value} and {name}
    below: tuple[tuple[str, str], ...] = ()
    above: tuple[tuple[str, str], ...] = ()
    reads: tuple[str, ...] = ()  # arguments of the step that are words of other records, see ``reads_whole``
    origin: str = ""  # module of a user's file; "" for what comes with the product

    @property
    def dtype(self) -> np.dtype[Any]:
        """The record: inputs, state, outputs, statuses where declared, parameters last."""
        return np.dtype([(f.name, "<" + f.dtype, (f.count,) if f.count > 1 else ()) for f in self.fields])

    @cached_property
    def index(self) -> dict[str, int]:
        """Word within a record of every field and of every element of an array."""
        found: dict[str, int] = {}
        at = 0
        for f in self.fields:
            found[f.name] = at
            if f.count > 1:
                found.update({f"{f.name}_{number + 1}": at + number for number in range(f.count)})
            at += f.count
        return found

    @cached_property
    def words(self) -> int:
        """Length of a record in 8-byte words."""
        return sum(f.count for f in self.fields)

    @cached_property
    def _by_name(self) -> dict[str, Field]:
        found = {f.name: f for f in self.fields}
        for f in self.fields:
            if f.count > 1:
                found.update({f"{f.name}_{number + 1}": f for number in range(f.count)})
        return found

    def field(self, name: str) -> Field:
        """The field of that name, or the array that an element of that name belongs to; raises ``KeyError``."""
        return self._by_name[name]

    def has(self, name: str) -> bool:
        """True when there is such a field or element."""
        return name in self._by_name

    def companion(self, name: str, suffix: str) -> str:
        """``pv_status`` for ``pv``, ``inp_status_3`` for ``inp_3``: where a terminal's status (or ``linked``) is."""
        base = self.field(name).name
        return f"{base}_{suffix}{name.removeprefix(base)}"

    def is_terminal(self, name: str, role: str) -> bool:
        """True for a wire's end: an input or output that carries its status."""
        if not self.has(name):
            return False
        f = self.field(name)
        whole_array = f.count > 1 and name == f.name
        return f.role == role and f.is_signal and not whole_array and self.has(self.companion(name, "status"))

    def terminals(self, role: str) -> tuple[str, ...]:
        """Names of all wires' ends of one role, in order."""
        return tuple(name for name in self.index if self.is_terminal(name, role))

    def is_optional(self, terminal: str) -> bool:
        """May that input stay unlinked?"""
        return self.field(terminal).name in self.optional_inputs

    def is_feedback(self, terminal: str) -> bool:
        """Does that input carry last scan's value, so that it breaks a loop?"""
        return self.field(terminal).name in self.feedback_inputs

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
    texts: Iterable[Text] = (),
    translate: Translate | None = None,
    check: Check | None = None,
    by_texts: Iterable[str] = (),
    named: Iterable[Named] = (),
    carry: Carry | None = None,
    events: Mapping[int, str] | None = None,
    below: Iterable[tuple[str, str]] = (("out", "bkcal_in"),),
    above: Iterable[tuple[str, str]] = (("cas_in", "bkcal_out"),),
    reads: Iterable[str] = (),
    internal: bool = False,
) -> BlockType:
    """Declare a block type. Raises ``ConfigError`` for a name that would not work as a record field.

    Fields with these names are served by the engine: ``<input>_linked`` (1 when that input is wired; of an array, an
    array), ``now_ns`` (UTC of the scan), ``elapsed_s`` (period plus declared slips), ``mode`` with ``reason`` (changes
    are journalled), ``event`` with ``event_value`` (a code of ``events`` becomes one line of the journal; as arrays of
    one length they are so many lines a scan), ``<field>_written`` (1 when a command has written that field),
    ``settings_changed`` (1 when a parameter may have changed: at start, by a command, by an online change; also by a
    command to a state word without a ``_written`` of its own; the step clears both). By the configuration:
    ``<array>_count`` (a parameter: how many elements the list has).
    ``check`` is asked with the parameters (defaults filled in) and the names of the wired inputs for sentences on what
    does not go together.
    By the start after an outage (``dcs.engine.restart``): ``seeded`` becomes 0 (start again from the first good value),
    ``restarted`` becomes 1 (take the output from the field; the step clears it).
    ``by_texts`` names the parameters that come from the text parameters only, so that nobody writes them by hand.
    ``below`` and ``above`` may name arrays: their elements pair up; a pair whose fields are not there is left out.
    ``reads`` is for internal types: values that the step
    gets as arguments from where they are, so that they need not be copied into the record.
    """
    fields: list[Field] = []
    taken: set[str] = set()
    for role, groups in (("input", inputs), ("state", state), ("output", outputs), ("param", params)):
        for group in groups:
            for item in group if isinstance(group, tuple) else (group,):
                for used in _names_of(item):
                    _check_name(name, used, taken)
                taken.update(_names_of(item))
                fields.append(_with_role(item, role))
    declared = BlockType(
        name,
        title,
        tuple(fields),
        feedback_inputs=tuple(feedback_inputs),
        optional_inputs=tuple(optional_inputs),
        published=dict(published or {}),
        writable=tuple(writable),
        texts=tuple(texts),
        translate=translate,
        check=check,
        by_texts=tuple(by_texts),
        named=tuple(named),
        carry=carry,
        events=dict(events or {}),
        reads=tuple(reads),
    )
    declared.below = _pairs(declared, below)
    declared.above = _pairs(declared, above)
    (INTERNAL_TYPES if internal else BLOCK_TYPES)[name] = declared
    return declared


def step(block: BlockType) -> Callable[[Step], Step]:
    """Decorator: this function executes one scan of one block of that type, in place; ``step(b, dt_s)``."""

    def register(function: Step) -> Step:
        block.step = function
        return function

    return register


def _names_of(item: Field) -> list[str]:
    """The names that a field takes: its own and those of its elements."""
    return [item.name, *(f"{item.name}_{n + 1}" for n in range(item.count))] if item.count > 1 else [item.name]


def _with_role(item: Field, role: str) -> Field:
    return replace(item, role=role)


def _pairs(kind: BlockType, names: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for one, other in names:
        if not kind.has(one) or not kind.has(other):
            continue
        count = kind.field(one).count
        found += [(one, other)] if count == 1 else [(f"{one}_{n + 1}", f"{other}_{n + 1}") for n in range(count)]
    return tuple(found)


def _check_name(block: str, name: str, used: set[str]) -> None:
    if not name.isidentifier() or keyword.iskeyword(name) or name in _TAKEN:
        raise ConfigError(
            f"block type {block}: the field name `{name}` does not work as a record field "
            "(a Python keyword or an attribute of NumPy arrays). Rename it."
        )
    if name in used:
        raise ConfigError(f"block type {block}: the field `{name}` is declared twice. Rename one.")
