"""Promises of the relay test: what it finds, what it refuses, how it ends."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.modes import AUTO, CAS, LO, MAN, OOS
from dcs.core.status import GOOD, LIMIT_HIGH, STATUS_BAD, STATUS_GOOD, make_status
from dcs.tuning.model import ProcessModel
from dcs.tuning.texts import IDLE, RESULT_TEXTS, RUNNING
from tests.unit.blocks.bench import CASCADE_NI, CASCADE_OK
from tests.unit.blocks.relay_bench import Loop


@pytest.mark.parametrize("target", [AUTO, MAN])
@pytest.mark.parametrize("direct", [0, 1])
@pytest.mark.parametrize(("lag_s", "dead_s"), [(50, 5), (20, 10), (10, 20)])
def test_the_process_is_found(lag_s, dead_s, direct, target):
    """Promise: K with its sign, T, L, Ku and Pu within 5 %, in Man and in Auto, for both actions."""
    sign = -1.0 if direct else 1.0
    loop = Loop(lag_s, dead_s, gain=0.8 * sign, direct_acting=direct, target=target).scan(3).start().run()
    block = loop.block
    assert loop.result == "finished"
    assert block.tune_k == pytest.approx(0.8 * sign, rel=0.05)
    assert block.tune_t_s == pytest.approx(lag_s, rel=0.05, abs=0.5)
    assert block.tune_l_s == pytest.approx(dead_s + 0.25, rel=0.05)
    ultimate = ProcessModel(0.8, lag_s, dead_s + 0.25).ultimate
    assert (block.tune_ku, block.tune_pu_s) == pytest.approx(ultimate, rel=0.05)
    assert block.tune_quality > 95.0


def test_a_level_is_found_to_be_integrating():
    loop = Loop(0.0, 4.0, gain=0.02, integrating=True, target=MAN).start().run()
    assert loop.result == "finished"
    assert loop.block.tune_t_s == 0.0
    assert loop.block.tune_k == pytest.approx(0.02, rel=0.05)
    assert loop.block.tune_l_s == pytest.approx(4.25, rel=0.05)


@pytest.mark.parametrize("seed", range(1, 6))
def test_noise_below_a_third_of_the_hysteresis_is_no_obstacle(seed):
    loop = Loop(20, 10, noise=0.14, seed=seed, target=MAN).start().run()
    assert loop.result == "finished"
    assert loop.block.tune_noise_pct == pytest.approx(0.14, rel=0.4)
    assert loop.block.tune_ku == pytest.approx(ProcessModel(1.0, 20, 10.25).ultimate[0], rel=0.15)


@pytest.mark.parametrize("end", ["finish", "abort", "off", "bad", "alarm", "time", "pv", "man", "cas", "oos"])
def test_on_any_end_all_is_as_it_was_found(end):
    """Promise: setpoint and tuning are untouched, OUT is back where it was, and control goes on from there without a
    step; the target mode is untouched unless its change is what ended the test."""
    loop = Loop(noise=0.01, tune_abort_linked=1, tune_abort_status=STATUS_GOOD).scan(20)
    block = loop.block
    kept = {name: getattr(block, name) for name in ("sp", "gain", "ti_s", "target")}
    before = block.out
    loop.start().until_relay().scan(15)
    assert block.mode == LO
    assert abs(block.out - before) > 2.0
    out_found = block.tune_out_found
    if end == "finish":
        loop.run()
    else:
        change = {
            "abort": {"tune_request": 2}, "off": {"tune_request": 0}, "bad": {"pv_status": STATUS_BAD},
            "alarm": {"tune_abort": 1.0}, "time": {"tune_timeout_s": 10.0}, "pv": {"tune_pv_dev_pct": 0.2},
            "man": {"target": MAN}, "cas": {"target": CAS},
            "oos": {"target": OOS},
        }[end]  # fmt: skip
        for name, value in change.items():
            setattr(block, name, value)
            kept.pop(name, None)
        loop.scan()
        assert loop.result.startswith("aborted")
    assert block.tune_state == IDLE
    assert block.tune_request == 0
    assert block.out == out_found
    assert out_found == pytest.approx(before, abs=0.1)
    assert {name: getattr(block, name) for name in kept} == kept
    if end not in ("man", "cas", "oos"):
        block.pv_status = STATUS_GOOD
        loop.scan()
        assert block.mode == AUTO
        assert block.out == pytest.approx(out_found, abs=0.5)  # gain times the noise and one scan of integral


BELOW = {"bkcal_in_linked": 1, "bkcal_in": 50.0}
LISTENS = {"tune_abort_linked": 1, "tune_abort_status": STATUS_GOOD}


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"target": OOS}, "refused: the loop is not in Man, Auto or Cas"),
        ({"pv_status": STATUS_BAD}, "refused: the measurement is not Good"),
        ({"pv_status": make_status(1)}, "refused: the measurement is not Good"),
        (
            BELOW | {"bkcal_in_status": CASCADE_NI},
            "refused: the block below does not accept the output",
        ),
        (
            BELOW | {"bkcal_in_status": make_status(GOOD, 0, LIMIT_HIGH)},
            "refused: the output is too near a limit",
        ),
        ({"out_high": 52.0}, "refused: the output is too near a limit"),
        ({"out_low": 46.0, "out_high": 54.0}, "refused: the output is too near a limit"),
        (
            LISTENS | {"tune_abort": 1.0},
            "refused: the abort input is set or Bad",
        ),
        (LISTENS | {"tune_abort_status": STATUS_BAD}, "refused: the abort input is set or Bad"),
        (
            LISTENS | {"tune_abort": math.nan},
            "refused: the abort input is set or Bad",
        ),
    ],
)
def test_it_is_refused_at_once_with_its_own_reason(values, why):
    """Promise: a loop that cannot be tested is not touched, and the reason is one of its own."""
    loop = Loop(**{"target": MAN} | values).start().scan()
    assert loop.result == why
    assert loop.block.tune_state == IDLE
    assert loop.block.tune_request == 0
    assert loop.block.out == 50.0


def test_noise_and_unsteadiness_are_told_apart():
    """Promise: fast noise above a third of the hysteresis is "noise", a slow wave and a drift are "not steady"."""
    noisy = Loop(noise=0.25, target=MAN).start().run()
    assert noisy.result == "refused: the noise is more than a third of the hysteresis"
    for wave in (lambda k: 1.5 * math.sin(0.2 * k), lambda k: 0.05 * k):
        loop = Loop(target=MAN).start()
        for k in range(60):
            loop.block.step(pv=50.0 + wave(k))
        assert loop.result == "refused: the measurement is not steady"
    assert all(out == 50.0 for _, out, _ in noisy.history)


def test_it_starts_when_the_noise_is_just_small_enough():
    assert Loop(noise=0.25, target=MAN, tune_hysteresis_pct=1.0).start().run().result == "finished"


def test_the_block_below_that_stops_accepting_ends_it():
    """Promise: IMan has priority, and OUT then follows the block below."""
    loop = Loop(bkcal_in_linked=1, bkcal_in=50.0, bkcal_in_status=CASCADE_OK, target=MAN).start()
    for _ in range(60):
        loop.scan()
        loop.block.bkcal_in = loop.block.out
    assert loop.block.tune_state == RUNNING
    loop.block.step(bkcal_in=33.0, bkcal_in_status=CASCADE_NI)
    assert loop.result == "aborted: the block below does not accept the output"
    assert loop.block.out == 33.0


def test_a_relay_that_the_field_follows_late_is_still_measured_right():
    """Promise: the means are taken of what was accepted, so a valve that opens slowly and closes at once does not
    falsify the static gain."""
    loop = Loop(20, 10, gain=0.7, target=MAN, bkcal_in_linked=1, bkcal_in=50.0, bkcal_in_status=CASCADE_OK).start()
    at = 50.0
    for _ in range(8000):
        loop.block.step(pv=50.0 + loop.process.measured(), bkcal_in=at)
        at += max(-5.0, min(0.5, loop.block.out - at))
        loop.process.move(at - 50.0)
        if loop.block.tune_state == IDLE:
            break
    assert loop.result == "finished"
    assert loop.block.tune_k == pytest.approx(0.7, rel=0.05)


def test_the_wrong_action_runs_into_the_safe_limit_not_into_the_plant():
    """Promise: with the action the wrong way round the measurement goes no further than its limit and one dead time."""
    loop = Loop(10, 2, gain=-3.0, target=MAN, tune_pv_dev_pct=4.0).start().run()
    assert loop.result == "aborted: the measurement left its safe limits"
    assert max(abs(pv - 50.0) for pv, _, _ in loop.history) < 5.0
    assert loop.block.out == 50.0


def test_a_loop_that_does_not_answer_is_given_up_after_the_time_out():
    loop = Loop(gain=0.0, target=MAN, tune_timeout_s=200.0).start().run()
    assert loop.result == "aborted: time-out"
    assert len(loop.history) == pytest.approx(400, abs=3)


def test_a_loop_too_fast_for_its_scan_gets_no_model():
    """Promise: from half periods of two or three scans nothing is made up but Ku and Pu."""
    loop = Loop(0.5, 0.0, target=MAN, dt_s=1.0).start().run()
    assert loop.result == "finished without a model: the loop is too fast for its scan"
    assert loop.block.tune_k == 0.0
    assert loop.block.tune_ku > 0.0
    assert 2.0 <= loop.block.tune_pu_s < 8.0


def test_limits_narrowed_during_the_test_are_obeyed():
    loop = Loop(target=MAN).start().until_relay()
    loop.block.out_high, loop.block.out_low = 51.0, 49.0
    loop.scan(50)
    assert all(49.0 <= out <= 51.0 for _, out, _ in loop.history[-50:])


bits = st.sampled_from([math.nan, math.inf, -math.inf, 1e300, -1e308, 0.0])
wild = st.fixed_dictionaries(
    {},
    optional={
        "pv": st.one_of(st.floats(40, 60), bits),
        "pv_status": st.sampled_from([STATUS_GOOD, STATUS_GOOD, STATUS_BAD, make_status(1)]),
        "bkcal_in": st.one_of(st.floats(0, 100), bits),
        "bkcal_in_status": st.sampled_from([CASCADE_OK, CASCADE_NI, STATUS_BAD]),
        "bkcal_in_linked": st.integers(0, 1),
        "tune_abort": st.one_of(st.floats(0, 1), bits),
        "tune_request": st.integers(0, 2),
        "target": st.sampled_from([OOS, MAN, AUTO, CAS]),
        "dt_s": st.sampled_from([0.5, 0.01, 60.0]),
    },
)


@given(script=st.lists(st.tuples(wild, st.integers(1, 30)), max_size=20), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_nothing_on_its_terminals_makes_a_sum_or_the_output_a_nonsense(script, seed):
    """Promise: whatever arrives in whatever state of a test, its words stay finite, the relay within the limits and the
    result one that has a text; setpoint and tuning are never written."""
    loop = Loop(noise=0.02, seed=seed, tune_abort_linked=1, tune_abort_status=STATUS_GOOD).start().scan(50)
    for values, count in script:
        loop.block.__dict__["dt_s"] = values.pop("dt_s", 0.5)
        good = {
            "pv": 50.0,
            "pv_status": STATUS_GOOD,
            "tune_abort": 0.0,
            "bkcal_in": 50.0,
            "bkcal_in_status": CASCADE_OK,
        }
        loop.block.step(count, **good | values)
        record = loop.block.record
        for field in loop.block.kind.fields:
            if field.role != "input" and field.name.startswith("tune"):
                assert math.isfinite(getattr(record, field.name)), field.name
        assert 0.0 <= record.out <= 100.0 or record.mode != LO
        assert RESULT_TEXTS[record.tune_result]
        assert (record.sp, record.gain, record.ti_s) == (50.0, 0.5, 20.0)
