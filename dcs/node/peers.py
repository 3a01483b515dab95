"""Which peer stands at the other end of every link: the one difference between a real run and the box.

Called by   ``dcs.node.assembly``, which builds every node from a configuration and from peers, and knows no more.
Peers       ``dcs.node.wire_peers`` (the wall clock, NATS, sockets, files) and ``dcs.node.memory_peers`` (a simulated
            loop and everything in this process, deterministic).
"""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Protocol, TypeVar

from dcs.bus.api import Bus
from dcs.core.clock import Clock
from dcs.node.keep import Keep
from dcs.node.scan_schedule import ScanSchedule
from dcs.redundancy.store import RecordStore
from dcs.redundancy.transport import PairNetwork
from field_io.drivers.links.link import LinkFaults, ModbusLink
from field_io.drivers.opc_ua.session import UaSession
from field_io.memory_network import MemoryNetwork
from field_io.opc_ua.network import UaNetwork
from field_io.specs import DeviceSpec

T = TypeVar("T")


def derive_seed(seed: int, *names: str) -> int:
    """A seed for one stream of random numbers; the same names give the same stream, whatever else runs."""
    text = "/".join((str(seed), *names)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


class Peers(Protocol):
    """Everything a node gets from outside."""

    seed: int
    clock_note: str  # "" for the wall clock; ``simulated x10`` for whoever looks into a box
    device_network: MemoryNetwork | None  # where simulated devices listen; None = TCP
    ua_network: UaNetwork | None  # the same for OPC UA
    cables: dict[str, LinkFaults]  # ``C1A>RTU-1``: every cable of this process to a device

    def pid(self, node: str) -> int:
        """Process id for reports."""
        ...

    def clock(self, node: str) -> Clock:
        """The node's own clock."""
        ...

    async def bus(self, node: str) -> Bus:
        """The node's access to the bus."""
        ...

    def schedule(self, node: str, clock: Clock) -> ScanSchedule:
        """What calls the scans."""
        ...

    def link(self, node: str, device: DeviceSpec) -> ModbusLink:
        """The node's cable to a Modbus device."""
        ...

    def ua_session(self, node: str, device: DeviceSpec) -> UaSession:
        """The node's cable to an OPC UA device."""
        ...

    def certificates(self, node: str) -> str:
        """Folder for the certificates of a node; "" = it needs none."""
        ...

    def pair_network(self, node: str) -> PairNetwork:
        """The node's access to the other voters."""
        ...

    def voter_store(self, node: str) -> RecordStore:
        """The voter's durable memory."""
        ...

    def keep(self, node: str) -> Keep:
        """What the node keeps over its death: versions of the configuration, the checkpoint of its memory."""
        ...

    async def apart(self, work: Callable[[], T], takes_s: float = 0.0) -> T:
        """Do long work without holding up the event loop; ``takes_s`` is how long it takes in simulated time."""
        ...

    def on_loop(self, loop: asyncio.AbstractEventLoop, work: Callable[[], None]) -> None:
        """Run ``work`` on the node's event loop; called from the scan."""
        ...

    def prefer(self, holds: bool) -> None:
        """Before whom the node's event loop gets the processor: it holds the authority, or waits for it."""
        ...
