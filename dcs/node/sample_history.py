"""What the tags of a plant have been, in memory: all scans of the last while, samples of the time before that.

Called by   ``dcs.node.history_service`` (every frame, every question), the assembly (a computed past).
Knows       frames and windows, within a bound of bytes; no bus, no clock.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcs.bus.history import HistoryAnswer, HistoryRequest, Series, joined
from dcs.bus.messages import Frame, Layout
from dcs.core.clock import NS_PER_S
from dcs.core.status import BAD, GOOD
from dcs.node.gaps import Gaps
from dcs.node.past import Past

BYTES_MAX = 192 * 1024 * 1024
"""Bound of all samples; the oldest make room."""
SAMPLE_NS = 10 * NS_PER_S
EVERY_SCAN = 1
"""As the time between two samples (ns): no two scans of a class have the same time."""
_ROWS_AT_ONCE = 256
_PARTS = 8
"""At least so many blocks fit, so that the oldest of them is a small loss."""
_SLOTS_MAX = 50_000
"""Times of samples that are remembered, so that a late one is kept once."""


@dataclass(eq=False)
class _Block:
    """Rows in the order of their times; ``epochs`` (rows,) is 0 for a computed past."""

    time_ns: NDArray[np.int64]
    values: NDArray[np.float32]
    statuses: NDArray[np.uint8]
    epochs: NDArray[np.int64]


@dataclass(eq=False)
class _Columns:
    """Samples of one layout of one scan class: blocks of rows, the last one being filled."""

    tags: tuple[str, ...]
    period_ns: int = 0  # from scan to scan; 0 = not known: of a computed past whose layout was not asked for yet
    blocks: list[_Block] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    values: list[NDArray[np.float32]] = field(default_factory=list)
    statuses: list[NDArray[np.uint8]] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)

    def close_block(self) -> None:
        """The rows so far become a block."""
        if self.times:
            self.blocks.append(self.open_block())
        self.times, self.values, self.statuses, self.epochs = [], [], [], []

    def open_block(self) -> _Block:
        """The rows that are in no block yet."""
        shape = (len(self.times), len(self.tags))
        return _Block(
            np.array(self.times, np.int64), np.array(self.values, np.float32).reshape(shape),
            np.array(self.statuses, np.uint8).reshape(shape), np.array(self.epochs, np.int64),
        )  # fmt: skip


class History:
    """Samples of one plant, oldest first per scan class and layout; times are UTC."""

    def __init__(self, sample_ns: int, bytes_max: int = BYTES_MAX) -> None:
        """Of every scan class one sample in ``sample_ns`` is kept; ``EVERY_SCAN`` keeps all."""
        self.sample_ns = sample_ns
        self._bytes_max = bytes_max
        self._columns: dict[tuple[str, str, bytes], _Columns] = {}
        self._next_ns: dict[tuple[str, str], int] = {}
        self._gaps: dict[tuple[str, str], Gaps] = {}
        self._slots: dict[tuple[str, str], dict[int, int]] = {}  # with the epoch of the sample

    def put_past(self, past: Past, end_ns: int) -> None:
        """Take a past that ended at ``end_ns``."""
        for group in past.groups:
            key = (group.pair, group.scan_class, group.layout_hash)
            columns = self._columns.setdefault(key, _Columns(group.tags))
            epochs = np.zeros(len(group.time_ns), np.int64)
            statuses = np.where(group.bad, BAD << 6, GOOD << 6).astype(np.uint8)
            columns.blocks.append(_Block(group.time_ns + end_ns, group.values, statuses, epochs))
            self._next_ns[group.pair, group.scan_class] = end_ns + past.sample_ns

    def knows(self, pair: str, scan_class: str, layout_hash: bytes) -> bool:
        """Are the columns of that layout known, and how often it is scanned?"""
        columns = self._columns.get((pair, scan_class, layout_hash))
        return columns is not None and columns.period_ns > 0

    def put_layout(self, layout: Layout) -> None:
        """Learn columns."""
        key = (layout.pair, layout.scan_class, layout.hash)
        columns = self._columns.setdefault(key, _Columns(tuple(tag.name for tag in layout.tags)))
        columns.period_ns = layout.period_ns

    def put(self, pair: str, scan_class: str, frame: Frame) -> None:
        """Keep one frame whose layout is known, when it is time for another sample; a late one where none was kept."""
        columns = self._columns[pair, scan_class, frame.layout_hash]
        self._gaps.setdefault((pair, scan_class), Gaps()).put(frame.time_ns, columns.period_ns)
        slot, slots = frame.time_ns // self.sample_ns, self._slots.setdefault((pair, scan_class), {})
        if frame.time_ns < self._next_ns.get((pair, scan_class), 0):
            # A scan that the old holder ran and nobody heard of was run again by the new one: its result goes on.
            is_wanted = frame.epoch > slots.get(slot, -1) if self.sample_ns == EVERY_SCAN else slot not in slots
            if not slots or next(iter(slots)) > slot or not is_wanted:
                return
        if columns.times and frame.time_ns < columns.times[-1]:  # late: rows of a block are in the order of time
            columns.close_block()
        columns.epochs.append(frame.epoch)
        columns.times.append(frame.time_ns)
        with np.errstate(over="ignore"):
            columns.values.append(frame.values.astype(np.float32))
        columns.statuses.append(frame.statuses.copy())  # not the frame's bytes, which hold all of it
        slots[slot] = frame.epoch
        if len(slots) > _SLOTS_MAX:
            slots.pop(next(iter(slots)))
        self._next_ns[pair, scan_class] = max((slot + 1) * self.sample_ns, self._next_ns.get((pair, scan_class), 0))
        if len(columns.times) >= min(_ROWS_AT_ONCE, 1 + self._bytes_max // (_PARTS * 5 * max(len(columns.tags), 1))):
            columns.close_block()
            self._make_room()

    def _make_room(self) -> None:
        while self._size() > self._bytes_max and any(len(one.blocks) > 1 for one in self._columns.values()):
            fullest = max(self._columns.values(), key=lambda one: sum(b.values.nbytes for b in one.blocks))
            del fullest.blocks[0]

    def _size(self) -> int:
        return sum(b.values.nbytes + b.statuses.nbytes for one in self._columns.values() for b in one.blocks)

    def first_ns(self, tag: str | None = None) -> int:
        """The oldest sample (of that tag); 0 when there is none."""
        wanted = [one for one in self._columns.values() if tag is None or tag in one.tags]
        firsts = [int(block.time_ns[0]) for one in wanted for block in one.blocks if len(block.time_ns)]
        return min([*firsts, *(one.times[0] for one in wanted if one.times)], default=0)

    def series(self, tag: str, from_ns: int, to_ns: int) -> Series | None:
        """Every sample of a tag in a window; None: nothing of that tag is kept at all.

        Of two samples of one time that of the higher epoch counts.
        """
        found: list[tuple[NDArray[Any], ...]] = []
        gaps, period_ns = None, self.sample_ns
        for (pair, scan_class, _), columns in self._columns.items():
            if tag not in columns.tags:
                continue
            at = columns.tags.index(tag)
            gaps = self._gaps.get((pair, scan_class), gaps)
            period_ns = max(self.sample_ns, columns.period_ns)
            for block in [*columns.blocks, columns.open_block()]:
                rows = slice(*np.searchsorted(block.time_ns, (from_ns, to_ns + 1)).tolist())
                values = block.values[rows, at].astype(np.float64)
                found.append((block.time_ns[rows], values, block.statuses[rows, at], block.epochs[rows]))
        if not found:
            return None
        time_ns, values, statuses, epochs = (np.concatenate(column) for column in zip(*found, strict=True))
        order = np.lexsort((epochs, time_ns))
        order = order[np.append(np.diff(time_ns[order]) > 0, True)[: len(order)]]
        declared = gaps.between(from_ns, to_ns) if gaps is not None else ()
        times, runs = time_ns[order], _runs(time_ns[order], epochs[order])
        return Series(times, values[order], statuses[order], period_ns / NS_PER_S, epochs=runs, gaps=declared)


class PlantHistory:
    """Every scan as far back as memory allows, and beyond that a sample now and then."""

    def __init__(self, sample_ns: int = SAMPLE_NS, bytes_max: int = BYTES_MAX) -> None:
        self.scans = History(EVERY_SCAN, bytes_max // 3)
        self.samples = History(sample_ns, bytes_max * 2 // 3)

    def knows(self, pair: str, scan_class: str, layout_hash: bytes) -> bool:
        """Are the columns of that layout known?"""
        return self.scans.knows(pair, scan_class, layout_hash)

    def put_layout(self, layout: Layout) -> None:
        """Learn columns."""
        self.scans.put_layout(layout)
        self.samples.put_layout(layout)

    def put(self, pair: str, scan_class: str, frame: Frame) -> None:
        """Keep one frame whose layout is known."""
        self.scans.put(pair, scan_class, frame)
        self.samples.put(pair, scan_class, frame)

    def answer(self, request: HistoryRequest) -> HistoryAnswer:
        """What was asked for, as far as it is kept."""
        found = {}
        for tag in request.tags:
            series = self._series(tag, request)
            if series is not None:
                found[tag] = series
        firsts = [first for first in (self.scans.first_ns(), self.samples.first_ns()) if first]
        return HistoryAnswer(found, min(firsts, default=0))

    def _series(self, tag: str, request: HistoryRequest) -> Series | None:
        recent = self.scans.series(tag, request.from_ns, request.to_ns)
        first_ns = self.scans.first_ns(tag)
        older = None
        if recent is None or request.from_ns < first_ns:
            to_ns = request.to_ns if recent is None else min(request.to_ns, first_ns - 1)
            older = self.samples.series(tag, request.from_ns, to_ns)
        parts = [part for part in (older, recent) if part is not None]
        if not parts:
            return None
        with_samples = [part for part in parts if len(part.time_ns)]
        whole = joined(with_samples or parts)
        return replace(reduced(whole, request.points), epochs=whole.epochs, gaps=whole.gaps)


def _runs(time_ns: NDArray[np.int64], epochs: NDArray[np.int64]) -> tuple[tuple[int, int], ...]:
    """(time of its first sample, epoch) of every stretch of one epoch."""
    starts = np.flatnonzero(np.diff(epochs, prepend=-1))
    return tuple((int(time_ns[at]), int(epochs[at])) for at in starts)


def reduced(series: Series, points: int) -> Series:
    """At most about ``points`` samples: smallest and largest of stretches, each where it was; a Bad one stays Bad."""
    count = len(series.time_ns)
    if count <= points:
        return series
    stretch = -(-2 * count // points)
    starts = np.arange(0, count, stretch)
    picked = np.empty(2 * len(starts), np.int64)
    for number, start in enumerate(starts.tolist()):
        part = np.where(np.isfinite(series.values[start : start + stretch]), series.values[start : start + stretch], 0)
        picked[2 * number : 2 * number + 2] = sorted((start + int(part.argmin()), start + int(part.argmax())))
    picked = np.unique(picked)
    return Series(
        series.time_ns[picked], series.values[picked], series.statuses[picked], series.period_s * stretch / 2.0, False
    )
