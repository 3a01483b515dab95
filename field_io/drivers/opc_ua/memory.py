"""The memory peer of an OPC UA session: a simulated device in this process, on whatever time the loop keeps.

Called by   ``drivers.opc_ua`` through ``UaSession``; built by the assembly of the box.
Knows       the device through ``opc_ua.network``; a cable with its faults lies between. Nothing waits unless a cable, a
            device or a time-out says so: what is asked is answered within the call.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from dcs.core.clock import NS_PER_S
from dcs.core.errors import LinkDown
from field_io.drivers.gate import Gate, GateClosed
from field_io.drivers.links.link import LinkFaults
from field_io.drivers.opc_ua.session import Subscribed, UaSink, Value, Watched
from field_io.opc_ua import messages
from field_io.opc_ua.messages import NodeInfo, UaSample
from field_io.opc_ua.network import UaEndpoint, UaNetwork
from field_io.opc_ua.refusals import ServiceRefused, SessionRefused
from field_io.opc_ua.status import is_bad
from field_io.specs import DeviceSpec, OpcUaAccess

T = TypeVar("T")


class MemoryUaSession:
    """See ``UaSession``."""

    def __init__(
        self, spec: DeviceSpec, network: UaNetwork, name: str = "dcs", faults: LinkFaults | None = None
    ) -> None:
        """``name`` is what the device sees as its peer."""
        self.faults = faults or LinkFaults()
        self.peer = name
        self._spec = spec
        self._nodes = [point.node for point in spec.points]
        self._network = network
        self._timeout_s = spec.timeout_ns / NS_PER_S
        self._endpoint: UaEndpoint | None = None
        self._over: asyncio.Future[str] | None = None  # why this connection is no more
        self._subscription: _Subscription | None = None

    @property
    def connected(self) -> bool:
        return self._endpoint is not None

    async def connect(self) -> None:
        self.abort()
        self._over = asyncio.get_running_loop().create_future()
        await self._pass_cable()
        endpoint = self._network.find(self._spec.host, self._spec.port)
        if endpoint is None:
            raise LinkDown(f"{self._spec.host}:{self._spec.port} accepts no connection")
        await self._pass_device(endpoint)
        refusal = endpoint.admit(self, self._spec.opc_ua or OpcUaAccess())
        if refusal:
            raise SessionRefused(refusal)
        self._endpoint = endpoint

    async def find(self) -> Sequence[NodeInfo]:
        return await self._exchange(lambda endpoint: [endpoint.describe(node) for node in self._nodes])

    async def knock(self) -> bool:
        endpoint = self._network.find(self._spec.host, self._spec.port)
        return endpoint is not None and not endpoint.silent and not self.faults.cut

    async def ask(self) -> str:
        return await self._exchange(lambda endpoint: "")

    async def read(self, points: Sequence[int]) -> list[UaSample]:
        nodes = [self._nodes[at] for at in points]
        return await self._exchange(lambda endpoint: endpoint.read(nodes))

    async def write(self, values: Mapping[int, Value], may_write: Gate, epoch: int = 0) -> dict[int, int]:
        items = [(self._nodes[at], value) for at, value in values.items()]
        if self._spec.epoch is None:
            codes = await self._exchange(lambda endpoint: endpoint.write(self, items), may_write)
            return dict(zip(values, codes, strict=True))
        head = (self._spec.epoch.node, epoch)
        first, *codes = await self._exchange(lambda endpoint: endpoint.write(self, [head, *items]), may_write)
        if is_bad(first):
            raise ServiceRefused(first, "writing with its epoch")
        return dict(zip(values, codes, strict=True))

    async def read_epoch(self) -> int:
        assert self._spec.epoch is not None
        node = self._spec.epoch.node
        (sample,) = await self._exchange(lambda endpoint: endpoint.read([node]))
        return int(sample.value or 0)

    async def subscribe(
        self, watched: Sequence[Watched], publishing_ns: int, keep_alive_ns: int, sink: UaSink
    ) -> Subscribed:
        def work(endpoint: UaEndpoint) -> Subscribed:
            code = endpoint.watch()
            if is_bad(code):
                raise ServiceRefused(code, "making a subscription")
            infos = [endpoint.describe(self._nodes[one.at]) for one in watched]
            good = [one.at for one, info in zip(watched, infos, strict=True) if not is_bad(info.code)]
            cycles = max(1, keep_alive_ns // publishing_ns)
            self._subscription = _Subscription(self, endpoint, good, publishing_ns, cycles, sink)
            return Subscribed([info.code for info in infos], cycles * publishing_ns)

        await self.unsubscribe()
        return await self._exchange(work)

    async def unsubscribe(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            subscription.end()

    def abort(self) -> None:
        self._end("connection aborted")

    async def close(self) -> None:
        self.abort()

    def closed(self) -> None:
        """The device has closed the connection."""
        self._end("connection closed by the device")

    @property
    def subscription(self) -> "_Subscription | None":
        """For faults and tests: what the server holds for this session."""
        return self._subscription

    # --- inside -----------------------------------------------------------------------------------------------
    def _end(self, reason: str) -> None:
        endpoint, self._endpoint = self._endpoint, None
        if self._subscription is not None:
            self._subscription.end()
            self._subscription = None
        if endpoint is not None:
            endpoint.leave(self)
        if self._over is not None and not self._over.done():
            self._over.set_result(reason)

    def samples(self, points: Sequence[int]) -> list[UaSample]:
        """What the device says now, for its subscription."""
        assert self._endpoint is not None
        return self._endpoint.read([self._nodes[at] for at in points])

    async def _exchange(self, work: Callable[[UaEndpoint], T], may_write: Gate | None = None) -> T:
        endpoint = self._endpoint
        if endpoint is None:
            raise LinkDown("not connected")
        delay_s, copies = self.faults.passage()
        if delay_s > 0.0:
            # The slow cable is before the gate: what it delays is still ours to keep back.
            await self._wait(delay_s)
        if may_write is not None and not may_write():
            raise GateClosed("not sent: this controller has no authority over the outputs")
        if not copies:
            await self._no_answer()
        await self._pass_device(endpoint)
        return work(endpoint)

    async def _pass_cable(self) -> None:
        if self.faults.latency_s > 0.0:
            await self._wait(self.faults.latency_s)
        if self.faults.cut:
            await self._no_answer()

    async def _pass_device(self, endpoint: UaEndpoint) -> None:
        if endpoint.silent or endpoint.latency_s >= self._timeout_s:
            await self._no_answer()
        if endpoint.latency_s > 0.0:
            await self._wait(endpoint.latency_s)

    async def _no_answer(self) -> None:
        await self._wait(self._timeout_s)
        self.abort()
        raise LinkDown(f"no answer within {self._timeout_s * 1000:g} ms")

    async def _wait(self, seconds: float) -> None:
        """Raises ``LinkDown`` as soon as the connection is over."""
        over = self._over
        assert over is not None
        await asyncio.wait((over,), timeout=seconds)
        if over.done():
            raise LinkDown(over.result())


class _Subscription:
    """The server's part: samples, compares, sends numbered messages."""

    def __init__(
        self,
        session: MemoryUaSession,
        endpoint: UaEndpoint,
        points: Sequence[int],
        publishing_ns: int,
        cycles: int,
        sink: UaSink,
    ) -> None:
        self.number = 1  # of the next message with changes
        self._session = session
        self._endpoint = endpoint
        self._points = points
        self._period_s = publishing_ns / NS_PER_S
        self._cycles = cycles
        self._quiet = cycles  # the first message goes out at once
        self._sink = sink
        self._sent: list[UaSample | None] = [None] * len(points)
        self._heard = messages.Sequence()
        self._loop = asyncio.get_running_loop()
        self._due_s = self._loop.time()
        self._timer: asyncio.TimerHandle = self._loop.call_soon(self._publish)  # type: ignore[assignment]
        self._over = False

    def end(self) -> None:
        self._over = True
        self._timer.cancel()

    def expire(self, text: str) -> None:
        """The server gives it up and says so."""
        self.end()
        self._sink.ended(text)

    def _publish(self) -> None:
        self._due_s += self._period_s
        self._timer = self._loop.call_at(self._due_s, self._publish)
        samples = self._session.samples(self._points)
        changes = [
            (at, sample)
            for at, sample, sent in zip(self._points, samples, self._sent, strict=True)
            if sent is None or sample.value != sent.value or sample.code != sent.code
        ]
        self._sent = list(samples)
        self._quiet += 1
        if not changes and self._quiet < self._cycles:
            return
        self._quiet = 0
        number = self.number
        if changes:
            self.number += 1
        delay_s = self._endpoint.latency_s + self._session.faults.latency_s
        if delay_s > 0.0:
            self._loop.call_later(delay_s, self._deliver, number, changes)
        else:
            self._deliver(number, changes)

    def _deliver(self, number: int, changes: list[tuple[int, UaSample]]) -> None:
        if self._over or self._session.faults.cut or self._endpoint.silent:
            return
        gap = self._heard.gap(number, keep_alive=not changes)
        if gap:
            self._sink.lost(gap)
        if not self._over:
            self._sink.notified(changes)
