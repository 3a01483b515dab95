"""Faults of devices and cables, as the driver of a controller meets them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from dcs.core.errors import LinkDown
from dcs.core.status import BAD, is_good, quality_of
from field_io.drivers.links.choice import MemoryLinks
from field_io.drivers.links.link import DeviceRefused, LinkFaults, ModbusLink
from field_io.fault_kinds import DEVICE, KINDS, LINK
from tests.unit.field.fault_bench import Field, in_field


async def asked(field: Field, link: ModbusLink, times: int = 40) -> list[tuple[str, float]]:
    """(what came of a request, how long it took in s), one every second."""
    loop, found = asyncio.get_running_loop(), []
    for _ in range(times):
        if not link.connected:
            try:
                await link.connect()
            except LinkDown as error:
                found.append((f"no: {type(error).__name__}", 0.0))
                await asyncio.sleep(1.0)
                continue
        began_s = loop.time()
        try:
            answer = await link.read("input", 0, 2)
            found.append((answer.hex(), round(loop.time() - began_s, 6)))
        except DeviceRefused as refused:
            found.append((f"exception {refused.code}", 0.0))
        except LinkDown as error:
            found.append((f"no: {type(error).__name__}", 0.0))
        await asyncio.sleep(1.0)
    return found


def suffered(target: str, kind: str, value: Any = None, seed: int = 1, times: int = 40) -> list[tuple[str, float]]:
    """Requests of a second client while the fault is there, then three after it was cleared."""
    found: list[tuple[str, float]] = []

    async def story(field: Field) -> None:
        link = MemoryLinks(field.network, "C1A").link(field.driver.spec, field.cable)
        await field.until_s(2.0)
        field.faults.begin(target, kind, value)
        found.extend(await asked(field, link, times))
        await field.faults.clear(target)
        await asyncio.sleep(5.0)
        after = await asked(field, link, 3)
        assert [each for each in after if len(each[0]) != 8 or each[1] > 0.0] == []
        assert field.faults.active() == []
        await field.until_s(field.clock.monotonic_ns() / 1e9 + 12.0)
        assert is_good(field.status("LT-2")), "the controller has it again"
        assert field.device.unit.answers is None
        assert field.cable == LinkFaults(key=field.cable.key, passed=field.cable.passed)

    in_field(story, seed)
    return found


def whole(found: list[tuple[str, float]]) -> int:
    return sum(len(what) == 8 for what, _ in found)


@pytest.mark.parametrize("target", ["RTU-1", "C1A>RTU-1"])
def test_what_is_late_is_late(target: str) -> None:
    assert {took for _, took in suffered(target, "latency", "200 ms")} == {0.2}
    jitter = [took for _, took in suffered(target, "jitter", 0.2)]
    assert 0.0 <= min(jitter) < 0.05 < 0.15 < max(jitter) <= 0.2
    assert len(set(jitter)) > 30


@pytest.mark.parametrize("target", ["RTU-1", "C1A>RTU-1"])
def test_what_is_lost_times_out_and_what_comes_twice_does_no_harm(target: str) -> None:
    lost = suffered(target, "drop", 30, times=100)
    assert 15 <= 100 - whole(lost) <= 45
    assert {what for what, _ in lost if len(what) != 8} <= {"no: TimedOut", "no: LinkDown"}
    assert whole(suffered(target, "duplicate", 50)) == 40


def test_answers_can_be_exceptions_garbage_and_single_bytes() -> None:
    assert {what for what, _ in suffered("RTU-1", "exception", 4)} == {"exception 4"}
    assert whole(suffered("RTU-1", "garbage", times=10)) == 0
    assert 25 <= whole(suffered("RTU-1", "garbage", 20, times=60)) < 60
    slow = suffered("RTU-1", "slow", 0.01)  # 13 bytes: MBAP 7, PDU 6; the last one leaves 12 times later
    assert {took for _, took in slow} == {0.12}
    assert whole(suffered("RTU-1", "slow", 0.05)) == 0, "longer than the time-out"


@pytest.mark.parametrize(
    ("target", "kind"), [("RTU-1", "silent"), ("RTU-1", "disconnect"), ("C1A>RTU-1", "cut"), ("RTU-1", "reboot")]
)
def test_who_is_gone_makes_every_value_bad_and_comes_back(target: str, kind: str) -> None:
    async def story(field: Field) -> None:
        await field.until_s(5.0)
        field.faults.begin(target, kind, 20 if kind == "reboot" else None)
        await field.until_s(9.0)
        assert quality_of(field.status("LT-2")) == BAD
        await field.until_s(24.0)
        if kind != "reboot":
            await field.faults.clear(target)
        await field.until_s(36.0)  # a reboot of 20 s is over at 25 s; the driver tries at most every 10 s
        assert is_good(field.status("LT-2"))
        assert field.faults.active() == []

    in_field(story)


def test_a_reboot_ends_a_fail_action_and_disarms_the_watchdog() -> None:
    async def story(field: Field) -> None:
        watchdog = field.device.watchdog
        watchdog.time_ns = 4_000_000_000
        await field.until_s(5.0)
        assert (await field.driver.write({"P-1": 40.0}, lambda: True)).ok
        field.faults.begin("RTU-1", "reboot", 6.0)
        await field.until_s(10.0)
        field.device.bring_up_to_date()
        assert watchdog.expired, "its outputs took their fail action while it was away"
        await field.until_s(30.0)
        field.device.bring_up_to_date()
        assert not watchdog.expired
        assert watchdog.age_ns is None, "armed by the first write, as ever"
        assert [each.active for each in watchdog.record] == [True, False]

    in_field(story)


def test_a_reboot_loses_what_was_set_and_drives_its_outputs_with_it() -> None:
    async def story(field: Field) -> None:
        await field.until_s(2.0)
        start = field.device.value("V-1")
        await field.driver.write({"SET": 17.0, "V-1": 33.0}, lambda: True)
        assert (field.device.value("SET"), field.device.value("V-1")) == (17.0, 33.0)
        field.faults.begin("RTU-1", "reboot")
        assert not field.device.listening
        await field.until_s(6.9)
        assert not field.device.listening
        await field.until_s(7.1)
        assert field.device.listening
        assert (field.device.value("SET"), field.device.value("V-1")) == (0.0, start)
        await field.until_s(8.0)
        field.simulation.advance()
        assert field.simulation.plant.get("valve_1") == pytest.approx(start / 100.0)
        assert [begins for _, begins, _ in field.told] == [True, False]

    in_field(story)


@pytest.mark.parametrize(
    ("target", "kind", "value"),
    [("RTU-1", "drop", 30), ("RTU-1", "garbage", 30), ("RTU-1", "jitter", 0.2), ("C1A>RTU-1", "drop", 30)],
)
def test_the_same_seed_gives_the_same_fates_and_another_seed_others(target: str, kind: str, value: float) -> None:
    once, again, other = (suffered(target, kind, value, seed) for seed in (1, 1, 2))
    assert once == again
    assert once != other


def test_a_snapshot_in_the_middle_knows_what_the_device_does_to_its_answers() -> None:
    ends: list[list[tuple[str, float]]] = [[], []]
    kept: list[bytes] = []

    async def first(field: Field) -> None:
        await field.until_s(2.0)
        field.faults.begin("RTU-1", "drop", 40)
        field.faults.begin("RTU-1", "exception", 6, duration="30 s")
        await field.until_s(10.2)
        kept.append(field.simulation.snapshot())
        await go_on(field, 0)

    async def second(field: Field) -> None:
        await field.until_s(7.2)
        field.driver._link.on_lost = None  # its question after the loss would be one request more
        field.faults.begin("RTU-1", "disconnect")
        field.simulation.restore(kept[0])
        field.faults.arm()
        await go_on(field, 1)

    async def go_on(field: Field, number: int) -> None:
        field.driver._health.backoff.try_now()
        await asyncio.sleep(0)
        link = MemoryLinks(field.network, "X").link(field.driver.spec)
        field.driver.set_polling(False)
        field.driver.set_schedule(10**15, 0)
        field.driver._health_ns = 10**15  # nor does it prove its path
        ends[number] = await asked(field, link, 30)

    in_field(first)
    in_field(second)
    assert {what for what, _ in ends[0]} >= {"exception 6", "no: TimedOut"}
    assert [what for what, _ in ends[0]].count("exception 6") < 30
    assert ends[0] == ends[1]


def test_all_kinds_are_tried_here() -> None:
    """The other two: test_faults_of_other_devices.py."""
    text = Path(__file__).read_text(encoding="utf-8")
    for kind in {*KINDS[DEVICE], *KINDS[LINK]} - {"clock_wrong", "dead"}:
        assert f'"{kind}"' in text, kind


def test_a_request_that_arrives_twice_is_done_twice() -> None:
    async def story(field: Field) -> None:
        await field.until_s(2.0)
        field.device.record_writes()
        field.faults.begin("C1A>RTU-1", "duplicate", 100)
        await field.driver.write({"V-1": 33.0}, lambda: True)
        assert field.device.writes is not None
        assert [(write.point, write.value) for write in field.device.writes] == [("V-1", 33.0)] * 2
        await field.until_s(8.0)
        assert field.driver.errors == 0, "the second answer finds nobody who waits for it"

    in_field(story)
