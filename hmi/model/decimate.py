"""From samples to pixels: at most two points per bucket, and no peak is ever lost.

Called by   ``hmi.model.trends``.
Knows       NumPy arrays. Buckets lie on fixed times, so that a picture that moves on does not wiggle.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GAP_PERIODS = 2.5
"""Missing time, in sample periods, that is drawn as a gap."""


@dataclass(frozen=True, slots=True)
class Line:
    """Points of one pen: ``good`` is drawn solid, ``bad`` dotted; NaN breaks the line. Times in s since 1970."""

    time_s: Floats
    good: Floats
    bad: Floats


EMPTY_LINE = Line(np.zeros(0), np.zeros(0), np.zeros(0))


def bucket_width_s(window_s: float, pixels: int, period_s: float) -> float:
    """Width of a bucket: a whole number of sample periods, about one pixel wide, never less than one period."""
    per_pixel = window_s / max(pixels, 1) / period_s
    return max(1.0, float(np.ceil(per_pixel))) * period_s


def min_max(time_s: Floats, values: Floats, width_s: float) -> tuple[Floats, Floats]:
    """Smallest and largest value of every bucket, in the order in which the line went through them.

    NaN is passed over; a bucket of NaN only stays NaN. Times are those of the buckets (a quarter and three quarters).
    """
    if len(time_s) == 0:
        return time_s, values
    bucket = np.floor(time_s / width_s + 1e-9)
    starts = np.flatnonzero(np.diff(bucket, prepend=bucket[0] - 1.0))
    low = np.fmin.reduceat(values, starts)
    high = np.fmax.reduceat(values, starts)
    ends = np.append(starts[1:], len(values)) - 1
    falling = values[ends] < values[starts]
    out_values = np.empty(2 * len(starts))
    out_values[0::2] = np.where(falling, high, low)
    out_values[1::2] = np.where(falling, low, high)
    out_times = np.empty(2 * len(starts))
    out_times[0::2] = (bucket[starts] + 0.25) * width_s
    out_times[1::2] = (bucket[starts] + 0.75) * width_s
    return out_times, out_values


def draw_line(
    time_s: Floats,
    values: Floats,
    is_bad: NDArray[np.bool_],
    period_s: float,
    width_s: float,
    gaps: Sequence[tuple[float, float]] = (),
) -> Line:
    """The line of one pen in buckets of ``width_s``: gaps stay gaps, bad quality goes to a line of its own.

    ``gaps``: between these times samples are known to be missing; one that is wider than a bucket breaks the line,
    however short it is.
    """
    if len(time_s) == 0:
        return EMPTY_LINE
    good = np.where(is_bad, np.nan, values)
    bad = np.where(is_bad, values, np.nan)
    # A dotted stretch starts at the last good sample, so that the two lines meet.
    if is_bad.any():
        edge = np.flatnonzero(is_bad[1:] & ~is_bad[:-1])
        bad[edge] = values[edge]
    jumps = np.flatnonzero(np.diff(time_s) > GAP_PERIODS * max(period_s, 1e-9))
    reduce = width_s > 1.5 * period_s and len(time_s) > 4
    if reduce:
        times, good_points = min_max(time_s, good, width_s)
        _, bad_points = min_max(time_s, bad, width_s)
        jumps = np.flatnonzero(np.diff(times) > GAP_PERIODS * max(width_s, period_s))
    else:
        times, good_points, bad_points = time_s, good, bad
    known = [(start_s + end_s) / 2.0 for start_s, end_s in gaps if end_s - start_s > width_s]
    middles = np.union1d((times[jumps] + times[jumps + 1]) / 2.0, np.array(known))
    middles = middles[(middles > times[0]) & (middles < times[-1])]
    if len(middles):
        places = np.searchsorted(times, middles)
        times = np.insert(times, places, middles)
        good_points = np.insert(good_points, places, np.nan)
        bad_points = np.insert(bad_points, places, np.nan)
    return Line(times, good_points, bad_points)


def join_lines(parts: Sequence[tuple[Line, float]]) -> Line:
    """Lines of one pen from several sources, each with its distance between points, oldest first; gaps stay gaps."""
    lines: list[Line] = []
    for number, (line, width_s) in enumerate(parts):
        if len(line.time_s) == 0:
            continue
        if lines:
            before_s, after_s = float(lines[-1].time_s[-1]), float(line.time_s[0])
            if after_s - before_s > GAP_PERIODS * max(width_s, parts[number - 1][1]):
                hole = np.array([np.nan])
                lines.append(Line(np.array([(before_s + after_s) / 2.0]), hole, hole))
        lines.append(line)
    if not lines:
        return EMPTY_LINE
    return Line(*(np.concatenate([getattr(line, name) for line in lines]) for name in ("time_s", "good", "bad")))
