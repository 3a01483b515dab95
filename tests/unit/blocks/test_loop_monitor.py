"""Promises of the loop monitor: known values, good and bad loops in their order, exact shares, nothing Bad inside."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.modes import AUTO, CAS, IMAN, MAN, OOS
from dcs.core.status import (
    BAD,
    GOOD_CASCADE,
    LIMIT_HIGH,
    LIMIT_LOW,
    STATUS_BAD,
    STATUS_GOOD,
    UNCERTAIN,
    make_status,
    quality_of,
)
from tests.support.processes_to_control import Process, StickyValve
from tests.unit.blocks.bench import OnBench

LIMITED = [make_status(GOOD_CASCADE, 0, limit) for limit in (LIMIT_LOW, LIMIT_HIGH, 3)]


def monitor(dt_s: float = 1.0, **values: float) -> OnBench:
    """A monitor of a loop that is in Auto, as it should be, at a setpoint of 50 %."""
    start = {
        "pv": 50.0, "sp": 50.0, "out": 50.0, "loop_mode": AUTO, "loop_normal": AUTO,
        "pv_status": STATUS_GOOD, "sp_status": STATUS_GOOD, "out_status": STATUS_GOOD, "window_s": 1000.0,
    }  # fmt: skip
    return OnBench("LOOP_MONITOR", dt_s, **start | values)


def watch(errors, dt_s: float = 1.0, **values: float) -> OnBench:
    """One window over a given control error."""
    block = monitor(dt_s, window_s=len(errors) * dt_s, **values)
    for error in errors:
        block.step(pv=50.0 - error)
    assert block.windows == 1
    return block


def loop(gain: float, ti_s: float, noise: float = 0.3, seed: int = 1, valve=None, scans: int = 4000):
    """A PI on a lag of 20 s with 5 s of dead time, with noise and a wandering load; the monitor of its second half."""
    process = Process(1.0, 20.0, 5.0, 1.0, noise=noise, seed=seed)
    wander = random.Random(seed + 1000)
    block = monitor(window_s=scans / 2, dead_time_s=5.0)
    integral = 0.0
    for k in range(scans):
        pv = process.measured()
        integral += gain / ti_s * -pv
        out = -gain * pv + integral
        process.load = 0.98 * process.load + wander.gauss(0.0, 0.1)
        process.move(valve(out) if valve else out)
        if k >= scans / 2:
            block.step(pv=50.0 + pv, out=50.0 + out)
    assert block.windows == 1
    return block


@pytest.mark.parametrize(("period_s", "amplitude"), [(20.0, 2.0), (60.0, 1.5), (300.0, 10.0)])
def test_a_sine_has_its_period_its_amplitude_and_nothing_else(period_s, amplitude):
    """Promise: a regular swing is found with period within 3 % and amplitude within 5 %; its standard deviation is
    exact; its halves are alike, so no valve is blamed."""
    block = watch([amplitude * math.sin(2 * math.pi * k / period_s) for k in range(3000)])
    assert block.oscillation > 100.0 * (1.0 - 2.0 * period_s / 3000.0)
    assert block.period_s == pytest.approx(period_s, rel=0.03)
    assert block.amplitude_pct == pytest.approx(amplitude, rel=0.05)
    assert block.variability_pct == pytest.approx(amplitude / math.sqrt(2), rel=0.01)
    assert block.peak_ratio == pytest.approx(1.0, abs=0.15)
    assert block.oscillation_status == STATUS_GOOD


def test_a_swing_below_the_smallest_amplitude_is_none():
    errors = [0.9 * math.sin(0.2 * k) for k in range(1000)]
    assert watch(errors).oscillation == 0.0
    assert watch(errors, amplitude_least_pct=0.5).oscillation > 85.0


@pytest.mark.parametrize("sigma", [0.1, 1.0, 5.0])
def test_noise_is_no_oscillation(sigma):
    """Promise: white noise of any size is not called a swing, and its standard deviation is found."""
    source = random.Random(7)
    errors = [source.gauss(0.0, sigma) for _ in range(3000)]
    block = watch(errors, dead_time_s=3.0)
    assert block.oscillation < 5.0
    assert block.variability_pct == pytest.approx(np.std(errors, ddof=1), rel=1e-9)
    assert block.harris > 0.95  # nothing of it can be foreseen


def test_half_waves_of_all_lengths_are_no_oscillation():
    """Promise: regular means regular in length as well: equal areas of changing length do not count."""
    source, errors, sign = random.Random(4), [], 1.0
    while len(errors) < 3000:
        scans = source.choice([10, 16, 26, 42, 68])
        errors += [sign * 200.0 / scans] * scans
        sign = -sign
    assert watch(errors).oscillation < 40.0
    assert watch([error for k in range(75) for error in [8.0 * (-1) ** k] * 40]).oscillation > 90.0


def test_time_out_of_control_breaks_waves_and_correlations():
    """Promise: what lies on the two sides of a time in Man is not put together."""
    block = monitor(window_s=4000.0)
    for k in range(4000):
        block.step(pv=50.0 - 3.0 * math.sin(0.25 * k), loop_mode=MAN if k % 200 < 17 else AUTO)
    assert block.period_s == pytest.approx(8.0 * math.pi, rel=0.03)
    block = monitor(window_s=4000.0)
    for k in range(4000):
        block.step(pv=55.0 if k % 100 < 50 else 45.0, loop_mode=MAN if k % 50 < 20 else AUTO)
    assert block.oscillation == 0.0

    source, error, sign = random.Random(5), 0.0, 1.0
    block = monitor(window_s=40_000.0, dead_time_s=0.5)
    for k in range(40_000):
        error = 0.95 * error + source.gauss(0.0, 1.0)
        sign = -sign if k % 50 == 0 else sign
        block.step(pv=50.0 - sign * error, loop_mode=MAN if k % 50 == 0 else AUTO)
    assert block.harris == pytest.approx(1.0 - 0.95**2, abs=0.03)


def test_a_sine_in_noise_is_still_found():
    source = random.Random(3)
    block = watch([3.0 * math.sin(0.1 * k) + source.gauss(0.0, 0.3) for k in range(3000)], noise_pct=1.0)
    assert block.oscillation > 80.0
    assert block.period_s == pytest.approx(20 * math.pi, rel=0.03)


@pytest.mark.parametrize(("delay", "weights"), [(1, [1.0]), (3, [1.0, 0.8, 0.5]), (5, [1.0, 0.9, 0.7, 0.4, 0.2])])
def test_a_minimum_variance_controller_has_an_index_of_one(delay, weights):
    """Promise: under minimum-variance control the error is a moving average of less than the dead time; index 1. With
    a shorter dead time the same error would be a poor result, and by how much is known."""
    source = random.Random(11)
    shocks = [source.gauss(0.0, 1.0) for _ in range(20_000)]
    errors = [sum(w * shocks[k - i] for i, w in enumerate(weights)) for k in range(len(weights), len(shocks))]
    assert watch(errors, dead_time_s=delay - 1.0 or 0.5).harris == pytest.approx(1.0, abs=0.03)
    if delay > 1:
        known = 1.0 / sum(w * w for w in weights)
        assert watch(errors, dead_time_s=0.5).harris == pytest.approx(known, abs=0.03)


@pytest.mark.parametrize("pole", [0.5, 0.9, 0.98])
def test_the_index_of_a_first_order_error_is_known(pole):
    """Promise: for e_k = a e_(k-1) + white noise the index with d samples is 1 - a^2d (Harris 1989)."""
    source, error, errors = random.Random(5), 0.0, []
    for _ in range(40_000):
        error = pole * error + source.gauss(0.0, 1.0)
        errors.append(error + 7.0)  # a mean does not matter
    for dead_s, delay in ((0.5, 1), (2.0, 3), (7.0, 8)):
        assert watch(errors, dead_time_s=dead_s).harris == pytest.approx(1.0 - pole ** (2 * delay), abs=0.04)


def test_a_long_dead_time_is_looked_at_with_fewer_samples():
    """Promise: the index is about the dead time in seconds, not about the scan: a loop scanned fast gives the same."""
    source, error, errors = random.Random(5), 0.0, []
    for _ in range(100_000):
        error = 0.99 * error + source.gauss(0.0, 1.0)
        errors.append(error)
    block = watch(errors, dt_s=0.1, dead_time_s=5.0)
    assert block.every == 6
    assert block.harris == pytest.approx(1.0 - 0.99 ** (2 * 6 * block.delay), abs=0.08)


def test_good_and_bad_tunings_come_in_the_right_order():
    """Promise: SIMC looks better than a sluggish and a lively loop; the one near its stability limit swings, and its
    period is about the ultimate one (18.3 s)."""
    good, sluggish, lively = loop(2.0, 20.0), loop(0.1, 60.0), loop(5.6, 20.0)
    assert good.harris > sluggish.harris + 0.1
    assert good.harris > lively.harris + 0.3
    assert good.variability_pct < sluggish.variability_pct
    assert good.variability_pct < lively.variability_pct
    assert good.oscillation < 10.0
    assert lively.oscillation > 70.0
    assert lively.period_s == pytest.approx(20.0, rel=0.15)


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_sticking_valve_swings_and_has_the_shape_of_one(seed):
    """Promise: a band of 8 % makes the well-tuned loop swing, and its half waves rise slowly to their peak and fall at
    once; those of a loop that swings because it is tuned too fast are symmetrical."""
    sticky = loop(2.0, 20.0, noise=0.1, valve=StickyValve(8.0), seed=seed)
    lively = loop(5.6, 20.0, seed=seed)
    assert sticky.oscillation > 70.0
    assert sticky.peak_ratio > 1.4
    assert lively.oscillation > 90.0
    assert lively.peak_ratio == pytest.approx(1.0, abs=0.1)


def test_shares_of_time_are_exact():
    """Promise: each share is a count of scans over the scans of the window."""
    source = random.Random(2)
    block, limited, abnormal, bad, control = monitor(window_s=777.0), 0, 0, 0, 0
    for _ in range(777):
        out_status = source.choice([STATUS_GOOD, *LIMITED])
        mode = source.choice([OOS, IMAN, MAN, AUTO, CAS])
        pv, status = source.choice(
            [(50.0, STATUS_GOOD), (50.0, STATUS_BAD), (50.0, make_status(UNCERTAIN)), (math.nan, STATUS_GOOD)]
        )
        block.step(pv=pv, pv_status=status, out_status=out_status, loop_mode=mode)
        limited += out_status != STATUS_GOOD
        abnormal += mode != AUTO
        bad += status != STATUS_GOOD or pv != pv
        control += mode in (AUTO, CAS) and status != STATUS_BAD and pv == pv
    assert block.windows == 1
    shares = (block.limited_pct, block.abnormal_pct, block.bad_pct, block.control_pct)
    assert shares == tuple(100.0 * count / 777 for count in (limited, abnormal, bad, control))


def test_every_window_stands_for_itself():
    block = monitor(window_s=100.0)
    block.step(100, out_status=LIMITED[0])
    assert block.limited_pct == 100.0
    block.step(50, out_status=STATUS_GOOD)
    assert block.limited_pct == 100.0  # still the last complete one
    block.step(50)
    assert block.limited_pct == 0.0


def test_figures_come_early_and_say_so():
    """Promise: after a minute there are figures, Uncertain until the first window is complete; without control for a
    window the last ones stay, Uncertain."""
    block = monitor(window_s=1000.0, dead_time_s=3.0)
    assert block.step(59).variability_pct_status != STATUS_GOOD
    source = random.Random(1)
    for _ in range(941):
        block.step(pv=50.0 + source.gauss(0.0, 1.0))
        if block.scans == 70:
            assert block.variability_pct > 0.0
            assert quality_of(block.variability_pct_status) == UNCERTAIN
    assert block.variability_pct_status == STATUS_GOOD
    assert block.harris_status == STATUS_GOOD
    kept = block.variability_pct
    block.step(1000, loop_mode=MAN)
    assert (block.variability_pct, quality_of(block.variability_pct_status)) == (kept, UNCERTAIN)
    assert block.control_pct == 0.0


def test_the_dead_time_of_the_relay_test_is_used_unless_another_is_given():
    for values, delay in (
        ({}, 0), ({"tuned_dead_s": 4.5, "tuned_dead_s_status": STATUS_GOOD}, 5),
        ({"tuned_dead_s": 4.5, "tuned_dead_s_status": STATUS_GOOD, "dead_time_s": 2.0}, 3),
        ({"tuned_dead_s": math.nan, "tuned_dead_s_status": STATUS_GOOD}, 0),
    ):  # fmt: skip
        block = monitor(window_s=60.0, **values)
        block.step(60)
        assert block.delay == delay
        assert (quality_of(block.harris_status) == BAD) == (delay == 0)


numbers = st.one_of(st.floats(-1e3, 1e3), st.sampled_from([math.nan, math.inf, -math.inf, 1e300, -1e308, 0.0]))
statuses = st.integers(0, 255)
scan = st.fixed_dictionaries(
    {},
    optional={
        "pv": numbers, "sp": numbers, "out": numbers, "tuned_dead_s": numbers, "pv_status": statuses,
        "sp_status": statuses, "out_status": statuses, "tuned_dead_s_status": statuses,
        "loop_mode": st.integers(-2, 9), "loop_normal": st.integers(0, 7), "dt_s": st.sampled_from([0.1, 1.0, 60.0]),
    },
)  # fmt: skip


@given(script=st.lists(st.tuples(scan, st.integers(1, 60)), max_size=25), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_nothing_on_its_terminals_makes_a_figure_a_nonsense(script, seed):
    """Promise: whatever arrives, every word stays finite and every share between 0 and 100 %."""
    source = random.Random(seed)
    block = monitor(window_s=120.0, dead_time_s=2.0)
    for values, count in script:
        block.__dict__["dt_s"] = values.pop("dt_s", 1.0)
        block.step(**values)
        for _ in range(count):
            block.step(pv=50.0 + source.gauss(0, 1), sp=50.0, pv_status=STATUS_GOOD, loop_mode=AUTO)
        for f in block.kind.fields:
            if f.role in ("state", "output"):
                value = getattr(block.record, f.name)
                assert all(math.isfinite(one) for one in (value if f.count > 1 else [value])), f.name
        assert 0.0 <= block.harris <= 1.0
        for share in ("oscillation", "limited_pct", "abnormal_pct", "bad_pct", "control_pct"):
            assert 0.0 <= getattr(block, share) <= 100.0
