"""What the tags of a plant have been, for stations that were not there: a computed past, and what followed it.

Called by   ``dcs.node.field_node``, in runs that begin with a computed past. The field node, because it alone has that
            past and it stands and falls with the simulation; a plant with a historian is answered by that, on the same
            subject.
Knows       the bus. Samples all frames at the pace of the past, in memory, within a bound.
"""

import asyncio
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dcs.bus.api import Bus
from dcs.bus.history import HistoryAnswer, HistoryRequest, Series, history_subject
from dcs.bus.messages import Frame, Layout, frame_subject, layout_subject, layouts_from_bytes
from dcs.core.clock import NS_PER_S
from dcs.core.errors import LinkDown
from dcs.core.status import BAD
from dcs.node.past import Past, PastGroup

BYTES_MAX = 192 * 1024 * 1024
"""Bound of all samples; the oldest make room."""
_ROWS_AT_ONCE = 256
_LAYOUT_TIMEOUT_S = 2.0


@dataclass(eq=False)
class _Columns:
    """Samples of one layout of one scan class: blocks of rows, the last one being filled."""

    tags: tuple[str, ...]
    blocks: list[PastGroup] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    values: list[NDArray[np.float32]] = field(default_factory=list)
    bad: list[NDArray[np.bool_]] = field(default_factory=list)


class History:
    """All samples of one plant, oldest first per scan class and layout; times are UTC."""

    def __init__(self, sample_ns: int, bytes_max: int = BYTES_MAX) -> None:
        self.sample_ns = sample_ns
        self._bytes_max = bytes_max
        self._columns: dict[tuple[str, str, bytes], _Columns] = {}
        self._next_ns: dict[tuple[str, str], int] = {}

    def put_past(self, past: Past, end_ns: int) -> None:
        """Take a past that ended at ``end_ns``."""
        for group in past.groups:
            key = (group.pair, group.scan_class, group.layout_hash)
            columns = self._columns.setdefault(key, _Columns(group.tags))
            block = PastGroup(
                group.pair, group.scan_class, group.layout_hash, group.tags, group.time_ns + end_ns, group.values,
                group.bad,
            )  # fmt: skip
            columns.blocks.append(block)
            self._next_ns[group.pair, group.scan_class] = end_ns + past.sample_ns

    def knows(self, pair: str, scan_class: str, layout_hash: bytes) -> bool:
        """Are the columns of that layout known?"""
        return (pair, scan_class, layout_hash) in self._columns

    def put_layout(self, layout: Layout) -> None:
        """Learn columns."""
        key = (layout.pair, layout.scan_class, layout.hash)
        self._columns.setdefault(key, _Columns(tuple(tag.name for tag in layout.tags)))

    def is_due(self, pair: str, scan_class: str, time_ns: int) -> bool:
        """Is it time for another sample of that scan class?"""
        return time_ns >= self._next_ns.get((pair, scan_class), 0)

    def put_frame(self, pair: str, scan_class: str, frame: Frame) -> None:
        """Keep one frame whose layout is known."""
        columns = self._columns[pair, scan_class, frame.layout_hash]
        columns.times.append(frame.time_ns)
        with np.errstate(over="ignore"):
            columns.values.append(frame.values.astype(np.float32))
        columns.bad.append((frame.statuses >> 6) == BAD)
        self._next_ns[pair, scan_class] = (frame.time_ns // self.sample_ns + 1) * self.sample_ns
        if len(columns.times) >= _ROWS_AT_ONCE:
            self._close_block(pair, scan_class, frame.layout_hash, columns)

    def _close_block(self, pair: str, scan_class: str, layout_hash: bytes, columns: _Columns) -> None:
        columns.blocks.append(
            PastGroup(
                pair, scan_class, layout_hash, columns.tags, np.array(columns.times, np.int64),
                np.array(columns.values, np.float32), np.array(columns.bad, np.bool_),
            )
        )  # fmt: skip
        columns.times, columns.values, columns.bad = [], [], []
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
        for columns in self._columns.values():
            if tag not in columns.tags:
                continue
            at = columns.tags.index(tag)
            for block in columns.blocks:
                first, last = np.searchsorted(block.time_ns, (request.from_ns, request.to_ns + 1))
                times.append(block.time_ns[first:last])
                values.append(block.values[first:last, at].astype(np.float64))
                bad.append(block.bad[first:last, at])
            open_rows = [n for n, time in enumerate(columns.times) if request.from_ns <= time <= request.to_ns]
            times.append(np.array([columns.times[n] for n in open_rows], np.int64))
            values.append(np.array([columns.values[n][at] for n in open_rows], np.float64))
            bad.append(np.array([columns.bad[n][at] for n in open_rows], np.bool_))
        if not times:
            return None
        time_ns = np.concatenate(times)
        order = np.argsort(time_ns, kind="stable")
        period_s = self.sample_ns / NS_PER_S
        whole = Series(time_ns[order], np.concatenate(values)[order], np.concatenate(bad)[order], period_s)
        return reduced(whole, request.points)


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
        self._asking: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled."""
        served = await self._bus.serve(history_subject(self._plant), self._serve)
        frames = await self._bus.subscribe(frame_subject(self._plant, "*", "*"), self._on_frame)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            for task in tuple(self._tasks):
                task.cancel()
            await frames.stop()
            await served.stop()

    async def _serve(self, subject: str, payload: bytes) -> bytes:
        return self.history.answer(HistoryRequest.from_bytes(payload)).to_bytes()

    async def _on_frame(self, subject: str, payload: bytes) -> None:
        _, _, _, pair, scan_class = subject.split(".")
        try:
            frame = Frame.from_bytes(payload)
        except ValueError:
            return  # whoever looks at it now says so
        if not self.history.is_due(pair, scan_class, frame.time_ns):
            return
        if self.history.knows(pair, scan_class, frame.layout_hash):
            self.history.put_frame(pair, scan_class, frame)
        elif pair not in self._asking:
            self._asking.add(pair)
            task = asyncio.get_running_loop().create_task(self._learn(pair))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _learn(self, pair: str) -> None:
        """An online change has brought other columns."""
        try:
            answer = await self._bus.request(layout_subject(self._plant, pair), b"", _LAYOUT_TIMEOUT_S)
            for layout in layouts_from_bytes(answer):
                self.history.put_layout(layout)
        except (LinkDown, ValueError, TypeError, KeyError):
            pass  # the next frame asks again
        finally:
            self._asking.discard(pair)
