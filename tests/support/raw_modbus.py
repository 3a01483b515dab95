"""A client of the simulated Modbus server that sends any bytes it likes, and looks at what comes back.

Used by     tests of the server, the fuzz test.
"""

import asyncio
from collections.abc import Callable

from field_io.devices.modbus_server import ModbusServer, Unit
from field_io.modbus.framing import Frame, Mbap, Rtu

SPANS = {table: [(0, 100)] for table in ("coil", "discrete", "input", "holding")}


class RawClient(asyncio.Protocol):
    """Bytes out, frames in. Works over memory and over sockets."""

    def __init__(self, rtu: bool = False) -> None:
        self.framing = Rtu(serves=False) if rtu else Mbap()
        self.heard = b""
        self.frames: list[Frame] = []
        self.closed = False
        self.news = asyncio.Event()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.heard += data
        self.frames += self.framing.feed(data)
        self.news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self.news.set()

    def send(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)

    def ask(self, unit: int, pdu: bytes, transaction: int = 1) -> None:
        self.send(self.framing.frame(transaction, unit, pdu))

    async def until(self, done: Callable[[], bool], within_s: float = 2.0) -> None:
        """Wait for what the server sends or does."""
        async with asyncio.timeout(within_s):
            while not done():
                self.news.clear()
                await self.news.wait()

    async def answer(self, unit: int, pdu: bytes, transaction: int = 1, within_s: float = 2.0) -> bytes:
        """The next answer's PDU."""
        before = len(self.frames)
        self.ask(unit, pdu, transaction)
        await self.until(lambda: len(self.frames) > before or self.closed, within_s)
        return self.frames[before].pdu

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()


def unit_on(server: ModbusServer, number: int) -> Unit:
    """A unit with 100 addresses in each table; register at = at."""
    server.units[number] = unit = Unit(f"{server.name}-{number}", number, SPANS)
    unit.bank.set_words("holding", 0, list(range(100)))
    return unit
