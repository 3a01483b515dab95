"""A stream whose other end is gone without a word, as after a cut link: noticed and opened again. Real sockets."""

import asyncio
import socket
import sys

import pytest

from dcs.core.clock import WallClock
from dcs.redundancy.wire import WireNetwork
from tests.contracts.test_pair_link import free_ports

TCP_REPAIR = 19  # Linux: a socket in this state is closed without telling the other end


async def until(condition: object, seconds: float) -> bool:
    assert callable(condition)
    for _ in range(round(seconds / 0.02)):
        if condition():
            return True
        await asyncio.sleep(0.02)
    return False


async def story() -> None:
    ports = free_ports()
    addresses = {name: ("127.0.0.1", ports[name]) for name in ("A", "B")}
    heard: list[bytes] = []
    a = WireNetwork("A", addresses["A"], {"B": addresses["B"]}, WallClock(), "B")
    b = WireNetwork("B", addresses["B"], {"A": addresses["A"]}, WallClock(), "A")  # the later name dials
    a.open(lambda payload: None)
    b.open(heard.append)
    await a.start()
    await b.start()
    try:
        assert await until(lambda: a.link_state("B") == "up", 5.0)
        assert a._writer is not None
        sock: socket.socket = a._writer.get_extra_info("socket")
        try:
            sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        except PermissionError:
            pytest.skip("only an administrator can close a connection without a word")
        a._drop_stream()
        assert await until(lambda: a.link_state("B") == "up", 8.0), "nobody opened the stream again"
        a.send_stream("B", b"a copy")
        assert await until(lambda: heard == [b"a copy"], 2.0)
    finally:
        await b.stop()
        await a.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems cannot close a connection without a word")
def test_a_standby_that_only_listens_notices_that_the_other_end_is_gone() -> None:
    """The active gave the stream up while the link was cut; the standby, which dials, heard nothing of it."""
    asyncio.run(story())


def test_half_a_connection_behind_something_that_answers_for_the_other_end_is_noticed() -> None:
    """A relay or a firewall keeps the standby's half alive; only the far end could say that it is gone."""

    async def story() -> None:
        ports = free_ports()
        b = WireNetwork("B", ("127.0.0.1", ports["B"]), {"A": ("127.0.0.1", ports["A"])}, WallClock(), "A", 0, 0.2)
        b.open(lambda payload: None)
        callers: list[asyncio.StreamWriter] = []

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            callers.append(writer)
            await reader.read()

        between = await asyncio.start_server(silent, "127.0.0.1", ports["A"])
        await b.start()
        try:
            assert await until(lambda: len(callers) >= 2, 5.0), "it waits for ever on a connection that says nothing"
        finally:
            await b.stop()
            between.close()
            for writer in callers:
                writer.transport.abort()

    asyncio.run(story())


def test_two_that_have_nothing_to_say_stay_connected() -> None:
    async def story() -> None:
        ports = free_ports()
        addresses = {name: ("127.0.0.1", ports[name]) for name in ("A", "B")}
        heard: list[bytes] = []
        a = WireNetwork("A", addresses["A"], {"B": addresses["B"]}, WallClock(), "B", 0, 0.2)
        b = WireNetwork("B", addresses["B"], {"A": addresses["A"]}, WallClock(), "A", 0, 0.2)
        for one in (a, b):
            one.open(heard.append)
            await one.start()
        try:
            assert await until(lambda: a.link_state("B") == b.link_state("A") == "up", 5.0)
            before = b.reconnects
            await asyncio.sleep(1.0)
            assert (b.reconnects, b.link_state("A"), heard) == (before, "up", []), "signs of life are no messages"
        finally:
            await b.stop()
            await a.stop()

    asyncio.run(story())
