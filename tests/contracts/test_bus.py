"""What every bus promises, whoever carries it: the same suite on the memory peer and on a real NATS server."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from dcs.bus.api import Bus
from dcs.core.errors import LinkDown
from tests.contracts.bus_worlds import BusWorld, Scenario, play_memory, play_nats, until

Play = Callable[[Scenario], None]


@pytest.fixture(params=["memory", pytest.param("nats", marks=pytest.mark.system)])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Play:
    run = play_memory if request.param == "memory" else play_nats
    return lambda scenario: run(scenario, tmp_path)


class Heard:
    """A handler that remembers."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, bytes]] = []

    async def __call__(self, subject: str, payload: bytes) -> None:
        self.messages.append((subject, payload))

    @property
    def subjects(self) -> list[str]:
        return [subject for subject, _ in self.messages]


async def ping(bus: Bus, heard: Heard, subject: str) -> None:
    """Publish until it is heard; whatever was sent before has been delivered then."""
    await until(lambda: bus.connected)
    bus.publish(subject, b"ping")
    await until(lambda: (subject, b"ping") in heard.messages)


def test_messages_reach_every_listener_in_order(play: Play) -> None:
    async def scenario(world: BusWorld) -> None:
        sender, first, second = [await world.connect(name) for name in ("S", "A", "B")]
        heard_a, heard_b = Heard(), Heard()
        await first.subscribe("dcs.p.frame.C1.loops", heard_a)
        await second.subscribe("dcs.p.frame.C1.loops", heard_b)
        for i in range(500):
            sender.publish("dcs.p.frame.C1.loops", b"%d" % i)
        await until(lambda: len(heard_a.messages) == len(heard_b.messages) == 500)
        assert [int(payload) for _, payload in heard_a.messages] == list(range(500))
        assert heard_a.messages == heard_b.messages
        assert sender.dropped == first.dropped == second.dropped == 0
        for bus in (sender, first, second):
            await bus.close()

    play(scenario)


def test_a_node_hears_itself(play: Play) -> None:
    async def scenario(world: BusWorld) -> None:
        bus = await world.connect("A")
        heard = Heard()
        await bus.subscribe("x", heard)
        await ping(bus, heard, "x")
        await bus.close()

    play(scenario)


@pytest.mark.parametrize(
    ("pattern", "hears"),
    [
        ("a.b.c", {"a.b.c"}),
        ("a.*.c", {"a.b.c", "a.x.c"}),
        ("a.>", {"a.b", "a.b.c", "a.x.c", "a.b.c.d"}),
        ("*.b.>", {"a.b.c", "a.b.c.d"}),
        (">", {"a", "a.b", "a.b.c", "a.x.c", "a.b.c.d", "b"}),
    ],
)
def test_wildcards(play: Play, pattern: str, hears: set[str]) -> None:
    async def scenario(world: BusWorld) -> None:
        bus = await world.connect("A")
        heard, end = Heard(), Heard()
        await bus.subscribe(pattern, heard)
        await bus.subscribe("end", end)
        for subject in ("a", "a.b", "a.b.c", "a.x.c", "a.b.c.d", "b"):
            bus.publish(subject, b"")
        # Machinery of streams and requests must not show up under ">".
        await bus.append("events", "a.b", b"", "1")
        await ping(bus, end, "end")
        assert set(heard.subjects) - {"end"} == hears
        await bus.close()

    play(scenario)


@pytest.mark.parametrize("subject", ["", "a..b", "a b", ".a", "a.", "a.*", ">", "_INBOX.x", "$JS.API"])
def test_a_subject_that_cannot_travel_is_refused(play: Play, subject: str) -> None:
    async def scenario(world: BusWorld) -> None:
        bus = await world.connect("A")
        with pytest.raises(ValueError, match="needed dot-separated words"):
            bus.publish(subject, b"")
        await bus.close()

    play(scenario)


def test_a_stopped_subscription_is_silent_and_others_go_on(play: Play) -> None:
    async def scenario(world: BusWorld) -> None:
        bus = await world.connect("A")
        gone, stays = Heard(), Heard()
        subscription = await bus.subscribe("x", gone)
        await bus.subscribe("x", stays)
        await ping(bus, gone, "x")
        await subscription.stop()
        bus.publish("x", b"later")
        await until(lambda: ("x", b"later") in stays.messages)
        assert ("x", b"later") not in gone.messages
        await bus.close()

    play(scenario)


def test_a_handler_that_fails_hears_the_next_message(play: Play) -> None:
    async def scenario(world: BusWorld) -> None:
        bus = await world.connect("A")
        heard = Heard()

        async def fragile(subject: str, payload: bytes) -> None:
            if payload == b"bad":
                raise RuntimeError("boom")
            await heard(subject, payload)

        await bus.subscribe("x", fragile)
        bus.publish("x", b"bad")
        await ping(bus, heard, "x")
        await bus.close()

    play(scenario)


def test_a_slow_handler_loses_the_oldest_and_counts_them(play: Play) -> None:
    async def scenario(world: BusWorld) -> None:
        sender, listener = await world.connect("S"), await world.connect("A")
        heard, gate = Heard(), asyncio.Event()

        async def slow(subject: str, payload: bytes) -> None:
            await gate.wait()
            await heard(subject, payload)

        await listener.subscribe("x", slow)
        for i in range(1500):
            sender.publish("x", b"%d" % i)
        await until(lambda: listener.dropped >= 499)
        gate.set()
        await until(lambda: bool(heard.messages) and heard.messages[-1][1] == b"1499")
        assert len(heard.messages) + listener.dropped == 1500
        assert len(heard.messages) in (1000, 1001)  # the bound, and the one in the handler's hands
        assert [int(payload) for _, payload in heard.messages[-1000:]] == list(range(500, 1500))
        await sender.close()
        await listener.close()

    play(scenario)


def test_requests_are_answered_side_by_side(play: Play) -> None:
    async def scenario(world: BusWorld) -> None:
        asker, server = await world.connect("A"), await world.connect("S")
        gate = asyncio.Event()

        async def respond(subject: str, payload: bytes) -> bytes:
            if payload == b"slow":
                await gate.wait()
            return subject.encode() + b":" + payload

        await server.serve("ask.*", respond)
        slow = asyncio.create_task(asker.request("ask.me", b"slow", 5.0))
        assert await asker.request("ask.me", b"quick", 5.0) == b"ask.me:quick"
        assert not slow.done()
        gate.set()
        assert await slow == b"ask.me:slow"
        await asker.close()
        await server.close()

    play(scenario)


def test_no_responder_is_told_at_once(play: Play) -> None:
    async def scenario(world: BusWorld) -> None:
        bus = await world.connect("A")
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        with pytest.raises(LinkDown, match=r"nobody\.home: nobody serves it"):
            await bus.request("nobody.home", b"", 30.0)
        assert loop.time() - start_s < 1.0
        await bus.close()

    play(scenario)


def test_a_responder_that_fails_or_sleeps_gives_no_answer(play: Play) -> None:
    async def scenario(world: BusWorld) -> None:
        bus = await world.connect("A")

        async def fail(subject: str, payload: bytes) -> bytes:
            raise RuntimeError("boom")

        async def sleep(subject: str, payload: bytes) -> bytes:
            await asyncio.sleep(3600)
            return b""

        failing = await bus.serve("fails", fail)
        await bus.serve("sleeps", sleep)
        for subject in ("fails", "sleeps"):
            with pytest.raises(LinkDown, match=r"no answer within 0\.2 s"):
                await bus.request(subject, b"", 0.2)
        await failing.stop()
        with pytest.raises(LinkDown, match="nobody serves it"):
            await bus.request("fails", b"", 0.2)
        await bus.close()

    play(scenario)


def test_what_was_published_before_a_request_arrives_before_it(play: Play) -> None:
    async def scenario(world: BusWorld) -> None:
        asker, server = await world.connect("A"), await world.connect("S")
        heard = Heard()

        async def count(subject: str, payload: bytes) -> bytes:
            await asyncio.sleep(0)
            return b"%d" % len(heard.messages)

        await server.subscribe("x", heard)
        await server.serve("count", count)
        for _ in range(10):
            asker.publish("x", b"")
        assert await asker.request("count", b"", 5.0) == b"10"
        await asker.close()
        await server.close()

    play(scenario)


def test_streams_keep_order_and_filter_and_store_an_id_once(play: Play) -> None:
    async def scenario(world: BusWorld) -> None:
        writer, reader = await world.connect("A"), await world.connect("B")
        assert await reader.read("events") == []
        for i in range(30):
            await writer.append("events", f"dcs.p.event.C{i % 3}", b"%d" % i, f"C:{i}")
        await reader.append("events", "dcs.p.event.C0", b"again", "C:0")  # the standby repeats it
        assert [int(payload) for _, payload in await reader.read("events")] == list(range(30))
        assert await reader.read("events", last=3) == [
            ("dcs.p.event.C0", b"27"),
            ("dcs.p.event.C1", b"28"),
            ("dcs.p.event.C2", b"29"),
        ]
        only = await reader.read("events", "dcs.*.event.C1", last=4)
        assert only == [("dcs.p.event.C1", b"%d" % i) for i in (19, 22, 25, 28)]
        assert await reader.read("events", "dcs.q.>") == []
        assert await reader.read("events", last=0) == []
        assert await reader.read("others") == []
        await writer.close()
        await reader.close()

    play(scenario)


def test_an_entry_is_not_a_live_message_and_a_live_message_is_not_stored(play: Play) -> None:
    async def scenario(world: BusWorld) -> None:
        bus = await world.connect("A")
        heard = Heard()
        await bus.subscribe("dcs.>", heard)
        await bus.append("events", "dcs.e", b"entry", "1")
        await ping(bus, heard, "dcs.e")
        assert heard.messages == [("dcs.e", b"ping")]
        assert await bus.read("events") == [("dcs.e", b"entry")]
        await bus.close()

    play(scenario)


def test_buckets_keep_the_newest_value(play: Play) -> None:
    async def scenario(world: BusWorld) -> None:
        writer, reader = await world.connect("A"), await world.connect("B")
        assert await reader.get("retained", "LIC-101.SP") is None
        await writer.put("retained", "LIC-101.SP", b"10")
        await writer.put("retained", "LIC-101.SP", b"11")
        await writer.put("retained", "empty", b"")
        assert await reader.get("retained", "LIC-101.SP") == b"11"
        assert await reader.get("retained", "empty") == b""
        assert await reader.get("retained", "LIC-102.SP") is None
        await writer.close()
        await reader.close()

    play(scenario)


def test_a_lost_server_costs_nothing_and_comes_back(play: Play) -> None:
    async def scenario(world: BusWorld) -> None:
        sender, listener = await world.connect("S"), await world.connect("A")
        heard = Heard()
        await listener.subscribe("x", heard)

        async def echo(subject: str, payload: bytes) -> bytes:
            return payload

        await listener.serve("echo", echo)
        await sender.append("events", "dcs.e", b"before", "1")
        await sender.put("retained", "k", b"before")
        await ping(sender, heard, "x")

        await world.stop_server()
        await until(lambda: not sender.connected and not listener.connected)
        for _ in range(10):
            sender.publish("x", b"lost")
        assert sender.dropped == 10
        for refused in (
            sender.request("echo", b"", 5.0),
            sender.append("events", "dcs.e", b"lost", "2"),
            sender.read("events"),
            sender.put("retained", "k", b"lost"),
            sender.get("retained", "k"),
        ):
            with pytest.raises(LinkDown, match="bus cannot be reached"):
                await refused
        while_away = Heard()
        await listener.subscribe("y", while_away)

        await world.start_server()
        await until(lambda: sender.connected and listener.connected)
        await ping(sender, heard, "x")
        await ping(sender, while_away, "y")
        assert ("x", b"lost") not in heard.messages
        assert await sender.request("echo", b"hello", 5.0) == b"hello"
        await sender.append("events", "dcs.e", b"repeated", "1")  # the id is remembered across the restart
        await sender.append("events", "dcs.e", b"after", "3")
        assert await sender.read("events") == [("dcs.e", b"before"), ("dcs.e", b"after")]
        assert await sender.get("retained", "k") == b"before"
        assert sender.dropped == 10
        await sender.close()
        await listener.close()

    play(scenario)


def test_whoever_waits_for_an_answer_hears_of_the_loss_at_once(play: Play) -> None:
    async def scenario(world: BusWorld) -> None:
        bus = await world.connect("A")
        asked = asyncio.Event()

        async def never(subject: str, payload: bytes) -> bytes:
            asked.set()
            await asyncio.sleep(3600)
            return b""

        await bus.serve("never", never)
        waiting = asyncio.create_task(bus.request("never", b"", 60.0))
        await asked.wait()
        await world.stop_server()
        with pytest.raises(LinkDown, match="the bus was lost"):
            async with asyncio.timeout(5.0):
                await waiting
        await bus.close()

    play(scenario)


def test_a_bus_can_be_closed_while_the_server_is_away(play: Play) -> None:
    async def scenario(world: BusWorld) -> None:
        bus = await world.connect("A")
        await bus.subscribe("x", Heard())
        await world.stop_server()
        await until(lambda: not bus.connected)
        async with asyncio.timeout(2.0):
            await bus.close()
        await bus.close()
        bus.publish("x", b"")
        assert bus.dropped == 1

    play(scenario)


def test_a_message_too_big_for_any_bus_is_refused(play: Play) -> None:
    async def scenario(world: BusWorld) -> None:
        bus = await world.connect("A")
        heard = Heard()
        await bus.subscribe("x", heard)
        big = bytes(8 * 1024 * 1024)
        bus.publish("x", big)
        await until(lambda: len(heard.messages) == 1)
        assert heard.messages[0][1] == big
        with pytest.raises(ValueError, match="8388609 bytes in one message; at most 8388608"):
            bus.publish("x", big + b"!")
        await bus.close()

    play(scenario)
