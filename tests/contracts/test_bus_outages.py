"""What every bus promises about its losses: which connection took what, and what an election costs."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from dcs.bus.nats import connect_nats
from dcs.core.errors import LinkDown
from dcs.node.bus_server import BusServer, Cluster
from tests.contracts.bus_worlds import BusWorld, Scenario, elapsed, free_port, play_memory, play_nats, until

Play = Callable[[Scenario], None]
ELECTION_S = 15.0


@pytest.fixture(params=["memory", pytest.param("nats", marks=pytest.mark.system)])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Play:
    run = play_memory if request.param == "memory" else play_nats
    return lambda scenario: run(scenario, tmp_path)


def test_a_confirmation_names_the_connection_and_a_loss_changes_it(play: Play) -> None:
    async def scenario(world: BusWorld) -> None:
        bus = await world.connect("A")
        first = await bus.confirm()
        bus.publish("x", b"1")
        assert await bus.confirm() == first
        await world.stop_server()
        await until(lambda: not bus.connected)
        with pytest.raises(LinkDown):
            await bus.confirm()
        await world.start_server()
        await until(lambda: bus.connected)
        assert await bus.confirm() != first
        await bus.close()

    play(scenario)


def three_servers(folder: Path) -> list[BusServer]:
    """A cluster on free ports of this machine."""
    ports = [("127.0.0.1", free_port()) for _ in range(3)]
    return [
        BusServer(folder, free_port(), node=f"bus-{n + 1}", cluster=Cluster("p", own, (*ports[:n], *ports[n + 1 :])))
        for n, own in enumerate(ports)
    ]


@pytest.mark.system
def test_a_cluster_stores_everything_once_over_the_death_of_its_leader(tmp_path: Path) -> None:
    """The clients change to another server at once; what was not answered is repeated and stored once."""

    async def main() -> None:
        servers = three_servers(tmp_path)
        await asyncio.gather(*(server.start() for server in servers))
        url = ",".join(server.url for server in servers)
        buses = [await connect_nats(url, name, 5.0) for name in ("A", "B", "C")]
        connected = {bus._link.server for bus in buses if bus._link is not None}
        assert len(connected) > 1, "nodes spread over the servers"
        writer = buses[0]

        async def store(number: int) -> None:
            deadline_s = asyncio.get_running_loop().time() + ELECTION_S
            while True:
                try:
                    return await writer.append("events", "e", b"%d" % number, f"id {number}")
                except LinkDown:
                    assert asyncio.get_running_loop().time() < deadline_s, "no new leader"
                    await asyncio.sleep(0.2)

        await store(0)
        assert writer._link is not None
        info = await writer._link.client.jetstream().stream_info("events")
        assert info.config.num_replicas == 3
        assert info.cluster is not None
        leading = next(server for server in servers if info.cluster.leader == server._name)
        assert leading._process is not None
        leading._process.kill()
        took_s = await elapsed(store(1))
        print(f"no write was answered for {took_s:.1f} s")
        await until(lambda: all(bus.connected for bus in buses))
        for number in range(2, 20):
            await store(number)
        entries = [int(payload) for _, payload in await buses[1].read("events")]
        assert entries == list(range(20))
        for bus in buses:
            await bus.close()
        for server in servers:
            await server.stop()

    asyncio.run(main())
