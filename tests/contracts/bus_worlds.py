"""The two buses as the contract suite sees them: something that connects nodes and can lose its server."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol

from dcs.bus.api import Bus
from dcs.bus.memory import MemoryHub
from dcs.bus.nats import connect_nats
from dcs.core.simulated_time import run_simulated
from dcs.node.bus_server import BusServer


class BusWorld(Protocol):
    """A place with a bus server."""

    async def connect(self, node: str) -> Bus: ...

    async def stop_server(self) -> None: ...

    async def start_server(self) -> None: ...


Scenario = Callable[[BusWorld], Awaitable[None]]


class MemoryWorld:
    """One hub on simulated time."""

    def __init__(self) -> None:
        self.hub = MemoryHub()

    async def connect(self, node: str) -> Bus:
        return self.hub.connect(node)

    async def stop_server(self) -> None:
        self.hub.stop()

    async def start_server(self) -> None:
        self.hub.start()


class NatsWorld:
    """A server of its own on a free loopback port."""

    def __init__(self, run_dir: Path) -> None:
        self._server = BusServer(run_dir, free_port())

    async def connect(self, node: str) -> Bus:
        return await connect_nats(self._server.url, node, wait_s=5.0)

    async def stop_server(self) -> None:
        await self._server.stop()

    async def start_server(self) -> None:
        await self._server.start()


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def play_memory(scenario: Scenario, run_dir: Path) -> None:
    """Run a scenario in the box."""

    async def main(loop: Any) -> None:
        await scenario(MemoryWorld())
        await _nothing_left()

    run_simulated(main)


def play_nats(scenario: Scenario, run_dir: Path) -> None:
    """Run a scenario on a real server."""

    async def main() -> None:
        world = NatsWorld(run_dir)
        await world.start_server()
        try:
            await scenario(world)
        finally:
            await world.stop_server()
        await _nothing_left()

    asyncio.run(main())


async def _nothing_left() -> None:
    """A bus that is closed leaves no task behind."""
    await asyncio.sleep(0.01)
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not left, f"tasks left behind: {left}"


async def until(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    """Wait for ``condition``; fails with an assertion when it does not come true."""
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + within_s
    while not condition():
        assert loop.time() < deadline_s, f"not true within {within_s:g} s"
        await asyncio.sleep(0.01)


async def elapsed(work: Coroutine[Any, Any, Any]) -> float:
    """Seconds of the loop that ``work`` took, whether it returned or raised."""
    loop = asyncio.get_running_loop()
    start_s = loop.time()
    try:
        await work
    finally:
        took_s = loop.time() - start_s
    return took_s
