"""How the connection to a Modbus device is opened: over TCP, with TLS, on a serial line, in memory.

Called by   ``links.unit_link``, ``links.shared_link``.
Knows       which framing belongs to which protocol, how long a connection may take, and what to say when it fails.
"""

import asyncio
import errno
from collections.abc import Awaitable, Callable

from dcs.core.clock import NS_PER_S
from dcs.core.errors import LinkDown
from field_io.drivers.links.connection import ModbusConnection
from field_io.drivers.links.sockets import give_up_early
from field_io.memory_network import MemoryNetwork
from field_io.modbus.framing import Framing, Mbap, Rtu
from field_io.serial_line import open_serial, silence_ns
from field_io.specs import DeviceSpec

Opener = Callable[[ModbusConnection], Awaitable[None]]
"""Connects a protocol to the device, or raises ``OSError``, or ``LinkDown`` with a sentence."""


def framing_for(spec: DeviceSpec) -> Framing:
    """How requests travel to a device."""
    return Rtu(serves=False) if spec.protocol in ("modbus-rtu", "modbus-rtu-over-tcp") else Mbap()


def where_is(spec: DeviceSpec) -> str:
    """For people."""
    return spec.serial.port if spec.serial else f"{spec.host}:{spec.port}"


async def new_connection(spec: DeviceSpec, opener: Opener, in_flight: int) -> ModbusConnection:
    """Open one within ``spec.timeout_ns``. Raises ``LinkDown`` with a sentence."""
    connection = ModbusConnection(
        framing_for(spec), in_flight, silence_ns(spec.serial) / NS_PER_S if spec.serial else 0.0
    )
    try:
        async with asyncio.timeout(spec.timeout_ns / NS_PER_S):
            await opener(connection)
    except OSError as exc:  # TimeoutError is one
        connection.abort()
        raise LinkDown(f"{where_is(spec)} accepts no connection") from exc
    except (LinkDown, asyncio.CancelledError):
        connection.abort()
        raise
    return connection


def opens_wire(spec: DeviceSpec) -> Opener:
    """Over TCP or TLS to ``spec.host:spec.port``, or the serial line."""
    if spec.serial is not None:
        line = spec.serial

        async def open_line(connection: ModbusConnection) -> None:
            try:
                open_serial(line, connection)
            except (OSError, ValueError) as exc:
                raise LinkDown(f"the serial line {line.port} cannot be opened: {_reason(exc)}") from exc

        return open_line
    if spec.protocol == "modbus-tls":
        from field_io.drivers.links.tls import TlsOpener

        return TlsOpener(spec)

    async def open_tcp(connection: ModbusConnection) -> None:
        transport, _ = await asyncio.get_running_loop().create_connection(lambda: connection, spec.host, spec.port)
        if must_not_arrive_late(spec):
            give_up_early(transport)

    return open_tcp


def must_not_arrive_late(spec: DeviceSpec) -> bool:
    """Outputs may go out by this connection, and the device (or one behind its gateway) cannot tell a stale one."""
    return spec.shared or (spec.epoch is None and any(point.direction == "out" for point in spec.points))


def opens_memory(spec: DeviceSpec, network: MemoryNetwork, name: str) -> Opener:
    """In memory to the simulated device that listens on ``spec.host:spec.port`` of ``network``."""
    host, port = (spec.serial.port, 0) if spec.serial else (spec.host, spec.port)

    async def open_in_memory(connection: ModbusConnection) -> None:
        network.connect(host, port, connection, name)

    return open_in_memory


def _reason(exc: Exception) -> str:
    number = getattr(exc, "errno", None)
    if number == errno.ENOENT:
        return "there is no such device. Correct `serial.port`, or connect the adapter"
    if number == errno.EACCES:
        return "permission denied. On Linux the user must be in the group `dialout`"
    if number in (errno.EAGAIN, errno.EBUSY):
        return "another program has it"
    return str(exc).partition(":")[0]
