"""The Modbus client: pymodbus behind the ``ModbusLink`` protocol. The only module of the driver side that knows it.

Called by   ``drivers.modbus`` through ``ModbusLink``; built by the assembly with ``wire_link`` or ``memory_link``.
Peers       wire and memory differ in the address they connect to, and in nothing else.
Behaviour   pymodbus must not reconnect or repeat by itself: back-off is the driver's, and a repeated write would
            pass the gate unasked. Its own timeout is the only one; no outer one ever cuts a request short.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest, WriteMultipleCoilsRequest
from pymodbus.transport import NULLMODEM_HOST

from dcs.core.clock import NS_PER_S
from dcs.core.errors import LinkDown
from field_io.drivers.link import DeviceRefused, GateClosed, LinkFaults
from field_io.memory_network import MemoryNetwork
from field_io.pdus import QuietDecoder, ReadHolding, ReadInput, WriteHolding
from field_io.specs import DeviceSpec

# pymodbus logs every lost answer as an error with the last 20 frames; our reports say the same in one line.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

_READS: dict[str, type[ModbusPDU]] = {
    "coil": ReadCoilsRequest,
    "discrete": ReadDiscreteInputsRequest,
    "input": ReadInput,
    "holding": ReadHolding,
}


def _always() -> bool:
    return True


class PymodbusLink:
    """One pymodbus connection at a time; a new client object per connection, so no state survives a loss."""

    def __init__(
        self, spec: DeviceSpec, address: Callable[[], tuple[str, int]], faults: LinkFaults | None, name: str
    ) -> None:
        self.faults = faults or LinkFaults()
        self._spec = spec
        self._address = address
        self._name = name
        self._timeout_s = spec.timeout_ns / NS_PER_S
        self._client: AsyncModbusTcpClient | None = None
        self._in_flight = False
        self._may_write = _always

    @property
    def connected(self) -> bool:
        return self._client is not None and self._client.connected

    async def connect(self) -> None:
        self.abort()
        if self.faults.cut:  # a cut cable refuses nothing: the attempt runs into its timeout
            await asyncio.sleep(self._timeout_s)
            raise LinkDown(f"{self._spec.host}:{self._spec.port} does not answer")
        host, port = self._address()
        client = AsyncModbusTcpClient(
            host,
            port=port,
            name=self._name,
            timeout=self._timeout_s,
            retries=0,
            reconnect_delay=0,
            trace_packet=self._on_packet,
            trace_connect=self._on_connection,
        )
        client.ctx.low_level_send = self._send
        client.ctx.framer.decoder = QuietDecoder(False)
        try:
            # Not client.connect(): its wait_for loses a cancellation that comes in the instant of the answer.
            async with asyncio.timeout(self._timeout_s):
                await client.ctx.call_create()
        except OSError as exc:  # TimeoutError is one
            client.close()
            raise LinkDown(f"{self._spec.host}:{self._spec.port} accepts no connection") from exc
        except asyncio.CancelledError:
            client.close()
            raise
        self._client = client

    async def read(self, table: str, address: int, count: int) -> Sequence[int]:
        request = _READS[table](dev_id=self._spec.unit, address=address, count=count)
        response = await self._execute(request, _always)
        answer = response.bits if table in ("coil", "discrete") else response.registers
        if len(answer) < count:
            self.abort()
            raise LinkDown(f"asked for {count} of table {table}, the device sent {len(answer)}")
        return answer[:count] if len(answer) > count else answer

    async def write(self, table: str, address: int, words: Sequence[int], may_write: Callable[[], bool]) -> None:
        request: ModbusPDU
        if table == "coil":
            bits = [bool(word) for word in words]
            request = WriteMultipleCoilsRequest(dev_id=self._spec.unit, address=address, bits=bits)
        else:
            request = WriteHolding(dev_id=self._spec.unit, address=address, registers=list(words))
        await self._execute(request, may_write)

    def abort(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        transport: Any = client.ctx.transport
        if transport is not None:
            transport.abort()  # close() would first send what is still buffered
        client.close()
        self._fail_request(client, "connection aborted")

    # --- inside -----------------------------------------------------------------------------------------------
    async def _execute(self, request: ModbusPDU, may_write: Callable[[], bool]) -> ModbusPDU:
        client = self._client
        if client is None or not client.connected:
            raise LinkDown("not connected")
        assert not self._in_flight, "one request at a time: the driver holds a lock"
        self._in_flight = True
        self._may_write = may_write
        try:
            response = await self._exchange(client, request)
        except (ModbusException, OSError) as exc:
            if self._client is client:
                self.abort()  # a late answer must never meet the next request
            raise LinkDown(str(exc) or type(exc).__name__) from exc
        finally:
            self._in_flight = False
            self._may_write = _always
        if response.isError():
            raise DeviceRefused(response.exception_code)
        return response

    async def _exchange(self, client: AsyncModbusTcpClient, request: ModbusPDU) -> ModbusPDU:
        """pymodbus' ``execute`` for a caller that holds the lock and repeats nothing; 3 of its 5 loop turns less."""
        ctx = client.ctx
        loop = asyncio.get_running_loop()
        request.transaction_id = ctx.getNextTID()
        ctx.recv_buffer = b""
        ctx.response_future = answer = loop.create_future()
        ctx.pdu_send(request)
        if not answer.done():  # over a null modem the answer is there when the send returns
            timer = loop.call_later(self._timeout_s, self._time_out, answer)
            try:
                await answer
            finally:
                timer.cancel()
        response: ModbusPDU = answer.result()
        if response.dev_id != request.dev_id or response.transaction_id != request.transaction_id:
            raise ModbusException(
                f"asked unit {request.dev_id} (transaction {request.transaction_id}), "
                f"unit {response.dev_id} (transaction {response.transaction_id}) answered"
            )
        return response

    def _time_out(self, answer: "asyncio.Future[ModbusPDU]") -> None:
        if not answer.done():
            answer.set_exception(TimeoutError(f"no answer within {self._timeout_s * 1000:g} ms"))

    def _send(self, data: bytes, addr: Any = None) -> None:
        """pymodbus' last step before the transport: the gate stands here."""
        if not self._may_write():
            raise GateClosed("not sent: this controller has no authority over the outputs")
        client = self._client
        if client is None or self.faults.cut:
            return
        if self.faults.latency_s > 0.0:
            # The slow cable is behind the gate: a write under way when the gate closes must not arrive later on.
            asyncio.get_running_loop().call_later(self.faults.latency_s, self._send_late, client, data)
        else:
            client.ctx.send(data)

    def _send_late(self, client: AsyncModbusTcpClient, data: bytes) -> None:
        if client is self._client and client.connected and not self.faults.cut and self._may_write():
            client.ctx.send(data)

    def _on_packet(self, sending: bool, data: bytes) -> bytes:
        return b"" if not sending and self.faults.cut else data

    def _on_connection(self, connected: bool) -> None:
        if not connected and self._client is not None:
            self._fail_request(self._client, "connection closed by the device")

    def _fail_request(self, client: AsyncModbusTcpClient, reason: str) -> None:
        """pymodbus would let a request in flight wait for its whole timeout when its connection is lost."""
        if self._in_flight and not client.ctx.response_future.done():
            client.ctx.response_future.set_exception(ConnectionError(reason))


def wire_link(spec: DeviceSpec, name: str = "dcs", faults: LinkFaults | None = None) -> PymodbusLink:
    """Link over TCP to ``spec.host:spec.port``."""
    return PymodbusLink(spec, lambda: (spec.host, spec.port), faults, name)


def memory_link(
    spec: DeviceSpec, network: MemoryNetwork, name: str = "dcs", faults: LinkFaults | None = None
) -> PymodbusLink:
    """Link over a null modem to the simulated device that listens on ``spec.host:spec.port`` of ``network``.

    ``name`` is what the device sees as its peer.
    """
    return PymodbusLink(spec, lambda: (NULLMODEM_HOST, network.number_of(spec.host, spec.port)), faults, name)
