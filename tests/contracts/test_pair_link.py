"""The contract of the link between voters, held by both peers: memory (in the box) and wire (real sockets)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dcs.core.clock import WallClock
from dcs.core.errors import Missing
from dcs.core.simulated_time import run_simulated
from dcs.redundancy.transport import LARGEST_FRAME, MemoryNetwork, PairNetwork
from dcs.redundancy.wire import WireNetwork

NAMES = ("A", "B", "W")


class Trio:
    """Three nodes of one peer, and what each of them received."""

    def __init__(self, make: Callable[[str], PairNetwork]) -> None:
        self.make = make
        self.nodes: dict[str, PairNetwork] = {}
        self.received: dict[str, list[bytes]] = {name: [] for name in NAMES}

    async def start(self, name: str) -> None:
        node = self.make(name)
        node.open(self.received[name].append)
        await node.start()
        self.nodes[name] = node

    async def stop(self, name: str) -> None:
        await self.nodes.pop(name).stop()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.002)

    async def both_ends_up(self) -> None:
        await self.until(lambda: self.nodes["A"].link_state("B") == "up" and self.nodes["B"].link_state("A") == "up")


def free_ports() -> dict[str, int]:
    import socket

    ports: dict[str, int] = {}
    held = []
    for name in NAMES:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.bind(("127.0.0.1", 0))
        held.append(sock)
        ports[name] = sock.getsockname()[1]
    for sock in held:
        sock.close()
    return ports


def on_memory(scenario: Callable[[Trio], Awaitable[None]]) -> None:
    async def main(loop: Any) -> None:
        network = MemoryNetwork(seed=1)
        await play(Trio(network.endpoint), scenario)

    run_simulated(main)


def on_wire(scenario: Callable[[Trio], Awaitable[None]]) -> None:
    async def main() -> None:
        ports = free_ports()
        stream_peer = {"A": "B", "B": "A", "W": ""}

        def make(name: str) -> PairNetwork:
            peers = {other: ("127.0.0.1", ports[other]) for other in NAMES if other != name}
            return WireNetwork(name, ("127.0.0.1", ports[name]), peers, WallClock(), stream_peer[name])

        await play(Trio(make), scenario)

    asyncio.run(main())


async def play(trio: Trio, scenario: Callable[[Trio], Awaitable[None]]) -> None:
    try:
        for name in NAMES:
            await trio.start(name)
        await scenario(trio)
    finally:
        for name in list(trio.nodes):
            await trio.stop(name)


PEERS = [
    pytest.param(on_memory, id="memory"),
    pytest.param(on_wire, id="wire", marks=pytest.mark.system),
]


@pytest.mark.parametrize("on", PEERS)
def test_a_datagram_reaches_the_one_it_is_for(on: Any) -> None:
    async def scenario(trio: Trio) -> None:
        trio.nodes["A"].send("W", b"to W")
        trio.nodes["W"].send("B", b"to B")
        await trio.until(lambda: trio.received["W"] == [b"to W"] and trio.received["B"] == [b"to B"])
        assert trio.received["A"] == []

    on(scenario)


@pytest.mark.parametrize("on", PEERS)
def test_the_stream_keeps_order_and_takes_large_messages_in_both_directions(on: Any) -> None:
    async def scenario(trio: Trio) -> None:
        await trio.both_ends_up()
        messages = [bytes([number]) * (65_600 if number % 2 else 3) for number in range(40)]
        for message in messages:
            trio.nodes["A"].send_stream("B", message)
            trio.nodes["B"].send_stream("A", message)
        await trio.until(lambda: len(trio.received["B"]) == 40 == len(trio.received["A"]))
        assert trio.received["A"] == messages == trio.received["B"]

    on(scenario)


@pytest.mark.parametrize("on", PEERS)
def test_sending_to_one_that_is_gone_is_no_error_and_it_is_reached_again_after_its_restart(on: Any) -> None:
    async def scenario(trio: Trio) -> None:
        await trio.both_ends_up()
        await trio.stop("B")
        await trio.until(lambda: trio.nodes["A"].link_state("B") != "up")
        for _ in range(20):
            trio.nodes["A"].send("B", b"lost")
            trio.nodes["A"].send_stream("B", b"lost too")
        await asyncio.sleep(0.01)
        await trio.start("B")
        await trio.both_ends_up()
        trio.nodes["A"].send("B", b"again")
        trio.nodes["A"].send_stream("B", b"again in order")
        await trio.until(lambda: len(trio.received["B"]) >= 2)
        assert sorted(trio.received["B"]) == [b"again", b"again in order"]

    on(scenario)


@pytest.mark.parametrize("on", PEERS)
def test_nothing_is_delivered_after_stop(on: Any) -> None:
    async def scenario(trio: Trio) -> None:
        await trio.both_ends_up()
        trio.nodes["A"].send("B", b"under way")
        trio.nodes["A"].send_stream("B", b"under way")
        await trio.stop("B")
        count = len(trio.received["B"])
        await asyncio.sleep(0.02)
        assert len(trio.received["B"]) == count

    on(scenario)


@pytest.mark.parametrize("on", PEERS)
def test_the_witness_has_no_stream(on: Any) -> None:
    async def scenario(trio: Trio) -> None:
        if isinstance(trio.nodes["W"], WireNetwork):
            trio.nodes["A"].send_stream("W", b"nowhere")
            await asyncio.sleep(0.01)
            assert trio.received["W"] == []

    on(scenario)


@pytest.mark.system
def test_a_taken_port_is_one_clear_sentence() -> None:
    async def main() -> None:
        first = WireNetwork("A", ("127.0.0.1", 0), {}, WallClock(), stream_peer="B")
        first.open(lambda payload: None)
        await first.start()
        second = WireNetwork("A", first.listen, {}, WallClock(), stream_peer="B")
        second.open(lambda payload: None)
        try:
            with pytest.raises(
                Missing, match=r"A: the redundancy link cannot listen on 127\.0\.0\.1:\d+ \(.+\)\. Stop"
            ):
                await second.start()
        finally:
            await first.stop()

    asyncio.run(main())


@pytest.mark.system
def test_a_stranger_on_the_stream_is_turned_away() -> None:
    async def scenario(trio: Trio) -> None:
        await trio.both_ends_up()
        node = trio.nodes["A"]
        assert isinstance(node, WireNetwork)
        for first_bytes in (b"\x03\x00\x00\x00who", (LARGEST_FRAME + 1).to_bytes(4, "little"), b""):
            reader, writer = await asyncio.open_connection(*node.listen)
            writer.write(first_bytes)
            if not first_bytes:
                writer.write_eof()
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await reader.readexactly(1)
            writer.close()
        assert node.link_state("B") == "up"
        trio.nodes["B"].send_stream("A", b"still there")
        await trio.until(lambda: trio.received["A"] == [b"still there"])

    on_wire(scenario)


def test_memory_faults_cut_one_way_lose_and_repeat_by_seed() -> None:
    def losses(seed: int) -> list[int]:
        got: list[int] = []

        async def main(loop: Any) -> None:
            network = MemoryNetwork(seed=seed, jitter_ns=1_000_000, loss=0.2, repeat=0.2)
            a, b = network.endpoint("A"), network.endpoint("B")
            a.open(lambda payload: got.append(-1))
            b.open(lambda payload: got.append(payload[0]))
            await a.start()
            await b.start()
            for number in range(100):
                a.send("B", bytes([number]))
            await asyncio.sleep(1)
            network.cut("A", "B", one_way=True)
            a.send("B", b"\xff")
            b.send("A", b"\xff")
            await asyncio.sleep(1)

        run_simulated(main)
        return got

    first, again, other = losses(1), losses(1), losses(2)
    assert first == again != other
    assert 60 <= len(set(first) - {-1}) <= 95, "about a fifth is lost"
    assert len(first) > len(set(first)), "some come twice"
    assert 255 not in first
    assert first != sorted(first), "datagrams overtake each other"
