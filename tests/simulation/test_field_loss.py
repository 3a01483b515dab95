"""An active that loses its way to the field, in the box: how fast the other one writes, and when nobody switches."""

from itertools import pairwise
from random import Random

import pytest

from dcs.core.clock import NS_PER_S
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from tests.support.boxes import in_box

DEVICES = ("RTU-1", "DRV-1")
TIMEOUT_S = 0.5
FAST = ("scan_classes.loops.period=100 ms", *(f"devices.{name}.poll=100 ms" for name in DEVICES))
SPEEDS = {"1 s": ((), 1.0), "100 ms": (FAST, 0.1)}
HANDOVER_S = 0.15  # the second attempt, the question to the standby, the switchover


def simulated(box: Box, name: str):
    return next(device for device in box.field.simulation.devices if device.spec.name == name)


def first_write_s(box: Box, by: str, since_ns: int) -> float | None:
    """When this controller first wrote anything after ``since_ns``, of any device."""
    times = [w.time_ns for device in box.field.simulation.devices for w in device.writes or () if w.peer == by]
    after = [time_ns for time_ns in times if time_ns > since_ns]
    return (min(after) - since_ns) / NS_PER_S if after else None


def annunciated(recorder: Recorder) -> list[str]:
    return [event.subject for event in recorder.events if event.kind == "alarm" and event.new == "B"]


async def _cut(box: Box, recorder: Recorder, devices: tuple[str, ...], phase_s: float, reset: bool) -> float | None:
    """Cut cables of the active, and return the time until the other one writes."""
    await box.run_for(15.0 + phase_s)
    active = box.active("C1")
    (standby,) = {"C1A", "C1B"} - {active}
    for device in box.field.simulation.devices:
        device.record_writes()
    cut_ns = box.clock.time_ns()
    for name in devices:
        box.faults().cut(f"{active}>{name}")
        if reset:
            for connection in list(simulated(box, name).server.connections):
                if connection.peer == active:
                    connection._transport.abort()
    await box.run_for(8.0)
    assert annunciated(recorder) == [], "a device that answers one of the two is not lost for the plant"
    journal = [event.text for event in recorder.events]
    why = f"{active} is no longer active: handed over to {standby}: {active} does not reach "
    (text,) = [text for text in journal if text.startswith(why)]
    assert any(name in text for name in devices)
    assert f"{standby} is active with epoch 2: handed over by {active}" in journal
    assert box.active("C1") == standby
    return first_write_s(box, standby, cut_ns)


@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("devices", [DEVICES, DEVICES[:1], DEVICES[1:]], ids=" and ".join)
def test_cut_cables_are_taken_over_within_the_time_out_and_the_polls(speed: str, devices: tuple[str, ...]) -> None:
    """Promise: all of them, a time-out, two polls and a scan; one of two, up to a second more, to be sure."""
    overrides, period_s = SPEEDS[speed]
    settle_s = HANDOVER_S if devices == DEVICES else min(3 * period_s, 1.0) + HANDOVER_S
    rng = Random(f"{speed} {devices}")
    for _ in range(3):
        phase_s = rng.random()
        took_s = in_box(lambda box, told, at=phase_s: _cut(box, told, devices, at, False), overrides=overrides)
        print(f"{speed}, {devices}: written after {took_s} s")
        assert took_s is not None
        assert took_s <= TIMEOUT_S + 2 * period_s + period_s + settle_s


@pytest.mark.parametrize("speed", SPEEDS)
def test_connections_that_end_are_taken_over_at_once(speed: str) -> None:
    took_s = in_box(lambda box, told: _cut(box, told, DEVICES, 0.3, True), overrides=SPEEDS[speed][0])
    assert took_s is not None
    assert took_s <= 0.1


def test_a_dead_device_moves_nobody() -> None:
    """Promise: nor does one that is dead for the active a little before it is for the standby."""

    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(20.0)
        active = box.active("C1")
        for name in DEVICES:
            box.faults().cut(name, silent=name == "RTU-1")
        await box.run_for(30.0)
        assert box.active("C1") == active
        await box.faults().heal_all()
        await box.run_for(30.0)
        assert box.active("C1") == active
        reports = {link.name: link for link in box.controller(active).report().links}
        assert (reports["RTU-1"].state, reports["RTU-1"].detail) == ("up", "")

    in_box(story)


def test_no_loss_of_a_link_of_the_standby_moves_the_active() -> None:
    """Promise (S2): 200 times, at any moment, one or all of them; the reports of the active say what is lost."""

    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(15.0)
        rng = Random(2)
        active = box.active("C1")
        (standby,) = {"C1A", "C1B"} - {active}
        for trial in range(200):
            lost = rng.choice((DEVICES[:1], DEVICES[1:], DEVICES))
            for name in lost:
                box.faults().cut(f"{standby}>{name}")
            await box.run_for(rng.choice((0.2, 0.9, 4.0)) * rng.random() + (4.0 if trial == 0 else 0.0))
            assert box.active("C1") == active
            if trial == 0:
                links = {link.name: link.detail for link in box.controller(active).report().links}
                assert all(links[name] == "the other controller does not reach it" for name in lost)
                assert f"does not reach {', '.join(lost)}" in box.controller(standby).report().detail
            for name in lost:
                await box.faults().heal(f"{standby}>{name}")
            await box.run_for(0.5 * rng.random())
        assert box.active("C1") == active
        assert box.controller(active).member.takeovers == 1
        assert annunciated(recorder) == []

    in_box(story)


def test_cables_that_flap_switch_once_a_pause() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(15.0)
        rng = Random(4)
        active, switches = box.active("C1"), []
        for _ in range(120):
            cable = f"{rng.choice(('C1A', 'C1B'))}>{rng.choice(DEVICES)}"
            box.faults().cut(cable)
            for _ in range(10):
                await box.run_for(0.15)
                if box.active("C1") != active:
                    active = box.active("C1")
                    switches.append(box.clock.time_ns())
            await box.faults().heal(cable)
        assert len(switches) >= 3
        pauses_s = [(b - a) / NS_PER_S for a, b in pairwise(switches)]
        assert min(pauses_s) >= 9.8, "as often as somebody looks here"

    in_box(story)
