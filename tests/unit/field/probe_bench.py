"""A simulated Modbus device that writes down what it is asked and when, in memory; for the tests of probing."""

import asyncio
import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dcs.core.simulated_time import SimulatedClock, SimulatedLoop, run_simulated
from field_io.devices.modbus_server import ModbusServer, Unit
from field_io.drivers.links.choice import memory_link
from field_io.drivers.links.link import ModbusLink
from field_io.memory_network import MemoryNetwork
from field_io.onboarding.probe import Probed, ProbeOptions, Tell, probe
from field_io.onboarding.target import parse_target
from field_io.specs import DeviceSpec

HOST, PORT = "device", 502
URL = f"modbus://{HOST}:{PORT}?unit=1"


class HeardUnit(Unit):
    """Keeps (time, request). ``answer`` may answer in place of the registers; ``mute`` says what gets no answer."""

    def __init__(self, number: int, spans: dict[str, Sequence[tuple[int, int]]]) -> None:
        super().__init__("heard", number, spans)
        self.heard: list[tuple[float, bytes]] = []
        self.answer: Callable[[bytes], bytes | None] | None = None
        self.mute: Callable[[bytes], bool] | None = None
        self._swallow = False
        self.answers = self

    def deliver(self, connection: Any, frame: bytes) -> None:
        if not self._swallow:
            connection.send(frame)

    def serve(self, peer: str, request: bytes) -> bytes:
        self.heard.append((asyncio.get_running_loop().time(), request))
        self._swallow = self.mute is not None and self.mute(request)
        given = self.answer(request) if self.answer is not None else None
        return given if given is not None else super().serve(peer, request)


@dataclass
class Bench:
    """One address with its units, and a clock in simulated time."""

    loop: SimulatedLoop
    server: ModbusServer
    network: MemoryNetwork
    clock: SimulatedClock
    units: dict[int, HeardUnit] = field(default_factory=dict)

    def unit(self, number: int = 1, **spans: Sequence[tuple[int, int]]) -> HeardUnit:
        made = self.units[number] = HeardUnit(number, spans)
        self.server.units[number] = made
        return made

    def link(self, spec: DeviceSpec) -> ModbusLink:
        return memory_link(spec, self.network)

    async def probe(self, options: ProbeOptions | None = None, tell: Tell | None = None, url: str = URL) -> Probed:
        target = parse_target(url)
        return await probe(target, target.units[0], self.link, self.clock, options or ProbeOptions(), tell)


def on_bench(scenario: Callable[[Bench], Awaitable[Any]], unknown_unit: str = "refuse") -> Any:
    """Run a scenario in simulated time."""

    async def main(loop: SimulatedLoop) -> Any:
        network = MemoryNetwork()
        server = ModbusServer("device", HOST, PORT, network, unknown_unit)
        await server.start()
        try:
            return await scenario(Bench(loop, server, network, SimulatedClock(loop)))
        finally:
            server.stop()

    return run_simulated(main)


def words_in(letter: str, value: float, order: tuple[str, str]) -> list[int]:
    """A number as registers in a (word order, byte order)."""
    data = struct.pack(">" + letter, value)
    words = [data[at : at + 2] for at in range(0, len(data), 2)]
    if order[0] == "low_first":
        words.reverse()
    if order[1] == "low_first":
        words = [word[::-1] for word in words]
    return [int.from_bytes(word, "big") for word in words]
