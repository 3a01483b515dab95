"""The cables of the box: which simulated OPC UA device answers at which address, without a socket.

Called by   ``drivers.opc_ua.memory`` (connects), ``devices.opc_ua_device`` (listens).
Knows       what the two ends say to each other, as plain calls; nothing of what stands in a node.
"""

import errno
import os
from collections.abc import Sequence
from typing import Protocol

from field_io.opc_ua.messages import NodeInfo, UaSample
from field_io.specs import OpcUaAccess


class UaClientEnd(Protocol):
    """A session, as the device sees it."""

    @property
    def peer(self) -> str:
        """Who it is, for the record of writes."""
        ...

    def closed(self) -> None:
        """The device has closed the connection."""
        ...


class UaEndpoint(Protocol):
    """A simulated device, as a session sees it."""

    silent: bool  # it accepts connections and answers nothing
    latency_s: float  # every answer is that late

    def admit(self, client: UaClientEnd, access: OpcUaAccess) -> str:
        """Open a session; a sentence when it is refused."""
        ...

    def leave(self, client: UaClientEnd) -> None:
        """The session is over."""
        ...

    def describe(self, node: str) -> NodeInfo:
        """What that node is."""
        ...

    def read(self, nodes: Sequence[str]) -> list[UaSample]:
        """Values now."""
        ...

    def write(self, client: UaClientEnd, values: Sequence[tuple[str, bool | int | float | str]]) -> list[int]:
        """One request: values of the nodes' own types, a status code for each."""
        ...

    def watch(self) -> int:
        """May a subscription be made? A status code."""
        ...


class UaNetwork:
    """One network; addresses are (host, port) as in the configuration."""

    def __init__(self) -> None:
        self._listeners: dict[tuple[str, int], UaEndpoint] = {}

    def listen(self, host: str, port: int, endpoint: UaEndpoint) -> None:
        """Raises ``OSError`` as a socket does when the address is taken."""
        if (host, port) in self._listeners:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        self._listeners[host, port] = endpoint

    def forget(self, host: str, port: int) -> None:
        """Nobody listens there any more."""
        self._listeners.pop((host, port), None)

    def find(self, host: str, port: int) -> UaEndpoint | None:
        """Who listens there."""
        return self._listeners.get((host, port))
