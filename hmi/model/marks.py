"""What a trend tells beside its lines: where samples are missing, and which epoch of the authority wrote those there.

Called by   ``hmi.model.trends`` (makes), ``hmi.viewmodels.pens`` (reads).
Knows       times in s since 1970. A gap is what lies between two samples that are more than a period and a half apart,
            as whoever keeps history declares it.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .decimate import Floats
from .history import Stretch

_PERIODS = 1.5

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Marks:
    """``gaps``: (from, to); ``epochs``: (time of the first sample, epoch) of every stretch that one epoch wrote.

    Epoch 0: nobody held the authority, the samples are of a computed past.
    """

    gaps: tuple[Pair, ...] = ()
    epochs: tuple[tuple[float, int], ...] = ()

    def epoch_at(self, time_s: float) -> int:
        """That wrote the sample in force; 0 before the first."""
        at = bisect_right(self.epochs, time_s, key=lambda run: run[0]) - 1
        return self.epochs[at][1] if at >= 0 else 0

    def gap_at(self, time_s: float) -> Pair | None:
        """The gap that a time lies in."""
        return next((gap for gap in self.gaps if gap[0] < time_s < gap[1]), None)

    def takeovers(self) -> list[tuple[float, int]]:
        """(time of the first sample, epoch) where the authority went from one holder, or term, to the next."""
        return [run for before, run in pairwise(self.epochs) if before[1] and run[1] != before[1]]


NO_MARKS = Marks()


def marks_of_samples(time_s: Floats, epochs: NDArray[np.int64], period_s: float) -> Marks:
    """Of samples one by one."""
    wide = np.flatnonzero(np.diff(time_s) > _PERIODS * period_s)
    gaps = tuple((float(time_s[at]), float(time_s[at + 1])) for at in wide)
    starts = np.flatnonzero(np.diff(epochs, prepend=-1))
    return Marks(gaps, tuple((float(time_s[at]), int(epochs[at])) for at in starts))


def marks_of_stretch(stretch: Stretch, before_s: float) -> Marks:
    """Of what was told about a stretch, as far as it lies before a time."""
    gaps = tuple((start_s, min(end_s, before_s)) for start_s, end_s in stretch.gaps if start_s < before_s)
    return Marks(gaps, tuple(run for run in stretch.epochs if run[0] < before_s))


def joined_marks(parts: Sequence[Marks], start_s: float, end_s: float) -> Marks:
    """Of several sources, oldest first, within a window; the epoch in force at its beginning is kept."""
    gaps = tuple(gap for part in parts for gap in part.gaps if gap[1] > start_s and gap[0] < end_s)
    runs: list[tuple[float, int]] = []
    for time_s, epoch in (run for part in parts for run in part.epochs):
        if time_s > end_s:
            break
        if runs and runs[-1][1] == epoch:
            continue
        if len(runs) > 1 and runs[1][0] <= start_s:
            del runs[0]
        runs.append((time_s, epoch))
    return Marks(gaps, tuple(runs))
