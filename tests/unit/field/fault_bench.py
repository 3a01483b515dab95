"""A small field with a driver on simulated time, for faults and instruments."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.core.simulated_time import SimulatedClock, run_simulated
from field_io.devices.simulated import SimulatedModbusDevice, simulated_devices
from field_io.devices.simulation import FieldSimulation
from field_io.drivers.links.choice import memory_link
from field_io.drivers.links.link import LinkFaults
from field_io.drivers.modbus.driver import ModbusDriver
from field_io.faults import ActiveFault, FieldFaults
from field_io.instruments import InstrumentSpec
from field_io.memory_network import MemoryNetwork
from field_io.specs import DeviceSpec, PointSpec, SignalSpec
from plant_models import library as _library  # fills PLANTS
from plant_models.model import PLANTS

assert _library is not None

STEP_NS = 100 * NS_PER_MS


def level(
    name: str,
    address: int,
    number: int = 1,
    noise: float = 0.0,
    status: str = "",
    instrument: InstrumentSpec | None = None,
) -> PointSpec:
    """A level of 0 … 20 cm as 4–20 mA in a 16-bit register."""
    signal = SignalSpec(f"level_{number}", 0.0, 0.2, 4.0, 20.0, noise, 0.5, instrument or InstrumentSpec())
    return PointSpec(name, "input", address, "int16", unit="mA", scale=0.001, signal=signal, status=status)


def flow(name: str, address: int, instrument: InstrumentSpec | None = None, type_name: str = "float32") -> PointSpec:
    """A flow of 0 … 40 cm³/s."""
    signal = SignalSpec("pump_flow_1", 0.0, 4e-5, 0.0, 40.0, 0.0, 0.0, instrument or InstrumentSpec())
    scale = 1.0 if type_name.startswith("float") else 0.01
    return PointSpec(name, "input", address, type_name, unit="cm3/s", scale=scale, signal=signal)


POINTS = (
    level("LT-1", 0, noise=0.02, status="HEALTH"),
    level("LT-2", 1, 2),
    flow("FT-1", 2),
    flow("FT-2", 4, type_name="int16"),
    PointSpec("HEALTH", "input", 5),
    PointSpec("LS-1", "discrete", 0, "bool", signal=SignalSpec("level_1", 0.0, 0.1, 0.0, 1.0)),
    PointSpec("P-1", "holding", 0, "float32", unit="%", direction="out",
              signal=SignalSpec("pump_voltage_1", 0, 10, 0, 100, 0.0, 0.5, InstrumentSpec(fails="high"))),
    PointSpec("V-1", "holding", 2, "uint16", unit="%", scale=0.01, direction="out",
              signal=SignalSpec("valve_1", 0, 1, 0, 100)),
    PointSpec("SET", "holding", 3, "uint16", direction="out"),
)  # fmt: skip


@dataclass
class Field:
    """What a test works with."""

    clock: SimulatedClock
    simulation: FieldSimulation
    device: SimulatedModbusDevice
    driver: ModbusDriver
    cable: LinkFaults
    faults: FieldFaults
    told: list[tuple[str, bool, int]]
    network: MemoryNetwork

    async def until_s(self, seconds: float) -> None:
        await self.clock.sleep_until(round(seconds * NS_PER_S))

    def value(self, name: str) -> float:
        """As the driver has it."""
        return self.driver.read(name, self.clock.monotonic_ns()).value

    def status(self, name: str) -> int:
        return self.driver.read(name, self.clock.monotonic_ns()).status

    async def trace(self, name: str, seconds: int) -> list[float]:
        """What the driver has, once a second."""
        seen = []
        start_s = self.clock.monotonic_ns() / NS_PER_S
        for second in range(1, seconds + 1):
            await self.until_s(start_s + second)
            seen.append(self.value(name))
        return seen


def in_field(story: Callable[[Field], Awaitable[None]], seed: int = 1, points: tuple[PointSpec, ...] = POINTS) -> None:
    """Run ``story``: a device RTU-1 polled each second at .5 s by C1A, and all that can fail."""

    async def main(loop: object) -> None:
        clock, network = SimulatedClock(asyncio.get_running_loop()), MemoryNetwork()  # type: ignore[arg-type]
        spec = DeviceSpec("RTU-1", port=5020, points=points, timeout_ns=300 * NS_PER_MS)
        (device,) = simulated_devices([spec], clock, network)
        plant = PLANTS["quadruple_tank"].create("minimum_phase")
        simulation = FieldSimulation(plant, [device], clock, STEP_NS, seed)
        cable = LinkFaults()
        driver = ModbusDriver(spec, memory_link(spec, network, "C1A", cable), clock, random.Random(1), NS_PER_S // 2)
        told: list[tuple[str, bool, int]] = []

        def tell(active: ActiveFault, begins: bool) -> None:
            told.append((f"{active.fault.target} {active.fault.words}", begins, clock.monotonic_ns() // NS_PER_MS))

        faults = FieldFaults(simulation.fault_targets, {"C1A>RTU-1": cable}, clock, seed, tell)
        await simulation.start()
        tasks = [asyncio.create_task(simulation.run()), asyncio.create_task(driver.run())]
        try:
            await story(Field(clock, simulation, device, driver, cable, faults, told, network))
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            faults.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            simulation.stop()

    run_simulated(main)
