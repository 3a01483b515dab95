r"""From the limit cycle of an asymmetric relay to a process model: the arithmetic.

Called by   ``dcs.blocks.regulation.relay_test`` in the scan that ends a test (so: Numba subset, scalars only), and by
            ``dcs.tuning.relay``.
Knows       numbers. All signals are deviations from the start of the test in % of span; "up" is the side of the relay
            that raises the measurement.
Promise     no division by zero, no NaN and no infinity for finite inputs; what cannot be fitted says so by a gain of 0.
Source      Berner, Hägglund & Åström, "Asymmetric relay autotuning – practical features for industrial use", Control
            Engineering Practice 54 (2016); Shen, Wu & Yu, "Use of biased-relay feedback for system identification",
            AIChE Journal 42 (1996).

The process :math:`K e^{-Ls}/(Ts+1)` under a relay of :math:`+d_1, -d_2` that switches at :math:`\pm h` runs through
two exponentials. With :math:`D_1 = K d_1 - s`, :math:`D_2 = K d_2 + s` (s: middle of the two switching levels)

.. math:: t_{up}/T = \ln\frac{(D_1+D_2)e^{L/T} - D_2 + h}{D_1 - h}, \quad
          t_{down}/T = \ln\frac{(D_1+D_2)e^{L/T} - D_1 + h}{D_2 - h}, \quad K = \bar y/\bar u .
"""

import math

NO_MODEL, FIRST_ORDER, INTEGRATING = 0, 1, 2
MODEL_TEXTS = ("none", "first-order lag with dead time", "integrating with dead time")

RATIO_SMALLEST, RATIO_LARGEST = 1e-4, 20.0
"""Range of L/T that is looked for."""
TINY, HUGE = 1e-9, 1e9
"""What a time in s or a signal in % can be at all: beyond this, figures are no experiment."""
LAG_DOMINATED = 0.05
"""Below this L/T the test cannot tell a first-order lag from an integrator, nor does a controller need to know."""
MEAN_SMALLEST = 0.004
"""Mean of the relay over its swing below which a static gain is not worth the division."""


def plausible(up_s: float, down_s: float, pv_rms: float, step_up: float, step_down: float) -> bool:
    """Can these be figures of an experiment?"""
    low = min(up_s, down_s, pv_rms, step_up, step_down)
    return low > TINY and max(up_s, down_s, pv_rms, step_up, step_down) < HUGE


def log_up(ratio: float, drive_up: float, drive_down: float, level: float) -> float:
    """Half period with the relay up, over T; ``ratio`` is L/T, both drives are above ``level``."""
    return math.log(((drive_up + drive_down) * math.exp(ratio) - drive_down + level) / (drive_up - level))


def lag_of(ratio: float, cycle_s: float, drive_up: float, drive_down: float, level: float) -> float:
    """T in s from the period of the limit cycle, once L/T is known."""
    return cycle_s / (log_up(ratio, drive_up, drive_down, level) + log_up(ratio, drive_down, drive_up, level))


def cycle_rms(
    lag_s: float, ratio: float, up_s: float, down_s: float, drive_up: float, drive_down: float, level: float
) -> float:
    """Standard deviation that the model's own limit cycle has, in % of span."""
    decay = math.exp(-ratio)
    lowest = -drive_down + (drive_down - level) * decay
    highest = drive_up - (drive_up - level) * decay
    sum_1, sum_2 = 0.0, 0.0
    for half in range(2):
        end = drive_up if half == 0 else -drive_down
        start = lowest if half == 0 else highest
        length_s = up_s if half == 0 else down_s
        rest = math.exp(-length_s / lag_s)
        way = start - end
        sum_1 += end * length_s + way * lag_s * (1.0 - rest)
        sum_2 += end * end * length_s + 2.0 * end * way * lag_s * (1.0 - rest)
        sum_2 += 0.5 * way * way * lag_s * (1.0 - rest * rest)
    mean = sum_1 / (up_s + down_s)
    return math.sqrt(max(sum_2 / (up_s + down_s) - mean * mean, 0.0))


def dead_time_ratio(
    pv_rms: float, up_s: float, down_s: float, drive_up: float, drive_down: float, level: float
) -> float:
    """L/T from the swing of the measurement, by bisection; the ends of the range where it lies outside.

    The longer the dead time, the further the measurement overshoots the levels at which the relay switches. (The ratio
    of the half periods tells L/T as well, but with noise at a third of the hysteresis four times worse.)
    """
    cycle_s = up_s + down_s
    low, high = RATIO_SMALLEST, RATIO_LARGEST
    for _ in range(50):
        middle = 0.5 * (low + high)
        lag_s = lag_of(middle, cycle_s, drive_up, drive_down, level)
        if cycle_rms(lag_s, middle, up_s, down_s, drive_up, drive_down, level) < pv_rms:
            low = middle
        else:
            high = middle
    return low


def fit_first_order(
    up_s: float, down_s: float, pv_mean: float, pv_rms: float, out_mean: float, level_up: float, level_down: float,
    step_up: float, step_down: float, period_s: float,
) -> tuple[float, float, float, float]:  # fmt: skip
    """(K, T s, L s, quality %) of a first-order lag with dead time; K = 0 when there is none.

    ``level_up`` (> 0) and ``level_down`` (< 0) are the mean measurements one scan *after* the relay switched down and
    up: noise chose the scan of the switch, so the value of that scan is biased; the next one is not. The formulas then
    see a relay that acts one scan before it switches, so one scan is added to the dead time, and half a scan for the
    hold of the output. A load that changed since the start of the test falsifies K (and T with it), hardly K/T, L and
    the ultimate point. The quality compares the ratio of the half periods with that of the model: nothing else uses it.
    """
    none = (0.0, 0.0, 0.0, 0.0)
    level = 0.5 * (level_up - level_down)
    if not plausible(up_s, down_s, pv_rms, step_up, step_down) or level <= TINY:
        return none
    if abs(out_mean) < MEAN_SMALLEST * (step_up + step_down) or abs(pv_mean) < TINY or pv_mean * out_mean <= 0.0:
        return none
    gain = pv_mean / out_mean
    middle = 0.5 * (level_up + level_down)
    drive_up, drive_down = gain * step_up - middle, gain * step_down + middle
    if min(drive_up, drive_down) < 1.0001 * level:
        return none
    ratio = dead_time_ratio(pv_rms, up_s, down_s, drive_up, drive_down, level)
    lag_s = lag_of(ratio, up_s + down_s, drive_up, drive_down, level)
    model = log_up(ratio, drive_up, drive_down, level) / log_up(ratio, drive_down, drive_up, level)
    mismatch = math.log(model) - math.log(up_s / down_s)
    return gain, lag_s, ratio * lag_s + 1.5 * period_s, 100.0 * max(1.0 - abs(mismatch), 0.0)


def fit_integrating(
    up_s: float, down_s: float, pv_mean: float, pv_rms: float, level_up: float, level_down: float,
    step_up: float, step_down: float, period_s: float,
) -> tuple[float, float, float]:  # fmt: skip
    r"""(K' in %/s per %, L s, quality %) of :math:`K' e^{-Ls}/s`; K' = 0 when there is none.

    The measurement is a triangle of height :math:`A = \sqrt{12}\,\sigma_y` (its values are spread evenly), its slopes
    give :math:`K'(d_1 + d_2) = A/t_{up} + A/t_{down}`, a constant load included, and what it overshoots the switching
    levels by gives L. The quality compares the middle of the triangle with where these figures put it.
    """
    if not plausible(up_s, down_s, pv_rms, step_up, step_down):
        return 0.0, 0.0, 0.0
    height = math.sqrt(12.0) * pv_rms
    rise, fall = height / up_s, height / down_s
    late_s = max((height - level_up + level_down) / (rise + fall), 0.0)
    middle = 0.5 * (level_up + level_down) + 0.5 * (rise - fall) * late_s
    quality = 100.0 * max(1.0 - abs(pv_mean - middle) / (0.5 * height), 0.0)
    return (rise + fall) / (step_up + step_down), late_s + 1.5 * period_s, quality


def ultimate(gain: float, lag_s: float, dead_s: float) -> tuple[float, float]:
    r"""(Ku in %/%, Pu s) where :math:`K e^{-Ls}/(Ts+1)` turns the phase by 180°; (0, 0) without a dead time.

    With ``lag_s`` = 0 the gain is that of an integrator, K' in 1/s: :math:`K_u = \pi/(2K'L)`, :math:`P_u = 4L`.
    """
    size = abs(gain)
    if dead_s <= TINY or size <= TINY * TINY:
        return 0.0, 0.0
    if lag_s <= 0.0:
        return 0.5 * math.pi / (size * dead_s), 4.0 * dead_s
    low, high = 0.5 * math.pi / dead_s, math.pi / dead_s
    for _ in range(60):
        middle = 0.5 * (low + high)
        if middle * dead_s + math.atan(middle * lag_s) < math.pi:
            low = middle
        else:
            high = middle
    return math.sqrt(1.0 + (low * lag_s) * (low * lag_s)) / size, 2.0 * math.pi / low


def describing_function(
    up_s: float, down_s: float, pv_rms: float, step_up: float, step_down: float
) -> tuple[float, float]:
    r"""(Ku in %/%, Pu s) by the describing function: first harmonic of the relay over that of the measurement.

    :math:`K_u = \frac{2(d_1+d_2)}{\pi}\sin(\pi t_{up}/P) / (\sqrt 2\,\sigma_y)`; for a symmetric relay the known
    :math:`4d/(\pi a)`. Åström & Hägglund (1984). Up to 27 % off where the dead time dominates.
    """
    cycle_s = up_s + down_s
    if not plausible(up_s, down_s, pv_rms, step_up, step_down):
        return 0.0, 0.0
    harmonic = 2.0 * (step_up + step_down) / math.pi * math.sin(math.pi * up_s / cycle_s)
    return harmonic / (math.sqrt(2.0) * pv_rms), cycle_s


def fit_relay(
    up_s: float, down_s: float, pv_mean: float, pv_rms: float, out_mean: float, level_up: float, level_down: float,
    step_up: float, step_down: float, period_s: float,
) -> tuple[int, float, float, float, float, float, float]:  # fmt: skip
    """(kind, Ku, Pu s, K, T s, L s, quality %); kind: ``NO_MODEL``, ``FIRST_ORDER`` or ``INTEGRATING``.

    A lag so long that the test does not tell it from an integrator is taken for one: what a controller needs of it is
    its slope and dead time. Ku and Pu are those of the model; without one they come from the describing function.
    """
    gain, lag_s, dead_s, quality = fit_first_order(
        up_s, down_s, pv_mean, pv_rms, out_mean, level_up, level_down, step_up, step_down, period_s
    )
    if gain > 0.0 and dead_s - 1.5 * period_s > LAG_DOMINATED * lag_s:
        ultimate_gain, ultimate_s = ultimate(gain, lag_s, dead_s)
        return FIRST_ORDER, ultimate_gain, ultimate_s, gain, lag_s, dead_s, quality
    slope, dead_s, quality = 0.0, 0.0, 0.0
    if abs(step_up - step_down) > 0.05 * (step_up + step_down):
        slope, dead_s, quality = fit_integrating(
            up_s, down_s, pv_mean, pv_rms, level_up, level_down, step_up, step_down, period_s
        )
    if slope > 0.0:
        ultimate_gain, ultimate_s = ultimate(slope, 0.0, dead_s)
        return INTEGRATING, ultimate_gain, ultimate_s, slope, 0.0, dead_s, quality
    ultimate_gain, ultimate_s = describing_function(up_s, down_s, pv_rms, step_up, step_down)
    return NO_MODEL, ultimate_gain, ultimate_s, 0.0, 0.0, 0.0, 0.0
