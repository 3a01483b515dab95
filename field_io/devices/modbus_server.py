"""The Modbus server of simulated devices: any number of units behind one address.

Called by   ``devices.simulated``, which puts its unit behind an address; tests.
Peers       where it listens: TCP, TLS, a serial line, memory (``devices.listening``).
Behaviour   requests of a connection are served in place, in order, however many arrive together, each with one answer;
            a unit that is not there gets exception 0x0B at once, or silence. What cannot be Modbus ends the connection.
            With all connections taken, the one that has asked nothing for the longest gives way to a new one, unless it
            has asked within ``BUSY_S``: then the new one is refused.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, cast

import structlog

from dcs.core.clock import NS_PER_S
from dcs.core.errors import Missing
from field_io.devices.listening import Listener, MemoryListener, SerialListener, TcpListener, reason_of, server_tls
from field_io.devices.register_bank import RegisterBank, Spans
from field_io.memory_network import MemoryNetwork, peer_name
from field_io.modbus.framing import Frame, Framing, FramingLost, Mbap, Rtu
from field_io.modbus.pdu import NO_ANSWER
from field_io.modbus.service import Registers, serve
from field_io.serial_line import silence_ns
from field_io.specs import DeviceSpec, ServerLimits

_log = structlog.get_logger("dcs.field")

BUFFER_MAX = 1 << 20
"""Answers that a client does not fetch, in bytes; then it is not a client any more."""
WAITING_MAX = 1000
"""Requests of one connection that wait for slow units; what comes on top is lost, as in a device that is overrun."""
BUSY_S = 10.0
_RTU_SILENCE_S = 0.05
"""A frame that has not gone on for so long will not; far above the 3.5 characters of the specification, because
neither an operating system nor a network keeps those."""
_TELL_EVERY_S = 600.0
BROADCAST = 0


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
        self.registers: Registers = self.bank  # as clients may read and write them
        self.identity: dict[int, bytes] = {0: b"DCS emulator", 1: name.encode(), 2: b"1"}
        self.latency_s = 0.0  # every request is served that late
        self.silent = False  # requests are swallowed
        self.offline = False  # as if it were not there: what its server says of an unknown unit
        self.refuse_with = 0  # exception code for every request; 0 = none
        self.answers: AnswerPath | None = None
        self.before_request: Callable[[str], None] | None = None
        self.after_write: Callable[[str, str, int, int], None] | None = None

    def respond(self, peer: str, request: bytes) -> tuple[bytes | None, float]:
        """(the answer's PDU, seconds until it leaves); None = there is none."""
        return self.serve(peer, request), 0.0

    def serve(self, peer: str, request: bytes) -> bytes:
        """The answer's PDU."""
        if self.refuse_with:
            return bytes((request[0] | 0x80, self.refuse_with))
        if self.before_request is not None:
            self.before_request(peer)
        answer, written = serve(request, self.registers, self.identity)
        if written is not None and self.after_write is not None:
            self.after_write(peer, *written)
        return answer


class ModbusServer:
    """One address and the units behind it."""

    def __init__(
        self,
        name: str,
        host: str = "127.0.0.1",
        port: int = 502,
        network: MemoryNetwork | None = None,
        unknown_unit: str = "refuse",
        rtu: bool = False,
    ) -> None:
        """TCP, or memory with ``network``. ``rtu``: RTU frames over TCP."""
        self.name = name
        self.units: dict[int, Unit] = {}
        self.limits = ServerLimits()
        self.connections: dict[ServerConnection, None] = {}  # a dict keeps their order: runs repeat to the bit
        self.rejected = 0  # damaged frames and broken connections so far
        self.silent_on_unknown = unknown_unit == "silent"
        self.is_line = False  # a serial line: broadcasts, and nobody answers for a unit that is not there
        self.half_request_s = _RTU_SILENCE_S if rtu else self.limits.request_ns / NS_PER_S
        self._rtu = rtu
        self._where = f"{host}:{port}"
        self._listener: Listener = (
            TcpListener(host, port) if network is None else MemoryListener(network, host, port, self)
        )
        self._listening = False
        self.starts = 0  # how often it began to listen
        self._told_s = -_TELL_EVERY_S
        self._untold = 0

    @classmethod
    def of(cls, spec: DeviceSpec, network: MemoryNetwork | None) -> "ModbusServer":
        """The server that a device, or the gateway it sits behind, needs. Raises ``Missing`` (TLS files)."""
        rtu = spec.protocol in ("modbus-rtu", "modbus-rtu-over-tcp")
        server = cls(spec.name, *spec.address, network, spec.unknown_unit, rtu)
        server.limits = spec.server
        if not rtu:
            server.half_request_s = spec.server.request_ns / NS_PER_S
        if spec.serial is not None:
            server.is_line = server.silent_on_unknown = True
            server._where = spec.serial.port
            server.half_request_s = max(_RTU_SILENCE_S, silence_ns(spec.serial) / NS_PER_S)
            if network is None:
                server._listener = SerialListener(spec.serial)
        elif spec.protocol == "modbus-tls" and network is None:
            assert spec.tls is not None
            server._listener = TcpListener(spec.host, spec.port, server_tls(spec.tls, spec.name))
        return server

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
            await self._listener.start(lambda: ServerConnection(self))
        except OSError as exc:
            automatic = "" if self.is_line else " (`port: auto` takes a free one)"
            raise Missing(
                f"device {self.name}: cannot listen on {self._where} ({reason_of(exc)}). Stop what uses this "
                f"port, or give {self.name} another `port` in field.yaml{automatic}."
            ) from exc
        self._listening = True
        self.starts += 1

    def stop(self) -> None:
        """Close every connection and stop listening; the registers keep their values."""
        if not self._listening:
            return
        self._listening = False
        self._listener.stop()
        for connection in list(self.connections):
            connection.abort()

    def unit_for(self, number: int) -> Unit | None:
        """The unit that answers to a number; None = nobody does."""
        unit = self.units.get(number)
        return None if unit is None or unit.offline else unit

    # --- connections ------------------------------------------------------------------------------------------
    def admit(self, connection: "ServerConnection") -> bool:
        """Take a new connection in, in place of another if need be; False: there is no room."""
        if len(self.connections) >= self.limits.connections:
            idlest = min(self.connections, key=lambda each: (each.asked_s, each.made_s))
            if connection.made_s - idlest.asked_s < BUSY_S:
                self.tell(connection.peer, "a client is refused: all connections are in use")
                return False
            self.connections.pop(idlest, None)
            idlest.abort()
        self.connections[connection] = None
        return True

    def tell(self, peer: str, what: str) -> None:
        """One line in the log for all that is wrong with what comes in, at most every ten minutes."""
        self.rejected += 1
        now_s = asyncio.get_running_loop().time()
        if now_s - self._told_s < _TELL_EVERY_S:
            self._untold += 1
            return
        more = {"untold_before": self._untold} if self._untold else {}
        self._told_s, self._untold = now_s, 0
        _log.warning(f"device {self.name}: {what}", peer=peer, **more)


class ServerConnection(asyncio.Protocol):
    """One client's connection, or a serial line."""

    def __init__(self, server: ModbusServer) -> None:
        self._server = server
        self._framing = server.framing()
        self._rejected = 0
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._late: dict[int, deque[tuple[float, Frame, Unit]]] = {}  # requests that wait for a unit with latency
        self._leaving = 0  # answers that take their time
        self._answers: list[bytes] | None = None  # to the requests that have come together
        self._began_s = 0.0  # when the frame began that is not whole
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self.peer = ""
        self.made_s = self._loop.time()
        self.asked_s = -math.inf  # when the last whole request came

    # --- asyncio ----------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport = cast(asyncio.Transport, transport)  # of whatever loop
        self.peer = peer_name(transport)
        if not self._server.admit(self):
            transport.abort()
        elif self._server.limits.idle_ns and not self._server.is_line:
            self._watch_idle()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.pop(self, None)
        self._transport = None
        self._late.clear()
        for timer in self._timers.values():
            timer.cancel()

    def data_received(self, data: bytes) -> None:
        lost, was_begun = "", self._framing.begun
        try:
            frames = self._framing.feed(data)
        except FramingLost as damage:
            frames, lost = damage.frames, str(damage)
        self._take_all(frames)
        if lost:
            self._server.tell(self.peer, f"{lost}; the connection is closed")
            if self._transport is not None:
                self._transport.close()
        elif self._framing.begun:
            # A byte now and then does not prolong a request; on a line it is the silence that counts.
            if frames or not was_begun or not self._framing.pipelines:
                self._began_s = self._loop.time()
            if "half" not in self._timers:
                self._after("half", self._server.half_request_s, self._half_request)

    # --- time -------------------------------------------------------------------------------------------------
    def _after(self, name: str, delay_s: float, call: Callable[[], None]) -> None:
        self._timers[name] = self._loop.call_later(delay_s, call)

    def _half_request(self) -> None:
        del self._timers["half"]
        if not self._framing.begun:
            return
        wait_s = self._began_s + self._server.half_request_s - self._loop.time()
        if wait_s > 1e-6:
            self._after("half", wait_s, self._half_request)
        elif self._framing.pipelines:
            self._server.tell(self.peer, "a request does not go on; the connection is closed")
            self.abort()
        else:
            self._take_all(self._framing.silence())

    def _watch_idle(self) -> None:
        idle_s = self._server.limits.idle_ns / NS_PER_S
        wait_s = max(self.made_s, self.asked_s) + idle_s - self._loop.time()
        if wait_s > 1e-6:
            self._after("idle", wait_s, self._watch_idle)
        elif self._transport is not None:
            self._transport.close()

    # --- requests ---------------------------------------------------------------------------------------------
    def _take_all(self, frames: Sequence[Frame]) -> None:
        if self._framing.rejected != self._rejected and not self._framing.pipelines:
            self._rejected = self._framing.rejected
            self._server.tell(self.peer, "what comes in is damaged, or no Modbus")
        if not frames:
            return
        self.asked_s = self._loop.time()
        outer, self._answers = self._answers, []
        try:
            for frame in frames:
                self._take(frame)
        finally:
            answers, self._answers = self._answers, outer
            if answers:
                self.send(b"".join(answers))

    def _take(self, frame: Frame) -> None:
        if frame.unit == BROADCAST and not self._framing.pipelines:
            self._broadcast(frame)
            return
        unit = self._server.unit_for(frame.unit)
        if unit is None:
            if not self._server.silent_on_unknown:
                self.answer(frame, bytes((frame.pdu[0] | 0x80, NO_ANSWER)))
        elif not unit.silent:
            late = self._late.get(self._queue_of(frame))
            if unit.latency_s > 0.0 or late:
                self._put_off(frame, unit)
            else:
                self._serve(frame, unit)

    def _broadcast(self, frame: Frame) -> None:
        """To all units of a line, which do it and say nothing (serial line V1.02, section 2.1)."""
        for unit in self._server.units.values():
            if not unit.silent and not unit.offline:
                unit.serve(self.peer, frame.pdu)

    def _serve(self, frame: Frame, unit: Unit) -> None:
        if self._transport is None:
            return
        answer, delay_s = unit.respond(self.peer, frame.pdu)
        if answer is None:
            return
        if delay_s <= 0.0:
            self.answer(frame, answer, unit)
        elif self._leaving < WAITING_MAX:
            self._leaving += 1
            self._loop.call_later(delay_s, self._leave, frame, answer, unit)

    def _leave(self, frame: Frame, answer: bytes, unit: Unit) -> None:
        self._leaving -= 1
        self.answer(frame, answer, unit)

    # A unit with latency holds up its own requests, in order, and those of no other unit; a line holds up all.
    def _queue_of(self, frame: Frame) -> int:
        return frame.unit if self._framing.pipelines else BROADCAST

    def _put_off(self, frame: Frame, unit: Unit) -> None:
        queue = self._late.setdefault(self._queue_of(frame), deque())
        if len(queue) >= WAITING_MAX:
            self._server.tell(self.peer, "more requests than the device can keep; some are lost")
            return
        queue.append((self._loop.time() + unit.latency_s, frame, unit))
        if len(queue) == 1:
            self._loop.call_at(queue[0][0], partial(self._serve_late, queue))

    def _serve_late(self, queue: deque[tuple[float, Frame, Unit]]) -> None:
        if self._transport is None or not queue:
            return
        _, frame, unit = queue.popleft()
        if not unit.silent:
            self._serve(frame, unit)
        if queue:
            self._loop.call_at(max(self._loop.time(), queue[0][0]), partial(self._serve_late, queue))

    # --- answers ----------------------------------------------------------------------------------------------
    def answer(self, frame: Frame, pdu: bytes, unit: Unit | None = None) -> None:
        """Answer a request; on the way out the faults of its unit may act on the bytes."""
        data = self._framing.frame(frame.transaction, frame.unit, pdu)
        if unit is not None and unit.answers is not None:
            unit.answers.deliver(self, data)
        else:
            self.send(data)

    def send(self, data: bytes) -> None:
        """Bytes to the client; nothing once it is gone. Answers to requests that came together leave together."""
        if self._answers is not None:
            self._answers.append(data)
            return
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.write(data)
        if transport.get_write_buffer_size() > BUFFER_MAX:
            self._server.tell(self.peer, "a client does not fetch its answers; the connection is closed")
            self.abort()

    def abort(self) -> None:
        """Drop the connection at once, behind what has been answered so far."""
        answers, self._answers = self._answers, None
        if answers:
            self.send(b"".join(answers))
        if self._transport is not None:
            self._transport.abort()


async def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that is free now (``port: auto``)."""
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port
