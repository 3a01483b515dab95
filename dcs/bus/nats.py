"""The bus over NATS: core subjects for live messages, JetStream for streams and buckets.

Called by   every node on the wall clock.
Knows       one server (or the servers of a cluster) by URL. Must be used from the event loop that started it.
Promise     ``publish`` never waits and never raises because of the network. A lost server is looked for again for
            ever; subscriptions are in place again before ``connected`` turns true.
"""

import asyncio
import zlib
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import nats.errors
import structlog
from nats.aio.msg import Msg

from dcs.bus.api import STORE_TIMEOUT_S, Handler, Responder, Subscription
from dcs.bus.delivery import Desk, Inbox
from dcs.bus.nats_link import LIBRARY_TROUBLE, NatsLink, describe, forget_outcome
from dcs.bus.subjects import check_key, check_name, check_pattern, check_payload, check_subject
from dcs.core.errors import LinkDown

T = TypeVar("T")

OUTBOX_MESSAGES_MAX = 10_000
"""Live messages waiting for the socket; overflow drops the oldest, counted."""
UNSENT_BYTES_MAX = 16 * 1024 * 1024
"""Bytes handed to the library and not taken by the socket (a server that hangs); above it messages are dropped."""
_BACKOFF_FIRST_S, _BACKOFF_MAX_S = 0.05, 2.0
_PATIENCE_S = 5.0

_log = structlog.get_logger("dcs.bus")


@dataclass(eq=False, slots=True)
class _Listener:
    """A subscription as the user made it; it outlives connections."""

    pattern: str
    inbox: Inbox | None = None
    desk: Desk | None = None
    link: NatsLink | None = None  # where it is in place
    remote: Any = None  # the library's subscription there


class _NatsSubscription:
    def __init__(self, bus: "NatsBus", listener: _Listener) -> None:
        self._bus = bus
        self._listener = listener

    async def stop(self) -> None:
        await self._bus.drop_listener(self._listener)


class NatsBus:
    """One node's access to a NATS server; implements ``dcs.bus.api.Bus``.

    ``servers``: one URL, or those of a cluster (a list, or one text with commas between them).
    """

    def __init__(self, servers: str | list[str], node: str) -> None:
        self._servers = servers.split(",") if isinstance(servers, str) else list(servers)
        # Nodes begin with different servers of a cluster, so that the loss of one is felt by few.
        self._next_server = zlib.crc32(node.encode()) % len(self._servers)
        self.node = node
        self._link: NatsLink | None = None
        self._listeners: dict[_Listener, None] = {}
        self._outbox: deque[tuple[str, bytes]] = deque()
        self._filled = asyncio.Event()
        self._up = asyncio.Event()
        self._dropped = 0
        self._connections = 0
        self._closed = False
        self._was_up = False
        self._tasks: list[asyncio.Task[None]] = []
        self._last_error = ""

    def start(self) -> None:
        """Look for the server from now on."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._stay_connected()), loop.create_task(self._send_outbox())]

    async def wait_connected(self, timeout_s: float) -> bool:
        """Wait for the bus; returns whether it is there."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._up.wait()
        return self.connected

    @property
    def connected(self) -> bool:
        return self._link is not None and self._link.alive

    @property
    def dropped(self) -> int:
        return self._dropped

    def _count_drop(self) -> None:
        self._dropped += 1

    # --- the connection ---------------------------------------------------------------------------------
    async def _stay_connected(self) -> None:
        backoff_s = _BACKOFF_FIRST_S
        # Nodes that lost the same server should not all come back in the same millisecond.
        spread = 1.0 + zlib.crc32(self.node.encode()) % 1000 / 4000.0
        away_s, told = 0.0, False
        while not self._closed:
            link = await self._connect_once()
            if link is None:
                if away_s > _PATIENCE_S and not told and not self._was_up:  # at a start it may be a little late
                    _log.warning("bus not found yet", servers=self._servers, error=self._last_error)
                    told = True
                away_s += backoff_s * spread
                await asyncio.sleep(backoff_s * spread)
                backoff_s = min(2.0 * backoff_s, _BACKOFF_MAX_S)
                continue
            backoff_s, self._was_up = _BACKOFF_FIRST_S, True
            self._up.set()
            _log.info("bus connected", server=link.server)
            try:
                await link.wait_lost()
            finally:
                self._up.clear()
                self._link = None
                await link.close()
            _log.warning("bus lost", servers=self._servers, error=self._last_error)

    async def _connect_once(self) -> NatsLink | None:
        """A connection to the first server that takes us, or None."""
        for _ in self._servers:
            server = self._servers[self._next_server]
            # The one after it comes next, whether this one refuses us now or is lost later.
            self._next_server = (self._next_server + 1) % len(self._servers)
            if await self._connect_to(server) is not None:
                break
        return self._link

    async def _connect_to(self, server: str) -> NatsLink | None:
        """A connection with all subscriptions in place, or None."""
        link = NatsLink(self._note, copies=len(self._servers))
        try:
            await link.open(server, self.node)
            # More may be made while we wait for the server.
            while missing := [listener for listener in self._listeners if listener.link is not link]:
                for listener in missing:
                    await self._subscribe_remote(link, listener)
                # The server takes the subscriptions in order: the flush proves that the last has arrived.
                await link.flush()
            self._link = link
            self._connections += 1
        except (LinkDown, *LIBRARY_TROUBLE) as error:
            self._last_error = describe(error)
        finally:
            if self._link is not link:
                await link.close()
        return self._link

    def _note(self, error: Exception) -> None:
        """What the library reports from its own tasks."""
        if isinstance(error, nats.errors.SlowConsumerError):
            self._dropped += 1
        self._last_error = describe(error)

    async def _subscribe_remote(self, link: NatsLink, listener: _Listener) -> None:
        """Raises ``nats.errors.Error`` when the link is gone."""
        inbox, desk = listener.inbox, listener.desk
        listener.link = link

        async def on_message(msg: Msg) -> None:
            # A subscription to everything must not see our own machinery, a stopped one nothing at all.
            if msg.subject[0] in "_$" or listener not in self._listeners:
                return
            if inbox is not None:
                inbox.put(msg.subject, msg.data)
            elif desk is not None and msg.reply:
                desk.put(msg.subject, msg.data, self._answer_to(link, msg.reply))

        listener.remote = await link.client.subscribe(listener.pattern, cb=on_message)

    def _answer_to(self, link: NatsLink, reply_subject: str) -> Callable[[bytes], None]:
        def give(reply: bytes) -> None:
            if link.alive:
                self._queue(reply_subject, reply)

        return give

    # --- live -------------------------------------------------------------------------------------------
    def publish(self, subject: str, payload: bytes) -> None:
        check_subject(subject)
        check_payload(subject, payload)
        if not self.connected:
            self._dropped += 1
            return
        self._queue(subject, payload)

    def _queue(self, subject: str, payload: bytes) -> None:
        if len(self._outbox) >= OUTBOX_MESSAGES_MAX:
            self._outbox.popleft()
            self._dropped += 1
        self._outbox.append((subject, payload))
        self._filled.set()

    async def _send_outbox(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            await self._drain_outbox()

    async def _drain_outbox(self) -> None:
        """Hand everything published so far to the library; what cannot go is dropped and counted."""
        while self._outbox:
            subject, payload = self._outbox.popleft()
            link = self._link
            if link is None or not link.alive or link.client.pending_data_size > UNSENT_BYTES_MAX:
                self._dropped += 1
                continue
            try:
                await link.client.publish(subject, payload)
            except LIBRARY_TROUBLE as error:
                self._dropped += 1
                self._last_error = describe(error)

    def wanted(self, subject: str) -> bool:
        return True  # only the server knows

    async def confirm(self) -> int:
        link, number = self._link, self._connections
        if link is None or not link.alive:
            raise LinkDown(f"the bus cannot be reached ({self._last_error or 'no server'})")
        await self._drain_outbox()
        await link.flush()
        return number

    async def subscribe(self, subject: str, handler: Handler) -> Subscription:
        return await self._listen(_Listener(check_pattern(subject), inbox=Inbox(handler, self._count_drop)))

    async def serve(self, subject: str, responder: Responder) -> Subscription:
        return await self._listen(_Listener(check_pattern(subject), desk=Desk(responder, self._count_drop)))

    async def _listen(self, listener: _Listener) -> Subscription:
        self._listeners[listener] = None
        link = self._link
        if link is not None and link.alive:
            # If the link is lost here, the next one makes the subscription.
            with suppress(LinkDown, *LIBRARY_TROUBLE):
                await self._subscribe_remote(link, listener)
                await link.flush()
        return _NatsSubscription(self, listener)

    async def drop_listener(self, listener: _Listener) -> None:
        """Stop one subscription, here and at the server."""
        self._listeners.pop(listener, None)
        if listener.inbox is not None:
            await listener.inbox.stop()
        if listener.desk is not None:
            await listener.desk.stop()
        if listener.remote is not None and listener.link is not None and listener.link.alive:
            with suppress(*LIBRARY_TROUBLE):
                await listener.remote.unsubscribe()

    # --- questions and answers --------------------------------------------------------------------------
    async def _ask(self, what: str, question: Callable[[NatsLink], Coroutine[Any, Any, T]], timeout_s: float) -> T:
        """Run one exchange with the server; every kind of trouble becomes ``LinkDown``, a lost server at once."""
        link = self._link
        if link is None or not link.alive:
            raise LinkDown(f"{what}: the bus cannot be reached ({self._last_error or 'no server'})")
        await self._drain_outbox()  # what was published before the question travels before it
        task: asyncio.Future[T] = asyncio.ensure_future(question(link))
        either: set[asyncio.Future[Any]] = {task, link.lost}
        try:
            await asyncio.wait(either, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                if link.lost.done():
                    raise LinkDown(f"{what}: the bus was lost while waiting for an answer")
                raise LinkDown(f"{what}: no answer within {timeout_s:g} s")
            return task.result()
        except nats.errors.NoRespondersError:
            raise LinkDown(f"{what}: nobody serves it") from None
        except LIBRARY_TROUBLE as error:
            raise LinkDown(f"{what}: {describe(error)}") from None
        finally:
            if not task.done():
                task.add_done_callback(forget_outcome)
                task.cancel()
                await asyncio.wait({task}, timeout=1.0)  # the library swallows a cancellation now and then

    async def request(self, subject: str, payload: bytes, timeout_s: float) -> bytes:
        check_subject(subject)
        check_payload(subject, payload)

        async def ask(link: NatsLink) -> bytes:
            # Our own time-out ends this; the library's only must not come first.
            answer = await link.client.request(subject, payload, timeout=timeout_s + 1.0)
            return bytes(answer.data)

        return await self._ask(subject, ask, timeout_s)

    # --- durable ----------------------------------------------------------------------------------------
    async def append(self, stream: str, subject: str, payload: bytes, message_id: str) -> None:
        check_name(stream)
        check_subject(subject)
        check_payload(subject, payload)
        await self._ask(
            f"stream {stream}", lambda link: link.store.append(stream, subject, payload, message_id), STORE_TIMEOUT_S
        )

    async def read(self, stream: str, subject: str = ">", last: int = 1000) -> list[tuple[str, bytes]]:
        check_name(stream)
        check_pattern(subject)
        if last <= 0:
            return []
        return await self._ask(
            f"stream {stream}", lambda link: link.store.read(stream, subject, last), 2.0 * STORE_TIMEOUT_S
        )

    async def put(self, bucket: str, key: str, payload: bytes) -> None:
        check_name(bucket)
        check_key(key)
        check_payload(key, payload)
        await self._ask(f"bucket {bucket}", lambda link: link.store.put(bucket, key, payload), STORE_TIMEOUT_S)

    async def get(self, bucket: str, key: str) -> bytes | None:
        check_name(bucket)
        check_key(key)
        return await self._ask(f"bucket {bucket}", lambda link: link.store.get(bucket, key), STORE_TIMEOUT_S)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for listener in list(self._listeners):
            await self.drop_listener(listener)
        link = self._link
        if link is not None and link.alive:
            await self._drain_outbox()
            with suppress(LinkDown):
                await link.flush()
        left = set(self._tasks)
        while left:
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=0.1)  # again, if the library swallowed it
        self._link = None


async def connect_nats(servers: str | list[str], node: str, wait_s: float = 2.0) -> NatsBus:
    """A started bus; returns when connected, or after ``wait_s`` seconds: a server that is away is no error."""
    bus = NatsBus(servers, node)
    bus.start()
    if wait_s > 0.0:
        await bus.wait_connected(wait_s)
    return bus
