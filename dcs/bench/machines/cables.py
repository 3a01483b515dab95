"""Relays between the nodes of a real plant: cables that can be cut, slow and lossy, with somebody who listens on them.

Called by   ``dcs.bench.machines.plant``: every node of a chaos run reaches every other one, the bus and the devices
            through a relay of its own.
Knows       sockets. What is cut is silent, not refused: nothing is answered, what was on the way waits, and goes on
            after the repair only when the sender still wants the connection, as with packets that are sent again.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any, cast

Address = tuple[str, int]
Hear = Callable[[bytes], None]

_LAST_WORD_S = 0.1  # a far end has answered by then, or is not heard
_ESTABLISHED = 1  # first byte of Linux's tcp_info


class Cable:
    """One cable; ``delay_s`` one way, ``loss`` the share of datagrams that never arrive (streams lose nothing)."""

    def __init__(self, seed: int = 0) -> None:
        self.delay_s = 0.0
        self.loss = 0.0
        self.is_cut = False
        self.random = Random(seed)
        self._passages: set[_Passage] = set()

    def cut(self) -> None:
        """From now on nothing passes."""
        self.is_cut = True
        for passage in tuple(self._passages):
            passage.stop()

    def repair(self) -> None:
        """As new: no delay, no loss."""
        self.is_cut, self.delay_s, self.loss = False, 0.0, 0.0
        for passage in tuple(self._passages):
            passage.go_on()

    def entered(self, passage: "_Passage") -> None:
        """A connection runs through this cable."""
        self._passages.add(passage)

    def left(self, passage: "_Passage") -> None:
        """It does not any more."""
        self._passages.discard(passage)


class Ears:
    """Who listens on one connection: what reaches the far end, and what it answers."""

    def __init__(self, asked: Hear, answered: Hear) -> None:
        self.asked = asked
        self.answered = answered


class _Passage:
    """One connection: the caller's end, the far end, and what waits while the cable is cut."""

    def __init__(self, cable: Cable, far: Address, ears: Ears | None) -> None:
        self._cable = cable
        self._far = far
        self._ears = ears
        self._stillborn = cable.is_cut  # its first packet was never answered
        self._waiting: list[tuple[bool, bytes]] = []
        self._due_s = 0.0
        self._ends: dict[bool, asyncio.Transport] = {}  # True: the caller's

    @property
    def is_open(self) -> bool:
        """An end is still there, or on its way."""
        return bool(self._ends)

    def opened(self, is_caller: bool, transport: asyncio.Transport) -> None:
        self._ends[is_caller] = transport
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if is_caller:
            self._cable.entered(self)
            if self._stillborn:
                transport.pause_reading()
            else:
                self._task = asyncio.get_running_loop().create_task(self._reach())
        else:
            self._flush()

    async def _reach(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: _End(self, False), *self._far)
        except OSError:
            self.abort()

    def heard(self, is_caller: bool, data: bytes) -> None:
        """Data from one end, for the other."""
        loop = asyncio.get_running_loop()
        self._due_s = max(self._due_s, loop.time() + self._cable.delay_s)
        if self._cable.delay_s:
            loop.call_at(self._due_s, self._deliver, is_caller, data)
        else:
            self._deliver(is_caller, data)

    def _deliver(self, is_caller: bool, data: bytes) -> None:
        self._waiting.append((is_caller, data))
        if not self._cable.is_cut:
            self._flush()

    def _flush(self) -> None:
        if False not in self._ends:
            return
        waiting, self._waiting = self._waiting, []
        for is_caller, data in waiting:
            if self._ears is not None:
                (self._ears.asked if is_caller else self._ears.answered)(data)
            if (other := self._ends.get(not is_caller)) is not None:
                other.write(data)

    def stop(self) -> None:
        """The cable is cut."""
        for end in self._ends.values():
            with suppress(RuntimeError):
                end.pause_reading()

    def go_on(self) -> None:
        """The cable is whole again."""
        if self._stillborn or not all(_wanted(end) for end in self._ends.values()):
            self.abort()
            return
        self._flush()
        for end in self._ends.values():
            with suppress(RuntimeError):
                end.resume_reading()

    def lost(self, is_caller: bool) -> None:
        """One end has closed or is dead: so is the other one."""
        self._ends.pop(is_caller, None)
        if self._cable.is_cut:
            return
        if is_caller and self._ears is not None:
            # The far end may just be answering: whoever listens is to hear whether it took what was asked last.
            asyncio.get_running_loop().call_later(_LAST_WORD_S, self.abort)
        else:
            self.abort()

    def abort(self) -> None:
        """Both ends, at once."""
        self._cable.left(self)
        for end in tuple(self._ends.values()):
            end.abort()


class _End(asyncio.Protocol):
    def __init__(self, passage: _Passage, is_caller: bool) -> None:
        self._passage = passage
        self._is_caller = is_caller

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._passage.opened(self._is_caller, cast("asyncio.Transport", transport))

    def data_received(self, data: bytes) -> None:
        self._passage.heard(self._is_caller, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._passage.lost(self._is_caller)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, cable: Cable, far: Address) -> None:
        self._cable = cable
        self._far = far
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        cable = self._cable
        if cable.is_cut or (cable.loss and cable.random.random() < cable.loss):
            return
        if cable.delay_s:
            asyncio.get_running_loop().call_later(cable.delay_s, self._send, data)
        else:
            self._send(data)

    def _send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing() and not self._cable.is_cut:
            self._transport.sendto(data, self._far)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens at the far end now: a lost datagram."""


class Relay:
    """One way in, at ``near``, to one far address: streams, and with ``datagrams`` those as well."""

    def __init__(self, cable: Cable, near: Address, far: Address, *, datagrams: bool = False) -> None:
        self.near = near
        self._cable = cable
        self._far = far
        self._datagrams = datagrams
        self._udp: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._passages: list[_Passage] = []

    async def start(self, listen: Callable[[], Ears] | None = None) -> None:
        """``listen`` gives the ears of every new connection."""
        loop = asyncio.get_running_loop()

        def caller() -> _End:
            self._passages = [one for one in self._passages if one.is_open]
            self._passages.append(_Passage(self._cable, self._far, listen() if listen else None))
            return _End(self._passages[-1], True)

        self._server = await loop.create_server(caller, *self.near)
        if self._datagrams:
            self._udp, _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(self._cable, self._far), local_addr=self.near
            )

    def close(self) -> None:
        """Listen no more, and end what runs."""
        for passage in self._passages:
            passage.abort()
        if self._server is not None:
            self._server.close()
        if self._udp is not None:
            self._udp.abort()


def _wanted(end: asyncio.Transport) -> bool:
    """False for a connection that its owner has aborted while nobody read from it. Told by Linux alone."""
    sock = end.get_extra_info("socket")
    option = getattr(socket, "TCP_INFO", None)
    if sock is None or option is None:
        return True
    try:
        return bool(sock.getsockopt(socket.IPPROTO_TCP, option, 1)[0] == _ESTABLISHED)
    except OSError:
        return False
