"""What this station has seen of every tag since it started, and what others kept before that.

Called by   ``hmi.model.session`` (one sample per frame); trend page, faceplates and embedded trends (read).
Knows       one ring per scan class, and what was asked of whoever keeps history.
Promises    a gap stays a gap, bad quality is kept apart, and a picture costs two points a pixel whatever the window.
"""

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dcs.bus.history import HistoryAnswer, HistoryRequest
from dcs.bus.messages import Frame, Layout
from dcs.core.clock import NS_PER_S
from dcs.core.status import BAD

from .decimate import EMPTY_LINE, Floats, Line, bucket_width_s, draw_line, join_lines
from .history import OlderSamples
from .marks import NO_MARKS, Marks, joined_marks, marks_of_samples, marks_of_stretch
from .ring import Ring

HISTORY_S = 2 * 3600.0
"""How much is kept of every tag, where memory allows."""
MEMORY_BYTES = 96 * 1024 * 1024
"""Bound per scan class; a large or fast one keeps a shorter history."""
LEAST_SAMPLES = 600


@dataclass(frozen=True, slots=True)
class Figures:
    """Smallest, mean and largest usable value in a window; NaN when there is none."""

    low: float
    mean: float
    high: float


@dataclass(frozen=True, eq=False, slots=True)
class _Part:
    """Samples from one source."""

    time_s: Floats
    values: Floats
    bad: NDArray[np.bool_]
    period_s: float
    marks: Marks


class TrendStore:
    """Rings of all scan classes."""

    def __init__(self, history_s: float = HISTORY_S) -> None:
        self._history_s = history_s
        self._rings: dict[tuple[str, str], Ring] = {}
        self._ring_of: dict[str, Ring] = {}
        self._lock = threading.Lock()
        self.older = OlderSamples()
        self.version = 0

    def put_layout(self, layout: Layout) -> None:
        """Make room for a scan class; an earlier layout of it hands its samples over."""
        key = (layout.pair, layout.scan_class)
        ring = Ring(layout, self._capacity(layout))
        with self._lock:
            if key in self._rings:
                ring.take_over(self._rings[key])
            self._rings[key] = ring
            self._ring_of = {name: member for member in self._rings.values() for name in member.column}

    def put_frame(self, layout: Layout, frame: Frame) -> None:
        """Keep one sample of every tag of a scan class."""
        ring = self._rings[layout.pair, layout.scan_class]
        bad = (frame.statuses >> 6) == BAD
        with self._lock:
            ring.append(frame.time_ns / NS_PER_S, frame.values, bad, frame.epoch)
            self.version += 1

    def put_late(self, layout: Layout, frame: Frame) -> None:
        """A sample that did not come live takes its place, where there is none."""
        ring = self._rings[layout.pair, layout.scan_class]
        bad = (frame.statuses >> 6) == BAD
        with self._lock:
            self.version += ring.insert(frame.time_ns / NS_PER_S, frame.values, bad, frame.epoch)

    def line(self, name: str, start_s: float, end_s: float, pixels: int) -> Line:
        """Points of a pen between two times (s since 1970) for a picture ``pixels`` wide."""
        lines = []
        for part in self._parts(name, start_s, end_s, (end_s - start_s) / max(pixels, 1)):
            width_s = bucket_width_s(end_s - start_s, pixels, part.period_s)
            line = draw_line(part.time_s, part.values, part.bad, part.period_s, width_s, part.marks.gaps)
            lines.append((line, max(width_s, part.period_s)))
        return join_lines(lines) if lines else EMPTY_LINE

    def figures(self, name: str, start_s: float, end_s: float) -> Figures:
        """Min, mean and max over the samples inside the window that are not Bad; the mean is one over time."""
        used, weights = [], []
        for part in self._parts(name, start_s, end_s, np.inf):
            inside = (part.time_s >= start_s) & (part.time_s <= end_s) & ~part.bad & np.isfinite(part.values)
            used.append(part.values[inside])
            weights.append(np.full(len(used[-1]), part.period_s))
        values = np.concatenate(used) if used else np.zeros(0)
        if len(values) == 0:
            return Figures(np.nan, np.nan, np.nan)
        mean = float(np.average(values, weights=np.concatenate(weights)))
        return Figures(float(values.min()), mean, float(values.max()))

    def value_at(self, name: str, time_s: float) -> float:
        """The sample in force at a time; NaN in a gap, before the first or when it was Bad."""
        ring = self._ring_of.get(name)
        start_s = time_s - 3.0 * ring.period_s if ring is not None else time_s
        for part in reversed(self._parts(name, start_s, time_s, np.inf)):
            recent = (part.time_s <= time_s) & (part.time_s > time_s - 2.5 * part.period_s)
            usable = np.flatnonzero(recent & ~part.bad)
            if len(usable):
                return float(part.values[usable[-1]])
        return float("nan")

    def marks(self, name: str, start_s: float, end_s: float) -> Marks:
        """Where samples are missing between two times, and who wrote those that are there."""
        parts = [part.marks for part in self._parts(name, start_s, end_s, np.inf)]
        return joined_marks(parts, start_s, end_s) if parts else NO_MARKS

    def put_older(self, request: HistoryRequest, answer: HistoryAnswer) -> None:
        """An answer of whoever keeps the plant's history."""
        with self._lock:
            newest = [ring.ends()[1] for ring in self._rings.values() if ring.count]
        self.older.answered(request, answer, max(newest, default=request.to_ns / NS_PER_S))
        self.version += 1

    def _parts(self, name: str, start_s: float, end_s: float, width_s: float) -> list[_Part]:
        """What is known between two times, older sources first, each with a sample beyond its edges."""
        with self._lock:
            ring = self._ring_of.get(name)
            if ring is None or ring.count == 0:
                return []
            first_s, now_s = ring.ends()
            marks = marks_of_samples(*ring.written(start_s, end_s), ring.period_s)
            own = _Part(*ring.between(name, start_s, end_s), ring.period_s, marks)
        if start_s >= first_s:
            return [own]
        older = self.older.want(name, start_s, min(end_s, first_s), now_s, width_s)
        if older is None:
            return [own]
        is_older = older.time_s < first_s
        marks = marks_of_stretch(older, first_s)
        part = _Part(older.time_s[is_older], older.values[is_older], older.bad[is_older], older.period_s, marks)
        return [part, own] if end_s >= first_s else [part]

    def _capacity(self, layout: Layout) -> int:
        wanted = int(self._history_s * NS_PER_S / layout.period_ns) + 1
        affordable = MEMORY_BYTES // (9 * max(len(layout.tags), 1))
        return max(min(wanted, affordable), LEAST_SAMPLES)
