"""OPC UA with software that shares no line of code with us: the npm packages of node-opcua, both ways."""

import asyncio
import json
import random
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dcs.core.clock import NS_PER_MS, WallClock
from dcs.core.status import (
    BAD,
    LAST_USABLE,
    OUT_OF_SERVICE,
    SENSOR_FAILURE,
    STATUS_GOOD,
    STATUS_NO_COMM_LAST_USABLE,
    UNCERTAIN,
    make_status,
)
from field_io.drivers.opc_ua.driver import OpcUaDriver
from field_io.drivers.opc_ua.wire.session import WireUaSession
from field_io.specs import DeviceSpec, OpcUaAccess, PointSpec
from tests.interop.foreign_devices import HERE, NODE_OPCUA, install
from tests.support.processes import Program, free_port, program
from tests.support.ua_bench import spec_of, ua_bench

pytestmark = [pytest.mark.interop, pytest.mark.system]

CLOCK = WallClock()
TYPES = {
    "LEVEL": "float64", "VALVE": "float32", "COUNT": "int16", "RUN": "bool", "NAME": "string", "NEGATED": "int32",
    "OLD": "float64", "BROKEN": "float64", "OUT": "float64",
}  # fmt: skip
OUTPUTS = ("VALVE", "COUNT", "RUN")
START_S = 30.0  # node needs a few seconds to load its packages, more on a machine that is busy


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """(node, the folder with the packages and our scripts)."""
    folder = tmp_path_factory.mktemp("node_opcua")
    found = install(folder, *NODE_OPCUA)
    for script in ("node_opcua_device.js", "node_opcua_client.js"):
        (folder / script).write_text((HERE / script).read_text(encoding="utf-8"), encoding="utf-8")
    return found, folder


def rig(port: int, access: OpcUaAccess) -> DeviceSpec:
    points = tuple(
        PointSpec(
            name, "node", type=kind, node=f"nsu=urn:interop:rig;s={name}", direction="out" if name in OUTPUTS else "in"
        )
        for name, kind in TYPES.items()
    )
    return DeviceSpec(
        "RIG", port=port, poll_ns=200 * NS_PER_MS, timeout_ns=500 * NS_PER_MS, protocol="opc-ua", points=points,
        opc_ua=access,
    )  # fmt: skip


async def with_driver(
    port: int, folder: Path, access: OpcUaAccess, work: Callable[[OpcUaDriver], Awaitable[None]]
) -> None:
    spec = rig(port, access)
    driver = OpcUaDriver(spec, WireUaSession(spec, folder, "C1A"), CLOCK, random.Random(1))
    task = asyncio.create_task(driver.run())
    try:
        await work(driver)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextmanager
def server(node: tuple[str, Path], port: int) -> Iterator[Program]:
    """Their server, ready."""
    found, folder = node
    with program([found, folder / "node_opcua_device.js", str(port), folder], folder / "device.log") as device:
        device.wait_for_port(port, START_S)
        yield device


async def until(condition: Callable[[], bool], within_s: float, what: str) -> float:
    start_s = time.monotonic()
    while not condition():
        assert time.monotonic() - start_s < within_s, f"{what}: not within {within_s} s"
        await asyncio.sleep(0.01)
    return time.monotonic() - start_s


def status(driver: OpcUaDriver, name: str) -> int:
    return driver.read(name, CLOCK.monotonic_ns()).status


def test_our_driver_with_their_server(node: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values, codes, types and refusals; signed and encrypted with their certificates; death and return."""
    monkeypatch.setenv("RIG_PASSWORD", "right")
    monkeypatch.setenv("WRONG", "wrong")
    encrypted = OpcUaAccess(
        security="sign_and_encrypt", policy="Aes256Sha256RsaPss", user="operator", password_env="RIG_PASSWORD"
    )

    async def all_good(driver: OpcUaDriver) -> None:
        await until(lambda: status(driver, "LEVEL") == STATUS_GOOD and driver._subscribed, 10.0, "first values")

    async def everything(driver: OpcUaDriver) -> None:
        await all_good(driver)
        assert [info.type for info in driver.infos] == [
            "Double", "Float", "Int16", "Boolean", "String", "Int32", "Double", "Double", "Double"
        ]  # fmt: skip
        assert driver.text("NAME") == "rig"
        assert status(driver, "OLD") == make_status(UNCERTAIN, LAST_USABLE)
        assert status(driver, "BROKEN") == make_status(BAD, SENSOR_FAILURE)
        assert status(driver, "OUT") == make_status(BAD, OUT_OF_SERVICE)
        outcome = await driver.write({"VALVE": 42.5, "COUNT": -321.0, "RUN": 1.0}, lambda: True)
        assert outcome.ok, outcome.text
        await until(lambda: driver.readback("NEGATED").value == 321.0, 2.0, "what it made of our number")
        await until(lambda: driver.readback("LEVEL").value > 15.0, 5.0, "the tank fills")
        refused = await driver.write({"VALVE": 142.5}, lambda: True)
        assert (refused.state, refused.text) == ("failed", "VALVE: the server answered BadOutOfRange")
        assert (await driver.write({"VALVE": 1.0}, lambda: False)).state == "refused"
        assert driver.readback("VALVE").value == 42.5
        assert driver.losses == 0

    async def shut_out(driver: OpcUaDriver) -> None:
        await until(lambda: driver.errors > 0, 10.0, "the refusal")
        assert driver.report().detail == "the server does not let user operator in: user or password is wrong"

    port = free_port()
    with server(node, port) as device:
        asyncio.run(with_driver(port, tmp_path, encrypted, everything))
        signed = OpcUaAccess(security="sign", policy="Basic256Sha256")
        asyncio.run(with_driver(port, tmp_path, signed, all_good))
        wrong = OpcUaAccess(user="operator", password_env="WRONG")
        asyncio.run(with_driver(port, tmp_path, wrong, shut_out))

        async def death(driver: OpcUaDriver) -> None:
            await all_good(driver)
            device.process.send_signal(signal.SIGSTOP)  # it hangs and tells nobody
            bound_s = driver.spec.stale_after_ns / 1e9
            await until(lambda: status(driver, "LEVEL") == STATUS_NO_COMM_LAST_USABLE, bound_s + 0.2, "values turn Bad")
            await asyncio.sleep(1.0)
            device.process.send_signal(signal.SIGCONT)
            await until(lambda: status(driver, "LEVEL") == STATUS_GOOD, 5.0, "values are Good again")

        asyncio.run(with_driver(port, tmp_path, OpcUaAccess(), death))


def test_their_client_with_our_device(node: tuple[str, Path], tmp_path: Path) -> None:
    """It browses the instrument, reads values, unit and range, is told of changes, and writes what it may."""

    async def scenario() -> dict[str, Any]:
        async with ua_bench(spec_of(opc_ua=OpcUaAccess(security="sign_and_encrypt")), tmp_path) as bench:
            found, folder = node
            process = await asyncio.create_subprocess_exec(
                found, str(folder / "node_opcua_client.js"), bench.spec.url, str(folder), "SignAndEncrypt",
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
            try:
                output, _ = await asyncio.wait_for(process.communicate(), START_S)
            finally:
                if process.returncode is None:
                    process.kill()
            text = output.decode()
            assert process.returncode == 0, text
            (line,) = [line for line in text.splitlines() if line.startswith("FOUND ")]
            assert bench.device.value("LV-1") == 42.5
            told: dict[str, Any] = json.loads(line.removeprefix("FOUND "))
            return told

    told = asyncio.run(scenario())
    assert {"DeviceHealth", "Manufacturer", "SerialNumber", "SignalSet"} <= set(told["root"])
    assert set(told["signals"]) >= {"LT-1", "IT-1", "LV-1", "N-1", "P-1"}
    assert {"ActualValue", "SimulationValue", "EURange", "EngineeringUnits"} <= set(told["level"])
    values = {name: told[name] for name in ("LT", "IT", "NAME", "LV", "N", "P")}
    assert values == {"LT": 1.25, "IT": 12.0, "NAME": "rig", "LV": 0, "N": 0, "P": False}
    assert told["types"] == {
        "LT": "Double", "IT": "Float", "NAME": "String", "LV": "Float", "N": "Int16", "P": "Boolean"
    }  # fmt: skip
    assert told["unit"] == [5067858, "m"]
    assert told["range"] == [0, 2]
    assert told["health"] == 0
    assert (told["written"], told["refused"], told["mistyped"]) == ("Good", "BadUserAccessDenied", "BadTypeMismatch")
    assert told["changes"][-1] == 42.5
