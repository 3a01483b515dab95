"""Rings and decimation: no peak is lost, no gap is bridged, no old sample survives its place."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.bus.messages import Frame, Layout, TagInfo
from dcs.core.clock import NS_PER_S
from hmi.model.decimate import bucket_width_s, draw_line, min_max
from hmi.model.trends import Ring, TrendStore

GOOD, BAD = 192, 0
floats = st.floats(-1e6, 1e6, allow_nan=False)


def layout(names: tuple[str, ...] = ("A", "B"), period_s: float = 1.0) -> Layout:
    return Layout("p", "C1", "loops", round(period_s * NS_PER_S), tuple(TagInfo(name) for name in names))


def feed(store: TrendStore, of: Layout, time_s: float, values: list[float], status: int = GOOD) -> None:
    statuses = np.full(len(values), status, np.uint8)
    store.put_frame(of, Frame(of.hash, 1, round(time_s * NS_PER_S), 1, 1, np.array(values), statuses))


@settings(max_examples=60, deadline=None)
@given(values=st.lists(floats, min_size=1, max_size=300), width=st.sampled_from([1.0, 2.0, 7.0, 50.0]))
def test_no_peak_is_lost_and_time_never_runs_back(values: list[float], width: float) -> None:
    time_s = np.arange(len(values), dtype=float) + 1000.0
    data = np.array(values)
    times, points = min_max(time_s, data, width)
    assert points.min() == data.min()
    assert points.max() == data.max()
    assert (np.diff(times) > 0).all()
    assert len(points) <= 2 * (len(values) / width + 2)
    for bucket in np.unique(np.floor(time_s / width)):
        inside = data[np.floor(time_s / width) == bucket]
        drawn = points[np.floor(times / width) == bucket]
        assert sorted(drawn) == sorted((inside.min(), inside.max()))


@settings(max_examples=60, deadline=None)
@given(start=st.integers(0, 500), count=st.integers(1, 200), width=st.sampled_from([2.0, 5.0, 11.0]))
def test_buckets_lie_on_fixed_times(start: int, count: int, width: float) -> None:
    """Promise: a picture that moves on does not wiggle: whole buckets are the same in every window."""
    time_s = np.arange(1000.0)
    values = np.sin(time_s * 0.7) * 100.0
    all_times, all_points = min_max(time_s, values, width)
    times, points = min_max(time_s[start : start + count], values[start : start + count], width)
    whole = dict(zip(all_times.tolist(), all_points.tolist(), strict=True))
    for at, point in list(zip(times.tolist(), points.tolist(), strict=True))[2:-2]:
        assert whole[at] == point


@settings(max_examples=60, deadline=None)
@given(
    gap_at=st.integers(2, 90), gap_s=st.floats(3.0, 500.0), window_s=st.sampled_from([60.0, 600.0]),
    bad=st.sets(st.integers(0, 99)),
)  # fmt: skip
def test_gaps_stay_gaps_and_bad_is_apart(gap_at: int, gap_s: float, window_s: float, bad: set[int]) -> None:
    time_s = np.arange(100.0)
    time_s[gap_at:] += gap_s
    values = np.linspace(0.0, 10.0, 100)
    is_bad = np.array([number in bad for number in range(100)])
    line = draw_line(time_s, values, is_bad, 1.0, 1.0)
    inside = (line.time_s > time_s[gap_at - 1]) & (line.time_s < time_s[gap_at])
    assert inside.any()
    assert np.isnan(line.good[inside]).all()
    assert np.isnan(line.bad[inside]).all()
    drawn_good = line.good[np.isfinite(line.good)]
    assert set(drawn_good) == set(values[~is_bad])
    assert set(values[is_bad]) <= set(line.bad[np.isfinite(line.bad)])


def test_gap_survives_decimation() -> None:
    time_s = np.concatenate([np.arange(0.0, 1000.0), np.arange(2000.0, 3000.0)])
    line = draw_line(time_s, np.ones(2000), np.zeros(2000, np.bool_), 1.0, bucket_width_s(3000.0, 300, 1.0))
    inside = (line.time_s > 1010.0) & (line.time_s < 1990.0)
    assert inside.any()
    assert np.isnan(line.good[inside]).all()


@settings(max_examples=50, deadline=None)
@given(capacity=st.integers(3, 20), count=st.integers(0, 60))
def test_ring_holds_the_newest(capacity: int, count: int) -> None:
    ring = Ring(layout(), capacity)
    for number in range(count):
        ring.append(float(number), np.array([number, -number], float), np.array([False, False]))
    times, values, _ = ring.between("B", -1.0, 1000.0)
    expected = list(range(max(0, count - capacity), count))
    assert times.tolist() == expected
    assert values.tolist() == [-n for n in expected]


def test_time_that_went_back_drops_what_is_later() -> None:
    """A plant restored to an earlier state: what it has not lived through yet must not be drawn."""
    store, of = TrendStore(), layout()
    store.put_layout(of)
    for second in range(10):
        feed(store, of, 100.0 + second, [float(second), 0.0])
    feed(store, of, 105.0, [50.0, 0.0])
    line = store.line("A", 90.0, 120.0, 1000)
    assert line.good.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 50.0]


def test_value_at_cursor_is_the_sample_in_force_or_nothing() -> None:
    store, of = TrendStore(), layout()
    store.put_layout(of)
    for second in (0, 1, 2, 30, 31):
        feed(store, of, 100.0 + second, [float(second), 0.0])
    feed(store, of, 132.0, [99.0, 0.0], BAD)
    assert store.value_at("A", 101.5) == 1.0
    assert np.isnan(store.value_at("A", 115.0))
    assert np.isnan(store.value_at("A", 99.0))
    assert store.value_at("A", 132.5) == 31.0
    assert np.isnan(store.value_at("NONE", 101.0))


def test_figures_count_usable_samples_inside_only() -> None:
    store, of = TrendStore(), layout()
    store.put_layout(of)
    for second in range(10):
        feed(store, of, 100.0 + second, [float(second), 0.0], BAD if second == 8 else GOOD)
    figures = store.figures("A", 102.0, 109.0)
    assert (figures.low, figures.high) == (2.0, 9.0)
    assert figures.mean == np.mean([2, 3, 4, 5, 6, 7, 9])
    assert np.isnan(store.figures("A", 0.0, 50.0).mean)


def test_new_layout_keeps_history_of_tags_that_stay() -> None:
    store, of = TrendStore(), layout()
    store.put_layout(of)
    for second in range(5):
        feed(store, of, 100.0 + second, [1.0, 2.0])
    new = layout(("B", "C"))
    store.put_layout(new)
    feed(store, new, 105.0, [2.5, 3.0])
    assert store.line("B", 90.0, 110.0, 1000).good.tolist() == [2.0] * 5 + [2.5]
    assert np.isfinite(store.line("C", 90.0, 110.0, 1000).good).sum() == 1
    assert len(store.line("A", 90.0, 110.0, 1000).good) == 0


def test_memory_is_bounded_for_a_large_fast_plant() -> None:
    big = layout(tuple(f"T{n}" for n in range(3000)), 0.1)
    store = TrendStore()
    store.put_layout(big)
    ring = store._rings["C1", "loops"]
    assert ring.capacity * 3000 * 9 < 100 * 1024 * 1024
    assert ring.capacity >= 600
