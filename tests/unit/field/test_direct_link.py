"""What is peculiar to a link without messages; what it shares with all links is in tests/contracts."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from dcs.core.errors import LinkDown
from dcs.core.simulated_time import run_simulated
from field_io.devices.modbus_server import ModbusServer, ServerConnection, Unit
from field_io.drivers.links.direct import DirectLink
from field_io.drivers.links.link import DeviceRefused, LinkFaults
from field_io.memory_network import MemoryNetwork
from field_io.specs import DeviceSpec
from tests.support.raw_modbus import unit_on

SPEC = DeviceSpec("DEV", timeout_ns=200_000_000)


@dataclass
class Bench:
    network: MemoryNetwork
    server: ModbusServer
    unit: Unit
    link: DirectLink


def on_bench(scenario: Callable[[Bench], Awaitable[None]], faults: LinkFaults | None = None) -> None:
    async def main(loop: object) -> None:
        network = MemoryNetwork()
        server = ModbusServer.of(SPEC, network)
        bench = Bench(network, server, unit_on(server, 1), DirectLink(SPEC, network, "C1A", faults))
        await server.start()
        await bench.link.connect()
        try:
            await scenario(bench)
        finally:
            bench.link.abort()
            server.stop()
            await asyncio.sleep(0.0)
        assert network.connections == 0

    run_simulated(main)


def test_nothing_is_connected_and_nothing_is_sent() -> None:
    async def scenario(bench: Bench) -> None:
        assert await bench.link.read("holding", 5, 2) == bytes([0, 5, 0, 6])
        await bench.link.write("holding", 5, b"\1\2", lambda: True)
        assert bench.unit.bank.get_words("holding", 5, 1) == [0x0102]
        assert bench.network.connections == 0

    on_bench(scenario)


def test_a_device_that_was_away_between_two_requests_has_lost_the_connection() -> None:
    async def scenario(bench: Bench) -> None:
        bench.server.stop()
        await bench.server.start()
        assert not bench.link.connected
        with pytest.raises(LinkDown, match="closed by the device"):
            await bench.link.read("holding", 5, 2)
        await bench.link.connect()
        assert await bench.link.read("holding", 5, 1) == b"\0\5"

    on_bench(scenario)


def test_a_device_that_goes_away_while_it_takes_its_time_ends_the_request() -> None:
    async def scenario(bench: Bench) -> None:
        bench.unit.latency_s = 0.15
        asyncio.get_running_loop().call_later(0.05, bench.server.stop)
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(LinkDown, match="closed by the device"):
            await bench.link.read("holding", 5, 2)
        assert asyncio.get_running_loop().time() - began_s < 0.1

    on_bench(scenario)


class Swapped:
    """An answer path that exchanges the last two bytes."""

    def deliver(self, connection: ServerConnection, frame: bytes) -> None:
        connection.send(frame[:-2] + frame[:-3:-1])


def test_while_a_fault_acts_on_bytes_there_are_bytes() -> None:
    async def scenario(bench: Bench) -> None:
        bench.unit.answers = Swapped()
        assert await bench.link.read("holding", 5, 1) == b"\5\0"
        assert bench.network.connections == 1
        bench.unit.answers = None
        assert await bench.link.read("holding", 5, 1) == b"\0\5"

    on_bench(scenario)


def test_a_cable_that_drops_and_doubles_does_so_here() -> None:
    async def scenario(bench: Bench) -> None:
        served: list[str] = []
        bench.unit.before_request = served.append
        bench.link.faults.duplicate = 1.0
        await bench.link.write("holding", 5, b"\1\2", lambda: True)
        assert len(served) == 2
        bench.link.faults.drop = 1.0
        with pytest.raises(LinkDown, match="no answer within 200 ms"):
            await bench.link.read("holding", 5, 1)
        assert not bench.link.connected

    on_bench(scenario)


def test_an_address_that_does_not_exist_and_a_unit_that_is_away_are_refused() -> None:
    async def scenario(bench: Bench) -> None:
        with pytest.raises(DeviceRefused) as refused:
            await bench.link.read("holding", 99, 2)
        assert refused.value.code == 2
        bench.unit.offline = True
        with pytest.raises(DeviceRefused) as refused:
            await bench.link.read("holding", 5, 1)
        assert refused.value.code == 11

    on_bench(scenario)
