"""The whole plant in the box: handover, bumps, answers, clocks. Simulated time throughout."""

import json
import math
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from dcs.bus.messages import Reply, command_subject
from dcs.config.find import find_config
from dcs.core.errors import LinkDown
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from field_io.devices.simulated import SimulatedModbusDevice
from field_io.devices.write_record import WriteRecord
from tests.support.boxes import in_box

RAMP = "control.modules.LIC-101.blocks.pid.sp_rate_up=0.02"
FAST = ("scan_classes.loops.period=100 ms", "field.devices.RTU-1.poll=100 ms", "field.devices.DRV-1.poll=100 ms")


def test_the_plant_stands_still_at_its_operating_point_from_a_cold_start() -> None:
    """Promise: a cold start writes nothing before the first read-back, and closes the cascades without a bump."""

    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(120)
        _, level_cm = recorder.trace("LIC-101.PV")
        _, demand_pct = recorder.trace("FIC-101.ao.OUT")
        assert abs(level_cm - level_cm[0]).max() < 0.15
        assert abs(demand_pct - 30.0).max() < 1.0
        _, mode = recorder.trace("FIC-101.MODE")
        assert mode[-1] == 5, "the flow loop ends in Cas"

    in_box(story)


@pytest.mark.parametrize("overrides", [(), FAST], ids=["1 s scan", "100 ms scan"])
@pytest.mark.parametrize(("after_scan_s", "seed"), [(0.0, 1), (0.012, 2), (0.45, 3), (0.93, 7)])
def test_a_kill_during_a_ramp_bumps_no_output(overrides: tuple[str, ...], after_scan_s: float, seed: int) -> None:
    """Promise: the first output that the standby writes is what the active would have written, within 0.05 % of span.

    Judged at the device's registers against a twin run in which nobody is killed.
    """

    async def writes(box: Box, recorder: Recorder, kill: bool) -> tuple[str, list[WriteRecord]]:
        device = next(device for device in box.field.simulation.devices if device.spec.name == "DRV-1")
        assert isinstance(device, SimulatedModbusDevice)
        device.record_writes()
        await box.run_for(30)
        assert (await box.command("C1", "set", "LIC-101.SP", 15.0)).ok
        await box.run_until_ns(60_000_000_000 + round(after_scan_s * 1e9))
        active = box.active("C1")
        if kill:
            await box.kill(active)
        await box.run_for(10)
        assert device.writes is not None
        return active, [write for write in device.writes if write.point == "P-101"]

    ramp = (*overrides, RAMP)
    active, twin = in_box(lambda box, recorder: writes(box, recorder, False), overrides=ramp, seed=seed)
    killed_active, killed = in_box(lambda box, recorder: writes(box, recorder, True), overrides=ramp, seed=seed)
    assert killed_active == active
    ramping = [write.value for write in twin if write.time_ns > twin[-1].time_ns - 10_000_000_000]
    assert max(ramping) - min(ramping) > 0.3, "the output must move, or this test shows nothing"
    first = next(write for write in killed if write.peer != active)
    meanwhile = [write for write in twin if write.time_ns <= first.time_ns][-1]
    assert abs(first.value - meanwhile.value) <= 0.05, (first, meanwhile)


def test_a_restarted_controller_comes_back_as_standby_and_can_take_over_again() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(30)
        first = box.active("C1")
        await box.kill(first)
        await box.run_for(5)
        second = box.active("C1")
        assert second != first
        await box.start(first)
        await box.run_for(5)
        report = box.controller(first).report()
        assert (report.role, report.state) == ("standby", "ready")
        await box.kill(second)
        await box.run_for(5)
        assert box.active("C1") == first
        epochs = [frame.epoch for frame in recorder.frames]
        assert epochs == sorted(epochs)
        assert epochs[-1] > epochs[0]

    in_box(story)


def test_a_commanded_switchover_loses_no_scan() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(30)
        before = box.active("C1")
        reply = await box.command("C1", "switchover", "C1")
        assert reply.ok, reply.text
        await box.run_for(10)
        assert box.active("C1") != before
        times = [frame.time_ns for frame in recorder.frames]
        assert max(b - a for a, b in pairwise(times)) == 1_000_000_000

    in_box(story)


def test_a_command_is_answered_once_it_is_mirrored_and_survives_the_takeover() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(30)
        reply = await box.command("C1", "set", "LIC-102.SP", 11.5)
        assert reply.ok, reply.text
        await box.kill(box.active("C1"))
        await box.run_for(5)
        _, setpoint_cm = recorder.trace("LIC-102.SP")
        assert setpoint_cm[-1] == 11.5
        operator = [event for event in recorder.events if event.kind == "operator"]
        assert [(event.subject, event.old, event.new) for event in operator] == [("LIC-102.SP", 12.8, 11.5)]

    in_box(story)


def test_a_command_beyond_the_limit_is_refused_with_the_limit() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(20)
        reply = await box.command("C1", "set", "LIC-101.SP", 99.0)
        assert not reply.ok
        assert "18" in reply.text
        _, setpoint_cm = recorder.trace("LIC-101.SP")
        assert set(setpoint_cm) == {12.3}

    in_box(story)


def test_any_one_loss_changes_nothing() -> None:
    """S2: loss of standby, witness, pair link or bus leaves the active in control, without a switchover."""

    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(30)
        active = box.active("C1")
        standby = next(name for name in ("C1A", "C1B") if name != active)
        for lose, mend in (
            (lambda: box.kill(standby), lambda: box.start(standby)),
            (lambda: box.kill("W1"), lambda: box.start("W1")),
        ):
            await lose()
            await box.run_for(20)
            assert box.active("C1") == active
            await mend()
            await box.run_for(20)
        box.peers.pair_links.cut("C1A", "C1B")
        await box.run_for(20)
        assert box.active("C1") == active
        box.peers.pair_links.heal()
        await box.run_for(20)
        box.peers.hub.cut(active)
        await box.run_for(20)
        box.peers.hub.heal(active)
        await box.run_for(20)
        assert box.active("C1") == active
        assert {frame.epoch for frame in recorder.frames} == {1}

    in_box(story)


def test_a_lone_controller_without_any_other_voter_stops_writing() -> None:
    """S4: devices then hold; never two writers."""

    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(30)
        active = box.active("C1")
        standby = next(name for name in ("C1A", "C1B") if name != active)
        await box.kill(standby)
        await box.run_for(1)
        await box.kill("W1")
        await box.run_for(5)
        with pytest.raises(LinkDown):
            box.active("C1")
        assert not box.controller(active).member.may_write(box.peers.clock(active).monotonic_ns())
        scans = len(recorder.frames)
        await box.run_for(10)
        assert len(recorder.frames) == scans

    in_box(story)


def test_a_dead_device_turns_bad_in_time_and_comes_back_without_a_bump() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(60)
        active = box.active("C1")
        box.faults().cut("RTU-1")
        await box.run_for(30)
        names = [info.name for info in recorder.layout(recorder.frames[-1]).tags]
        at = names.index("LIC-101.PV")
        bad = [frame.time_ns for frame in recorder.frames if frame.statuses[at] < 64]
        assert 0 < bad[0] - (box.peers.clock("true time").time_ns() - 30_000_000_000) <= 3_500_000_000
        assert not math.isnan(recorder.frames[-1].values[at]), "the last usable value is shown, with its status"
        await box.faults().heal("RTU-1")
        await box.run_for(30)
        assert recorder.frames[-1].statuses[at] >= 128
        _, demand_pct = recorder.trace("FIC-101.ao.OUT")
        assert abs(demand_pct[20:] - 30.0).max() < 1.5
        assert box.active("C1") == active, "what both lose is no reason to switch over"

    in_box(story)


def test_every_node_has_its_own_clock() -> None:
    """Promise: clocks that drift apart by 1 % change nothing but the stamps."""

    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(30)
        box.peers.clocks["C1A"].set_rate(1.01)
        box.peers.clocks["W1"].set_rate(0.99)
        active = box.active("C1")
        scans = len(recorder.frames)
        await box.run_for(500)
        assert box.active("C1") == active
        made = len(recorder.frames) - scans
        assert abs(made - (505 if active == "C1A" else 500)) <= 1

    in_box(story)


@pytest.mark.parametrize("ahead_s", [30.0, -30.0, 0.3])
def test_a_takeover_does_not_wait_for_clocks_that_differ(ahead_s: float) -> None:
    """Promise: whatever the standby's UTC says, it drives the outputs within lease and one scan, and time goes on."""

    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(30)
        active = box.active("C1")
        standby = next(name for name in ("C1A", "C1B") if name != active)
        await box.kill(standby)
        box.peers.clocks[standby].step_utc(-round(ahead_s * 1e9))
        await box.start(standby)
        await box.run_for(10)
        await box.kill(active)
        before = len(recorder.frames)
        await box.run_for(10)
        assert box.active("C1") == standby
        assert len(recorder.frames) - before >= 8
        times = [frame.time_ns for frame in recorder.frames]
        assert all(0 < later - earlier <= 2_500_000_000 for earlier, later in pairwise(times))
        said = [event for event in recorder.events if "the plant's time" in event.text]
        assert len(said) == (1 if abs(ahead_s) > 1 else 0)

    in_box(story)


def test_malformed_commands_are_answered_and_hurt_nobody() -> None:
    bad = [
        {"id": "1", "verb": "ack", "subject": ["a"]},
        {"id": "2", "verb": ["set"], "subject": "a"},
        {"id": "3", "verb": "set", "subject": "LIC-101.SP", "value": 10**400},
        {"id": "4", "verb": "set", "subject": "LIC-101.SP", "value": {"a": 1}},
        {"id": "5", "verb": "ack", "subject": None},
        {"id": "6"},
        ["no", "command"],
    ]

    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(20)
        bus = box.peers.hub.connect("somebody")
        for message in bad:
            for target in ("C1", "field"):
                payload = json.dumps(message).encode()
                answer = await bus.request(command_subject("quadruple_tank", target), payload, 5.0)
                assert not Reply.from_bytes(answer).ok
        await box.run_for(5)
        assert box.active("C1")
        assert (await box.command("C1", "set", "LIC-101.SP", 12.0)).ok

    in_box(story)


def test_scan_classes_that_fall_due_together_all_reach_the_field(tmp_path: Path) -> None:
    """Promise: an output of a slow class is written when it is computed, not a period later."""
    plant = tmp_path / "two classes"
    shutil.copytree(find_config("quadruple_tank"), plant)
    lines = (plant / "plant.yaml").read_text(encoding="utf-8").splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("  loops:"))
    lines.insert(at + 1, "  slow: {period: 5 s}")  # behind, so that its outputs come while those of `loops` are sent
    (plant / "plant.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    async def story(box: Box, recorder: Recorder) -> None:
        device = next(device for device in box.field.simulation.devices if device.spec.name == "DRV-1")
        assert isinstance(device, SimulatedModbusDevice)
        await box.run_for(30)
        device.record_writes()
        assert (await box.command("C1", "set", "V-101.MODE", "AUTO")).ok
        await box.run_for(12)
        assert (await box.command("C1", "set", "V-101.SP", 65.0)).ok  # OUT follows in the next scan of the slow class
        await box.run_for(12)
        assert device.writes is not None
        first = next(write for write in device.writes if write.point == "V-101" and write.value == 65.0)
        assert first.time_ns % 5_000_000_000 < 500_000_000, "written in the slow class's own scan"

    in_box(story, plant=plant, overrides=("control.modules.V-101.scan=slow",))
