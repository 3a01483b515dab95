"""A station with couplers and cards, and the driver in front of it: on simulated time, without a plant."""

import asyncio
import itertools
import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.core.simulated_time import SimulatedClock, run_simulated
from dcs.core.status import BAD, GOOD, GOOD_CASCADE, IR, quality_of, sub_status_of
from field_io.devices.simulated import SimulatedModbusDevice, simulated_devices
from field_io.devices.station import SimulatedStation
from field_io.drivers.links.choice import MemoryLinks, memory_link
from field_io.drivers.links.station import RESUME_NS
from field_io.drivers.modbus.redundant import RedundantDriver, redundant_driver
from field_io.memory_network import MemoryNetwork
from field_io.specs import DIAGNOSIS, DeviceSpec, PointSpec, with_backups
from field_io.station import (
    CARD_KINDS,
    CARD_START_NS,
    DIAGNOSIS_ADDRESS,
    DIAGNOSIS_COUNT,
    FAILED,
    STARTING,
    CardSpec,
    StationSpec,
    address_of,
    diagnosis_of,
    words_of,
)

PAGE = Path(__file__).parents[3] / "docs" / "explanations" / "redundant-io.md"
AI, AO, DO = CardSpec(1, "AI", 8, duplex=True), CardSpec(3, "AO", 8, duplex=True), CardSpec(5, "DO", 8)
POINTS = (
    PointSpec("LT-1", "input", address_of(AI, 1), "float32"),
    PointSpec("LT-2", "input", address_of(AI, 2), "int16", scale=0.001),
    PointSpec("P-1", "holding", address_of(AO, 1), "float32", "out", fail_value=5.0),
    PointSpec("P-2", "holding", address_of(AO, 2), "float32", "out"),
    PointSpec("XV-1", "coil", address_of(DO, 1), "bool", "out", fail_value=0.0),
    PointSpec("XA-1", DIAGNOSIS, type="bool", node="redundancy_lost"),
    PointSpec("XA-2", DIAGNOSIS, type="bool", node="fail_action"),
    PointSpec("XA-3", DIAGNOSIS, type="bool", node="card_failed"),
)
SPEC = DeviceSpec(
    "NODE-1",
    port=5020,
    backup=("127.0.0.1", 5021),
    poll_ns=500 * NS_PER_MS,
    timeout_ns=200 * NS_PER_MS,
    watchdog_ns=2 * NS_PER_S,
    station=StationSpec((AI, AO, DO)),
    points=POINTS,
)
MEASURED = {"LT-1": 12.5, "LT-2": 7.25}


@dataclass
class Bench:
    clock: SimulatedClock
    station: SimulatedStation
    driver: RedundantDriver
    events: list[str] = field(default_factory=list)

    async def pass_s(self, seconds: float) -> None:
        await self.clock.sleep_until(self.clock.monotonic_ns() + round(seconds * NS_PER_S))

    async def write(self, **values: float) -> str:
        named = {name.replace("_", "-"): value for name, value in values.items()}
        return (await self.driver.write(named, lambda: True)).state

    def status(self, name: str) -> int:
        return self.driver.read(name, self.clock.monotonic_ns()).status

    def says(self, name: str) -> float:
        return self.driver.read(name, self.clock.monotonic_ns()).value

    def good(self, *names: str) -> bool:
        return all(quality_of(self.status(name)) == GOOD for name in names)

    def asks_to_be_followed(self, name: str) -> bool:
        return (quality_of(self.status(name)), sub_status_of(self.status(name))) == (GOOD_CASCADE, IR)

    def redundant(self) -> bool:
        """Could every part fail now?"""
        assert self.driver.pair is not None
        cards = self.station.diagnosis().cards
        return FAILED not in cards and STARTING not in cards and all(member.up for member in self.driver.pair.members)

    async def fail(self, part: str, silent: bool = False) -> None:
        self.station.parts[f"NODE-1.{part}"].cut(silent)

    async def repair(self, part: str) -> None:
        await self.station.parts[f"NODE-1.{part}"].heal()


Scenario = Callable[[Bench], Awaitable[None]]


def on_bench(scenario: Scenario, spec: DeviceSpec = SPEC) -> None:
    async def main(loop: object) -> None:
        clock = SimulatedClock(asyncio.get_running_loop())  # type: ignore[arg-type]
        network = MemoryNetwork()
        (station,) = simulated_devices([spec], clock, network)
        assert isinstance(station, SimulatedStation)
        links = [memory_link(one, network, "C1A") for one in with_backups([spec])]
        driver = redundant_driver(spec, links, clock, random.Random(1))
        bench = Bench(clock, station, driver)
        driver.on_event = bench.events.append
        for name, value in MEASURED.items():
            station.set_value(name, value)
        await station.start()
        task = asyncio.create_task(driver.run())
        try:
            await bench.pass_s(0.6)
            await scenario(bench)
            if task.done():
                task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            station.stop()
            await asyncio.sleep(0)
            assert network.connections == 0

    run_simulated(main)


# --- the property -------------------------------------------------------------------------------------------------
PARTS = ("A", "B", "S1", "S2", "S3", "S4")
failures = st.lists(
    st.tuples(st.sampled_from(PARTS), st.booleans(), st.floats(0.05, 3.0), st.floats(0.0, 1.0)), min_size=1, max_size=8
)


@settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(failures=failures)
def test_single_failures_never_turn_a_duplex_point_bad_nor_move_an_output(
    failures: list[tuple[str, bool, float, float]],
) -> None:
    """Promise: whatever fails and is repaired, one at a time, nobody in front of the points can tell."""

    async def scenario(bench: Bench) -> None:
        written = {"P-1": 40.0, "P-2": 60.0}
        moved: list[tuple[str, float]] = []
        bench.station.on_output = lambda name, value: moved.append((name, value))
        missed = 0

        async def control() -> None:
            nonlocal missed
            while True:
                written["P-1"] += 0.25
                state = await bench.write(P_1=written["P-1"], P_2=written["P-2"])
                missed += state != "written"
                assert bench.station.value("P-1") == written["P-1"]
                assert bench.station.value("P-2") == written["P-2"]
                await bench.pass_s(0.5)

        async def watch() -> None:
            while True:
                assert bench.good("LT-1", "LT-2"), bench.events
                if bench.clock.monotonic_ns() > 2 * NS_PER_S:
                    assert bench.good("P-1", "P-2"), bench.events
                assert bench.says("LT-1") == 12.5
                assert bench.says("LT-2") == 7.25
                await bench.pass_s(0.07)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(control()), group.create_task(watch())]
            await bench.pass_s(3.0)
            for part, silent, down_s, later_s in failures:
                await bench.fail(part, silent)
                await bench.pass_s(down_s)
                await bench.repair(part)
                await bench.pass_s(0.25)  # a request that was swallowed has not timed out before
                for _ in range(400):  # the next single failure comes when the redundancy is there again
                    if bench.redundant():
                        break
                    await bench.pass_s(0.05)
                else:
                    raise AssertionError(f"redundancy of {part} does not come back: {bench.events}")
                await bench.pass_s(later_s)
            for task in tasks:
                task.cancel()
        assert missed == 0, "not one write was lost"
        assert not bench.station.watchdog.record
        steps = [value for name, value in moved if name == "P-1"]
        assert max(b - a for a, b in itertools.pairwise(steps)) <= 0.25
        assert {value for name, value in moved if name == "P-2"} == {60.0}

    on_bench(scenario)


# --- cards ----------------------------------------------------------------------------------------------------------
def test_the_last_card_of_inputs_takes_its_points_and_no_others() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.fail("S1")
        await bench.pass_s(0.6)
        assert bench.good("LT-1", "LT-2")
        assert bench.says("XA-1") == 1.0
        assert bench.says("XA-3") == 1.0
        await bench.fail("S2")
        bench.station.set_value("LT-1", 99.0)
        await bench.pass_s(0.6)
        assert quality_of(bench.status("LT-1")) == BAD
        assert bench.says("LT-1") == 12.5, "what it said last"
        assert bench.good("P-1", "XV-1")
        await bench.repair("S2")
        await bench.pass_s(CARD_START_NS / NS_PER_S - 0.1)
        assert quality_of(bench.status("LT-1")) == BAD, "it tests itself"
        await bench.pass_s(0.7)
        assert bench.good("LT-1")
        texts = " / ".join(bench.events)
        assert "S1 (AI) has failed, S2 carries on" in texts
        assert "S2 (AI) has failed: its points are Bad" in texts
        assert "S2 (AI): in service" in texts

    on_bench(scenario)


def test_outputs_of_a_card_that_is_out_stand_at_their_fail_action_and_take_no_write() -> None:
    async def scenario(bench: Bench) -> None:
        moved: list[tuple[str, float]] = []
        bench.station.on_output = lambda name, value: moved.append((name, value))
        await bench.write(P_1=40.0, P_2=60.0, XV_1=1.0)
        moved.clear()
        await bench.fail("S5")
        assert moved == [("XV-1", 0.0)]
        await bench.write(P_1=41.0, P_2=60.0, XV_1=1.0)
        assert bench.station.value("XV-1") == 0.0
        assert moved[1:] == [("P-1", 41.0), ("P-2", 60.0)]
        await bench.fail("S3")
        await bench.fail("S4")
        await bench.write(P_1=42.0, P_2=61.0, XV_1=1.0)
        assert (bench.station.value("P-1"), bench.station.value("P-2")) == (5.0, 60.0), "one goes, one holds"

    on_bench(scenario)


def test_a_repaired_card_is_followed_before_it_is_led() -> None:
    """Promise: from the repair on no output moves before the controller wants what is there."""

    async def scenario(bench: Bench) -> None:
        await bench.write(P_1=40.0, P_2=60.0)
        await bench.fail("S3")
        await bench.fail("S4")
        await bench.repair("S3")
        moved: list[tuple[str, float]] = []
        bench.station.on_output = lambda name, value: moved.append((name, value))
        for _ in range(8):
            assert await bench.write(P_1=40.0, P_2=60.0) in ("written", "refused")
            assert bench.station.value("P-1") == 5.0
            await bench.pass_s(0.5)
        assert bench.asks_to_be_followed("P-1")
        assert bench.says("P-1") == 5.0
        assert {value for name, value in moved if name == "P-1"} <= {5.0}
        assert await bench.write(P_1=5.0, P_2=60.0) == "written"
        assert bench.good("P-1")
        assert await bench.write(P_1=5.5, P_2=60.0) == "written"
        assert bench.station.value("P-1") == 5.5

    on_bench(scenario)


# --- the watchdog ---------------------------------------------------------------------------------------------------
async def _silence(bench: Bench, seconds: float) -> None:
    """Nobody writes: the driver repeats nothing any more, and the couplers are dead for the time."""
    bench.station.cut()
    await bench.pass_s(seconds)
    bench.station.bring_up_to_date()
    await bench.station.heal()


def test_without_a_writer_outputs_go_to_their_fail_action_after_the_time_of_the_watchdog() -> None:
    async def scenario(bench: Bench) -> None:
        bench.station.bring_up_to_date()
        await bench.pass_s(5.0)
        assert not bench.station.watchdog.record, "armed by the first write alone"
        await bench.write(P_1=40.0, P_2=60.0, XV_1=1.0)
        written_ns = bench.clock.time_ns()
        await _silence(bench, 1.9)
        assert not bench.station.watchdog.expired
        await _silence(bench, 0.2)
        (record,) = bench.station.watchdog.record
        assert record.time_ns - written_ns == 2 * NS_PER_S
        assert record.active
        assert dict(record.values) == {"P-1": 5.0, "XV-1": 0.0}
        assert [bench.station.value(name) for name in ("P-1", "P-2", "XV-1")] == [5.0, 60.0, 0.0]

    on_bench(scenario)


def test_repeats_keep_the_watchdog_quiet_and_stop_with_the_authority() -> None:
    async def scenario(bench: Bench) -> None:
        may = True
        await bench.driver.write({"P-1": 40.0}, lambda: may)
        await bench.pass_s(20.0)
        assert not bench.station.watchdog.record
        may = False
        await bench.pass_s(3.1)
        assert [record.active for record in bench.station.watchdog.record] == [True]

    on_bench(scenario)


def test_after_a_fail_action_the_station_is_followed_first() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.write(P_1=40.0, P_2=60.0, XV_1=1.0)
        await _silence(bench, 4.0)
        moved: list[tuple[str, float]] = []
        bench.station.on_output = lambda name, value: moved.append((name, value))
        await bench.pass_s(5.0)
        assert bench.driver.state == "up"
        assert await bench.write(P_1=40.0, P_2=60.0, XV_1=1.0) == "refused"
        assert all(bench.asks_to_be_followed(name) for name in ("P-1", "P-2", "XV-1"))
        assert set(moved) <= {("P-1", 5.0), ("P-2", 60.0), ("XV-1", 0.0)}, "whatever was sent was what is there"
        assert await bench.write(P_1=5.0, P_2=60.0, XV_1=0.0) == "written"
        assert bench.good("P-1", "P-2", "XV-1")
        assert "outputs are in their fail action" in bench.events
        assert "outputs are written again" in bench.events

    on_bench(scenario)


def test_the_first_write_after_a_silence_asks_before_it_sends() -> None:
    """Promise: also where no poll has told anything yet."""

    async def scenario(bench: Bench) -> None:
        await bench.write(P_1=40.0, P_2=60.0, XV_1=1.0)
        await _silence(bench, 4.0)
        assert bench.driver.pair is not None
        await bench.driver.pair.connect()
        assert await bench.write(P_1=40.0) == "refused"
        assert bench.station.value("P-1") == 5.0

    on_bench(scenario)


def test_who_follows_nothing_has_his_way_later() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.write(P_1=40.0, P_2=60.0)
        await _silence(bench, 4.0)
        started_ns, state = bench.clock.monotonic_ns(), ""
        while state != "written":
            state = await bench.write(P_1=40.0, P_2=60.0)
            await bench.pass_s(0.2)
            assert bench.clock.monotonic_ns() - started_ns < 20 * NS_PER_S
        waited_ns = bench.clock.monotonic_ns() - started_ns
        assert waited_ns >= RESUME_NS
        assert bench.station.value("P-1") == 40.0

    on_bench(scenario)


def test_a_new_holder_asks_once_and_writes_at_once() -> None:
    """Promise: a takeover finds a station that was written a moment ago, and is not told to follow."""

    async def scenario(bench: Bench) -> None:
        bench.station.watchdog.written()
        requests = []
        before = bench.station.unit.before_request
        assert before is not None
        bench.station.unit.before_request = lambda peer: (requests.append(peer), before(peer))[1]
        assert await bench.write(P_1=40.0) == "written"
        assert len(requests) <= 2, "the diagnosis, then the write"
        assert bench.station.value("P-1") == 40.0

    on_bench(scenario)


def test_any_device_with_a_watchdog_takes_its_fail_action() -> None:
    async def main(loop: object) -> None:
        clock = SimulatedClock(asyncio.get_running_loop())  # type: ignore[arg-type]
        network = MemoryNetwork()
        points = (PointSpec("P-1", "holding", 0, "float32", "out", fail_value=5.0),)
        spec = DeviceSpec("DRV-1", port=5020, watchdog_ns=NS_PER_S, points=points)
        (device,) = simulated_devices([spec], clock, network)
        assert type(device) is SimulatedModbusDevice
        await device.start()
        link = memory_link(spec, network)
        await link.connect()
        await link.write("holding", 0, b"\x42\x20\x00\x00", lambda: True)
        assert device.value("P-1") == 40.0
        await clock.sleep_until(clock.monotonic_ns() + 3 * NS_PER_S)
        await link.read("holding", 0, 2)
        assert device.value("P-1") == 5.0
        assert device.watchdog.record[0].time_ns == clock.time_ns() - 2 * NS_PER_S, "late to be seen, told in time"
        await link.write("holding", 0, b"\x42\x20\x00\x00", lambda: True)
        assert [record.active for record in device.watchdog.record] == [True, False]
        link.abort()
        device.stop()

    run_simulated(main)


# --- what it says of itself -----------------------------------------------------------------------------------------
def test_the_diagnosis_registers_are_those_of_the_page() -> None:
    rows = dict(re.findall(r"^\| (60\d\d\d(?: \+ slot)?) \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert list(rows) == ["60000", "60001", "60002", "60003", "60010 + slot"]

    async def scenario(bench: Bench) -> None:
        await bench.write(P_1=40.0)
        await bench.fail("S1")
        await bench.fail("S5")
        await bench.repair("S5")
        await bench.fail("B")
        await bench.pass_s(0.25)
        link = memory_link(SPEC, MemoryNetwork())
        del link
        assert bench.station.couplers[0].unit.before_request is not None
        bench.station.couplers[0].unit.before_request("somebody")
        words = bench.station.bank.get_words("input", DIAGNOSIS_ADDRESS, DIAGNOSIS_COUNT)
        by_address = {DIAGNOSIS_ADDRESS + at: word for at, word in enumerate(words)}
        assert by_address[60000] == 0b1010, "coupler A is in service, B is not, a card has failed, no fail action"
        assert by_address[60001] == 1
        assert by_address[60002] == 250
        assert by_address[60003] == 2000
        assert [by_address[60010 + slot] for slot in range(1, 7)] == [3, 1, 1, 2, 4, 0]
        assert words_of(diagnosis_of(words)) == words

    on_bench(scenario)


def test_addresses_are_those_of_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for kind, card in CARD_KINDS.items():
        row = re.search(rf"^\| {kind} \| (\w+) \| (.*?)(?:,.*)? \|$", text, re.MULTILINE)
        assert row is not None
        assert row[1] == card.table
        for slot, channel in ((1, 1), (7, 16), (32, 32)):
            rule = row[2].replace("×", "*").replace("−", "-")
            assert eval(rule, {"slot": slot, "channel": channel}) == address_of(CardSpec(slot, kind), channel)


def test_a_snapshot_takes_cards_watchdog_and_held_outputs_along() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.write(P_1=40.0, P_2=60.0, XV_1=1.0)
        await bench.fail("S5")
        await bench.fail("S1")
        await bench.repair("S1")
        await bench.pass_s(0.5)
        taken = bench.station.snapshot()
        twin = SimulatedStation(replace(SPEC, port=1, backup=None), bench.clock, MemoryNetwork())
        twin.restore(taken)
        assert twin.diagnosis() == bench.station.diagnosis()._replace(couplers=(False, False))
        assert twin.due_ns == bench.station.due_ns
        await bench.pass_s(3.0)
        twin.bring_up_to_date()
        assert twin.watchdog.expired
        assert twin.diagnosis().cards[1] == 2
        assert twin.value("P-1") == 5.0
        assert twin.snapshot().keys() == taken.keys()

    on_bench(scenario)


@pytest.mark.parametrize("couplers", [True, False], ids=["two couplers, no cards", "cards, one coupler"])
def test_couplers_and_cards_come_without_each_other(couplers: bool) -> None:
    spec = replace(SPEC, station=None) if couplers else replace(SPEC, backup=None)

    async def scenario(bench: Bench) -> None:
        assert bench.good("LT-1", "P-1")
        assert await bench.write(P_1=40.0) == "written"
        assert len(bench.driver.link_reports()) == (2 if couplers else 0)
        await bench.fail("A" if couplers else "S3")
        await bench.pass_s(0.6)
        assert bench.good("LT-1", "P-1")
        assert bench.says("XA-1") == 1.0

    on_bench(scenario, spec)


def test_units_behind_a_gateway_with_two_addresses_change_together() -> None:
    """Promise: one coupler serves all units of its address, over one shared connection each."""

    async def main(loop: object) -> None:
        clock = SimulatedClock(asyncio.get_running_loop())  # type: ignore[arg-type]
        network = MemoryNetwork()
        cables = MemoryLinks(network, "C1A")
        specs = [
            replace(
                SPEC, name=f"U{unit}", unit=unit, shared=True, station=None, points=(PointSpec("LT-1", "input", 0),)
            )
            for unit in (1, 2)
        ]
        devices = simulated_devices(specs, clock, network)
        drivers = []
        for spec, device in zip(specs, devices, strict=True):
            await device.start()
            device.set_value("LT-1", 40.0 + spec.unit)
            links = [cables.link(one) for one in with_backups([spec])]
            drivers.append(redundant_driver(spec, links, clock, random.Random(1)))
        tasks = [asyncio.create_task(driver.run()) for driver in drivers]
        await clock.sleep_until(3 * NS_PER_S)
        assert network.connections == 2
        devices[0].parts["U1.A"].cut()
        for second in range(4, 9):
            now_ns = clock.monotonic_ns()
            assert [driver.read("LT-1", now_ns).value for driver in drivers] == [41.0, 42.0]
            assert all(quality_of(driver.read("LT-1", now_ns).status) == GOOD for driver in drivers)
            await clock.sleep_until(second * NS_PER_S)
        assert [driver.pair.in_use.name for driver in drivers if driver.pair] == ["B", "B"]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for device in devices:
            device.stop()
        await asyncio.sleep(0)
        assert network.connections == 0

    run_simulated(main)
