"""Behaviours inside of the simulated field: over Modbus, on the plant's step, in its snapshot."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.core.simulated_time import SimulatedClock, run_simulated
from field_io.devices.simulated import SimulatedModbusDevice, simulated_devices
from field_io.devices.simulation import FieldSimulation
from field_io.drivers.links.choice import StreamLink, memory_link
from field_io.memory_network import MemoryNetwork
from field_io.modbus.pdu import bytes_of, words_of
from field_io.registers import decode, encode
from field_io.specs import DeviceSpec, PointSpec, SignalSpec
from plant_models import library as _library  # fills PLANTS
from plant_models.model import PLANTS
from tests.unit.config.fields_of import devices_of

assert _library is not None

STEP_NS = 100 * NS_PER_MS
FIELD = """
devices:
  V-1:
    map: generic_positioner
    port: 5020
    simulate: true
    behaviour: {type: positioner, travel: 20 s}
    points:
      V-1: {use: setpoint}
      V-1-POS: {use: position}
  P-1:
    map: generic_motor_starter
    port: 5020
    unit: 2
    simulate: true
    behaviour: {type: motor_starter, run_up: 4 s}
    points: {P-1-RUN: {use: run}}
  LT-1:
    map: generic_transmitter
    port: 5020
    unit: 3
    simulate: true
    behaviour: {type: transmitter, low: 0 cm, high: 20 cm, damping: 2 s}
    points:
      LT-1-RAW: {use: measured, unit: cm}
      LT-1: {use: value, unit: cm}
      LT-1-MIN: {use: minimum, unit: cm}
      LT-1-MAX: {use: maximum, unit: cm}
"""
SIGNALS = {
    "V-1": SignalSpec("valve_1", 0.0, 1.0, 0.0, 100.0),
    "P-1-RUN": SignalSpec("pump_voltage_1", 0.0, 10.0, 0.0, 1.0),
    "LT-1-RAW": SignalSpec("level_1", 0.0, 0.2, 0.0, 20.0, noise=0.05),
}


def specs() -> list[DeviceSpec]:
    devices, errors = devices_of(FIELD)
    assert errors == []
    return [
        replace(device, points=tuple(replace(point, signal=SIGNALS.get(point.name)) for point in device.points))
        for device in devices.values()
    ]


class World:
    def __init__(self, clock: SimulatedClock, update_ns: int, network: MemoryNetwork) -> None:
        self.clock = clock
        self.network = network
        self.specs = {spec.name: spec for spec in specs()}
        self.devices = simulated_devices(list(self.specs.values()), clock, network)
        plant = PLANTS["quadruple_tank"].create("minimum_phase")
        self.field = FieldSimulation(plant, self.devices, clock, STEP_NS, 1, update_ns)
        self.links: dict[str, StreamLink] = {}

    async def until_s(self, seconds: float) -> None:
        await self.clock.sleep_until(round(seconds * NS_PER_S))

    def point(self, device: str, name: str) -> tuple[DeviceSpec, PointSpec]:
        spec = self.specs[device]
        return spec, next(p for p in (*spec.points, *spec.untaken) if name in (p.name, p.of_map))

    async def link(self, spec: DeviceSpec) -> StreamLink:
        if spec.name not in self.links:
            self.links[spec.name] = memory_link(spec, self.network)
            await self.links[spec.name].connect()
        return self.links[spec.name]

    async def read(self, device: str, name: str) -> float:
        """Over Modbus."""
        spec, point = self.point(device, name)
        data = await (await self.link(spec)).read(point.table, point.address, point.count)
        words = list(data) if point.is_bit else words_of(data)
        return float(words[0]) if point.is_bit else decode(point, words)[0]

    async def write(self, device: str, name: str, value: float) -> None:
        spec, point = self.point(device, name)
        data = bytes([round(value)]) if point.is_bit else bytes_of(encode(point, value)[0])
        await (await self.link(spec)).write(point.table, point.address, data, lambda: True)


def in_world(story: Callable[[World], Awaitable[None]], update_ns: int = NS_PER_S) -> None:
    async def main(loop: object) -> None:
        clock = SimulatedClock(asyncio.get_running_loop())
        world = World(clock, update_ns, MemoryNetwork())
        await world.field.start()
        task = asyncio.create_task(world.field.run())
        try:
            await story(world)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            world.field.stop()

    run_simulated(main)


def test_a_valve_travels_in_the_plant_as_its_positioner_does() -> None:
    async def story(world: World) -> None:
        plant = world.field.plant
        begin = 100.0 * plant.get("valve_1")
        assert await world.read("V-1", "V-1-POS") == pytest.approx(begin)  # bumpless
        await world.write("V-1", "V-1", begin - 40.0)
        await world.until_s(4.05)  # a fifth of its travel
        shown = await world.read("V-1", "V-1-POS")
        assert shown == pytest.approx(begin - 20.0, abs=1.0)
        assert 100.0 * plant.get("valve_1") == pytest.approx(shown, abs=0.6)  # one step behind
        assert await world.read("V-1", "moving") == 1.0  # a point without a tag is served as well
        await world.until_s(10.0)
        assert await world.read("V-1", "V-1-POS") == pytest.approx(begin - 40.0)
        assert await world.read("V-1", "strokes") == 1.0

    in_world(story)


def test_a_pump_runs_up_in_the_plant() -> None:
    async def story(world: World) -> None:
        plant = world.field.plant
        begin = plant.get("pump_voltage_1")
        await world.until_s(5.0)
        assert plant.get("pump_voltage_1") == begin  # nobody has said anything
        await world.write("P-1", "P-1-RUN", 0.0)
        await world.until_s(12.0)
        assert plant.get("pump_voltage_1") == 0.0
        await world.write("P-1", "P-1-RUN", 1.0)
        await world.until_s(14.05)
        assert plant.get("pump_voltage_1") == pytest.approx(5.0, abs=0.6)
        assert await world.read("P-1", "state") == 1.0
        await world.until_s(17.0)
        world.field.advance()
        assert plant.get("pump_voltage_1") == 10.0
        assert await world.read("P-1", "running") == 1.0

    in_world(story)


def test_a_transmitter_shows_the_plant() -> None:
    async def story(world: World) -> None:
        await world.until_s(30.0)
        level_cm = 100.0 * world.field.plant.get("level_1")
        assert await world.read("LT-1", "LT-1") == pytest.approx(level_cm, abs=0.1)
        assert await world.read("LT-1", "percent") == pytest.approx(level_cm / 0.2, abs=0.5)
        assert await world.read("LT-1", "current") == pytest.approx(4.0 + 0.8 * level_cm, abs=0.1)
        assert await world.read("LT-1", "LT-1-MIN") < await world.read("LT-1", "LT-1-MAX")  # there is noise

    in_world(story)


def seen_by(update_ns: int, look_ns: int) -> list[float]:
    seen: list[float] = []

    async def story(world: World) -> None:
        async def curious() -> None:
            due_ns = 0
            while True:
                due_ns += look_ns
                await world.clock.sleep_until(due_ns)
                await world.read("LT-1", "percent")

        task = asyncio.create_task(curious())
        chance = random.Random(3)
        for number in range(1, 9):
            await world.write("V-1", "V-1", chance.uniform(0.0, 100.0))
            await world.write("P-1", "P-1-RUN", float(number % 3 > 0))
            await world.until_s(7.0 * number + 0.05)
            for device, name in (("V-1", "position"), ("P-1", "thermal_load"), ("LT-1", "LT-1"), ("LT-1", "LT-1-MAX")):
                seen.append(await world.read(device, name))
        task.cancel()

    in_world(story, update_ns)
    return seen


def test_the_numbers_do_not_depend_on_who_looks_and_how_often() -> None:
    assert seen_by(7 * NS_PER_S, 333 * NS_PER_S) == seen_by(130 * NS_PER_MS, 90 * NS_PER_MS)


def test_a_snapshot_of_the_field_holds_its_devices() -> None:
    async def story(world: World) -> None:
        await world.write("V-1", "V-1", 90.0)
        await world.write("P-1", "P-1-RUN", 0.0)
        await world.until_s(2.07)
        snapshot = world.field.snapshot()

        async def future() -> list[float]:
            begin_ns = world.clock.monotonic_ns()
            seen = []
            for number in range(1, 12):
                await world.clock.sleep_until(begin_ns + number * 730 * NS_PER_MS)
                seen += [
                    await world.read("V-1", "position"),
                    await world.read("P-1", "speed"),
                    await world.read("LT-1", "value"),
                ]
            return seen

        first = await future()
        await world.write("V-1", "V-1", 10.0)
        await world.until_s(60.0)
        world.field.restore(snapshot)
        assert await future() == first

    in_world(story)


def test_a_device_of_a_map_serves_what_nobody_takes() -> None:
    devices, _ = devices_of(
        "devices: {PM-1: {map: eastron_sdm630, simulate: true, port: 1, points: {P: {use: power_total}}}}"
    )
    device = SimulatedModbusDevice(devices["PM-1"], SimulatedClock.__new__(SimulatedClock), MemoryNetwork())
    device.set_value("PM-1.voltage_l1", 231.5)
    assert device.bank.get_words("input", 0, 2) == [0x4367, 0x8000]
