"""Plant, devices and driver over TCP on the wall clock: what the box does without sockets, with them."""

import asyncio
import random
from collections.abc import Callable

import pytest

from dcs.core.clock import NS_PER_MS, WallClock
from dcs.core.status import STATUS_GOOD, STATUS_NO_COMM_LAST_USABLE
from field_io.devices.modbus_server import free_port
from field_io.devices.simulated import SimulatedModbusDevice, with_port
from field_io.devices.simulation import FieldSimulation
from field_io.drivers.links.choice import wire_link
from field_io.drivers.modbus.driver import ModbusDriver
from field_io.specs import DeviceSpec, PointSpec, SignalSpec
from plant_models import library as _library  # fills PLANTS
from plant_models.model import PLANTS

assert _library is not None

PUMP = SignalSpec("pump_voltage_1", 0.0, 10.0, 0.0, 100.0)
FLOW = SignalSpec("pump_flow_1", 0.0, 4e-5, 0.0, 40.0)
SPEC = DeviceSpec(
    "DRV-1",
    unit=2,
    poll_ns=50 * NS_PER_MS,
    timeout_ns=100 * NS_PER_MS,
    points=(
        PointSpec("FT-101", "input", 0, "float32", unit="cm3/s", word_order="low_first", signal=FLOW),
        PointSpec("P-101", "holding", 0, "float32", unit="%", direction="out", signal=PUMP),
    ),
)


@pytest.mark.system
def test_an_output_moves_the_plant_a_cut_is_seen_and_a_heal_as_well() -> None:
    async def main() -> None:
        clock = WallClock()
        spec = with_port(SPEC, await free_port())
        device = SimulatedModbusDevice(spec, clock)
        plant = PLANTS["quadruple_tank"].create("minimum_phase")
        simulation = FieldSimulation(plant, [device], clock, 10 * NS_PER_MS, seed=1)
        await simulation.start()
        driver = ModbusDriver(spec, wire_link(spec), clock, random.Random(1))
        tasks = [asyncio.create_task(simulation.run()), asyncio.create_task(driver.run())]

        async def until(condition: Callable[[], bool]) -> None:
            async with asyncio.timeout(5.0):
                while not condition():
                    await asyncio.sleep(0.01)

        def all_are(status: int) -> bool:
            return bool((driver.image(clock.monotonic_ns()).statuses == status).all())

        try:
            await until(lambda: all_are(STATUS_GOOD))
            before = driver.read("FT-101", clock.monotonic_ns()).value
            assert driver.readback("P-101").value == pytest.approx(30.0), "the register starts where the plant stands"
            assert (await driver.write({"P-101": 60.0}, lambda: True)).ok
            await until(lambda: driver.read("FT-101", 0).value == pytest.approx(2.0 * before))
            assert driver.report().round_trip_ms is not None
            device.cut()
            await until(lambda: all_are(STATUS_NO_COMM_LAST_USABLE))
            await device.heal()
            await until(lambda: all_are(STATUS_GOOD))
            assert driver.readback("P-101").value == 60.0
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0.01)

    asyncio.run(main())
