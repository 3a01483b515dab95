"""Faults of OPC UA devices and of stations with couplers and cards: the same vocabulary, each in its own way."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from dcs.core.clock import NS_PER_S
from dcs.core.errors import ConfigError
from dcs.core.simulated_time import SimulatedClock, run_simulated
from field_io.devices.device import make_devices
from field_io.devices.simulation import FieldSimulation
from field_io.fault_kinds import subjects_of
from field_io.faults import FieldFaults
from field_io.memory_network import MemoryNetwork
from field_io.opc_ua.network import UaNetwork
from field_io.opc_ua.status import CODES
from field_io.specs import NODE, OPC_UA, DeviceSpec, PointSpec, SignalSpec
from field_io.station import FAILED, IN_SERVICE, STANDBY, STARTING, CardSpec, StationSpec
from plant_models.model import PLANTS
from tests.unit.field.fault_bench import STEP_NS

LEVEL = SignalSpec("level_1", 0.0, 0.2, 0.0, 20.0, noise=0.1)
UA = DeviceSpec(
    "UA-1", port=4840, protocol=OPC_UA,
    points=(PointSpec("LT-1", NODE, type="float32", unit="cm", node="nsu=urn:x;s=LT", signal=LEVEL),),
)  # fmt: skip
STATION = DeviceSpec(
    "N-1", port=5020, station=StationSpec((CardSpec(1, "AI", 4, duplex=True),)),
    points=(PointSpec("LT-2", "input", 100, "uint16", unit="cm", scale=0.001, signal=LEVEL),),
)  # fmt: skip

Story = Callable[[FieldSimulation, FieldFaults, SimulatedClock], Awaitable[None]]


def in_field(story: Story) -> None:
    async def main(loop: object) -> None:
        clock = SimulatedClock(asyncio.get_running_loop())  # type: ignore[arg-type]
        devices = make_devices([UA, STATION], clock, MemoryNetwork(), UaNetwork())
        simulation = FieldSimulation(PLANTS["quadruple_tank"].create("minimum_phase"), devices, clock, STEP_NS, 1)
        faults = FieldFaults(simulation.fault_targets, {}, clock, 1)
        await simulation.start()
        try:
            await story(simulation, faults, clock)
        finally:
            faults.close()
            simulation.stop()

    run_simulated(main)


async def after(clock: SimulatedClock, seconds: float) -> None:
    await clock.sleep_until(clock.monotonic_ns() + round(seconds * NS_PER_S))


def test_what_can_fail_is_known_before_the_start() -> None:
    async def story(simulation: FieldSimulation, faults: FieldFaults, clock: SimulatedClock) -> None:
        known = {subject.name: subject for subject in subjects_of([UA, STATION], [])}
        assert known == {subject.name: subject for subject in faults.subjects()}
        assert list(known) == ["LT-1", "UA-1", "LT-2", "N-1", "N-1.A", "N-1.S1", "N-1.S2"]
        for target, kind in (
            ("LT-1", "swapped_bytes"),
            ("UA-1", "garbage"),
            ("N-1", "clock_wrong"),
            ("N-1.S1", "silent"),
        ):
            with pytest.raises(ConfigError, match=f"{target} cannot have the fault {kind}"):
                faults.begin(target, kind, 1.0 if kind == "clock_wrong" else None)

    in_field(story)


def test_an_opc_ua_device_says_what_it_knows_and_its_clock_can_be_wrong() -> None:
    async def story(simulation: FieldSimulation, faults: FieldFaults, clock: SimulatedClock) -> None:
        device = simulation.devices[0]

        async def seen() -> tuple[int, str, int]:
            await after(clock, 0.5)
            sample = device.read(["nsu=urn:x;s=LT"])[0]  # type: ignore[attr-defined]
            return sample.code, device.health, sample.source_ns - clock.time_ns()  # type: ignore[attr-defined]

        assert await seen() == (0, "NORMAL", 0)
        faults.begin("LT-1", "open_circuit")
        assert await seen() == (CODES["BadSensorFailure"], "FAILURE", 0)
        await faults.clear_all()
        assert await seen() == (0, "NORMAL", 0)
        faults.begin("LT-1", "out_of_specification")
        assert (await seen())[:2] == (CODES["UncertainSensorNotAccurate"], "OFF_SPEC")
        await faults.clear_all()
        faults.begin("UA-1", "clock_wrong", -90)
        assert await seen() == (0, "NORMAL", -90 * NS_PER_S)
        faults.begin("UA-1", "latency", 0.2)
        faults.begin("UA-1", "disconnect")
        assert (device.listening, device.latency_s) == (False, 0.2)  # type: ignore[attr-defined]
        await faults.clear_all()
        assert (device.listening, device.latency_s) == (True, 0.0)  # type: ignore[attr-defined]
        assert await seen() == (0, "NORMAL", 0)

    in_field(story)


def test_a_card_dies_and_a_good_one_takes_its_place() -> None:
    async def story(simulation: FieldSimulation, faults: FieldFaults, clock: SimulatedClock) -> None:
        station = simulation.devices[1]

        def cards() -> tuple[int, int]:
            simulation.advance()
            return station.diagnosis().cards[1:3]  # type: ignore[attr-defined,no-any-return]

        assert cards() == (IN_SERVICE, STANDBY)
        faults.cut("N-1.S1")
        assert cards() == (FAILED, IN_SERVICE)
        assert [active.fault.kind for active in faults.active()] == ["dead"]
        kept = simulation.snapshot()
        await faults.heal("N-1.S1")
        assert cards() == (STARTING, IN_SERVICE)
        await after(clock, 60.0)
        assert cards() == (STANDBY, IN_SERVICE)
        simulation.restore(kept)
        assert cards() == (FAILED, IN_SERVICE)
        assert [active.fault.target for active in faults.active()] == ["N-1.S1"]
        faults.begin("N-1.A", "disconnect")
        assert not station.listening
        await faults.clear("N-1.A")
        assert station.listening

    in_field(story)
