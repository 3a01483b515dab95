"""What is older than this station: asked of whoever keeps the plant's history, when a trend wants to show it.

Called by   ``hmi.model.trends`` (wants, draws) and ``hmi.model.session`` (asks, puts the answers).
Knows       one stretch of samples per tag, the last that was wanted.
Promise     nothing waits for an answer: a picture is drawn with what is there, and again when more has arrived.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dcs.bus.history import POINTS_MAX, TAGS_MAX, HistoryAnswer, HistoryRequest
from dcs.core.clock import NS_PER_S

from .decimate import Floats

NEAR_S = 12 * 3600.0
"""A window that begins so recently is asked for up to now, so that panning and waiting ask for nothing more."""
GRID_S = 60.0
SILENCE_S = 10.0
"""After a question that nobody answered, nothing is asked for so long."""
SLACK_S = 30.0
"""So much may be missing between what was asked for and what this station has seen itself."""


@dataclass(frozen=True, eq=False, slots=True)
class Stretch:
    """Samples of one tag between two times (s since 1970); ``period_s``: usual time from one to the next."""

    from_s: float
    to_s: float
    time_s: Floats
    values: Floats
    bad: NDArray[np.bool_]
    period_s: float
    whole: bool
    epochs: tuple[tuple[float, int], ...] = ()  # (time of the first sample, epoch that wrote it and those after it)
    gaps: tuple[tuple[float, float], ...] = ()

    def between(self, start_s: float, end_s: float) -> "Stretch":
        """A part, with one sample beyond each edge."""
        first = max(int(np.searchsorted(self.time_s, start_s, "left")) - 1, 0)
        last = min(int(np.searchsorted(self.time_s, end_s, "right")) + 1, len(self.time_s))
        picked = slice(first, last)
        columns = self.time_s[picked], self.values[picked], self.bad[picked]
        return Stretch(start_s, end_s, *columns, self.period_s, self.whole, self.epochs, self.gaps)


class OlderSamples:
    """What was asked for and what has come; one thread wants, another answers."""

    def __init__(self) -> None:
        self._stretches: dict[str, Stretch] = {}
        self._wanted: dict[str, tuple[float, float]] = {}
        self._asked: set[str] = set()
        self._nothing_before_s = 0.0
        self._lock = threading.Lock()

    def want(self, tag: str, start_s: float, end_s: float, now_s: float, width_s: float) -> Stretch | None:
        """Samples between two times as far as they are here; what is missing, or too coarse, will be asked for."""
        with self._lock:
            stretch = self._stretches.get(tag)
            start_s = max(start_s, self._nothing_before_s)
            if end_s > start_s and not _covers(stretch, start_s, end_s, width_s) and tag not in self._asked:
                span_s = end_s - start_s
                from_s = start_s - span_s
                to_s = now_s if now_s - from_s < NEAR_S else end_s + span_s
                wanted = self._wanted.get(tag, (from_s, to_s))  # several pictures may want it at the same time
                from_s, to_s = min(from_s, wanted[0]), max(to_s, wanted[1])
                self._wanted[tag] = (from_s // GRID_S * GRID_S, -(-to_s // GRID_S) * GRID_S)
        return stretch.between(start_s, end_s) if stretch is not None and len(stretch.time_s) else None

    def take_requests(self) -> list[HistoryRequest]:
        """What to ask now: tags with the same window together."""
        with self._lock:
            wanted, self._wanted = self._wanted, {}
            self._asked |= set(wanted)
        windows: dict[tuple[float, float], list[str]] = {}
        for tag, window in wanted.items():
            windows.setdefault(window, []).append(tag)
        return [
            HistoryRequest(
                tuple(tags[at : at + TAGS_MAX]), round(from_s * NS_PER_S), round(to_s * NS_PER_S), POINTS_MAX
            )
            for (from_s, to_s), tags in windows.items()
            for at in range(0, len(tags), TAGS_MAX)
        ]

    def answered(self, request: HistoryRequest, answer: HistoryAnswer, now_s: float) -> None:
        """Put what has come; ``now_s`` is the plant's time: what the answer holds ends there."""
        from_s, to_s = request.from_ns / NS_PER_S, request.to_ns / NS_PER_S
        found: Mapping[str, Stretch] = {
            tag: Stretch(
                from_s,
                min(to_s, max(now_s, from_s)),
                series.time_ns / NS_PER_S,
                series.values,
                series.bad,
                series.period_s,
                series.whole,
                tuple((time_ns / NS_PER_S, epoch) for time_ns, epoch in series.epochs),
                tuple((start_ns / NS_PER_S, end_ns / NS_PER_S) for start_ns, end_ns in series.gaps),
            )
            for tag, series in answer.series.items()
        }
        none = np.zeros(0)
        with self._lock:
            for tag in request.tags:
                empty = Stretch(from_s, to_s, none, none, none.astype(np.bool_), 1.0, True)
                self._stretches[tag] = found.get(tag, empty)
            self._asked -= set(request.tags)
            self._nothing_before_s = answer.first_ns / NS_PER_S

    def unanswered(self, request: HistoryRequest) -> None:
        """Nobody keeps history, or nobody who can be reached: it may be asked again."""
        with self._lock:
            self._asked -= set(request.tags)


def _covers(stretch: Stretch | None, start_s: float, end_s: float, width_s: float) -> bool:
    if stretch is None or stretch.from_s > start_s or stretch.to_s < end_s - SLACK_S:
        return False
    return stretch.whole or stretch.period_s <= 2.0 * width_s
