"""Simulated devices that check epochs: what they take, what they refuse, what they remember; and the driver's gate."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcs.core.clock import NS_PER_S
from dcs.core.simulated_time import SimulatedClock, run_simulated
from field_io.devices.simulated import SimulatedModbusDevice
from field_io.drivers.links.choice import memory_link
from field_io.drivers.modbus.driver import ModbusDriver
from field_io.memory_network import MemoryNetwork
from field_io.modbus import pdu as codes
from field_io.output_window import OutputWindow
from field_io.specs import DeviceSpec, EpochSpec, PointSpec, RequestLimits
from tests.support.driver_bench import POINTS

SPEC = DeviceSpec(
    "PLC", port=5020, points=POINTS, epoch=EpochSpec(100), watchdog_ns=2 * NS_PER_S,
)  # fmt: skip
WINDOW = OutputWindow(SPEC)
OUTPUTS = ("VALVE", "SPEED", "PUMP")


def with_device(check: Callable[[SimulatedModbusDevice, SimulatedClock], object], spec: DeviceSpec = SPEC) -> None:
    async def main(loop: object) -> None:
        clock = SimulatedClock(asyncio.get_running_loop())  # type: ignore[arg-type]
        device = SimulatedModbusDevice(spec, clock, MemoryNetwork())
        device.record_writes()
        device.note_power_up()
        found = check(device, clock)
        if asyncio.iscoroutine(found):
            await found

    run_simulated(main)


def write(device: SimulatedModbusDevice, epoch: int, values: dict[str, float], peer: str = "A") -> bool:
    request = codes.write("holding", WINDOW.address, WINDOW.encode(epoch, values))
    return device.unit.serve(peer, request) == request[:5]


def epoch_of(device: SimulatedModbusDevice) -> int:
    answer = device.unit.serve("X", codes.read("holding", WINDOW.address, 2))
    return int.from_bytes(answer[2:], "big")


steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("window"), st.integers(0, 6), st.dictionaries(st.sampled_from(OUTPUTS), st.sampled_from([0.0, 1.0]))
        ),
        st.tuples(st.just("bytes"), st.binary(min_size=1, max_size=40), st.none()),
        st.tuples(st.just("plain"), st.integers(90, 112), st.integers(1, 9)),
        st.tuples(st.just("reboot"), st.none(), st.none()),
    ),
    max_size=30,
)


@given(steps)
def test_accepted_epochs_never_fall_and_a_refused_write_changes_nothing(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    """Promise: whatever bytes come, in whatever order, with reboots in between."""

    def check(device: SimulatedModbusDevice, clock: SimulatedClock) -> None:
        assert device.writes is not None
        for kind, what, more in steps:
            before, epoch = device.values(OUTPUTS), epoch_of(device)
            device.writes.clear()
            if kind == "window":
                taken = write(device, what, more)
                assert taken == (what >= max(1, epoch))
                wanted = dict(zip(OUTPUTS, before, strict=True)) | (more if taken else {})
                assert device.values(OUTPUTS) == list(wanted.values())
                assert {each.point for each in device.writes} == set(more)
                assert all(each.accepted == taken and each.epoch == what for each in device.writes)
            elif kind == "reboot":
                device.power_up()
                assert epoch_of(device) == epoch, "the epoch outlives a reboot"
            else:
                request = what if kind == "bytes" else codes.write("holding", what, bytes(2 * more))
                device.unit.serve("B", request)
                if epoch_of(device) == epoch:
                    assert device.values(OUTPUTS) == before
            assert epoch_of(device) >= epoch

    with_device(check)


def test_a_write_with_part_of_the_window_is_refused_and_reading_it_is_not() -> None:
    def check(device: SimulatedModbusDevice, clock: SimulatedClock) -> None:
        assert write(device, 5, {"VALVE": 10.0, "PUMP": 1.0})
        data = WINDOW.encode(9, {"VALVE": 20.0})
        for request in (
            codes.write("holding", WINDOW.address, data[:4]),
            codes.write("holding", WINDOW.address + 2, data[4:]),
            codes.write("holding", WINDOW.address, data[:2], single=True),
            codes.mask_write(WINDOW.address + 1, 0, 9),
        ):
            assert device.unit.serve("B", request) == bytes((request[0] | 0x80, codes.ILLEGAL_VALUE))
        assert (epoch_of(device), device.value("VALVE")) == (5, 10.0)
        whole = device.unit.serve("B", codes.read("holding", WINDOW.address, WINDOW.count))
        assert WINDOW.head(whole[2:]) == (5, (0, 2))

    with_device(check)


def test_plain_writes_pass_where_the_device_lets_them() -> None:
    assert SPEC.epoch is not None
    spec = replace(SPEC, epoch=replace(SPEC.epoch, plain_writes="accept"))

    def check(device: SimulatedModbusDevice, clock: SimulatedClock) -> None:
        request = codes.write("holding", 2, b"\x04\xd2")
        assert device.unit.serve("mbpoll", request) == request[:5]
        assert device.value("SPEED") == pytest.approx(12.34)
        assert device.writes is not None
        assert [(each.point, each.epoch, each.accepted) for each in device.writes] == [("SPEED", 0, True)]
        assert device.gate is not None
        assert device.gate.writer == "mbpoll"

    with_device(check, spec)


def test_stale_writes_do_not_feed_the_watchdog_and_without_any_writer_all_holds_as_found() -> None:
    async def scenario(device: SimulatedModbusDevice, clock: SimulatedClock) -> None:
        device.set_value("VALVE", 33.0)
        await clock.sleep_until(60 * NS_PER_S)
        device.bring_up_to_date()
        assert (device.watchdog.expired, device.value("VALVE")) == (False, 33.0)
        assert write(device, 5, {"VALVE": 50.0})
        for second in range(1, 5):
            await clock.sleep_until((60 + second) * NS_PER_S)
            assert not write(device, 4, {"VALVE": 99.0}, peer="old")
        assert [each.active for each in device.watchdog.record] == [True]
        assert device.watchdog.record[0].time_ns == clock.time_ns() - 2 * NS_PER_S
        assert device.value("VALVE") == 7.0, "its fail value"
        assert device.gate is not None
        assert (device.gate.writer, device.gate.refused, device.gate.epoch) == ("A", 4, 5)
        assert write(device, 6, {"VALVE": 51.0})
        assert [each.active for each in device.watchdog.record] == [True, False]

    points = tuple(replace(point, fail_value=7.0) if point.name == "VALVE" else point for point in POINTS)
    with_device(scenario, replace(SPEC, points=points))


def test_a_snapshot_carries_the_epoch() -> None:
    def check(device: SimulatedModbusDevice, clock: SimulatedClock) -> None:
        write(device, 5, {"VALVE": 1.0})
        kept = device.snapshot()
        write(device, 8, {"VALVE": 2.0})
        device.restore(kept)
        assert (epoch_of(device), device.value("VALVE")) == (5, 1.0)

    with_device(check)


def test_more_than_sixteen_outputs_have_a_mask_of_two_registers() -> None:
    points = tuple(PointSpec(f"V{n}", "coil", n, "bool", direction="out") for n in range(17))
    window = OutputWindow(DeviceSpec("D", points=points, epoch=EpochSpec(10)))
    assert window.count == 2 + 2 + 17
    data = window.encode(70_000, {"V0": 1.0, "V16": 1.0})
    assert codes.words_of(data) == [1, 4464, 1, 1, 1, *([0] * 15), 1]
    assert window.head(data) == (70_000, (0, 16))


def test_a_writer_that_is_frozen_between_the_gate_and_the_send_is_refused() -> None:
    """Promise: another holder writes meanwhile, and what the old one sends when it wakes changes nothing."""

    async def scenario(device: SimulatedModbusDevice, clock: SimulatedClock, network: MemoryNetwork) -> None:
        await device.start()
        link = memory_link(SPEC, network, "A")
        driver = ModbusDriver(SPEC, link, clock, random.Random(1))
        await link.connect()
        assert (await driver.write({"VALVE": 10.0}, lambda: 1)).ok
        asked: list[int] = []

        def frozen_after_it() -> int:
            asked.append(1)
            if len(asked) == 2:  # the one at the send: from here on the old holder sleeps, and B takes over
                assert write(device, 2, {"VALVE": 60.0}, peer="B")
            return 1

        outcome = await driver.write({"VALVE": 11.0}, frozen_after_it)
        assert (outcome.state, outcome.stale_epoch) == ("failed", 2)
        assert device.value("VALVE") == 60.0
        assert device.writes is not None
        assert [(each.peer, each.epoch, each.accepted) for each in device.writes] == [
            ("A", 1, True), ("B", 2, True), ("A", 1, False)
        ]  # fmt: skip
        link.abort()
        device.stop()

    async def main(loop: object) -> None:
        clock, network = SimulatedClock(asyncio.get_running_loop()), MemoryNetwork()  # type: ignore[arg-type]
        device = SimulatedModbusDevice(SPEC, clock, network)
        device.record_writes()
        await scenario(device, clock, network)

    run_simulated(main)


def test_the_scan_and_a_repeat_never_have_two_writes_under_way() -> None:
    """Promise: however many requests a device takes at once, one of them at most is a write."""

    async def main(loop: object) -> None:
        clock, network = SimulatedClock(asyncio.get_running_loop()), MemoryNetwork()  # type: ignore[arg-type]
        spec = replace(SPEC, epoch=None, limits=RequestLimits(in_flight=8))
        device = SimulatedModbusDevice(spec, clock, network)
        await device.start()
        device.set_latency(0.3)
        link = memory_link(spec, network, "A")
        driver = ModbusDriver(spec, link, clock, random.Random(1))
        await link.connect()
        most = 0

        def gate() -> int:
            nonlocal most
            connection = link._connection  # type: ignore[attr-defined]
            most = max(most, sum(pending.writes for pending in connection._pending.values()))
            return 1

        repeat = asyncio.create_task(driver._outputs.repeat.run())
        for _ in range(5):
            await asyncio.gather(*(driver.write({"VALVE": 1.0, "PUMP": 1.0}, gate) for _ in range(2)))
            await clock.sleep_until(clock.monotonic_ns() + 800_000_000)
        repeat.cancel()
        assert most == 1, "the one that is just being sent"
        link.abort()
        device.stop()

    run_simulated(main)
