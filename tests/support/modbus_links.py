"""A simulated device, links to it and what it heard, over every transport of Modbus."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from dcs.core.simulated_time import run_simulated
from field_io.devices.modbus_server import ModbusServer, Unit, free_port
from field_io.drivers.links.choice import memory_link, wire_link
from field_io.drivers.links.direct import DirectLink
from field_io.drivers.links.link import LinkFaults, ModbusLink
from field_io.memory_network import MemoryNetwork
from field_io.specs import DeviceSpec, RequestLimits, SerialLine, TlsFiles
from tests.support.certificates import Authority

TIMEOUT_S = 0.15
SPANS = {table: [(0, 40)] for table in ("coil", "discrete", "input", "holding")}
PEERS = {
    "memory": DeviceSpec("DEV"),
    "memory in flight": DeviceSpec("DEV", limits=RequestLimits(in_flight=4)),
    "memory shared": DeviceSpec("DEV", shared=True),
    "memory line": DeviceSpec("DEV", protocol="modbus-rtu", serial=SerialLine("/dev/line")),
    "direct": DeviceSpec("DEV"),
    "wire": DeviceSpec("DEV"),
    "wire shared": DeviceSpec("DEV", shared=True),
    "wire rtu": DeviceSpec("DEV", protocol="modbus-rtu-over-tcp"),
    "wire tls": DeviceSpec("DEV", protocol="modbus-tls", tls=TlsFiles()),
    "wire line": DeviceSpec("DEV", protocol="modbus-rtu", serial=SerialLine("", 115_200)),
}
"""Every transport; those that begin with ``wire`` are real."""

LINES = ("memory line", "wire line")
"""One client alone, and nobody answers for a unit that is not there."""


@dataclass
class Bench:
    """One server and what it heard; links to it on request."""

    spec: DeviceSpec
    device: DeviceSpec  # the same as the device sees it: with its own TLS files
    server: ModbusServer
    unit: Unit
    network: MemoryNetwork | None
    requests: list[str]
    writes: list[tuple[str, str, int, int]]
    links: list[ModbusLink]
    direct: bool = False  # without messages

    def link(self, name: str = "C1A", faults: LinkFaults | None = None, spec: DeviceSpec | None = None) -> ModbusLink:
        if self.network is None:
            link: ModbusLink = wire_link(spec or self.spec, faults)
        elif self.direct:
            link = DirectLink(spec or self.spec, self.network, name, faults)
        else:
            link = memory_link(spec or self.spec, self.network, name, faults)
        self.links.append(link)
        return link

    async def connected(self, name: str = "C1A", faults: LinkFaults | None = None) -> ModbusLink:
        link = self.link(name, faults)
        await link.connect()
        return link

    async def second(self, name: str) -> tuple[ModbusServer, DeviceSpec]:
        """Another server like this one, at an address of its own, and how it is reached."""
        port = await free_port() if self.network is None else 503
        return ModbusServer.of(replace(self.device, name=name, port=port), self.network), replace(self.spec, port=port)


Scenario = Callable[[Bench], Awaitable[None]]


def unit_on(server: ModbusServer, number: int) -> Unit:
    """A unit with registers 0 to 39 in every table."""
    server.units[number] = unit = Unit(server.name, number, SPANS)
    return unit


@cache
def authority(folder: Path) -> tuple[TlsFiles, TlsFiles]:
    """TLS files of a client and of a device that trust each other."""
    plant = Authority(folder)
    client, device = plant.sign("controller"), plant.sign("device")
    return TlsFiles(plant.file, client.certificate, client.key), TlsFiles(plant.file, device.certificate, device.key)


async def _on_bench(peer: str, folder: Path, scenario: Scenario) -> None:
    network = None if peer.startswith("wire") else MemoryNetwork()
    port = await free_port() if network is None else 502
    spec = replace(PEERS[peer], port=port, unit=3, timeout_ns=round(TIMEOUT_S * 1e9))
    device = spec
    if spec.tls is not None:
        ours, theirs = authority(folder)
        spec, device = replace(spec, tls=ours), replace(spec, tls=theirs)
    if spec.serial is not None and network is None:
        spec = device = replace(spec, serial=replace(spec.serial, port=str(folder / "line")))
    server = ModbusServer.of(device, network)
    bench = Bench(spec, device, server, unit_on(server, 3), network, [], [], [], peer == "direct")
    bench.unit.before_request = bench.requests.append
    bench.unit.after_write = lambda *write: bench.writes.append(write)
    await server.start()
    try:
        await scenario(bench)
    finally:
        for link in bench.links:
            link.abort()
        server.stop()
        await asyncio.sleep(0.01)  # let sockets close
        if network is not None:
            assert network.connections == 0, "a link or the server left its end of a cable open"
            assert network.listeners == ()
        assert not server.connections


def run_on(peer: str, folder: Path, scenario: Scenario) -> None:
    """Run ``scenario`` over that transport: on simulated time in memory, on the wall clock over the wire."""
    if peer.startswith("wire"):
        asyncio.run(_on_bench(peer, folder, scenario))
    else:
        run_simulated(lambda loop: _on_bench(peer, folder, scenario))
