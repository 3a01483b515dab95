"""The box: a whole plant in one process, in simulated time, repeatable to the bit.

Called by   ``dcs simulate``, tests, benchmarks.
Knows       the same assembly as a real run; which nodes live, and how to kill and restart them. A killed node says
            nothing more: its links are cut before its tasks are, as the kernel does with a process.
"""

import asyncio
import gc
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from dcs.bus.change_messages import ChangeReply, ChangeRequest, change_subject
from dcs.bus.commands import patience_s
from dcs.bus.messages import Command, Reply, command_subject
from dcs.config.plant_config import PlantConfig
from dcs.core.clock import NS_PER_S, Clock
from dcs.core.errors import LinkDown
from dcs.core.simulated_nodes import NODE, context_of
from dcs.core.simulated_time import SimulatedLoop
from dcs.node.assembly import FIELD_NODE, Node, build_node, load_configuration
from dcs.node.controller import Controller
from dcs.node.endpoints import Endpoints
from dcs.node.field_node import FieldNode
from dcs.node.memory_peers import MemoryPeers
from field_io.faults import FieldFaults
from field_io.specs import with_backups


def memory_endpoints(config: PlantConfig) -> Endpoints:
    """Addresses inside the box: any, as long as they differ."""
    voters = [n for c in config.controllers for n in (*c.members, *([c.witness] if c.witness else []))]
    return Endpoints(
        plant=config.name,
        config=str(config.folder),
        bus_url="memory",
        devices={
            device.name: (device.host, device.port or 10_000 + i)
            for i, device in enumerate(with_backups(config.devices))
        },
        voters={name: ("memory", 1 + i) for i, name in enumerate(dict.fromkeys(voters))},
        exercises=True,
    )


class Box:
    """All nodes of one plant on one simulated loop. Use as ``async with Box(config, loop, seed) as box``."""

    def __init__(self, config: PlantConfig, loop: SimulatedLoop, seed: int | None = None, direct: bool = False) -> None:
        """``direct``: without messages between controllers and simulated Modbus devices, for speed."""
        self.config = config
        self.loop = loop
        self.peers = MemoryPeers(loop, config.model.seed if seed is None else seed, direct)
        self.endpoints = memory_endpoints(config)
        self.running = config  # after online changes; ``config`` is what the box was started with
        self.nodes: dict[str, Node] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failure: asyncio.Future[None] = loop.create_future()

    async def __aenter__(self) -> "Box":
        for name in self.config.nodes:
            if name not in self.config.bus.nodes:
                await self.start(name)
        gc.collect()
        if not gc.get_freeze_count():  # as a node does after loading: the collector need not walk through compilers
            gc.freeze()  # and types. Once a process: what a box leaves behind must be found when the next one starts.
        return self

    async def __aexit__(self, *_: object) -> None:
        for name in list(self._tasks):
            await self.kill(name)
        self._failure.cancel()

    # --- nodes ------------------------------------------------------------------------------------------------
    async def start(self, name: str) -> None:
        """Start (or restart) a node with its durable memory and nothing else."""
        if name in self._tasks:
            return
        token = NODE.set(name)
        try:
            node = await build_node(self.config, self.endpoints, name, self.peers)
        finally:
            NODE.reset(token)
        self.nodes[name] = node
        task = self.loop.create_task(node.run(), name=name, context=context_of(name))
        task.add_done_callback(self._ended)
        self._tasks[name] = task

    async def kill(self, name: str) -> None:
        """End a node as ``kill -9`` does."""
        task = self._tasks.pop(name, None)
        if task is None:
            return
        task.remove_done_callback(self._ended)
        self.loop.thaw(name)  # else whoever waits for a part of a frozen node to end would wait until it wakes
        task.cancel()
        await self.peers.disconnect(name)  # cuts its links before it returns to the loop, and so to that task
        with suppress(asyncio.CancelledError):
            await task
        del self.nodes[name]

    def freeze(self, name: str, seconds: float) -> None:
        """Let a node stand still, as ``kill -STOP`` and later ``kill -CONT`` do: its clock goes on, nothing else."""
        self.loop.freeze(name, self.loop.now_ns() + round(seconds * NS_PER_S))

    def hang(self, name: str, seconds: float) -> None:
        """Let the scan of a controller hang while the rest of its process lives."""
        self.peers.schedules[name].hang(round(seconds * NS_PER_S))

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not self._failure.done() and not task.cancelled() and task.exception() is not None:
            self._failure.set_exception(task.exception())  # type: ignore[arg-type]

    def active(self, pair: str) -> str:
        """The member that holds the authority; raises ``LinkDown`` when nobody does."""
        for member in self.config.controller(pair).members:
            node = self.nodes.get(member)
            if isinstance(node, Controller) and node.member.role == "active":
                return member
        raise LinkDown(f"pair {pair} has no active controller now")

    def controller(self, name: str) -> Controller:
        """A living controller."""
        node = self.nodes[name]
        assert isinstance(node, Controller)
        return node

    @property
    def field(self) -> FieldNode:
        """The living field node."""
        node = self.nodes[FIELD_NODE]
        assert isinstance(node, FieldNode)
        return node

    # --- time and commands --------------------------------------------------------------------------------------
    async def run_for(self, seconds: float) -> None:
        """Let simulated time pass; a node that fails ends the run with its error."""
        await self.run_until_ns(self.loop.now_ns() + round(seconds * NS_PER_S))

    async def run_until_ns(self, true_ns: int) -> None:
        """The same, up to ``true_ns`` since the start of the simulation."""
        timer = self.loop.create_future()
        handle = self.loop.call_at(true_ns / NS_PER_S, timer.set_result, None)
        try:
            await asyncio.wait((timer, self._failure), return_when=asyncio.FIRST_COMPLETED)
            if self._failure.done():
                self._failure.result()
        finally:
            handle.cancel()

    async def command(self, pair: str, verb: str, subject: str = "", value: float | str | None = None) -> Reply:
        """What an operator would do at this instant."""
        bus = self.peers.hub.connect(f"operator {self.loop.now_ns()} {subject}")
        command = Command(f"{verb}:{subject}:{self.loop.now_ns()}", verb, subject, value, station="box")
        classes = [c for one in self.config.controllers if one.name == pair for c in one.strategy.scan_classes]
        timeout_s = max(10.0, patience_s(c.period_ns for c in classes))
        try:
            payload = await bus.request(command_subject(self.config.name, pair), command.to_bytes(), timeout_s)
        finally:
            await bus.close()
        return Reply.from_bytes(payload)

    async def change(self, pair: str, request: ChangeRequest) -> ChangeReply:
        """Ask the active about a change of the configuration."""
        bus = self.peers.hub.connect(f"engineer {self.loop.now_ns()} {pair}")
        try:
            payload = await bus.request(change_subject(self.config.name, pair), request.to_bytes(), 120.0)
        finally:
            await bus.close()
        return ChangeReply.from_bytes(payload)

    async def apply(self, folder: Path | None = None, overrides: Sequence[str] = ()) -> list[Reply]:
        """Change the configuration online, as ``dcs apply`` does: all pairs get ready, then each changes.

        One reply per pair; when one pair refuses to prepare, its refusal alone, and nothing has changed.
        """
        texts = {} if folder is None else dict(load_configuration(folder, overrides).texts)
        request = ChangeRequest("prepare", str(folder or ""), texts, tuple(overrides), station="box")
        keys = {}
        for controller in self.config.controllers:
            prepared = await self.change(controller.name, request)
            if not prepared.ok:
                return [Reply("", False, prepared.text)]
            keys[controller.name] = prepared.key
        replies = [await self.command(pair, "apply", key) for pair, key in keys.items() if key]
        if replies and all(reply.ok for reply in replies):
            self.running = self.controller(self.active(self.config.controllers[0].name)).replica.program.config
        return replies

    async def stop(self, name: str) -> None:
        """End a node as its launcher does: it may put its things in order."""
        task = self._tasks.pop(name)
        task.remove_done_callback(self._ended)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await self.peers.disconnect(name)
        del self.nodes[name]

    def faults(self) -> FieldFaults:
        """Points, devices and cables that can be made to fail, and healed."""
        return self.field.faults

    @property
    def clock(self) -> Clock:
        """True time."""
        return self.peers.clock("true time")
