"""Which link a device gets: a connection of its own, or its share in one.

Called by   ``dcs.node.wire_peers`` and ``dcs.node.memory_peers``, one object per controller; tools and tests.
"""

from abc import ABC, abstractmethod

from field_io.drivers.links.link import LinkFaults
from field_io.drivers.links.openers import Opener, opens_memory, opens_wire
from field_io.drivers.links.shared_link import SharedConnection, SharedLink, connection_key
from field_io.drivers.links.unit_link import StreamLink, UnitLink
from field_io.memory_network import MemoryNetwork
from field_io.specs import DeviceSpec


class _Links(ABC):
    """The links of one controller."""

    def __init__(self) -> None:
        self._shared: dict[tuple[str, int], SharedConnection] = {}

    @abstractmethod
    def _opener(self, spec: DeviceSpec) -> Opener:
        """How the connection to a device is opened."""

    def link(self, spec: DeviceSpec, faults: LinkFaults | None = None) -> UnitLink:
        """The link of one unit; nothing is opened yet."""
        key = connection_key(spec)
        if key is None:
            return StreamLink(spec, self._opener(spec), faults)
        if key not in self._shared:
            self._shared[key] = SharedConnection(spec, self._opener(spec))
        return SharedLink(spec, self._shared[key], faults)


class WireLinks(_Links):
    """Over TCP, TLS and serial lines."""

    def _opener(self, spec: DeviceSpec) -> Opener:
        return opens_wire(spec)


class MemoryLinks(_Links):
    """In memory, to simulated devices on ``network``, which see a peer called ``name``."""

    def __init__(self, network: MemoryNetwork, name: str = "dcs") -> None:
        super().__init__()
        self._network = network
        self._name = name

    def _opener(self, spec: DeviceSpec) -> Opener:
        return opens_memory(spec, self._network, self._name)


def wire_link(spec: DeviceSpec, faults: LinkFaults | None = None) -> UnitLink:
    """One link that shares with nobody."""
    return WireLinks().link(spec, faults)


def memory_link(
    spec: DeviceSpec, network: MemoryNetwork, name: str = "dcs", faults: LinkFaults | None = None
) -> UnitLink:
    """One link that shares with nobody; ``name`` is what the device sees as its peer."""
    return MemoryLinks(network, name).link(spec, faults)
