"""The page on Modbus devices: its files are loaded, and its devices answer over TCP, TLS and a serial line."""

import asyncio
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest

from dcs.config.load import load_plant
from dcs.core.clock import NS_PER_MS, NS_PER_S, WallClock
from dcs.core.status import is_good
from field_io.devices.modbus_server import ModbusServer, free_port
from field_io.devices.simulated import SimulatedModbusDevice
from field_io.drivers.links.choice import WireLinks
from field_io.drivers.modbus.driver import ModbusDriver
from field_io.specs import DeviceSpec, TlsFiles
from plant_models.library import PLANTS
from tests.support.certificates import Authority

pytestmark = pytest.mark.system
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "connect-a-modbus-device.md"
WITHIN_S = 8.0


@pytest.fixture
def devices(tmp_path: Path) -> tuple[DeviceSpec, ...]:
    plant = Authority(tmp_path)
    plant.sign("controller")
    (tmp_path / "plant-ca.pem").rename(tmp_path / "ca.pem")
    for name, text in re.findall(r"```yaml\n# (\w+\.yaml)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        (tmp_path / name).write_text(text, encoding="utf-8")
    device = plant.sign("device")
    config = load_plant(tmp_path, PLANTS)
    assert {spec.protocol for spec in config.devices} == {
        "modbus-tcp",
        "modbus-rtu",
        "modbus-rtu-over-tcp",
        "modbus-tls",
    }
    return tuple(
        replace(spec, simulate=True, tls=TlsFiles(str(tmp_path / "ca.pem"), device.certificate, device.key))
        if spec.tls
        else spec
        for spec in config.devices
    ) + tuple(spec for spec in config.devices if spec.tls)


def test_every_device_of_the_page_is_read_and_written(devices: tuple[DeviceSpec, ...], tmp_path: Path) -> None:
    """Promise: what the page says works as it stands; only ports are others, and the line is a pseudo-terminal."""

    async def main() -> None:
        *theirs, ours_tls = devices
        ports = {spec.port: await free_port() for spec in theirs}
        clock, links = WallClock(), WireLinks()
        servers: dict[tuple[str, int], ModbusServer] = {}
        drivers = []
        for named in theirs:
            spec = replace(named, port=ports[named.port], timeout_ns=NS_PER_S)
            line = replace(named.serial, port=str(tmp_path / "line")) if named.serial else None
            spec = replace(spec, serial=line)
            if spec.address not in servers:
                servers[spec.address] = ModbusServer.of(spec, None)
            one = SimulatedModbusDevice(spec, clock, None, servers[spec.address])
            for at, point in enumerate(spec.points):
                if point.direction == "in":
                    one.set_value(point.name, 10.0 + at)
            asks = replace(spec, tls=ours_tls.tls) if spec.tls else spec
            drivers.append(ModbusDriver(asks, links.link(asks), clock, random.Random(1)))
        for server in servers.values():
            await server.start()
        running = [asyncio.create_task(driver.run()) for driver in drivers]
        try:
            until_ns = clock.monotonic_ns() + round(WITHIN_S * NS_PER_S)
            for driver in drivers:
                while not all(is_good(driver.read(name, clock.monotonic_ns()).status) for name in driver.names):
                    assert clock.monotonic_ns() < until_ns, driver.report()
                    await clock.sleep_until(clock.monotonic_ns() + 20 * NS_PER_MS)
                first = driver.spec.points[0].name
                assert driver.read(first, clock.monotonic_ns()).value == pytest.approx(10.0)
            outcome = await drivers[0].write({"SC-1-DEMAND": 42.5, "SC-1-RUN": 1.0}, lambda: True)
            assert outcome.ok, outcome
            assert len(servers[drivers[1].spec.address].connections) == 1, "two meters, one connection"
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            for server in servers.values():
                server.stop()
            await asyncio.sleep(0.02)

    asyncio.run(main())
