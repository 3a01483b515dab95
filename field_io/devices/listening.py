"""Where a simulated device can be reached: TCP, TLS, a serial line, or an address in memory.

Called by   ``devices.modbus_server``, one listener a server.
Peers       wire (sockets, serial ports) and memory (``MemoryNetwork``); a server cannot tell which one it has.
"""

import asyncio
import errno
import os
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from dcs.core.errors import Missing
from field_io.memory_network import MemoryNetwork
from field_io.serial_line import PseudoTerminal, SerialTransport, open_serial
from field_io.specs import SerialLine, TlsFiles

Accept = Callable[[], asyncio.Protocol]
HANDSHAKE_S = 10.0
REOPEN_S = 1.0


class Listener(Protocol):
    """Brings connections to a server."""

    async def start(self, accept: Accept) -> None:
        """``accept`` makes the protocol of each connection. Raises ``OSError``."""
        ...

    def stop(self) -> None:
        """Accept nobody any more; the connections are the server's to close."""
        ...


class MemoryListener:
    """An address of a network in memory; ``owner`` is the server, for those who look at it directly."""

    def __init__(self, network: MemoryNetwork, host: str, port: int, owner: object = None) -> None:
        self._network = network
        self._address = (host, port)
        self._owner = owner

    async def start(self, accept: Accept) -> None:
        self._network.listen(*self._address, accept, self._owner)

    def stop(self) -> None:
        self._network.forget(*self._address)


class TcpListener:
    """A TCP port; with ``tls`` whoever connects must speak TLS first."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._host, self._port, self._tls = host, port, tls
        self._server: asyncio.Server | None = None

    async def start(self, accept: Accept) -> None:
        self._server = await asyncio.get_running_loop().create_server(
            accept,
            self._host,
            self._port,
            reuse_address=os.name == "posix",  # elsewhere it lets two servers share a port
            ssl=self._tls,
            ssl_handshake_timeout=HANDSHAKE_S if self._tls else None,
        )

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


class SerialListener:
    """A serial line. A port that does not exist is made: a pseudo-terminal, found by that name while we listen."""

    def __init__(self, line: SerialLine) -> None:
        self._line = line
        self._transport: SerialTransport | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def start(self, accept: Accept) -> None:
        self._accept = accept
        self._open()

    def _open(self) -> None:
        protocol = _Told(self._accept(), self._lost)
        path = Path(self._line.port)
        if path.is_symlink() and not path.exists():
            with suppress(OSError):
                path.unlink()  # left behind by a process that was killed
        if not path.exists() and os.name == "posix":
            self._transport = PseudoTerminal(self._line.port).connect(protocol)
        else:
            self._transport = open_serial(self._line, protocol)

    def _lost(self) -> None:
        """The port is gone, as an adapter that was pulled out: look again until it is back."""
        if self._transport is not None:
            self._timer = asyncio.get_running_loop().call_later(REOPEN_S, self._reopen)

    def _reopen(self) -> None:
        try:
            self._open()
        except OSError:
            self._lost()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()


class _Told(asyncio.Protocol):
    """A protocol, and somebody who is told when its connection is lost."""

    def __init__(self, protocol: asyncio.Protocol, lost: Callable[[], None]) -> None:
        self._protocol = protocol
        self._lost = lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._protocol.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._protocol.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)
        self._lost()


def server_tls(files: TlsFiles, device: str) -> ssl.SSLContext:
    """TLS 1.2 or newer with our certificate; with ``ca`` only clients whose certificate it has signed get in.

    Raises ``Missing``. Source: MODBUS/TCP Security, MB-TCP-Security-v36, section 8.
    """
    if not files.certificate or not files.key:
        raise Missing(
            f"device {device}: a simulated device with protocol modbus-tls shows a certificate. Write "
            "`tls: {certificate: FILE, key: FILE}`, and `ca: FILE` to accept only clients that it has signed."
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(files.certificate, files.key)
        if files.ca:
            context.load_verify_locations(files.ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as exc:
        named = " or ".join(file for file in (files.certificate, files.key, files.ca) if file)
        raise Missing(f"device {device}: its TLS files cannot be used: {reason_of(exc)} ({named}).") from exc
    return context


def reason_of(exc: OSError) -> str:
    """The system's words for what went wrong."""
    known = exc.errno in errno.errorcode if exc.errno is not None else False
    return os.strerror(exc.errno) if known and exc.errno else str(exc)
