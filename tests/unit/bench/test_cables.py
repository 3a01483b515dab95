"""The cables of the chaos suite: what a cut does to a connection, and what a listener hears of it. Real sockets."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from dcs.bench.machines.cables import Address, Cable, Ears, Relay
from dcs.node.endpoints import PortChooser

HOST = "127.0.0.1"


@dataclass
class Far:
    """The far end: notes what arrives, answers when it is told to."""

    arrived: list[bytes] = field(default_factory=list)
    writer: asyncio.StreamWriter | None = None
    ended: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        try:
            while data := await reader.read(1000):
                self.arrived.append(data)
        except OSError:
            pass
        self.ended = True
        writer.transport.abort()

    def answer(self, data: bytes) -> None:
        assert self.writer is not None
        self.writer.write(data)


@dataclass
class World:
    """One relay in front of one far end, with somebody who listens."""

    cable: Cable
    far: Far
    near: Address
    asked: list[bytes] = field(default_factory=list)
    answered: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    far, cable, ports = Far(), Cable(), PortChooser()
    server = await asyncio.start_server(far.serve, HOST, 0)
    near = (HOST, ports.choose(HOST))
    ports.release()
    made = World(cable, far, near)
    relay = Relay(cable, near, server.sockets[0].getsockname()[:2])
    await relay.start(lambda: Ears(made.asked.append, made.answered.append))
    try:
        yield made
    finally:
        relay.close()
        server.close()
        await asyncio.sleep(0.05)  # aborted ends are gone a turn of the loop later


async def until(condition: Callable[[], object]) -> None:
    """Raises ``TimeoutError`` when it does not come."""
    async with asyncio.timeout(5.0):
        while not condition():
            await asyncio.sleep(0.005)


def run(story: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        async with world() as made:
            await story(made)

    asyncio.run(main())


async def _whole(made: World) -> None:
    reader, writer = await asyncio.open_connection(*made.near)
    writer.write(b"ask")
    await until(lambda: made.far.arrived == [b"ask"])
    made.far.answer(b"answer")
    assert await reader.read(100) == b"answer"
    assert (made.asked, made.answered) == ([b"ask"], [b"answer"])
    writer.transport.abort()
    await until(lambda: made.far.ended)


def test_a_whole_cable_passes_everything_and_is_listened_to() -> None:
    run(_whole)


async def _cut_and_wanted(made: World) -> None:
    reader, writer = await asyncio.open_connection(*made.near)
    writer.write(b"before")
    await until(lambda: made.far.arrived == [b"before"])
    made.cable.cut()
    writer.write(b"meanwhile")
    made.far.answer(b"late")
    await asyncio.sleep(0.1)
    assert (made.far.arrived, made.asked, made.answered) == ([b"before"], [b"before"], [])
    made.cable.repair()
    assert await reader.read(100) == b"late"
    await until(lambda: made.far.arrived == [b"before", b"meanwhile"])
    writer.transport.abort()


def test_what_was_on_the_way_goes_on_when_its_sender_still_wants_it() -> None:
    """Promise: as packets that are sent again after a cut."""
    run(_cut_and_wanted)


async def _cut_and_given_up(made: World) -> None:
    _, writer = await asyncio.open_connection(*made.near)
    writer.write(b"before")
    await until(lambda: made.far.arrived == [b"before"])
    made.cable.cut()
    writer.write(b"stale")
    await asyncio.sleep(0.05)
    writer.transport.abort()
    await asyncio.sleep(0.05)
    made.cable.repair()
    await until(lambda: made.far.ended)
    assert (made.far.arrived, made.asked) == ([b"before"], [b"before"])


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a relay that reads nothing of an aborted connection"
)
def test_what_its_sender_has_given_up_never_arrives() -> None:
    run(_cut_and_given_up)


async def _last_word(made: World) -> None:
    _, writer = await asyncio.open_connection(*made.near)
    writer.write(b"write")
    await until(lambda: made.far.arrived == [b"write"])
    writer.transport.abort()
    await asyncio.sleep(0.02)
    made.far.answer(b"refused")
    await until(lambda: made.answered == [b"refused"])
    await until(lambda: made.far.ended)


def test_an_answer_is_heard_though_the_one_who_asked_is_gone() -> None:
    """Promise: else a write that the device refused would count as one that was never answered."""
    run(_last_word)


async def _stillborn(made: World) -> None:
    made.cable.cut()
    _, writer = await asyncio.open_connection(*made.near)
    writer.write(b"hello")
    await asyncio.sleep(0.05)
    assert made.far.writer is None
    made.cable.repair()
    await asyncio.sleep(0.05)
    assert (made.far.writer, made.asked) == (None, [])
    writer.transport.abort()


def test_a_connection_that_was_opened_through_a_cut_cable_reaches_nobody() -> None:
    run(_stillborn)
