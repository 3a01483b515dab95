"""The bus inside one process: the peer for the box and for tests.

Called by   ``dcs.node.assembly`` in the box; every simulated node gets its own ``MemoryBus`` of one ``MemoryHub``.
Knows       subjects, subscriptions in the order they were made, streams and buckets as lists and dicts; no clock but
            the loop's, no thread.
Faults      ``hub.cut(node)`` and ``hub.heal(node)`` for one node, ``hub.stop()`` and ``hub.start()`` for the server,
            ``hub.stall(seconds)`` for a cluster that elects a leader: live messages pass, what is durable waits.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from dcs.bus.api import STORE_TIMEOUT_S, Handler, Responder, Subscription
from dcs.bus.delivery import Desk, Inbox
from dcs.bus.subjects import check_key, check_name, check_pattern, check_payload, check_subject, matches
from dcs.core.errors import LinkDown
from dcs.core.simulated_nodes import as_node

STREAM_ENTRIES_MAX = 1_000_000
"""Overflow policy of a stream: the oldest entry is discarded, as the server does."""


@dataclass(slots=True)
class _Stream:
    entries: deque[tuple[str, bytes]] = field(default_factory=lambda: deque(maxlen=STREAM_ENTRIES_MAX))
    seen: dict[str, None] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class _Listener:
    """One subscription of one node: either an inbox or a desk."""

    node: str
    pattern: str
    inbox: Inbox | None = None
    desk: Desk | None = None


class MemoryHub:
    """What all nodes of one box share: who listens to what, and what is durable."""

    def __init__(self) -> None:
        self._listeners: dict[_Listener, None] = {}
        self._routes: dict[str, tuple[_Listener, ...]] = {}
        self._streams: dict[str, _Stream] = {}
        self._buckets: dict[str, dict[str, bytes]] = {}
        self._buses: list[MemoryBus] = []
        self._cut: dict[str, None] = {}
        self._running = True
        self._breaks: dict[str, int] = {}
        self._stall_ends_s = 0.0
        self._stall_stores = False

    # --- for whoever builds the box ---------------------------------------------------------------------
    def connect(self, node: str) -> "MemoryBus":
        """A bus of its own for ``node``. Raises ``ValueError`` if the node has one already."""
        if any(bus.node == node for bus in self._buses):
            raise ValueError(f"{node} is connected to this hub already; close its bus first")
        bus = MemoryBus(self, node)
        self._buses.append(bus)
        return bus

    def cut(self, node: str) -> None:
        """The node's bus cable is pulled: nothing reaches it and nothing leaves it."""
        self._cut[node] = None
        self._breaks[node] = self.connection(node)
        for bus in self._buses:
            if bus.node == node:
                bus.lose_requests()

    def heal(self, node: str) -> None:
        """The cable is back; its subscriptions work again."""
        self._cut.pop(node, None)

    def stop(self) -> None:
        """The server goes down; what is durable stays."""
        self._running = False
        for bus in self._buses:
            self._breaks[bus.node] = self.connection(bus.node)
        for bus in self._buses:
            bus.lose_requests()

    def start(self) -> None:
        """The server is back."""
        self._running = True

    def stall(self, seconds: float, stores: bool = False) -> None:
        """From now on no durable operation is answered for so long; everything live goes on.

        ``stores``: what is written meanwhile is stored at once, and only the answer is missing, so that whoever
        writes it again shows whether ids are recognised. Must be called from the loop of the box.
        """
        self._stall_ends_s = asyncio.get_running_loop().time() + seconds
        self._stall_stores = stores

    @property
    def stores_unanswered(self) -> bool:
        """Whether writes are stored now although nobody is answered."""
        return self._stall_stores and asyncio.get_running_loop().time() < self._stall_ends_s

    async def wait_durable(self) -> None:
        """Return when durable operations are answered. Raises ``LinkDown`` when that takes too long."""
        stall_s = self._stall_ends_s - asyncio.get_running_loop().time()
        await asyncio.sleep(min(max(stall_s, 0.0), STORE_TIMEOUT_S))
        if stall_s > STORE_TIMEOUT_S:
            raise LinkDown(f"no answer within {STORE_TIMEOUT_S:g} s")

    def entries(self, stream: str) -> list[tuple[str, bytes]]:
        """Everything a stream holds, oldest first, for the record of a run."""
        held = self._streams.get(stream)
        return list(held.entries) if held else []

    def connection(self, node: str) -> int:
        """Number of the node's connection, from 1; another one after every loss."""
        return 1 + self._breaks.get(node, 0)

    # --- for MemoryBus ----------------------------------------------------------------------------------
    def reaches(self, node: str) -> bool:
        """Whether the node can use the bus now."""
        return self._running and node not in self._cut

    def listen(self, listener: _Listener) -> None:
        """Route to this listener from now on."""
        self._listeners[listener] = None
        self._routes.clear()

    def forget(self, listener: _Listener) -> None:
        """Route to this listener no more."""
        self._listeners.pop(listener, None)
        self._routes.clear()

    def leave(self, bus: "MemoryBus") -> None:
        """The node has closed its bus."""
        if bus in self._buses:
            self._buses.remove(bus)

    def route(self, subject: str) -> tuple[_Listener, ...]:
        """Who listens to ``subject``, in the order of subscription."""
        found = self._routes.get(subject)
        if found is None:
            found = tuple(listener for listener in self._listeners if matches(listener.pattern, subject))
            self._routes[subject] = found
        return found

    def stream(self, name: str) -> _Stream:
        """The stream, made on demand."""
        return self._streams.setdefault(name, _Stream())

    def bucket(self, name: str) -> dict[str, bytes]:
        """The bucket, made on demand."""
        return self._buckets.setdefault(name, {})


class _MemorySubscription:
    def __init__(self, bus: "MemoryBus", listener: _Listener) -> None:
        self._bus = bus
        self._listener = listener

    async def stop(self) -> None:
        await self._bus.drop_listener(self._listener)


class MemoryBus:
    """One node's access to a hub; implements ``dcs.bus.api.Bus``."""

    def __init__(self, hub: MemoryHub, node: str) -> None:
        self._hub = hub
        self.node = node
        self._dropped = 0
        self._closed = False
        self._own: list[_Listener] = []
        self._asked: dict[asyncio.Future[bytes], None] = {}

    @property
    def connected(self) -> bool:
        return not self._closed and self._hub.reaches(self.node)

    @property
    def dropped(self) -> int:
        return self._dropped

    def _count_drop(self) -> None:
        self._dropped += 1

    def _need_hub(self) -> MemoryHub:
        if not self.connected:
            raise LinkDown(f"{self.node}: the bus cannot be reached")
        return self._hub

    # --- live -------------------------------------------------------------------------------------------
    def publish(self, subject: str, payload: bytes) -> None:
        check_subject(subject)
        check_payload(subject, payload)
        if not self.connected:
            self._dropped += 1
            return
        hub = self._hub
        for listener in hub.route(subject):
            if listener.inbox is not None and hub.reaches(listener.node):
                listener.inbox.put(subject, payload)

    def wanted(self, subject: str) -> bool:
        return bool(self._hub.route(subject))

    async def confirm(self) -> int:
        await asyncio.sleep(0)
        return self._need_hub().connection(self.node)

    async def subscribe(self, subject: str, handler: Handler) -> Subscription:
        listener = _Listener(self.node, check_pattern(subject), inbox=Inbox(handler, self._count_drop))
        return await self._listen(listener)

    async def serve(self, subject: str, responder: Responder) -> Subscription:
        listener = _Listener(self.node, check_pattern(subject), desk=Desk(responder, self._count_drop))
        return await self._listen(listener)

    async def _listen(self, listener: _Listener) -> Subscription:
        self._hub.listen(listener)
        self._own.append(listener)
        await asyncio.sleep(0)
        return _MemorySubscription(self, listener)

    async def drop_listener(self, listener: _Listener) -> None:
        """Stop one subscription of this node."""
        self._hub.forget(listener)
        if listener in self._own:
            self._own.remove(listener)
        if listener.inbox is not None:
            await listener.inbox.stop()
        if listener.desk is not None:
            await listener.desk.stop()

    # --- questions and answers --------------------------------------------------------------------------
    async def request(self, subject: str, payload: bytes, timeout_s: float) -> bytes:
        check_subject(subject)
        check_payload(subject, payload)
        hub = self._need_hub()
        listeners = [listener for listener in hub.route(subject) if hub.reaches(listener.node)]
        if all(listener.desk is None for listener in listeners):
            await asyncio.sleep(0)
            raise LinkDown(f"{subject}: nobody serves it")
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._asked[answer] = None
        try:
            for listener in listeners:
                if listener.inbox is not None:
                    listener.inbox.put(subject, payload)
                elif listener.desk is not None:
                    give = self._answer_from(listener.node, answer)
                    as_node(listener.node, listener.desk.put, subject, payload, give)
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError:
            raise LinkDown(f"{subject}: no answer within {timeout_s:g} s") from None
        finally:
            self._asked.pop(answer, None)

    def _answer_from(self, responder: str, answer: asyncio.Future[bytes]) -> Callable[[bytes], None]:
        def give(reply: bytes) -> None:
            if not answer.done() and self.connected and self._hub.reaches(responder):
                answer.set_result(reply)

        return give

    def lose_requests(self) -> None:
        """The bus is gone: whoever waits for an answer hears it now."""
        for answer in list(self._asked):
            if not answer.done():
                answer.set_exception(LinkDown(f"{self.node}: the bus was lost while waiting for an answer"))

    # --- durable ----------------------------------------------------------------------------------------
    async def _store(self, write: Callable[[MemoryHub], None]) -> None:
        """Write as soon as the bus takes it."""
        if self.connected and self._hub.stores_unanswered:
            write(self._hub)
            await self._durable()
            return
        write(await self._durable())

    async def _durable(self) -> MemoryHub:
        """The hub, when it answers. Raises ``LinkDown``."""
        self._need_hub()
        await self._hub.wait_durable()
        return self._need_hub()

    async def append(self, stream: str, subject: str, payload: bytes, message_id: str) -> None:
        check_name(stream)
        check_subject(subject)
        check_payload(subject, payload)
        await self._store(lambda hub: self._append(hub.stream(stream), subject, payload, message_id))

    def _append(self, held: _Stream, subject: str, payload: bytes, message_id: str) -> None:
        if message_id in held.seen:
            return
        held.seen[message_id] = None
        held.entries.append((subject, payload))
        if len(held.seen) > STREAM_ENTRIES_MAX:
            held.seen.pop(next(iter(held.seen)))

    async def read(self, stream: str, subject: str = ">", last: int = 1000) -> list[tuple[str, bytes]]:
        check_name(stream)
        check_pattern(subject)
        hub = await self._durable()
        found: list[tuple[str, bytes]] = []
        for entry in reversed(hub.stream(stream).entries):
            if len(found) >= last:
                break
            if matches(subject, entry[0]):
                found.append(entry)
        return found[::-1]

    async def put(self, bucket: str, key: str, payload: bytes) -> None:
        check_name(bucket)
        check_key(key)
        check_payload(key, payload)
        await self._store(lambda hub: hub.bucket(bucket).update({key: payload}))

    async def get(self, bucket: str, key: str) -> bytes | None:
        check_name(bucket)
        check_key(key)
        return (await self._durable()).bucket(bucket).get(key)

    async def close(self) -> None:
        self._closed = True
        self.lose_requests()
        for listener in list(self._own):
            await self.drop_listener(listener)
        self._hub.leave(self)
