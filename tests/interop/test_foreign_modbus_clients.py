"""Clients that are not ours ask our simulated devices: mbpoll, libmodbus, modbus-serial and pymodbus.

Over TCP, RTU over TCP, TLS and a serial line (a pseudo-terminal). pymodbus also stands on the other side, with our
link as the client; libmodbus and modbus-serial do that in ``test_foreign_modbus_device``.
"""

import asyncio
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient, AsyncModbusTlsClient
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from dcs.core.errors import LinkDown
from field_io.devices.modbus_server import ModbusServer, Unit
from field_io.drivers.links.choice import wire_link
from field_io.drivers.links.tls import client_context
from field_io.modbus.pdu import bytes_of, words_of
from field_io.specs import DeviceSpec, SerialLine, TlsFiles
from tests.interop.foreign_devices import HERE, MODBUS_SERIAL, build_with_libmodbus, install
from tests.support.certificates import Authority
from tests.support.processes import free_port

pytestmark = [
    pytest.mark.interop,
    pytest.mark.system,
    pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals and Debian's packages are a matter of POSIX"),
]
SPANS = {table: [(0, 100)] for table in ("coil", "discrete", "input", "holding")}


# --- our devices ----------------------------------------------------------------------------------------------
@dataclass
class Places:
    """Where our simulated device can be reached."""

    tcp: int
    rtu: int  # RTU over TCP
    line: str
    units: list[Unit]

    def renew(self) -> None:
        """Values as at the start."""
        for unit in self.units:
            _fill(unit)


def _fill(unit: Unit) -> None:
    unit.bank.set_words("holding", 0, list(range(100)))
    unit.bank.set_words("input", 0, list(range(1000, 1100)))
    for table in ("coil", "discrete"):
        unit.bank.write(table, 0, bytes(at % 3 == 0 for at in range(100)))


def _serve(spec: DeviceSpec) -> tuple[ModbusServer, Unit]:
    server = ModbusServer.of(spec, None)
    server.units[1] = unit = Unit("DEV-1", 1, SPANS)
    _fill(unit)
    return server, unit


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    """One device behind three doors, in a thread of its own: the clients are other processes."""
    line = str(tmp_path_factory.mktemp("line") / "ttyDEV")
    specs = [
        DeviceSpec("TCP", port=free_port()),
        DeviceSpec("RTU", port=free_port(), protocol="modbus-rtu-over-tcp"),
        DeviceSpec("LINE", protocol="modbus-rtu", serial=SerialLine(line)),
    ]
    ready, over = threading.Event(), threading.Event()
    units: list[Unit] = []

    async def serve() -> None:
        served = [_serve(spec) for spec in specs]
        for server, unit in served:
            await server.start()
            units.append(unit)
        ready.set()
        while not over.is_set():
            await asyncio.sleep(0.02)
        for server, _ in served:
            server.stop()
        await asyncio.sleep(0.05)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(10.0)
    yield Places(specs[0].port, specs[1].port, line, units)
    over.set()
    thread.join(10.0)
    assert not Path(line).is_symlink(), "the line goes with its server"


@pytest.fixture
def places(devices: Places) -> Places:
    devices.renew()
    return devices


def run(*arguments: str | int | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=20, check=False)


# --- libmodbus ------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def libmodbus_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_with_libmodbus(HERE / "libmodbus_client.c", tmp_path_factory.mktemp("libmodbus"))


@pytest.mark.parametrize("door", ["tcp", "line"])
def test_libmodbus_finds_everything_right(libmodbus_client: Path, places: Places, door: str) -> None:
    done = run(libmodbus_client, getattr(places, door))
    assert done.returncode == 0, done.stdout + done.stderr


# --- modbus-serial --------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def modbus_serial(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("modbus_serial")
    node = install(folder, MODBUS_SERIAL)
    return node, Path(shutil.copy(HERE / "modbus_serial_client.js", folder))


@pytest.mark.parametrize("door", ["tcp", "rtu"])
def test_modbus_serial_finds_everything_right(modbus_serial: tuple[str, Path], places: Places, door: str) -> None:
    done = run(*modbus_serial, door, getattr(places, door))
    assert done.returncode == 0, done.stdout + done.stderr


# --- mbpoll ---------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def mbpoll() -> str:
    found = shutil.which("mbpoll")
    if found is None:
        pytest.skip("mbpoll is not installed (Debian: apt-get install mbpoll)")
    return found


def doors(places: Places) -> list[list[str]]:
    """mbpoll's options for each door."""
    return [["-m", "tcp", "-p", str(places.tcp), "127.0.0.1"], ["-m", "rtu", "-b", "19200", "-P", "even", places.line]]


def asked(mbpoll: str, door: list[str], *options: str, write: tuple[str, ...] = ()) -> list[str]:
    """What mbpoll prints as values."""
    done = run(mbpoll, "-0", "-1", "-q", "-o", "1.0", *options, *door, *(("--", *write) if write else ()))
    assert done.returncode == 0, done.stdout + done.stderr
    return [value.split()[0] for value in re.findall(r"^\[\d+\]:\s+(.*)$", done.stdout, re.MULTILINE)]


@pytest.mark.parametrize("door", [0, 1], ids=["TCP", "line"])
def test_mbpoll_reads_all_tables_and_types_and_writes_them(mbpoll: str, places: Places, door: int) -> None:
    unit, way = places.units[2 * door], doors(places)[door]
    assert asked(mbpoll, way, "-t", "4", "-r", "5", "-c", "3") == ["5", "6", "7"]
    assert asked(mbpoll, way, "-t", "3", "-r", "98", "-c", "2") == ["1098", "1099"]
    assert asked(mbpoll, way, "-t", "0", "-r", "3", "-c", "4") == ["1", "0", "0", "1"]
    assert asked(mbpoll, way, "-t", "1", "-r", "0", "-c", "3") == ["1", "0", "0"]
    unit.bank.write("holding", 40, bytes.fromhex("41460000 FFFFFFFE"))
    assert asked(mbpoll, way, "-t", "4:float", "-B", "-r", "40", "-c", "1") == ["12.375"]
    assert asked(mbpoll, way, "-t", "4:int", "-B", "-r", "42", "-c", "1") == ["-2"]
    asked(mbpoll, way, "-t", "4", "-r", "10", write=("77", "78"))
    assert unit.bank.get_words("holding", 9, 4) == [9, 77, 78, 12]
    asked(mbpoll, way, "-t", "4:float", "-B", "-r", "50", write=("-2.5",))
    assert unit.bank.read("holding", 50, 2).hex() == "c0200000"
    asked(mbpoll, way, "-t", "0", "-r", "20", write=("1", "1", "0"))
    assert unit.bank.read("coil", 20, 3) == b"\1\1\0"


def test_mbpoll_is_told_what_is_wrong(mbpoll: str, places: Places) -> None:
    done = run(mbpoll, "-0", "-1", "-q", "-t", "4", "-r", "99", "-c", "2", *doors(places)[0])
    assert "Illegal data address" in done.stdout + done.stderr
    done = run(mbpoll, "-0", "-1", "-q", "-a", "9", "-t", "4", "-r", "0", "-c", "1", *doors(places)[0])
    assert "Target device failed to respond" in done.stdout + done.stderr


# --- pymodbus: asks us ----------------------------------------------------------------------------------------
async def _everything(client: Any) -> None:
    assert await client.connect()
    assert (await client.read_holding_registers(5, count=3, device_id=1)).registers == [5, 6, 7]
    assert (await client.read_input_registers(0, count=100, device_id=1)).registers == list(range(1000, 1100))
    assert (await client.read_coils(0, count=4, device_id=1)).bits[:4] == [True, False, False, True]
    assert (await client.read_discrete_inputs(2, count=2, device_id=1)).bits[:2] == [False, True]
    assert not (await client.write_registers(20, [7, 8], device_id=1)).isError()
    assert not (await client.write_register(22, 9, device_id=1)).isError()
    assert not (await client.write_coils(20, [True, True, False], device_id=1)).isError()
    assert not (await client.write_coil(23, True, device_id=1)).isError()
    assert (await client.read_holding_registers(20, count=3, device_id=1)).registers == [7, 8, 9]
    assert (await client.read_coils(20, count=4, device_id=1)).bits[:4] == [True, True, False, True]
    both = await client.readwrite_registers(read_address=30, read_count=3, write_address=31, values=[5, 6], device_id=1)
    assert both.registers == [30, 5, 6]
    assert not (await client.mask_write_register(address=22, and_mask=0xFFF0, or_mask=0x4, device_id=1)).isError()
    assert (await client.read_holding_registers(22, count=1, device_id=1)).registers == [4]
    found = await client.read_device_information(read_code=1, object_id=0, device_id=1)
    assert found.information[0] == b"DCS emulator"
    assert (await client.read_holding_registers(99, count=2, device_id=1)).exception_code == 2
    client.close()


@pytest.mark.parametrize("door", ["tcp", "rtu", "line"])
def test_pymodbus_finds_everything_right(places: Places, door: str) -> None:
    async def main() -> None:
        client: Any
        if door == "line":
            client = AsyncModbusSerialClient(places.line, baudrate=19_200, timeout=2.0)
        else:
            framer = FramerType.SOCKET if door == "tcp" else FramerType.RTU
            client = AsyncModbusTcpClient("127.0.0.1", port=getattr(places, door), framer=framer, timeout=2.0)
        await _everything(client)

    asyncio.run(main())


# --- TLS, both sides ------------------------------------------------------------------------------------------
def _files(authority: Authority, name: str) -> TlsFiles:
    signed = authority.sign(name)
    return TlsFiles(authority.file, signed.certificate, signed.key)


async def _read_once(spec: DeviceSpec) -> bytes:
    link = wire_link(spec)
    try:
        await link.connect()
        return await link.read("holding", 5, 2)
    finally:
        link.abort()


def test_over_tls_whoever_has_a_certificate_gets_in_and_nobody_else(tmp_path: Path) -> None:
    plant, elsewhere = Authority(tmp_path), Authority(tmp_path, "elsewhere")
    files = {name: _files(plant, name) for name in ("device", "client")}
    files["stranger"] = replace(_files(elsewhere, "stranger"), ca=plant.file)

    async def main() -> None:
        spec = DeviceSpec("TLS", port=free_port(), protocol="modbus-tls", tls=files["device"], timeout_ns=2_000_000_000)
        server, _ = _serve(spec)
        await server.start()
        context = client_context(files["client"])
        await _everything(AsyncModbusTlsClient("127.0.0.1", port=spec.port, timeout=2.0, sslctx=context))
        link = wire_link(replace(spec, tls=files["client"]))
        await link.connect()
        assert words_of(await link.read("holding", 5, 2)) == [5, 6]
        link.abort()
        strangers = [
            replace(spec, tls=files["stranger"]),
            replace(spec, tls=replace(files["client"], certificate="", key="")),
            replace(spec, protocol="modbus-tcp", tls=None),
        ]
        for wrong in strangers:
            with pytest.raises(LinkDown):
                await _read_once(wrong)
        server.stop()
        await asyncio.sleep(0.1)

    asyncio.run(main())


# --- pymodbus: is asked by us ---------------------------------------------------------------------------------
@pytest.mark.parametrize("protocol", ["modbus-tcp", "modbus-rtu-over-tcp"])
def test_our_link_reads_and_writes_a_pymodbus_server(protocol: str) -> None:
    async def main() -> None:
        port = free_port()
        registers = SimData(0, values=list(range(100)), datatype=DataType.REGISTERS)
        framer = FramerType.SOCKET if protocol == "modbus-tcp" else FramerType.RTU
        server = ModbusTcpServer(SimDevice(1, simdata=[registers]), address=("127.0.0.1", port), framer=framer)
        await server.serve_forever(background=True)
        link = wire_link(DeviceSpec("PY", port=port, protocol=protocol, timeout_ns=2_000_000_000))
        await link.connect()
        assert words_of(await link.read("holding", 5, 90)) == list(range(5, 95))
        await link.write("holding", 10, bytes_of([7, 8]), lambda: True)
        await link.write("holding", 12, bytes_of([9]), lambda: True, single=True)
        assert words_of(await link.read("holding", 9, 5)) == [9, 7, 8, 9, 13]
        link.abort()
        await server.shutdown()
        await asyncio.sleep(0.05)

    asyncio.run(main())
