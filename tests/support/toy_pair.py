"""A pair with a toy controller in the box: what the redundancy tests run on.

The toy counts scans and adds up commands; its whole state is one JSON object: "continues exactly" is a comparison.
"""

import asyncio
import json
import zlib
from collections.abc import Callable

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.core.simulated_time import SimulatedClock, SimulatedLoop
from dcs.redundancy.protocol import PairConfig
from dcs.redundancy.protocol.field_view import NO_VIEW, FieldView, device_list
from dcs.redundancy.runtime import RedundantMember
from dcs.redundancy.store import MemoryStore
from dcs.redundancy.timing import LeaseTiming
from dcs.redundancy.transport import MemoryNetwork
from dcs.redundancy.witness import Witness

SCAN_NS = 100 * NS_PER_MS
TOY_DEVICES = device_list(("RTU-1", "RTU-2"), (True, False))


class ToyController:
    """Scans every period while active; a scan adds its commands to the state and writes ``(scan, total)``."""

    def __init__(self, box: "ToyBox", name: str) -> None:
        self.box = box
        self.name = name
        self.state: dict[str, int] = {"scan": 0, "total": 0}
        self.hangs = False
        self.scanned_ns = 0
        self.pending: list[int] = []
        self.role_changes: list[tuple[float, str, str]] = []
        self.field = NO_VIEW
        self.spoils_scan = -1  # as standby: compute this scan wrongly
        self.clock = SimulatedClock(box.loop, rate=box.rates.get(name, 1.0))
        self.member = RedundantMember(
            box.config, name, self.clock, box.network.endpoint(name), box.store(name), self, self.alive, box.seed
        )

    # --- replica ---
    def snapshot(self) -> tuple[int, bytes]:
        return self.state["scan"], json.dumps(self.state).encode() + b" " * self.box.padding

    def restore(self, seq: int, state: bytes) -> None:
        self.state = json.loads(bytes(state))
        assert self.state["scan"] == seq

    def execute(self, seq: int, record: bytes) -> bytes:
        digest = self._apply(json.loads(record))
        assert self.state["scan"] == seq
        if seq == self.spoils_scan:
            self.state["total"] += 1
            return self._digest()
        return digest

    def became_active(self, epoch: int, reason: str, cold: bool) -> None:
        self.role_changes.append((self.box.loop.time(), "active", reason))

    def became_standby(self, reason: str) -> None:
        self.role_changes.append((self.box.loop.time(), "standby", reason))

    def event(self, text: str, kind: str) -> None:
        assert kind == "redundancy"
        self.box.events.append((self.box.loop.time(), self.name, text))

    def look(self, devices: int) -> None:
        self.member.set_field(self.field)

    def reaches(self, *devices: int) -> None:
        """Which of two devices answer from now on; the first has outputs."""
        reached = sum(1 << device for device in devices)
        self.field = FieldView(TOY_DEVICES, reached, TOY_DEVICES.all & ~reached)
        self.member.set_field(self.field)

    # --- the scan ---
    def alive(self, now_ns: int) -> bool:
        return not self.hangs

    def _apply(self, commands: list[int]) -> bytes:
        self.state["scan"] += 1
        self.state["total"] += sum(commands)
        return self._digest()

    def _digest(self) -> bytes:
        return zlib.crc32(json.dumps(self.state).encode()).to_bytes(4, "little")

    async def command(self, amount: int) -> bool:
        """Applied in the next scan; answered when redundancy allows."""
        self.pending.append(amount)
        return await self.member.confirmed(self.state["scan"] + 1)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.member.run())
            tasks.create_task(self._scan_forever())
            tasks.create_task(self._tell_field())

    async def _tell_field(self) -> None:
        while True:
            self.member.set_field(self.field)
            await asyncio.sleep(1.0)

    async def _scan_forever(self) -> None:
        due_ns = 0
        while True:
            due_ns += SCAN_NS
            await self.clock.sleep_until(due_ns)
            if not self.member.active or self.hangs:
                continue
            commands, self.pending = self.pending, []
            digest = self._apply(commands)
            if self.member.may_write(self.clock.monotonic_ns()):
                at_s, epoch = self.box.loop.time(), self.member.write_epoch
                self.box.writes.append((at_s, self.name, epoch, self.state["scan"], self.state["total"]))
            self.member.submit(self.state["scan"], json.dumps(commands).encode(), digest)


class ToyBox:
    """Two controllers and a witness on one simulated loop."""

    def __init__(
        self,
        loop: SimulatedLoop,
        seed: int = 1,
        timing: LeaseTiming | None = None,
        rates: dict[str, float] | None = None,
        network: MemoryNetwork | None = None,
        simplex: bool = False,
        padding: int = 0,
    ) -> None:
        self.loop = loop
        self.seed = seed
        self.rates = rates or {}
        self.padding = padding  # bytes added to the state, to make a copy take many slices
        self.network = network or MemoryNetwork(seed)
        timing = timing or LeaseTiming.for_period(SCAN_NS)
        members, witness = (("C1A",), "") if simplex else (("C1A", "C1B"), "W1")
        self.config = PairConfig("C1", members, witness, timing)
        self.writes: list[tuple[float, str, int, int, int]] = []  # time, writer, epoch, scan, total
        self.events: list[tuple[float, str, str]] = []
        self.controllers: dict[str, ToyController] = {}
        self.witness: Witness | None = None
        self.stores: dict[str, MemoryStore] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def store(self, name: str) -> MemoryStore:
        return self.stores.setdefault(name, MemoryStore())

    def start(self, *names: str) -> None:
        for name in names or self.config.voters:
            if name == self.config.witness:
                clock = SimulatedClock(self.loop, rate=self.rates.get(name, 1.0))
                pairs = {self.config.pair: self.config}
                endpoint = self.network.endpoint(name)
                self.witness = Witness(name, pairs, clock, endpoint, self.store(name), self._witness_event)
                self._tasks[name] = self.loop.create_task(self.witness.run())
            else:
                self.controllers[name] = ToyController(self, name)
                self._tasks[name] = self.loop.create_task(self.controllers[name].run())

    def _witness_event(self, text: str, kind: str) -> None:
        self.events.append((self.loop.time(), self.config.witness, text))

    async def kill(self, name: str) -> None:
        """As a crash: nothing is said, the memory is gone; the store stays."""
        self.network.detach(name)
        task = self._tasks.pop(name)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def stop(self) -> None:
        for name in list(self._tasks):
            await self.kill(name)

    async def until(self, condition: Callable[[], bool], within_s: float, why: str = "") -> float:
        """Run until the condition holds; the time it took in seconds."""
        start_s = self.loop.time()
        while not condition():
            assert self.loop.time() - start_s < within_s, f"not within {within_s} s: {why}\n{self.story()}"
            await asyncio.sleep(0.001)
        return self.loop.time() - start_s

    async def running_pair(self) -> None:
        """Start all and wait for an active with a ready standby."""
        self.start()
        await self.until(self.is_ready, 10, "a ready pair")

    def is_ready(self) -> bool:
        return self.active is not None and self.active.member.report().standby_ready

    @property
    def active(self) -> ToyController | None:
        found = [c for name, c in self.controllers.items() if name in self._tasks and c.member.active]
        return found[0] if found else None

    @property
    def standby(self) -> ToyController:
        active = self.active
        return next(c for c in self.controllers.values() if c is not active)

    def story(self) -> str:
        return "\n".join(f"{at:9.4f} {who}: {text}" for at, who, text in self.events[-40:])


def seconds(value: float) -> int:
    return round(value * NS_PER_S)
