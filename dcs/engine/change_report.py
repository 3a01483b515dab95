"""The sentences about an online change: what differs, and what happens to it.

Called by   controllers and ``dcs diff`` before a change is applied, and by both controllers when it is.
Knows       a ``Transfer`` and the running memory. Changes nothing; the same memory gives the same sentences everywhere.
"""

from bisect import bisect_right
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dcs.blocks.declare import BlockType, Field
from dcs.engine.change import (
    ADDED,
    CHANGED,
    CONFLICT,
    KEPT,
    LIMITED,
    MOVED,
    OUTPUT,
    REMOVED,
    STARTS,
    Item,
    Report,
)
from dcs.engine.compare import Element, Pair, converted
from dcs.engine.migrate import Clamped, Relabelled, Transfer
from dcs.engine.operator_values import operator_values, shown
from dcs.engine.parting import declared_value, parted
from dcs.engine.plan import Plan
from dcs.engine.shape import RecordShape


def report_of(
    transfer: Transfer, before: bytes | memoryview, running: Plan | None = None, applied: bytes | None = None
) -> Report:
    """What ``transfer.apply(before)`` does (or has done: ``applied``).

    With the ``running`` plan, also what stays as operators set it: that takes longer than a scan may.
    """
    old_words = transfer.read(before)
    comparison = transfer.comparison
    after = np.frombuffer(applied or transfer.apply(before), np.int64)
    items = [*_Lines(transfer, old_words, after).items()]
    if running is not None:
        overwritten = {item.what for item in items if item.kind == CONFLICT}
        here = {record.name for record in comparison.new.records}
        for value in operator_values(running, old_words):
            what = f"{value.block}.{value.name}"
            if what not in overwritten and value.block in here:
                file, now = shown(value.in_file, value.field, value.unit), shown(value.now, value.field, value.unit)
                text = f"stays {now}, as an operator set it; the running configuration says {file}"
                items.append(Item(KEPT, _module(value.block), what, consequence=text))
    unchanged = sum(pair.same for pair in comparison.pairs)
    return Report(transfer.old.pair, tuple(items), unchanged, transfer.old.digest.hex(), transfer.plan.digest.hex())


class _Lines:
    """Writes the items of one transfer."""

    def __init__(self, transfer: Transfer, before: NDArray[np.int64], after: NDArray[np.int64]) -> None:
        self._t = transfer
        self._c = transfer.comparison
        self._before, self._after = before, after
        self._before_numbers, self._after_numbers = before.view(np.float64), after.view(np.float64)
        self._starts = [record.at for record in self._c.new.records]  # in order: records are laid out one by one
        self._pair_of = {pair.new.at: pair for pair in self._c.pairs}

    def items(self) -> Iterator[Item]:
        """Removed, added, changed, then what becomes of outputs."""
        for record in self._c.removed:
            yield Item(REMOVED, _module(record.name), record.name, _kind(record), "", self._removal(record))
        for old, new in self._c.replaced:
            text = "another alarm now: its state is forgotten" if new.is_alarm else _COLD
            yield Item(CHANGED, _module(new.name), new.name, _kind(old), _kind(new), text)
        for record in self._c.added:
            text = "starts in normal" if record.is_alarm else _COLD
            yield Item(ADDED, _module(record.name), record.name, "", _kind(record), text)
        for pair in self._c.pairs:
            if not pair.same:
                yield from self._pair(pair)
        for name, reason in self._c.restarted.items():
            text = f"{reason}: keeps its values and its output, and comes up through the handshake"
            yield Item(STARTS, _module(name), name, consequence=text)
        for one in self._t.relabelled:
            yield from self._code(one)
        for limits in self._t.clamped:
            yield from self._limit(limits)
        for channel, driver in parted(self._t.old, self._t.plan):
            value = None if driver is None else declared_value(self._t.old, driver, self._before)
            done = (
                "stays as it is in the field"
                if value is None
                else f"is sent {value:.6g} once, its declared fault value"
            )
            yield Item(OUTPUT, "", channel, consequence=f"no block drives it any more: it {done}")

    def _removal(self, record: RecordShape) -> str:
        if not record.is_alarm:
            return "its values are forgotten"
        word = self._t.old.word(record, "alarm_state")
        return "" if word is None or not self._before[word] else "it stands in alarm now and disappears from the list"

    def _pair(self, pair: Pair) -> Iterator[Item]:
        name, module = pair.new.name, _module(pair.new.name)
        kind = self._t.plan.records[self._c.new.record_index[(pair.new.is_alarm, name)]].type
        for end in pair.rewired:
            if end in kind.terminals("input"):
                was, now = (shape.sources.get(f"{name}.{end}", "") for shape in (self._t.old, self._c.new))
                yield Item(CHANGED, module, f"{name}.{end}", was, now, "wire")
        for scale in pair.rescaled:
            old, new = self._range(pair, scale)
            text = (
                "the unit measures something else: the values of the file are taken"
                if scale in pair.lost
                else ("values are kept in engineering units")
            )
            yield Item(CHANGED, module, f"{name}.{scale}", old, new, text)
        by_text = [e for e in pair.elements if e.new_word in pair.in_file and e.field.name in kind.by_texts]
        if by_text or any(e.new_word in pair.in_file and _is_program(kind, e) for e in pair.elements):
            names = ", ".join(text.name for text in kind.texts)
            yield Item(CHANGED, module, f"{name}.{names}", consequence="reads differently now; values keep their names")
        for e in pair.elements:
            if e in by_text or _is_program(kind, e):
                continue
            is_end = e.field.unit.startswith("@") and e.field.name.rpartition("_")[0] in pair.rescaled
            if e.new_word in pair.in_file and not is_end:
                yield from self._parameter(pair, e, kind.field(e.field.name))

    def _range(self, pair: Pair, scale: str) -> tuple[str, str]:
        texts = []
        for shape, record, numbers in (
            (self._t.old, pair.old, self._c.old_numbers),
            (self._c.new, pair.new, self._c.new_numbers),
        ):
            ends = [shape.word(record, f"{scale}_{end}") for end in ("low", "high")]
            low, high = (float(numbers[word]) if word is not None else 0.0 for word in ends)
            texts.append(f"{low:g}–{high:g} {shape.units.get(pair.new.name, {}).get(scale, '%')}".strip())
        return texts[0], texts[1]

    def _parameter(self, pair: Pair, e: Element, f: Field) -> Iterator[Item]:
        is_whole = e.field.dtype == "i8"
        old_file = self._value(self._c.old_words, e.old_word, is_whole)
        running = self._value(self._before, e.old_word, is_whole)
        new_file = self._value(self._c.new_words, e.new_word, is_whole)
        what, module = f"{pair.new.name}.{e.name}", _module(pair.new.name)
        new = shown(new_file, f, e.new_unit)
        if running == new_file:
            return  # the file says by now what an operator has set
        if running != old_file:
            text = (
                f"the file wins: it was {shown(old_file, f, e.old_unit)} there, and an operator or the block changed it"
            )
            yield Item(CONFLICT, module, what, shown(running, f, e.old_unit), new, text)
        else:
            yield Item(CHANGED, module, what, shown(running, f, e.old_unit), new)

    def _code(self, one: Relabelled) -> Iterator[Item]:
        record, name = self._owner(one.new_word)
        if self._c.new.index[record.type][name][1].role != "state":
            return  # the block works it out in every scan
        before = self._t.old.labels[record.name][name]
        after = self._c.new.labels[record.name][name]
        code = int(self._before[one.old_word])
        found = self._t.new_code(one, self._before)
        if not 0 <= code < len(before) or found == code:
            return
        if found >= 0:
            text = f"goes on in {before[code]}"
            yield Item(MOVED, _module(record.name), f"{record.name}.{name}", str(code), str(found), text)
        else:
            start = int(self._after[one.new_word])
            if start == code:
                return  # it stood at its beginning, which has another name now
            now = after[start] if 0 <= start < len(after) else str(start)
            text = "what it stood at no longer exists: it starts anew"
            yield Item(MOVED, _module(record.name), f"{record.name}.{name}", before[code], now, text)

    def _limit(self, limits: Clamped) -> Iterator[Item]:
        record, name = self._owner(limits.word)
        now = float(self._after_numbers[limits.word])
        low, high = (float(self._after_numbers[word]) for word in (limits.low_word, limits.high_word))
        pair = self._pair_of[record.at]
        element = next((e for e in pair.elements if e.new_word == limits.word), None)
        if element is None or now not in (low, high) or limits.word in pair.in_file:
            return
        wanted = converted(float(self._before_numbers[element.old_word]), element)
        if wanted != now:
            was, is_now = (f"{value:.10g} {element.new_unit}".strip() for value in (wanted, now))
            yield Item(
                LIMITED, _module(record.name), f"{record.name}.{name}", was, is_now, "held inside its new limits"
            )

    def _owner(self, word: int) -> tuple[RecordShape, str]:
        """The record and the field that a word of the new memory belongs to."""
        record = self._c.new.records[bisect_right(self._starts, word) - 1]
        index = self._c.new.index[record.type]
        name = max((one for one in index if record.at + index[one][0] <= word), key=lambda one: index[one][0])
        return record, name

    @staticmethod
    def _value(words: NDArray[np.int64], word: int, is_whole: bool) -> float:
        return float(words[word]) if is_whole else float(words.view(np.float64)[word])


_COLD = "starts cold: its output comes from the field or from its neighbours, through the handshake"


def _is_program(kind: BlockType, e: Element) -> bool:
    """Is it one number of many that a text was translated into?"""
    return bool(kind.texts) and e.field.role == "param" and e.field.words > 1


def _kind(record: RecordShape) -> str:
    return "alarm" if record.is_alarm else record.type


def _module(name: str) -> str:
    return name.rpartition(".")[0]
