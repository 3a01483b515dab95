"""What an exercise does to the field: cut, slow down, heal devices and cables, by name.

Called by   scenarios, tests and the box. The same faults on both peers: a device really closes its port, a cable really
            swallows what is sent into it.
Knows       names; ``RTU-1`` is a device, ``C1A>RTU-1`` the cable from a controller to it.
"""

from collections.abc import Mapping
from typing import Protocol

from field_io.drivers.link import LinkFaults


class FaultyDevice(Protocol):
    """A simulated device, as far as faults go."""

    def cut(self, silent: bool = False) -> None:
        """Off the network: connections close and none is accepted; ``silent``: it accepts but never answers."""
        ...

    async def heal(self) -> None:
        """Back on the network, without latency. Raises ``Missing`` when its port is taken meanwhile."""
        ...

    def set_latency(self, latency_s: float) -> None:
        """Every answer is that late."""
        ...


class FieldFaults:
    """All devices and cables of a plant that can be made to fail."""

    def __init__(self, devices: Mapping[str, FaultyDevice], links: Mapping[str, LinkFaults]) -> None:
        self._devices = dict(devices)
        self._links = dict(links)

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that can be named below."""
        return (*self._devices, *self._links)

    def cut(self, name: str, silent: bool = False) -> None:
        """Cut a device (see ``FaultyDevice.cut``) or a cable (nothing passes, nobody is told)."""
        if name in self._devices:
            self._devices[name].cut(silent)
        else:
            self._link(name).cut = True

    async def heal(self, name: str) -> None:
        """Undo whatever was done to a device or cable."""
        if name in self._devices:
            await self._devices[name].heal()
        else:
            link = self._link(name)
            link.cut, link.latency_s = False, 0.0

    async def heal_all(self) -> None:
        """Undo everything."""
        for name in self.names:
            await self.heal(name)

    def set_latency(self, name: str, latency_s: float) -> None:
        """Slow down a device's answers or a cable by ``latency_s``."""
        if latency_s < 0.0:
            raise ValueError(f"a latency is at least 0 s, not {latency_s}")
        if name in self._devices:
            self._devices[name].set_latency(latency_s)
        else:
            self._link(name).latency_s = latency_s

    def _link(self, name: str) -> LinkFaults:
        link = self._links.get(name)
        if link is None:
            raise KeyError(f"there is no device or cable `{name}`; there are {', '.join(self.names)}")
        return link
