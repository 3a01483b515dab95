r"""What a loop monitor computes: regularity of the control error, minimum variance, shape of the half waves.

Called by   the step of ``LOOP_MONITOR``; compiled together with it.
Knows       the monitor's record. No clock, no I/O, no log.
Source      Hägglund, "A control-loop performance monitor", Control Engineering Practice 3 (1995); Forsman & Stattin, "A
            new criterion for detecting oscillations in control loops", ECC (1999); Harris, "Assessment of control loop
            performance", Canadian Journal of Chemical Engineering 67 (1989); Singhal & Salsbury, "A simple method for
            detecting valve stiction in oscillating control loops", Journal of Process Control 15 (2005).
"""

import math
from typing import Any

ORDER = 20
"""Order of the autoregressive model of the control error."""
DELAY_MOST = 10
"""Dead times longer than so many samples are looked at with fewer samples."""
PAIRS_LEAST = 10 * ORDER
HALF_SCANS_LEAST = 4
"""A half wave of fewer scans is noise."""
LENGTH_ALIKE, AREA_ALIKE = 0.7, 0.5
"""Smallest ratio at which two half waves count as alike."""


def half_wave(b: Any, error_pct: float, dt_s: float) -> None:
    r"""One scan of the control error: add to the half wave, or close it at a zero crossing.

    Crossing means leaving ``noise_pct`` on the other side. Hägglund's load detection asks for an area above
    :math:`2a/\omega`, that of a half sine of amplitude a = ``amplitude_least_pct``; a half wave that passes and is like
    the last one on its side, in length and in area, counts as regular (Forsman & Stattin).
    """
    positive = b.wave_side > 0
    crossed = error_pct < -b.noise_pct if positive else error_pct > b.noise_pct
    if b.wave_side == 0:
        if abs(error_pct) <= b.noise_pct:
            return
        b.wave_side = 1 if error_pct > 0.0 else -1
    elif crossed:
        close_half_wave(b, dt_s)
        b.wave_side = -b.wave_side
    size = abs(error_pct)
    b.wave_scans = b.wave_scans + 1
    b.wave_area = b.wave_area + size
    if size > b.wave_peak:
        b.wave_peak, b.wave_area_peak = size, b.wave_area - 0.5 * size


def close_half_wave(b: Any, dt_s: float) -> None:
    """Compare with the last half wave on the same side, and remember."""
    scans, area = b.wave_scans, b.wave_area
    last_scans = b.last_scans_high if b.wave_side > 0 else b.last_scans_low
    last_area = b.last_area_high if b.wave_side > 0 else b.last_area_low
    large = scans >= HALF_SCANS_LEAST and area * math.pi > 2.0 * b.amplitude_least_pct * scans
    if large and last_scans > 0:
        alike = min(scans, last_scans) >= LENGTH_ALIKE * max(scans, last_scans)
        if alike and min(area, last_area) >= AREA_ALIKE * max(area, last_area):
            b.regular_count = b.regular_count + 1
            b.regular_scans = b.regular_scans + scans
            b.regular_area = b.regular_area + area
            b.regular_before = b.regular_before + b.wave_area_peak
    if not large:
        scans = 0  # what comes next has nothing to be compared with
    if b.wave_side > 0:
        b.last_scans_high, b.last_area_high = scans, area
    else:
        b.last_scans_low, b.last_area_low = scans, area
    b.wave_scans, b.wave_area, b.wave_peak, b.wave_area_peak = 0, 0.0, 0.0, 0.0


def forget_wave(b: Any) -> None:
    """The loop is not under control: what comes back later is another wave."""
    b.wave_side, b.wave_scans, b.wave_area, b.wave_peak, b.wave_area_peak = 0, 0, 0.0, 0.0, 0.0
    b.last_scans_high, b.last_scans_low = 0, 0


def correlate(b: Any, deviation: float) -> None:
    """Add one sample to the sums of products with the ``ORDER`` samples before it."""
    if b.samples >= ORDER:
        b.pairs = b.pairs + 1
        b.pair_sum = b.pair_sum + deviation
        b.products[0] = b.products[0] + deviation * deviation
        for lag in range(1, ORDER + 1):
            b.products[lag] = b.products[lag] + deviation * b.recent[lag - 1]
    else:
        b.samples = b.samples + 1
    for place in range(ORDER - 1, 0, -1):
        b.recent[place] = b.recent[place - 1]
    b.recent[0] = deviation


def harris_index(b: Any, delay: int) -> float:
    r"""Minimum variance over variance: 1 for a loop that no controller could hold better, towards 0 for a bad one.

    The model :math:`e_k = \sum a_i e_{k-i} + \varepsilon_k` from the autocovariances by Levinson's recursion, which
    stops before a reflection coefficient reaches 1; its impulse response :math:`\psi` gives
    :math:`\sigma_{mv}^2 = \sigma_\varepsilon^2 \sum_{j<d} \psi_j^2`: what arrives within the dead time of ``delay``
    samples, no controller can take away. -1 when there is nothing to say.
    """
    if b.pairs < PAIRS_LEAST:
        return -1.0
    mean = b.pair_sum / b.pairs
    for lag in range(ORDER + 1):
        b.model[lag] = b.products[lag] / b.pairs - mean * mean
    variance = b.model[0]
    if not variance > 1e-12 * (1.0 + mean * mean):
        return -1.0
    innovation = variance
    for i in range(ORDER):
        b.weights[i] = 0.0
    for order in range(1, ORDER + 1):
        rest = b.model[order]
        for i in range(1, order):
            rest = rest - b.weights[i - 1] * b.model[order - i]
        reflection = rest / innovation
        if not abs(reflection) < 0.99999:
            break
        for i in range(1, order // 2 + 1):
            one, other = b.weights[i - 1], b.weights[order - i - 1]
            b.weights[i - 1] = one - reflection * other
            if order - i != i:
                b.weights[order - i - 1] = other - reflection * one
        b.weights[order - 1] = reflection
        innovation = innovation * (1.0 - reflection * reflection)
    total = 0.0
    for j in range(min(delay, DELAY_MOST)):
        response = 1.0 if j == 0 else 0.0
        for i in range(1, j + 1):
            response = response + b.weights[i - 1] * b.model[j - i]
        b.model[j] = response  # the covariances are used up
        total = total + response * response
    return max(0.0, min(1.0, innovation * total / variance))  # type: ignore[no-any-return]
