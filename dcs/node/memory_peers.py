"""The peers of the box: a simulated loop and everything in this process, deterministic.

Called by   ``dcs.node.box``; one object for all nodes. What one node's links suffer the others do not see.
"""

import asyncio
from collections.abc import Callable

from dcs.bus.api import Bus
from dcs.bus.memory import MemoryHub
from dcs.core.clock import Clock
from dcs.core.simulated_time import SimulatedClock, SimulatedLoop
from dcs.node.keep import Keep, MemoryKeep
from dcs.node.peers import T, derive_seed
from dcs.node.scan_schedule import ScanSchedule, TaskSchedule
from dcs.redundancy.store import MemoryStore, RecordStore
from dcs.redundancy.transport import MemoryNetwork as MemoryPairNetwork
from dcs.redundancy.transport import PairNetwork
from field_io.drivers.links.choice import MemoryLinks
from field_io.drivers.links.direct import DirectLink
from field_io.drivers.links.link import LinkFaults, ModbusLink
from field_io.drivers.opc_ua.memory import MemoryUaSession
from field_io.drivers.opc_ua.session import UaSession
from field_io.memory_network import MemoryNetwork
from field_io.opc_ua.network import UaNetwork
from field_io.specs import DeviceSpec


class MemoryPeers:
    """All nodes of the box; each has its own clock."""

    def __init__(self, loop: SimulatedLoop, seed: int, direct: bool = False) -> None:
        """``direct``: drivers look into simulated Modbus devices, instead of exchanging messages with them."""
        self.seed = seed
        self.clock_note = ""
        self.hub = MemoryHub()
        self.device_network: MemoryNetwork | None = MemoryNetwork()
        self.ua_network: UaNetwork | None = UaNetwork()
        self.pair_links = MemoryPairNetwork(derive_seed(seed, "pair network"))
        self.clocks: dict[str, SimulatedClock] = {}
        self.cables: dict[str, LinkFaults] = {}  # "C1A>RTU-1"
        self.schedules: dict[str, TaskSchedule] = {}  # of the controllers
        self._loop = loop
        self._direct = direct
        self._stores: dict[str, MemoryStore] = {}
        self._buses: dict[str, Bus] = {}
        self._pieces: dict[str, dict[str, bytes]] = {}
        self._keeps: dict[str, MemoryKeep] = {}
        self._links: dict[str, MemoryLinks] = {}

    def pid(self, node: str) -> int:
        return 0

    def clock(self, node: str) -> Clock:
        if node not in self.clocks:
            self.clocks[node] = SimulatedClock(self._loop)
        return self.clocks[node]

    async def bus(self, node: str) -> Bus:
        self._buses[node] = self.hub.connect(node)
        return self._buses[node]

    async def disconnect(self, node: str) -> None:
        """The node's process is gone: nothing of it is delivered or received any more."""
        self._links.pop(node, None)
        self.hub.cut(node)
        if node in self._keeps:
            self._keeps[node].close()
        self.pair_links.detach(node)
        await self._buses.pop(node).close()
        self.hub.heal(node)

    def schedule(self, node: str, clock: Clock) -> ScanSchedule:
        self.schedules[node] = TaskSchedule(clock)
        return self.schedules[node]

    def link(self, node: str, device: DeviceSpec) -> ModbusLink:
        assert self.device_network is not None
        faults = self.cables.setdefault(f"{node}>{device.name}", LinkFaults())
        if self._direct and device.replay is None:
            return DirectLink(device, self.device_network, node, faults)
        links = self._links.setdefault(node, MemoryLinks(self.device_network, node))
        return links.link(device, faults)

    def ua_session(self, node: str, device: DeviceSpec) -> UaSession:
        assert self.ua_network is not None
        faults = self.cables.setdefault(f"{node}>{device.name}", LinkFaults())
        return MemoryUaSession(device, self.ua_network, node, faults)

    def certificates(self, node: str) -> str:
        return ""

    def pair_network(self, node: str) -> PairNetwork:
        return self.pair_links.endpoint(node)

    def voter_store(self, node: str) -> RecordStore:
        return self._stores.setdefault(node, MemoryStore())

    def keep(self, node: str) -> Keep:
        self._keeps[node] = MemoryKeep(self._pieces.setdefault(node, {}))
        return self._keeps[node]

    async def apart(self, work: Callable[[], T], takes_s: float = 0.0) -> T:
        if takes_s:
            await asyncio.sleep(takes_s)
        return work()

    def on_loop(self, loop: asyncio.AbstractEventLoop, work: Callable[[], None]) -> None:
        work()

    def prefer(self, holds: bool) -> None:
        """Nothing takes time here."""
