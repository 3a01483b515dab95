"""Store and forward of events: each once, in order, whatever the bus does; all on the simulated clock."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dcs.bus.memory import MemoryHub
from dcs.bus.messages import EVENT_STREAM, Event, event_subject
from dcs.core.clock import NS_PER_S
from dcs.core.simulated_time import SimulatedClock, SimulatedLoop, run_simulated
from dcs.node.event_outbox import EventOutbox

Story = Callable[[MemoryHub, "Node", SimulatedLoop], Awaitable[None]]


class Node:
    """An outbox that runs, and events for it."""

    def __init__(self, hub: MemoryHub, loop: SimulatedLoop, name: str, bound: int) -> None:
        self.clock = SimulatedClock(loop)
        self.name = name
        self.bus = hub.connect(name)
        self.outbox = EventOutbox("p", self.bus, self.clock, self.make, bound)
        self.count = 0
        self.task = loop.create_task(self.outbox.run())

    def make(self, kind: str, subject: str, text: str) -> Event:
        return Event(f"{self.name}:lost:{self.clock.time_ns()}", self.clock.time_ns(), self.name, kind, subject, text)

    def event(self, source: str = "C1") -> Event:
        self.count += 1
        return Event(f"{source}:{self.count}", self.clock.time_ns(), source, "process", "LIC-101", f"no. {self.count}")


def play(story: Story, bound: int = 1000) -> None:
    async def main(loop: Any) -> None:
        hub = MemoryHub()
        node = Node(hub, loop, "A", bound)
        await story(hub, node, loop)
        node.task.cancel()
        await node.bus.close()

    run_simulated(main)


def journal(hub: MemoryHub) -> list[Event]:
    return [Event.from_bytes(payload) for _, payload in hub.entries(EVENT_STREAM)]


async def pause(node: Node, seconds: float) -> None:
    await node.clock.sleep_until(node.clock.monotonic_ns() + round(seconds * NS_PER_S))


@pytest.mark.parametrize("stores", [False, True])
@pytest.mark.parametrize("stall_s", [4.5, 8.0])
def test_an_election_delays_events_and_loses_or_doubles_none(stall_s: float, stores: bool) -> None:
    async def story(hub: MemoryHub, node: Node, loop: SimulatedLoop) -> None:
        node.outbox.put(node.event())
        await pause(node, 0.1)
        hub.stall(stall_s, stores)
        for _ in range(100):
            node.outbox.put(node.event())
            await pause(node, 0.05)
        await pause(node, 15.0)
        assert [event.id for event in journal(hub)] == [f"C1:{n}" for n in range(1, 102)]
        assert not node.outbox.waiting

    play(story)


def test_after_an_outage_everything_comes_in_order_late_ones_marked_and_not_all_at_once() -> None:
    async def story(hub: MemoryHub, node: Node, loop: SimulatedLoop) -> None:
        hub.stop()
        made = [node.event() for _ in range(500)]
        for event in made:
            node.outbox.put(event)
        await pause(node, 20.0)
        fresh = node.event()
        node.outbox.put(fresh)
        hub.start()
        await pause(node, 1.1)
        assert 50 < len(journal(hub)) <= 501
        await pause(node, 3.0)
        found = journal(hub)
        assert [event.id for event in found] == [event.id for event in (*made, fresh)]
        assert [event.time_ns for event in found] == [event.time_ns for event in (*made, fresh)]
        assert all(event.late for event in found[:500])
        assert not found[500].late

    play(story)


def test_overflow_says_how_many_and_from_when_to_when_and_comes_first() -> None:
    async def story(hub: MemoryHub, node: Node, loop: SimulatedLoop) -> None:
        hub.cut("A")
        for _ in range(25):
            node.outbox.put(node.event())
            await pause(node, 1.0)
        assert node.outbox.waiting <= 11
        hub.heal("A")
        await pause(node, 5.0)
        found = journal(hub)
        lost = [event for event in found if event.subject == "journal"]
        assert len(lost) == 1
        assert lost[0].text.startswith("14 events from ")
        ids = [event.id for event in found if event.subject != "journal"]
        # The first was on its way when the bus went.
        assert ids == ["C1:1", *(f"C1:{n}" for n in range(16, 26))]
        assert found.index(lost[0]) == 1

    play(story, bound=10)


def test_a_new_holder_sends_what_the_journal_does_not_have_and_nothing_else() -> None:
    async def story(hub: MemoryHub, node: Node, loop: SimulatedLoop) -> None:
        other = Node(hub, loop, "B", 100)
        mirrored = [node.event() for _ in range(10)]
        for event in mirrored[:6]:
            node.outbox.put(event)
        await pause(node, 1.0)
        hub.stop()
        for event in mirrored[6:]:
            node.outbox.put(event)
        node.task.cancel()  # it dies with four
        await pause(node, 3 * 3600.0)  # far longer than the server recognises an id
        other.outbox.inherit(mirrored)
        own = node.event()
        other.outbox.put(own)
        hub.start()
        hub.stream(EVENT_STREAM).seen.clear()
        await pause(node, 10.0)
        assert [event.id for event in journal(hub)] == [event.id for event in (*mirrored, own)]
        assert [event.late for event in journal(hub)] == [False] * 6 + [True] * 4 + [False]
        other.task.cancel()
        await other.bus.close()

    play(story)


def test_an_entry_that_is_no_event_does_not_stop_a_new_holder() -> None:
    """Anybody may write into the journal, another version of this software too."""

    async def story(hub: MemoryHub, node: Node, loop: SimulatedLoop) -> None:
        for number, strange in enumerate((b"{}", b"no JSON", b"[1]", b'{"id": "C1:9", "of_a_later_version": 1}')):
            await node.bus.append(EVENT_STREAM, event_subject("p", "C1"), strange, f"strange:{number}")
        event = node.event()
        node.outbox.inherit([event])
        await pause(node, 5.0)
        assert not node.task.done()
        assert [Event.from_bytes(payload).id for _, payload in hub.entries(EVENT_STREAM)[4:]] == [event.id]

    play(story)


def test_takeovers_while_the_bus_is_away_do_not_pile_up_the_same_events() -> None:
    async def story(hub: MemoryHub, node: Node, loop: SimulatedLoop) -> None:
        hub.stop()
        events = [node.event() for _ in range(10)]
        for _ in range(200):
            node.outbox.inherit(events)
        assert len(node.outbox._inherited) == 10
        hub.start()
        await pause(node, 10.0)
        assert [event.id for event in journal(hub)] == [event.id for event in events]

    play(story)
