"""What differs between the memory that there is and the plan that is to come, block by block.

Called by   ``dcs.engine.migrate`` and ``dcs.engine.change_report``. Knows names, wires, scales and the values of the
            files (the images of both plans); nothing of what is in the running memory.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dcs.blocks.declare import BlockType
from dcs.core.errors import ConfigError
from dcs.core.units import convert, is_difference, same_dimension
from dcs.engine.plan import Plan
from dcs.engine.shape import FieldShape, RecordShape, Shape, shape_of

DEFAULT_UNIT = "%"
"""Unit of a scale that the configuration does not give."""
_NOT_FELT = ("normal", "permitted")
"""Parameters that only say what is allowed: changing them moves nothing."""


@dataclass(frozen=True, slots=True)
class Element:
    """One word of a changed block that both sides have: where it was, where it is to be, and in which units."""

    old_word: int
    new_word: int
    field: FieldShape  # of the new side
    number: int  # element of an array, from 0
    old_unit: str
    new_unit: str

    @property
    def name(self) -> str:
        """``gain``, or ``x_3`` for the third element of an array."""
        return f"{self.field.name}_{self.number + 1}" if self.field.words > 1 else self.field.name


@dataclass(frozen=True, slots=True)
class Pair:
    """One record that both sides have under the same name and type."""

    old: RecordShape
    new: RecordShape
    same: bool  # nothing about it differs: all its bytes are kept
    rewired: tuple[str, ...] = ()  # terminals that now get their value from elsewhere, or from nowhere
    rescaled: tuple[str, ...] = ()
    elements: tuple[Element, ...] = ()
    in_file: frozenset[int] = frozenset()  # new words of parameters whose value in the file has changed
    lost: frozenset[str] = frozenset()  # scales whose unit now measures something else: their values mean nothing now


class Comparison:
    """Old shape against new plan."""

    def __init__(self, old: Shape, plan: Plan) -> None:
        self.old, self.plan = old, plan
        self.new = shape_of(plan)
        self.old_words = np.frombuffer(old.image, np.int64)
        self.new_words = np.frombuffer(self.new.image, np.int64)
        self.old_numbers, self.new_numbers = self.old_words.view(np.float64), self.new_words.view(np.float64)
        self._types_same = {name: old.types.get(name) == fields for name, fields in self.new.types.items()}
        self._into_old, self._into_new = _wires_by_block(old), _wires_by_block(self.new)
        self.kinds: dict[str, BlockType] = {kind.name: kind for kind in plan.types}
        self.pairs: list[Pair] = []
        self.added: list[RecordShape] = []
        self.replaced: list[tuple[RecordShape, RecordShape]] = []  # same name, another type (alarms: another alarm)
        for key, index in self.new.record_index.items():
            record, before = self.new.records[index], old.record_index.get(key)
            if before is None:
                self.added.append(record)
            elif self._is_another(old.records[before], record):
                self.replaced.append((old.records[before], record))
            else:
                self.pairs.append(self._pair(old.records[before], record))
        gone = [key for key in old.record_index if key not in self.new.record_index]
        self.removed = [old.records[old.record_index[key]] for key in gone]
        self.restarted = self._restarted()

    def _is_another(self, old: RecordShape, new: RecordShape) -> bool:
        if new.is_alarm:
            return self.old.alarms.get(new.name) != self.new.alarms.get(new.name)
        return old.type != new.type

    # --- one record ---------------------------------------------------------------------------------------
    def _pair(self, old: RecordShape, new: RecordShape) -> Pair:
        units = (self.old.units.get(new.name, {}), self.new.units.get(new.name, {}))
        labels = (self.old.labels.get(new.name), self.new.labels.get(new.name))
        wires = (self._into_old.get(new.name, {}), self._into_new.get(new.name, {}))
        points = ((), ()) if new.is_alarm else (self._points(self.old, new.name), self._points(self.new, new.name))
        size = self.new.size[new.type]
        if (
            points[0] == points[1]
            and old.type == new.type
            and self._types_same[new.type]
            and (new.is_alarm or (wires[0] == wires[1] and labels[0] == labels[1]))
        ):
            one, other = self.old_words[old.at : old.at + size], self.new_words[new.at : new.at + size]
            if units[0] == units[1] and np.array_equal(one, other):
                return Pair(old, new, same=True)
        ends = sorted(wires[0].keys() | wires[1].keys())
        rewired = tuple(end for end in ends if wires[0].get(end) != wires[1].get(end))
        rewired = () if new.is_alarm else (*rewired, *dict(set(points[0]) ^ set(points[1])))
        elements, lost = self._elements(old, new, *units)
        in_file = frozenset(e.new_word for e in elements if e.field.role == "param" and self._differs_in_file(e))
        ends_of_scales = {e.field.unit[1:] for e in elements if e.new_word in in_file and _is_end(e.field)}
        kind = self.kinds[new.type]
        rescaled = tuple(
            scale
            for scale in kind.scales
            if scale in ends_of_scales or scale in lost or _unit(units[0], scale) != _unit(units[1], scale)
        )
        return Pair(old, new, False, rewired, rescaled, elements, in_file, frozenset(lost))

    def _elements(
        self, old: RecordShape, new: RecordShape, old_units: dict[str, str], new_units: dict[str, str]
    ) -> tuple[tuple[Element, ...], set[str]]:
        """Every word that both sides have and that can be carried over; scales whose values mean nothing any more."""
        found, lost = [], set()
        for name, (new_at, new_field) in self.new.index[new.type].items():
            before = self.old.index[old.type].get(name)
            if before is None or before[1].dtype != new_field.dtype:
                continue
            old_at, old_field = before
            scale = new_field.unit[1:] if new_field.unit.startswith("@") else ""
            plain = new_field.unit.replace("*", "")
            units = (_unit(old_units, scale), _unit(new_units, scale)) if scale else (plain, plain)
            if units[0] != units[1] and not _convertible(*units):
                lost.add(scale)
                continue
            for number in range(min(old_field.words, new_field.words)):
                found.append(Element(old.at + old_at + number, new.at + new_at + number, new_field, number, *units))
        return tuple(found), lost

    def _differs_in_file(self, e: Element) -> bool:
        if e.field.dtype == "i8":
            return bool(self.old_words[e.old_word] != self.new_words[e.new_word])
        old, new = converted(float(self.old_numbers[e.old_word]), e), float(self.new_numbers[e.new_word])
        if e.old_unit == e.new_unit:
            return old != new
        return abs(old - new) > 1e-12 * max(abs(old), abs(new))  # the same quantity, written in two units

    # --- what must start anew -----------------------------------------------------------------------------
    def is_station(self, type_name: str) -> bool:
        """Does it hold its output and shake hands with its neighbours (PID, AO), rather than just compute?"""
        kind = self.kinds.get(type_name)
        return kind is not None and kind.has("mode") and bool(kind.below or kind.above)

    def _restarted(self) -> dict[str, str]:
        """Blocks that keep their values and start through the handshake, with the reason."""
        reasons: dict[str, str] = {}
        fresh = {record.name for record in self.added if not record.is_alarm}
        fresh |= {record.name for _, record in self.replaced if not record.is_alarm}
        disturbed = {name for name in fresh if not self.is_station(self._type_of_new[name])}
        for pair in self.pairs:
            if pair.same or pair.new.is_alarm:
                continue
            name = pair.new.name
            why = self._reason(pair)
            if self.is_station(pair.new.type):
                if why:
                    reasons[name] = why
            elif pair.rewired or pair.in_file or pair.lost:
                disturbed.add(name)
        for name in self._reached(disturbed):
            if name not in fresh:
                reasons.setdefault(name, "its signal is computed in another way")
        return reasons

    def _reason(self, pair: Pair) -> str:
        if pair.rescaled:
            return f"another range ({', '.join(pair.rescaled)})"
        if pair.rewired:
            return f"other wires ({', '.join(pair.rewired)})"
        kind = self.kinds[pair.new.type]
        gentle = {kind.published[part] for part in kind.writable} | {"target", *_NOT_FELT}
        felt = [e.name for e in pair.elements if e.new_word in pair.in_file and e.field.name not in gentle]
        names = ", ".join(felt[:3]) + (" …" if len(felt) > 3 else "")
        return f"{names} changed" if felt else ""

    def _reached(self, disturbed: set[str]) -> list[str]:
        """Stations that a changed signal comes to, through blocks that only compute."""
        forward: dict[str, list[str]] = {}
        for target, source in self.new.sources.items():
            block, to = source.rpartition(".")[0], target.rpartition(".")
            if to[0] in self._type_of_new and not self.kinds[self._type_of_new[to[0]]].is_feedback(to[2]):
                forward.setdefault(block, []).append(to[0])
        found: list[str] = []
        todo = sorted(disturbed)
        seen = set(todo)
        while todo:
            for name in forward.get(todo.pop(), ()):
                if name in seen:
                    continue
                seen.add(name)
                (found if self.is_station(self._type_of_new[name]) else todo).append(name)
        return sorted(found)

    @cached_property
    def _type_of_new(self) -> dict[str, str]:
        return {record.name: record.type for record in self.new.records if not record.is_alarm}

    def moved_output(self, pair: Pair) -> bool:
        """Does that block now drive, or read back, another point of the field?"""
        return "readback" in pair.rewired or self._points(self.old, pair.new.name) != self._points(
            self.new, pair.new.name
        )

    def _points(self, shape: Shape, block: str) -> tuple[tuple[str, str], ...]:
        """(terminal, point of the field) of every output of that block that is sent to the field."""
        driven = self._driven_old if shape is self.old else self._driven_new
        return driven.get(block, ())

    @cached_property
    def _driven_old(self) -> dict[str, tuple[tuple[str, str], ...]]:
        return _points_by_block(self.old)

    @cached_property
    def _driven_new(self) -> dict[str, tuple[tuple[str, str], ...]]:
        return _points_by_block(self.new)


def converted(value: float, e: Element) -> float:
    """A value of the old side in the unit of the new one."""
    if e.old_unit == e.new_unit:
        return value
    return convert(value, e.old_unit, e.new_unit, difference=is_difference(e.field.name))


def _is_end(field: FieldShape) -> bool:
    """Is it one of the two ends of a scale?"""
    scale = field.unit[1:]
    return field.unit.startswith("@") and field.name in (f"{scale}_low", f"{scale}_high")


def _unit(units: dict[str, str], scale: str) -> str:
    return units.get(scale, DEFAULT_UNIT)


def _convertible(one: str, other: str) -> bool:
    try:
        return same_dimension(one, other)
    except ConfigError:
        return False


def _wires_by_block(shape: Shape) -> dict[str, dict[str, str]]:
    """Per block: what each of its terminals is wired to."""
    blocks = {record.name for record in shape.records if not record.is_alarm}
    found: dict[str, dict[str, str]] = {}
    for source, target in shape.wires:
        block, _, terminal = target.rpartition(".")
        if block in blocks:
            found.setdefault(block, {})[terminal] = source
    return found


def _points_by_block(shape: Shape) -> dict[str, tuple[tuple[str, str], ...]]:
    """Per block: which of its outputs goes to which point of the field."""
    outputs = set(shape.outputs)
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for source, target in shape.wires:
        if target in outputs:
            block, _, terminal = source.rpartition(".")
            found[block] = (*found.get(block, ()), (terminal, target))
    return found
