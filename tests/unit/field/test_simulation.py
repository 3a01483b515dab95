"""The simulated field: bumpless at the start, the same numbers however it is watched, and back from a snapshot."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.core.errors import ConfigError, Missing, Place
from dcs.core.simulated_time import SimulatedClock, run_simulated
from field_io.actuators import Actuators
from field_io.devices.simulated import SimulatedModbusDevice
from field_io.devices.simulation import FieldSimulation
from field_io.drivers.links.choice import StreamLink, memory_link
from field_io.faults import FieldFaults
from field_io.memory_network import MemoryNetwork
from field_io.modbus.pdu import bytes_of, words_of
from field_io.planning import plan_reads
from field_io.registers import encode
from field_io.signals import NOISE_AHEAD, Transmitters, lag_share
from field_io.specs import DeviceSpec, PointSpec, SignalSpec
from plant_models import library as _library  # fills PLANTS
from plant_models.model import PLANTS

assert _library is not None

STEP_NS = 100 * NS_PER_MS


def level(number: int, noise: float = 0.02) -> PointSpec:
    signal = SignalSpec(f"level_{number}", 0.0, 0.2, 4.0, 20.0, noise=noise, lag_s=0.5)
    return PointSpec(f"LT-10{number}", "input", number - 1, "int16", unit="mA", scale=0.001, signal=signal)


TRANSMITTERS = DeviceSpec("RTU-1", port=5020, unit=1, points=tuple(level(number) for number in (1, 2, 3, 4)))
DRIVES = DeviceSpec(
    "DRV-1",
    port=5021,
    unit=2,
    points=(
        PointSpec("FT-101", "input", 0, "float32", unit="cm3/s", signal=SignalSpec("pump_flow_1", 0, 4e-5, 0, 40)),
        PointSpec(
            "P-101",
            "holding",
            0,
            "float32",
            unit="%",
            direction="out",
            signal=SignalSpec("pump_voltage_1", 0, 10, 0, 100, lag_s=1.5),
        ),
        PointSpec("V-101", "holding", 2, direction="out", scale=0.01, signal=SignalSpec("valve_1", 0, 1, 0, 100)),
        PointSpec("SPARE", "holding", 3, direction="out"),
    ),
)


@dataclass
class Field:
    clock: SimulatedClock
    network: MemoryNetwork
    simulation: FieldSimulation
    rtu: SimulatedModbusDevice
    drives: SimulatedModbusDevice

    async def until_s(self, seconds: float) -> None:
        await self.clock.sleep_until(round(seconds * NS_PER_S))

    async def link(self, spec: DeviceSpec) -> StreamLink:
        link = memory_link(spec, self.network)
        await link.connect()
        return link

    async def watch(self, link: StreamLink) -> list[int]:
        return words_of(await link.read("input", 0, 4))

    async def demand(self, link: StreamLink, percent: float) -> None:
        words, _ = encode(DRIVES.points[1], percent)
        await link.write("holding", 0, bytes_of(words), lambda: True)


def in_field(scenario: Callable[[Field], Awaitable[None]], update_ns: int = NS_PER_S // 2, seed: int = 1) -> None:
    async def main(loop: object) -> None:
        clock = SimulatedClock(asyncio.get_running_loop())  # type: ignore[arg-type]
        network = MemoryNetwork()
        devices = [SimulatedModbusDevice(spec, clock, network) for spec in (TRANSMITTERS, DRIVES)]
        plant = PLANTS["quadruple_tank"].create("minimum_phase")
        simulation = FieldSimulation(plant, devices, clock, STEP_NS, seed, update_ns)
        await simulation.start()
        task = asyncio.create_task(simulation.run())
        try:
            await scenario(Field(clock, network, simulation, *devices))
            if task.done():
                task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            simulation.stop()

    run_simulated(main)


def test_nothing_moves_until_somebody_moves_it() -> None:
    async def scenario(field: Field) -> None:
        plant = field.simulation.plant
        start = plant.states.copy()
        assert field.drives.value("P-101") == pytest.approx(10.0 * plant.get("pump_voltage_1"))
        assert field.drives.value("V-101") == pytest.approx(100.0 * plant.get("valve_1"), abs=0.005)
        await field.until_s(600.0)
        field.simulation.advance()
        assert field.simulation.steps == 6000
        np.testing.assert_allclose(plant.states, start, rtol=1e-9)

    in_field(scenario)


def test_a_measurement_is_the_level_as_current_and_an_output_moves_the_plant() -> None:
    async def scenario(field: Field) -> None:
        link = await field.link(DRIVES)
        levels = await field.link(TRANSMITTERS)
        expected_ma = 4.0 + 16.0 * field.simulation.plant.get("level_1") / 0.2
        assert (await field.watch(levels))[0] / 1000.0 == pytest.approx(expected_ma, abs=0.1)
        await field.demand(link, 80.0)
        await field.until_s(1.5)  # one time constant of the drive
        field.simulation.advance()
        voltage_v = field.simulation.plant.get("pump_voltage_1")
        assert voltage_v == pytest.approx(3.0 + (8.0 - 3.0) * (1 - math.exp(-1.0)), abs=0.02)
        await field.until_s(60.0)
        assert (await field.watch(levels))[0] / 1000.0 > expected_ma + 1.0

    in_field(scenario)


def run_watched(update_ns: int, watch_every_ns: int, seed: int = 1) -> tuple[list[list[int]], bytes]:
    """Two minutes with two moves of a pump; what the transmitters say every 10 s, and the state at the end."""
    seen: list[list[int]] = []
    end = b""

    async def scenario(field: Field) -> None:
        nonlocal end
        link, levels = await field.link(DRIVES), await field.link(TRANSMITTERS)

        async def curious() -> None:
            due_ns, own = 0, await field.link(TRANSMITTERS)
            while True:
                due_ns += watch_every_ns
                await field.clock.sleep_until(due_ns)
                await field.watch(own)

        task = asyncio.create_task(curious())
        for number in range(1, 13):
            if number in (3, 7):
                await field.demand(link, 20.0 + number)
            await field.until_s(10.0 * number + 0.05)
            seen.append(await field.watch(levels))
        task.cancel()
        end = field.simulation.plant.snapshot()

    in_field(scenario, update_ns, seed)
    return seen, end


def test_the_numbers_do_not_depend_on_who_looks_and_how_often() -> None:
    seldom = run_watched(update_ns=7 * NS_PER_S, watch_every_ns=333 * NS_PER_S)
    often = run_watched(update_ns=130 * NS_PER_MS, watch_every_ns=90 * NS_PER_MS)
    assert seldom == often


def test_the_seed_decides_the_noise_and_nothing_else() -> None:
    first, first_end = run_watched(NS_PER_S, NS_PER_S, seed=1)
    second, second_end = run_watched(NS_PER_S, NS_PER_S, seed=2)
    assert first != second
    assert first_end == second_end
    np.testing.assert_allclose(first, second, atol=200)  # 0.2 mA: ten standard deviations


def test_a_disturbance_acts_from_its_own_instant_on_however_long_nobody_looked() -> None:
    levels_m: list[float] = []

    async def scenario(field: Field) -> None:
        await field.until_s(20.5)
        field.simulation.set_disturbance("leak_1", 2e-5)
        await field.until_s(30.0)
        field.simulation.advance()
        levels_m.append(field.simulation.plant.get("level_1"))

    in_field(scenario, update_ns=60 * NS_PER_S)
    in_field(scenario, update_ns=100 * NS_PER_MS)
    assert levels_m[0] == levels_m[1]


def test_a_disturbance_acts_from_now_on_and_a_wrong_name_is_refused() -> None:
    async def scenario(field: Field) -> None:
        await field.until_s(10.0)
        before_m = field.simulation.plant.get("level_1")
        field.simulation.set_disturbance("leak_1", 2e-5)
        await field.until_s(60.0)
        assert field.simulation.plant.get("level_1") < before_m - 0.005
        with pytest.raises(KeyError, match="it has leak_1"):
            field.simulation.set_disturbance("leak_9", 1e-6)
        with pytest.raises(ValueError, match="leak_1"):
            field.simulation.set_disturbance("leak_1", -1.0)

    in_field(scenario)


def test_a_snapshot_brings_back_the_whole_field_to_the_last_bit() -> None:
    async def scenario(field: Field) -> None:
        link, levels = await field.link(DRIVES), await field.link(TRANSMITTERS)
        await field.until_s(30.05)
        await field.demand(link, 70.0)
        await field.until_s(33.07)
        snapshot = field.simulation.snapshot()

        async def future() -> list[list[int]]:
            seen = []
            start_ns = field.clock.monotonic_ns()
            for number in range(1, 40):
                await field.clock.sleep_until(start_ns + number * 730 * NS_PER_MS)
                seen.append(await field.watch(levels))
            return seen

        first = await future()
        await field.demand(link, 0.0)
        await field.until_s(200.0)
        field.simulation.restore(snapshot)
        assert field.drives.value("P-101") == 70.0
        assert await future() == first
        assert field.simulation.snapshot() != snapshot

    in_field(scenario)


def test_a_snapshot_of_something_else_is_refused() -> None:
    async def scenario(field: Field) -> None:
        with pytest.raises(ValueError, match="not a snapshot"):
            field.simulation.restore(b"\x04\0\0\0ab{c and more")
        snapshot = field.simulation.snapshot().replace(b"RTU-1", b"RTU-9")
        with pytest.raises(ValueError, match="RTU-9"):
            field.simulation.restore(snapshot)

    in_field(scenario)


def test_a_signal_the_plant_does_not_have_is_a_configuration_error_at_its_line() -> None:
    async def main(loop: object) -> None:
        clock = SimulatedClock(asyncio.get_running_loop())  # type: ignore[arg-type]
        point = replace(level(1), signal=SignalSpec("levle_1", 0, 1, 4, 20), place=Place("field.yaml", 12))
        device = SimulatedModbusDevice(DeviceSpec("RTU-1", points=(point,)), clock, MemoryNetwork())
        plant = PLANTS["quadruple_tank"].create()
        with pytest.raises(ConfigError, match=r"field.yaml:12: LT-101: .* no .* `levle_1`. Use one of level_1"):
            FieldSimulation(plant, [device], clock, STEP_NS, 1)

    run_simulated(main)


def test_after_a_long_sleep_of_the_machine_the_plant_goes_on_from_where_it_stood() -> None:
    async def main(loop: object) -> None:
        clock = SimulatedClock(asyncio.get_running_loop())  # type: ignore[arg-type]
        simulation = FieldSimulation(PLANTS["quadruple_tank"].create(), [], clock, STEP_NS, 1)
        await clock.sleep_until(3600 * NS_PER_S)
        assert simulation.advance() == 101  # 10 s
        assert simulation.slipped_steps == 36000 - 101
        await clock.sleep_until(3601 * NS_PER_S)
        assert simulation.advance() == 10

    run_simulated(main)


def test_a_failed_start_leaves_nothing_listening() -> None:
    async def main(loop: object) -> None:
        clock = SimulatedClock(asyncio.get_running_loop())  # type: ignore[arg-type]
        network = MemoryNetwork()
        devices = [SimulatedModbusDevice(s, clock, network) for s in (TRANSMITTERS, replace(DRIVES, port=5020))]
        simulation = FieldSimulation(PLANTS["quadruple_tank"].create(), devices, clock, STEP_NS, 1)
        with pytest.raises(Missing, match="DRV-1"):
            await simulation.start()
        assert not any(device.server.listening for device in devices)

    run_simulated(main)


# --- signals --------------------------------------------------------------------------------------------------
def test_a_lag_covers_63_percent_of_a_step_in_its_time_constant_at_any_step() -> None:
    for step_s in (0.01, 0.1, 0.5):
        actuator = Actuators([replace(DRIVES.points[1], signal=SignalSpec("u", 0, 10, 0, 100, lag_s=2.0))], step_s)
        actuator.demand(0, 100.0)
        for _ in range(round(2.0 / step_s)):
            position = actuator.step()
        assert position[0] == pytest.approx(10.0 * (1 - math.exp(-1.0)), rel=1e-9)
    assert lag_share(0.1, 0.0) == 1.0


def test_an_actuator_stays_in_its_range_and_ignores_what_is_no_number() -> None:
    actuator = Actuators([DRIVES.points[1]], 0.1)
    actuator.demand(0, 250.0)
    assert actuator.targets[0] == 10.0
    actuator.demand(0, math.nan)
    assert actuator.targets[0] == 10.0
    actuator.demand(0, -3.0)
    assert actuator.targets[0] == 0.0


def test_a_current_saturates_as_ne_43_says() -> None:
    bank = Transmitters([level(1, noise=0.0), level(2, noise=0.0)], 0.1, 1)
    bank.settle(np.array([0.5, -0.5]))
    assert bank.field_values().tolist() == [20.5, 3.8]


def test_noise_has_its_size_and_each_instrument_its_own() -> None:
    points = [level(1, noise=0.05), level(2, noise=0.0), level(3, noise=0.02)]
    bank = Transmitters(points, 0.1, 5)
    bank.settle(np.full(3, 0.1))
    seen = []
    for _ in range(2000):
        bank.draw(1)
        seen.append(bank.field_values() - 12.0)
    assert np.std(seen, axis=0) == pytest.approx([0.05, 0.0, 0.02], rel=0.06, abs=1e-12)
    assert abs(np.corrcoef(np.array(seen)[:, [0, 2]].T)[0, 1]) < 0.08
    alone = Transmitters([points[2]], 0.1, 5)
    alone.settle(np.array([0.1]))
    alone.draw(2000)
    assert alone.field_values()[0] - 12.0 == pytest.approx(seen[-1][2]), "others do not change one's noise"


@pytest.mark.parametrize("steps", [0, 1, NOISE_AHEAD - 1, NOISE_AHEAD, 3 * NOISE_AHEAD + 7])
def test_noise_goes_on_where_a_snapshot_was_taken(steps: int) -> None:
    bank = Transmitters([level(1), level(2)], 0.1, 5)
    bank.draw(steps)
    other = Transmitters([level(1), level(2)], 0.1, 99)
    other.restore(bank.snapshot())
    for _ in range(NOISE_AHEAD + 3):
        assert bank.field_values().tolist() == other.field_values().tolist()
        bank.draw(1)
        other.draw(1)


# --- devices and faults ---------------------------------------------------------------------------------------
def test_a_record_of_writes_names_time_point_value_and_peer() -> None:
    async def scenario(field: Field) -> None:
        field.drives.record_writes(kept=3)
        link = await field.link(DRIVES)
        await field.until_s(5.0)
        for percent in (10.0, 20.0):
            words, _ = encode(DRIVES.points[1], percent)
            await link.write("holding", 0, bytes_of([*words, 5000]), lambda: True)
        assert field.drives.writes is not None
        assert [(w.point, w.value) for w in field.drives.writes] == [("V-101", 50.0), ("P-101", 20.0), ("V-101", 50.0)]
        assert {(w.time_ns, w.peer) for w in field.drives.writes} == {(field.clock.time_ns(), "dcs")}

    in_field(scenario)


def test_the_plant_goes_on_while_a_device_is_off_the_network() -> None:
    async def scenario(field: Field) -> None:
        link = await field.link(DRIVES)
        await field.demand(link, 90.0)
        faults = FieldFaults(field.simulation.fault_targets, {}, field.clock)
        faults.cut("RTU-1")
        before_m = field.simulation.plant.get("level_1")
        await field.until_s(60.0)
        assert field.simulation.plant.get("level_1") > before_m + 0.01
        await faults.heal("RTU-1")
        levels = await field.link(TRANSMITTERS)
        now_ma = (await field.watch(levels))[0] / 1000.0
        assert now_ma == pytest.approx(4 + 16 * field.simulation.plant.get("level_1") / 0.2, abs=0.15)

    in_field(scenario)


def test_faults_are_named_and_all_of_them_heal() -> None:
    async def scenario(field: Field) -> None:
        link = memory_link(TRANSMITTERS, field.network)
        faults = FieldFaults(field.simulation.fault_targets, {"C1A>RTU-1": link.faults}, field.clock)
        assert faults.names[-3:] == ("RTU-1", "DRV-1", "C1A>RTU-1")
        faults.cut("C1A>RTU-1")
        faults.cut("DRV-1", silent=True)
        faults.set_latency("RTU-1", 0.2)
        assert (link.faults.cut, field.drives.unit.silent, field.rtu.unit.latency_s) == (True, True, 0.2)
        await faults.heal_all()
        assert (link.faults.cut, field.drives.unit.silent, field.rtu.unit.latency_s) == (False, False, 0.0)
        with pytest.raises(KeyError, match="Did you mean RTU-1"):
            faults.cut("RTU-7")
        with pytest.raises(ConfigError, match="0 to 3600 s"):
            faults.set_latency("RTU-1", -1.0)

    in_field(scenario)


def test_a_device_longer_than_one_request_is_served_whole() -> None:
    points = tuple(PointSpec(f"P{at}", "holding", at, direction="out") for at in range(300))

    async def main(loop: object) -> None:
        clock, network = SimulatedClock(asyncio.get_running_loop()), MemoryNetwork()  # type: ignore[arg-type]
        spec = DeviceSpec("BIG", points=points)
        device = SimulatedModbusDevice(spec, clock, network)
        await device.start()
        device.set_values(tuple(p.name for p in points), [float(at) for at in range(300)])
        link = memory_link(spec, network)
        await link.connect()
        words: list[int] = []
        for block in plan_reads(points):
            words += words_of(await link.read(block.table, block.address, block.count))
        assert words == list(range(300))
        link.abort()
        device.stop()

    run_simulated(main)
