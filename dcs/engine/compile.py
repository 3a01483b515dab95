"""From a checked strategy to a plan: order, layout, links, initial image.

Called by   controllers at start and at an online change, tests. Knows the strategy and the block declarations.
What the configuration checker should have found is a ``ConfigError`` here as well: a kernel checks no address, so
nothing later would notice a wrong one.
"""

import gc
import math

import numpy as np
from numpy.typing import NDArray

import dcs.blocks.library  # noqa: F401 (fills BLOCK_TYPES)
from dcs.alarms.machine import ALARM_KINDS
from dcs.blocks.alarm import ALARM, ALARM_EXTENDED, EXTENDED_KINDS
from dcs.blocks.alarm_quality import ALARM_QUALITY, CAUSES_MAX
from dcs.blocks.declare import BLOCK_TYPES, INTERNAL_TYPES, BlockType
from dcs.core.errors import ConfigError, Place
from dcs.core.status import STATUS_GOOD, STATUS_NOT_CONNECTED
from dcs.engine import memory
from dcs.engine.digest import plan_digest
from dcs.engine.ends import all_words, inputs_to_wire, terminals, two_kinds
from dcs.engine.image import Records, nearest
from dcs.engine.order import levels
from dcs.engine.plan import AlarmPlace, Plan, Record, Run, TagPlace
from dcs.engine.sources import check_step
from dcs.engine.strategy import AlarmSpec, BlockSpec, Link, PublishedTag, Strategy

_EXTENDED = tuple(ALARM_KINDS[code] for code in EXTENDED_KINDS)
_RING_SMALLEST, _RING_LARGEST = 256, 8192


def compile_strategy(strategy: Strategy) -> Plan:
    """The plan of one controller. Raises ``ConfigError`` for the first thing that cannot be executed."""
    collecting = gc.isenabled()
    gc.disable()  # many small objects, none of them in a cycle: to look for some takes as long as to make them
    try:
        return _Compiler(strategy).plan()
    finally:
        if collecting:
            gc.enable()


class _Compiler:
    """Collects the pieces of one plan; used once."""

    def __init__(self, strategy: Strategy) -> None:
        self.strategy = strategy
        self.classes = {scan.name: index for index, scan in enumerate(strategy.scan_classes)}
        self.inputs = {c.name: i for i, c in enumerate(c for c in strategy.channels if c.direction == "in")}
        self.outputs = {c.name: i for i, c in enumerate(c for c in strategy.channels if c.direction == "out")}
        self.specs: dict[str, BlockSpec] = {}
        self.types: dict[str, BlockType] = {}
        for spec in strategy.blocks:
            if spec.name in self.specs:
                raise ConfigError(f"there are two blocks named `{spec.name}`. Rename one.", spec.place)
            if spec.scan_class not in self.classes:
                near = nearest(spec.scan_class, self.classes)
                raise ConfigError(f"{spec.name}: there is no scan class `{spec.scan_class}`.{near}", spec.place)
            if spec.type not in BLOCK_TYPES:
                near = nearest(spec.type, BLOCK_TYPES)
                raise ConfigError(f"{spec.name}: there is no block type `{spec.type}`.{near}", spec.place)
            self.specs[spec.name] = spec
            self.types[spec.name] = BLOCK_TYPES[spec.type]
        for kind in dict.fromkeys(self.types.values()):
            check_step(kind)
        self.records: list[Record] = []
        self.record_of: dict[str, int] = {}
        self.alarm_places: list[AlarmPlace] = []

    def plan(self) -> Plan:
        """All of it."""
        runs = self._lay_out()
        words = self._image()
        links, reads, numbered = self._gather(words, runs)
        tags = self._tags()
        digest = plan_digest(self.strategy, words, (links, reads), numbered, self.records, tags)
        words[memory.PLAN_HASH] = int.from_bytes(digest, "little", signed=True)
        return Plan(
            self.strategy, len(words), tuple(self.records), numbered, links, reads,
            tuple(self.inputs), tuple(self.outputs), self.inputs_at, self.outputs_at,
            tags, tuple(self.alarm_places), words.tobytes(), digest,
        )  # fmt: skip

    # --- names ----------------------------------------------------------------------------------------
    def _block_of(self, terminal: str) -> str:
        """Block of a terminal; "" for a field channel or an unknown name."""
        block = terminal.rpartition(".")[0]
        return block if block in self.specs and terminal not in self.inputs and terminal not in self.outputs else ""

    def _unknown(self, terminal: str, what: str, place: Place) -> ConfigError:
        block, _, name = terminal.rpartition(".")
        if block in self.types:
            kind = self.types[block]
            return ConfigError(f"{block} ({kind.name}) has no {what} `{name}`.{nearest(name, kind.index)}", place)
        known = [*self.specs, *self.inputs, *self.outputs]
        return ConfigError(f"there is no {what} `{terminal}`.{nearest(block or terminal, known)}", place)

    def _source(self, terminal: str, place: Place) -> tuple[int, int]:
        """Value word and status word of a source; a field without a status counts as Good."""
        if terminal in self.inputs:
            at = self.inputs_at + self.inputs[terminal]
            return at, at + len(self.inputs)
        if terminal in self.outputs:
            at = self.outputs_at + self.outputs[terminal]
            return at, at + len(self.outputs)
        block = self._block_of(terminal)
        name = terminal.rpartition(".")[2]
        if not block or name not in self.types[block].index:
            raise self._unknown(terminal, "terminal", place)
        at = self.records[self.record_of[block]].at
        word, status, _ = all_words(self.types[block])[name]
        return at + word, memory.ALWAYS_GOOD if status < 0 else at + status

    def _class_of(self, terminal: str, place: Place) -> int:
        block = self._block_of(terminal)
        if block:
            return self.classes[self.specs[block].scan_class]
        if terminal in self.inputs or terminal in self.outputs:
            return 0
        raise self._unknown(terminal, "terminal", place)

    # --- order and layout --------------------------------------------------------------------------------
    def _levels(self) -> dict[str, int]:
        edges: list[tuple[str, str, Link]] = []
        for link in self.strategy.links:
            source, target = self._block_of(link.source), self._block_of(link.target)
            if not source or not target or self.specs[source].scan_class != self.specs[target].scan_class:
                continue  # another class has its own time: what it last put out is what counts
            if not self.types[target].is_feedback(link.target.rpartition(".")[2]):
                edges.append((source, target, link))
        return levels(list(self.specs), edges)

    def _lay_out(self) -> list[list[Run]]:
        """Give every record its place; runs have no links yet."""
        level = self._levels()
        moded = sum(kind.has("mode") for kind in self.types.values())
        self.ring_size = min(_RING_LARGEST, max(_RING_SMALLEST, 2 * (moded + len(self.strategy.alarms))))
        self.ring_at = _line(memory.class_at(len(self.classes)))
        self.inputs_at = _line(self.ring_at + self.ring_size * memory.EVENT_WORDS)
        self.outputs_at = _line(self.inputs_at + 3 * len(self.inputs))
        self.end = _line(self.outputs_at + 2 * len(self.outputs) + 1)  # a wire of one word touches the next as well

        groups: dict[tuple[int, int, str], list[str]] = {}
        for name, spec in self.specs.items():
            groups.setdefault((self.classes[spec.scan_class], level[name], spec.type), []).append(name)
        alarms: dict[int, list[AlarmSpec]] = {}
        for alarm in self.strategy.alarms:
            alarms.setdefault(self._class_of(alarm.source, alarm.place), []).append(alarm)

        runs: list[list[Run]] = []
        for class_index in range(len(self.classes)):
            mine = [key for key in sorted(groups) if key[0] == class_index]
            class_runs = [self._place(groups[key], self.types[groups[key][0]], class_index) for key in mine]
            for kind in (ALARM, ALARM_EXTENDED, ALARM_QUALITY):
                chosen = [alarm for alarm in alarms.get(class_index, ()) if self._alarm_type(alarm) is kind]
                first = len(self.records)
                if chosen:
                    class_runs.append(self._place([alarm.name for alarm in chosen], kind, class_index))
                for offset, alarm in enumerate(chosen):
                    self.alarm_places.append(AlarmPlace(alarm, first + offset, class_index))
            runs.append(class_runs)
        return runs

    def _alarm_type(self, alarm: AlarmSpec) -> BlockType:
        """The record that an alarm needs: most need the small one."""
        if alarm.causes:
            return ALARM_QUALITY
        needs_more = alarm.kind in _EXTENDED or alarm.after_sp_s > 0.0 or self._is_whole(alarm.source)
        return ALARM_EXTENDED if needs_more else ALARM

    def _is_whole(self, terminal: str) -> bool:
        """True for a whole number: its word must not be taken for a float."""
        block, _, name = terminal.rpartition(".")
        return block in self.types and all_words(self.types[block]).get(name, (0, 0, False))[2]

    def _place(self, names: list[str], kind: BlockType, class_index: int) -> Run:
        run = Run(kind, self.end, len(names), 0, 0, len(self.records))
        at = self.end
        for name in names:
            if kind.name not in INTERNAL_TYPES:
                self.record_of[name] = len(self.records)
            self.records.append(Record(name, kind, at, class_index))
            at += kind.words
        self.end = _line(at)
        return run

    # --- contents -----------------------------------------------------------------------------------------
    def _image(self) -> NDArray[np.int64]:
        words = np.zeros(self.end, np.int64)
        numbers = words.view(np.float64)
        words[memory.MAGIC] = memory.MAGIC_VALUE
        words[memory.EVENT_HEAD] = words[memory.EVENT_MARK] = 1
        words[memory.RING_AT], words[memory.RING_SIZE] = self.ring_at, self.ring_size
        words[memory.ALWAYS_GOOD] = STATUS_GOOD
        count = len(self.inputs)
        numbers[self.inputs_at : self.inputs_at + count] = math.nan
        words[self.inputs_at + count : self.inputs_at + 2 * count] = STATUS_NOT_CONNECTED
        wired: dict[str, list[str]] = {}
        for link in self.strategy.links:
            block, _, terminal = link.target.rpartition(".")
            wired.setdefault(block, []).append(terminal)
        put = Records(words).put
        for name, spec in self.specs.items():
            kind = self.types[name]
            known_wires = frozenset(wired.get(name, ())) if kind.check else None
            put(self.records[self.record_of[name]].at, kind, name, spec.params, spec.place, known_wires)
        for place in self.alarm_places:
            kind = self.records[place.record].type
            params = _alarm_params(place.spec)
            if kind is ALARM_EXTENDED:
                params["whole"] = float(self._is_whole(place.spec.source))
                params["after_sp_s"], params["window_s"] = place.spec.after_sp_s, place.spec.window_s
            elif kind is ALARM_QUALITY:
                params["devices"], params["grace_s"] = float(len(place.spec.causes)), place.spec.grace_s
            put(self.records[place.record].at, kind, place.spec.name, params, place.spec.place)
        return words

    def _gather(
        self, words: NDArray[np.int64], runs: list[list[Run]]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[tuple[Run, ...], ...]]:
        """Words that alarms read, and links as (target word, source word), in the order in which the runs want them."""
        into: dict[int, list[tuple[int, int]]] = {}  # record -> pairs
        to_channels: dict[int, list[tuple[int, int]]] = {}  # class of the source -> pairs
        taken: dict[int, Link] = {}
        for link in self.strategy.links:
            source = self._source(link.source, link.place)
            if link.target in self.outputs:
                at = self.outputs_at + self.outputs[link.target]
                pairs = to_channels.setdefault(self._class_of(link.source, link.place), [])
                status_at = at + len(self.outputs)
            else:
                at, status_at, linked_at, record = self._input_terminal(link)
                if linked_at >= 0:
                    words[linked_at] = 1
                pairs = into.setdefault(record, [])
            if self._is_whole(link.source) != self._is_whole(link.target):
                raise two_kinds(link, self._is_whole(link.target))
            if at in taken:
                raise ConfigError(
                    f"`{link.target}` is wired twice, to `{taken[at].source}` and to `{link.source}`. Remove one.",
                    link.place,
                )
            taken[at] = link
            pairs += [(at, source[0]), (status_at, source[1])]
        reads: list[int] = []
        reads_from: dict[int, int] = {}  # record -> place in reads
        for place in self.alarm_places:
            reads_from[place.record] = len(reads)
            value, status = self._source(place.spec.source, place.spec.place)
            if self.records[place.record].type is ALARM_QUALITY:
                value = memory.ALWAYS_ZERO if self._is_whole(place.spec.source) else value
                reads += [value, status, *self._causes(place.spec)]
                continue
            reference = memory.ALWAYS_ZERO
            if place.spec.reference:
                reference, _ = self._source(place.spec.reference, place.spec.place)
            reads += [value, status, reference]
            if self.records[place.record].type is ALARM_EXTENDED:
                reads.append(value)  # once more, as a whole number
        self._check_wired(into)
        self._check_cascades(taken)

        pairs_in_order: list[tuple[int, int]] = []
        numbered: list[tuple[Run, ...]] = []
        for class_index, class_runs in enumerate(runs):
            done: list[Run] = []
            for run in class_runs:
                start = len(pairs_in_order)
                for record in range(run.first_subject, run.first_subject + run.count):
                    pairs_in_order += sorted(into.get(record, ()))
                done.append(
                    Run(
                        run.type,
                        run.at,
                        run.count,
                        start,
                        len(pairs_in_order),
                        run.first_subject,
                        reads_from.get(run.first_subject, 0),
                    )
                )
            start = len(pairs_in_order)
            pairs_in_order += sorted(to_channels.get(class_index, ()))
            done.append(Run(None, 0, 0, start, len(pairs_in_order), 0))
            numbered.append(tuple(done))
        return np.array(pairs_in_order, np.int64).reshape(-1, 2), np.array(reads, np.int64), tuple(numbered)

    def _causes(self, alarm: AlarmSpec) -> list[int]:
        """Status words of the devices that explain a bad measurement; one that is not there is always well."""
        found = [self._source(channel, alarm.place)[1] for channel in alarm.causes[:CAUSES_MAX]]
        return [*found, *[memory.ALWAYS_GOOD] * (CAUSES_MAX - len(found))]

    def _input_terminal(self, link: Link) -> tuple[int, int, int, int]:
        """Value word, status word, word of its ``linked`` (-1 without) and record of the target of a link."""
        block, name = self._block_of(link.target), link.target.rpartition(".")[2]
        if not block or not self.types[block].has(name):
            raise self._unknown(link.target, "input terminal or output channel", link.place)
        kind = self.types[block]
        found = terminals(kind, "input").get(name)
        if found is None:
            inputs = ", ".join(kind.terminals("input"))
            raise ConfigError(f"`{link.target}` is no input of {kind.name}. Its inputs are {inputs}.", link.place)
        record = self.record_of[block]
        at = self.records[record].at
        value, status, linked = found
        return at + value, at + status, at + linked if linked >= 0 else -1, record

    def _check_wired(self, into: dict[int, list[tuple[int, int]]]) -> None:
        for name, record in self.record_of.items():
            where = self.records[record]
            wired = {target for target, _ in into.get(record, ())}
            for terminal, at in inputs_to_wire(where.type):
                if where.at + at not in wired:
                    raise ConfigError(
                        f"{name} ({where.type.name}): the input `{terminal}` is not wired. Wire it under `inputs`.",
                        self.specs[name].place,
                    )

    def _check_cascades(self, taken: dict[int, Link]) -> None:
        """A block above that does not hear the block below never acknowledges: the cascade could not be entered."""
        for link in self.strategy.links:
            source, target = self._block_of(link.source), self._block_of(link.target)
            if not source or not target:
                continue
            back = dict(self.types[target].above).get(link.target.rpartition(".")[2])
            if back is None:
                continue
            kind = self.types[source]
            way = dict(kind.below).get(link.source.rpartition(".")[2])
            if way is None:
                if not link.target.endswith(".cas_in"):
                    continue  # a measurement or a constant: nobody has to be initialised
                plain = self.types[target].has("demand")  # a command that needs no answer
                remedy = "Wire its input `demand` instead, and use it in Auto." if plain else "Put a PID above."
                raise ConfigError(
                    f"`{link.target}` is wired to `{link.source}`, but a {kind.name} cannot take part in a cascade: it "
                    f"has no input `bkcal_in` for it. {remedy}",
                    link.place,
                )
            if self.records[self.record_of[source]].at + kind.index[way] not in taken:
                raise ConfigError(
                    f"`{link.target}` is wired to `{link.source}`, but nothing comes back to `{source}.{way}`. "
                    f"Wire `{source}.{way}` to `{target}.{back}`.",
                    link.place,
                )

    def _tags(self) -> tuple[TagPlace, ...]:
        """Places of all published tags; there are some fifty of them for every loop, and they come block by block."""
        found: list[TagPlace] = []
        channels = {name.rpartition(".")[0] for name in (*self.inputs, *self.outputs)}
        before, index, at, class_index, words = None, -1, 0, 0, {}
        for tag in self.strategy.tags:
            block, _, name = tag.source.rpartition(".")
            if block != before:
                before = block
                index = -1 if block in channels else self.record_of.get(block, -1)
                if index >= 0:
                    record = self.records[index]
                    at, class_index, words = record.at, record.class_index, all_words(record.type)
            if index >= 0 and name in words:
                word, status, integer = words[name]
                status = memory.ALWAYS_GOOD if status < 0 else at + status
                found.append(TagPlace(tag, at + word, status, integer, class_index, index, name))
            else:
                found.append(self._tag(tag))
        return tuple(found)

    def _tag(self, tag: PublishedTag) -> TagPlace:
        """The place of any tag, of a field channel as well. Raises ``ConfigError``."""
        place = Place()
        word, status = self._source(tag.source, place)
        block, name = self._block_of(tag.source), tag.source.rpartition(".")[2]
        class_index = self._class_of(tag.source, place)
        if not block:
            return TagPlace(tag, word, status, False, class_index, -1, "")
        _, _, integer = all_words(self.types[block])[name]
        return TagPlace(tag, word, status, integer, class_index, self.record_of[block], name)


def _alarm_params(alarm: AlarmSpec) -> dict[str, float]:
    if alarm.kind not in ALARM_KINDS:
        raise ConfigError(
            f"{alarm.name}: there is no alarm kind `{alarm.kind}`. Use one of {', '.join(ALARM_KINDS)}.", alarm.place
        )
    if alarm.kind.startswith("DEV") and not alarm.reference:
        raise ConfigError(f"{alarm.name}: a deviation alarm needs the terminal to compare with.", alarm.place)
    return {
        "kind": float(ALARM_KINDS.index(alarm.kind)),
        "limit": alarm.limit,
        "deadband": alarm.deadband,
        "on_delay_s": alarm.on_delay_s,
        "off_delay_s": alarm.off_delay_s,
    }


def _line(words: int) -> int:
    """The next word on a 64-byte line."""
    return -(-words // memory.LINE_WORDS) * memory.LINE_WORDS
