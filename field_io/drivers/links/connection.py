"""One open connection to a Modbus server, and the requests that are under way on it.

Called by   ``links.unit_link`` (a connection of its own for one unit), ``links.shared_link`` (one for many).
Knows       framing, transaction numbers, time-outs. Several requests may be under way where answers name theirs; a late
            answer finds nobody and is dropped, so that it can never be taken for the answer to a later request.
Promise     a write's gate is asked at the send call with nothing queued behind it: neither here nor in the transport.
            A connection that is aborted while the answer to a write is out is reset: the system sends nothing later.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from dcs.core.errors import LinkDown
from field_io.drivers.gate import CLOSED, Gate, GateClosed
from field_io.drivers.links.link import LinkFaults
from field_io.drivers.links.slots import Slots
from field_io.drivers.links.sockets import reset_when_closed
from field_io.modbus.framing import Framing, FramingLost
from field_io.modbus.pdu import NO_ANSWER, NO_PATH

UNREACHED = (NO_PATH, NO_ANSWER)
"""Exceptions by which a gateway says that a unit does not answer it."""
RESOLUTION_S = 1e-9
"""What is left of a pause below this has passed: a sum of float seconds may miss a simulated nanosecond for ever."""
_WHOLE = LinkFaults()


class TimedOut(LinkDown):
    """No answer in time; the connection itself may be well."""

    def __init__(self, timeout_s: float, sent_at: int, trusted: bool) -> None:
        super().__init__(f"no answer within {timeout_s * 1000:g} ms")
        self.sent_at = sent_at  # how many answers the connection had given when the request was sent
        self.trusted = trusted  # the unit had answered before


class _Pending:
    __slots__ = ("answer", "deadline_s", "faults", "sent_at", "timeout_s", "unit", "writes")

    def __init__(
        self, unit: int, answer: "asyncio.Future[bytes]", deadline_s: float, timeout_s: float, faults: LinkFaults,
        writes: bool, sent_at: int,
    ) -> None:  # fmt: skip
        self.unit = unit
        self.answer = answer
        self.deadline_s = deadline_s
        self.timeout_s = timeout_s
        self.faults = faults
        self.writes = writes
        self.sent_at = sent_at  # how many answers the connection had given by then


class ModbusConnection(asyncio.Protocol):
    """Requests go out with ``request``; the connection is over for good once it is lost or aborted."""

    def __init__(self, framing: Framing, in_flight: int = 1, silence_s: float = 0.0) -> None:
        """``in_flight``: most requests under way; 1 where the framing does not name them (RTU).

        ``silence_s``: between what was heard last and the next request (t3.5 of a serial line).
        """
        self.slots = Slots(in_flight if framing.pipelines else 1)
        self.on_lost: Callable[[], None] | None = None
        self.answers = 0  # heard so far, of all units
        self._framing = framing
        self._pipelines = framing.pipelines
        self._silence_s = silence_s
        self._heard_s = 0.0
        self._transport: asyncio.Transport | None = None
        self._inner: asyncio.Transport | None = None  # whose buffer is the last one before the system's
        self._pending: dict[int, _Pending] = {}
        self._transaction = 0
        self._reason = "connection aborted"
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_s = 0.0
        self._unanswered_writes = 0  # the system may still be sending them

    @property
    def open(self) -> bool:
        """True until it is lost or aborted."""
        return self._transport is not None

    @property
    def reason(self) -> str:
        """Why it ended."""
        return self._reason

    @property
    def pending(self) -> list[tuple[int, int]]:
        """Requests under way: unit, and how many answers the connection had given when it was sent."""
        return [(pending.unit, pending.sent_at) for pending in self._pending.values()]

    def writing(self, unit: int) -> bool:
        """True while a write of this unit is under way."""
        return any(pending.writes and pending.unit == unit for pending in self._pending.values())

    # --- asyncio ----------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = self._inner = cast(asyncio.Transport, transport)  # of whatever loop
        self._loop = asyncio.get_running_loop()
        # uvloop keeps what is below the mark until the end of its turn: behind the gate nothing may wait.
        self._inner.set_write_buffer_limits(high=0)

    def secured(self, transport: asyncio.Transport, inner: asyncio.Transport) -> None:
        """As ``connection_made``, with TLS on top of ``inner``: below it is a second buffer that it does not count."""
        self.connection_made(transport)
        self._inner = inner
        inner.set_write_buffer_limits(high=0)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(self._why_lost(exc))

    def data_received(self, data: bytes) -> None:
        damage = ""
        try:
            frames = self._framing.feed(data)
        except FramingLost as lost:
            frames, damage = lost.frames, str(lost)
        if self._silence_s and self._loop is not None:
            self._heard_s = self._loop.time()
        for frame in frames:
            pending = self._pending.get(frame.transaction)
            if pending is None or pending.faults.cut:
                continue  # late, twice, never asked for; or lost in the cable
            if frame.unit != pending.unit:
                # Without transaction numbers it is the late answer of another unit; with them a device in disorder.
                if self._pipelines:
                    self._finish(frame.transaction, LinkDown(f"asked unit {pending.unit}, unit {frame.unit} answered"))
                continue
            self.answers += 1
            self._unanswered_writes -= pending.writes
            del self._pending[frame.transaction]
            if len(frame.pdu) == 2 and frame.pdu[1] in UNREACHED and frame.pdu[0] & 0x80:
                self.slots.suspects.add(frame.unit)  # the gateway answers in place of a unit that does not
            else:
                self.slots.suspects.discard(frame.unit)
            if not pending.answer.done():
                pending.answer.set_result(frame.pdu)
        if damage:
            self.abort(damage)

    def _why_lost(self, exc: Exception | None) -> str:
        if isinstance(exc, ssl.SSLError):
            # Since TLS 1.3 a client learns only after the handshake that its certificate is not wanted.
            return f"the device ended the TLS connection: {(exc.reason or str(exc)).replace('_', ' ').lower()}"
        if self._inner is not self._transport and not self.answers:
            return "the device closed the TLS connection before its first answer: it may not accept our certificate"
        return "connection closed by the device"

    # --- requests ---------------------------------------------------------------------------------------------
    async def request(
        self, unit: int, pdu: bytes, timeout_s: float, may_write: Gate | None = None, faults: LinkFaults = _WHOLE
    ) -> bytes:
        """The answer's PDU. Raises ``TimedOut``, ``LinkDown`` (connection lost), ``GateClosed`` (nothing was sent)."""
        slots = self.slots
        if not slots.take(unit):
            await slots.wait(unit)
        try:
            if self._silence_s:
                await self._silence()
            answer = self._send(unit, pdu, timeout_s, may_write, faults)
            if answer.done():  # over a memory transport the answer is there when the send returns
                return answer.result()
            try:
                return await answer
            finally:
                if not answer.done() or answer.cancelled():  # the caller was cancelled
                    self._forget(answer)
        finally:
            slots.give(unit)

    async def _silence(self) -> None:
        assert self._loop is not None
        while (left_s := self._heard_s + self._silence_s - self._loop.time()) > RESOLUTION_S:
            await asyncio.sleep(left_s)

    def _send(
        self, unit: int, pdu: bytes, timeout_s: float, may_write: Gate | None, faults: LinkFaults
    ) -> "asyncio.Future[bytes]":
        transport, loop = self._transport, self._loop
        if transport is None or loop is None or transport.is_closing():
            raise LinkDown(self._reason)
        if may_write is not None and self._queued():
            self.abort("the device does not take what is sent to it")
            raise LinkDown(self._reason)
        if self._pipelines:
            self._transaction = transaction = self._transaction % 0xFFFF + 1
        else:
            transaction = 0
            self._framing.reset()  # what is left of an older answer is none to this request
        answer: asyncio.Future[bytes] = loop.create_future()
        deadline_s = loop.time() + timeout_s
        self._pending[transaction] = _Pending(
            unit, answer, deadline_s, timeout_s, faults, may_write is not None, self.answers
        )
        if self._timer is None or deadline_s < self._timer_s:
            self._arm(deadline_s)
        data = self._framing.frame(transaction, unit, pdu)
        delay_s, copies = faults.passage()
        if may_write is not None and not may_write():
            del self._pending[transaction]
            raise GateClosed(CLOSED)
        if copies and delay_s > 0.0:
            # The slow cable is behind the gate: a write under way when the gate closes must not arrive later on.
            loop.call_later(delay_s, self._send_late, transaction, copies * data, may_write, faults)
        elif copies:
            self._put(transport, copies * data, may_write is not None)
        return answer

    def _send_late(self, transaction: int, data: bytes, may_write: Gate | None, faults: LinkFaults) -> None:
        transport = self._transport
        if transport is None or transaction not in self._pending or faults.cut:
            return
        if may_write is None or may_write():
            self._put(transport, data, may_write is not None)

    def _put(self, transport: asyncio.Transport, data: bytes, writes: bool) -> None:
        """Hand it to the system. What the system does not take now would leave when nobody has asked the gate."""
        self._unanswered_writes += writes
        transport.write(data)
        if writes and self._queued():
            self.abort("the device does not take what is sent to it")

    def _queued(self) -> bool:
        """Is anything waiting in front of the system's own buffer?"""
        transport, inner = self._transport, self._inner
        if transport is None or inner is None:
            return False
        return bool(transport.get_write_buffer_size() or inner.get_write_buffer_size())

    def _finish(self, transaction: int, outcome: Exception) -> None:
        pending = self._pending.pop(transaction, None)
        if pending is not None and not pending.answer.done():
            pending.answer.set_exception(outcome)

    def _forget(self, answer: "asyncio.Future[bytes]") -> None:
        for transaction, pending in self._pending.items():
            if pending.answer is answer:
                del self._pending[transaction]
                return

    def give_up(self, unit: int, reason: str) -> None:
        """End the requests of one unit; their answers, should they come, find nobody."""
        for transaction, pending in list(self._pending.items()):
            if pending.unit == unit:
                self._finish(transaction, LinkDown(reason))

    # --- time-outs: one timer for all requests, set for the earliest ---------------------------------------------
    def _arm(self, deadline_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        assert self._loop is not None
        self._timer_s = deadline_s
        self._timer = self._loop.call_at(deadline_s, self._look_at_the_time)

    def _look_at_the_time(self) -> None:
        now_s = self._timer_s  # a timer may fire a little early; what is due now is due
        self._timer = None
        late: list[int] = []
        for transaction, pending in list(self._pending.items()):
            if pending.deadline_s <= now_s:
                trusted = pending.unit not in self.slots.suspects
                self._finish(transaction, TimedOut(pending.timeout_s, pending.sent_at, trusted))
                late.append(pending.unit)
        self.slots.suspects.update(late)
        if self._pending:
            self._arm(min(pending.deadline_s for pending in self._pending.values()))

    # --- the end ----------------------------------------------------------------------------------------------
    def abort(self, reason: str = "connection aborted") -> None:
        """Drop it at once; what was not sent is not sent, and requests under way raise ``LinkDown``."""
        transport, inner = self._transport, self._inner
        self._end(reason)
        if transport is None or inner is None:
            return
        if self._unanswered_writes:
            reset_when_closed(inner)
        transport.abort()

    def _end(self, reason: str) -> None:
        if self._transport is None:
            return
        self._transport = None
        self._reason = reason
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for transaction in list(self._pending):
            self._finish(transaction, LinkDown(reason))
        if self.on_lost is not None:
            self.on_lost()
