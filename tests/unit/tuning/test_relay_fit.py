"""Promises of the relay fit: K, T, L, Ku and Pu of processes whose answers are known."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from dcs.tuning.fit import fit_relay
from dcs.tuning.relay import RelayExperiment, identify
from tests.support.processes_to_control import Process


def experiment(process: Process, up=5.0, down=2.5, hysteresis=0.3, periods=4, skip=2) -> RelayExperiment:
    """A relay test written out for itself: whole periods after ``skip``, by the list of its samples."""
    samples, switches, high = [], [], True
    while len(switches) <= 2 * (periods + skip):
        pv = process.measured()
        if (high and pv > hysteresis) or (not high and pv < -hysteresis):
            high = not high
            switches.append(len(samples))
        samples.append((pv, up if high else -down))
        process.move(samples[-1][1])
    for _ in range(2):
        samples.append((process.measured(), 0.0))
        process.move(samples[-2][1])
    # The first switch goes down, so every second one from there on starts a half period with the relay up.
    ups = switches[1::2][skip - 1 :][: periods + 1]
    downs = switches[0::2][skip:][:periods]
    pv = [y for y, _ in samples[ups[0] : ups[-1]]]
    out = [u for _, u in samples[ups[0] : ups[-1]]]
    up_s = process.dt_s * statistics.mean(d - u for u, d in zip(ups, downs, strict=False))
    down_s = process.dt_s * statistics.mean(u - d for u, d in zip(ups[1:], downs, strict=False))
    rms = math.sqrt(max(statistics.pvariance(pv) - process.noise**2, 0.0))
    level_up = statistics.mean(samples[k + 1][0] for k in downs)
    level_down = statistics.mean(samples[k + 1][0] for k in ups[1:])
    return RelayExperiment(
        up_s, down_s, statistics.mean(pv), rms, statistics.mean(out), level_up, level_down, up, down, process.dt_s
    )


def known_ultimate(gain, lag_s, dead_s):
    """From the phase condition, solved by scipy."""
    omega = brentq(lambda w: w * dead_s + math.atan(w * lag_s) - math.pi, 1e-9, math.pi / dead_s)
    return math.hypot(1.0, omega * lag_s) / gain, 2 * math.pi / omega


@pytest.mark.parametrize("gain", [0.5, 2.0])
@pytest.mark.parametrize(("lag_s", "dead_s"), [(50, 5), (20, 5), (20, 10), (10, 10), (10, 20), (5, 20), (1, 20)])
def test_a_first_order_process_is_found_whatever_its_ratio(gain, lag_s, dead_s):
    """Promise: K, T and L within 2 % of lag and dead time, Ku and Pu within 3 %, for L/T from 0.1 to 20."""
    found = identify(experiment(Process(gain, lag_s, dead_s, 0.2)))
    assert found.model is not None
    assert not found.model.integrating
    total_s = lag_s + dead_s
    assert found.model.gain == pytest.approx(gain, rel=0.02)
    assert found.model.lag_s == pytest.approx(lag_s, abs=0.02 * total_s)
    assert found.model.dead_s == pytest.approx(dead_s + 0.1, abs=0.02 * total_s)  # half a scan of hold
    assert (found.ultimate_gain, found.ultimate_period_s) == pytest.approx(
        known_ultimate(gain, lag_s, dead_s + 0.1), rel=0.03
    )
    assert found.quality > 97.0


@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize(("lag_s", "dead_s"), [(20, 5), (20, 10), (10, 10), (5, 20)])
def test_noise_of_a_third_of_the_hysteresis_costs_little(lag_s, dead_s, seed):
    """Promise: with 3 σ of hysteresis the slope of the process and Ku stay within 12 %, the dead time within 15 %."""
    found = identify(experiment(Process(1.0, lag_s, dead_s, 0.2, noise=0.1, seed=seed)))
    assert found.model is not None
    assert found.model.dead_s == pytest.approx(dead_s, rel=0.15, abs=0.3)
    assert found.model.slope == pytest.approx(1.0 / lag_s, rel=0.12)
    assert found.ultimate_gain == pytest.approx(known_ultimate(1.0, lag_s, dead_s)[0], rel=0.12)
    assert found.quality > 75.0


@pytest.mark.parametrize("load", [0.0, 0.3])
@pytest.mark.parametrize(("slope", "dead_s"), [(0.02, 5.0), (0.1, 2.0)])
def test_an_integrating_process_is_found_with_and_without_a_load(slope, dead_s, load):
    """Promise: slope and dead time of an integrator within 5 %; Ku = π/(2K'L), Pu = 4L."""
    process = Process(slope, 0.0, dead_s, 0.2, integrating=True)
    process.load = load
    found = identify(experiment(process))
    assert found.model is not None
    assert found.model.integrating
    assert found.model.gain == pytest.approx(slope, rel=0.05)
    assert found.model.dead_s == pytest.approx(dead_s + 0.1, rel=0.05)
    assert found.ultimate_gain == pytest.approx(math.pi / (2 * slope * (dead_s + 0.1)), rel=0.1)
    assert found.ultimate_period_s == pytest.approx(4 * (dead_s + 0.1), rel=0.05)


def test_a_lag_too_long_to_see_counts_as_an_integrator_of_the_same_slope():
    found = identify(experiment(Process(1.0, 200.0, 2.0, 0.2)))
    assert found.model is not None
    assert found.model.integrating
    assert found.model.gain == pytest.approx(1.0 / 200.0, rel=0.03)


def test_four_lags_in_series_have_their_ultimate_point_found_as_well():
    """Promise: (10 s + 1)^-4 has Ku = 4 and Pu = 20π; found within 10 % though it is no first-order process."""
    found = identify(experiment(Process(1.0, 10.0, 0.0, 0.5, order=4)))
    assert found.model is not None
    assert found.model.gain == pytest.approx(1.0, rel=0.03)
    assert found.ultimate_gain == pytest.approx(4.0, rel=0.1)
    assert found.ultimate_period_s == pytest.approx(20 * math.pi, rel=0.06)


@pytest.mark.parametrize(("lag_s", "dead_s"), [(20, 10), (10, 10), (5, 20)])
def test_a_load_change_during_the_test_spoils_the_static_gain_only(lag_s, dead_s):
    """Promise: with a load of 5 % of the relay, slope, dead time and ultimate point stay within 20 %."""
    process = Process(1.0, lag_s, dead_s, 0.2)
    process.load = 0.2
    found = identify(experiment(process))
    assert found.model is not None
    assert found.model.gain > 1.15
    assert (found.model.dead_s, found.ultimate_gain, found.ultimate_period_s) == pytest.approx(
        (dead_s + 0.1, *known_ultimate(1.0, lag_s, dead_s + 0.1)), rel=0.2
    )
    assert found.model.slope == pytest.approx(1.0 / lag_s, rel=0.25)


def test_a_symmetric_relay_tells_the_ultimate_point_only():
    """Promise: no static gain is made up; Ku by 4d/(πa) is then within the 27 % that are known of it."""
    found = identify(experiment(Process(1.0, 20.0, 10.0, 0.2), up=4.0, down=4.0, hysteresis=0.05))
    assert found.model is None
    assert found.quality == 0.0
    ultimate = known_ultimate(1.0, 20.0, 10.1)
    assert found.ultimate_gain == pytest.approx(ultimate[0], rel=0.27)
    assert found.ultimate_period_s == pytest.approx(ultimate[1], rel=0.1)


anything = st.floats(-1e6, 1e6)


@given(values=st.tuples(*[anything] * 10))
def test_no_figures_make_the_fit_fail_or_answer_nonsense(values):
    """Promise: whatever an experiment looked like, the answer is finite and no model has a negative time."""
    found = fit_relay(*values[:9], abs(values[9]))
    assert all(math.isfinite(value) for value in found)
    assert found[4] >= 0.0
    assert found[5] >= 0.0
    assert 0.0 <= found[6] <= 100.0
