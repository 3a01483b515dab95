"""The Modbus server of simulated devices: any number of units behind one address.

Called by   ``devices.simulated``, which puts its unit behind an address; tests.
Peers       wire (TCP, loopback unless told otherwise) and memory (``MemoryNetwork``).
Behaviour   requests of a connection are served in place, in order, however many arrive together, each with one answer;
            a unit that is not there gets exception 0x0B at once, or silence. What cannot be Modbus ends the connection.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from typing import Protocol

from dcs.core.errors import Missing
from field_io.devices.register_bank import RegisterBank, Spans
from field_io.memory_network import MemoryNetwork, peer_name
from field_io.modbus.framing import Frame, Framing, FramingLost, Mbap, Rtu
from field_io.modbus.pdu import NO_ANSWER
from field_io.modbus.service import serve

CONNECTIONS_MAX = 64
BUFFER_MAX = 1 << 20
"""Answers that a client does not fetch, in bytes; then it is not a client any more."""


class AnswerPath(Protocol):
    """What an answer passes on its way out: faults of a device that act on its bytes (``field_io.faults``)."""

    def deliver(self, connection: "ServerConnection", frame: bytes) -> None:
        """Send ``frame`` with ``connection.send``, later, altered, more than once, or not at all."""
        ...


class Unit:
    """One unit: registers, identity, and what it does to requests.

    ``before_request(peer)`` is called before a request is served, ``after_write(peer, table, address, count)`` after
    one that wrote; both may read and set registers.
    """

    def __init__(self, name: str, number: int, spans: Spans) -> None:
        """``spans``: table -> [(address, count)] that exist; everything else is exception 2."""
        self.name = name
        self.number = number
        self.bank = RegisterBank(spans)
        self.identity: dict[int, bytes] = {0: b"DCS emulator", 1: name.encode(), 2: b"1"}
        self.latency_s = 0.0  # every request is served that late
        self.silent = False  # requests are swallowed
        self.offline = False  # as if it were not there: what its server says of an unknown unit
        self.refuse_with = 0  # exception code for every request; 0 = none
        self.answers: AnswerPath | None = None
        self.before_request: Callable[[str], None] | None = None
        self.after_write: Callable[[str, str, int, int], None] | None = None

    def serve(self, peer: str, request: bytes) -> bytes:
        """The answer's PDU."""
        if self.refuse_with:
            return bytes((request[0] | 0x80, self.refuse_with))
        if self.before_request is not None:
            self.before_request(peer)
        answer, written = serve(request, self.bank, self.identity)
        if written is not None and self.after_write is not None:
            self.after_write(peer, *written)
        return answer


class ModbusServer:
    """One address and the units behind it."""

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        network: MemoryNetwork | None = None,
        unknown_unit: str = "refuse",
        rtu: bool = False,
    ) -> None:
        """``rtu``: RTU frames over TCP."""
        self.name = name
        self.host = host
        self.port = port
        self.units: dict[int, Unit] = {}
        self.connections_max = CONNECTIONS_MAX
        self.connections: set[ServerConnection] = set()
        self._silent_on_unknown = unknown_unit == "silent"
        self._network = network
        self._rtu = rtu
        self._server: asyncio.Server | None = None
        self._listening = False

    @property
    def listening(self) -> bool:
        """True while clients can connect."""
        return self._listening

    def framing(self) -> Framing:
        """A framer for a new connection."""
        return Rtu(serves=True) if self._rtu else Mbap()

    async def start(self) -> None:
        """Listen. Raises ``Missing`` with one sentence when the port is taken or cannot be used."""
        if self._listening:
            return
        try:
            if self._network is not None:
                self._network.listen(self.host, self.port, self._accept)
            else:
                # Elsewhere than on POSIX, SO_REUSEADDR lets two servers share a port.
                self._server = await asyncio.get_running_loop().create_server(
                    self._accept, self.host, self.port, reuse_address=os.name == "posix"
                )
        except OSError as exc:
            reason = os.strerror(exc.errno) if exc.errno else str(exc)
            raise Missing(
                f"device {self.name}: cannot listen on {self.host}:{self.port} ({reason}). Stop what uses this "
                f"port, or give {self.name} another `port` in field.yaml (`port: auto` takes a free one)."
            ) from exc
        self._listening = True

    def stop(self) -> None:
        """Close every connection and stop listening; the registers keep their values."""
        if not self._listening:
            return
        self._listening = False
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._network is not None:
            self._network.forget(self.host, self.port)
        for connection in list(self.connections):
            connection.abort()

    def unit_for(self, number: int) -> Unit | None:
        """The unit that answers to a number; None = nobody does."""
        unit = self.units.get(number)
        return None if unit is None or unit.offline else unit

    @property
    def silent_on_unknown(self) -> bool:
        """What a request to nobody gets: no answer, or exception 0x0B."""
        return self._silent_on_unknown

    def _accept(self) -> "ServerConnection":
        return ServerConnection(self)


class ServerConnection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, server: ModbusServer) -> None:
        self._server = server
        self._framing = server.framing()
        self._transport: asyncio.Transport | None = None
        self._late: deque[tuple[float, Frame, Unit]] = deque()  # requests that wait for a unit with latency
        self.peer = ""

    # --- asyncio ----------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.peer = peer_name(transport)
        if len(self._server.connections) >= self._server.connections_max:
            transport.abort()
            return
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        self._transport = None
        self._late.clear()

    def data_received(self, data: bytes) -> None:
        try:
            frames = self._framing.feed(data)
        except FramingLost:
            self.abort()
            return
        for frame in frames:
            self._take(frame)

    # --- requests ---------------------------------------------------------------------------------------------
    def _take(self, frame: Frame) -> None:
        unit = self._server.unit_for(frame.unit)
        if unit is None:
            if not self._server.silent_on_unknown:
                self.answer(frame, bytes((frame.pdu[0] | 0x80, NO_ANSWER)))
        elif unit.silent:
            return
        elif unit.latency_s > 0.0 or self._late:
            # Behind one that waits the next one waits as well: answers keep the order of their requests.
            loop = asyncio.get_running_loop()
            self._late.append((loop.time() + unit.latency_s, frame, unit))
            if len(self._late) == 1:
                loop.call_at(self._late[0][0], self._serve_late)
        else:
            self._serve(frame, unit)

    def _serve_late(self) -> None:
        if not self._late:
            return
        _, frame, unit = self._late.popleft()
        if not unit.silent:
            self._serve(frame, unit)
        if self._late:
            loop = asyncio.get_running_loop()
            loop.call_at(max(loop.time(), self._late[0][0]), self._serve_late)

    def _serve(self, frame: Frame, unit: Unit) -> None:
        if self._transport is not None:
            self.answer(frame, unit.serve(self.peer, frame.pdu), unit)

    def answer(self, frame: Frame, pdu: bytes, unit: Unit | None = None) -> None:
        """Answer a request; on the way out the faults of its unit may act on the bytes."""
        if unit is not None and frame.unit == 0 and self._is_serial:
            return  # a broadcast on a serial line has no answer (serial line V1.02, section 2.1)
        data = self._framing.frame(frame.transaction, frame.unit, pdu)
        if unit is not None and unit.answers is not None:
            unit.answers.deliver(self, data)
        else:
            self.send(data)

    @property
    def _is_serial(self) -> bool:
        return not self._framing.pipelines

    def send(self, data: bytes) -> None:
        """Bytes to the client; nothing once it is gone."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.write(data)
        if transport.get_write_buffer_size() > BUFFER_MAX:
            self.abort()

    def abort(self) -> None:
        """Drop the connection at once."""
        if self._transport is not None:
            self._transport.abort()


async def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that is free now (``port: auto``)."""
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port
