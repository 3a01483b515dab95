"""One run: a plant in the box, its nodes under watch, an operator, and what can be done to all of them.

Called by   tests.simulation.swarm.run.
Knows       the box. Everything that is judged hangs on hooks that are put on a node whenever it starts: the registers
            of the devices, the roles of the controllers, the events.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

from dcs.bus.messages import Frame
from dcs.config.plant_config import PlantConfig
from dcs.core.clock import NS_PER_S
from dcs.core.simulated_time import SimulatedLoop
from dcs.core.status import GOOD
from dcs.node.assembly import FIELD_NODE, pair_config
from dcs.node.box import Box
from dcs.node.controller import Controller
from tests.simulation.swarm.client import Client
from tests.simulation.swarm.draw import Drawn
from tests.simulation.swarm.judge import Judge
from tests.simulation.swarm.kernel import Kernel
from tests.simulation.swarm.plant import MOVES, pair_of, writes_to
from tests.simulation.swarm.records import Records
from tests.simulation.swarm.writes import Sender, Writes

S = NS_PER_S
_TOLD = (
    ("excluded", "exclusions"),
    ("complete copy", "copies"),
    ("differs", "mismatches"),
    ("depends on nobody", "standbys taken out"),
    ("is back in the pair", "standbys brought back"),
)
"""Words of an event, and what is counted then."""
_TICKS_MAX = 2000  # of the redundancy's own timer in one second: a renewal needs 70
Action = Callable[[], Awaitable[None]]


class WatchedBox(Box):
    """A box that says when a node has started, and leaves the collector of garbage to whoever runs many of them."""

    started: Callable[[str], None]
    dies: Callable[[str], None]
    frozen_ns: dict[str, int]  # when a node was frozen last
    _timer: "asyncio.Future[None] | None" = None

    async def run_until_ns(self, true_ns: int) -> None:
        """See ``Box``; ``wake`` ends it before its time."""
        self._timer = self.loop.create_future()
        handle = self.loop.call_at(true_ns / NS_PER_S, self.wake)
        try:
            await asyncio.wait((self._timer, self._failure), return_when=asyncio.FIRST_COMPLETED)
            if self._failure.done():
                self._failure.result()
        finally:
            handle.cancel()

    def wake(self) -> None:
        """Something is to be done before what was waited for."""
        if self._timer is not None and not self._timer.done():
            self._timer.set_result(None)

    def freeze(self, name: str, seconds: float) -> None:
        """See ``Box``; who is being killed stands still no more."""
        if name in self._tasks:
            self.frozen_ns[name] = self.loop.now_ns()
            super().freeze(name, seconds)

    async def __aenter__(self) -> "WatchedBox":
        for name in self.config.nodes:
            if name not in self.config.bus.nodes:
                await self.start(name)
        return self

    async def start(self, name: str) -> None:
        """See ``Box``."""
        if name not in self._tasks:
            await super().start(name)
            self.started(name)

    async def kill(self, name: str) -> None:
        """See ``Box``."""
        if name in self.nodes:
            self.dies(name)
        await super().kill(name)


class World:
    """The box, its judges, and what happens in it, in the order of true time."""

    def __init__(self, drawn: Drawn, config: PlantConfig, loop: SimulatedLoop, trace: bool = False) -> None:
        self.drawn = drawn
        self.config = config
        self.loop = loop
        self.judge = Judge(loop.now_ns, trace)
        self.box = WatchedBox(config, loop, drawn.seed)
        self.box.started, self.box.dies, self.box.frozen_ns = self._watch, self._unwatch, {}
        self.pair = pair_of(config)
        self.timing = pair_config(config, self.pair).timing
        periods_ns = [c.period_ns for c in self.pair.strategy.scan_classes]
        self.scan_ns = min(periods_ns)
        assert self.pair.witness
        self.voters = (*self.pair.members, self.pair.witness)
        self.starts: Counter[str] = Counter()
        self.writes = Writes(self.judge)
        bus = self.box.peers.hub.connect("client")
        rng = drawn.rng("client")
        self.client = Client(config.name, self.pair.name, bus, self.judge, rng, drawn.command_s, self.active)
        self.records = Records(
            config.name,
            self.pair.name,
            self.box.peers.hub.connect("historian"),
            self.judge,
            periods_ns,
            self.timing.hold_ns,
            self._clocks_apart_ns,
        )
        self.troubled = False  # the swarm is on
        self.moment: Callable[[str, str], None] = lambda what, node: None  # a role, a copy or a scan: somebody may act
        self.kernel = Kernel(drawn.resend, drawn.rng("kernel"))
        self.damaged: set[str] = set()  # controllers whose memory was damaged on purpose
        self._checked_ns: dict[str, int] = {}  # when the gate of a node was asked last
        self._gate_rng = drawn.rng("gate")
        self._queue: list[tuple[int, int, Action]] = []
        self._numbers = 0
        self._client_task: asyncio.Task[None] | None = None
        self._set_clocks(drawn.rng("clocks"))

    def _set_clocks(self, rng: Random) -> None:
        """Often at the limits: that is where a lease and a promise come closest."""
        for name in (*self.voters, FIELD_NODE):
            self.box.peers.clock(name)
            error = self.drawn.clock_error
            self.box.peers.clocks[name].set_rate(1.0 + rng.choice((-error, error, rng.uniform(-error, error))))

    def start_client(self) -> None:
        """From now on somebody works with the plant."""
        self.client.learn(self.box.controller(self.box.active(self.pair.name)), self.config.name in MOVES)
        self._client_task = self.loop.create_task(self.client.run())

    async def stop_client(self) -> None:
        """Nobody works with it any more; the command under way is waited for."""
        if self._client_task is not None:
            self._client_task.cancel()
            await asyncio.gather(self._client_task, return_exceptions=True)

    # --- what is watched ------------------------------------------------------------------------------------
    def _watch(self, name: str) -> None:
        self.starts[name] += 1
        node = self.box.nodes[name]
        if name == FIELD_NODE:
            for device in self.box.field.simulation.devices:  # type: ignore[attr-defined]
                if writes_to(self.pair, device.spec.name):
                    self.writes.watch(device, self._writer, self.drawn.forgets)
        if isinstance(node, Controller) and name in self.pair.members:
            self.records.begins(name)
            self._watch_controller(name, node)

    def _unwatch(self, name: str) -> None:
        """Its process ends: what it has not delivered yet is gone."""
        node = self.box.nodes[name]
        if isinstance(node, Controller) and name in self.pair.members:
            frames = [Frame.from_bytes(one.payload) for one in node._p.samples._kept]
            self.records.lost_with(name, {(frame.epoch, frame.scan) for frame in frames})

    def _clocks_apart_ns(self) -> int:
        times_ns = [self.box.peers.clocks[name].time_ns() for name in self.pair.members]
        return max(times_ns) - min(times_ns)

    def _writer(self, peer: str) -> Sender | None:
        """The process at the other end of a connection; None: not one of the pair that is put to the test."""
        if peer not in self.pair.members:
            return None
        paused = self.box.frozen_ns.get(peer, -1) >= self._checked_ns.get(peer, 0)
        return Sender(f"{peer}.{self.starts[peer]}", self.box.controller(peer).member.write_epoch, paused)

    def _watch_controller(self, name: str, node: Controller) -> None:
        became_active, became_standby, tell = node.became_active, node.became_standby, node.event
        append, ask, publish = node.face.bus.append, node._gate, node._p.samples.publish

        def active(epoch: int, reason: str, cold: bool) -> None:
            self._became_active(node, epoch, reason, cold)
            became_active(epoch, reason, cold)

        def standby(reason: str) -> None:
            self.judge.tell(name, f"standby: {reason}")
            self.judge.counts["lease losses"] += reason == "the lease ended"
            became_standby(reason)

        def event(text: str, kind: str) -> None:
            self._event(name, text, kind)
            tell(text, kind)

        async def append_event(stream: str, subject: str, payload: bytes, message_id: str) -> None:
            await append(stream, subject, payload, message_id)
            self.records.stored(payload, message_id)

        def published(subject: str, payload: bytes, time_ns: int) -> None:
            self.records.published(name, subject, payload)
            publish(subject, payload, time_ns)

        tick, ticks = node.member._tick, Counter[int]()

        def counted_tick() -> None:
            second = self.loop.now_ns() // S
            ticks[second] += 1
            if ticks[second] == _TICKS_MAX:
                self.judge.breaks(f"{name} is busy with nothing: {_TICKS_MAX} timers of the pair within a second")
            tick()

        def gate() -> bool:
            return self._asked(name, ask())

        after_scan = node._after_scan

        def scanned(*args: Any) -> None:
            self._pause_before_the_send(name)
            after_scan(*args)
            self.moment("scan", name)

        node._after_scan = scanned  # type: ignore[method-assign]
        node.became_active, node.became_standby = active, standby  # type: ignore[method-assign]
        node.event, node._gate = event, gate  # type: ignore[method-assign]
        node.member._tick = counted_tick  # type: ignore[method-assign]
        node.face.bus.append = append_event  # type: ignore[method-assign]
        node._p.samples.publish = published  # type: ignore[method-assign]

    def _became_active(self, node: Controller, epoch: int, reason: str, cold: bool) -> None:
        judge = self.judge
        judge.tell(node.face.node, f"active, epoch {epoch}: {reason}")
        if epoch <= self.writes.newest:
            judge.breaks(f"S1: {node.face.node} became the active with epoch {epoch}; {self.writes.newest} had written")
        self.moment("active", node.face.node)
        judge.counts["handovers"] += reason.startswith("handed over")
        if cold:
            judge.counts["cold starts"] += 1
            self.records.jump_is_explained = True
        self.records.inherited([event.id for event in node.replica.recent_events], cold)
        if self.client.allowed:
            self.client.look(node, cold)

    def _event(self, name: str, text: str, kind: str) -> None:
        if kind != "redundancy":
            return
        self.judge.tell(name, text)
        for words, what in _TOLD:
            if words in text:
                self.judge.counts[what] += 1
                self.moment(what, name)
        if "differs" in text and not self.damaged:
            self.judge.breaks(f"{name}: the standby's result differs although both compute the same ({text})")

    def _asked(self, name: str, is_open: bool) -> bool:
        """The pause that nobody can prevent: between the gate's check and the send."""
        drawn = self.drawn
        if is_open:
            self._checked_ns[name] = self.loop.now_ns()
        if is_open and drawn.gate_pause and self.troubled and self._gate_rng.random() < drawn.gate_pause:
            self.judge.counts["pauses at the gate"] += 1
            self.box.freeze(name, self._gate_rng.uniform(0.005, 2.0 * self.timing.promise_ns / S))
        return is_open

    def _pause_before_the_send(self, name: str) -> None:
        """Of a scan whose outputs are computed: when it goes on, the gate must find that its lease is over."""
        drawn = self.drawn
        if drawn.send_pause and self.troubled and self._gate_rng.random() < drawn.send_pause:
            self.judge.counts["pauses before the send"] += 1
            self.box.freeze(name, self._gate_rng.uniform(0.1, 3.0) * self.timing.promise_ns / S)

    # --- what happens when ------------------------------------------------------------------------------------
    def at(self, after_s: float, action: Action) -> None:
        """Do something in a while; actions come one after the other."""
        self._numbers += 1
        self._queue.append((self.loop.now_ns() + round(after_s * S), self._numbers, action))
        self.box.wake()

    async def run_for(self, seconds: float) -> None:
        """Let time pass and do what is due meanwhile. Raises ``Broken`` when a promise was."""
        end_ns = self.loop.now_ns() + round(seconds * S)
        while True:
            due = min((one for one in self._queue if one[0] <= end_ns), default=None)
            await self.box.run_until_ns(end_ns if due is None else max(due[0], self.loop.now_ns()))
            self.judge.verdict()
            if due is not None and due[0] <= self.loop.now_ns():
                self._queue.remove(due)
                await due[2]()
            elif self.loop.now_ns() >= end_ns:
                return

    def forget_plans(self) -> None:
        """What was to happen does not."""
        self._queue.clear()

    # --- how it is --------------------------------------------------------------------------------------------
    def active(self) -> Controller | None:
        """Who holds the authority now."""
        for name in self.pair.members:
            node = self.box.nodes.get(name)
            if isinstance(node, Controller) and node.member.active and not self.loop.is_frozen(name):
                return node
        return None

    def not_whole(self) -> str:
        """Why the pair is not whole; "" when one is active, all voters grant and the standby is ready."""
        node = self.active()
        if node is None:
            return "there is no active controller"
        report = node.member.report()
        if not report.standby_ready:
            return f"the standby of {node.face.node} is not ready"
        if report.granting != 3:
            return f"{report.granting} of 3 voters grant"
        if not node.replica.scan or not node._scanning:
            return f"{node.face.node} does not scan"
        return ""

    def not_good(self) -> str:
        """An input that is not Good; "" = all are."""
        node = self.active()
        image = node.replica.inputs if node is not None else None
        if node is None or image is None:
            return "nobody reads inputs"
        names = node.replica.program.plan.input_channels
        bad = [name for name, status in zip(names, image.statuses, strict=True) if status >> 6 < GOOD]
        return f"not Good: {', '.join(bad[:5])}" if bad else ""

    def tripped(self) -> list[str]:
        """Parts of the plant's protection that have acted and have not been reset."""
        node = self.active()
        if node is None:
            return []
        found = []
        for index, layout in enumerate(node._layouts):
            values = node.replica.engine.columns(index)[0]
            found += [
                t.name for t, value in zip(layout.tags, values, strict=True) if t.name.endswith(".TRIPPED") and value
            ]
        return found

    def deviations(self) -> dict[str, float]:
        """|PV - SP| of every loop, in parts of its span."""
        node = self.active()
        found: dict[str, float] = {}
        if node is None:
            return found
        engine = node.replica.engine
        for index, layout in enumerate(node._layouts):
            values = engine.columns(index)[0]
            place = {tag.name: (at, tag.high - tag.low) for at, tag in enumerate(layout.tags)}
            for module in layout.modules:
                pv, sp = module.parts.get("PV"), module.parts.get("SP")
                if module.kind == "loop" and pv in place and sp in place and place[pv][1] > 0:
                    found[module.name] = abs(float(values[place[pv][0]] - values[place[sp][0]])) / place[pv][1]
        return found
