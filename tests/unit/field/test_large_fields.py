"""Promises of a simulated field with many devices: what one of them costs does not grow with the number of all."""

import asyncio
import itertools
import math

import pytest

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.core.simulated_time import SimulatedClock, run_simulated
from field_io.devices.output_watchdog import OutputWatchdog
from field_io.devices.simulated import PLANS_KEPT, simulated_devices
from field_io.devices.simulation import FieldSimulation
from field_io.drivers.modbus.writing import WritePlans
from field_io.memory_network import MemoryNetwork
from field_io.modbus import pdu as codes
from field_io.signal_faults import SignalFault
from field_io.signals import Transmitters
from field_io.specs import DeviceSpec, PointSpec
from plant_models.model import PLANTS
from tests.unit.field.fault_bench import level


def test_a_request_between_two_steps_looks_at_its_own_device_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0
    due_ns = OutputWatchdog.due_ns.fget
    assert due_ns is not None

    def counted(watchdog: OutputWatchdog) -> int | None:
        nonlocal looked
        looked += 1
        found: int | None = due_ns(watchdog)
        return found

    monkeypatch.setattr(OutputWatchdog, "due_ns", property(counted))

    def looks(many: int) -> float:
        async def main(loop: object) -> None:
            nonlocal looked
            clock, network = SimulatedClock(asyncio.get_running_loop()), MemoryNetwork()  # type: ignore[arg-type]
            specs = [
                DeviceSpec(
                    f"D{number}", port=5000 + number, watchdog_ns=2 * NS_PER_S,
                    points=(level(f"L{number}", 0), PointSpec(f"O{number}", "holding", 0, direction="out")),
                )
                for number in range(many)
            ]  # fmt: skip
            devices = simulated_devices(specs, clock, network)
            plant = PLANTS["quadruple_tank"].create("minimum_phase")
            simulation = FieldSimulation(plant, devices, clock, 100 * NS_PER_MS, 1)
            await simulation.start()
            await clock.sleep_until(150 * NS_PER_MS)
            simulation.advance()
            looked = 0
            for device in devices:
                device.unit.serve("C1A", b"\x04\x00\x00\x00\x01")
            simulation.stop()

        run_simulated(main)
        return looked / many

    assert looks(40) == looks(10) > 0


def test_measurements_are_made_once_a_step_and_anew_when_something_happens_to_one() -> None:
    transmitters = Transmitters([level("L1", 0, noise=0.1), level("L2", 1, 2)], 0.1, seed=1)
    transmitters.settle([0.1, 0.1])
    before = transmitters.field_values()
    assert transmitters.field_values() is before
    kept = transmitters.snapshot()
    transmitters.step([0.15, 0.15])
    stepped = transmitters.field_values()
    assert (stepped != before).all()
    transmitters.begin(1, SignalFault("bias", 2.0, 0.0, 0, 0))
    assert transmitters.field_values()[1] == pytest.approx(stepped[1] + 2.0)
    transmitters.end(1, "bias")
    assert transmitters.field_values().tolist() == stepped.tolist()
    transmitters.restore(kept)
    assert transmitters.field_values().tolist() == before.tolist()
    transmitters.draw(1)
    assert transmitters.field_values()[0] != before[0]


def test_clients_that_write_every_span_there_is_fill_no_memory() -> None:
    async def main(loop: object) -> None:
        clock, network = SimulatedClock(asyncio.get_running_loop()), MemoryNetwork()  # type: ignore[arg-type]
        points = tuple(PointSpec(f"O{at}", "holding", at, direction="out") for at in range(60))
        (device,) = simulated_devices([DeviceSpec("D", port=502, points=points)], clock, network)
        for first, last in itertools.combinations(range(60), 2):
            request = codes.write("holding", first, codes.bytes_of([last] * (last - first)))
            assert device.unit.serve("C1A", request)[0] == codes.WRITE_REGISTERS
        kept = (device._touched, device._plans, device._readings)
        assert max(map(len, kept)) <= PLANS_KEPT < math.comb(60, 2)
        assert device.value("O58") == 59.0

    run_simulated(main)


def test_outputs_that_come_and_go_fill_no_memory() -> None:
    names = [f"O{at}" for at in range(12)]
    plans = WritePlans(
        DeviceSpec("D", points=tuple(PointSpec(name, "holding", at, direction="out") for at, name in enumerate(names)))
    )
    for chosen in itertools.combinations(names, 6):
        assert sum(len(writer.names) for writer in plans.plan(chosen)) == 6
    assert len(plans._plans) <= 100 < math.comb(12, 6)
