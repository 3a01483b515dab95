"""The peers of a real run: the wall clock, NATS, sockets, files.

Called by   ``dcs node``; one object per process.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from dcs.bus.api import Bus
from dcs.bus.nats import connect_nats
from dcs.core.clock import Clock, WallClock
from dcs.node.endpoints import Endpoints
from dcs.node.keep import FileKeep, Keep
from dcs.node.peers import T
from dcs.node.priority import HOLDS, WAITS, ask_for_priority
from dcs.node.scan_schedule import ScanSchedule, ThreadSchedule
from dcs.redundancy.store import FileStore, RecordStore
from dcs.redundancy.transport import PairNetwork
from dcs.redundancy.wire import WireNetwork
from field_io.drivers.links.choice import WireLinks
from field_io.drivers.links.link import LinkFaults, ModbusLink
from field_io.drivers.opc_ua.session import UaSession
from field_io.memory_network import MemoryNetwork
from field_io.opc_ua.network import UaNetwork
from field_io.specs import DeviceSpec


class WirePeers:
    """One process of a real run."""

    device_network: MemoryNetwork | None = None
    ua_network: UaNetwork | None = None
    clock_note = ""

    def __init__(self, endpoints: Endpoints, run_dir: Path, seed: int) -> None:
        self.seed = seed
        self._endpoints = endpoints
        self._kept = Path(endpoints.kept) if endpoints.kept else run_dir
        self._clock = WallClock()
        self._links = WireLinks()
        self._buses: list[Bus] = []
        self.cables: dict[str, LinkFaults] = {}

    def pid(self, node: str) -> int:
        return os.getpid()

    def clock(self, node: str) -> Clock:
        return self._clock

    async def bus(self, node: str) -> Bus:
        bus = await connect_nats(self._endpoints.bus_url, node, wait_s=0.0)
        self._buses.append(bus)
        return bus

    async def close(self) -> None:
        """Leave the bus."""
        for bus in self._buses:
            await bus.close()

    def schedule(self, node: str, clock: Clock) -> ScanSchedule:
        return ThreadSchedule(self._clock, realtime=node in self._endpoints.voters)

    def link(self, node: str, device: DeviceSpec) -> ModbusLink:
        return self._links.link(device, self.cables.setdefault(f"{node}>{device.name}", LinkFaults()))

    def ua_session(self, node: str, device: DeviceSpec) -> UaSession:
        from field_io.drivers.opc_ua.wire.session import WireUaSession  # asyncua takes half a second to load

        return WireUaSession(device, Path(self.certificates(node)), node)

    def certificates(self, node: str) -> str:
        return str(self._kept / "certificates" / node)

    def pair_network(self, node: str) -> PairNetwork:
        addresses = dict(self._endpoints.voters)
        pair = next((members for members in self._endpoints.pairs.values() if node in members), [])
        others = [member for member in pair if member != node]
        listen = addresses.pop(node)
        return WireNetwork(node, listen, addresses, self._clock, others[0] if others else "", self.seed)

    def voter_store(self, node: str) -> RecordStore:
        return FileStore(self._kept / "voters" / node)

    def keep(self, node: str) -> Keep:
        return file_keep(self._kept, node)

    async def apart(self, work: Callable[[], T], takes_s: float = 0.0) -> T:
        return await asyncio.to_thread(work)

    def on_loop(self, loop: asyncio.AbstractEventLoop, work: Callable[[], None]) -> None:
        loop.call_soon_threadsafe(work)

    def prefer(self, holds: bool) -> None:
        ask_for_priority(HOLDS if holds else WAITS)


def file_keep(kept: Path, node: str) -> Keep:
    """What a node keeps below the folder that a run names for it."""
    return FileKeep(kept / "kept" / node)
