"""The gate's promise on every event loop that a node may run on: what may be sent is sent in that very call."""

import asyncio
import contextlib
import importlib
import importlib.util
import os
import socket
from collections.abc import Callable, Coroutine
from dataclasses import replace

import pytest

from dcs.core.clock import NS_PER_MS
from dcs.core.errors import LinkDown
from dcs.redundancy.timing import LeaseTiming
from field_io.drivers.links.choice import wire_link
from field_io.drivers.links.sockets import UNACKNOWLEDGED_MS
from field_io.specs import DeviceSpec, EpochSpec, PointSpec, RequestLimits

pytestmark = pytest.mark.system
LOOPS = ["asyncio", *(["uvloop"] if importlib.util.find_spec("uvloop") else [])]


@pytest.mark.parametrize("loop", LOOPS)
def test_a_write_has_left_before_the_loop_turns(loop: str) -> None:
    """Promise: no queue of the loop stands between gate and network, not even behind a read of the same turn."""

    async def main(listener: socket.socket) -> None:
        two = RequestLimits(in_flight=2)
        link = wire_link(DeviceSpec("DEV", port=listener.getsockname()[1], timeout_ns=10**8, limits=two))
        await link.connect()
        peer, _ = listener.accept()
        peer.setblocking(False)
        asked: list[bytes] = []

        def gate() -> bool:
            asked.append(peer.recv(1024))  # what had left when the gate was asked: the read before it
            return True

        read = link.read("holding", 0, 2)
        write = link.write("holding", 7, bytes((0x12, 0x34)), gate)
        try:
            read.send(None)  # runs until it waits for its answer, with no turn of the loop
            write.send(None)
            sent = peer.recv(1024)
        finally:
            read.close()
            write.close()
            link.abort()
            peer.close()
        assert [frame[7] for frame in asked] == [3]
        assert sent[7] == 16

    _run(loop, main)


@pytest.mark.parametrize("loop", LOOPS)
def test_nothing_is_sent_behind_what_the_device_does_not_take(loop: str) -> None:
    """Promise: a write never waits in a buffer: the connection is dropped, and with it what was not taken."""

    async def main(listener: socket.socket) -> None:
        link = wire_link(DeviceSpec("DEV", port=listener.getsockname()[1], timeout_ns=10**9))
        await link.connect()
        connection = link._connection  # type: ignore[attr-defined]
        transport = connection._transport
        transport.write(b"\0" * 20_000_000)  # more than the system's buffers hold
        assert transport.get_write_buffer_size() > 0
        with pytest.raises(LinkDown, match="does not take what is sent"):
            await link.write("holding", 0, b"\0\1", lambda: True)
        assert not link.connected

    _run(loop, main)


@pytest.mark.parametrize("loop", LOOPS)
def test_what_the_system_has_not_delivered_is_thrown_away_when_the_authority_is_lost(loop: str) -> None:
    """Promise: a write that the device did not fetch in time never reaches it: the connection is reset."""

    async def main(listener: socket.socket) -> None:
        two = RequestLimits(in_flight=2)
        link = wire_link(DeviceSpec("DEV", port=listener.getsockname()[1], timeout_ns=10**10, limits=two))
        await link.connect()
        peer, _ = listener.accept()
        peer.setblocking(False)
        connection = link._connection  # type: ignore[attr-defined]
        raw = connection._transport.get_extra_info("socket")
        with contextlib.suppress(BlockingIOError):  # the device reads no more: its buffer is full, and then ours
            while True:
                os.write(raw.fileno(), bytes(4096))
        size = raw.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * size)
        write = asyncio.ensure_future(link.write("holding", 7, b"\x12\x34", lambda: True))
        await asyncio.sleep(0.05)
        assert not write.done(), "it is with the system, behind what the device does not read"
        link.abort()
        with pytest.raises(LinkDown):
            await write
        await asyncio.sleep(0.05)
        try:
            assert b"\x12\x34" not in await _all_of(peer)
        finally:
            peer.close()

    _run(loop, main)


async def _all_of(peer: socket.socket) -> bytes:
    """What arrives at somebody who reads again."""
    data = b""
    with contextlib.suppress(ConnectionResetError, TimeoutError):
        async with asyncio.timeout(2.0):
            while part := await asyncio.get_running_loop().sock_recv(peer, 1 << 20):
                data += part
    return data


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux alone has it")
def test_the_system_repeats_nothing_for_longer_than_a_lease_where_the_device_cannot_tell() -> None:
    valve = PointSpec("V", "holding", 0, direction="out")

    async def main(listener: socket.socket) -> None:
        bare = DeviceSpec("DEV", port=listener.getsockname()[1])
        for spec, expected in (
            (replace(bare, points=(valve,)), UNACKNOWLEDGED_MS),
            (replace(bare, points=(valve,), epoch=EpochSpec(10)), 0),
            (bare, 0),
        ):
            link = wire_link(spec)
            await link.connect()
            raw = link._connection._transport.get_extra_info("socket")  # type: ignore[attr-defined]
            assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == expected
            link.abort()

    _run("asyncio", main)
    assert LeaseTiming().hold_ns > NS_PER_MS * UNACKNOWLEDGED_MS


def _run(loop: str, main: Callable[[socket.socket], Coroutine[None, None, None]]) -> None:
    factory = importlib.import_module("uvloop").new_event_loop if loop == "uvloop" else None
    with socket.create_server(("127.0.0.1", 0)) as listener, asyncio.Runner(loop_factory=factory) as runner:
        runner.run(asyncio.wait_for(main(listener), 10.0))
