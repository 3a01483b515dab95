"""The bus over NATS: core subjects for live messages, JetStream for streams and buckets.

Called by   every node on the wall clock.
Knows       one server (or the servers of a cluster) by URL. Must be used from the event loop that started it.
Promise     ``publish`` never waits and never raises because of the network. A lost server is looked for again for
            ever; subscriptions are in place again before ``connected`` turns true.

Each connection is a fresh client that may not reconnect by itself: the library gives up for good on some server
errors, keeps requests waiting on a dead connection, and logs every attempt. Here one task does all of it in one place.

Durable entries travel under ``_dcs.stream.<stream>.<subject>``, so that a live message on the same subject is not
stored by accident, and an entry that is forwarded late does not look like a live message.
"""

import asyncio
import zlib
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import nats.errors
import nats.js.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    KeyValueConfig,
    StorageType,
    StreamConfig,
)

from dcs.bus.api import Handler, Responder, Subscription
from dcs.bus.delivery import Desk, Inbox
from dcs.bus.subjects import check_key, check_name, check_pattern, check_payload, check_subject
from dcs.core.errors import LinkDown

T = TypeVar("T")

OUTBOX_MESSAGES_MAX = 10_000
"""Live messages waiting for the socket; overflow drops the oldest, counted."""
UNSENT_BYTES_MAX = 16 * 1024 * 1024
"""Bytes handed to the library and not taken by the socket (a server that hangs); above it messages are dropped."""
STREAM_BYTES_MAX = 512 * 1024 * 1024
"""Bound of one stream on disk; the server discards the oldest entries."""
DEDUP_WINDOW_S = 3600.0
"""For how long a repeated message id is recognised."""
DURABLE_TIMEOUT_S = 5.0
"""How long the server may take to store or fetch."""
STREAM_PREFIX = "_dcs.stream"

_CONNECT_TIMEOUT_S = 2.0
_PING_S = 2.0  # a server that hangs is noticed after two to three of these
_BACKOFF_FIRST_S, _BACKOFF_MAX_S = 0.05, 2.0

_log = structlog.get_logger("dcs.bus")


@dataclass(eq=False, slots=True)
class _Listener:
    """A subscription as the user made it; it outlives connections."""

    pattern: str
    inbox: Inbox | None = None
    desk: Desk | None = None
    remote: Any = None  # the library's subscription on the present connection


class _NatsSubscription:
    def __init__(self, bus: "NatsBus", listener: _Listener) -> None:
        self._bus = bus
        self._listener = listener

    async def stop(self) -> None:
        await self._bus.drop_listener(self._listener)


class _Connection:
    """One connection from its start to its end."""

    def __init__(self, client: Client, lost: "asyncio.Future[None]") -> None:
        self.client = client
        self.lost = lost
        self.js: JetStreamContext = client.jetstream(timeout=DURABLE_TIMEOUT_S)
        self.buckets: dict[str, Any] = {}
        self.streams: set[str] = set()

    @property
    def alive(self) -> bool:
        return not self.lost.done() and bool(self.client.is_connected)


class NatsBus:
    """One node's access to a NATS server; implements ``dcs.bus.api.Bus``."""

    def __init__(self, servers: str | list[str], node: str) -> None:
        self._servers = [servers] if isinstance(servers, str) else list(servers)
        self.node = node
        self._connection: _Connection | None = None
        self._listeners: dict[_Listener, None] = {}
        self._outbox: deque[tuple[str, bytes]] = deque()
        self._filled = asyncio.Event()
        self._up = asyncio.Event()
        self._dropped = 0
        self._closed = False
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
        return self._connection is not None and self._connection.alive

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
        first = True
        while True:
            connection = await self._connect_once()
            if connection is None:
                if first:
                    _log.warning("bus not found yet", servers=self._servers, error=self._last_error)
                    first = False
                await asyncio.sleep(backoff_s * spread)
                backoff_s = min(2.0 * backoff_s, _BACKOFF_MAX_S)
                continue
            first, backoff_s = False, _BACKOFF_FIRST_S
            self._connection = connection
            self._up.set()
            _log.info("bus connected", server=str(connection.client.connected_url.netloc))
            try:
                await asyncio.wait({connection.lost})
            finally:
                self._up.clear()
                self._connection = None
                self._dropped += len(self._outbox)
                self._outbox.clear()
                await _close_quietly(connection.client)
            _log.warning("bus lost", servers=self._servers, error=self._last_error)

    async def _connect_once(self) -> _Connection | None:
        """A connection with all subscriptions in place, or None."""
        client = Client()
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def on_closed() -> None:
            if not lost.done():
                lost.set_result(None)

        async def on_error(error: Exception) -> None:
            if isinstance(error, nats.errors.SlowConsumerError):
                self._dropped += 1
            self._last_error = str(error) or type(error).__name__

        try:
            async with asyncio.timeout(2.0 * _CONNECT_TIMEOUT_S):
                await client.connect(
                    self._servers,
                    name=self.node,
                    allow_reconnect=False,
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0,
                    connect_timeout=_CONNECT_TIMEOUT_S,
                    ping_interval=_PING_S,
                    max_outstanding_pings=2,
                    pending_size=0,  # no buffering while away, no hidden wait when full
                    error_cb=on_error,
                    closed_cb=on_closed,
                )
                connection = _Connection(client, lost)
                # One reader takes all subscriptions' SUBs in order: the flush proves that the last has arrived.
                for listener in list(self._listeners):
                    await self._subscribe_remote(connection, listener)
                await client.flush(timeout=_CONNECT_TIMEOUT_S)
        except (OSError, nats.errors.Error, TimeoutError) as error:
            self._last_error = str(error) or type(error).__name__
            await _close_quietly(client)
            return None
        except asyncio.CancelledError:
            await _close_quietly(client)
            raise
        return connection

    async def _subscribe_remote(self, connection: _Connection, listener: _Listener) -> None:
        """Raises ``nats.errors.Error`` when the connection is gone."""
        inbox, desk = listener.inbox, listener.desk

        async def on_message(msg: Msg) -> None:
            if msg.subject[0] in "_$":  # a subscription to everything must not see our own machinery
                return
            if inbox is not None:
                inbox.put(msg.subject, msg.data)
            elif desk is not None and msg.reply:
                desk.put(msg.subject, msg.data, self._answer_to(connection, msg.reply))

        listener.remote = await connection.client.subscribe(listener.pattern, cb=on_message)

    def _answer_to(self, connection: _Connection, reply_subject: str) -> Callable[[bytes], None]:
        def give(reply: bytes) -> None:
            if connection.alive:
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
            connection = self._connection
            if connection is None or not connection.alive or connection.client.pending_data_size > UNSENT_BYTES_MAX:
                self._dropped += 1
                continue
            try:
                await connection.client.publish(subject, payload)
            except (nats.errors.Error, OSError) as error:
                self._dropped += 1
                self._last_error = str(error) or type(error).__name__

    async def subscribe(self, subject: str, handler: Handler) -> Subscription:
        return await self._listen(_Listener(check_pattern(subject), inbox=Inbox(handler, self._count_drop)))

    async def serve(self, subject: str, responder: Responder) -> Subscription:
        return await self._listen(_Listener(check_pattern(subject), desk=Desk(responder, self._count_drop)))

    async def _listen(self, listener: _Listener) -> Subscription:
        self._listeners[listener] = None
        connection = self._connection
        if connection is not None and connection.alive:
            # If the connection is lost here, the next one makes the subscription.
            with suppress(nats.errors.Error, OSError, TimeoutError):
                await self._subscribe_remote(connection, listener)
                await connection.client.flush(timeout=_CONNECT_TIMEOUT_S)
        return _NatsSubscription(self, listener)

    async def drop_listener(self, listener: _Listener) -> None:
        """Stop one subscription, here and at the server."""
        self._listeners.pop(listener, None)
        if listener.inbox is not None:
            await listener.inbox.stop()
        if listener.desk is not None:
            await listener.desk.stop()
        if listener.remote is not None and self.connected:
            with suppress(nats.errors.Error, OSError):
                await listener.remote.unsubscribe()

    # --- questions and answers --------------------------------------------------------------------------
    async def _ask(self, what: str, question: Callable[[_Connection], Coroutine[Any, Any, T]], timeout_s: float) -> T:
        """Run one exchange with the server; every kind of trouble becomes ``LinkDown``, a lost server at once."""
        connection = self._connection
        if connection is None or not connection.alive:
            raise LinkDown(f"{what}: the bus cannot be reached ({self._last_error or 'no server'})")
        await self._drain_outbox()  # what was published before the question travels before it
        task: asyncio.Future[T] = asyncio.ensure_future(question(connection))
        either: set[asyncio.Future[Any]] = {task, connection.lost}
        try:
            await asyncio.wait(either, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                if connection.lost.done():
                    raise LinkDown(f"{what}: the bus was lost while waiting for an answer")
                raise LinkDown(f"{what}: no answer within {timeout_s:g} s")
            return task.result()
        except nats.errors.NoRespondersError:
            raise LinkDown(f"{what}: nobody serves it") from None
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise LinkDown(f"{what}: {str(error) or type(error).__name__}") from None
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})

    async def request(self, subject: str, payload: bytes, timeout_s: float) -> bytes:
        check_subject(subject)
        check_payload(subject, payload)

        async def ask(connection: _Connection) -> bytes:
            # Our own time-out ends this; the library's only must not come first.
            answer = await connection.client.request(subject, payload, timeout=timeout_s + 1.0)
            return bytes(answer.data)

        return await self._ask(subject, ask, timeout_s)

    # --- durable ----------------------------------------------------------------------------------------
    async def append(self, stream: str, subject: str, payload: bytes, message_id: str) -> None:
        check_name(stream)
        check_subject(subject)
        check_payload(subject, payload)
        headers = {"Nats-Msg-Id": message_id}

        async def store(connection: _Connection) -> None:
            # A missing stream shows as silence to whoever shares the server with a subscription to everything,
            # so each connection makes sure of it once.
            if stream not in connection.streams:
                await _make_stream(connection.js, stream)
                connection.streams.add(stream)
            entry = f"{STREAM_PREFIX}.{stream}.{subject}"
            try:
                await connection.js.publish(entry, payload, stream=stream, headers=headers)
            except BaseException:
                connection.streams.discard(stream)  # it may have been deleted
                raise

        await self._ask(f"stream {stream}", store, DURABLE_TIMEOUT_S)

    async def read(self, stream: str, subject: str = ">", last: int = 1000) -> list[tuple[str, bytes]]:
        check_name(stream)
        check_pattern(subject)

        async def fetch(connection: _Connection) -> list[tuple[str, bytes]]:
            return await _read_last(connection.js, stream, subject, last)

        return await self._ask(f"stream {stream}", fetch, 2.0 * DURABLE_TIMEOUT_S) if last > 0 else []

    async def put(self, bucket: str, key: str, payload: bytes) -> None:
        check_name(bucket)
        check_key(key)
        check_payload(key, payload)

        async def store(connection: _Connection) -> None:
            held = await _bucket(connection, bucket)
            if held is None:
                held = connection.buckets[bucket] = await connection.js.create_key_value(
                    KeyValueConfig(bucket=bucket, history=1, storage=StorageType.FILE)
                )
            await held.put(key, payload)

        await self._ask(f"bucket {bucket}", store, DURABLE_TIMEOUT_S)

    async def get(self, bucket: str, key: str) -> bytes | None:
        check_name(bucket)
        check_key(key)

        async def fetch(connection: _Connection) -> bytes | None:
            held = await _bucket(connection, bucket)
            if held is None:
                return None
            try:
                entry = await held.get(key)
            except nats.js.errors.KeyNotFoundError:
                return None
            return bytes(entry.value or b"")

        return await self._ask(f"bucket {bucket}", fetch, DURABLE_TIMEOUT_S)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for listener in list(self._listeners):
            await self.drop_listener(listener)
        connection = self._connection
        if connection is not None and connection.alive:
            await self._drain_outbox()
            with suppress(nats.errors.Error, OSError, TimeoutError):
                await connection.client.flush(timeout=1)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._connection = None


async def connect_nats(servers: str | list[str], node: str, wait_s: float = 2.0) -> NatsBus:
    """A started bus; returns when connected, or after ``wait_s`` seconds: a server that is away is no error."""
    bus = NatsBus(servers, node)
    bus.start()
    if wait_s > 0.0:
        await bus.wait_connected(wait_s)
    return bus


async def _close_quietly(client: Client) -> None:
    """Close a client in whatever state it is; trouble on the way out changes nothing."""
    with suppress(nats.errors.Error, OSError, TimeoutError, AssertionError):
        await client.close()
    # close() returns before the tasks it cancelled have ended.
    tasks = [client._reading_task, client._ping_interval_task, client._flusher_task]
    left = [task for task in tasks if task is not None and task is not asyncio.current_task()]
    if left:
        await asyncio.wait(left, timeout=1.0)


async def _make_stream(js: JetStreamContext, stream: str) -> None:
    """Create the stream; somebody else may have been faster."""
    config = StreamConfig(
        name=stream,
        subjects=[f"{STREAM_PREFIX}.{stream}.>"],
        storage=StorageType.FILE,
        max_bytes=STREAM_BYTES_MAX,
        duplicate_window=DEDUP_WINDOW_S,
        allow_direct=True,
    )
    with suppress(nats.js.errors.BadRequestError):  # exists already, made by a node of another version
        await js.add_stream(config)


async def _bucket(connection: _Connection, bucket: str) -> Any:
    """The library's handle of a bucket, or None when there is none yet."""
    held = connection.buckets.get(bucket)
    if held is None:
        try:
            held = await connection.js.key_value(bucket)
        except nats.js.errors.NotFoundError:
            return None
        connection.buckets[bucket] = held
    return held


async def _read_last(js: JetStreamContext, stream: str, subject: str, last: int) -> list[tuple[str, bytes]]:
    """Look back far enough to see ``last`` matching entries, doubling the reach until they are found."""
    try:
        state = (await js.stream_info(stream)).state
    except nats.js.errors.NotFoundError:
        return []
    if state.messages == 0:
        return []
    prefix = f"{STREAM_PREFIX}.{stream}."
    reach = last
    while True:
        start = max(state.first_seq, state.last_seq - reach + 1)
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=max(1, start),
            ack_policy=AckPolicy.NONE,
            filter_subject=prefix + subject,
            inactive_threshold=10.0,
            mem_storage=True,
        )
        consumer = await js.add_consumer(stream, config)
        try:
            found = consumer.num_pending or 0
            if found >= last or start <= state.first_seq:
                entries = await _fetch_all(js, stream, consumer.name, found)
                return [(subject[len(prefix) :], payload) for subject, payload in entries[-last:]]
        finally:
            with suppress(nats.errors.Error, TimeoutError):
                await js.delete_consumer(stream, consumer.name)
        reach *= 4


async def _fetch_all(js: JetStreamContext, stream: str, consumer: str, count: int) -> list[tuple[str, bytes]]:
    """``count`` entries of a consumer, in order."""
    entries: list[tuple[str, bytes]] = []
    if count == 0:
        return entries
    pull = await js.pull_subscribe_bind(consumer, stream, pending_bytes_limit=-1, pending_msgs_limit=-1)
    try:
        while len(entries) < count:
            for msg in await pull.fetch(min(1000, count - len(entries)), timeout=DURABLE_TIMEOUT_S):
                entries.append((msg.subject, msg.data))
    finally:
        with suppress(nats.errors.Error):
            await pull.unsubscribe()
    return entries
