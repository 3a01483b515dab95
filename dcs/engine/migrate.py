"""From the memory of one plan to the memory of another, between two scans and without a bump.

Called by   controllers at an online change (both, at the same scan) and at a start from a checkpoint.
Knows       words and names. No clock, no file, no field. The same old memory gives the same new bytes on every machine.
Rules       what is not changed keeps every byte; what is changed keeps its values by name; what is wired or ranged in
            another way starts through the handshake (docs/explanations/decisions/0007-online-change.md).

``Transfer`` is made once for a pair of plans, apart from the scan; ``apply`` is what happens between two scans.
"""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dcs.blocks.declare import BlockType
from dcs.core.modes import MAN
from dcs.engine import memory
from dcs.engine.carry import CarriedBlock, carried_block
from dcs.engine.compare import Comparison, Element, Pair, converted
from dcs.engine.parting import PartingWrite, parting_writes
from dcs.engine.plan import Plan
from dcs.engine.restart import STARTING
from dcs.engine.shape import Shape

_CARRIED = ("input", "state", "output")


class OtherMemory(ValueError):
    """These bytes are no memory of the plan that they are said to belong to."""


@dataclass(frozen=True, slots=True)
class Relabelled:
    """A word that holds a code with a name: its code for every old code; -1 where the name is gone."""

    old_word: int
    new_word: int
    codes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Clamped:
    """A parameter that must lie between two others, whose limits are new."""

    word: int
    low_word: int
    high_word: int


class Transfer:
    """How every word of a new memory comes about."""

    def __init__(self, old: Shape, plan: Plan) -> None:
        self.old, self.plan = old, plan
        self.comparison = Comparison(old, plan)
        self._ranges: list[tuple[int, int, int]] = []  # (new word, old word, words)
        self._conversions: list[Element] = []
        self.relabelled: list[Relabelled] = []
        self.clamped: list[Clamped] = []
        self._sets: list[tuple[int, int]] = []  # (new word, whole number)
        self._carried: list[CarriedBlock] = []
        self._channels()
        self._classes()
        singles: list[tuple[int, int]] = []
        for pair in self.comparison.pairs:
            if pair.same:
                self._ranges.append((pair.new.at, pair.old.at, self.comparison.new.size[pair.new.type]))
            else:
                self._changed(pair, singles)
        self._ranges = list(_merged(sorted(self._ranges)))
        self._new_tag = _places(old.tags, self.comparison.new.tags)
        self._new_record = _places(_keys(old), _keys(self.comparison.new))
        self._singles = np.array(singles, np.intp).reshape(-1, 2)

    # --- making it ----------------------------------------------------------------------------------------
    def _channels(self) -> None:
        """The field as it was last seen, and what was last sent, by the names of the points."""
        old, plan = self.old, self.plan
        for columns, before, after, old_at, new_at in (
            (3, old.inputs, plan.input_channels, old.inputs_at, plan.inputs_at),
            (2, old.outputs, plan.output_channels, old.outputs_at, plan.outputs_at),
        ):
            place = {name: i for i, name in enumerate(before)}
            for i, name in enumerate(after):
                if name in place:
                    for column in range(columns):
                        source = old_at + column * len(before) + place[name]
                        self._ranges.append((new_at + column * len(after) + i, source, 1))

    def _classes(self) -> None:
        place = {name: i for i, name in enumerate(self.old.classes)}
        for i, scan_class in enumerate(self.plan.strategy.scan_classes):
            if scan_class.name in place:
                at = memory.class_at(place[scan_class.name])
                self._ranges.append((memory.class_at(i), at, memory.CLASS_WORDS))

    def _changed(self, pair: Pair, singles: list[tuple[int, int]]) -> None:
        """A block that is not as it was keeps what the file does not change."""
        kind = None if pair.new.is_alarm else self.comparison.kinds[pair.new.type]
        fixed = set() if kind is None else {kind.companion(end, "linked") for end in kind.terminals("input")}
        labels = self._labels(pair)
        for e in pair.elements:
            if e.name in fixed or (e.field.role == "param" and e.new_word in pair.in_file):
                continue  # as the new file says
            if e.field.role == "input" and (kind is None or e.name.replace("_status", "") in pair.rewired):
                continue
            if e.field.role not in (*_CARRIED, "param") or self._is_named(kind, e):
                continue
            if e.field.name in labels:
                self.relabelled.append(Relabelled(e.old_word, e.new_word, labels[e.field.name]))
            elif e.old_unit != e.new_unit and e.field.dtype == "f8":
                self._conversions.append(e)
            else:
                singles.append((e.new_word, e.old_word))
        if kind is not None:
            self._carry_named(pair, kind, singles)
            block = carried_block(self.old, self.comparison.new, (pair.old, pair.new), kind)
            if block is not None:
                self._carried.append(block)
        self._clamp(pair)
        self._start_anew(pair)
        told = self.comparison.new.word(pair.new, "settings_changed")
        if told is not None:
            self._sets.append((told, 1))  # what the block has worked out from its parameters may be out of date

    def _labels(self, pair: Pair) -> dict[str, tuple[int, ...]]:
        """Per field with named codes: the new code of every old one."""
        before = self.old.labels.get(pair.new.name, {})
        after = self.comparison.new.labels.get(pair.new.name, {})
        found = {}
        for name in sorted(before.keys() & after.keys() - {"event"}):  # that one names the values of events
            if before[name] != after[name]:
                codes = {label: code for code, label in enumerate(after[name])}
                found[name] = tuple(codes.get(label, -1) for label in before[name])
        return found

    @staticmethod
    def _is_named(kind: BlockType | None, e: Element) -> bool:
        return kind is not None and any(n.array == e.field.name and e.number >= n.first for n in kind.named)

    def _carry_named(self, pair: Pair, kind: BlockType, singles: list[tuple[int, int]]) -> None:
        """Variables of a program: each keeps its value under its name, wherever it now lies."""
        before = self.old.labels.get(pair.new.name, {})
        after = self.comparison.new.labels.get(pair.new.name, {})
        for named in kind.named:
            if named.array not in self.old.index[pair.old.type]:
                continue
            old_at, old_field = self.old.index[pair.old.type][named.array]
            names = before.get(named.names, ())[: old_field.words - named.first]
            places = {name: pair.old.at + old_at + named.first + i for i, name in enumerate(names)}
            new_at = pair.new.at + kind.index[named.array] + named.first
            for i, name in enumerate(after.get(named.names, ())):
                if name in places:
                    singles.append((new_at + i, places[name]))
                elif named.initial:
                    start = pair.new.at + kind.index[named.initial] + i
                    self._sets.append((new_at + i, int(self.comparison.new_words[start])))

    def _clamp(self, pair: Pair) -> None:
        if pair.new.is_alarm:
            return
        kind = self.comparison.kinds[pair.new.type]
        index = kind.index
        for f in kind.of_role("param"):
            if f.limited_by and not f.scale_of:
                word, low, high = (pair.new.at + index[name] for name in (f.name, *f.limited_by))
                if {low, high} & pair.in_file or pair.rescaled:
                    self.clamped.append(Clamped(word, low, high))

    def _start_anew(self, pair: Pair) -> None:
        name, new = pair.new.name, self.comparison.new
        if pair.new.is_alarm or name not in self.comparison.restarted:
            return
        mode, reason = new.word(pair.new, "mode"), new.word(pair.new, "reason")
        if mode is not None:
            self._sets.append((mode, MAN))
        if reason is not None:
            self._sets.append((reason, STARTING))
        started = new.word(pair.new, "started")
        if started is not None and self.comparison.moved_output(pair):
            self._sets.append((started, 0))  # the first value comes from the field

    # --- doing it -----------------------------------------------------------------------------------------
    def apply(self, before: bytes | memoryview) -> bytes:
        """The new memory. Raises ``OtherMemory`` for bytes that do not belong to the old plan."""
        old = self.read(before)
        words: NDArray[np.int64] = np.frombuffer(self.plan.image, np.int64).copy()
        old_numbers, numbers = old.view(np.float64), words.view(np.float64)
        for word in (
            memory.EPOCH, memory.GENERATION, memory.SCANS, memory.TIME_NS, memory.EVENT_HEAD, memory.EVENT_MARK,
            memory.EVENTS_LOST,
        ):  # fmt: skip
            words[word] = old[word]
        for new_at, old_at, count in self._ranges:
            words[new_at : new_at + count] = old[old_at : old_at + count]
        if len(self._singles):
            words[self._singles[:, 0]] = old[self._singles[:, 1]]
        for e in self._conversions:
            numbers[e.new_word] = converted(float(old_numbers[e.old_word]), e)
        for one in self.relabelled:
            code = self.new_code(one, old)
            if code >= 0:
                words[one.new_word] = code
        for block in self._carried:
            block.write(old, words)
        for limits in self.clamped:
            low, high = float(numbers[limits.low_word]), float(numbers[limits.high_word])
            numbers[limits.word] = max(low, min(high, float(numbers[limits.word])))
        for word, value in self._sets:
            words[word] = value
        self._events(old, words)
        return words.tobytes()

    def read(self, before: bytes | memoryview) -> NDArray[np.int64]:
        """The old memory as words. Raises ``OtherMemory``."""
        old = np.frombuffer(before, np.int64) if len(before) == 8 * self.old.words else None
        digest = int.from_bytes(self.old.digest, "little", signed=True)
        if old is None or old[memory.MAGIC] != memory.MAGIC_VALUE or old[memory.PLAN_HASH] != digest:
            raise OtherMemory(f"{len(before)} bytes that are no memory of plan {self.old.digest.hex()}")
        return old

    @staticmethod
    def new_code(one: Relabelled, old: NDArray[np.int64]) -> int:
        """The code of the same name; -1 when the new configuration has no such name."""
        code = int(old[one.old_word])
        return one.codes[code] if 0 <= code < len(one.codes) else -1

    def problems(self, before: bytes) -> list[str]:
        """Why this should not be done with that memory: a sequence stands in a step that is to go."""
        if not self._carried:
            return []
        old = self.read(before)
        return [sentence for block in self._carried for sentence in block.problems(old)]

    def parting(self, before: bytes) -> tuple[PartingWrite, ...]:
        """What goes out, once, to points that nobody drives any more."""
        return parting_writes(self.old, self.plan, self.read(before))

    def _events(self, old: NDArray[np.int64], words: NDArray[np.int64]) -> None:
        """The newest events stay in the ring; what they are about is found again by name."""
        head, size, new_size = int(old[memory.EVENT_HEAD]), int(old[memory.RING_SIZE]), int(words[memory.RING_SIZE])
        sequences = np.arange(max(1, head - min(size, new_size)), head)
        columns = np.arange(memory.EVENT_WORDS)
        at = int(old[memory.RING_AT]) + sequences % size * memory.EVENT_WORDS
        events = old[at[:, None] + columns]
        kinds, subjects = events[:, memory.AT_KIND], events[:, memory.AT_SUBJECT]
        of_tags = kinds == memory.COMMAND_EVENT
        found = np.full(len(events), -1)
        found[of_tags] = self._new_tag[subjects[of_tags]]
        found[~of_tags] = self._new_record[subjects[~of_tags]]
        gone = (found < 0) | (kinds == memory.NO_EVENT)
        events[:, memory.AT_SUBJECT] = np.where(gone, 0, found)
        events[gone, memory.AT_KIND] = memory.NO_EVENT
        to = int(words[memory.RING_AT]) + sequences % new_size * memory.EVENT_WORDS
        words[to[:, None] + columns] = events


def _keys(shape: Shape) -> list[tuple[bool, str]]:
    return [(record.is_alarm, record.name) for record in shape.records]


def _places(before: Iterable[Hashable], after: Iterable[Hashable]) -> NDArray[np.intp]:
    """Per old item: the index of the same one among the new; -1 where there is none."""
    index = {item: i for i, item in enumerate(after)}
    return np.array([*(index.get(item, -1) for item in before), -1], np.intp)


def _merged(ranges: list[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    """Ranges that continue each other on both sides become one."""
    current: tuple[int, int, int] | None = None
    for new_at, old_at, count in ranges:
        if current and new_at - current[0] == old_at - current[1] == current[2]:
            current = (current[0], current[1], current[2] + count)
            continue
        if current:
            yield current
        current = (new_at, old_at, count)
    if current:
        yield current
