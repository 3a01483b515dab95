"""One open connection to a Modbus server, and the requests that are under way on it.

Called by   ``drivers.modbus_link``, which opens it over TCP, TLS, a serial line or in memory.
Knows       framing, transaction numbers, time-outs. Several requests may be under way where answers name theirs; a late
            answer finds nobody and is dropped, so that it can never be taken for the answer to a later request.
Promise     a write's gate is asked at the send call with nothing queued behind it: neither here nor in the transport.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from dcs.core.errors import LinkDown
from field_io.drivers.link import GateClosed, LinkFaults
from field_io.modbus.framing import Framing, FramingLost

Gate = Callable[[], bool]


class _Pending(NamedTuple):
    unit: int
    answer: "asyncio.Future[bytes]"
    timer: asyncio.TimerHandle


class ModbusConnection(asyncio.Protocol):
    """Requests go out with ``request``; the connection is over for good once it is lost or aborted."""

    def __init__(self, framing: Framing, in_flight: int = 1, faults: LinkFaults | None = None) -> None:
        """``in_flight``: most requests under way; 1 where the framing does not name them (RTU)."""
        self.faults = faults or LinkFaults()
        self.on_lost: Callable[[], None] | None = None
        self._framing = framing
        self._slots = asyncio.Semaphore(in_flight if framing.pipelines else 1)
        self._transport: asyncio.Transport | None = None
        self._pending: dict[int, _Pending] = {}
        self._transaction = 0
        self._reason = "connection aborted"

    @property
    def open(self) -> bool:
        """True until it is lost or aborted."""
        return self._transport is not None

    # --- asyncio ----------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._end("connection closed by the device")

    def data_received(self, data: bytes) -> None:
        if self.faults.cut:
            return
        try:
            frames = self._framing.feed(data)
        except FramingLost as lost:
            self.abort(str(lost))
            return
        for frame in frames:
            pending = self._pending.get(frame.transaction)
            if pending is None:
                continue  # late, twice, or never asked for
            if frame.unit != pending.unit:
                # Without transaction numbers it is the late answer of another unit; with them a device in disorder.
                if self._framing.pipelines:
                    self._finish(frame.transaction, LinkDown(f"asked unit {pending.unit}, unit {frame.unit} answered"))
                continue
            self._finish(frame.transaction, frame.pdu)

    # --- requests ---------------------------------------------------------------------------------------------
    async def request(self, unit: int, pdu: bytes, timeout_s: float, may_write: Gate | None = None) -> bytes:
        """The answer's PDU. Raises ``LinkDown`` (no answer, connection lost) or ``GateClosed`` (nothing was sent)."""
        async with self._slots:
            answer = self._send(unit, pdu, timeout_s, may_write)
            if answer.done():  # over a memory transport the answer is there when the send returns
                return answer.result()
            try:
                return await answer
            finally:
                if not answer.done():  # the caller was cancelled
                    answer.cancel()
                self._forget(answer)

    def _send(self, unit: int, pdu: bytes, timeout_s: float, may_write: Gate | None) -> "asyncio.Future[bytes]":
        transport = self._transport
        if transport is None or transport.is_closing():
            raise LinkDown(self._reason)
        if may_write is not None:
            if not may_write():
                raise GateClosed("not sent: this controller has no authority over the outputs")
            if transport.get_write_buffer_size():
                self.abort("the device does not take what is sent to it")
                raise LinkDown(self._reason)
        self._transaction = transaction = self._transaction % 0xFFFF + 1 if self._framing.pipelines else 0
        if not self._framing.pipelines:
            self._framing.reset()  # what is left of an older answer is none to this request
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes] = loop.create_future()
        timer = loop.call_later(timeout_s, self._time_out, transaction, timeout_s)
        self._pending[transaction] = _Pending(unit, answer, timer)
        data = self._framing.frame(transaction, unit, pdu)
        if self.faults.cut:
            return answer
        if self.faults.latency_s > 0.0:
            # The slow cable is behind the gate: a write under way when the gate closes must not arrive later on.
            loop.call_later(self.faults.latency_s, self._send_late, transaction, data, may_write)
        else:
            transport.write(data)
        return answer

    def _send_late(self, transaction: int, data: bytes, may_write: Gate | None) -> None:
        transport = self._transport
        if transport is None or transaction not in self._pending or self.faults.cut:
            return
        if may_write is None or may_write():
            transport.write(data)

    def _finish(self, transaction: int, outcome: bytes | Exception) -> None:
        pending = self._pending.pop(transaction, None)
        if pending is None:
            return
        pending.timer.cancel()
        if pending.answer.done():
            return
        if isinstance(outcome, Exception):
            pending.answer.set_exception(outcome)
        else:
            pending.answer.set_result(outcome)

    def _forget(self, answer: "asyncio.Future[bytes]") -> None:
        for transaction, pending in self._pending.items():
            if pending.answer is answer:
                pending.timer.cancel()
                del self._pending[transaction]
                return

    def _time_out(self, transaction: int, timeout_s: float) -> None:
        self._finish(transaction, LinkDown(f"no answer within {timeout_s * 1000:g} ms"))

    # --- the end ----------------------------------------------------------------------------------------------
    def abort(self, reason: str = "connection aborted") -> None:
        """Drop it at once; what was not sent is not sent, and requests under way raise ``LinkDown``."""
        transport = self._transport
        self._end(reason)
        if transport is not None:
            transport.abort()

    def _end(self, reason: str) -> None:
        if self._transport is None:
            return
        self._transport = None
        self._reason = reason
        for transaction in list(self._pending):
            self._finish(transaction, LinkDown(reason))
        if self.on_lost is not None:
            self.on_lost()
