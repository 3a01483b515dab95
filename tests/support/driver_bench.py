"""A simulated Modbus device and its driver on every peer: over TCP, on a line, in memory, direct, from a recording."""

import asyncio
import random
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from dcs.core.clock import NS_PER_MS, NS_PER_S, Clock, WallClock
from dcs.core.simulated_time import SimulatedClock, run_simulated
from dcs.core.status import STATUS_GOOD
from field_io.devices.modbus_server import free_port
from field_io.devices.simulated import SimulatedModbusDevice, simulated_devices
from field_io.drivers.driver import FieldDriver
from field_io.drivers.links.choice import memory_link, wire_link
from field_io.drivers.links.direct import DirectLink
from field_io.drivers.links.link import LinkFaults, ModbusLink
from field_io.drivers.links.recording_link import RecordingLink
from field_io.drivers.modbus.driver import ModbusDriver
from field_io.memory_network import MemoryNetwork
from field_io.recording import RecordingFile
from field_io.specs import DeviceSpec, PointSpec, ReplaySpec, SerialLine

POINTS = (
    PointSpec("LT", "input", 0, "int16", unit="mA", scale=0.001),
    PointSpec("FT", "input", 1, "float32", unit="m3/h", word_order="low_first"),
    PointSpec("TOTAL", "input", 200, "uint64"),
    PointSpec("VALVE", "holding", 0, "float32", unit="%", direction="out"),
    PointSpec("SPEED", "holding", 2, "uint16", unit="%", scale=0.01, direction="out"),
    PointSpec("PUMP", "coil", 7, "bool", direction="out"),
    PointSpec("RUNS", "discrete", 3, "bool"),
)
POLL_NS, TIMEOUT_NS = 100 * NS_PER_MS, 60 * NS_PER_MS
SPEC = DeviceSpec("RTU-1", port=5020, poll_ns=POLL_NS, timeout_ns=TIMEOUT_NS, points=POINTS)
STALE_S = (2 * POLL_NS + TIMEOUT_NS) / NS_PER_S


def always() -> bool:
    return True


@dataclass
class Bench:
    """A device, a driver that runs, and the cable between them."""

    clock: Clock
    device: SimulatedModbusDevice
    driver: FieldDriver
    cable: LinkFaults
    replayed: bool  # the device plays what it answered before

    async def pass_s(self, seconds: float) -> None:
        await self.clock.sleep_until(self.clock.monotonic_ns() + round(seconds * NS_PER_S))

    async def until(self, done: Callable[[], bool], within_s: float = 3.0) -> None:
        for _ in range(round(within_s / 0.02)):
            if done():
                return
            await self.pass_s(0.02)
        raise AssertionError("it did not come about")

    def status(self, name: str) -> int:
        return self.driver.read(name, self.clock.monotonic_ns()).status

    def value(self, name: str) -> float:
        return self.driver.read(name, self.clock.monotonic_ns()).value


Scenario = Callable[[Bench], Awaitable[None]]
Runner = Callable[[Scenario], None]


async def _on_bench(
    scenario: Scenario, clock: Clock, make: Callable[[DeviceSpec, LinkFaults], ModbusLink], spec: DeviceSpec,
    network: MemoryNetwork | None,
) -> None:  # fmt: skip
    (device,) = simulated_devices([spec], clock, network)
    cable = LinkFaults()
    driver = ModbusDriver(spec, make(spec, cable), clock, random.Random(5), phase_ns=0, health_ns=2 * POLL_NS)
    device.set_values(("LT", "FT", "TOTAL", "RUNS"), (12.345, -7.25, 2.0**40, 1.0))
    await device.start()
    task = asyncio.create_task(driver.run())
    bench = Bench(clock, device, driver, cable, spec.replay is not None)
    try:
        await bench.until(lambda: bench.status("LT") == STATUS_GOOD)
        await scenario(bench)
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        device.stop()
        await asyncio.sleep(0.0)
        if network is not None:
            assert network.connections == 0


def _simulated(scenario: Scenario, peer: str, folder: Path, spec: DeviceSpec) -> None:
    async def main(spec: DeviceSpec, record: bool) -> None:
        clock, network = SimulatedClock(asyncio.get_running_loop()), MemoryNetwork()  # type: ignore[arg-type]

        def make(made_for: DeviceSpec, cable: LinkFaults) -> ModbusLink:
            if peer == "direct":
                return DirectLink(made_for, network, "C1A", cable)
            link = memory_link(made_for, network, "C1A", cable)
            file = RecordingFile(folder / "RTU-1.jsonl", "RTU-1", 1)
            return RecordingLink(link, file, clock) if record else link

        await _on_bench(scenario, clock, make, spec, network)

    run_simulated(lambda loop: main(spec, peer == "replay"))
    if peer == "replay":
        played = replace(spec, replay=ReplaySpec(str(folder / "RTU-1.jsonl")))
        run_simulated(lambda loop: main(played, False))


def _wire(scenario: Scenario, on: DeviceSpec, line: Path | None) -> None:
    async def main() -> None:
        if line is None:
            spec = replace(on, port=await free_port())
        else:
            spec = replace(on, protocol="modbus-rtu", serial=SerialLine(str(line), 115_200))
        await _on_bench(scenario, WallClock(), wire_link, spec, None)

    asyncio.run(main())


SYSTEM = [pytest.mark.system, pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")]


PEERS = [
    "memory",
    "direct",
    "replay",
    pytest.param("wire", marks=pytest.mark.system),
    pytest.param("line", marks=SYSTEM),
]


def run_on(peer: str, scenario: Scenario, folder: Path, spec: DeviceSpec = SPEC) -> None:
    """The scenario on one of ``PEERS``."""
    if peer in ("wire", "line"):
        _wire(scenario, spec, folder / "ttyRTU-1" if peer == "line" else None)
    else:
        _simulated(scenario, peer, folder, spec)
