"""Promises of the tuning rules: the published figures, and robustness that means something."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcs.core.errors import ConfigError
from dcs.tuning.model import ProcessModel
from dcs.tuning.robustness import Tuning, robustness
from dcs.tuning.rules import RULES, amigo, lambda_tuning, proposals, simc
from tests.support.processes_to_control import Process


@pytest.mark.parametrize(
    ("process", "gain", "ti_s", "ms", "gain_margin", "phase_margin"),
    [
        (ProcessModel(1.0, 8.0, 1.0), 4.0, 8.0, 1.59, 3.14, 61.4),
        (ProcessModel(2.0, 5.0, 1.0), 1.25, 5.0, 1.59, 3.14, 61.4),
        (ProcessModel(1.0, 0.0, 1.0, integrating=True), 0.5, 8.0, 1.70, 2.96, 46.9),
    ],
)
def test_simc_has_the_margins_of_its_publication(process, gain, ti_s, ms, gain_margin, phase_margin):
    """Skogestad (2003), table 1: tau_c = theta gives Ms 1.59, GM 3.14, PM 61.4°; integrating 1.70, 2.96, 46.9°."""
    found = simc(process)
    assert (found.tuning.gain, found.tuning.ti_s, found.tuning.td_s) == pytest.approx((gain, ti_s, 0.0))
    assert found.robustness.ms == pytest.approx(ms, abs=0.005)
    assert found.robustness.gain_margin == pytest.approx(gain_margin, abs=0.01)
    assert found.robustness.phase_margin_deg == pytest.approx(phase_margin, abs=0.1)


def test_simc_pid_is_the_series_form_converted():
    """Series Kc = 4, Ti = 8 s, Td = 1/3 s of the process 1/(8 s + 1) e^-s, as the standard form has it."""
    found = simc(ProcessModel(1.0, 8.0, 1.0), "PID").tuning
    f = 1.0 + (1.0 / 3.0) / 8.0
    assert (found.gain, found.ti_s, found.td_s) == pytest.approx((4.0 * f, 8.0 * f, 1.0 / 3.0 / f))


def test_lambda_of_the_textbook():
    """Seborg et al., ch. 12: K = 2, tau = 10 min, theta = 1 min, tau_c = 3 min as PID: Kc = 1.5, 10.5 and 0.476 min."""
    found = lambda_tuning(ProcessModel(2.0, 600.0, 60.0), "PID", 180.0).tuning
    assert found.gain == pytest.approx(1.5)
    assert found.ti_s == pytest.approx(630.0)
    assert found.td_s == pytest.approx(28.57, abs=0.01)
    found = lambda_tuning(ProcessModel(2.0, 600.0, 60.0), "PI", 180.0).tuning
    assert (found.gain, found.ti_s) == pytest.approx((1.25, 600.0))
    found = lambda_tuning(ProcessModel(0.2, 0.0, 7.4, integrating=True), "PI", 8.0).tuning
    assert (found.gain, found.ti_s) == pytest.approx((0.493, 23.4), abs=0.001)


def test_amigo_of_the_book():
    """Åström & Hägglund (2006), ch. 7: the limits of pure dead time and of integration."""
    pure = amigo(ProcessModel(2.0, 0.0, 10.0)).tuning
    assert (pure.gain, pure.ti_s) == pytest.approx((0.15 / 2.0, 3.5))
    pid = amigo(ProcessModel(1.0, 0.0, 10.0), "PID").tuning
    assert (pid.gain, pid.ti_s, pid.td_s) == pytest.approx((0.2, 4.0, 0.0))
    pi = amigo(ProcessModel(0.1, 0.0, 2.0, integrating=True)).tuning
    assert (pi.gain, pi.ti_s) == pytest.approx((0.35 / 0.2, 26.8))
    pid = amigo(ProcessModel(0.1, 0.0, 2.0, integrating=True), "PID").tuning
    assert (pid.gain, pid.ti_s, pid.td_s) == pytest.approx((0.45 / 0.2, 16.0, 1.0))
    equal = amigo(ProcessModel(1.0, 10.0, 10.0)).tuning
    assert (equal.gain, equal.ti_s) == pytest.approx((0.15 + 0.35 - 0.25, 3.5 + 13.0 * 10.0 / 20.0))


processes = st.builds(
    ProcessModel, st.sampled_from([-3.0, -0.2, 0.5, 4.0]), st.floats(0.5, 300.0), st.floats(0.5, 100.0), st.booleans()
)


@given(process=processes)
def test_every_proposal_is_stable_and_robust_on_its_model(process):
    """Promise: what is proposed has Ms below 1.75 on the model, and gain and times above 0."""
    found = proposals(process)
    assert len(found) == 6
    for one in found:
        assert one.robustness.stable, one
        assert one.robustness.ms < 1.75, one
        assert one.tuning.gain > 0.0
        assert one.tuning.ti_s > 0.0


@given(lag_s=st.floats(1.0, 100.0), dead_s=st.floats(1.0, 100.0), integrating=st.booleans())
def test_the_ultimate_gain_is_where_stability_ends(lag_s, dead_s, integrating):
    process = ProcessModel(0.7, lag_s, dead_s, integrating)
    ultimate_gain, _ = process.ultimate
    inside, outside = (robustness(process, Tuning(part * ultimate_gain, 0.0)) for part in (0.97, 1.03))
    assert inside.stable
    assert inside.gain_margin == pytest.approx(1 / 0.97, rel=0.01)
    assert not outside.stable
    assert math.isinf(outside.ms)


@pytest.mark.parametrize("part", [0.8, 1.25])
def test_the_stability_limit_with_integral_action_agrees_with_a_simulation(part):
    """Promise: a PI that Nyquist calls unstable grows on the process, one that it calls stable dies out."""
    process = ProcessModel(1.0, 10.0, 4.0)
    low, high = 0.1, 20.0
    while high - low > 1e-4:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if robustness(process, Tuning(middle, 12.0)).stable else (low, middle)
    plant, dt_s, integral = Process(1.0, 10.0, 4.0, 0.02), 0.02, 0.0
    plant.load = 1.0
    sizes = []
    for _ in range(20_000):
        error = -plant.clean
        integral += part * low * dt_s / 12.0 * error
        plant.move(part * low * error + integral)
        sizes.append(abs(error))
    early, late = max(sizes[2500:5000]), max(sizes[-2500:])
    assert (late < 0.2 * early) if part < 1.0 else (late > 5.0 * early)


@pytest.mark.parametrize("rule", RULES)
def test_what_cannot_be_tuned_is_refused_with_the_reason(rule):
    for process in (ProcessModel(0.0, 10.0, 2.0), ProcessModel(1.0, 10.0, 0.0)):
        with pytest.raises(ConfigError, match="dead time"):
            RULES[rule](process, "PI")
    with pytest.raises(ConfigError, match="Use PI or PID"):
        RULES[rule](ProcessModel(1.0, 10.0, 2.0), "P")


def test_a_wish_for_no_time_at_all_is_refused():
    with pytest.raises(ConfigError, match="tau_c is 0 s"):
        simc(ProcessModel(1.0, 10.0, 2.0), "PI", 0.0)
    with pytest.raises(ConfigError, match="pure integral"):
        simc(ProcessModel(1.0, 0.0, 2.0))
    assert {one.rule for one in proposals(ProcessModel(1.0, 0.0, 2.0))} == {"lambda", "amigo"}
