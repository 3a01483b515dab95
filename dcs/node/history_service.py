"""What the tags of a plant have been, for stations that were not there: a computed past, and what followed it.

Called by   ``dcs.node.field_node``, in runs that begin with a computed past. The field node, because it alone has that
            past and it stands and falls with the simulation; a plant with a historian is answered by that, on the same
            subject.
Knows       the bus. Samples all frames at the pace of the past, in memory, within a bound.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dcs.bus.api import Bus
from dcs.bus.history import HistoryAnswer, HistoryRequest, Series, history_subject
from dcs.bus.messages import Frame, Layout, frame_subject, late_subject, layout_subject, layouts_from_bytes
from dcs.core.clock import NS_PER_S
from dcs.core.errors import LinkDown
from dcs.core.status import BAD
from dcs.node.gaps import Gaps
from dcs.node.past import Past

BYTES_MAX = 192 * 1024 * 1024
"""Bound of all samples; the oldest make room."""
_ROWS_AT_ONCE = 256
_SLOTS_MAX = 50_000
"""Times of samples that are remembered, so that a late one is kept once."""
_LAYOUT_TIMEOUT_S = 2.0
_UNKNOWN_MAX = 200
"""Frames of a controller that are kept until their layout is known; what does not fit is a gap."""


@dataclass(eq=False)
class _Block:
    """Rows in the order of their times; ``epochs`` (rows,) is 0 for a computed past."""

    time_ns: NDArray[np.int64]
    values: NDArray[np.float32]
    bad: NDArray[np.bool_]
    epochs: NDArray[np.int64]


@dataclass(eq=False)
class _Columns:
    """Samples of one layout of one scan class: blocks of rows, the last one being filled."""

    tags: tuple[str, ...]
    period_ns: int = 0  # from scan to scan; 0 = not known: of a computed past whose layout was not asked for yet
    blocks: list[_Block] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    values: list[NDArray[np.float32]] = field(default_factory=list)
    bad: list[NDArray[np.bool_]] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)

    def close_block(self) -> None:
        """The rows so far become a block."""
        if self.times:
            self.blocks.append(self.open_block())
        self.times, self.values, self.bad, self.epochs = [], [], [], []

    def open_block(self) -> _Block:
        """The rows that are in no block yet."""
        shape = (len(self.times), len(self.tags))
        return _Block(
            np.array(self.times, np.int64), np.array(self.values, np.float32).reshape(shape),
            np.array(self.bad, np.bool_).reshape(shape), np.array(self.epochs, np.int64),
        )  # fmt: skip


class History:
    """All samples of one plant, oldest first per scan class and layout; times are UTC."""

    def __init__(self, sample_ns: int, bytes_max: int = BYTES_MAX) -> None:
        self.sample_ns = sample_ns
        self._bytes_max = bytes_max
        self._columns: dict[tuple[str, str, bytes], _Columns] = {}
        self._next_ns: dict[tuple[str, str], int] = {}
        self._gaps: dict[tuple[str, str], Gaps] = {}
        self._slots: dict[tuple[str, str], dict[int, None]] = {}

    def put_past(self, past: Past, end_ns: int) -> None:
        """Take a past that ended at ``end_ns``."""
        for group in past.groups:
            key = (group.pair, group.scan_class, group.layout_hash)
            columns = self._columns.setdefault(key, _Columns(group.tags))
            epochs = np.zeros(len(group.time_ns), np.int64)
            columns.blocks.append(_Block(group.time_ns + end_ns, group.values, group.bad, epochs))
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

    def is_due(self, pair: str, scan_class: str, frame: Frame) -> bool:
        """Is it time for another sample of that scan class? A late one is wanted where none was kept."""
        time_ns, period_ns = frame.time_ns, self._columns[pair, scan_class, frame.layout_hash].period_ns
        self._gaps.setdefault((pair, scan_class), Gaps()).put(time_ns, period_ns)
        if time_ns >= self._next_ns.get((pair, scan_class), 0):
            return True
        slot, slots = time_ns // self.sample_ns, self._slots.get((pair, scan_class), {})
        return bool(slots) and next(iter(slots)) <= slot and slot not in slots

    def put_frame(self, pair: str, scan_class: str, frame: Frame) -> None:
        """Keep one frame whose layout is known."""
        columns = self._columns[pair, scan_class, frame.layout_hash]
        if columns.times and frame.time_ns < columns.times[-1]:  # late: rows of a block are in the order of time
            columns.close_block()
        columns.epochs.append(frame.epoch)
        columns.times.append(frame.time_ns)
        with np.errstate(over="ignore"):
            columns.values.append(frame.values.astype(np.float32))
        columns.bad.append((frame.statuses >> 6) == BAD)
        slot = frame.time_ns // self.sample_ns
        slots = self._slots.setdefault((pair, scan_class), {})
        slots[slot] = None
        if len(slots) > _SLOTS_MAX:
            slots.pop(next(iter(slots)))
        self._next_ns[pair, scan_class] = max((slot + 1) * self.sample_ns, self._next_ns.get((pair, scan_class), 0))
        if len(columns.times) >= _ROWS_AT_ONCE:
            columns.close_block()
            self._make_room()

    def _make_room(self) -> None:
        while self._size() > self._bytes_max and any(len(one.blocks) > 1 for one in self._columns.values()):
            fullest = max(self._columns.values(), key=lambda one: sum(b.values.nbytes for b in one.blocks))
            del fullest.blocks[0]

    def _size(self) -> int:
        return sum(b.values.nbytes + b.bad.nbytes for one in self._columns.values() for b in one.blocks)

    def first_ns(self) -> int:
        """The oldest sample; 0 when there is none."""
        firsts = [int(b.time_ns[0]) for one in self._columns.values() for b in one.blocks if len(b.time_ns)]
        return min(firsts, default=0)

    def answer(self, request: HistoryRequest) -> HistoryAnswer:
        """What was asked for, as far as it is kept."""
        found = {}
        for tag in request.tags:
            series = self._series(tag, request)
            if series is not None:
                found[tag] = series
        return HistoryAnswer(found, self.first_ns())

    def _series(self, tag: str, request: HistoryRequest) -> Series | None:
        times: list[NDArray[np.int64]] = []
        values: list[NDArray[np.float64]] = []
        bad: list[NDArray[np.bool_]] = []
        epochs: list[NDArray[np.int64]] = []
        gaps: tuple[tuple[int, int], ...] = ()
        for (pair, scan_class, _), columns in self._columns.items():
            if tag not in columns.tags:
                continue
            at = columns.tags.index(tag)
            if (pair, scan_class) in self._gaps:
                gaps = self._gaps[pair, scan_class].between(request.from_ns, request.to_ns)
            for block in [*columns.blocks, columns.open_block()]:
                first, last = np.searchsorted(block.time_ns, (request.from_ns, request.to_ns + 1))
                times.append(block.time_ns[first:last])
                values.append(block.values[first:last, at].astype(np.float64))
                bad.append(block.bad[first:last, at])
                epochs.append(block.epochs[first:last])
        if not times:
            return None
        time_ns = np.concatenate(times)
        order = np.argsort(time_ns, kind="stable")
        period_s = self.sample_ns / NS_PER_S
        whole = Series(time_ns[order], np.concatenate(values)[order], np.concatenate(bad)[order], period_s)
        runs = _runs(whole.time_ns, np.concatenate(epochs)[order])
        return replace(reduced(whole, request.points), epochs=runs, gaps=gaps)


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
        series.time_ns[picked], series.values[picked], series.bad[picked], series.period_s * stretch / 2.0, False
    )


class HistoryService:
    """Serves ``history_subject`` and goes on sampling, until cancelled."""

    def __init__(self, plant: str, bus: Bus, history: History) -> None:
        self.history = history
        self._plant, self._bus = plant, bus
        self._unknown: dict[str, deque[tuple[str, Frame]]] = {}  # by controller: they wait for their layout
        self._asking: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled."""
        served = await self._bus.serve(history_subject(self._plant), self._serve)
        frames = await self._bus.subscribe(frame_subject(self._plant, "*", "*"), self._on_frame)
        late = await self._bus.subscribe(late_subject(frame_subject(self._plant, "*", "*")), self._on_frame)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            for task in tuple(self._tasks):
                task.cancel()
            await frames.stop()
            await late.stop()
            await served.stop()

    async def _serve(self, subject: str, payload: bytes) -> bytes:
        return self.history.answer(HistoryRequest.from_bytes(payload)).to_bytes()

    async def _on_frame(self, subject: str, payload: bytes) -> None:
        _, _, _, pair, scan_class = subject.split(".")
        try:
            frame = Frame.from_bytes(payload)
        except ValueError:
            return  # whoever looks at it now says so
        if self.history.knows(pair, scan_class, frame.layout_hash):
            self._keep(pair, scan_class, frame)
            return
        self._unknown.setdefault(pair, deque(maxlen=_UNKNOWN_MAX)).append((scan_class, frame))
        if pair not in self._asking:
            self._asking.add(pair)
            task = asyncio.get_running_loop().create_task(self._learn(pair))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _keep(self, pair: str, scan_class: str, frame: Frame) -> None:
        if self.history.is_due(pair, scan_class, frame):
            self.history.put_frame(pair, scan_class, frame)

    async def _learn(self, pair: str) -> None:
        """An online change has brought other columns."""
        try:
            answer = await self._bus.request(layout_subject(self._plant, pair), b"", _LAYOUT_TIMEOUT_S)
            for layout in layouts_from_bytes(answer):
                self.history.put_layout(layout)
            for scan_class, frame in self._unknown.pop(pair, ()):
                if self.history.knows(pair, scan_class, frame.layout_hash):  # else it is a gap
                    self._keep(pair, scan_class, frame)
        except (LinkDown, ValueError, TypeError, KeyError):
            pass  # the next frame asks again
        finally:
            self._asking.discard(pair)
