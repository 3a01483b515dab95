"""The relays between the machines of a chaos run: what is cut is silent, what was given up never arrives."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from dcs.bench.machines.cables import Address, Cable, Relay
from tests.support.processes import free_port

pytestmark = pytest.mark.system

_A_WHILE_S = 0.1


class FarEnd:
    """A server that notes what arrives."""

    def __init__(self) -> None:
        self.got = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            self.got += data
        writer.close()


@asynccontextmanager
async def relayed(cable: Cable) -> AsyncIterator[tuple[Address, FarEnd]]:
    far, near = ("127.0.0.1", free_port()), ("127.0.0.1", free_port())
    end = FarEnd()
    server = await asyncio.start_server(end.serve, *far)
    relay = Relay(cable, near, far, datagrams=True)
    await relay.start()
    try:
        yield near, end
    finally:
        relay.close()
        server.close()
        await asyncio.sleep(0.02)  # the far end sees it and closes


async def until(end: FarEnd, wanted: bytes) -> None:
    async with asyncio.timeout(2.0):
        while end.got != wanted:
            await asyncio.sleep(0.005)


def test_what_is_sent_into_a_cut_cable_arrives_after_the_repair_as_packets_that_are_sent_again() -> None:
    async def scenario() -> None:
        cable = Cable()
        async with relayed(cable) as (near, end):
            _, writer = await asyncio.open_connection(*near)
            writer.write(b"1")
            await until(end, b"1")
            cable.cut()
            writer.write(b"2")
            await asyncio.sleep(_A_WHILE_S)
            assert end.got == b"1"
            cable.repair()
            await until(end, b"12")
            writer.close()

    asyncio.run(scenario())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the state of a connection that nobody reads")
def test_what_its_sender_gave_up_while_the_cable_was_cut_never_arrives() -> None:
    async def scenario() -> None:
        cable = Cable()
        async with relayed(cable) as (near, end):
            _, writer = await asyncio.open_connection(*near)
            writer.write(b"1")
            await until(end, b"1")
            cable.cut()
            writer.write(b"2")
            await asyncio.sleep(_A_WHILE_S)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            writer.transport.abort()
            _, late = await asyncio.open_connection(*near)  # a loopback accepts it; a cut cable would not have
            late.write(b"3")
            await asyncio.sleep(_A_WHILE_S)
            cable.repair()
            await asyncio.sleep(_A_WHILE_S)
            assert end.got == b"1"
            late.transport.abort()

    asyncio.run(scenario())


def test_a_slow_cable_keeps_the_order_and_takes_its_time() -> None:
    async def scenario() -> None:
        cable = Cable()
        async with relayed(cable) as (near, end):
            loop = asyncio.get_running_loop()
            _, writer = await asyncio.open_connection(*near)
            cable.delay_s = 0.05
            started_s = loop.time()
            for letter in (b"a", b"b", b"c"):
                writer.write(letter)
                await asyncio.sleep(0.002)
            cable.delay_s = 0.001
            writer.write(b"d")
            await until(end, b"abcd")
            assert loop.time() - started_s >= 0.05
            writer.close()

    asyncio.run(scenario())
