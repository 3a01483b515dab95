"""A serial line as an asyncio transport: the one module that knows pyserial and pseudo-terminals.

Called by   ``links.choice`` (to a real device), ``devices.modbus_server`` (a simulated one).
Knows       how a port is opened and set up, and how long silence between two frames is. Nothing of what is sent.
Behaviour   ``write`` hands the bytes to the operating system within the call, so that nothing is queued here behind an
            open gate; ``abort`` throws away what the line has not carried yet.
Source      Modbus over serial line V1.02, sections 2.5.1.1 (silence) and 3.3 (setting).
"""

import asyncio
import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from dcs.core.clock import NS_PER_S
from field_io.specs import SerialLine

_CHUNK = 4096
_BUFFER_MAX = 4096
"""Bytes that the line did not take yet; beyond that nobody reads at the other end, and they are dropped."""
_LOOK_S = 0.002
"""How often a port is looked at where the system cannot tell when something came (Windows)."""


def character_ns(line: SerialLine) -> int:
    """Time that one character takes: start bit, eight data bits, parity, stop bits."""
    bits = 9 + (line.parity != "none") + line.stop_bits
    return bits * NS_PER_S // line.baud


def silence_ns(line: SerialLine) -> int:
    """Least silence between two frames: 3.5 characters, and 1.75 ms above 19,200 bit/s."""
    return max(character_ns(line) * 7 // 2, 1_750_000)


class Port(Protocol):
    """An open port. What cannot be done at once raises ``BlockingIOError``, a port that is gone another ``OSError``."""

    def fileno(self) -> int | None:
        """What the event loop can wait for; None where it has to look again and again."""
        ...

    def read(self) -> bytes:
        """What has come; nothing at all means that the port is gone."""
        ...

    def write(self, data: bytes) -> int:
        """How many bytes were taken."""
        ...

    def discard(self) -> None:
        """Throw away what was taken and not sent yet."""
        ...

    def close(self) -> None:
        """Give the port back."""
        ...


class SerialTransport(asyncio.Transport):
    """One end of a line. ``connection_made`` is called before the constructor returns."""

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: asyncio.Protocol, port: Port, name: str) -> None:
        super().__init__({"peername": name})
        self._loop = loop
        self._protocol = protocol
        self._port = port
        self._fd = port.fileno()
        self._unsent = b""
        self._closing = False
        self._timer: asyncio.TimerHandle | None = None
        if self._fd is not None:
            loop.add_reader(self._fd, self._read)
        else:
            self._timer = loop.call_later(_LOOK_S, self._look)
        protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing:
            return
        if self._unsent:
            if len(self._unsent) + len(data) <= _BUFFER_MAX:
                self._unsent += bytes(data)
            return
        self._unsent = bytes(data)
        self._flush()

    def get_write_buffer_size(self) -> int:
        return len(self._unsent)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """What is written goes to the system at once; there is no mark below which it waits."""

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._end(None)

    def abort(self) -> None:
        if not self._closing:
            with suppress(OSError):
                self._port.discard()
        self._end(None)

    def pause_reading(self) -> None:
        """A line has no flow control: what is not read in time is lost."""

    def resume_reading(self) -> None:
        """See ``pause_reading``."""

    # --- the port ---------------------------------------------------------------------------------------------
    def _read(self) -> None:
        try:
            data = self._port.read()
        except (BlockingIOError, InterruptedError):
            return
        except OSError as gone:
            self._end(gone)
            return
        if data:
            self._protocol.data_received(data)
        else:
            self._end(OSError(errno.ENODEV, "the port is gone"))

    def _flush(self) -> None:
        try:
            taken = self._port.write(self._unsent)
        except (BlockingIOError, InterruptedError):
            taken = 0
        except OSError as gone:
            self._end(gone)
            return
        self._unsent = self._unsent[taken:]
        if self._fd is not None:
            if self._unsent:
                self._loop.add_writer(self._fd, self._flush)
            else:
                self._loop.remove_writer(self._fd)

    def _look(self) -> None:
        self._timer = self._loop.call_later(_LOOK_S, self._look)
        self._read()
        if self._unsent and not self._closing:
            self._flush()

    def _end(self, error: Exception | None) -> None:
        if self._closing:
            return
        self._closing = True
        self._unsent = b""
        if self._timer is not None:
            self._timer.cancel()
        if self._fd is not None:
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
        self._port.close()
        self._loop.call_soon(self._protocol.connection_lost, error)


def open_serial(line: SerialLine, protocol: asyncio.Protocol) -> SerialTransport:
    """Open a port for ourselves alone and connect ``protocol`` to it. Raises ``OSError`` with the reason."""
    return SerialTransport(asyncio.get_running_loop(), protocol, _TtyPort(line), line.port)


class _TtyPort:
    """A port of this machine, set up by pyserial."""

    def __init__(self, line: SerialLine) -> None:
        import serial  # here, because only plants with a serial line need it

        parity = {"none": serial.PARITY_NONE, "even": serial.PARITY_EVEN, "odd": serial.PARITY_ODD}[line.parity]
        if os.path.realpath(line.port).startswith("/dev/pts/"):
            parity = serial.PARITY_NONE  # a pseudo-terminal has no parity, and refuses it when it is asked again
        try:
            self._serial = serial.Serial(
                line.port, line.baud, parity=parity, stopbits=line.stop_bits, timeout=0, write_timeout=0, exclusive=True
            )
            self._serial.reset_input_buffer()
        except Exception as exc:
            if isinstance(exc, OSError | ValueError) or type(exc).__module__ != "termios":
                raise
            raise OSError(*exc.args) from exc  # ``termios.error`` is none, though it has its number and text
        self._posix = os.name == "posix"

    def fileno(self) -> int | None:
        return int(self._serial.fileno()) if self._posix else None

    def read(self) -> bytes:
        if self._posix:
            return os.read(self._serial.fileno(), _CHUNK)
        if not self._serial.in_waiting:
            raise BlockingIOError
        return bytes(self._serial.read(self._serial.in_waiting))

    def write(self, data: bytes) -> int:
        return os.write(self._serial.fileno(), data) if self._posix else int(self._serial.write(data) or 0)

    def discard(self) -> None:
        self._serial.reset_output_buffer()

    def close(self) -> None:
        self._serial.close()


class PseudoTerminal:
    """A line without a cable, between two programs of this machine: one end is ours, the other opens ``path``."""

    def __init__(self, link: str = "") -> None:
        """``link``: where the other end is to be found besides ``path``. Raises ``OSError``; POSIX only."""
        if os.name != "posix":
            raise OSError("this system has no pseudo-terminals; use a pair of virtual serial ports")
        import pty
        import tty

        # Our own hold on the far end keeps the line up while nobody else has it open.
        self._near, self._far = pty.openpty()
        tty.setraw(self._far)
        os.set_blocking(self._near, False)
        self.path = os.ttyname(self._far)
        self.link = ""
        if link:
            try:
                Path(link).symlink_to(self.path)
            except OSError:
                self.close()
                raise
            self.link = link

    def connect(self, protocol: asyncio.Protocol) -> SerialTransport:
        """Our end; closing the transport closes the line."""
        return SerialTransport(asyncio.get_running_loop(), protocol, self, self.link or self.path)

    def fileno(self) -> int | None:
        return self._near

    def read(self) -> bytes:
        return os.read(self._near, _CHUNK)

    def write(self, data: bytes) -> int:
        return os.write(self._near, data)

    def discard(self) -> None:
        """What is on its way is the other end's already."""

    def close(self) -> None:
        os.close(self._near)
        os.close(self._far)
        if self.link and Path(self.link).is_symlink():
            Path(self.link).unlink()
