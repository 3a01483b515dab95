"""The bus stalls, loses a node or is gone: control does not notice, the journal gets everything once and in order."""

from itertools import pairwise

import pytest

from dcs.bus.commands import ask
from dcs.bus.messages import EVENT_STREAM, Command, Event, Frame
from dcs.core.clock import NS_PER_MS
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from hmi.model.session import Session
from hmi.model.station import Station
from tests.support.boxes import in_box

FAST = ("scan_classes.loops.period=100ms",)
PERIOD_NS = 100 * NS_PER_MS
EVENTS_OF_AN_EPOCH = 1 << 24


def journal(box: Box) -> list[Event]:
    """What is durable, as it was stored."""
    return [Event.from_bytes(payload) for _, payload in box.peers.hub.entries(EVENT_STREAM)]


def whole(events: list[Event]) -> None:
    """Every event of the pair is there once, in order: the numbers of an epoch have no hole."""
    ids = [event.id for event in events]
    assert len(ids) == len(set(ids)), "an event was stored twice"
    numbers = [int(event.id.rpartition(":")[2]) for event in events if event.source == "C1" and event.kind != "config"]
    for epoch in {number // EVENTS_OF_AN_EPOCH for number in numbers}:
        own = [number for number in numbers if number // EVENTS_OF_AN_EPOCH == epoch]
        assert own == list(range(own[0], own[0] + len(own)))
    assert numbers == sorted(numbers)


def scans(box: Box) -> int:
    return box.controller(box.active("C1")).replica.scan


@pytest.mark.parametrize("stores", [False, True])
def test_an_election_in_the_cluster_costs_control_nothing(stores: bool) -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(20)
        active, before = box.active("C1"), scans(box)
        box.peers.hub.stall(8.0, stores)
        for level in (11.0, 11.5, 12.0):
            assert (await box.command("C1", "set", "LIC-101.SP", level)).ok
        await box.run_for(20)
        assert box.active("C1") == active
        assert scans(box) - before >= 200
        assert {frame.epoch for frame in recorder.frames} == {1}
        whole(journal(box))
        assert [event.new for event in journal(box) if event.kind == "operator"] == [11.0, 11.5, 12.0]

    in_box(story, overrides=FAST)


def test_without_any_bus_both_go_on_and_a_takeover_meanwhile_loses_no_event() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(20)
        active, before = box.active("C1"), scans(box)
        box.peers.hub.stop()
        await box.run_for(20)
        assert box.active("C1") == active
        assert abs(scans(box) - before - 200) <= 1
        box.faults().begin("RTU-1", "exception", 4)
        await box.run_for(20)
        await box.faults().clear_all()
        await box.kill(active)
        await box.run_for(20)
        stored = len(journal(box))
        box.peers.hub.start()
        await box.run_for(20)
        events = journal(box)
        assert sum(event.late and event.kind == "alarm" for event in events[stored:]) >= 2
        whole(events)
        mirrored = {event.id for event in box.controller(box.active("C1")).replica.recent_events}
        assert mirrored <= {event.id for event in events}

    in_box(story, overrides=FAST)


def test_a_command_whose_active_dies_is_applied_once_by_the_next() -> None:
    """Promise: whoever asked is answered, and the setpoint moved once, whenever in the scan the active died."""

    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(20)
        bus = box.peers.hub.connect("terminal")
        for number, wait_ms in enumerate((0, 30, 60, 95)):
            active = box.active("C1")
            command = Command(f"once {number}", "set", "LIC-101.SP", 11.0 + number / 10)
            asked = box.loop.create_task(ask(bus, box.config.name, "C1", command, 6.0))
            await box.run_for(wait_ms / 1000)
            await box.kill(active)
            reply = await asked
            assert reply.ok, reply.text
            await box.start(active)
            await box.run_for(20)
        operator = [event.new for event in journal(box) if event.kind == "operator"]
        assert operator == [11.0, 11.1, 11.2, 11.3]
        await bus.close()

    in_box(story, overrides=FAST)


def test_samples_over_a_takeover_have_their_epoch_and_a_gap_below_two_scans() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(20)
        await box.kill(box.active("C1"))
        await box.run_for(5)
        times = [frame.time_ns for frame in recorder.frames]
        epochs = [frame.epoch for frame in recorder.frames]
        assert sorted(set(epochs)) == [1, 2]
        assert epochs == sorted(epochs)
        at = epochs.index(2)
        assert times[at] - times[at - 1] <= 2 * PERIOD_NS
        assert all(b > a for a, b in pairwise(times))

    in_box(story, overrides=FAST)


def test_the_operator_station_sees_the_new_holder_within_half_a_second() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        station = Station(box.config.name, box.clock)
        session = Session(box.peers.hub.connect("HMI"), station, box.clock)
        task = box.loop.create_task(session.run())
        await box.run_for(20)
        layouts = station.tags.layout_version
        worst_ns, last, since_ns = 0, -1, 0
        killed = False
        for step in range(3000):
            await box.run_for(0.001)
            now_ns = box.clock.monotonic_ns()
            if step == 1000:
                await box.kill(box.active("C1"))
                killed = True
            if station.tags.version != last:
                if last >= 0 and killed:
                    worst_ns = max(worst_ns, now_ns - since_ns)
                last, since_ns = station.tags.version, now_ns
        print(f"gap at the station: {worst_ns / NS_PER_MS:.0f} ms")
        assert worst_ns <= 500 * NS_PER_MS
        assert station.tags.layout_version == layouts, "the same columns need not be asked for again"
        received = station.tags.groups[0].received
        assert received is not None
        assert isinstance(received.frame, Frame)
        assert received.frame.epoch == 2
        task.cancel()

    in_box(story, overrides=FAST)
