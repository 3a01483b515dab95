"""Streams and buckets on a NATS server with JetStream.

Called by   ``dcs.bus.nats``, one ``JetStore`` per connection.
Knows       JetStream's answers. Raises the library's errors; the bus turns them into ``LinkDown``.

Entries of a stream travel under ``_dcs.stream.<stream>.<subject>``, so that a live message on the same subject is not
stored by accident, and an entry that is forwarded late does not look like a live message.
"""

from contextlib import suppress
from typing import Any

import nats.errors
import nats.js.errors
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, KeyValueConfig, StorageType, StreamConfig

from dcs.bus.api import STORE_TIMEOUT_S

STREAM_BYTES_MAX = 512 * 1024 * 1024
"""Bound of one stream on disk; the server discards the oldest entries."""
DEDUP_WINDOW_S = 3600.0
"""For how long a repeated message id is recognised."""
STREAM_PREFIX = "_dcs.stream"
COPIES_MAX = 5
"""The server keeps no more copies of a stream than that."""

_FETCH_BATCH = 1000


class JetStore:
    """What is durable, as one connection sees it; streams and buckets are made on demand."""

    def __init__(self, js: JetStreamContext, servers: int = 1) -> None:
        """``servers``: how many the cluster has; on that many (an odd number, at most 5) everything is kept."""
        self._js = js
        self._copies = min(servers - 1 + servers % 2, COPIES_MAX)
        self._streams: set[str] = set()  # known to exist; only asked whether a name is in it
        self._buckets: dict[str, Any] = {}

    async def append(self, stream: str, subject: str, payload: bytes, message_id: str) -> None:
        """Store one entry; returns when it is on disk."""
        # A missing stream shows as silence to whoever shares the server with a subscription to everything,
        # so each connection makes sure of it once.
        if stream not in self._streams:
            await self._make_stream(stream)
            self._streams.add(stream)
        entry = f"{STREAM_PREFIX}.{stream}.{subject}"
        try:
            await self._js.publish(entry, payload, stream=stream, headers={"Nats-Msg-Id": message_id})
        except BaseException:
            self._streams.discard(stream)  # it may have been deleted
            raise

    async def _make_stream(self, stream: str) -> None:
        config = StreamConfig(
            name=stream,
            subjects=[f"{STREAM_PREFIX}.{stream}.>"],
            storage=StorageType.FILE,
            max_bytes=STREAM_BYTES_MAX,
            duplicate_window=DEDUP_WINDOW_S,
            allow_direct=True,
            num_replicas=self._copies,
        )
        with suppress(nats.js.errors.BadRequestError):  # exists already, made by a node of another version
            await self._js.add_stream(config)

    async def read(self, stream: str, subject: str, last: int) -> list[tuple[str, bytes]]:
        """The newest ``last`` entries under ``subject``: looks back further and further until they are found."""
        try:
            state = (await self._js.stream_info(stream)).state
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
            consumer = await self._js.add_consumer(stream, config)
            try:
                found = consumer.num_pending or 0
                if found >= last or start <= state.first_seq:
                    entries = await self._fetch(stream, consumer.name, found)
                    return [(entry[len(prefix) :], payload) for entry, payload in entries[-last:]]
            finally:
                with suppress(nats.errors.Error, TimeoutError):
                    await self._js.delete_consumer(stream, consumer.name)
            reach *= 4

    async def _fetch(self, stream: str, consumer: str, count: int) -> list[tuple[str, bytes]]:
        """``count`` entries of a consumer, in order."""
        entries: list[tuple[str, bytes]] = []
        if count == 0:
            return entries
        pull = await self._js.pull_subscribe_bind(consumer, stream, pending_bytes_limit=-1, pending_msgs_limit=-1)
        try:
            while len(entries) < count:
                batch = min(_FETCH_BATCH, count - len(entries))
                entries += [(msg.subject, msg.data) for msg in await pull.fetch(batch, timeout=STORE_TIMEOUT_S)]
        finally:
            with suppress(nats.errors.Error):
                await pull.unsubscribe()
        return entries

    async def put(self, bucket: str, key: str, payload: bytes) -> None:
        """Retain the newest value."""
        held = await self._bucket(bucket)
        if held is None:
            config = KeyValueConfig(bucket=bucket, history=1, storage=StorageType.FILE, replicas=self._copies)
            held = self._buckets[bucket] = await self._js.create_key_value(config)
        await held.put(key, payload)

    async def get(self, bucket: str, key: str) -> bytes | None:
        """The retained value, or None."""
        held = await self._bucket(bucket)
        if held is None:
            return None
        try:
            entry = await held.get(key)
        except nats.js.errors.KeyNotFoundError:
            return None
        return bytes(entry.value or b"")

    async def _bucket(self, bucket: str) -> Any:
        """The library's handle of a bucket, or None when there is none yet."""
        held = self._buckets.get(bucket)
        if held is None:
            try:
                held = await self._js.key_value(bucket)
            except nats.js.errors.NotFoundError:
                return None
            self._buckets[bucket] = held
        return held
