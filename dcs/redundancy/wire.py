"""The link between voters on real sockets: UDP for the lease, one TCP stream between the two members for the mirror.

Called by   dcs.node (through ``PairNetwork``) on the wall clock.
Knows       addresses; one port number per node, used for both UDP and TCP.

The member whose name sorts later dials, with exponential back-off. A stream that cannot take more, or whose peer does
not acknowledge, is aborted, never waited for: what is lost is repaired by a new copy.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Mapping
from random import Random

from dcs.core.clock import Clock, sleep
from dcs.core.errors import Missing
from dcs.redundancy.transport import LARGEST_FRAME, Handler

Address = tuple[str, int]

FRAME = struct.Struct("<I")
BUFFER_BYTES = 8 << 20  # more than the window of a copy; a stream with so much unsent is dead
USER_TIMEOUT_MS = 1000  # TCP gives up on a silent peer after this (where the system can)
SILENCE_S = 2.0
"""A stream on which nothing came for so long is dead. Both ends send an empty frame four times as often: a standby has
nothing to say by itself, and would wait for ever on half a connection. The keep-alive of TCP does not do: whatever
stands in between (a firewall, a relay) answers it, though the far end has given up."""
SLOWEST_BYTES_PER_S = 1_000_000  # a link that is slower cannot carry a mirror
DIAL_TIMEOUT_S = 1.0  # the system tries for minutes, at ever longer intervals: a mended link would not be noticed
FIRST_BACK_OFF_S = 0.05
LONGEST_BACK_OFF_S = 1.0
RESOLVE_AGAIN_S = 5.0


class WireNetwork:
    """``PairNetwork`` of one node. ``stream_peer`` = the other member; "" for a witness, which has no stream."""

    def __init__(
        self,
        name: str,
        listen: Address,
        peers: Mapping[str, Address],
        clock: Clock,
        stream_peer: str = "",
        rng_seed: int = 0,
        silence_s: float = SILENCE_S,
    ) -> None:
        self.name = name
        self.listen = listen
        self.dropped = 0
        self.reconnects = 0
        self._peers = dict(peers)
        self._clock = clock
        self._stream_peer = stream_peer
        self._silence_s = silence_s
        self._random = Random(f"{rng_seed} {name}")
        self._handler: Handler | None = None
        self._udp: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._resolved: dict[str, Address] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._is_closing = False

    @property
    def dials(self) -> bool:
        """Whether this side opens the stream."""
        return bool(self._stream_peer) and self.name > self._stream_peer

    def open(self, handler: Handler) -> None:
        self._handler = handler

    async def start(self) -> None:
        assert self._handler is not None, "open(handler) comes before start()"
        loop = asyncio.get_running_loop()
        self._is_closing = False
        host, port = self.listen
        try:
            self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self._received), (host, port))
            self.listen = (host, self._udp.get_extra_info("sockname")[1])
            if self._stream_peer and not self.dials:
                self._server = await asyncio.start_server(self._accepted, host, self.listen[1])
        except OSError as exc:
            await self.stop()
            raise Missing(
                f"{self.name}: the redundancy link cannot listen on {host}:{port} ({exc.strerror or exc}). "
                f"Stop what uses the port or configure another one."
            ) from exc
        await self._resolve_all()
        if len(self._resolved) < len(self._peers):
            self._tasks.append(loop.create_task(self._resolve_forever()))
        if self.dials:
            self._tasks.append(loop.create_task(self._dial_forever()))

    async def stop(self) -> None:
        self._is_closing = True
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._drop_stream()
        if self._udp is not None:
            self._udp.abort()
            self._udp = None
        if self._server is not None:
            self._server.close()
            self._server = None
        await asyncio.sleep(0)  # let the transports close

    # --- names --------------------------------------------------------------------------------------------
    async def _resolve_all(self) -> None:
        """Once, not at every send: a name server must not stop a renewal."""
        loop = asyncio.get_running_loop()
        assert self._udp is not None
        family = self._udp.get_extra_info("socket").family
        for name, (host, port) in self._peers.items():
            if name not in self._resolved:
                with contextlib.suppress(OSError):
                    found = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_DGRAM)
                    self._resolved[name] = (str(found[0][4][0]), int(found[0][4][1]))

    async def _resolve_forever(self) -> None:
        while len(self._resolved) < len(self._peers):
            await sleep(self._clock, RESOLVE_AGAIN_S)
            await self._resolve_all()

    # --- datagrams ----------------------------------------------------------------------------------------
    def send(self, to: str, payload: bytes) -> None:
        address = self._resolved.get(to)
        if self._udp is None or address is None:
            self.dropped += 1
            return
        self._udp.sendto(payload, address)

    def _received(self, payload: bytes) -> None:
        if self._handler is not None and not self._is_closing:
            self._handler(payload)

    # --- the stream ---------------------------------------------------------------------------------------
    def send_stream(self, to: str, payload: bytes) -> None:
        writer = self._writer
        if writer is None or to != self._stream_peer or len(payload) > LARGEST_FRAME:
            self.dropped += 1
            return
        if writer.transport.get_write_buffer_size() > BUFFER_BYTES:
            self.dropped += 1
            self._drop_stream()
            return
        writer.write(FRAME.pack(len(payload)) + payload)

    def link_state(self, to: str) -> str:
        if to != self._stream_peer:
            return "up" if to in self._resolved else "down"
        if self._writer is not None:
            return "up"
        return "backing off" if self.dials else "down"

    def _drop_stream(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None

    async def _dial_forever(self) -> None:
        back_off_s = FIRST_BACK_OFF_S
        while True:
            host, port = self._peers[self._stream_peer]
            try:
                async with asyncio.timeout(DIAL_TIMEOUT_S):
                    reader, writer = await asyncio.open_connection(host, port)
            except OSError:  # a time-out is one as well
                await sleep(self._clock, back_off_s * self._random.uniform(0.5, 1.0))
                back_off_s = min(2 * back_off_s, LONGEST_BACK_OFF_S)
                continue
            back_off_s = FIRST_BACK_OFF_S
            _write_frame(writer, self.name.encode())
            await self._serve(reader, writer)
            self.reconnects += 1
            await sleep(self._clock, back_off_s)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            name = await _read_frame(reader, self._silence_s)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            writer.transport.abort()
            return
        if name != self._stream_peer.encode() or self._is_closing:
            writer.transport.abort()
            return
        self._drop_stream()  # the newest connection counts: the peer may have been restarted
        await self._serve(reader, writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        beat = asyncio.get_running_loop().create_task(self._beat(writer))
        try:
            _prepare(writer)
            while True:
                if payload := await _read_frame(reader, self._silence_s):
                    self._received(payload)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass  # the stream broke; what was under way is lost and will be copied anew
        finally:
            beat.cancel()
            writer.transport.abort()
            if self._writer is writer:
                self._writer = None

    async def _beat(self, writer: asyncio.StreamWriter) -> None:
        """Until cancelled: what is not busy says that it is there."""
        while True:
            await sleep(self._clock, self._silence_s / 4)
            if not writer.transport.get_write_buffer_size():
                writer.write(FRAME.pack(0))


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, received: Handler) -> None:
        self._handle = received

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._handle(data)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there now: the same as a lost datagram."""


def _write_frame(writer: asyncio.StreamWriter, payload: bytes) -> None:
    writer.write(FRAME.pack(len(payload)) + payload)


async def _read_frame(reader: asyncio.StreamReader, silence_s: float) -> bytes:
    """The next one; empty: only a sign of life. Raises ``TimeoutError`` when none comes."""
    async with asyncio.timeout(silence_s):
        (size,) = FRAME.unpack(await reader.readexactly(FRAME.size))
    if size > LARGEST_FRAME:
        raise ValueError(f"a frame of {size} bytes; at most {LARGEST_FRAME} are allowed")
    async with asyncio.timeout(silence_s + size / SLOWEST_BYTES_PER_S):
        return await reader.readexactly(size)


def _prepare(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    user_timeout = getattr(socket, "TCP_USER_TIMEOUT", None)
    if user_timeout is not None:
        sock.setsockopt(socket.IPPROTO_TCP, user_timeout, USER_TIMEOUT_MS)
