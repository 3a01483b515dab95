"""Links of the Modbus driver: the connection of one unit, opened over a wire or in memory.

Called by   ``drivers.modbus`` through ``ModbusLink``; built by ``WireLinks`` and ``MemoryLinks``
            (``links.choice``).
Peers       wire and memory differ in how a connection is opened (``links.openers``), and in nothing else.
Behaviour   never connects or repeats by itself: back-off is the driver's, and a repeated write would pass the gate
            unasked. A request has one time-out, counted from its sending.
"""

import asyncio
from abc import abstractmethod
from functools import partial

from dcs.core.clock import NS_PER_S
from dcs.core.errors import LinkDown
from field_io.drivers.gate import Gate
from field_io.drivers.links.connection import RESOLUTION_S, ModbusConnection
from field_io.drivers.links.link import LinkFaults, ModbusLink
from field_io.drivers.links.openers import Opener, new_connection, where_is
from field_io.specs import DeviceSpec


class UnitLink(ModbusLink):
    """What all links of one unit have in common: its cable, and the pause that its device wants."""

    def __init__(self, spec: DeviceSpec, faults: LinkFaults | None = None) -> None:
        self.faults = faults or LinkFaults()
        self._spec = spec
        self._timeout_s = spec.timeout_ns / NS_PER_S
        self._spacing_s = spec.limits.spacing_ns / NS_PER_S
        self._turn = asyncio.Lock()
        self._heard_s = -1e9

    async def exchange(self, request: bytes, may_write: Gate | None = None) -> bytes:
        if not self._spacing_s:
            return await self._exchange(request, may_write)
        async with self._turn:
            loop = asyncio.get_running_loop()
            while (left_s := self._heard_s + self._spacing_s - loop.time()) > RESOLUTION_S:
                await asyncio.sleep(left_s)
            try:
                return await self._exchange(request, may_write)
            finally:
                self._heard_s = loop.time()

    @abstractmethod
    async def _exchange(self, request: bytes, may_write: Gate | None) -> bytes:
        """``exchange`` when the device's pause is over."""

    async def _through_the_cable(self) -> None:
        """A cut cable refuses nothing: the attempt to connect runs into its timeout."""
        if self.faults.cut:
            await asyncio.sleep(self._timeout_s)
            raise LinkDown(f"{where_is(self._spec)} does not answer")


class StreamLink(UnitLink):
    """A connection of its own for one unit; a new one per ``connect``, so that no state survives a loss."""

    def __init__(self, spec: DeviceSpec, opener: Opener, faults: LinkFaults | None = None) -> None:
        super().__init__(spec, faults)
        self._opener = opener
        self._connection: ModbusConnection | None = None

    @property
    def connected(self) -> bool:
        return self._connection is not None and self._connection.open

    async def connect(self) -> None:
        self.abort()
        await self._through_the_cable()
        connection = await new_connection(self._spec, self._opener, self._spec.limits.in_flight or 1)
        connection.on_lost = partial(self._lost, connection)
        self._connection = connection

    def _lost(self, connection: ModbusConnection) -> None:
        if connection is self._connection and self.on_lost is not None:
            self.on_lost(connection.reason)

    async def _exchange(self, request: bytes, may_write: Gate | None) -> bytes:
        connection = self._connection
        if connection is None:
            raise LinkDown("not connected")
        try:
            return await connection.request(self._spec.unit, request, self._timeout_s, may_write, self.faults)
        except LinkDown:
            if connection is self._connection:
                self.abort()  # a fresh connection is the cheapest cure for whatever this one has
            raise

    def abort(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()
