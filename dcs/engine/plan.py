"""The compiled plan: where every word lies and in which order runs are executed. Data only.

Made by     ``dcs.engine.compile``. Read by the engine and its helpers. The same strategy and the same block sources
give the same plan with the same digest, on every machine.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dcs.blocks.declare import BlockType
from dcs.engine import memory
from dcs.engine.strategy import AlarmSpec, PublishedTag, Strategy


@dataclass(frozen=True, slots=True)
class Record:
    """One block or alarm in the buffer."""

    name: str
    type: BlockType
    at: int  # first word
    class_index: int


@dataclass(frozen=True, slots=True)
class Run:
    """Records of one type, one after the other; before them the links ``gather_from`` … ``gather_to`` are copied."""

    type: BlockType | None  # None: only links, to output channels
    at: int
    count: int
    gather_from: int
    gather_to: int
    first_subject: int  # index into ``Plan.records`` of the first one
    reads_from: int = 0  # index into ``Plan.reads`` of the first one's, where its type reads words of others


class TagPlace(NamedTuple):
    """Where a published tag lies."""

    tag: PublishedTag
    word: int
    status_word: int
    integer: bool
    class_index: int
    record: int  # index into ``Plan.records``; -1 for a field channel
    field: str  # of that record


@dataclass(frozen=True, slots=True)
class AlarmPlace:
    """Where an alarm lies."""

    spec: AlarmSpec
    record: int
    class_index: int


@dataclass(frozen=True)
class Plan:
    """Everything the engine needs, and nothing that changes while it runs."""

    strategy: Strategy
    words: int
    records: tuple[Record, ...]
    runs: tuple[tuple[Run, ...], ...]  # per scan class
    links: NDArray[np.int64]  # (n, 2): target word, source word; sorted within a run by target
    reads: NDArray[np.int64]  # words that steps read where they are, record by record
    input_channels: tuple[str, ...]
    output_channels: tuple[str, ...]
    inputs_at: int
    outputs_at: int
    tags: tuple[TagPlace, ...]
    alarms: tuple[AlarmPlace, ...]
    image: bytes = field(repr=False)  # the buffer at start
    digest: bytes = b""

    @cached_property
    def types(self) -> tuple[BlockType, ...]:
        """Every block type in use, by name."""
        found = {run.type.name: run.type for runs in self.runs for run in runs if run.type}
        return tuple(found[name] for name in sorted(found))

    @cached_property
    def tag_by_name(self) -> dict[str, TagPlace]:
        """Published tags by name."""
        return {place.tag.name: place for place in self.tags}

    @cached_property
    def alarm_by_name(self) -> dict[str, AlarmPlace]:
        """Alarms by name."""
        return {place.spec.name: place for place in self.alarms}

    @cached_property
    def alarm_of_record(self) -> dict[int, AlarmPlace]:
        """Alarms by the index of their record."""
        return {place.record: place for place in self.alarms}

    @cached_property
    def _labels(self) -> dict[str, dict[str, tuple[str, ...]]]:
        return {spec.name: spec.labels for spec in self.strategy.blocks if spec.labels}

    def labels_of(self, block: str) -> dict[str, tuple[str, ...]]:
        """Names of codes by field, as the configuration of that block gave them."""
        return self._labels.get(block, {})

    def word_of(self, record: int, name: str) -> int:
        """Word of a field of a record. Raises ``KeyError``."""
        where = self.records[record]
        return where.at + where.type.index[name]

    @cached_property
    def _start(self) -> NDArray[np.int64]:
        return np.frombuffer(self.image, np.int64)

    @property
    def ring_at(self) -> int:
        """First word of the event ring."""
        return int(self._start[memory.RING_AT])

    @property
    def ring_size(self) -> int:
        """Events that the ring holds."""
        return int(self._start[memory.RING_SIZE])

    @property
    def period_ns(self) -> tuple[int, ...]:
        """Period of each scan class."""
        return tuple(scan_class.period_ns for scan_class in self.strategy.scan_classes)
