"""A serial line as an asyncio transport: pymodbus' own, made to keep the gate's promise.

Called by   ``drivers.openers``; the serial side of simulated devices may use it as well. Needs pyserial.
Why         pymodbus' transport queues what is written until the next turn of the loop, does not say that it is closed
            and tells nobody of an end without error. Here bytes go to the system in the call of ``write``.
"""

import asyncio
import contextlib
from typing import Any

import serial
from pymodbus.transport.serialtransport import SerialTransport

from dcs.core.errors import LinkDown
from field_io.specs import SerialLine

_PARITY = {"none": "N", "even": "E", "odd": "O"}


class LineTransport(SerialTransport):
    """One open serial port."""

    _lost = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """To the system at once, as far as it takes them; the rest as soon as it does."""
        if self.is_closing():
            return
        port = self.sync_serial
        if not self.intern_write_buffer:
            try:
                taken = port.write(data) or 0
            except (BlockingIOError, InterruptedError):
                taken = 0
            except serial.SerialException as exc:
                self.close(exc)
                return
            data = bytes(data)[taken:]
        if data:
            super().write(data)

    def get_write_buffer_size(self) -> int:
        return sum(map(len, self.intern_write_buffer))

    def is_closing(self) -> bool:
        return self.sync_serial is None

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return "serial line" if name == "peername" else default

    def close(self, exc: Exception | None = None) -> None:
        super().close()
        if not self._lost:
            self._lost = True
            self.async_loop.call_soon(self.intern_protocol.connection_lost, exc)


async def open_serial(line: SerialLine, protocol: asyncio.BaseProtocol) -> LineTransport:
    """Open the port for ``protocol`` alone. Raises ``LinkDown`` with a sentence."""
    loop = asyncio.get_running_loop()
    try:
        transport = LineTransport(
            loop, protocol, line.port, line.baud, serial.EIGHTBITS, _PARITY[line.parity], line.stop_bits, None
        )
    except (serial.SerialException, OSError, ValueError) as exc:
        raise LinkDown(f"the serial line {line.port} cannot be opened: {_reason(exc)}") from exc
    with contextlib.suppress(serial.SerialException, OSError):
        transport.sync_serial.reset_input_buffer()  # what came before we listened is no answer to us
    transport.setup()
    await asyncio.sleep(0)  # ``setup`` tells the protocol in the next turn
    return transport


def _reason(exc: Exception) -> str:
    number = getattr(exc, "errno", None)
    if number == 2:
        return "there is no such device. Correct `serial.port`, or connect the adapter"
    if number == 13:
        return "permission denied. On Linux the user must be in the group `dialout`"
    if number in (11, 16):
        return "another program has it"
    return str(exc).partition(":")[0]
