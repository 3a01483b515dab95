"""A link without messages: the driver looks into the registers of the simulated device itself.

Called by   ``drivers.modbus``, as any other link; made by the memory peers for ``dcs simulate --io direct``.
Knows       the network in memory on which the device listens. A read is a slice of its registers, a write is served in
            place; no frame is made, no connection carries it, nobody waits for an answer that is there.
Promise     the same values, statuses and times as over messages, and the same faults of cable and device. While a fault
            acts on the bytes of answers, there must be bytes: then messages are exchanged.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from dcs.core.clock import NS_PER_S
from dcs.core.errors import LinkDown
from field_io.drivers.gate import Gate, GateClosed
from field_io.drivers.links.choice import memory_link
from field_io.drivers.links.link import DeviceRefused, LinkFaults, ModbusLink
from field_io.memory_network import MemoryNetwork
from field_io.modbus.pdu import NO_ANSWER, Refused
from field_io.specs import DeviceSpec


class _Bank(Protocol):
    def read(self, table: str, address: int, count: int) -> bytes: ...


class DirectUnit(Protocol):
    """One simulated unit, as far as a direct link needs it."""

    silent: bool
    latency_s: float
    refuse_with: int
    answers: object  # what acts on the bytes of its answers; None = nothing
    before_request: Callable[[str], None] | None

    @property
    def bank(self) -> _Bank: ...
    def serve(self, peer: str, request: bytes) -> bytes: ...


class DirectServer(Protocol):
    """What listens at an address."""

    starts: int
    silent_on_unknown: bool

    def unit_for(self, number: int) -> DirectUnit | None: ...


class DirectLink(ModbusLink):
    """One unit of one simulated device."""

    def __init__(
        self, spec: DeviceSpec, network: MemoryNetwork, name: str = "dcs", faults: LinkFaults | None = None
    ) -> None:
        """``name`` is what the device sees as its peer."""
        self.faults = faults or LinkFaults()
        self._spec = spec
        self._network = network
        self._name = name
        self._timeout_s = spec.timeout_ns / NS_PER_S
        self._server: DirectServer | None = None
        self._start = 0
        self._messages = memory_link(spec, network, name, self.faults)

    @property
    def connected(self) -> bool:
        server = self._server
        return server is not None and server is self._listening() and server.starts == self._start

    def _listening(self) -> DirectServer | None:
        found: DirectServer | None = self._network.owner(*self._spec.address)
        return found

    async def connect(self) -> None:
        self.abort()
        if self.faults.cut:
            await asyncio.sleep(self._timeout_s)
            raise LinkDown(f"{self._where} does not answer")
        server = self._listening()
        if server is None:
            raise LinkDown(f"{self._where} accepts no connection")
        self._server, self._start = server, server.starts

    def abort(self) -> None:
        self._server = None
        self._messages.abort()

    async def read(self, table: str, address: int, count: int) -> bytes:
        """A copy of the registers as they are now."""
        unit = self._unit()
        if unit is not None and unit.answers is not None:
            return await super().read(table, address, count)
        unit, _ = await self._reach(unit, None)
        if unit.refuse_with:
            raise DeviceRefused(unit.refuse_with)
        if unit.before_request is not None:
            unit.before_request(self._name)
        try:
            return unit.bank.read(table, address, count)
        except Refused as refused:
            raise DeviceRefused(refused.code) from None

    async def exchange(self, request: bytes, may_write: Gate | None = None) -> bytes:
        """What is more than reading, served in place."""
        unit = self._unit()
        if unit is not None and unit.answers is not None:
            return await self._with_messages(request, may_write)
        unit, copies = await self._reach(unit, may_write)
        for _ in range(copies - 1):
            unit.serve(self._name, request)
        return unit.serve(self._name, request)

    async def _with_messages(self, request: bytes, may_write: Gate | None) -> bytes:
        try:
            if not self._messages.connected:
                await self._messages.connect()
            return await self._messages.exchange(request, may_write)
        except LinkDown:
            self.abort()
            raise

    def _unit(self) -> DirectUnit | None:
        """Who will answer; None = nobody of that number. Raises ``LinkDown``."""
        server = self._server
        if server is None or not self.connected:
            self.abort()
            raise LinkDown("connection closed by the device" if server else "not connected")
        return server.unit_for(self._spec.unit)

    async def _reach(self, unit: DirectUnit | None, may_write: Gate | None) -> tuple[DirectUnit, int]:
        """The unit, once a request has come to it, and how many of it came.

        The gate is asked at its way out, and again behind a slow cable.
        """
        if may_write is not None and not may_write():
            raise GateClosed("not sent: this controller has no authority over the outputs")
        assert self._server is not None
        cable_s, copies = self.faults.passage()
        late_s = cable_s + (unit.latency_s if unit else 0.0)
        swallowed = self._server.silent_on_unknown if unit is None else unit.silent
        if not copies or swallowed or late_s >= self._timeout_s:
            await self._wait(self._timeout_s)
            raise self._no_answer()
        if late_s > 0.0:
            await self._wait(cable_s)
            if may_write is not None and not may_write():
                await self._wait(self._timeout_s - cable_s)
                raise self._no_answer()
            await self._wait(late_s - cable_s)
        if unit is None:
            raise DeviceRefused(NO_ANSWER)
        return unit, copies

    async def _wait(self, wait_s: float) -> None:
        """Time passes on the way; the connection may end meanwhile."""
        server, end_s = self._server, asyncio.get_running_loop().time() + wait_s
        while (left_s := end_s - asyncio.get_running_loop().time()) > 1e-9:
            await asyncio.sleep(min(left_s, self._timeout_s / 20))
            if self._server is not server or not self.connected:
                raise LinkDown("connection closed by the device" if self._server else "connection aborted")

    def _no_answer(self) -> LinkDown:
        self.abort()
        return LinkDown(f"no answer within {self._timeout_s * 1000:g} ms")

    @property
    def _where(self) -> str:
        return self._spec.serial.port if self._spec.serial else f"{self._spec.host}:{self._spec.port}"
