"""Our Modbus driver against devices that share no line of code with it."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dcs.core.clock import WallClock
from dcs.core.status import is_good, is_usable
from field_io.drivers.links.choice import wire_link
from field_io.drivers.modbus.driver import ModbusDriver
from field_io.specs import PointSpec
from tests.interop.foreign_devices import StartDevice, libmodbus_device, modbus_serial_device, rig
from tests.support.processes import free_port

pytestmark = [pytest.mark.interop, pytest.mark.system]

CLOCK = WallClock()


@pytest.fixture(scope="module", params=[libmodbus_device, modbus_serial_device], ids=["libmodbus", "modbus-serial"])
def start_device(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> StartDevice:
    make: Callable[[Path], StartDevice] = request.param
    return make(tmp_path_factory.mktemp("device"))


@asynccontextmanager
async def running_driver(port: int) -> AsyncIterator[ModbusDriver]:
    spec = rig(port)
    driver = ModbusDriver(spec, wire_link(spec), CLOCK, random.Random(1))
    task = asyncio.create_task(driver.run())
    try:
        yield driver
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def wait_for(condition: Callable[[], bool], within_s: float, what: str) -> float:
    """Seconds until ``condition()``; raises ``AssertionError`` naming ``what`` when it does not come."""
    start_s = time.monotonic()
    while not condition():
        assert time.monotonic() - start_s < within_s, f"{what}: not within {within_s} s"
        await asyncio.sleep(0.01)
    return time.monotonic() - start_s


def value(driver: ModbusDriver, name: str) -> float:
    return driver.read(name, CLOCK.monotonic_ns()).value


def all_good(driver: ModbusDriver) -> bool:
    return all(is_good(int(status)) for status in driver.image(CLOCK.monotonic_ns()).statuses)


def all_bad(driver: ModbusDriver) -> bool:
    return not any(is_usable(int(status)) for status in driver.image(CLOCK.monotonic_ns()).statuses)


def test_what_the_device_says_is_what_we_read(start_device: StartDevice) -> None:
    """Signed and unsigned words, floats in both word orders, bits: all of one device, all Good."""

    async def scenario(port: int) -> None:
        async with running_driver(port) as driver:
            await wait_for(lambda: all_good(driver), 3.0, "first values")
            assert value(driver, "SIGNED") == -1234.0
            assert value(driver, "UNSIGNED") == pytest.approx(432.1)
            assert value(driver, "COLDEST") == pytest.approx(-273.15, rel=1e-6)
            assert (value(driver, "RUNS"), value(driver, "STANDS")) == (1.0, 0.0)
            assert driver.report().state == "up"

    port = free_port()
    with start_device(port):
        asyncio.run(scenario(port))


def test_what_we_write_is_what_the_device_does(start_device: StartDevice) -> None:
    """The device decodes our words with its own library and answers with what it understood."""

    async def scenario(port: int) -> None:
        async with running_driver(port) as driver:
            await wait_for(lambda: all_good(driver), 3.0, "first values")
            outputs = {"VALVE": 42.5, "TRIM": -0.015625, "SETPOINT": -321.0, "PUMP": 1.0}
            outcome = await driver.write(outputs, lambda: True)
            assert outcome.ok, outcome.text
            assert set(outcome.written) == set(outputs)
            await wait_for(lambda: value(driver, "VALVE-DOUBLED") == 85.0, 1.0, "the valve's echo")
            await wait_for(lambda: value(driver, "TRIM-PLUS-1") == 0.984375, 1.0, "the trim's echo")
            await wait_for(lambda: value(driver, "SETPOINT-NEGATED") == 321.0, 1.0, "the setpoint's echo")
            await wait_for(
                lambda: {name: driver.readback(name).value for name in outputs} == outputs, 1.0, "outputs read back"
            )
            await wait_for(lambda: value(driver, "LEVEL") > 10.0, 3.0, "the tank fills")

            await driver.write({"PUMP": 0.0}, lambda: True)
            await wait_for(lambda: value(driver, "STANDS") == 1.0, 1.0, "the pump's echo")
            level_pct = value(driver, "LEVEL")
            await wait_for(lambda: value(driver, "LEVEL") < 0.8 * level_pct, 3.0, "the tank empties")

    port = free_port()
    with start_device(port):
        asyncio.run(scenario(port))


def test_nothing_reaches_the_device_through_a_closed_gate(start_device: StartDevice) -> None:
    async def scenario(port: int) -> None:
        async with running_driver(port) as driver:
            await wait_for(lambda: all_good(driver), 3.0, "first values")
            outcome = await driver.write({"VALVE": 99.0}, lambda: False)
            assert outcome.state == "refused"
            await asyncio.sleep(0.3)
            assert value(driver, "VALVE") == 0.0
            assert value(driver, "VALVE-DOUBLED") == 0.0

    port = free_port()
    with start_device(port):
        asyncio.run(scenario(port))


def test_a_device_that_dies_is_bad_in_bounded_time_and_good_again_when_it_returns(start_device: StartDevice) -> None:
    """Never a frozen value shown as good; no restart of ours needed when the device comes back."""

    async def scenario(port: int) -> None:
        async with running_driver(port) as driver:
            with start_device(port) as device:
                await wait_for(lambda: all_good(driver), 3.0, "first values")
                await driver.write({"VALVE": 50.0}, lambda: True)
                await wait_for(lambda: value(driver, "VALVE") == 50.0, 1.0, "the output stands")
                device.kill()
                bound_s = driver.spec.stale_after_ns / 1e9
                await wait_for(lambda: all_bad(driver), bound_s + 0.2, "values turn Bad")
            assert value(driver, "VALVE") == 50.0  # the last usable one, and marked as such
            assert driver.report().state != "up"
            outcome = await driver.write({"VALVE": 60.0}, lambda: True)
            assert outcome.state == "failed"
            assert outcome.text
            await asyncio.sleep(1.0)
            with start_device(port):
                await wait_for(lambda: all_good(driver), 4.0, "values turn Good again")
                assert value(driver, "VALVE") == 0.0  # a fresh device; the controller writes its outputs anew
                assert (await driver.write({"VALVE": 60.0}, lambda: True)).ok

    asyncio.run(scenario(free_port()))


def test_a_register_that_the_device_lacks_is_bad_and_does_not_spoil_the_others(start_device: StartDevice) -> None:
    """Exception 2 is an answer about one block, not about the device."""

    async def scenario(port: int) -> None:
        spec = rig(port)
        wrong = PointSpec("NOT-THERE", "input", 400, "float32")
        spec = type(spec)(
            spec.name, port=port, poll_ns=spec.poll_ns, timeout_ns=spec.timeout_ns, points=(*spec.points, wrong)
        )
        driver = ModbusDriver(spec, wire_link(spec), CLOCK, random.Random(1))
        task = asyncio.create_task(driver.run())
        try:
            await wait_for(lambda: is_good(driver.read("LEVEL", CLOCK.monotonic_ns()).status), 3.0, "first values")
            await wait_for(lambda: driver.requests > 20, 3.0, "a few rounds")
            bad = [name for name in driver.names if not is_good(driver.read(name, CLOCK.monotonic_ns()).status)]
            assert bad == ["NOT-THERE"]
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    port = free_port()
    with start_device(port):
        asyncio.run(scenario(port))
