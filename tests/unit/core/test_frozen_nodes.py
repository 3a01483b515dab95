"""A frozen node of the box: it does nothing, misses nothing, and what it had sent leaves after its pause."""

import asyncio

from dcs.core.clock import NS_PER_S
from dcs.core.simulated_nodes import as_node, context_of
from dcs.core.simulated_time import SimulatedLoop, run_simulated
from dcs.redundancy.transport import MemoryNetwork as PairNetwork
from field_io.memory_network import MemoryNetwork

S = NS_PER_S


def test_timers_and_tasks_of_a_frozen_node_happen_after_its_pause_in_order() -> None:
    async def main(loop: SimulatedLoop) -> None:
        seen: list[tuple[str, float]] = []

        async def every_second(name: str) -> None:
            for _ in range(3):
                await asyncio.sleep(1.0)
                seen.append((name, loop.time()))
                loop.call_soon(seen.append, (f"{name} after", loop.time()))

        tasks = [loop.create_task(every_second(name), context=context_of(name)) for name in ("A", "B")]
        await asyncio.sleep(0.5)
        loop.freeze("A", round(3.7 * S))
        assert loop.is_frozen("A")
        assert not loop.is_frozen("B")
        await asyncio.sleep(3.0)
        assert [name for name, _ in seen] == ["B", "B after"] * 3
        await asyncio.gather(*tasks)
        assert [entry for entry in seen if entry[0] == "A"] == [("A", 3.7), ("A", 4.7), ("A", 5.7)]

    run_simulated(main)


def test_a_longer_pause_counts_and_a_thaw_ends_it() -> None:
    async def main(loop: SimulatedLoop) -> None:
        woken: list[float] = []
        loop.call_at(1.0, lambda: woken.append(loop.time()), context=context_of("A"))
        loop.freeze("A", 2 * S)
        loop.freeze("A", 5 * S)
        loop.freeze("A", 3 * S)  # shorter than what stands
        await asyncio.sleep(4.0)
        assert not woken
        loop.thaw("A")
        await asyncio.sleep(0.0)
        assert woken == [4.0]
        loop.freeze("A", 9 * S)
        await asyncio.sleep(1.5)  # the end of the pause that was cut short is not the end of this one
        assert loop.is_frozen("A")

    run_simulated(main)


class _End(asyncio.Protocol):
    def __init__(self, loop: SimulatedLoop, answers: bool) -> None:
        self.seen: list[tuple[float, bytes]] = []
        self.transport: asyncio.Transport | None = None
        self._loop, self._answers = loop, answers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.seen.append((self._loop.time(), data))
        assert self.transport is not None
        if self._answers:
            self.transport.write(b"answer to " + data)


def test_what_a_node_writes_while_it_freezes_leaves_after_the_pause() -> None:
    """The pause between check and send: the request reaches the device late, whatever the node wants by then."""

    async def main(loop: SimulatedLoop) -> None:
        network = MemoryNetwork()
        device, client = _End(loop, answers=True), _End(loop, answers=False)
        as_node("field", network.listen, "h", 1, lambda: device)
        as_node("A", network.connect, "h", 1, client, "A")
        assert client.transport is not None

        def check_pause_send() -> None:
            loop.freeze("A", 2 * S)
            assert client.transport is not None
            client.transport.write(b"1")
            client.transport.write(b"2")

        context_of("A").run(check_pause_send)
        await asyncio.sleep(1.0)
        assert not device.seen
        await asyncio.sleep(1.5)
        assert device.seen == [(2.0, b"1"), (2.0, b"2")]
        loop.freeze("A", 5 * S)
        assert device.transport is not None
        device.transport.write(b"late")  # it lies in the socket of A
        await asyncio.sleep(1.0)
        assert [data for _, data in client.seen] == [b"answer to 1", b"answer to 2"]
        await asyncio.sleep(3.0)
        assert client.seen[-1] == (5.0, b"late")

    run_simulated(main)


def test_the_pair_network_knows_who_stands_still() -> None:
    async def main(loop: SimulatedLoop) -> None:
        network = PairNetwork(delay_ns=10_000_000)
        seen: list[tuple[float, bytes]] = []
        network.attach("B", lambda payload: seen.append((round(loop.time(), 6), payload)))
        loop.freeze("A", 1 * S)
        network.post("A", "B", b"sent in the pause", in_order=False)
        await asyncio.sleep(0.5)
        assert not seen
        await asyncio.sleep(1.0)
        assert seen == [(1.01, b"sent in the pause")]
        network.post("A", "B", b"on its way", in_order=False)
        loop.freeze("B", 3 * S)
        await asyncio.sleep(1.0)
        assert len(seen) == 1
        await asyncio.sleep(1.0)
        assert seen[1] == (3.0, b"on its way")

    run_simulated(main)
