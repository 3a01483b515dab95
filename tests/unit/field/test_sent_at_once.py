"""The gate's promise on every event loop that a node may run on: what may be sent is sent in that very call."""

import asyncio
import importlib
import importlib.util
import socket
from collections.abc import Callable, Coroutine

import pytest

from dcs.core.errors import LinkDown
from field_io.drivers.links.choice import wire_link
from field_io.specs import DeviceSpec, RequestLimits

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


def _run(loop: str, main: Callable[[socket.socket], Coroutine[None, None, None]]) -> None:
    factory = importlib.import_module("uvloop").new_event_loop if loop == "uvloop" else None
    with socket.create_server(("127.0.0.1", 0)) as listener, asyncio.Runner(loop_factory=factory) as runner:
        runner.run(asyncio.wait_for(main(listener), 10.0))
