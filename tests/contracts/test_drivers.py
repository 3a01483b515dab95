"""What every driver peer must do: over TCP, on a serial line, in memory, direct, from a recording.

The same scenario on each: a device with inputs and outputs of several types, a driver that polls it twice a second. On
the peer ``replay`` the scenario is played twice: once in memory with a recording link, then from the file, where what
the scenario does to the device has no effect any more and the recorded answers must give the same values.
"""

import random
from pathlib import Path

import numpy as np
import pytest

from dcs.core.clock import NS_PER_S
from dcs.core.status import LIMIT_HIGH, STATUS_GOOD, STATUS_NO_COMM_LAST_USABLE, STATUS_NOT_CONNECTED, limits_of
from field_io.drivers.modbus.driver import ModbusDriver
from tests.support.driver_bench import PEERS, POINTS, SPEC, STALE_S, Bench, Runner, always, run_on


@pytest.fixture(params=PEERS)
def on_peer(request: pytest.FixtureRequest, tmp_path: Path) -> Runner:
    return lambda scenario: run_on(request.param, scenario, tmp_path)


def test_values_of_all_tables_and_types_arrive_with_status_and_time(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        before_ns = bench.clock.time_ns()
        await bench.pass_s(0.25)
        image = bench.driver.image(bench.clock.monotonic_ns())
        assert bench.driver.names == tuple(point.name for point in POINTS)
        assert image.values.tolist() == pytest.approx([12.345, -7.25, 2.0**40, 0.0, 0.0, 0.0, 1.0])
        assert set(image.statuses.tolist()) == {STATUS_GOOD}
        assert (image.times_ns > before_ns).all()
        assert (image.times_ns <= bench.clock.time_ns()).all()
        image.values[:] = 0.0
        assert bench.value("FT") == -7.25, "an image is the caller's to keep"

    on_peer(scenario)


def test_a_value_that_changes_is_seen_with_the_next_poll(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        for value in (1.5, 2.5, 3.5):
            bench.device.set_value("FT", value)
            await bench.until(lambda value=value: bench.value("FT") == value, 0.35)  # type: ignore[misc]

    on_peer(scenario)


def test_a_signal_outside_its_range_has_the_status_of_its_failure(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        bench.device.set_value("LT", 21.5)
        await bench.until(lambda: bench.status("LT") < 64)
        assert limits_of(bench.status("LT")) == LIMIT_HIGH
        assert bench.status("FT") == STATUS_GOOD

    on_peer(scenario)


def test_writes_arrive_and_are_read_back(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        outcome = await bench.driver.write({"VALVE": 41.5, "SPEED": 12.34, "PUMP": 1.0}, always)
        assert (outcome.state, outcome.text, outcome.limited) == ("written", "", ())
        assert set(outcome.written) == {"VALVE", "SPEED", "PUMP"}
        await bench.until(lambda: bench.value("PUMP") == 1.0)
        await bench.until(lambda: bench.value("VALVE") == 41.5, 0.2)  # read a moment later, on a slow line
        assert bench.value("SPEED") == pytest.approx(12.34)
        if not bench.replayed:
            assert bench.device.values(("VALVE", "PUMP")) == [41.5, 1.0]

    on_peer(scenario)


def test_a_value_that_does_not_fit_is_clamped_and_told_and_no_number_is_not_sent(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        outcome = await bench.driver.write({"SPEED": 1e6, "VALVE": 5.0}, always)
        assert outcome.ok
        assert outcome.limited == ("SPEED",)
        outcome = await bench.driver.write({"SPEED": float("nan"), "VALVE": 6.0}, always)
        assert outcome.state == "failed"
        assert outcome.written == ("VALVE",)
        with pytest.raises(KeyError, match="LT is an input"):
            await bench.driver.write({"LT": 1.0}, always)

    on_peer(scenario)


def test_a_closed_gate_lets_nothing_out(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        outcome = await bench.driver.write({"VALVE": 99.0}, lambda: False)
        assert outcome.state == "refused"
        assert outcome.written == ()
        await bench.pass_s(0.25)
        assert bench.value("VALVE") == 0.0
        assert bench.driver.state == "up"

    on_peer(scenario)


def test_the_gate_is_asked_for_every_request_at_its_sending(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        asked: list[bool] = []

        def once() -> bool:
            asked.append(not asked)
            return asked[-1]

        outcome = await bench.driver.write({"VALVE": 1.0, "PUMP": 1.0}, once)
        assert outcome.state == "refused"
        assert len(asked) == 2
        assert len(outcome.written) == 1

    on_peer(scenario)


def test_a_device_that_falls_silent_is_bad_in_time_and_good_again_by_itself(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        if not bench.replayed:
            bench.device.cut(silent=True)
        began_ns = bench.clock.monotonic_ns()
        await bench.until(lambda: bench.status("LT") == STATUS_NO_COMM_LAST_USABLE, 1.0)
        took_s = (bench.clock.monotonic_ns() - began_ns) / NS_PER_S
        assert took_s <= STALE_S + 0.1
        assert bench.value("LT") == pytest.approx(12.345), "the last usable value stays"
        assert bench.driver.state != "up"
        await bench.until(lambda: not bench.driver.reached(bench.clock.monotonic_ns()), 2.0)
        assert bench.driver.report().detail
        assert bench.driver.errors > 0
        if not bench.replayed:
            await bench.device.heal()
        await bench.until(lambda: bench.status("LT") == STATUS_GOOD, 5.0)
        assert bench.driver.state == "up"
        assert bench.driver.reached(bench.clock.monotonic_ns())

    on_peer(scenario)


def test_a_device_that_refuses_is_up_and_its_values_are_bad(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        if not bench.replayed:
            bench.device.refuse(4)
        await bench.until(lambda: bench.status("FT") < 64)
        assert bench.driver.state == "up"
        assert "exception 4" in bench.driver.report().detail
        if not bench.replayed:
            bench.device.refuse(0)
        await bench.until(lambda: bench.status("FT") == STATUS_GOOD)

    on_peer(scenario)


def test_a_standby_asks_for_its_health_only_and_polls_at_once_when_it_takes_over(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        bench.driver.set_polling(False)
        await bench.pass_s(0.05)
        before, began_ns = bench.driver.requests, bench.clock.monotonic_ns()
        await bench.pass_s(1.0)
        rate = (bench.driver.requests - before) / ((bench.clock.monotonic_ns() - began_ns) / NS_PER_S)
        assert 2.0 <= rate <= 8.0, "one small read every 0.2 s"
        assert bench.driver.reached(bench.clock.monotonic_ns())
        assert bench.driver.report().detail == "standby: health reads only"
        assert bench.status("FT") == STATUS_NO_COMM_LAST_USABLE
        bench.driver.set_polling(True)
        await bench.until(lambda: bench.status("FT") == STATUS_GOOD, 0.09)

    on_peer(scenario)


def test_an_abort_is_no_fault_of_the_device_and_the_next_poll_goes_on(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        errors = bench.driver.errors
        bench.driver.abort()
        assert bench.driver.state == "up"
        await bench.pass_s(0.35)
        assert bench.driver.errors == errors
        assert bench.status("LT") == STATUS_GOOD

    on_peer(scenario)


def test_before_the_first_answer_nothing_is_known_and_every_value_is_bad(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        fresh = ModbusDriver(SPEC, bench.driver._link, bench.clock, random.Random(1))  # type: ignore[attr-defined]
        image = fresh.image(bench.clock.monotonic_ns())
        assert np.isnan(image.values).all()
        assert set(image.statuses.tolist()) == {STATUS_NOT_CONNECTED}
        assert not fresh.reached(bench.clock.monotonic_ns())

    on_peer(scenario)


def test_the_report_names_link_and_address(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        report = bench.driver.report()
        assert (report.name, report.state, report.detail) == ("RTU-1", "up", "")
        assert report.url == bench.driver.spec.url

    on_peer(scenario)


def test_a_cut_cable_is_bad_in_time_and_good_again(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        bench.cable.cut = True
        await bench.until(lambda: bench.status("LT") == STATUS_NO_COMM_LAST_USABLE, STALE_S + 0.1)
        bench.cable.cut = False
        await bench.until(lambda: bench.status("LT") == STATUS_GOOD, 5.0)

    on_peer(scenario)
