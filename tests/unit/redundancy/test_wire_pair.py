"""The same pair on real sockets, the wall clock and files: takeover within the lease, nothing lost."""

import asyncio
import time
import zlib
from pathlib import Path

import pytest

from dcs.core.clock import NS_PER_MS, WallClock
from dcs.redundancy.protocol import PairConfig
from dcs.redundancy.runtime import RedundantMember
from dcs.redundancy.store import FileStore
from dcs.redundancy.timing import LeaseTiming
from dcs.redundancy.wire import WireNetwork
from dcs.redundancy.witness import Witness
from tests.contracts.test_pair_link import free_ports

SCAN_S = 0.05
# Five times the usual figures: on a crowded machine a process may not run for 100 ms, and would rightly lose its lease.
SLOW_TIMING = LeaseTiming(75 * NS_PER_MS, 450 * NS_PER_MS, 500 * NS_PER_MS, 300 * NS_PER_MS)
STREAM_PEER = {"A": "B", "B": "A", "W": ""}


class Counter:
    """The smallest controller: its state is the number of its last scan, and 3 MB that must be copied."""

    def __init__(self) -> None:
        self.scan = 0
        self.active = False
        self.events: list[str] = []

    def snapshot(self) -> tuple[int, bytes]:
        return self.scan, bytes(3_000_000)

    def restore(self, seq: int, state: bytes) -> None:
        assert len(state) == 3_000_000
        self.scan = seq

    def execute(self, seq: int, record: bytes) -> bytes:
        assert seq == self.scan + 1
        self.scan = seq
        return self.digest()

    def digest(self) -> bytes:
        return zlib.crc32(b"%d" % self.scan).to_bytes(4, "little")

    def look(self, devices: int) -> None:
        raise AssertionError("nobody told of a field device")

    def became_active(self, epoch: int, reason: str, cold: bool) -> None:
        self.active = True

    def became_standby(self, reason: str) -> None:
        self.active = False

    def event(self, text: str, kind: str) -> None:
        self.events.append(text)


class Pair:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = free_ports()
        self.config = PairConfig("C1", ("A", "B"), "W", SLOW_TIMING)
        self.clock = WallClock()
        self.members: dict[str, RedundantMember] = {}
        self.counters: dict[str, Counter] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str) -> None:
        peers = {other: ("127.0.0.1", self.ports[other]) for other in self.ports if other != name}
        network = WireNetwork(name, ("127.0.0.1", self.ports[name]), peers, self.clock, STREAM_PEER[name])
        store = FileStore(self.folder / name)
        if name == "W":
            witness = Witness(name, {"C1": self.config}, self.clock, network, store, lambda text, kind: None)
            self.tasks[name] = asyncio.create_task(witness.run())
            return
        counter = self.counters[name] = Counter()
        member = RedundantMember(self.config, name, self.clock, network, store, counter, lambda now_ns: True, 1)
        self.members[name] = member
        self.tasks[name] = asyncio.create_task(self.controller(member, counter))

    async def controller(self, member: RedundantMember, counter: Counter) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(member.run())
            while True:
                await asyncio.sleep(SCAN_S)
                if member.active:
                    counter.scan += 1
                    member.submit(counter.scan, b"", counter.digest())

    async def kill(self, name: str) -> None:
        task = self.tasks.pop(name)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def ready(self) -> bool:
        return any(member.active and member.report().standby_ready for member in self.members.values())

    async def until_ready(self) -> None:
        async with asyncio.timeout(20):
            while not self.ready():
                await asyncio.sleep(0.005)


@pytest.mark.system
def test_a_pair_on_sockets_and_files_takes_over_and_comes_back(tmp_path: Path) -> None:
    async def main() -> None:
        pair = Pair(tmp_path)
        try:
            for name in ("A", "B", "W"):
                pair.start(name)
            await pair.until_ready()
            active = "A" if pair.members["A"].active else "B"
            standby = STREAM_PEER[active]
            await asyncio.sleep(0.5)
            assert await pair.members[active].confirmed(pair.counters[active].scan)
            answered_scan = pair.counters[active].scan

            await pair.kill(active)
            killed_s = time.monotonic()
            async with asyncio.timeout(5):
                while not pair.members[standby].may_write(pair.clock.monotonic_ns()):
                    await asyncio.sleep(0.001)
            took_ms = (time.monotonic() - killed_s) * 1e3
            print(f"takeover after {took_ms:.0f} ms")
            assert pair.counters[standby].scan >= answered_scan
            assert took_ms < 2500, "on a loaded machine; the promise alone is 500 ms"

            pair.start(active)
            await pair.until_ready()
            assert pair.members[standby].active
            begun_s = time.monotonic()
            assert pair.members[standby].switchover("test")[0]
            async with asyncio.timeout(5):
                while not pair.members[active].may_write(pair.clock.monotonic_ns()):
                    await asyncio.sleep(0.001)
            print(f"switchover in {(time.monotonic() - begun_s) * 1e3:.0f} ms")
            await pair.until_ready()
            report = pair.members[active].report()
            assert report.malformed == 0
            assert all(link.state == "up" for link in report.links)
            assert report.lease_left_ms * NS_PER_MS <= pair.config.timing.hold_ns
        finally:
            for name in list(pair.tasks):
                await pair.kill(name)

    asyncio.run(main())
