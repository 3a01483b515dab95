"""Promises of what the driver writes and of how it reads: function codes, verification, on change, groups, limits."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.core.simulated_time import SimulatedClock, run_simulated
from dcs.core.status import STATUS_GOOD, STATUS_NO_COMM_LAST_USABLE
from field_io.devices.modbus_server import ModbusServer, Unit
from field_io.drivers.links.choice import memory_link
from field_io.drivers.modbus.driver import ModbusDriver
from field_io.drivers.modbus.outputs import STATUS_NOT_HELD
from field_io.memory_network import MemoryNetwork
from field_io.registers import encode_text
from field_io.specs import DeviceSpec, Forbidden, PointSpec, PollGroup, RequestLimits

OUT = PointSpec("OUT", "holding", 0, "float32", direction="out")
SPEC = DeviceSpec("DEV", timeout_ns=500 * NS_PER_MS)


def always() -> bool:
    return True


@dataclass
class Bench:
    clock: SimulatedClock
    unit: Unit
    driver: ModbusDriver
    heard: list[tuple[int, bytes]]  # (when, PDU)
    server: ModbusServer

    async def until_s(self, seconds: float) -> None:
        await self.clock.sleep_until(round(seconds * NS_PER_S))

    def value(self, name: str) -> float:
        return self.driver.read(name, self.clock.monotonic_ns()).value

    def status(self, name: str) -> int:
        return self.driver.read(name, self.clock.monotonic_ns()).status

    def codes(self, *wanted: int) -> list[tuple[float, int]]:
        return [(at / NS_PER_S, pdu[0]) for at, pdu in self.heard if pdu[0] in wanted]


def on_device(spec: DeviceSpec, scenario: Callable[[Bench], Awaitable[None]]) -> None:
    async def main(loop: object) -> None:
        clock, network = SimulatedClock(asyncio.get_running_loop()), MemoryNetwork()  # type: ignore[arg-type]
        server = ModbusServer.of(spec, network)
        spans = {table: [(0, 400)] for table in ("coil", "discrete", "input", "holding")}
        unit = server.units[spec.unit] = Unit("DEV", spec.unit, spans)
        driver = ModbusDriver(spec, memory_link(spec, network), clock, random.Random(1))
        bench = Bench(clock, unit, driver, [], server)
        serve = unit.serve

        def heard(peer: str, request: bytes) -> bytes:
            bench.heard.append((clock.monotonic_ns(), request))
            return serve(peer, request)

        unit.serve = heard  # type: ignore[method-assign]
        await server.start()
        task = asyncio.create_task(driver.run())
        try:
            await scenario(bench)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            server.stop()

    run_simulated(main)


# --- function codes -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("point", "code"),
    [
        (replace(OUT, type="uint16"), 16),
        (replace(OUT, type="uint16", write="single"), 6),
        (replace(OUT, type="uint16", write="read_write"), 23),
        (replace(OUT, table="coil", type="bool"), 15),
        (replace(OUT, table="coil", type="bool", write="single"), 5),
        (replace(OUT, type="bool", bit=3, write="masked"), 22),
    ],
)
def test_an_output_goes_out_with_the_function_code_that_its_device_wants(point: PointSpec, code: int) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.until_s(0.5)
        bench.heard.clear()
        outcome = await bench.driver.write({"OUT": 1.0}, always)
        assert (outcome.state, outcome.written) == ("written", ("OUT",))
        assert [pdu[0] for _, pdu in bench.heard] == [code]
        await bench.until_s(1.5)
        assert bench.value("OUT") == 1.0

    on_device(replace(SPEC, points=(point,)), scenario)


def test_bits_of_one_register_change_together_and_leave_their_neighbours_alone() -> None:
    bits = tuple(
        PointSpec(f"B{at}", "holding", 5, "bool", direction="out", bit=at, write="masked", verify=True)
        for at in (0, 3, 15)
    )

    async def scenario(bench: Bench) -> None:
        bench.unit.bank.set_words("holding", 5, [0b0100_0000_0101_0001])
        await bench.until_s(0.5)
        assert [bench.value(point.name) for point in bits] == [1.0, 0.0, 0.0]
        outcome = await bench.driver.write({"B0": 0.0, "B3": 1.0, "B15": 1.0}, always)
        assert outcome.ok
        assert bench.unit.bank.get_words("holding", 5, 1) == [0b1100_0000_0101_1000]
        assert len(bench.codes(22)) == 1

    on_device(replace(SPEC, points=bits), scenario)


# --- verification -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("write", ["multiple", "read_write"])
def test_what_the_device_does_not_hold_is_written_once_more_and_then_reported(write: str) -> None:
    """Promise: an output that is acknowledged and not held is no success, and its point says so until it is held."""
    point = replace(OUT, verify=True, write=write)

    async def scenario(bench: Bench) -> None:
        await bench.until_s(0.5)
        assert (await bench.driver.write({"OUT": 20.0}, always)).ok
        writes = bench.unit.bank.write
        bench.unit.bank.write = lambda table, address, data: None  # type: ignore[method-assign]
        bench.heard.clear()
        outcome = await bench.driver.write({"OUT": 50.0}, always)
        assert (outcome.state, outcome.written) == ("failed", ())
        assert outcome.text == "written 2 times, but not held: OUT"
        assert len(bench.codes(16, 23)) == 2
        await bench.until_s(1.5)
        assert bench.value("OUT") == 20.0, "what the device holds is shown, not what was asked for"
        assert bench.status("OUT") == STATUS_NOT_HELD
        assert bench.driver.report().detail == "written, but not held: OUT"
        bench.unit.bank.write = writes  # type: ignore[method-assign]
        assert (await bench.driver.write({"OUT": 50.0}, always)).ok
        await bench.until_s(2.5)
        assert (bench.value("OUT"), bench.status("OUT")) == (50.0, STATUS_GOOD)
        assert bench.driver.report().detail == ""

    on_device(replace(SPEC, points=(point,)), scenario)


@pytest.mark.parametrize(("kind", "sent", "held", "differs"), [
    ("int16", 20.0, 20, False), ("int16", 20.4, 20, False), ("int16", 20.6, 20, True), ("uint16", 7.0, 8, True),
])  # fmt: skip
def test_held_is_what_is_within_half_a_raw_count(kind: str, sent: float, held: int, differs: bool) -> None:
    point = replace(OUT, type=kind, verify=True)

    async def scenario(bench: Bench) -> None:
        await bench.until_s(0.5)
        bench.unit.after_write = lambda *_: bench.unit.bank.set_words("holding", 0, [held])
        assert (await bench.driver.write({"OUT": sent}, always)).ok != differs

    on_device(replace(SPEC, points=(point,)), scenario)


def test_a_gate_that_closes_before_the_second_attempt_stops_it() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.until_s(0.5)
        bench.unit.bank.write = lambda table, address, data: None  # type: ignore[method-assign]
        asked: list[bool] = []

        def gate() -> bool:
            asked.append(not asked)
            return asked[-1]

        assert (await bench.driver.write({"OUT": 50.0}, gate)).state == "refused"
        assert len(bench.codes(16)) == 1

    on_device(replace(SPEC, points=(replace(OUT, verify=True),)), scenario)


# --- on change ----------------------------------------------------------------------------------------------------
CHANGE = replace(SPEC, points=(OUT, replace(OUT, name="B", address=10)), write_when="change")


def test_on_change_an_output_that_stands_is_not_sent_again() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.until_s(0.5)
        for second in range(1, 20):
            outcome = await bench.driver.write({"OUT": 5.0, "B": float(second >= 10)}, always)
            assert set(outcome.written) == {"OUT", "B"}, "what stands counts as written"
            await bench.until_s(second)
        assert len(bench.codes(16)) == 2 + 1
        assert not (await bench.driver.write({"OUT": 6.0, "B": 1.0}, lambda: False)).ok, "what changed asks the gate"

    on_device(CHANGE, scenario)


@pytest.mark.parametrize("event", ["failed", "aborted", "restarted", "switched over", "unit away"])
def test_on_change_everything_is_sent_anew_when_nobody_knows_what_the_device_holds(event: str) -> None:
    """Promise: a new holder writes at once, and so does everybody after a failure: a device may have restarted."""

    async def scenario(bench: Bench) -> None:
        await bench.until_s(0.5)
        await bench.driver.write({"OUT": 5.0, "B": 1.0}, always)
        if event == "failed":
            bench.unit.refuse_with = 4
            await bench.driver.write({"OUT": 6.0, "B": 1.0}, always)
            bench.unit.refuse_with = 0
        elif event == "aborted":
            bench.driver.abort()
            await bench.until_s(2.5)
        elif event == "restarted":
            bench.server.stop()
            await bench.until_s(1.5)
            await bench.server.start()
            await bench.until_s(4.5)
        elif event == "unit away":
            bench.unit.refuse_with = 11
            await bench.until_s(2.5)
            bench.unit.refuse_with = 0
            await bench.until_s(5.5)
        else:
            bench.driver.set_polling(False)
            bench.driver.set_polling(True)
        bench.heard.clear()
        await bench.driver.write({"OUT": 5.0, "B": 1.0}, always)
        assert len(bench.codes(16)) == (1 if event == "failed" else 2)

    on_device(CHANGE, scenario)


@pytest.mark.parametrize("write_when", ["scan", "change"])
def test_a_steady_plant_for_an_hour_never_trips_a_watchdog(write_when: str) -> None:
    """Promise: every output is sent at least every half watchdog time, though nothing changes for an hour."""
    watchdog_s = 10.0
    spec = replace(CHANGE, write_when=write_when, watchdog_ns=round(watchdog_s * NS_PER_S), poll_ns=10 * NS_PER_S)

    async def scenario(bench: Bench) -> None:
        await bench.until_s(0.5)
        second = 0.5
        while second < 3600.0:
            await bench.driver.write({"OUT": 5.0, "B": 1.0}, always)
            second += 0.5
            await bench.until_s(second)
        for address in (0, 10):
            times = [at for at, pdu in bench.heard if pdu[0] == 16 and pdu[2] == address]
            gaps_s = [(b - a) / NS_PER_S for a, b in itertools.pairwise(times)]
            assert max(gaps_s) <= watchdog_s / 2
            if write_when == "change":
                assert len(times) <= 3600 / (watchdog_s / 2) + 2, "and no more often than that"

    on_device(spec, scenario)


# --- reading ------------------------------------------------------------------------------------------------------
def test_poll_groups_keep_their_own_periods_phases_and_ages() -> None:
    spec = replace(
        SPEC,
        points=(
            PointSpec("OWN", "input", 0),
            PointSpec("FAST", "input", 100, poll="fast"),
            PointSpec("SLOW", "input", 200, poll="slow"),
        ),
        polls=(PollGroup("fast", NS_PER_S // 5), PollGroup("slow", 10 * NS_PER_S, 3 * NS_PER_S)),
    )

    async def scenario(bench: Bench) -> None:
        await bench.until_s(0.001)
        assert {bench.status(name) for name in ("OWN", "FAST", "SLOW")} == {STATUS_GOOD}, "all are read at the start"
        bench.heard.clear()
        await bench.until_s(19.95)
        at = {address: [when / NS_PER_S for when, pdu in bench.heard if pdu[2] == address] for address in (0, 100, 200)}
        assert at[0] == [float(k) for k in range(1, 20)]
        assert at[100] == pytest.approx([0.2 * k for k in range(1, 100)])
        assert at[200] == [3.0, 13.0]
        bench.unit.silent = True
        await bench.until_s(20.5 + 0.4)
        assert bench.status("FAST") == STATUS_NO_COMM_LAST_USABLE
        assert bench.status("SLOW") == STATUS_GOOD
        await bench.until_s(13.0 + 20.5)
        assert bench.status("SLOW") == STATUS_NO_COMM_LAST_USABLE

    on_device(spec, scenario)


def test_several_reads_of_one_device_are_under_way_when_it_allows_it() -> None:
    points = tuple(PointSpec(f"P{at}", "input", 40 * at) for at in range(8))

    async def took_s(bench: Bench) -> float:
        bench.unit.latency_s = 0.04
        await bench.until_s(0.5)
        asked = len(bench.heard)
        start_ns = bench.clock.monotonic_ns()
        await bench.driver.poll_once()
        assert len(bench.heard) == asked + 8
        return (bench.clock.monotonic_ns() - start_ns) / NS_PER_S

    async def one(bench: Bench) -> None:
        assert await took_s(bench) == pytest.approx(8 * 0.04)

    async def four(bench: Bench) -> None:
        assert await took_s(bench) == pytest.approx(2 * 0.04)

    on_device(replace(SPEC, points=points), one)
    on_device(replace(SPEC, points=points, limits=RequestLimits(in_flight=4)), four)


def test_one_lost_connection_is_one_failure_however_many_requests_were_under_way() -> None:
    points = tuple(PointSpec(f"P{at}", "input", 40 * at) for at in range(8))

    async def scenario(bench: Bench) -> None:
        await bench.until_s(0.5)
        bench.unit.silent = True
        await bench.until_s(1.6)
        assert bench.driver.errors == 1
        assert bench.driver.state == "down"

    on_device(replace(SPEC, points=points, limits=RequestLimits(in_flight=4)), scenario)


def test_forbidden_addresses_are_never_asked_for_though_their_neighbours_are() -> None:
    points = tuple(PointSpec(f"P{at}", "holding", at) for at in (0, 4, 9))
    spec = replace(SPEC, points=points, forbidden=(Forbidden("holding", 6, 7),))

    async def scenario(bench: Bench) -> None:
        await bench.until_s(0.5)
        assert [(pdu[2], pdu[4]) for _, pdu in bench.heard] == [(0, 5), (9, 1)]

    on_device(spec, scenario)


def test_a_string_is_text_beside_the_image_and_no_number_in_it() -> None:
    name = PointSpec("NAME", "input", 4, "string", length=6)
    spec = replace(SPEC, points=(PointSpec("A", "input", 2), name, PointSpec("B", "input", 10)))

    async def scenario(bench: Bench) -> None:
        bench.unit.bank.write("input", 4, encode_text(name, "EJX110A"))
        bench.unit.bank.set_words("input", 2, [7])
        bench.unit.bank.set_words("input", 10, [9])
        await bench.until_s(0.5)
        assert dict(bench.driver.texts) == {"NAME": "EJX110A"}
        assert bench.value("NAME") != bench.value("NAME")
        assert bench.status("NAME") == STATUS_GOOD
        assert (bench.value("A"), bench.value("B")) == (7.0, 9.0)
        with pytest.raises(KeyError):
            await bench.driver.write({"NAME": 1.0}, always)

    on_device(spec, scenario)
