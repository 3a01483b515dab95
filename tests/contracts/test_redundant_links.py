"""What two links to one device promise together, over TCP and in memory alike, against a simulated station."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from dcs.core.clock import NS_PER_MS, Clock, WallClock
from dcs.core.errors import LinkDown
from dcs.core.simulated_time import SimulatedClock, run_simulated
from field_io.devices.modbus_server import ModbusServer, ServerConnection, free_port
from field_io.devices.station import Coupler, SimulatedStation
from field_io.drivers.gate import GateClosed
from field_io.drivers.links.choice import StreamLink, memory_link, wire_link
from field_io.drivers.links.link import DeviceRefused
from field_io.drivers.links.redundant_link import RedundantLink
from field_io.memory_network import MemoryNetwork
from field_io.modbus import pdu as codes
from field_io.specs import DeviceSpec, PointSpec, with_backups

TIMEOUT_MS = 60
HEALTH_MS = 500
POINTS = (PointSpec("LT-1", "input", 0), PointSpec("P-1", "holding", 0, direction="out"))


def always() -> bool:
    return True


@dataclass
class Bench:
    """A device with two couplers, two links to it, and what was heard."""

    clock: Clock
    device: SimulatedStation
    links: list[StreamLink]
    pair: RedundantLink
    events: list[str]
    asked: dict[str, list[int]]  # coupler -> when it was asked something

    @property
    def a(self) -> Coupler:
        return self.device.couplers[0]

    @property
    def b(self) -> Coupler:
        return self.device.couplers[1]

    async def read(self) -> int:
        return codes.words_of(await self.pair.read("input", 0, 1))[0]

    async def write(self, value: int, may_write: Callable[[], bool] = always) -> None:
        await self.pair.write("holding", 0, codes.bytes_of([value]), may_write)

    def written(self) -> list[float]:
        assert self.device.writes is not None
        return [record.value for record in self.device.writes]

    async def pass_ms(self, milliseconds: int) -> None:
        await self.clock.sleep_until(self.clock.monotonic_ns() + milliseconds * NS_PER_MS)


Scenario = Callable[[Bench], Awaitable[None]]


def _server(spec: DeviceSpec, network: MemoryNetwork | None) -> ModbusServer:
    return ModbusServer(spec.name, spec.host, spec.port, network)


async def _on_bench(network: MemoryNetwork | None, clock: Clock, scenario: Scenario) -> None:
    ports = [await free_port(), await free_port()] if network is None else [502, 503]
    spec = DeviceSpec(
        "NODE-1", port=ports[0], backup=("127.0.0.1", ports[1]), timeout_ns=TIMEOUT_MS * NS_PER_MS, points=POINTS
    )
    specs = with_backups([spec])
    device = SimulatedStation(spec, clock, network, _server(spec, network), _server(specs[1], network))
    device.record_writes()
    device.set_value("LT-1", 42.0)
    links = [memory_link(one, network, one.name) if network is not None else wire_link(one) for one in specs]
    probe = codes.read("input", 0, 1)
    rng = random.Random(1)
    pair = RedundantLink(links, [one.url for one in specs], clock, rng, probe, HEALTH_MS * NS_PER_MS, 200 * NS_PER_MS)
    events: list[str] = []
    pair.on_event = events.append
    bench = Bench(clock, device, links, pair, events, {"A": [], "B": []})
    for coupler in device.couplers:
        _listen(coupler, bench)
    await device.start()
    await pair.connect()
    watch = asyncio.create_task(pair.watch())
    try:
        await bench.pass_ms(20)
        await scenario(bench)
        if watch.done():
            watch.result()
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        pair.abort()
        device.stop()
        await asyncio.sleep(0.01)
        assert not any(coupler.server.connections for coupler in device.couplers), "a connection was left behind"
        if network is not None:
            assert network.connections == 0


def _listen(coupler: Coupler, bench: Bench) -> None:
    before = coupler.unit.before_request

    def heard(peer: str) -> None:
        bench.asked[coupler.name].append(bench.clock.monotonic_ns())
        if before is not None:
            before(peer)

    coupler.unit.before_request = heard


Runner = Callable[[Scenario], None]


@pytest.fixture(params=["memory", pytest.param("wire", marks=pytest.mark.system)])
def on_peer(request: pytest.FixtureRequest) -> Runner:
    def run(scenario: Scenario) -> None:
        if request.param == "memory":
            run_simulated(lambda loop: _on_bench(MemoryNetwork(), SimulatedClock(loop), scenario))
        else:
            asyncio.run(_on_bench(None, WallClock(), scenario))

    return run


def test_both_connections_are_up_and_the_idle_one_is_proven(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        assert [len(coupler.server.connections) for coupler in bench.device.couplers] == [1, 1]
        asked = len(bench.asked["B"])
        for _ in range(10):
            assert await bench.read() == 42
            await bench.pass_ms(120)
        assert len(bench.asked["A"]) >= 10
        assert 1 <= len(bench.asked["B"]) - asked <= 2, "the idle link is asked with its own, slow period"
        assert bench.pair.in_use.name == "A"
        assert [member.state for member in bench.pair.members] == ["up", "up"]
        assert bench.events == []

    on_peer(scenario)


def test_a_coupler_that_dies_costs_nothing(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        bench.a.cut()
        started_ns = bench.clock.monotonic_ns()
        assert await bench.read() == 42
        await bench.write(7)
        assert bench.clock.monotonic_ns() - started_ns < TIMEOUT_MS * NS_PER_MS
        assert bench.written() == [7]
        assert bench.pair.in_use.name == "B"
        assert [member.name for member in bench.pair.lost] == ["A"]
        assert len(bench.events) == 2
        assert "link A" in bench.events[0]
        assert "changed to link B" in bench.events[1]

    on_peer(scenario)


def test_a_coupler_that_falls_silent_costs_one_time_out_and_no_answer(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        bench.a.cut(silent=True)
        started_ns = bench.clock.monotonic_ns()
        assert await bench.read() == 42
        took_ms = (bench.clock.monotonic_ns() - started_ns) / NS_PER_MS
        assert TIMEOUT_MS <= took_ms < 2 * TIMEOUT_MS
        started_ns = bench.clock.monotonic_ns()
        assert await bench.read() == 42
        assert bench.clock.monotonic_ns() - started_ns < TIMEOUT_MS * NS_PER_MS, "the change is made once"
        assert bench.pair.changes == 1

    on_peer(scenario)


def test_a_link_that_comes_back_is_the_spare_and_changes_nothing(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        bench.a.cut()
        await bench.read()
        await bench.a.heal()
        await bench.pass_ms(600)
        assert [member.state for member in bench.pair.members] == ["up", "up"]
        assert "link A" in bench.events[-1]
        assert "answers again" in bench.events[-1]
        assert bench.pair.in_use.name == "B"
        assert bench.pair.changes == 1
        assert bench.pair.prefer("A"), "on command it does"
        assert bench.pair.in_use.name == "A"
        bench.b.cut()
        await bench.pass_ms(300)
        assert not bench.pair.prefer("B"), "a link that is down is not chosen"
        assert await bench.read() == 42
        assert bench.pair.in_use.name == "A"

    on_peer(scenario)


def test_a_link_that_has_just_come_back_is_tried_before_a_request_fails(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        bench.b.fail()
        await bench.pass_ms(1000)
        assert bench.pair.spare.state == "down"
        await bench.b.heal()
        bench.pair.spare.backoff.attempt_ns = bench.clock.monotonic_ns() + 10_000 * NS_PER_MS  # it is not asked yet
        bench.a.fail(silent=True)
        assert await bench.read() == 42
        await bench.write(7)
        assert (bench.pair.in_use.name, bench.written()) == ("B", [7])

    on_peer(scenario)


def test_a_spare_that_dies_is_noticed_before_it_is_needed(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        bench.b.cut(silent=True)
        await bench.pass_ms(2 * HEALTH_MS + TIMEOUT_MS + 250)
        assert [member.name for member in bench.pair.lost] == ["B"]
        assert sum("is lost" in text for text in bench.events) == 1, "told once, however often it is tried"
        assert bench.pair.changes == 0

    on_peer(scenario)


def test_a_write_without_an_answer_goes_by_the_other_link_and_asks_the_gate_again(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        asked: list[str] = []
        bench.a.cut(silent=True)

        def open_gate() -> bool:
            asked.append(bench.pair.in_use.name)
            return True

        await bench.write(9, open_gate)
        assert len(asked) == 2, "once at each send"
        assert bench.written() == [9]

    on_peer(scenario)


def test_a_gate_that_closes_meanwhile_lets_nothing_out_on_the_second_link(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        may = [True, False]
        bench.a.cut(silent=True)
        with pytest.raises(GateClosed):
            await bench.write(9, lambda: may.pop(0))
        await bench.pass_ms(50)
        assert may == []
        assert bench.written() == []
        assert bench.pair.members[1].state == "up", "a closed gate says nothing of the link"

    on_peer(scenario)


def test_a_write_that_we_dropped_is_not_sent_again(on_peer: Runner) -> None:
    """Promise: authority lost while a write is on its way: it appears on no link any more."""

    async def scenario(bench: Bench) -> None:
        bench.a.cut(silent=True)
        write = asyncio.create_task(bench.write(9))
        await bench.pass_ms(TIMEOUT_MS // 3)
        bench.pair.abort()
        with pytest.raises(LinkDown):
            await write
        await bench.pass_ms(50)
        assert bench.written() == []
        assert bench.pair.lost == (), "we dropped them: the device is not to blame"

    on_peer(scenario)


def test_with_both_links_dead_it_is_down_and_names_both(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        bench.a.cut()
        bench.b.cut()
        await bench.pass_ms(20)
        with pytest.raises(LinkDown, match=r"link A.*link B"):
            await bench.read()
        assert not bench.pair.connected
        with pytest.raises(LinkDown, match=r"link A.*link B"):
            await bench.pair.connect()
        await bench.b.heal()
        await bench.pair.connect()
        assert await bench.read() == 42
        assert bench.pair.in_use.name == "B"

    on_peer(scenario)


class _Garbage:
    def deliver(self, connection: ServerConnection, frame: bytes) -> None:
        connection.send(frame[:7] + b"\x55" * (len(frame) - 7))


def test_garbage_and_a_way_that_ends_at_the_coupler_are_reasons_to_change(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        bench.a.unit.answers = _Garbage()
        assert await bench.read() == 42
        assert bench.pair.in_use.name == "B"
        bench.a.unit.answers = None
        await bench.pass_ms(600)
        bench.b.unit.refuse_with = codes.NO_ANSWER
        assert await bench.read() == 42
        assert bench.pair.in_use.name == "A"

    on_peer(scenario)


def test_other_refusals_are_answers(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        bench.a.unit.refuse_with = codes.BUSY
        with pytest.raises(DeviceRefused, match="device busy"):
            await bench.read()
        assert bench.pair.in_use.name == "A"
        assert bench.pair.changes == 0

    on_peer(scenario)


def test_several_requests_that_die_together_change_once(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        bench.a.cut(silent=True)
        answers = await asyncio.gather(*(bench.read() for _ in range(3)))
        assert answers == [42, 42, 42]
        assert bench.pair.changes == 1
        assert bench.pair.in_use.name == "B"

    on_peer(scenario)
