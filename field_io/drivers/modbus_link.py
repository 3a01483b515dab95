"""Links of the Modbus driver: the connection of one unit, opened over a wire or in memory.

Called by   ``drivers.modbus`` through ``ModbusLink``; built by the assembly with ``wire_link`` or ``memory_link``.
Peers       wire and memory differ in how a connection is opened, and in nothing else.
Behaviour   never connects or repeats by itself: back-off is the driver's, and a repeated write would pass the gate
            unasked. A request has one time-out, counted from its sending.
"""

import asyncio
from collections.abc import Awaitable, Callable

from dcs.core.clock import NS_PER_S
from dcs.core.errors import LinkDown
from field_io.drivers.connection import ModbusConnection
from field_io.drivers.link import LinkFaults, ModbusLink
from field_io.memory_network import MemoryNetwork
from field_io.modbus.framing import Framing, Mbap, Rtu
from field_io.specs import DeviceSpec

Opener = Callable[[ModbusConnection], Awaitable[None]]
"""Connects a protocol to the device, or raises ``OSError``."""


class StreamLink(ModbusLink):
    """A connection of its own for one unit; a new one per ``connect``, so that no state survives a loss."""

    def __init__(self, spec: DeviceSpec, opener: Opener, faults: LinkFaults | None = None) -> None:
        self.faults = faults or LinkFaults()
        self._spec = spec
        self._opener = opener
        self._timeout_s = spec.timeout_ns / NS_PER_S
        self._connection: ModbusConnection | None = None

    @property
    def connected(self) -> bool:
        return self._connection is not None and self._connection.open

    async def connect(self) -> None:
        self.abort()
        if self.faults.cut:  # a cut cable refuses nothing: the attempt runs into its timeout
            await asyncio.sleep(self._timeout_s)
            raise LinkDown(f"{self._where} does not answer")
        connection = ModbusConnection(framing_for(self._spec), self._spec.limits.in_flight, self.faults)
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._opener(connection)
        except OSError as exc:  # TimeoutError is one
            connection.abort()
            raise LinkDown(f"{self._where} accepts no connection") from exc
        except asyncio.CancelledError:
            connection.abort()
            raise
        self._connection = connection

    async def exchange(self, request: bytes, may_write: Callable[[], bool] | None = None) -> bytes:
        connection = self._connection
        if connection is None:
            raise LinkDown("not connected")
        try:
            return await connection.request(self._spec.unit, request, self._timeout_s, may_write)
        except LinkDown:
            if connection is self._connection:
                self.abort()  # a fresh connection is the cheapest cure for whatever this one has
            raise

    def abort(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()

    @property
    def _where(self) -> str:
        return self._spec.serial.port if self._spec.serial else f"{self._spec.host}:{self._spec.port}"


def framing_for(spec: DeviceSpec) -> Framing:
    """How requests travel to a device."""
    return Rtu(serves=False) if spec.protocol in ("modbus-rtu", "modbus-rtu-over-tcp") else Mbap()


def wire_link(spec: DeviceSpec, faults: LinkFaults | None = None) -> StreamLink:
    """Link over TCP to ``spec.host:spec.port``."""

    async def open_tcp(connection: ModbusConnection) -> None:
        await asyncio.get_running_loop().create_connection(lambda: connection, spec.host, spec.port)

    return StreamLink(spec, open_tcp, faults)


def memory_link(
    spec: DeviceSpec, network: MemoryNetwork, name: str = "dcs", faults: LinkFaults | None = None
) -> StreamLink:
    """Link in memory to the simulated device that listens on ``spec.host:spec.port`` of ``network``.

    ``name`` is what the device sees as its peer.
    """

    async def open_in_memory(connection: ModbusConnection) -> None:
        network.connect(spec.host, spec.port, connection, name)

    return StreamLink(spec, open_in_memory, faults)
