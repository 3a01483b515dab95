"""A device, a driver and the cable between them on simulated time; what the driver tests stand on."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.core.simulated_time import SimulatedClock, run_simulated
from field_io.devices.simulated import SimulatedModbusDevice
from field_io.drivers.links.choice import StreamLink, memory_link
from field_io.drivers.links.link import LinkFaults
from field_io.drivers.modbus.driver import ModbusDriver
from field_io.memory_network import MemoryNetwork
from field_io.specs import DeviceSpec, PointSpec, PollGroup

POINTS = (
    PointSpec("LT-101", "input", 0, "int16", unit="mA", scale=0.001),
    PointSpec("FT-101", "input", 1, "float32", unit="cm3/s", word_order="low_first"),
    PointSpec("P-101", "holding", 0, "float32", unit="%", direction="out"),
    PointSpec("P-102", "holding", 2, "uint16", unit="%", scale=0.01, direction="out"),
    PointSpec("XV-101", "coil", 7, "bool", direction="out"),
)


@dataclass
class Bench:
    clock: SimulatedClock
    network: MemoryNetwork
    device: SimulatedModbusDevice
    cable: LinkFaults
    link: StreamLink
    driver: ModbusDriver
    asked_ns: list[int] = field(default_factory=list)  # when the device was asked something
    connected_ns: list[int] = field(default_factory=list)  # when a connection was tried

    async def until_s(self, seconds: float) -> None:
        await self.clock.sleep_until(round(seconds * NS_PER_S))

    def status(self, name: str) -> int:
        return self.driver.read(name, self.clock.monotonic_ns()).status


def on_bench(
    scenario: Callable[[Bench], Awaitable[None]],
    points: tuple[PointSpec, ...] = POINTS,
    poll_ns: int = NS_PER_S,
    timeout_ns: int = 500 * NS_PER_MS,
    phase_ns: int = 0,
    gap_max: int = 16,
    seed: int = 7,
    running: bool = True,
    device_points: tuple[PointSpec, ...] | None = None,
    watchdog_ns: int = 0,
    backoff_ns: int = 10 * NS_PER_S,
    polls: tuple[PollGroup, ...] = (),
) -> None:
    """Run ``scenario`` next to the driver's own task; both are gone afterwards."""

    async def main(loop: object) -> None:
        clock = SimulatedClock(asyncio.get_running_loop())  # type: ignore[arg-type]
        network = MemoryNetwork()
        spec = DeviceSpec(
            "RTU-1", port=5020, unit=1, poll_ns=poll_ns, timeout_ns=timeout_ns, points=points, gap_max=gap_max,
            watchdog_ns=watchdog_ns, backoff_ns=backoff_ns, polls=polls,
        )  # fmt: skip
        device_spec = DeviceSpec("RTU-1", port=5020, unit=1, points=device_points or points, gap_max=gap_max)
        if device_points:
            device_spec = DeviceSpec("RTU-1", port=5020, unit=1, points=device_points, gap_max=0)
        device = SimulatedModbusDevice(device_spec, clock, network)
        cable = LinkFaults()
        link = memory_link(spec, network, "C1A", cable)
        driver = ModbusDriver(spec, link, clock, random.Random(seed), phase_ns=phase_ns)
        bench = Bench(clock, network, device, cable, link, driver)
        device.on_request = lambda: bench.asked_ns.append(clock.monotonic_ns())
        connect = link.connect

        async def counted_connect() -> None:
            bench.connected_ns.append(clock.monotonic_ns())
            await connect()

        link.connect = counted_connect  # type: ignore[method-assign]
        if "LT-101" in driver.names:
            device.set_value("LT-101", 12.0)
        await device.start()
        task = asyncio.create_task(driver.run()) if running else None
        try:
            await scenario(bench)
            if task is not None and task.done():
                task.result()
        finally:
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            device.stop()

    run_simulated(main)
