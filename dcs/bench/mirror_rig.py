"""A pair on real sockets that does nothing but scan and mirror: the active in this process, its standby in another.

Called by   the benchmarks of mirroring and of resynchronisation.
Knows       the parts of production: replica, pair member, wire network, witness. No bus, no field, no configuration:
            the program is the benchmark's plan of loops, its inputs are the recorded field.

The witness has a process of its own.
"""

import asyncio
import contextlib
import multiprocessing
import socket
import time
import traceback
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, cast

import numpy as np

from dcs.bench.loop_scans import loops_plan
from dcs.bench.loops_plan import FRAMES, Trace
from dcs.config.plant_config import PlantConfig
from dcs.core.clock import NS_PER_MS, NS_PER_S, WallClock
from dcs.core.status import BAD
from dcs.engine.engine import Engine
from dcs.engine.plan import Plan
from dcs.engine.strategy import Strategy
from dcs.node.execution import Execution
from dcs.node.program import Program
from dcs.node.replica import Replica, ScanOutcome
from dcs.node.scan_record import InputImage, ScanRecord
from dcs.node.state_copy import StateCopy
from dcs.node.versions import STARTED, Version
from dcs.redundancy.protocol import PairConfig
from dcs.redundancy.runtime import RedundantMember
from dcs.redundancy.store import MemoryStore
from dcs.redundancy.timing import LeaseTiming
from dcs.redundancy.wire import WireNetwork
from dcs.redundancy.witness import Witness

SCAN_NS = 100 * NS_PER_MS
ACTIVE, STANDBY, WITNESS = "A", "B", "W"
TIMING = LeaseTiming.for_period(SCAN_NS)
PATIENT = LeaseTiming.of_promise(NS_PER_S)
"""Where costs are measured: other work on the machine must not lead to a new copy meanwhile."""
_CHANNELS_OF_A_DEVICE = 100  # that are read, and stamped, together
_LONGEST_START_S = 300.0
LONGEST_COPY_S = 60.0


def program_of(plan: Plan) -> Program:
    """The plan as a program; what needs a configuration is not asked for here."""
    version = Version(1, plan.digest.hex(), 0, STARTED, "", "", "", (), ())
    nothing = cast(Any, None)
    return Program(version, cast(PlantConfig, nothing), cast(Strategy, nothing), plan, Engine(plan), [])


class Field:
    """The inputs of one scan after the other: every value moves, every device is read at a time of its own."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        channels = trace.values.shape[1]
        device = np.arange(channels) // _CHANNELS_OF_A_DEVICE
        self._age_ns = (device * 7919 % 90) * NS_PER_MS + device
        self._scan = 0

    def image(self, time_ns: int) -> InputImage:
        """Of the next scan. A transmitter that is lost has a bad status for two scans of a lap."""
        frame = self._scan % FRAMES
        self._scan += 1
        values = self._trace.values[frame]
        statuses = np.where(np.isnan(values), BAD << 6, self._trace.statuses[frame])
        return InputImage(values.copy(), statuses, time_ns - self._age_ns)


@dataclass
class Side:
    """One controller as far as the pair sees it (``dcs.redundancy.runtime.Replica``)."""

    replica: Replica
    events: list[str] = field(default_factory=list)
    active: asyncio.Event = field(default_factory=asyncio.Event)
    executed_ns: list[int] = field(default_factory=list)  # CPU time of every repeated scan

    def __post_init__(self) -> None:
        self.execution = Execution(self.replica, asyncio.to_thread, asyncio.create_task)

    def snapshot(self) -> tuple[int, memoryview] | None:
        return self.execution.snapshot()

    def restore(self, seq: int, state: bytes | memoryview) -> None:
        with self.replica.lock:
            self.replica.restore(state)
            self.execution.copy()

    def execute(self, seq: int, record: bytes) -> bytes:
        started_ns = time.thread_time_ns()
        with self.replica.lock:
            outcome = self.replica.execute(ScanRecord.from_bytes(record))
            self.execution.note(seq, record, outcome.digest)
            self.execution.scanned(seq - 1)
        self.executed_ns.append(time.thread_time_ns() - started_ns)
        return outcome.digest

    def look(self, devices: int) -> None:
        """There is no field here."""

    def became_active(self, epoch: int, reason: str, cold: bool) -> None:
        self.active.set()

    def became_standby(self, reason: str) -> None:
        self.active.clear()

    def event(self, text: str, kind: str) -> None:
        self.events.append(text)


def member_of(
    name: str,
    side: Side,
    ports: dict[str, int],
    timing: LeaseTiming,
    tap: Callable[[WireNetwork], None] = lambda network: None,
) -> RedundantMember:
    """A pair member of production on loopback; ``tap`` may look at its network before it opens."""
    network = _network(name, ports)
    tap(network)
    member = RedundantMember(
        _pair(timing), name, WallClock(), network, MemoryStore(), side, lambda now_ns: True, 1, execution=side.execution
    )
    side.execution.belongs_to(member)
    return member


def _network(name: str, ports: dict[str, int]) -> WireNetwork:
    others = {other: ("127.0.0.1", port) for other, port in ports.items() if other != name}
    stream_peer = {ACTIVE: STANDBY, STANDBY: ACTIVE}.get(name, "")
    return WireNetwork(name, ("127.0.0.1", ports[name]), others, WallClock(), stream_peer)


def free_ports() -> dict[str, int]:
    """One for each voter, free for UDP and TCP just now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(3)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return dict(zip((ACTIVE, STANDBY, WITNESS), (one.getsockname()[1] for one in sockets), strict=True))


# --- the other processes -------------------------------------------------------------------------------------
def _pair(timing: LeaseTiming) -> PairConfig:
    return PairConfig("C1", (ACTIVE, STANDBY), WITNESS, timing)


def _witness(ports: dict[str, int], timing: LeaseTiming) -> None:
    witness = Witness(WITNESS, {"C1": _pair(timing)}, WallClock(), _network(WITNESS, ports), MemoryStore(), print)
    asyncio.run(witness.run())


def _standby(loops: int, ports: dict[str, int], timing: LeaseTiming, pipe: Connection) -> None:
    side = Side(Replica(program_of(loops_plan(loops)[0])))
    pipe.send("built")
    asyncio.run(_stand_by(side, ports, timing, pipe))


async def _run(member: RedundantMember) -> None:
    """Until cancelled; who waits for this standby gives up, and here is why."""
    try:
        await member.run()
    except Exception:
        traceback.print_exc()
        raise


async def _stand_by(side: Side, ports: dict[str, int], timing: LeaseTiming, pipe: Connection) -> None:
    loop = asyncio.get_running_loop()
    member = member_of(STANDBY, side, ports, timing)
    tasks: list[asyncio.Task[None]] = []
    while True:
        word = await loop.run_in_executor(None, pipe.recv)
        for task in tasks:
            if task.done():
                task.result()  # what went wrong ends the process, and so the benchmark
        if word == "join":
            tasks.append(loop.create_task(_run(member)))
        elif word == "leave":
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            tasks.clear()
            member = member_of(STANDBY, side, ports, timing)
        else:
            report = member.report()
            pipe.send((list(side.executed_ns), side.events, report.mismatches, report.state))
            if word == "end":
                return


class OtherSide:
    """The standby and the witness in processes of their own."""

    def __init__(self, loops: int, ports: dict[str, int], timing: LeaseTiming) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._processes = [
            spawn.Process(target=_standby, args=(loops, ports, timing, theirs), daemon=True),
            spawn.Process(target=_witness, args=(ports, timing), daemon=True),
        ]
        for process in self._processes:
            process.start()

    def built(self) -> None:
        """Wait until it can take part. Raises ``TimeoutError``."""
        if not self._pipe.poll(_LONGEST_START_S):
            raise TimeoutError(f"the standby's process did not start within {_LONGEST_START_S:.0f} s")
        self._pipe.recv()

    def join(self) -> None:
        """The standby's member starts."""
        self._pipe.send("join")

    def leave(self) -> None:
        """It stops; the next one begins with nothing."""
        self._pipe.send("leave")

    async def look(self, word: str = "look") -> tuple[list[int], list[str], int, str]:
        """(CPU ns of every repeated scan, events, mismatches, state). Raises ``EOFError`` when it has failed."""
        self._pipe.send(word)
        return cast("tuple[list[int], list[str], int, str]", await asyncio.to_thread(self._pipe.recv))

    def stop(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.terminate()
            process.join()


@dataclass
class Rig:
    """The active's parts while a benchmark runs."""

    side: Side
    member: RedundantMember
    field: Field
    other: OtherSide

    async def synchronised(self) -> None:
        """Returns when the standby is ready. Raises ``TimeoutError``."""
        async with asyncio.timeout(LONGEST_COPY_S):
            while not self.member.standby_ready:
                await asyncio.sleep(0.002)

    def scan(self, time_ns: int) -> tuple[ScanRecord, ScanOutcome]:
        """As the controller does; the caller holds the replica's lock."""
        record = ScanRecord(self.side.replica.scan + 1, time_ns, 0, 0, self.field.image(time_ns), [])
        outcome = self.side.replica.execute(record)
        self.side.execution.scanned(self.member.agreed_scan)
        return record, outcome

    def submit(self, record: ScanRecord, outcome: ScanOutcome) -> None:
        """As the controller does after a scan."""
        packed = record.to_bytes()
        self.side.execution.note(record.scan, packed, outcome.digest)
        self.member.submit(record.scan, packed, outcome.digest)

    def copy_taken(self, asked: int, copy: StateCopy) -> None:
        """As the controller does with a copy that its scan has taken."""
        packed = self.side.execution.packed(asked, copy)
        if packed is not None:
            self.member.copy_taken(copy.scan, packed)


@contextlib.asynccontextmanager
async def rig(
    loops: int, timing: LeaseTiming, tap: Callable[[WireNetwork], None] = lambda network: None
) -> AsyncIterator[Rig]:
    """An active with its lease and a standby that has not joined yet."""
    ports = free_ports()
    other = OtherSide(loops, ports, timing)
    try:
        plan, trace = loops_plan(loops)
        side = Side(Replica(program_of(plan)))
        await asyncio.to_thread(other.built)
        member = member_of(ACTIVE, side, ports, timing, tap)
        task = asyncio.get_running_loop().create_task(member.run())
        try:
            async with asyncio.timeout(30.0):
                await side.active.wait()
            yield Rig(side, member, Field(trace), other)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    finally:
        other.stop()
