"""The driver's promises, to the nanosecond, on simulated time over real PDUs."""

import asyncio
import math
import random
from dataclasses import replace

import numpy as np
import pytest

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.core.status import (
    BAD,
    CONFIGURATION_ERROR,
    DEVICE_FAILURE,
    STATUS_GOOD,
    STATUS_NO_COMM_LAST_USABLE,
    STATUS_NOT_CONNECTED,
    make_status,
)
from field_io.drivers.backoff import CAP_NS, JITTER, Backoff
from field_io.specs import PointSpec
from tests.unit.field.benches import POINTS, Bench, on_bench

STALE_S = 2.5  # 2 × poll + timeout of the bench


def always() -> bool:
    return True


# --- reading --------------------------------------------------------------------------------------------------
def test_before_the_first_answer_nothing_is_known() -> None:
    async def scenario(bench: Bench) -> None:
        value = bench.driver.read("LT-101", bench.clock.monotonic_ns())
        assert math.isnan(value.value)
        assert value.status == STATUS_NOT_CONNECTED
        assert bench.driver.report().state == "down"

    on_bench(scenario, running=False)


def test_values_are_there_at_once_and_carry_the_time_they_were_asked_for() -> None:
    async def scenario(bench: Bench) -> None:
        bench.device.set_values(("LT-101", "FT-101"), (12.345, -7.25))
        await bench.until_s(0.001)
        level = bench.driver.read("LT-101", bench.clock.monotonic_ns())
        assert level.value == pytest.approx(12.345)
        assert level.status == STATUS_GOOD
        assert level.time_ns == bench.clock.time_ns() - NS_PER_MS
        assert bench.driver.read("FT-101", bench.clock.monotonic_ns()).value == -7.25

    on_bench(scenario)


def test_the_image_has_every_point_in_its_order_and_is_the_callers_to_keep() -> None:
    async def scenario(bench: Bench) -> None:
        bench.device.set_values(("LT-101", "FT-101", "P-101", "XV-101"), (8.0, 1.5, 30.0, 1.0))
        await bench.until_s(0.001)
        image = bench.driver.image(bench.clock.monotonic_ns())
        assert bench.driver.names == tuple(point.name for point in POINTS)
        assert image.values.tolist() == pytest.approx([8.0, 1.5, 30.0, 0.0, 1.0])
        assert (image.statuses == STATUS_GOOD).all()
        bench.device.set_value("LT-101", 9.0)
        await bench.until_s(1.5)
        assert image.values[0] == pytest.approx(8.0)

    on_bench(scenario)


def test_polls_stay_on_their_grid_whatever_an_answer_takes() -> None:
    async def scenario(bench: Bench) -> None:
        bench.device.set_latency(0.07)
        await bench.until_s(20.0)
        starts = [at for at in bench.asked_ns if (at - 70 * NS_PER_MS) % NS_PER_S == 980 * NS_PER_MS]
        assert [at // NS_PER_S for at in starts] == list(range(1, 20))

    on_bench(scenario, phase_ns=980 * NS_PER_MS)


def test_a_new_schedule_holds_from_the_next_deadline_on() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.until_s(3.5)
        bench.driver.set_schedule(100 * NS_PER_MS, 90 * NS_PER_MS)
        await bench.until_s(5.0)
        late = [at for at in bench.asked_ns if at > 4 * NS_PER_S]
        assert sorted(set(late)) == [4 * NS_PER_S + (90 + 100 * k) * NS_PER_MS for k in range(10)]

    on_bench(scenario)


def test_a_value_is_good_until_the_nanosecond_it_is_stale_and_never_after() -> None:
    async def scenario(bench: Bench) -> None:
        bench.device.set_value("LT-101", 11.0)
        await bench.until_s(4.5)  # last poll at 4 s
        bench.cable.cut = True
        stale_ns = round((4 + STALE_S) * NS_PER_S)
        await bench.until_s(20.0)
        assert bench.driver.read("LT-101", stale_ns - 1).status == STATUS_GOOD
        gone = bench.driver.read("LT-101", stale_ns)
        assert gone.status == STATUS_NO_COMM_LAST_USABLE
        assert gone.value == pytest.approx(11.0), "the last value stays, with a status that says so"
        assert gone.time_ns == bench.clock.time_ns() - bench.clock.monotonic_ns() + 4 * NS_PER_S
        image = bench.driver.image(stale_ns)
        assert (image.statuses == STATUS_NO_COMM_LAST_USABLE).all()

    on_bench(scenario)


def test_one_lost_answer_does_not_shake_a_value() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.until_s(4.9)
        bench.device.unit.silent = True
        await bench.until_s(5.4)
        bench.device.unit.silent = False
        for _ in range(300):
            await bench.clock.sleep_until(bench.clock.monotonic_ns() + 10 * NS_PER_MS)
            assert bench.status("LT-101") == STATUS_GOOD
        assert bench.driver.errors == 1

    on_bench(scenario)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (2, make_status(BAD, CONFIGURATION_ERROR)),
        (4, make_status(BAD, DEVICE_FAILURE)),
        (11, STATUS_NO_COMM_LAST_USABLE),
    ],
)
def test_an_exception_answer_is_bad_at_once_and_says_why(code: int, status: int) -> None:
    async def scenario(bench: Bench) -> None:
        bench.device.set_value("LT-101", 11.0)
        await bench.until_s(2.5)
        bench.device.refuse(code)
        await bench.until_s(3.001)
        assert bench.status("LT-101") == status
        report = bench.driver.report()
        assert f"exception {code}" in report.detail
        assert report.state == ("down" if code == 11 else "up")
        assert bench.driver.reached(bench.clock.monotonic_ns()) == (code != 11)
        bench.device.refuse(0)
        await bench.until_s(4.001)
        assert bench.status("LT-101") == STATUS_GOOD
        assert len(bench.connected_ns) == 1, "a device that answers keeps its connection"

    on_bench(scenario)


def test_a_busy_device_only_ages_its_values() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.until_s(2.5)
        bench.device.refuse(6)
        await bench.until_s(2.0 + STALE_S - 0.001)
        assert bench.status("LT-101") == STATUS_GOOD
        await bench.until_s(2.0 + STALE_S)
        assert bench.status("LT-101") == STATUS_NO_COMM_LAST_USABLE

    on_bench(scenario)


def test_a_device_without_the_registers_in_a_gap_is_read_in_parts() -> None:
    points = (PointSpec("A", "input", 0), PointSpec("B", "input", 9), PointSpec("C", "input", 10))

    async def scenario(bench: Bench) -> None:
        await bench.until_s(0.001)
        bench.device.set_values(("A", "B", "C"), (1.0, 2.0, 3.0))
        assert {bench.status(name) for name in "ABC"} == {STATUS_GOOD}, "the parts are read in the same poll"
        await bench.until_s(1.001)
        assert bench.driver.image(bench.clock.monotonic_ns()).values.tolist() == [1.0, 2.0, 3.0]
        assert {bench.status(name) for name in "ABC"} == {STATUS_GOOD}

    on_bench(scenario, points=points, device_points=points)


# --- back-off and circuit -------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(5))
def test_backoff_doubles_within_its_jitter_up_to_the_cap(seed: int) -> None:
    backoff = Backoff(random.Random(seed))
    for failure in range(40):
        backoff.failed(0)
        full_ns = min(CAP_NS // 4, 200 * NS_PER_MS * 2**failure)
        assert full_ns * (1 - JITTER) <= backoff.attempt_ns <= full_ns
        assert backoff.circuit_open == (failure >= 2)
    backoff.answered()
    assert (backoff.failures, backoff.attempt_ns, backoff.circuit_open) == (0, 0, False)


def test_a_dead_device_is_tried_ever_more_rarely_and_not_in_step_with_others() -> None:
    attempts: list[list[int]] = []

    async def scenario(bench: Bench) -> None:
        await bench.until_s(1.5)
        bench.device.cut()
        await bench.until_s(120.0)
        attempts.append([at for at in bench.connected_ns if at > NS_PER_S])
        assert bench.driver.report().state == "backing off"

    for seed in (1, 2):
        on_bench(scenario, seed=seed)
    for each in attempts:
        pauses = np.diff(each) / NS_PER_S
        assert all(0.15 <= pause <= 2.5 for pause in pauses)
        assert (pauses[-5:] >= 0.75 * 2.5).all()
        assert len(each) < 120 / (0.75 * 2.5) + 4
    assert attempts[0] != attempts[1]


def test_an_open_circuit_asks_one_small_question_and_opens_up_when_it_is_answered() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.until_s(1.5)
        bench.device.cut(silent=True)  # connects, never answers: the worst kind of dead
        await bench.until_s(100.0)
        requests_before = bench.driver.requests
        await bench.until_s(200.0)
        assert bench.driver.requests - requests_before <= 100 / (0.75 * 2.5 + 0.5) + 1
        bench.asked_ns.clear()
        healed_ns = bench.clock.monotonic_ns()
        await bench.device.heal()
        await bench.until_s(203.1)  # a probe that is lost + the pause after it + one request
        assert bench.driver.report().state == "up"
        assert bench.status("LT-101") == STATUS_GOOD
        first_ns = bench.asked_ns[0]
        assert first_ns - healed_ns <= 3.0 * NS_PER_S
        assert bench.asked_ns.count(first_ns) == 1 + 3, "probe, then the whole poll in the same instant"

    on_bench(scenario)


def test_a_short_break_is_over_within_a_second_of_its_end() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.until_s(5.5)
        bench.device.cut()
        await bench.until_s(6.2)
        await bench.device.heal()
        await bench.until_s(7.2)
        assert bench.driver.report().state == "up"
        assert bench.status("LT-101") == STATUS_GOOD
        assert bench.driver.read("LT-101", 0).time_ns > bench.clock.time_ns() - NS_PER_S

    on_bench(scenario)


def test_a_device_that_is_not_there_yet_is_found_when_it_comes() -> None:
    async def scenario(bench: Bench) -> None:
        bench.device.stop()
        task = asyncio.create_task(bench.driver.run())
        await bench.until_s(1.0)
        assert bench.driver.report().state in ("down", "backing off")
        assert "accepts no connection" in bench.driver.report().detail
        await bench.device.start()
        await bench.until_s(6.0)
        assert bench.status("LT-101") == STATUS_GOOD
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    on_bench(scenario, running=False)


# --- writing --------------------------------------------------------------------------------------------------
def test_contiguous_outputs_travel_in_one_request_and_are_read_back() -> None:
    async def scenario(bench: Bench) -> None:
        bench.device.record_writes()
        await bench.until_s(1.5)
        asked = len(bench.asked_ns)
        outcome = await bench.driver.write({"P-102": 12.34, "P-101": 56.5}, always)
        assert outcome.ok
        assert outcome.written == ("P-101", "P-102")
        assert len(bench.asked_ns) == asked + 1
        assert bench.device.value("P-101") == 56.5
        await bench.until_s(2.001)
        assert bench.driver.readback("P-101").value == 56.5
        assert bench.driver.readback("P-102").value == pytest.approx(12.34)
        assert bench.device.writes is not None
        assert [(w.point, w.value, w.peer) for w in bench.device.writes] == [
            ("P-101", 56.5, "C1A"),
            ("P-102", pytest.approx(12.34), "C1A"),
        ]

    on_bench(scenario)


def test_coils_and_registers_go_out_together_and_a_clamped_value_is_named() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.until_s(0.5)
        outcome = await bench.driver.write({"P-102": 1000.0, "XV-101": 1.0}, always)
        assert outcome.ok
        assert outcome.limited == ("P-102",)
        assert bench.device.value("P-102") == pytest.approx(655.35)
        assert bench.device.value("XV-101") == 1.0

    on_bench(scenario)


def test_a_closed_gate_writes_nothing_and_says_so() -> None:
    async def scenario(bench: Bench) -> None:
        bench.device.record_writes()
        await bench.until_s(0.5)
        outcome = await bench.driver.write({"P-101": 50.0, "XV-101": 1.0}, lambda: False)
        assert (outcome.state, outcome.written) == ("refused", ())
        assert "authority" in outcome.text
        assert not bench.device.writes
        assert bench.driver.report().state == "up"

    on_bench(scenario)


def test_a_gate_that_closes_while_a_write_waits_for_its_turn_stops_it() -> None:
    async def scenario(bench: Bench) -> None:
        bench.device.record_writes()
        bench.device.set_latency(0.2)
        await bench.until_s(5.1)  # a poll is under way: three blocks of 0.2 s
        ours = [True]
        write = asyncio.create_task(bench.driver.write({"P-101": 50.0}, lambda: ours[0]))
        await bench.until_s(5.15)
        ours[0] = False
        assert (await write).state == "refused"
        await bench.until_s(8.0)
        assert not bench.device.writes

    on_bench(scenario)


def test_a_write_waits_for_one_request_at_most_not_for_the_whole_poll() -> None:
    async def scenario(bench: Bench) -> None:
        bench.device.set_latency(0.2)
        await bench.until_s(5.1)
        assert (await bench.driver.write({"P-101": 50.0}, always)).ok
        assert bench.clock.monotonic_ns() == round(5.4 * NS_PER_S)

    on_bench(scenario)


def test_a_write_to_a_dead_link_fails_at_once_with_the_reason() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.until_s(1.5)
        bench.device.cut()
        await bench.until_s(2.5)
        before_ns = bench.clock.monotonic_ns()
        outcome = await bench.driver.write({"P-101": 50.0}, always)
        assert outcome.state == "failed"
        assert "accepts no connection" in outcome.text
        assert bench.clock.monotonic_ns() == before_ns

    on_bench(scenario)


def test_a_refused_write_names_the_points_and_leaves_the_reading_alone() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.until_s(1.5)
        bench.device.refuse(3)
        outcome = await bench.driver.write({"P-101": 50.0}, always)
        assert outcome.state == "failed"
        assert "writing P-101" in outcome.text
        assert "illegal data value" in outcome.text
        assert bench.status("LT-101") == STATUS_GOOD

    on_bench(scenario)


def test_nan_is_not_written_and_the_others_are() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.until_s(0.5)
        outcome = await bench.driver.write({"P-101": math.nan, "P-102": 5.0}, always)
        assert outcome.state == "failed"
        assert outcome.text == "not a number: P-101"
        assert outcome.written == ("P-102",)

    on_bench(scenario)


def test_an_input_cannot_be_written() -> None:
    async def scenario(bench: Bench) -> None:
        with pytest.raises(KeyError, match="is an input"):
            await bench.driver.write({"LT-101": 5.0}, always)

    on_bench(scenario, running=False)


# --- standby and loss of authority ----------------------------------------------------------------------------
def test_a_standby_asks_one_small_question_every_second_and_nothing_else() -> None:
    async def scenario(bench: Bench) -> None:
        bench.driver.set_polling(False)
        await bench.until_s(20.5)
        assert [at / NS_PER_S for at in bench.asked_ns if at > 0] == [1.0 * k for k in range(1, 21)]
        assert bench.driver.report().state == "up"
        assert bench.driver.reached(bench.clock.monotonic_ns())
        bench.cable.cut = True
        await bench.until_s(28.0)
        assert not bench.driver.reached(bench.clock.monotonic_ns())

    on_bench(scenario)


def test_going_active_polls_at_once() -> None:
    async def scenario(bench: Bench) -> None:
        bench.driver.set_polling(False)
        await bench.until_s(10.3)
        bench.device.set_value("LT-101", 17.0)
        bench.driver.set_polling(True)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert bench.clock.monotonic_ns() == round(10.3 * NS_PER_S)
        assert bench.driver.read("LT-101", bench.clock.monotonic_ns()).value == pytest.approx(17.0)
        await bench.until_s(12.001)
        assert bench.asked_ns[-1] == 12 * NS_PER_S

    on_bench(scenario)


def test_the_first_poll_on_the_grid_after_going_active_is_not_missed() -> None:
    """Promise: however far a standby's next small question is, the new active's next scan has values of its period."""

    async def scenario(bench: Bench) -> None:
        bench.driver._health_ns = 700 * NS_PER_S // 1000
        bench.driver.set_polling(False)
        await bench.until_s(11.95)  # the last small question was at 11.9 s, the next one is due at 12.6 s
        bench.driver.set_polling(True)
        await bench.until_s(12.2)
        assert bench.asked_ns[-1] == 12 * NS_PER_S

    on_bench(scenario)


def test_abort_drops_the_write_in_flight_and_the_link_comes_back_by_itself() -> None:
    async def scenario(bench: Bench) -> None:
        bench.device.record_writes()
        bench.device.set_latency(0.3)
        await bench.until_s(1.95)
        write = asyncio.create_task(bench.driver.write({"P-101": 50.0}, always))
        await bench.until_s(2.0)
        bench.driver.abort()
        outcome = await write
        assert outcome.state == "failed"
        assert bench.clock.monotonic_ns() == 2 * NS_PER_S
        await bench.until_s(3.0)
        assert not bench.device.writes, "the device closes with the connection what it had not served"
        bench.device.set_latency(0.0)
        await bench.until_s(4.5)
        assert bench.driver.report().state == "up"
        assert bench.driver.errors == 0, "we dropped it ourselves"

    on_bench(scenario)


def test_stopping_the_driver_leaves_no_connection_behind() -> None:
    async def scenario(bench: Bench) -> None:
        task = asyncio.create_task(bench.driver.run())
        await bench.until_s(1.5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not bench.link.connected

    on_bench(scenario, running=False)


@pytest.mark.parametrize("turns", range(8))
def test_cancelling_stops_the_driver_in_whatever_it_is_doing(turns: int) -> None:
    async def scenario(bench: Bench) -> None:
        bench.device.stop()
        task = asyncio.create_task(bench.driver.run())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await bench.until_s(1.0)
        assert task.cancelled()

    on_bench(scenario, running=False)


def test_a_fast_and_a_drifting_clock_keep_their_own_time() -> None:
    async def scenario(bench: Bench) -> None:
        bench.clock.set_rate(2.0)
        await bench.until_s(10.5)
        assert sorted({at // NS_PER_S for at in bench.asked_ns}) == list(range(11))

    on_bench(scenario)


def test_two_runs_ask_at_the_same_instants() -> None:
    runs: list[list[int]] = []

    async def scenario(bench: Bench) -> None:
        await bench.until_s(2.5)
        bench.device.cut()
        await bench.until_s(40.0)
        await bench.device.heal()
        await bench.until_s(60.0)
        runs.append(bench.asked_ns + bench.connected_ns)

    on_bench(scenario)
    on_bench(scenario)
    assert runs[0] == runs[1]


def test_the_spec_is_what_it_says() -> None:
    async def scenario(bench: Bench) -> None:
        assert bench.driver.spec.stale_after_ns == round(STALE_S * NS_PER_S)
        assert replace(bench.driver.spec, stale_ns=7).stale_after_ns == 7
        assert bench.driver.report().url == "modbus://127.0.0.1:5020/1"

    on_bench(scenario, running=False)
