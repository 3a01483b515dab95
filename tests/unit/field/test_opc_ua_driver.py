"""The OPC UA driver's promises, on simulated time against a simulated device in memory."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.core.simulated_time import run_simulated
from dcs.core.status import (
    BAD,
    CONFIGURATION_ERROR,
    CONVERSION_INACCURATE,
    DEVICE_FAILURE,
    GOOD_CASCADE,
    LAST_USABLE,
    LO,
    SENSOR_FAILURE,
    STATUS_GOOD,
    STATUS_NO_COMM_LAST_USABLE,
    STATUS_NOT_CONNECTED,
    UNCERTAIN,
    make_status,
)
from field_io.drivers.links.link import LinkFaults
from field_io.drivers.opc_ua.driver import OpcUaDriver
from field_io.drivers.opc_ua.memory import MemoryUaSession
from field_io.ne107 import FAILURE, MAINTENANCE_REQUIRED
from field_io.opc_ua.messages import UaSample
from field_io.opc_ua.status import CODES
from field_io.specs import DeviceSpec, OpcUaAccess, PointSpec, PollGroup
from tests.support.ua_bench import LT, NS, POINTS, UaBench, always, spec_of, ua_bench

STALE_S = 2.5  # 2 × poll + time-out
RETURN_S = 5.0
Scenario = Callable[[UaBench, OpcUaDriver], Awaitable[None]]


def on_bench(scenario: Scenario, spec: DeviceSpec | None = None, device_spec: DeviceSpec | None = None) -> None:
    async def main(loop: object) -> None:
        async with ua_bench(spec, None, device_spec) as bench, bench.driver() as driver:
            await scenario(bench, driver)

    run_simulated(main)


def values(bench: UaBench, driver: OpcUaDriver) -> dict[str, float]:
    image = driver.image(bench.clock.monotonic_ns())
    return dict(zip(driver.names, image.values.tolist(), strict=True))


def session_of(bench: UaBench) -> MemoryUaSession:
    session = bench.sessions[-1]
    assert isinstance(session, MemoryUaSession)
    return session


# --- reading --------------------------------------------------------------------------------------------------
def test_before_the_first_answer_nothing_is_known() -> None:
    async def main(loop: object) -> None:
        async with ua_bench() as bench:
            bench.device.stop()
            async with bench.driver() as driver:
                value = driver.read("LT-1", bench.clock.monotonic_ns())
                assert math.isnan(value.value)
                assert value.status == STATUS_NOT_CONNECTED
                assert driver.report().state == "down"

    run_simulated(main)


def test_all_values_are_there_at_once_scaled_and_with_their_times() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        bench.device.set_value("N-1", -12.3)
        await bench.sleep(0.001)
        assert values(bench, driver) == {
            "LT-1": 1.25, "IT-1": 12.0, "NAME": pytest.approx(math.nan, nan_ok=True), "LV-1": 0.0,
            "N-1": pytest.approx(-12.3), "P-1": 0.0,
        }  # fmt: skip
        assert driver.text("NAME") == "rig"
        image = driver.image(bench.clock.monotonic_ns())
        assert (image.statuses == STATUS_GOOD).all()
        assert (bench.clock.time_ns() - image.times_ns <= 2 * NS_PER_MS).all()
        assert driver.report().state == "up"
        assert driver.report().kind == "opc-ua"

    on_bench(scenario)


def test_a_change_comes_with_the_publishing_interval_and_its_source_time() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        await bench.sleep(2.05)
        changed_ns = bench.clock.time_ns()
        bench.device.set_value("LT-1", 1.5)
        took_s = await bench.until(lambda: values(bench, driver)["LT-1"] == 1.5, 0.11)
        assert took_s > 0.0
        assert driver.read("LT-1", bench.clock.monotonic_ns()).time_ns == changed_ns

    on_bench(scenario, spec_of(opc_ua=OpcUaAccess(publishing_ns=100 * NS_PER_MS)))


def test_what_does_not_change_stays_good_for_hours_and_costs_no_request() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        await bench.sleep(10.0)
        asked = driver.requests
        for _ in range(20):
            await bench.sleep(360.0)
            image = driver.image(bench.clock.monotonic_ns())
            assert (image.statuses == STATUS_GOOD).all()
            assert (bench.clock.time_ns() - image.times_ns <= NS_PER_S).all(), "confirmed by the last message"
        assert driver.requests == asked
        assert driver.losses == 0

    on_bench(scenario)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("UncertainLastUsableValue", make_status(UNCERTAIN, LAST_USABLE)),
        ("BadSensorFailure", make_status(BAD, SENSOR_FAILURE)),
        ("GoodLocalOverride", make_status(GOOD_CASCADE, LO)),
    ],
)
def test_a_status_code_becomes_our_status(name: str, status: int) -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        await bench.sleep(2.0)
        bench.device.mark("LT-1", CODES[name])
        await bench.sleep(1.1)
        value = driver.read("LT-1", bench.clock.monotonic_ns())
        assert (value.status, value.value) == (status, 1.25), "a Bad value leaves the last one to be seen"
        assert bench.status(driver, "IT-1") == STATUS_GOOD

    on_bench(scenario)


def test_the_condition_of_the_device_is_what_its_values_are_worth() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        await bench.sleep(2.0)
        bench.device.set_health(FAILURE)
        await bench.sleep(1.1)
        assert bench.status(driver) == make_status(BAD, DEVICE_FAILURE)
        assert values(bench, driver)["HEALTH"] == FAILURE
        bench.device.set_health(MAINTENANCE_REQUIRED)
        await bench.sleep(1.1)
        assert bench.status(driver) == STATUS_GOOD
        assert values(bench, driver)["HEALTH"] == MAINTENANCE_REQUIRED

    health = PointSpec("HEALTH", "node", type="int32", node=NS + "RIG.DeviceHealth")
    on_bench(scenario, spec_of(points=(*POINTS, health)))


def test_a_status_point_judges_the_value_that_names_it() -> None:
    """NE 107 in a node of its own, as for any other driver."""

    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        await bench.sleep(2.0)
        assert bench.status(driver) == STATUS_GOOD
        bench.device.set_value("LT-1-DIAG", 3.0)  # out of specification
        await bench.sleep(1.1)
        assert bench.status(driver) == make_status(UNCERTAIN, CONVERSION_INACCURATE)
        assert bench.status(driver, "IT-1") == STATUS_GOOD

    points = (
        replace(POINTS[LT], status="LT-1-DIAG"),
        *POINTS[1:],
        PointSpec("LT-1-DIAG", "node", type="int32", node=NS + "DIAG"),
    )
    on_bench(scenario, spec_of(points=points))


def test_a_cable_that_loses_requests_costs_a_reconnect_and_no_value_is_wrong() -> None:
    async def main(loop: object) -> None:
        cable = LinkFaults(drop=0.3, key=7)
        async with ua_bench() as bench, bench.driver(bench.session(faults=cable)) as driver:
            bench.device.refuses_subscriptions = True
            good = 0
            for at in range(200):
                bench.device.set_value("LT-1", at / 100)
                await bench.sleep(1.05)
                good += bench.status(driver) == STATUS_GOOD
                if bench.status(driver) == STATUS_GOOD:
                    assert at / 100 - values(bench, driver)["LT-1"] <= 0.03, "no older than two polls and a time-out"
            assert driver.errors > 20
            assert good > 100

    run_simulated(main)


@pytest.mark.parametrize("number", [math.nan, math.inf, None])
def test_what_is_no_number_is_bad_and_never_in_the_image(number: float | None) -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        await bench.sleep(2.0)
        driver.notified([(LT, UaSample(number))])
        assert bench.status(driver) == make_status(BAD, SENSOR_FAILURE)
        assert values(bench, driver)["LT-1"] == 1.25

    on_bench(scenario)


def test_a_point_that_the_server_lacks_is_a_configuration_error_and_is_found_when_it_appears() -> None:
    wanted = PointSpec("X-1", "node", type="float64", node=NS + "LATER")

    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        await bench.sleep(3.0)
        assert bench.status(driver, "X-1") == make_status(BAD, CONFIGURATION_ERROR)
        assert bench.status(driver) == STATUS_GOOD
        assert "not on the server: X-1 (BadNodeIdUnknown)" in driver.report().detail
        space = bench.device.space
        node = space.of_point["LT-1"]
        space.variables[NS + "LATER"] = replace(node, name=node.name.below("LATER"), value=7.0, code=0)
        await bench.sleep(35.0)
        assert values(bench, driver)["X-1"] == 7.0
        assert bench.status(driver, "X-1") == STATUS_GOOD
        assert driver.report().detail == ""

    on_bench(scenario, spec_of(points=(*POINTS, wanted)), spec_of())


# --- liveness -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("silent_at_s", [5.0, 5.001, 5.3, 5.999])
@pytest.mark.parametrize("fault", ["silent device", "cut cable"])
def test_a_silent_server_is_bad_within_two_polls_and_a_timeout(fault: str, silent_at_s: float) -> None:
    async def main(loop: object) -> None:
        cable = LinkFaults()
        async with ua_bench() as bench, bench.driver(bench.session(faults=cable)) as driver:
            await bench.sleep(silent_at_s)
            assert bench.status(driver) == STATUS_GOOD
            if fault == "cut cable":
                cable.cut = True
            else:
                bench.device.cut(silent=True)
            took_s = await bench.until(lambda: bench.status(driver) == STATUS_NO_COMM_LAST_USABLE, STALE_S + 0.01)
            assert took_s >= STALE_S - 1.0 - 0.01, "and not much before, while its last word may still count"
            assert values(bench, driver)["LT-1"] == 1.25
            await bench.sleep(1.5)
            assert driver.report().state != "up"
            assert not driver.reached(bench.clock.monotonic_ns() + 2 * NS_PER_S)

    run_simulated(main)


@pytest.mark.parametrize("away_s", [1.0, 20.0, 300.0])
@pytest.mark.parametrize("silent", [False, True])
def test_values_are_good_again_within_five_seconds_of_the_return(silent: bool, away_s: float) -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        await bench.sleep(5.3)
        bench.device.cut(silent)
        await bench.sleep(away_s)
        bench.device.set_value("LT-1", 0.75)
        await bench.device.heal()
        await bench.until(lambda: values(bench, driver)["LT-1"] == 0.75, RETURN_S)
        assert bench.status(driver) == STATUS_GOOD
        assert driver.report().state == "up"

    on_bench(scenario)


def test_a_dead_server_is_asked_rarely() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        await bench.sleep(5.0)
        knocks = 0
        session = session_of(bench)
        knock = session.knock

        async def counted() -> bool:
            nonlocal knocks
            knocks += 1
            return await knock()

        session.knock = counted  # type: ignore[method-assign]
        bench.device.cut()
        await bench.sleep(600.0)
        assert 200 < knocks < 320, "a handshake at the times of the back-off's probes"
        assert driver.errors < 5, "and no session until one is answered"

    on_bench(scenario)


def test_a_server_that_refuses_us_is_asked_with_the_back_off_and_says_why() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        await bench.sleep(300.0)
        assert driver.report().state == "backing off"
        assert "does not let user nobody in" in driver.report().detail
        assert driver.errors < 50

    on_bench(scenario, spec_of(opc_ua=OpcUaAccess(user="nobody")), spec_of())


# --- what is lost ---------------------------------------------------------------------------------------------
def test_a_gap_in_the_messages_is_told_and_everything_is_read_again() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        told: list[str] = []
        driver.on_event = told.append
        await bench.sleep(3.0)
        subscription = session_of(bench).subscription
        assert subscription is not None
        bench.device.set_value("LT-1", 1.5)
        subscription._sent[LT] = UaSample(1.5)  # the message with the change is lost on its way
        subscription.number += 1
        await bench.sleep(1.1)
        assert values(bench, driver)["LT-1"] == 1.5
        assert driver.losses == 1
        assert "data lost 1 times and read again, last: notification" in driver.report().detail
        for _ in range(100):
            subscription.number += 1
            bench.device.set_value("LT-1", 1.5 + 0.1 * (driver.losses % 2))
            await bench.sleep(1.0)
        assert driver.losses > 50
        assert len(told) == 2, "the journal is told, and not flooded"
        assert told[0].startswith("data lost and read again: notification 3 came where 2 was due")

    on_bench(scenario)


def test_a_queue_that_overflowed_is_told_and_read_again() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        await bench.sleep(3.0)
        asked = driver.requests
        driver.notified([(LT, UaSample(9.0, 0x480))])
        assert bench.status(driver) == STATUS_GOOD
        await bench.sleep(0.01)
        assert driver.requests == asked + 1
        assert values(bench, driver)["LT-1"] == 1.25
        assert "no room for all values of LT-1" in driver.report().detail

    on_bench(scenario)


def test_a_lost_subscription_is_made_anew_and_values_stay_good() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        await bench.sleep(3.2)
        first = session_of(bench).subscription
        assert first is not None
        first.expire("the server has ended the subscription (BadTimeout)")
        for _ in range(30):
            await bench.sleep(0.1)
            assert bench.status(driver) == STATUS_GOOD
        assert session_of(bench).subscription not in (None, first)
        assert driver.losses == 1

    on_bench(scenario)


def test_a_subscription_that_tells_nothing_is_noticed_and_values_stay_fresh() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        await bench.sleep(3.0)
        subscription = session_of(bench).subscription
        assert subscription is not None
        subscription._timer.cancel()
        for at in range(20):
            bench.device.set_value("LT-1", at / 10)
            await bench.sleep(1.0)
            assert bench.status(driver) == STATUS_GOOD
        assert values(bench, driver)["LT-1"] > 1.6, "read meanwhile"
        assert "the server holds a subscription and tells nothing" in driver.report().detail

    on_bench(scenario)


def test_a_server_that_refuses_subscriptions_is_polled() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        bench.device.refuses_subscriptions = True
        for at in range(100):
            bench.device.set_value("LT-1", at / 100)
            await bench.sleep(1.05)
            assert values(bench, driver)["LT-1"] == at / 100
            assert bench.status(driver) == STATUS_GOOD
        assert "polled: making a subscription: the server answered BadTooManySubscriptions" in driver.report().detail
        assert driver.errors == 0

    on_bench(scenario)


def test_polled_points_keep_to_the_period_of_their_group() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        bench.device.refuses_subscriptions = True
        await bench.sleep(21.0)
        bench.device.set_value("LT-1", 0.5)
        bench.device.set_value("IT-1", 8.0)
        await bench.sleep(2.0)
        assert values(bench, driver)["IT-1"] == 8.0
        assert values(bench, driver)["LT-1"] == 1.25, "the slow group has not been read again"
        await bench.sleep(10.0)
        assert values(bench, driver)["LT-1"] == 0.5
        assert bench.status(driver, "LT-1") == STATUS_GOOD

    slow = replace(POINTS[LT], poll="slow")
    on_bench(scenario, spec_of(points=(slow, *POINTS[1:]), polls=(PollGroup("slow", 10 * NS_PER_S),)))


def test_a_wrong_clock_of_the_device_is_told_and_believed_in_nothing() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        await bench.sleep(3.0)
        now_ns = bench.clock.time_ns()
        driver.notified([(LT, UaSample(1.0, 0, now_ns + 3600 * NS_PER_S))])
        assert driver.read("LT-1", bench.clock.monotonic_ns()).time_ns == now_ns
        assert "its clock is 3600 s ahead of ours" in driver.report().detail

    on_bench(scenario)


# --- writing --------------------------------------------------------------------------------------------------
def test_outputs_are_scaled_clamped_and_acknowledged_one_by_one() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        bench.device.record_writes()
        await bench.sleep(1.0)
        outcome = await driver.write({"LV-1": 42.5, "N-1": 1e9, "P-1": 0.7}, always)
        assert (outcome.state, set(outcome.written)) == ("written", {"LV-1", "N-1", "P-1"})
        assert outcome.limited == ("N-1",)
        assert bench.device.writes is not None
        assert [(w.point, w.value) for w in bench.device.writes] == [
            ("LV-1", 42.5), ("N-1", pytest.approx(3276.7)), ("P-1", 1.0)
        ]  # fmt: skip
        await bench.sleep(1.1)
        assert driver.readback("LV-1").value == 42.5

    on_bench(scenario)


def test_a_refused_write_is_a_failed_outcome_and_the_link_stays_up() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        await bench.sleep(1.0)
        bench.device.refuse_writes_with = CODES["BadOutOfRange"]
        outcome = await driver.write({"LV-1": 42.5}, always)
        assert (outcome.state, outcome.written) == ("failed", ())
        assert outcome.text == "LV-1: the server answered BadOutOfRange"
        assert driver.report().state == "up"
        assert driver.errors == 1

    on_bench(scenario)


def test_a_closed_gate_refuses_and_a_dead_link_fails() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        bench.device.record_writes()
        await bench.sleep(1.0)
        assert (await driver.write({"LV-1": 1.0}, lambda: False)).state == "refused"
        bench.device.cut()
        outcome = await driver.write({"LV-1": 2.0}, always)
        assert (outcome.state, outcome.text[:9]) == ("failed", "link down")
        assert list(bench.device.writes or ()) == []

    on_bench(scenario)


def test_nan_is_not_sent_and_the_others_are() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        await bench.sleep(1.0)
        outcome = await driver.write({"LV-1": math.nan, "N-1": 5.0}, always)
        assert (outcome.state, outcome.written) == ("failed", ("N-1",))
        assert "LV-1: it is not a number" in outcome.text
        assert bench.device.values(("LV-1", "N-1")) == [0.0, 5.0]

    on_bench(scenario)


def test_an_input_cannot_be_written() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        with pytest.raises(KeyError, match="LT-1 is an input"):
            await driver.write({"LT-1": 1.0}, always)

    on_bench(scenario)


def test_a_verified_write_that_reads_differently_has_failed() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        await bench.sleep(1.0)
        bench.device.on_output = lambda name, value: bench.device.set_value(name, 10.0)  # the device knows better
        outcome = await driver.write({"LV-1": 42.5}, always)
        assert (outcome.state, outcome.written) == ("failed", ())
        assert "LV-1: it was written, and reads differently" in outcome.text

    points = (*POINTS[:3], replace(POINTS[3], verify=True), *POINTS[4:])
    on_bench(scenario, spec_of(points=points))


def test_outputs_are_repeated_for_a_watchdog_until_the_authority_is_gone() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        bench.device.record_writes()
        await bench.sleep(1.0)
        await driver.write({"LV-1": 42.5}, always)
        await bench.sleep(20.0)
        writes = bench.device.writes
        assert writes is not None
        assert 9 <= len(writes) <= 11
        driver.abort()
        await bench.sleep(20.0)
        assert len(writes) <= 11

    on_bench(scenario, spec_of(watchdog_ns=4 * NS_PER_S))


# --- standby --------------------------------------------------------------------------------------------------
def test_a_standby_only_asks_how_the_server_is_and_takes_over_at_once() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        await bench.sleep(3.0)
        driver.set_polling(False)
        await bench.sleep(0.1)
        assert session_of(bench).subscription is None
        asked = driver.requests
        await bench.sleep(20.0)
        assert 17 <= driver.requests - asked <= 21
        assert driver.reached(bench.clock.monotonic_ns())
        assert driver.report().detail == "standby: health reads only"
        bench.device.set_value("LT-1", 1.75)
        await bench.sleep(0.3)
        since_ns = bench.clock.time_ns()
        driver.set_polling(True)
        await bench.sleep(0.01)
        value = driver.read("LT-1", bench.clock.monotonic_ns())
        assert (value.value, value.status) == (1.75, STATUS_GOOD)
        assert value.time_ns >= since_ns, "read by this controller, and since it took over"
        await bench.sleep(1.1)
        assert session_of(bench).subscription is not None

    on_bench(scenario)


def test_a_standby_notices_a_dead_server() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        driver.set_polling(False)
        await bench.sleep(5.0)
        bench.device.cut()
        await bench.until(lambda: not driver.reached(bench.clock.monotonic_ns()), 4.0)
        await bench.device.heal()
        await bench.until(lambda: driver.reached(bench.clock.monotonic_ns()), RETURN_S)

    on_bench(scenario)


def test_an_aborted_driver_connects_anew_at_once() -> None:
    async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
        await bench.sleep(3.3)
        driver.abort()
        assert not session_of(bench).connected
        await bench.sleep(1.0)
        assert session_of(bench).connected
        assert driver.errors == 0
        assert bench.status(driver) == STATUS_GOOD

    on_bench(scenario)


def test_the_same_seed_gives_the_same_run() -> None:
    def run() -> list[Any]:
        seen: list[Any] = []

        async def scenario(bench: UaBench, driver: OpcUaDriver) -> None:
            for at in range(40):
                if at % 7 == 3:
                    bench.device.cut(silent=at % 2 == 0)
                if at % 7 == 5:
                    await bench.device.heal()
                bench.device.set_value("LT-1", at / 40)
                await bench.sleep(0.77)
                image = driver.image(bench.clock.monotonic_ns())
                seen.append((image.values[0], image.statuses.tolist(), image.times_ns.tolist(), driver.requests))

        on_bench(scenario)
        return seen

    assert run() == run()
