"""Promises where polls are far apart: what is lost is noticed, found again and told apart from what is only slow."""

import pytest

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.core.status import BAD, STATUS_GOOD, STATUS_NO_COMM_LAST_USABLE, quality_of
from field_io.specs import PointSpec, PollGroup
from tests.unit.field.benches import Bench, on_bench

MINUTE_NS = 60 * NS_PER_S
FAST = PointSpec("F", "input", 0, "int16", poll="fast")
SLOW = PointSpec("S", "input", 50, "int16")
OUT = PointSpec("OUT", "holding", 0, "int16", direction="out")
AS_LONG_AS_PROMISED_S = 5.0


def always() -> bool:
    return True


@pytest.mark.parametrize("dead_s", [1.0, 7.0, 40.0])
def test_a_fast_group_is_good_again_in_time_however_slow_the_device_is_polled(dead_s: float) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.until_s(70.2)
        bench.device.unit.silent = True
        await bench.until_s(70.2 + dead_s)
        if dead_s > 2.6:
            assert bench.status("F") == STATUS_NO_COMM_LAST_USABLE
        bench.device.unit.silent = False
        await bench.until_s(70.2 + dead_s + AS_LONG_AS_PROMISED_S)
        for _ in range(20):
            await bench.clock.sleep_until(bench.clock.monotonic_ns() + 100 * NS_PER_MS)
            assert bench.status("F") == STATUS_GOOD

    on_bench(scenario, points=(FAST, SLOW), poll_ns=MINUTE_NS, polls=(PollGroup("fast", NS_PER_S),))


def test_a_device_that_is_polled_once_a_minute_can_be_written_soon_after_it_is_back() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.until_s(70.2)
        bench.device.unit.silent = True
        assert (await bench.driver.write({"OUT": 5.0}, always)).state == "failed"
        bench.device.unit.silent = False
        await bench.until_s(70.7 + AS_LONG_AS_PROMISED_S)
        assert (await bench.driver.write({"OUT": 6.0}, always)).ok
        bench.device.stop()  # it starts anew and closes the connection
        await bench.device.start()
        await bench.until_s(80.0)
        assert (await bench.driver.write({"OUT": 7.0}, always)).ok

    on_bench(scenario, points=(SLOW, OUT), poll_ns=MINUTE_NS)


def test_a_poll_that_takes_longer_than_its_period_is_told() -> None:
    """Promise: where values flicker because the device is slow, the link says so, and no longer when it is quick."""

    async def scenario(bench: Bench) -> None:
        await bench.until_s(3.5)
        assert bench.driver.report().detail == ""
        bench.device.set_latency(0.4)
        await bench.until_s(9.5)
        report = bench.driver.report()
        assert report.state == "up"
        assert "a poll takes 0.8 s, more than its 0.5 s" in report.detail
        bench.device.set_latency(0.0)
        await bench.until_s(13.5)
        assert bench.driver.report().detail == ""

    far = PointSpec("FAR", "input", 500, "int16")
    on_bench(scenario, points=(SLOW, far), poll_ns=500 * NS_PER_MS)


def test_a_device_of_slow_groups_alone_is_asked_for_its_health_and_counts_as_reached() -> None:
    async def scenario(bench: Bench) -> None:
        for _ in range(300):
            await bench.clock.sleep_until(bench.clock.monotonic_ns() + 100 * NS_PER_MS)
            assert bench.driver.reached(bench.clock.monotonic_ns())
        bench.device.unit.silent = True
        await bench.until_s(35.0)
        assert not bench.driver.reached(bench.clock.monotonic_ns()), "and a dead one does not wait for its slow group"

    slow = (PointSpec("S", "input", 0, "int16", poll="slow"),)
    on_bench(scenario, points=slow, polls=(PollGroup("slow", 20 * NS_PER_S),))


def test_a_string_is_bad_with_everything_else_of_a_device_that_is_dead() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.until_s(3.2)
        assert bench.status("TEXT") == STATUS_GOOD
        bench.device.unit.silent = True
        await bench.until_s(3.0 + 2.5)
        assert bench.status("TEXT") == bench.status("S") == STATUS_NO_COMM_LAST_USABLE
        bench.device.unit.silent = False
        await bench.until_s(10.0)
        assert bench.status("TEXT") == STATUS_GOOD

    on_bench(scenario, points=(PointSpec("TEXT", "holding", 0, "string", length=4), SLOW))


def test_bits_of_one_register_do_not_hide_that_a_read_spans_a_gap() -> None:
    bits = tuple(PointSpec(f"B{bit}", "holding", 0, "bool", bit=bit) for bit in range(4))

    async def scenario(bench: Bench) -> None:
        await bench.until_s(0.5)
        assert quality_of(bench.status("WORD")) != BAD, "the device lacks what lies between, and is asked without it"
        assert bench.status("B3") == STATUS_GOOD

    points = (*bits, PointSpec("WORD", "holding", 3, "int16"))
    on_bench(scenario, points=points, device_points=points)
