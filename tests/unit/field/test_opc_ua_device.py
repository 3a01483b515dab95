"""A simulated OPC UA device: its shape (PA-DIM), its values, who may write."""

import asyncio
from typing import Any

import pytest

from dcs.core.errors import Missing
from dcs.core.simulated_time import SimulatedClock, run_simulated
from field_io.devices.opc_ua_device import SimulatedUaDevice
from field_io.devices.ua_space import Range, Unit, build_space
from field_io.ne107 import CHECK_FUNCTION, FAILURE, NORMAL, OUT_OF_SPECIFICATION
from field_io.opc_ua.network import UaNetwork
from field_io.opc_ua.refusals import ServiceRefused, SessionRefused
from field_io.opc_ua.status import CODES
from field_io.specs import OpcUaAccess
from tests.support.ua_bench import LT as AT_LT
from tests.support.ua_bench import LV as AT_LV
from tests.support.ua_bench import NS, UaBench, always, spec_of, ua_bench

LT, LV = NS + "LT", NS + "LV"


def in_memory(scenario: Any, spec: Any = None) -> None:
    async def main(loop: object) -> None:
        async with ua_bench(spec) as bench:
            await scenario(bench)

    run_simulated(main)


def test_it_is_shaped_like_a_process_instrument() -> None:
    space = build_space(spec_of(identity=((0, "Maker"), (5, "LX 100"))))
    below = {(one.parent, one.browse[1]) for one in (*space.objects.values(), *space.variables.values())}
    root, signals = NS + "RIG", NS + "RIG.SignalSet"
    for name in ("Manufacturer", "Model", "SerialNumber", "ProductCode", "DeviceHealth", "SignalSet"):
        assert (root, name) in below
    assert (signals, "LT-1") in below
    assert (NS + "RIG.SignalSet.LT-1", "AnalogSignal") in below
    assert (NS + "RIG.SignalSet.LT-1", "SignalTag") in below
    parts = ("ActualValue", "SimulationValue", "SimulationState", "EURange", "EngineeringUnits")
    for part in parts:
        assert (LT, part) in below
    assert (NS + "RIG.SignalSet.P-1", "DiscreteSignal") in below
    assert space.variables[NS + "RIG.Manufacturer"].value == "Maker"
    assert space.signal("LT-1", "EURange").value == Range(0.0, 2.0)
    assert space.signal("LT-1", "EngineeringUnits").value == Unit("m")


@pytest.mark.parametrize(("unit", "number"), [("m", 5067858), ("degC", 4408652), ("%", 20529), ("nonsense", 0)])
def test_units_have_their_unece_numbers(unit: str, number: int) -> None:
    """The letters of the common code as a number, such as CEL for degrees Celsius (OPC 10000-8, 5.6.3)."""
    assert Unit(unit).number == number


def test_a_simulated_signal_shows_its_simulation_value_and_says_so() -> None:
    async def scenario(bench: UaBench) -> None:
        device, client = bench.device, bench.session()
        await client.connect()
        base = NS + "RIG.SignalSet.LT-1.AnalogSignal."
        assert device.write(client, [(base + "SimulationValue", 0.25)]) == [0]  # type: ignore[arg-type]
        assert device.read([LT])[0].value == 1.25, "not before it is switched on"
        assert device.write(client, [(base + "SimulationState", True)]) == [0]  # type: ignore[arg-type]
        shown, actual = device.read([LT, base + "ActualValue"])
        assert (shown.value, shown.code) == (0.25, CODES["UncertainSimulatedValue"])
        assert (actual.value, device.health) == (1.25, "CHECK_FUNCTION")
        device.set_value("LT-1", 1.5)
        assert [sample.value for sample in device.read([LT, base + "ActualValue"])] == [0.25, 1.5]
        device.write(client, [(base + "SimulationState", False)])  # type: ignore[arg-type]
        (shown,) = device.read([LT])
        assert (shown.value, shown.code, device.health) == (1.5, 0, "NORMAL")

    in_memory(scenario)


@pytest.mark.parametrize(
    ("health", "code"),
    [
        (NORMAL, "Good"),
        (FAILURE, "BadDeviceFailure"),
        (CHECK_FUNCTION, "BadOutOfService"),
        (OUT_OF_SPECIFICATION, "UncertainSensorNotAccurate"),
    ],
)
def test_its_condition_marks_all_its_values_and_can_be_read(health: int, code: str) -> None:
    async def scenario(bench: UaBench) -> None:
        bench.device.set_health(health)
        bench.device.set_value("LT-1", 0.5)
        level, shown = bench.device.read([LT, NS + "RIG.DeviceHealth"])
        assert (level.code, shown.value) == (CODES[code], health)

    in_memory(scenario)


def test_a_value_that_stays_keeps_its_source_time() -> None:
    async def scenario(bench: UaBench) -> None:
        await bench.sleep(1.0)
        set_ns = bench.clock.time_ns()
        bench.device.set_value("LT-1", 0.5)
        await bench.sleep(1.0)
        bench.device.set_value("LT-1", 0.5)
        assert bench.device.read([LT])[0].source_ns == set_ns
        bench.device.set_value("LT-1", float("nan"))
        assert bench.device.value("LT-1") == 0.5

    in_memory(scenario)


def test_a_snapshot_brings_everything_back() -> None:
    async def scenario(bench: UaBench) -> None:
        kept = bench.device.snapshot()
        before = bench.device.read([LT, LV])
        bench.device.set_value("LT-1", 0.1)
        bench.device.set_value("LV-1", 77.0)
        bench.device.restore(kept)
        assert bench.device.read([LT, LV]) == before

    in_memory(scenario)


def test_two_devices_at_one_address_are_one_sentence() -> None:
    async def scenario(bench: UaBench) -> None:
        late = SimulatedUaDevice(spec_of(), bench.clock, bench.network)
        with pytest.raises(Missing, match=r"device RIG: cannot listen on 127.0.0.1:4840 .* another `port`"):
            await late.start()
        assert not late.listening

    in_memory(scenario)


@pytest.mark.parametrize("wire", [False, pytest.param(True, marks=pytest.mark.system)])
def test_with_a_user_configured_only_that_user_writes(wire: bool, tmp_path: Any, monkeypatch: Any) -> None:
    """Anonymous clients read. Nobody is an administrator, whatever the name or the password."""
    monkeypatch.setenv("RIG_PASSWORD", "right")
    monkeypatch.setenv("WRONG_PASSWORD", "wrong")
    user = OpcUaAccess(user="operator", password_env="RIG_PASSWORD")
    spec = spec_of(opc_ua=user)

    async def scenario(bench: UaBench) -> None:
        def access(opc_ua: OpcUaAccess) -> Any:
            return spec_of(opc_ua=opc_ua, port=bench.spec.port)

        anonymous = await bench.connected("nobody", spec=access(OpcUaAccess()))
        assert (await anonymous.read([AT_LT]))[0].value == 1.25
        if wire:  # the service as a whole is refused there
            with pytest.raises(ServiceRefused, match="BadUserAccessDenied"):
                await anonymous.write({AT_LV: 9.0}, always)
        else:
            assert await anonymous.write({AT_LV: 9.0}, always) == {AT_LV: CODES["BadUserAccessDenied"]}
        assert bench.device.value("LV-1") == 0.0
        known = await bench.connected("operator")
        assert await known.write({AT_LV: 9.0}, always) == {AT_LV: 0}
        for name, password in (("operator", "WRONG_PASSWORD"), ("admin", "RIG_PASSWORD"), ("admin", "")):
            stranger = bench.session("stranger", spec=access(OpcUaAccess(user=name, password_env=password)))
            with pytest.raises(SessionRefused, match=f"does not let user {name} in: user or password is wrong"):
                await stranger.connect()

    async def main(loop: object = None) -> None:
        async with ua_bench(spec, tmp_path if wire else None) as bench:
            await scenario(bench)

    if wire:
        asyncio.run(main())
    else:
        run_simulated(main)


def test_a_password_that_is_not_in_the_environment_is_one_sentence() -> None:
    async def main(loop: Any) -> None:
        spec = spec_of(opc_ua=OpcUaAccess(user="operator", password_env="NOBODY_SET_THIS"))
        device = SimulatedUaDevice(spec, SimulatedClock(loop), UaNetwork())
        with pytest.raises(Missing, match="device RIG: the environment variable NOBODY_SET_THIS"):
            await device.start()

    run_simulated(main)
