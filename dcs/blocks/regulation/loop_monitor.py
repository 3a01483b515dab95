"""Loop monitor: how well a control loop does, in figures of the last hour.

Called by   dcs.engine once per scan, after the loop that it watches; ``monitor: true`` in a module makes one.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     a window of fixed length, so every share of time is exact; nothing Bad or not finite enters a sum; a fixed
            and small amount of work per scan.
Source      Hägglund (1995) and Forsman & Stattin (1999) on oscillations, Harris (1989) on minimum variance, Singhal &
            Salsbury (2005) on the shape of half waves; titles in ``dcs.blocks.regulation.loop_statistics``.
"""

import math
from typing import Any

from dcs.blocks.declare import Field, block_type, f8, i8, scale, signal, step
from dcs.blocks.regulation.loop_statistics import (
    DELAY_MOST,
    ORDER,
    correlate,
    forget_wave,
    half_wave,
    harris_index,
)
from dcs.core.modes import AUTO, CAS, RCAS
from dcs.core.status import (
    BAD,
    CONFIGURATION_ERROR,
    GOOD,
    INITIAL_VALUE,
    LAST_USABLE,
    LIMIT_NONE,
    STATUS_GOOD,
    UNCERTAIN,
    limits_of,
    make_status,
    quality_of,
)

NOT_YET = make_status(UNCERTAIN, INITIAL_VALUE)
OLD = make_status(UNCERTAIN, LAST_USABLE)
NO_DEAD_TIME = make_status(BAD, CONFIGURATION_ERROR)
FIRST_LOOK_S = 60.0
CONTROL_SCANS_LEAST = 20


def _mode(name: str, meaning: str) -> tuple[Field, Field]:
    """A terminal that takes the word of a mode."""
    _, status = signal(name, "", meaning)
    return i8(name, meaning), status


LOOP_MONITOR = block_type(
    "LOOP_MONITOR",
    "Loop monitor",
    inputs=[
        signal("pv", "@pv_scale", "measurement"),
        signal("sp", "@pv_scale", "working setpoint"),
        signal("out", "@out_scale", "output of the controller; its status tells when it is limited"),
        _mode("loop_mode", "actual mode of the controller"),
        _mode("loop_normal", "its normal mode"),
        signal("tuned_dead_s", "s", "dead time found by the relay test"),
    ],
    state=[
        i8("scans", "scans of this window"),
        i8("windows", "complete windows"),
        i8("next_look", "scans after which the first window shows figures"),
        i8("control_scans", "scans of this window under control"),
        i8("limited_scans", "scans with a limited output"),
        i8("abnormal_scans", "scans in another mode than the normal one"),
        i8("bad_scans", "scans with a measurement that is not Good"),
        f8("error_mean", "%", "mean control error of this window"),
        f8("error_square", "", "sum of the squared deviations from it"),
        f8("error_before", "%", "mean control error of the last window"),
        i8("wave_side", "1, -1: side of the half wave; 0: none yet"),
        i8("wave_scans", "its length"),
        f8("wave_area", "%", "its area, in scans"),
        f8("wave_peak", "%", "its highest point"),
        f8("wave_area_peak", "%", "its area up to there"),
        i8("last_scans_high", "length of the last half wave above; 0: none to compare with"),
        i8("last_scans_low", "length of the last half wave below"),
        f8("last_area_high", "%", "area of the last half wave above"),
        f8("last_area_low", "%", "area of the last half wave below"),
        i8("regular_count", "regular half waves of this window"),
        i8("regular_scans", "their length"),
        f8("regular_area", "%", "their area"),
        f8("regular_before", "%", "their area before their peaks"),
        i8("skipped", "scans since the last sample"),
        i8("every", "scans per sample in this window"),
        i8("delay", "dead time in samples in this window; 0: unknown"),
        i8("samples", "samples at hand, up to the order of the model"),
        i8("pairs", "samples in the sums"),
        f8("pair_sum", "%", "their sum"),
        f8("recent", "%", "the samples before", count=ORDER),
        f8("products", "", "sums of products by distance", count=ORDER + 1),
        f8("model", "", "autocovariances, then impulse response", count=ORDER + 1),
        f8("weights", "", "coefficients of the model", count=ORDER),
    ],
    outputs=[
        signal("oscillation", "%", "share of time in which the error swings regularly"),
        signal("period_s", "s", "period of that swing"),
        signal("amplitude_pct", "%", "amplitude of that swing"),
        signal(
            "peak_ratio", "", "area of a half wave before its peak over that after it; well above 1: the valve sticks"
        ),
        signal("variability_pct", "%", "standard deviation of the control error, % of the measuring range"),
        signal("harris", "", "minimum variance over variance: 1 is the best possible"),
        f8("limited_pct", "%", "share of time with a limited output"),
        f8("abnormal_pct", "%", "share of time not in the normal mode"),
        f8("bad_pct", "%", "share of time with a measurement that is not Good"),
        f8("control_pct", "%", "share of time under control with a usable measurement"),
    ],
    params=[
        scale("pv_scale", "range of measurement and setpoint"),
        scale("out_scale", "range of the output"),
        f8("window_s", "s", "length of the window", default=3600.0, low=60.0),
        f8("dead_time_s", "s", "dead time for the Harris index; 0: that of the last relay test", low=0.0),
        f8("noise_pct", "%", "control error that still counts as none", default=0.2, low=0.0),
        f8("amplitude_least_pct", "%", "smallest amplitude that counts as an oscillation", default=1.0, low=0.0),
    ],
    optional_inputs=("pv", "sp", "out", "loop_mode", "loop_normal", "tuned_dead_s"),
    published={
        "OSCILLATION": "oscillation",
        "PERIOD": "period_s",
        "AMPLITUDE": "amplitude_pct",
        "PEAK_RATIO": "peak_ratio",
        "VARIABILITY": "variability_pct",
        "HARRIS": "harris",
        "LIMITED": "limited_pct",
        "NOT_NORMAL": "abnormal_pct",
        "BAD_INPUT": "bad_pct",
        "CONTROL": "control_pct",
        "WINDOW": "window_s",
        "DEAD_TIME": "dead_time_s",
    },
    writable=("WINDOW", "DEAD_TIME"),
)


@step(LOOP_MONITOR)
def loop_monitor(b: Any, dt_s: float) -> None:
    r"""Over a window of n scans, with the control error :math:`e = (SP - PV)` in % of the measuring range:

    variability :math:`\sqrt{\sum (e - \bar e)^2/(n-1)}`, shares of time :math:`100\,n_i/n`, oscillation: the share of
    time in half waves of at least ``amplitude_least_pct`` that are as long and as large as the last one on their side,
    Harris index :math:`\sigma_{mv}^2/\sigma_e^2`: what of the variance arrives within the dead time, so that no
    controller can take it away, by an autoregressive model of order 20. The error counts only in Auto, Cas and RCas
    with a usable measurement; after a gap everything starts anew.
    """
    if b.scans == 0:
        begin_window(b, dt_s)
    b.scans = b.scans + 1
    error_pct = (b.sp - b.pv) / (b.pv_scale_high - b.pv_scale_low) * 100.0
    quality = quality_of(b.pv_status)
    usable = quality != BAD and math.isfinite(error_pct) and abs(error_pct) < 1e6
    if quality < GOOD or not math.isfinite(b.pv):
        b.bad_scans = b.bad_scans + 1
    if limits_of(b.out_status) != LIMIT_NONE:
        b.limited_scans = b.limited_scans + 1
    if b.loop_mode != b.loop_normal:
        b.abnormal_scans = b.abnormal_scans + 1
    if usable and b.loop_mode in (AUTO, CAS, RCAS):
        b.control_scans = b.control_scans + 1
        before = error_pct - b.error_mean
        b.error_mean = b.error_mean + before / b.control_scans
        b.error_square = b.error_square + before * (error_pct - b.error_mean)
        half_wave(b, error_pct, dt_s)
        b.skipped = b.skipped + 1
        if b.skipped >= b.every:
            b.skipped = 0
            correlate(b, error_pct - b.error_before)
    else:
        forget_wave(b)
        b.samples, b.skipped = 0, 0

    if b.scans * dt_s >= b.window_s:
        show_figures(b, dt_s)
        b.windows = b.windows + 1
        b.scans = 0
    elif b.windows == 0 and b.scans >= b.next_look:
        show_figures(b, dt_s)
        b.next_look = 2 * b.scans


def begin_window(b: Any, dt_s: float) -> None:
    """Empty sums; the mean error of the window before is taken off from now on, lest it spoils the products."""
    if b.windows == 0:
        b.next_look = math.ceil(FIRST_LOOK_S / dt_s)
    b.error_before = b.error_mean if b.control_scans > 0 else b.error_before
    b.control_scans = b.limited_scans = b.abnormal_scans = b.bad_scans = 0
    b.error_mean = b.error_square = 0.0
    b.regular_count = b.regular_scans = 0
    b.regular_area = b.regular_before = 0.0
    b.samples = b.pairs = b.skipped = 0
    b.pair_sum = 0.0
    for lag in range(ORDER + 1):
        b.products[lag] = 0.0
    dead_s = b.dead_time_s
    if dead_s <= 0.0 and quality_of(b.tuned_dead_s_status) >= GOOD and math.isfinite(b.tuned_dead_s):
        dead_s = b.tuned_dead_s
    b.every, b.delay = 1, 0
    if 0.0 < dead_s < 1e6:
        # A sample is first affected by an output that is older than the dead time.
        b.every = max(1, math.ceil((dead_s + 1e-9) / (DELAY_MOST * dt_s)))
        b.delay = min(DELAY_MOST, math.floor(dead_s / (b.every * dt_s) + 1e-9) + 1)


def show_figures(b: Any, dt_s: float) -> None:
    """From sums to outputs. Figures without enough time under control keep their last value and say so."""
    b.limited_pct = 100.0 * b.limited_scans / b.scans
    b.abnormal_pct = 100.0 * b.abnormal_scans / b.scans
    b.bad_pct = 100.0 * b.bad_scans / b.scans
    b.control_pct = 100.0 * b.control_scans / b.scans
    fresh = STATUS_GOOD if b.scans * dt_s >= b.window_s else NOT_YET
    old = OLD if b.windows > 0 else NOT_YET
    status = fresh if b.control_scans >= CONTROL_SCANS_LEAST else old
    if b.control_scans >= CONTROL_SCANS_LEAST:
        b.variability_pct = math.sqrt(max(b.error_square, 0.0) / (b.control_scans - 1.0))
        b.oscillation = min(100.0, 100.0 * b.regular_scans / b.control_scans)
        b.period_s, b.amplitude_pct, b.peak_ratio = 0.0, 0.0, 1.0
        if b.regular_count > 0:
            b.period_s = 2.0 * b.regular_scans * dt_s / b.regular_count
            b.amplitude_pct = 0.5 * math.pi * b.regular_area / b.regular_scans
            after = max(b.regular_area - b.regular_before, 1e-3 * b.regular_area)
            b.peak_ratio = b.regular_before / after if after > 0.0 else 1.0
    b.oscillation_status = b.period_s_status = b.amplitude_pct_status = status
    b.variability_pct_status = b.peak_ratio_status = status
    index = harris_index(b, b.delay) if b.delay > 0 else -1.0
    if index >= 0.0:
        b.harris, b.harris_status = index, fresh
    else:
        b.harris_status = NO_DEAD_TIME if b.delay == 0 else old
