"""The Modbus server of a simulated device: pymodbus with ``SimData``/``SimDevice``. The only module that knows it here.

Called by   ``devices.simulated``.
Peers       wire (TCP, loopback unless told otherwise) and memory (null modem of a ``MemoryNetwork``).
Behaviour   pymodbus answers one of several requests that arrive together, runs each in a task of its own through
            ``call_soon_threadsafe`` and says exception 4 for a unit it does not have; the request handler here
            serves every frame in place, in order, and answers 0x0B (no such device behind this address).
"""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import ModbusIOException
from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.pdu.bit_message import WriteMultipleCoilsRequest, WriteSingleCoilRequest
from pymodbus.pdu.register_message import (
    MaskWriteRegisterRequest,
    ReadWriteMultipleRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)
from pymodbus.server import ModbusTcpServer
from pymodbus.server.requesthandler import ServerRequestHandler
from pymodbus.simulator import DataType, SimData, SimDevice
from pymodbus.simulator.simcore import SimCore
from pymodbus.transport import NULLMODEM_HOST

from dcs.core.errors import Missing
from field_io.memory_network import MemoryNetwork
from field_io.pdus import QuietDecoder

logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

_RUNTIME_BLOCK = {"coil": "c", "discrete": "d", "holding": "h", "input": "i"}
_FRAME_MAX = 260  # MBAP header and the longest PDU


class RegisterServer:
    """One unit with its four tables, served to any number of clients.

    ``before_request(peer)`` is called before a request is served, ``after_write(peer, table, address, count)`` after
    one that wrote; both may read and set registers.
    """

    def __init__(
        self,
        name: str,
        unit: int,
        host: str,
        port: int,
        spans: dict[str, list[tuple[int, int]]],
        network: MemoryNetwork | None = None,
    ) -> None:
        """``spans``: table -> [(address, count)] that exist; everything else is exception 2."""
        self.name = name
        self.unit = unit
        self.host = host
        self.port = port
        self.latency_s = 0.0  # every answer is that late
        self.silent = False  # requests are swallowed
        self.refuse_with = 0  # exception code for every request; 0 = none
        self.before_request: Callable[[str], None] | None = None
        self.after_write: Callable[[str, str, int, int], None] | None = None
        self._network = network
        self._simdevice = SimDevice(unit, simdata=_simdata(spans))
        self._core = SimCore(self._simdevice)  # outlives the server, so that a restart keeps the registers
        runtime: Any = self._core.devices[unit]
        self._tables: dict[str, tuple[int, list[int]]] = {
            table: (runtime.block[letter][0], runtime.block[letter][2]) for table, letter in _RUNTIME_BLOCK.items()
        }
        self._server: _Server | None = None

    @property
    def listening(self) -> bool:
        """True while clients can connect."""
        return self._server is not None

    @property
    def url(self) -> str:
        """For people."""
        return f"modbus://{self.host}:{self.port}/{self.unit}"

    async def start(self) -> None:
        """Listen. Raises ``Missing`` with one sentence when the port is taken or cannot be used."""
        if self._server is not None:
            return
        address = (self.host, self.port)
        try:
            if self._network is not None:
                address = (NULLMODEM_HOST, self._network.listen(self.host, self.port))
            server = _Server(self._simdevice, address=address)
            server.owner = self
            server.context = self._core
            server.decoder = QuietDecoder(True)
            await server.listen_or_raise(self._network is None)
        except OSError as exc:
            raise Missing(
                f"device {self.name}: cannot listen on {self.host}:{self.port} ({_reason(exc)}). Stop what uses this "
                f"port, or give {self.name} another `port` in field.yaml (`port: auto` takes a free one)."
            ) from exc
        self._server = server

    def stop(self) -> None:
        """Close every connection and stop listening; the registers keep their values."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        if self._network is not None:
            self._network.forget(self.host, self.port)

    # --- registers, without a request -------------------------------------------------------------------------
    def set_words(self, table: str, address: int, words: Sequence[int]) -> None:
        """Set contiguous words of a register table. The caller keeps to the declared spans."""
        start, registers = self._tables[table]
        registers[address - start : address - start + len(words)] = words

    def get_words(self, table: str, address: int, count: int) -> list[int]:
        """Contiguous words of a register table."""
        start, registers = self._tables[table]
        return registers[address - start : address - start + count]

    def set_bit(self, table: str, address: int, bit: bool) -> None:
        """Set one coil or discrete input."""
        start, registers = self._tables[table]
        word, at = address // 16 - start, address % 16
        registers[word] = registers[word] | 1 << at if bit else registers[word] & ~(1 << at)

    def get_bit(self, table: str, address: int) -> bool:
        """One coil or discrete input."""
        start, registers = self._tables[table]
        return bool(registers[address // 16 - start] >> address % 16 & 1)

    def snapshot(self) -> dict[str, list[int]]:
        """All registers."""
        return {table: list(registers) for table, (_, registers) in self._tables.items()}

    def restore(self, snapshot: dict[str, list[int]]) -> None:
        """Inverse of ``snapshot``."""
        for table, words in snapshot.items():
            self._tables[table][1][:] = words


def _reason(exc: OSError) -> str:
    return os.strerror(exc.errno) if exc.errno else str(exc)


_Blocks = tuple[list[SimData], list[SimData], list[SimData], list[SimData]]


def _simdata(spans: dict[str, list[tuple[int, int]]]) -> _Blocks:
    """The four blocks of a ``SimDevice``; a table without points still needs one entry, at the far end."""

    def bits(table: str) -> list[SimData]:
        entries = [SimData(at, values=[False] * n, datatype=DataType.BITS) for at, n in spans.get(table, [])]
        return entries or [SimData(65535, values=[False], datatype=DataType.BITS)]

    def registers(table: str) -> list[SimData]:  # never readonly: that would refuse the plant's own values as well
        entries = [SimData(at, values=[0] * n, datatype=DataType.REGISTERS) for at, n in spans.get(table, [])]
        return entries or [SimData(65535, datatype=DataType.INVALID)]

    return bits("coil"), bits("discrete"), registers("holding"), registers("input")


class _Server(ModbusTcpServer):
    owner: RegisterServer

    def callback_new_connection(self) -> "_RequestHandler":
        return _RequestHandler(self, None, None, None)  # type: ignore[no-untyped-call]

    async def listen_or_raise(self, over_tcp: bool) -> None:
        """``serve_forever`` turns every failure into the same ``RuntimeError``; we want the reason."""
        self.is_listener = True
        if over_tcp:
            host, port = self.owner.host, self.owner.port
            # pymodbus always asks for SO_REUSEADDR, with which Windows lets two servers share a port.
            self.transport = await self.loop.create_server(  # type: ignore[assignment]
                self.handle_new_connection, host, port, reuse_address=os.name == "posix"
            )
        else:
            self.transport = (await self.call_create())[0]


class _RequestHandler(ServerRequestHandler):
    """One client's connection."""

    server: _Server

    def datagram_received(self, data: bytes, addr: tuple[Any, ...] | None) -> None:
        """Serve every whole frame that has arrived, in order, and keep the rest."""
        self.recv_buffer += data
        while len(self.recv_buffer) >= 8:
            length = 6 + int.from_bytes(self.recv_buffer[4:6], "big")
            if length > _FRAME_MAX or self.recv_buffer[2:4] != b"\0\0":
                self.close()  # not Modbus TCP: the byte stream cannot be resynchronised
                return
            if len(self.recv_buffer) < length:
                return
            frame, self.recv_buffer = self.recv_buffer[:length], self.recv_buffer[length:]
            self._on_frame(frame)

    def _on_frame(self, frame: bytes) -> None:
        owner = self.server.owner
        if owner.silent:
            return
        try:
            _, request = self.framer.handleFrame(frame, 0, 0)
        except ModbusIOException:
            answer = ExceptionResponse(frame[7] & 0x7F, ExcCodes.ILLEGAL_FUNCTION)
            answer.transaction_id, answer.dev_id = int.from_bytes(frame[:2], "big"), frame[6]
            self._answer(answer)
            return
        if request is None:
            return
        if owner.latency_s > 0.0:
            self.loop.call_later(owner.latency_s, self._serve, request)
        else:
            self._serve(request)

    def _serve(self, request: ModbusPDU) -> None:
        owner = self.server.owner
        if not self.transport or owner.silent:
            return
        response: ModbusPDU
        if request.dev_id != owner.unit:
            response = ExceptionResponse(request.function_code, ExcCodes.GATEWAY_NO_RESPONSE)
        elif owner.refuse_with:
            response = ExceptionResponse(request.function_code, owner.refuse_with)
        else:
            peer = self._peer()
            if owner.before_request is not None:
                owner.before_request(peer)
            response = _run(request.datastore_update(self.server.context, request.dev_id))  # type: ignore[arg-type]
            if owner.after_write is not None and not response.isError():
                written = _written(request)
                if written is not None:
                    owner.after_write(peer, *written)
        response.transaction_id, response.dev_id = request.transaction_id, request.dev_id
        self._answer(response)

    def _answer(self, response: ModbusPDU) -> None:
        if self.transport:
            self.transport.write(self.framer.buildFrame(response))  # type: ignore[attr-defined]

    def _peer(self) -> str:
        transport: Any = self.transport
        other = getattr(transport, "other_modem", None)
        if other is not None:
            return str(other.protocol.comm_params.comm_name)
        name = transport.get_extra_info("peername")
        return f"{name[0]}:{name[1]}" if name else ""


def _run(coroutine: Any) -> Any:
    """pymodbus' register access is declared async but waits for nothing; finish it here and now."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    coroutine.close()
    raise AssertionError("pymodbus waited while accessing registers; this server needs that not to happen")


def _written(request: ModbusPDU) -> tuple[str, int, int] | None:
    """(table, address, count) that a request wrote."""
    if isinstance(request, WriteMultipleRegistersRequest):
        return "holding", request.address, len(request.registers)
    if isinstance(request, WriteMultipleCoilsRequest):
        return "coil", request.address, len(request.bits)
    if isinstance(request, WriteSingleRegisterRequest | MaskWriteRegisterRequest):
        return "holding", request.address, 1
    if isinstance(request, WriteSingleCoilRequest):
        return "coil", request.address, 1
    if isinstance(request, ReadWriteMultipleRegistersRequest):
        return "holding", request.write_address, len(request.write_registers)
    return None


async def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that is free now (``port: auto``)."""
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port
