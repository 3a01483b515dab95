"""Devices made of other people's software, for tests: built or installed on the spot.

Used by     the tests of this folder.
Knows       gcc, pkg-config and libmodbus; npm with modbus-serial and node-opcua. The Modbus devices are the same
            level rig (see the head of ``libmodbus_device.c``), described to our driver by ``rig``.
"""

import shutil
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from field_io.specs import DeviceSpec, PointSpec
from tests.support.processes import Program, program

HERE = Path(__file__).parent
MODBUS_SERIAL = "modbus-serial@8.0.25"
NODE_OPCUA = ("node-opcua-server@2.186.4", "node-opcua-client@2.186.4")
"""Server and client alone: 72 MB instead of the 130 MB of all of node-opcua, and two thirds of its time."""

StartDevice = Callable[[int], AbstractContextManager[Program]]
"""Starts the device on a port; it is dead after the ``with`` block."""


def libmodbus_device(folder: Path) -> StartDevice:
    """The C program on Debian's libmodbus, built in ``folder``. Skips the test where it cannot be built."""
    return _starter(folder, build_with_libmodbus(HERE / "libmodbus_device.c", folder))


def build_with_libmodbus(source: Path, folder: Path) -> Path:
    """A C program on libmodbus, built in ``folder``. Skips the test where it cannot be built."""
    for tool in ("gcc", "pkg-config"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed (Debian: apt-get install gcc pkg-config libmodbus-dev)")
    found = _run("pkg-config", "--cflags", "--libs", "libmodbus")
    if found.returncode != 0:
        pytest.skip(f"libmodbus is not installed (Debian: apt-get install libmodbus-dev): {found.stderr.strip()}")
    binary = folder / source.stem
    built = _run("gcc", "-Wall", "-O1", source, "-o", binary, *found.stdout.split())
    assert built.returncode == 0, f"{source.name} does not compile:\n{built.stderr}"
    return binary


def modbus_serial_device(folder: Path) -> StartDevice:
    """The Node.js program on the npm package modbus-serial, installed in ``folder``. Skips the test without npm."""
    node = install(folder, MODBUS_SERIAL)
    script = shutil.copy(HERE / "modbus_serial_device.js", folder)
    return _starter(folder, node, script)


def install(folder: Path, *packages: str) -> str:
    """npm packages in ``folder``; the path of node. Skips the test where they cannot be installed."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("a second opinion: node and npm are not installed (Debian: apt-get install nodejs npm)")
    quickly = ("--no-audit", "--no-fund", "--omit=optional", "--ignore-scripts", "--prefer-offline")
    installed = _run(npm, "install", *quickly, "--prefix", folder, *packages)
    if installed.returncode != 0:
        pytest.skip(f"a second opinion: npm cannot install {packages[0]}: {installed.stderr.strip()[-300:]}")
    return node


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=100, check=False)


def _starter(folder: Path, *arguments: str | Path) -> StartDevice:
    @contextmanager
    def start(port: int):  # type: ignore[no-untyped-def]
        with program([*arguments, str(port)], folder / "device.log") as device:
            device.wait_for_port(port)
            yield device

    return start


def rig(port: int) -> DeviceSpec:
    """The level rig as a configuration would describe it."""
    return DeviceSpec(
        "RIG",
        port=port,
        poll_ns=100_000_000,
        timeout_ns=300_000_000,
        points=(
            PointSpec("SIGNED", "input", 0, "int16"),
            PointSpec("UNSIGNED", "input", 1, "uint16", scale=0.1, offset=-5000.0),
            PointSpec("LEVEL", "input", 2, "float32", unit="%"),
            PointSpec("COLDEST", "input", 4, "float32", word_order="low_first"),
            PointSpec("SETPOINT-NEGATED", "input", 6, "int16"),
            PointSpec("VALVE-DOUBLED", "input", 7, "float32", word_order="low_first"),
            PointSpec("TRIM-PLUS-1", "input", 9, "float32"),
            PointSpec("VALVE", "holding", 0, "float32", unit="%", direction="out"),
            PointSpec("TRIM", "holding", 2, "float32", word_order="low_first", direction="out"),
            PointSpec("SETPOINT", "holding", 4, "int16", direction="out"),
            PointSpec("PUMP", "coil", 0, "bool", direction="out"),
            PointSpec("RUNS", "discrete", 0, "bool"),
            PointSpec("STANDS", "discrete", 1, "bool"),
        ),
    )
