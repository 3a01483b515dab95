"""How the voters of a pair reach each other: the protocol of the link, and its peer in memory.

Called by   dcs.redundancy.runtime; the peer on real sockets is dcs.redundancy.wire.
Knows       names and bytes.

Two ways of sending: ``send`` is a datagram (may be lost, repeated, overtaken), ``send_stream`` keeps the order and
loses everything behind the place where the stream broke.
"""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Protocol

from dcs.core.clock import NS_PER_S
from dcs.core.simulated_nodes import NOBODY, as_node, context_of
from dcs.core.simulated_time import SimulatedLoop

Handler = Callable[[bytes], None]

LARGEST_FRAME = 16 << 20
"""Bytes of one message in a stream."""
LATEST_REPEAT_S = 0.01  # a repeated datagram comes this much later at most
LONGEST_TAIL_NS = 400_000_000  # a message that is caught in a jam
LATEST_ANCIENT_S = 4.0  # what a confused switch may still bring


class PairNetwork(Protocol):
    """One node's access to the other voters."""

    def open(self, handler: Handler) -> None:
        """From now on every payload that arrives is given to ``handler``, on the event loop."""
        ...

    async def start(self) -> None:
        """Open what must be opened; returns when the node can be reached. Raises ``Missing`` (port taken)."""
        ...

    async def stop(self) -> None:
        """Close everything; nothing is delivered afterwards."""
        ...

    def send(self, to: str, payload: bytes) -> None:
        """A datagram. Never raises for a dead link."""
        ...

    def send_stream(self, to: str, payload: bytes) -> None:
        """In order. Never raises for a dead link; when the buffer is full the stream is broken, not delayed."""
        ...

    def link_state(self, to: str) -> str:
        """``up``, ``down`` or ``backing off``: the stream, where there is one."""
        ...


class MemoryNetwork:
    """All voters of the box, with delays, faults and partitions from one seed.

    ``delay_ns`` applies to every message. ``jitter_ns``, and the shares ``loss``, ``repeat``, ``tail`` (of up to
    ``LONGEST_TAIL_NS``) and ``ancient`` (a copy comes seconds later) are off by default: they cost a random number each
    and the event loop one more wake-up per message. All of them may be changed while the box runs.
    """

    def __init__(
        self,
        seed: int = 0,
        delay_ns: int = 200_000,
        jitter_ns: int = 0,
        loss: float = 0.0,
        repeat: float = 0.0,
        tail: float = 0.0,
        ancient: float = 0.0,
    ) -> None:
        self.delay_ns = delay_ns
        self.jitter_ns = jitter_ns
        self.loss = loss
        self.repeat = repeat
        self.tail = tail
        self.ancient = ancient
        self.delivered = 0
        self.dropped = 0
        self._random = Random(seed)
        self._handlers: dict[str, Handler] = {}
        self._cut: list[tuple[str, str]] = []
        self._batches: dict[float, list[tuple[str, str, bytes]]] = {}  # by arrival, in loop time
        self._stream_free_s: dict[tuple[str, str], float] = {}  # when the last message of a stream arrives

    def endpoint(self, name: str) -> "MemoryEndpoint":
        """The ``PairNetwork`` of one node; ask again after a restart."""
        return MemoryEndpoint(self, name)

    # --- faults -------------------------------------------------------------------------------------------
    def cut(self, a: str, b: str, one_way: bool = False) -> None:
        """Nothing passes from ``a`` to ``b``, nor back unless ``one_way``."""
        for link in ((a, b),) if one_way else ((a, b), (b, a)):
            if link not in self._cut:
                self._cut.append(link)

    def heal(self, a: str | None = None, b: str | None = None) -> None:
        """Mend one link, or all."""
        self._cut = [] if a is None else [link for link in self._cut if link not in ((a, b), (b, a))]

    def is_cut(self, sender: str, to: str) -> bool:
        """Whether messages from ``sender`` to ``to`` are dropped."""
        return (sender, to) in self._cut

    # --- delivery -----------------------------------------------------------------------------------------
    def attach(self, name: str, handler: Handler) -> None:
        """A node can be reached."""
        self._handlers[name] = handler

    def detach(self, name: str) -> None:
        """A node is gone."""
        self._handlers.pop(name, None)

    def is_attached(self, name: str) -> bool:
        """Whether a node of this name can be reached."""
        return name in self._handlers

    def post(self, sender: str, to: str, payload: bytes, in_order: bool) -> None:
        """Put one message on its way."""
        if (self._cut and (sender, to) in self._cut) or (self.loss and self._random.random() < self.loss):
            self.dropped += 1
            return
        delay_ns = self.delay_ns
        if self.jitter_ns:
            delay_ns += self._random.randrange(self.jitter_ns)
        if self.tail and self._random.random() < self.tail:
            delay_ns += self._random.randrange(LONGEST_TAIL_NS)
        loop = asyncio.get_running_loop()
        leaves_s = loop.leaves_ns(sender) / NS_PER_S if isinstance(loop, SimulatedLoop) else loop.time()
        due_s = leaves_s + delay_ns / NS_PER_S
        if in_order:
            due_s = max(due_s, self._stream_free_s.get((sender, to), 0.0))
            self._stream_free_s[(sender, to)] = due_s
        self._post_at(loop, due_s, (sender, to, payload))
        if self.repeat and not in_order and self._random.random() < self.repeat:
            self._post_at(loop, due_s + self._random.random() * LATEST_REPEAT_S, (sender, to, payload))
        if self.ancient and self._random.random() < self.ancient:
            self._post_at(loop, due_s + self._random.random() * LATEST_ANCIENT_S, (sender, to, payload))

    def _post_at(self, loop: asyncio.AbstractEventLoop, due_s: float, parcel: tuple[str, str, bytes]) -> None:
        """One timer for all that arrives at one instant: it is cheaper, and the loop would not keep their order."""
        batch = self._batches.get(due_s)
        if batch is None:
            self._batches[due_s] = [parcel]
            loop.call_at(due_s, self._deliver, due_s, context=NOBODY)
        else:
            batch.append(parcel)

    def _deliver(self, due_s: float) -> None:
        try:
            for sender, to, payload in self._batches[due_s]:  # without delay, answers join it while it is handed out
                if to not in self._handlers or (self._cut and (sender, to) in self._cut):
                    self.dropped += 1
                else:
                    self.delivered += 1
                    self._hand_over(to, payload)
        finally:
            del self._batches[due_s]

    def _hand_over(self, to: str, payload: bytes) -> None:
        """To the receiver, who may be frozen (then it lies in its socket), or gone since."""
        loop = asyncio.get_running_loop()
        if isinstance(loop, SimulatedLoop) and loop.is_frozen(to):
            loop.call_soon(self._hand_over, to, payload, context=context_of(to))
        elif handler := self._handlers.get(to):
            as_node(to, handler, payload)


class MemoryEndpoint:
    """One node of a ``MemoryNetwork``."""

    def __init__(self, network: MemoryNetwork, name: str) -> None:
        self.name = name
        self._network = network
        self._handler: Handler | None = None

    def open(self, handler: Handler) -> None:
        self._handler = handler

    async def start(self) -> None:
        assert self._handler is not None, "open(handler) comes before start()"
        self._network.attach(self.name, self._handler)

    async def stop(self) -> None:
        self._network.detach(self.name)

    def send(self, to: str, payload: bytes) -> None:
        self._network.post(self.name, to, payload, in_order=False)

    def send_stream(self, to: str, payload: bytes) -> None:
        self._network.post(self.name, to, payload, in_order=True)

    def link_state(self, to: str) -> str:
        return "up" if self._network.is_attached(to) and not self._network.is_cut(self.name, to) else "down"
