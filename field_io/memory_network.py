"""The cables of the box: which simulated device answers at which address, without a socket.

Called by   the memory peers of ``links.choice`` (connects) and ``devices.modbus_server`` (listens).
Knows       asyncio's protocols and transports, nothing of what is sent. What is written is delivered at once, within
            the call: an answer is there when the request's ``write`` returns, and no loop turn is spent. Only where one
            of the two nodes is frozen it waits for that node.
"""

import asyncio
import errno
import os
from collections.abc import Callable
from typing import Any

from dcs.core.simulated_nodes import NODE, as_node, context_of
from dcs.core.simulated_time import SimulatedLoop

Factory = Callable[[], asyncio.Protocol]


class MemoryTransport(asyncio.Transport):
    """One end of a cable."""

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: asyncio.Protocol, peer_name: str, node: str) -> None:
        """``node``: whose end it is."""
        super().__init__({"peername": peer_name})
        self._loop = loop
        self._node = node
        self._protocol = protocol
        self._other: MemoryTransport | None = None
        self._closing = False

    def _plug(self, other: "MemoryTransport") -> None:
        self._other = other

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._leave(bytes(data))

    def _leave(self, data: bytes) -> None:
        other = self._other
        if self._closing or other is None or other._closing:
            return
        if self._is_frozen():
            self._loop.call_soon(self._leave, data, context=context_of(self._node))
        else:
            other._arrive(data)

    def _arrive(self, data: bytes) -> None:
        if self._is_frozen():
            self._loop.call_soon(self._arrive, data, context=context_of(self._node))
        elif not self._closing:
            as_node(self._node, self._protocol.data_received, data)

    def _is_frozen(self) -> bool:
        return isinstance(self._loop, SimulatedLoop) and self._loop.is_frozen(self._node)

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._end(None)
        if self._other is not None:
            self._other._end(None)

    def abort(self) -> None:
        self._end(None)
        if self._other is not None:
            self._other._end(ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)))

    def pause_reading(self) -> None:
        """Nothing is buffered here, so nothing is held back."""

    def resume_reading(self) -> None:
        """See ``pause_reading``."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is buffered."""

    def _end(self, error: Exception | None) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._protocol.connection_lost, error, context=context_of(self._node))


class MemoryNetwork:
    """One network; addresses are (host, port) as in the configuration, invisible to every other network."""

    def __init__(self) -> None:
        self._listeners: dict[tuple[str, int], Factory] = {}
        self._owners: dict[tuple[str, int], Any] = {}
        self._nodes: dict[tuple[str, int], str] = {}  # whose listener it is
        self._open: list[MemoryTransport] = []

    def listen(self, host: str, port: int, factory: Factory, owner: Any = None) -> None:
        """``factory`` makes the protocol of each connection. Raises ``OSError`` as a socket does when it is taken.

        ``owner``: who listens, for those who do without a connection (``owner``).
        """
        if (host, port) in self._listeners:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        self._listeners[host, port] = factory
        self._owners[host, port] = owner
        self._nodes[host, port] = NODE.get()

    def forget(self, host: str, port: int) -> None:
        """The listener at this address has closed; connections stay until they are closed."""
        self._listeners.pop((host, port), None)
        self._owners.pop((host, port), None)

    def owner(self, host: str, port: int) -> Any:
        """Who listens at this address; None = nobody, or nobody who said so."""
        return self._owners.get((host, port))

    def connect(self, host: str, port: int, protocol: asyncio.Protocol, name: str) -> None:
        """Connect ``protocol``; the listener sees a peer called ``name``. Raises ``ConnectionRefusedError``."""
        factory = self._listeners.get((host, port))
        if factory is None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        loop = asyncio.get_running_loop()
        listener = self._nodes[host, port]
        accepted = as_node(listener, factory)
        near = MemoryTransport(loop, protocol, f"{host}:{port}", NODE.get())
        far = MemoryTransport(loop, accepted, name, listener)
        near._plug(far)
        far._plug(near)
        self._open = [one for one in self._open if not one.is_closing()] + [near]
        as_node(listener, accepted.connection_made, far)
        protocol.connection_made(near)

    @property
    def connections(self) -> int:
        """Open now."""
        return sum(not one.is_closing() for one in self._open)

    @property
    def listeners(self) -> tuple[tuple[str, int], ...]:
        """Addresses that somebody listens on."""
        return tuple(self._listeners)


def peer_name(transport: Any) -> str:
    """``address:port`` of whoever is at the other end, or its name on a memory network."""
    name = transport.get_extra_info("peername")
    return name if isinstance(name, str) else f"{name[0]}:{name[1]}" if name else ""
