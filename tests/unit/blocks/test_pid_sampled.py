"""The PID on a sampled measurement, and what it does at its limits and without its measurement."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcs.core.modes import AUTO, IMAN, MAN
from dcs.core.status import BAD, DNS, GOOD_CASCADE, STATUS_BAD, STATUS_GOOD, make_status, quality_of, sub_status_of
from tests.unit.blocks.bench import CASCADE_NI, CASCADE_OK, OnBench, pid

GAIN, TI_S, SAMPLE_S = 2.0, 600.0, 120.0
SAMPLED = {
    "trigger_linked": 1, "trigger": 1.0, "trigger_status": STATUS_GOOD, "sample_s": SAMPLE_S, "gain": GAIN,
    "ti_s": TI_S, "target": AUTO,
}  # fmt: skip


def sampled(**values: float) -> OnBench:
    """In Auto, on its setpoint, in scans of 2 s."""
    block = pid(2.0, **(SAMPLED | values))
    block.step(count=2)
    assert (block.mode, block.out) == (AUTO, 50.0)
    return block


def test_between_samples_out_stands_and_a_sample_executes_the_equation_with_the_time_between_samples() -> None:
    r"""Promise: P acts once, I by 1 − exp(−Ts/Ti) a sample, however many scans lie between."""
    block = sampled()
    block.step(pv=45.0, count=59)
    assert block.out == 50.0
    block.step(trigger=2.0)
    assert block.out == pytest.approx(50.0 + GAIN * 5.0)
    block.step(count=59)
    assert block.out == pytest.approx(60.0)
    block.step(trigger=3.0)
    assert block.out == pytest.approx(60.0 + GAIN * 5.0 * (1.0 - math.exp(-SAMPLE_S / TI_S)))


@given(st.lists(st.floats(-20.0, 20.0), min_size=2, max_size=12), st.integers(1, 40))
def test_it_is_the_pid_that_runs_in_scans_as_long_as_its_samples(errors: list[float], between: int) -> None:
    """Promise: sampled or slow, the same numbers to the last bit."""
    slow = pid(SAMPLE_S, gain=GAIN, ti_s=TI_S, target=AUTO)
    fast = pid(2.0, **SAMPLED)
    slow.step()
    fast.step()
    for number, error in enumerate(errors):
        fast.step(count=between)
        slow.step(pv=50.0 - error)
        fast.step(pv=50.0 - error, trigger=float(number + 2))
        assert fast.out == slow.out


def test_a_setpoint_counts_with_the_next_sample_and_a_new_gain_moves_nothing() -> None:
    block = sampled()
    block.step(sp=55.0, count=10)
    assert block.out == 50.0
    block.step(gain=5.0, count=3)
    assert block.out == 50.0
    block.step(trigger=2.0)
    assert block.out == pytest.approx(50.0 + 5.0 * 5.0)


def test_man_and_the_block_below_work_between_samples() -> None:
    block = sampled(bkcal_in_linked=1, bkcal_in=50.0, bkcal_in_status=CASCADE_OK)
    block.step(bkcal_in=30.0, bkcal_in_status=CASCADE_NI)
    assert (block.mode, block.out) == (IMAN, 30.0)
    block.step(bkcal_in_status=CASCADE_OK, count=2)
    assert (block.mode, block.out) == (AUTO, 30.0)
    block.step(target=MAN, count=2)
    block.step(out=40.0)
    assert block.out == 40.0


@pytest.mark.parametrize("change", [{"trigger_status": STATUS_BAD}, {"trigger": math.nan}])
def test_a_trigger_that_cannot_be_read_is_no_sample(change: dict[str, float]) -> None:
    block = sampled()
    block.step(**({"pv": 40.0, "trigger": 2.0} | change))
    assert block.out == 50.0
    block.step(trigger=2.0, trigger_status=STATUS_GOOD)
    assert block.out == pytest.approx(70.0)


@pytest.mark.parametrize(("option", "quality"), [(0, GOOD_CASCADE), (1, BAD)])
def test_a_lost_measurement_makes_out_bad_if_asked_so_that_the_cascade_is_shed(option: int, quality: int) -> None:
    block = sampled(bad_out_if_bad=option)
    block.step(pv_status=STATUS_BAD)
    assert (block.mode, block.out, quality_of(block.out_status)) == (MAN, 50.0, quality)
    if not option:
        assert sub_status_of(block.out_status) == DNS
    block.step(pv_status=STATUS_GOOD, count=2)
    assert quality_of(block.out_status) == GOOD_CASCADE
    block.step(target=MAN, pv_status=STATUS_BAD, count=2)
    assert block.out_status == make_status(GOOD_CASCADE, 0, 3), "in Man OUT is the operator's"


def velocity(errors: list[float], gain: float, ti_s: float) -> list[float]:
    """The published algorithm: increments on an output that is clipped to 0 … 100 %."""
    out, before, found = 50.0, 0.0, []
    for error in errors:
        out += gain * ((error - before) + (error / ti_s if ti_s else 0.0))
        out = min(max(out, 0.0), 100.0)
        before = error
        found.append(out)
    return found


@given(st.lists(st.floats(-60.0, 60.0), min_size=1, max_size=40), st.sampled_from([0.0, 5.0, 300.0]))
def test_from_limit_it_is_the_velocity_form_limits_and_all(errors: list[float], ti_s: float) -> None:
    """Promise: with gain K (1 + Ts/τ) and reset time Ts / ln(1 + Ts/τ) the increments of the velocity form."""
    gain = 1.5
    ours = {"gain": gain, "ti_s": 0.0}
    if ti_s:
        ours = {"gain": gain * (1.0 + 1.0 / ti_s), "ti_s": 1.0 / math.log(1.0 + 1.0 / ti_s)}
    block = pid(1.0, target=AUTO, from_limit=1, **ours)
    block.step()
    for error, expected in zip(errors, velocity(errors, gain, ti_s), strict=True):
        assert block.step(pv=50.0 - error).out == pytest.approx(expected, abs=1e-9)


def test_without_it_a_proportional_loop_stays_at_its_limit_until_its_error_is_gone() -> None:
    """The test above can fail: the ordinary form has its own bias back."""
    for from_limit, out in ((1, 85.0), (0, 95.0)):
        block = pid(1.0, target=AUTO, gain=1.5, ti_s=0.0, from_limit=from_limit)
        block.step()
        block.step(pv=10.0)
        assert block.out == 100.0
        assert block.step(pv=20.0).out == pytest.approx(out)
