"""Online change of a running pair in the box, and what a death in any phase of it leaves behind."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dcs.bus.change_messages import ChangeRequest
from dcs.config.find import find_config
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from dcs.node.scenario import Director, load_scenario
from dcs.node.versions import Version, Versions
from hmi.model.session import Session
from hmi.model.station import Station
from tests.support.boxes import in_box

GAIN = "control.modules.LIC-101.blocks.pid.gain=3.0"
WIDE = "control.modules.LIC-101.blocks.pid.pv_scale=[0, 40, cm]"
ALARM = "alarms.alarms.LIC-101.HI.limit=15.5 cm"


def gain_of(box: Box, name: str) -> float:
    return box.controller(name).replica.engine.field("LIC-101.pid", "gain")


def living(box: Box) -> list[str]:
    return [name for name in ("C1A", "C1B") if name in box.nodes]


async def assert_the_same(box: Box) -> None:
    """Both controllers run the same program with the same memory, to the bit."""
    a, b = (box.controller(name).replica for name in ("C1A", "C1B"))
    for _ in range(5):  # a record may be on its way right now
        if a.scan == b.scan:
            break
        await box.run_for(0.01)
    assert a.program.key == b.program.key
    assert a.scan == b.scan
    assert a.engine.snapshot() == b.engine.snapshot()


def test_a_change_reaches_both_controllers_in_the_same_scan_without_a_bump() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(60)
        replies = await box.apply(overrides=[GAIN, ALARM])
        assert [reply.ok for reply in replies] == [True], replies
        assert replies[0].text.startswith("version 2 runs since scan")
        await box.run_for(20)
        assert gain_of(box, "C1A") == gain_of(box, "C1B") == 3.0
        await assert_the_same(box)
        assert box.controller(box.active("C1")).report().state == "active"
        standby = next(name for name in ("C1A", "C1B") if name != box.active("C1"))
        report = box.controller(standby).report()
        assert report.state == "ready"
        _, demand_pct = recorder.trace("FIC-101.ao.OUT")
        assert abs(np.diff(demand_pct[-40:])).max() < 0.5
        lines = [event for event in recorder.events if event.kind == "config"]
        assert lines[0].text.startswith("configuration changed to version 2: 2 changes")
        assert (lines[0].user, lines[0].station) == ("operator", "box")
        assert [line.text for line in lines[1:]] == ["LIC-101.pid.gain: 2 → 3", "LIC-101.HI.limit: 16 → 15.5"]

    in_box(story)


def test_outputs_that_the_change_does_not_touch_are_those_of_a_twin_without_it() -> None:
    """Promise: bit for bit, in every scan after the change."""

    async def outputs(box: Box, recorder: Recorder, change: bool) -> list[float]:
        await box.run_for(60)
        if change:
            assert (await box.apply(overrides=["control.modules.LIC-102.blocks.pid.beta=0.5"]))[0].ok
        await box.run_for(3 if change else 6)  # a change takes its time
        _, demand_pct = recorder.trace("FIC-101.ao.OUT")
        assert len(demand_pct) >= 64
        return list(demand_pct[:64])

    changed, twin = (in_box(lambda box, recorder, c=c: outputs(box, recorder, c)) for c in (True, False))
    assert changed == twin


def test_looking_at_a_change_changes_nothing() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(30)
        assert (await box.command("C1", "set", "LIC-101.GAIN", 2.5)).ok
        reply = await box.change("C1", ChangeRequest("diff", overrides=(GAIN,)))
        assert reply.ok, reply.text
        sentences = [item["sentence"] for item in reply.data["report"]["items"]]
        assert sentences[0].startswith("LIC-101.pid.gain: 2.5 → 3 (the file wins: it was 2 there")
        await box.run_for(5)
        assert gain_of(box, "C1A") == gain_of(box, "C1B") == 2.5
        await assert_the_same(box)

    in_box(story)


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("scan_classes.loops.period=2 s", "the scan classes changed (loops). This needs a restart."),
        ("field.devices.RTU-1.poll=2 s", "device RTU-1 changed. This needs a restart."),
        ("model.seed=7", "the plant model or its settings changed. This needs a restart."),
        ("control.modules.LIC-101.blocks.pid.gain=-1", "gain is -1, but must be at least 0"),
    ],
)
def test_what_cannot_be_changed_online_is_refused_and_nothing_changes(override: str, sentence: str) -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(30)
        before = box.controller("C1A").replica.program.key
        (reply,) = await box.apply(overrides=[override])
        assert not reply.ok
        assert sentence in reply.text
        await box.run_for(5)
        assert box.controller("C1A").replica.program.key == before
        await assert_the_same(box)

    in_box(story)


def test_a_change_that_nobody_prepared_is_refused() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(30)
        reply = await box.command("C1", "apply", "00112233aabbccdd")
        assert not reply.ok
        assert "not prepared" in reply.text
        assert not (await box.command("C1", "apply", "nonsense")).ok
        await box.run_for(5)
        await assert_the_same(box)

    in_box(story)


# --- structure ------------------------------------------------------------------------------------------------
V_101 = """
  V-101:
    description: Split of pump 1
    scan: loops
    blocks:
      ao:
        type: AO
        inputs: {readback: V-101}
        outputs: {out: V-101}
        sp: 70 %              # taken when it is put in Auto
        permitted: [MAN, AUTO]
        target: MAN
"""
NEW = """
  LI-109:
    description: Level of tank 1 again
    scan: loops
    blocks:
      ai: {type: AI, inputs: {raw: LT-101}, xd_scale: [4, 20, mA], out_scale: [0, 20, cm]}
"""


def folder_with(tmp_path: Path, removed: str, added: str, point: str = "") -> Path:
    """The shipped plant with one module less and one more, and without a point of the field."""
    folder = tmp_path / "plant"
    shutil.copytree(find_config("quadruple_tank"), folder)
    text = (folder / "control.yaml").read_text(encoding="utf-8")
    assert removed in text
    (folder / "control.yaml").write_text(text.replace(removed, "") + added, encoding="utf-8")
    if point:
        field = (folder / "field.yaml").read_text(encoding="utf-8")
        start = field.index(f"      {point}:")
        (folder / "field.yaml").write_text(field[:start] + field[field.index("      V-102:") :], encoding="utf-8")
    return folder


def test_modules_come_and_go_and_the_operator_station_follows(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, V_101, NEW, "V-101")

    async def story(box: Box, recorder: Recorder) -> None:
        station = Station(box.config.name, box.clock, name="HMI-T")
        watching = box.loop.create_task(Session(await box.peers.bus("hmi"), station, box.clock).run())
        await box.run_for(30)
        assert "V-101.OUT" in station.tags.names()
        (reply,) = await box.apply(folder)
        assert reply.ok, reply.text
        await box.run_for(10)
        names = station.tags.names()
        assert "LI-109.PV" in names
        assert "V-101.OUT" not in names
        _, again = recorder.trace("LI-109.PV")
        _, level_cm = recorder.trace("LIC-101.PV")
        assert again[-1] == pytest.approx(level_cm[-1])
        texts = [event.text for event in recorder.events if event.kind == "config"]
        assert any("V-101: no block drives it any more: it stays as it is" in text for text in texts)
        await assert_the_same(box)
        await box.kill(box.active("C1"))
        await box.run_for(5)
        assert "LI-109.PV" in station.tags.names()
        watching.cancel()

    in_box(story)


def test_a_removed_output_goes_to_its_declared_value_also_when_the_active_dies_in_that_scan(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "after", V_101, "", "V-101")
    declared = V_101 + "        fault_state: VALUE\n        fault_value: 25 %\n"
    before = folder_with(tmp_path / "before", V_101, declared)

    async def story(box: Box, recorder: Recorder) -> None:
        device = next(d for d in box.field.simulation.devices if any(p.name == "V-101" for p in d.spec.points))
        await box.run_for(30)
        assert device.value("V-101") == pytest.approx(70.0, abs=1.0)
        active = box.active("C1")
        changing = box.loop.create_task(box.apply(folder))
        for _ in range(500):
            await box.run_for(0.01)
            if box.controller(active).change_desk._prepared and not box.faults().active():
                # So that only the new holder can send it; not earlier, or the old one would hand over before.
                box.faults().cut(f"{active}>{device.spec.name}")
            if box.controller(active).replica.program.version.number == 2:
                break
        assert box.active("C1") == active
        assert box.faults().active()
        await box.kill(active)
        await box.run_for(5)
        changing.cancel()
        assert box.controller(box.active("C1")).replica.program.version.number == 2
        assert device.value("V-101") == pytest.approx(25.0, abs=0.1)

    in_box(story, plant=before)


def test_a_lone_controller_changes_and_the_other_one_is_given_its_program(tmp_path: Path) -> None:
    """Its partner comes back with the old configuration, and must not run it."""

    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(30)
        dead = next(name for name in ("C1A", "C1B") if name != box.active("C1"))
        await box.kill(dead)
        await box.run_for(5)
        (reply,) = await box.apply(overrides=[GAIN])
        assert reply.ok, reply.text
        await box.start(dead)
        assert gain_of(box, dead) == 2.0
        await box.run_for(20)
        assert box.controller(dead).report().state == "ready"
        await assert_the_same(box)
        await box.kill(box.active("C1"))
        await box.run_for(5)
        assert box.active("C1") == dead
        assert gain_of(box, dead) == 3.0

    in_box(story)


def test_a_second_change_and_the_way_back() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(30)
        assert (await box.apply(overrides=[GAIN]))[0].ok
        assert (await box.command("C1", "switchover", "C1")).ok
        await box.run_for(3)
        (reply,) = await box.apply(overrides=[GAIN.replace("3.0", "2.0")])
        assert reply.ok, reply.text
        await box.run_for(5)
        assert gain_of(box, "C1A") == gain_of(box, "C1B") == 2.0
        await assert_the_same(box)
        rows = (await box.change("C1", ChangeRequest("versions"))).data["versions"]
        assert [row["number"] for row in rows] == [1, 2, 3]
        assert [row["current"] for row in rows] == [False, False, True]

    in_box(story)


def test_a_scenario_changes_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "change.yaml"
    path.write_text(
        "actions:\n  - {at: 30 s, apply: {control.modules.LIC-101.blocks.pid.gain: 3.0}}\n"
        "  - {at: 35 s, kill: active of C1}\n",
        encoding="utf-8",
    )

    async def story(box: Box, recorder: Recorder) -> None:
        await Director(box, load_scenario(path)).run(60_000_000_000)
        assert gain_of(box, box.active("C1")) == 3.0

    in_box(story)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_standby_that_was_ready_and_is_another_one_now_does_not_count(restarted: bool) -> None:
    """Promise: the verdict is of one session. Lost or started again since, the change must be prepared again."""

    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(30)
        standby = next(name for name in ("C1A", "C1B") if name != box.active("C1"))
        prepared = await box.change("C1", ChangeRequest("prepare", overrides=(GAIN,)))
        assert prepared.ok
        await box.kill(standby)
        await box.run_for(3)
        if restarted:
            await box.start(standby)
            await box.run_for(10)
            assert box.controller(standby).report().state == "ready"
        reply = await box.command("C1", "apply", prepared.key)
        assert not reply.ok
        assert "the standby that was ready for it is not there now" in reply.text
        await box.run_for(3)
        assert gain_of(box, box.active("C1")) == 2.0

    in_box(story)


def test_the_standby_keeps_what_it_has_acknowledged_on_its_own_disk() -> None:
    """The active is gone for good, and the survivor is started again."""

    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(30)
        active = box.active("C1")
        assert (await box.apply(overrides=[GAIN]))[0].ok
        await box.kill(active)
        survivor = next(name for name in ("C1A", "C1B") if name != active)
        await box.run_for(5)
        await box.kill(survivor)
        await box.start(survivor)
        assert gain_of(box, survivor) == 3.0

    in_box(story)


# --- deaths ---------------------------------------------------------------------------------------------------
KILLS_S = [0.1, 0.45, 0.55, 0.9, 1.0, 1.05, 1.15, 1.3, 1.6, 2.0, 2.01, 2.3]
"""After the request: while this controller compiles (0–0.5), while the standby does (0.5–1), before the named scan,
in it, between the scan and the answer, and after."""


@pytest.mark.parametrize("who", ["active", "standby"])
@pytest.mark.parametrize("after_s", KILLS_S)
def test_a_death_in_any_phase_leaves_one_program_on_both(who: str, after_s: float) -> None:
    """Promise: never one of each; what was answered as done is done, what was refused is not."""

    async def story(box: Box, recorder: Recorder) -> str:
        await box.run_for(30)
        first = box.active("C1")
        second = next(name for name in ("C1A", "C1B") if name != first)
        victim = first if who == "active" else second
        changing = box.loop.create_task(box.apply(overrides=[GAIN]))
        await box.run_for(after_s)
        await box.kill(victim)
        await box.run_for(5)
        survivor = box.active("C1")
        assert survivor != victim
        ran = gain_of(box, survivor)
        await box.start(victim)
        await box.run_for(200)
        assert [box.controller(name).report().state for name in (survivor, victim)] == ["active", "ready"]
        await assert_the_same(box)
        assert gain_of(box, victim) == ran
        outcome = "no answer"
        if changing.done() and changing.exception() is None:
            outcome = "done" if changing.result()[0].ok else "refused"
        changing.cancel()
        assert (outcome, ran) in [("done", 3.0), ("refused", 2.0), ("no answer", 2.0), ("no answer", 3.0)]
        return outcome

    in_box(story)


def test_what_was_applied_is_what_runs_after_the_death_of_both() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(30)
        assert (await box.apply(overrides=[GAIN, WIDE]))[0].ok
        for name in ("C1A", "C1B"):
            await box.kill(name)
        for name in ("C1A", "C1B"):
            await box.start(name)
        await box.run_for(20)
        assert gain_of(box, "C1A") == gain_of(box, "C1B") == 3.0
        assert box.controller("C1A").replica.engine.field("LIC-101.pid", "pv_scale_high") == 40.0
        await assert_the_same(box)

    in_box(story)


SLOW_DISK_S = 1.5


async def _slow_disks(box: Box, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write takes longer than a lease, wherever it is made apart; on the event loop it may not be made at all."""
    is_apart = False
    kept: list[tuple[float, bool]] = []
    make_current = Versions.make_current

    async def slowly(work: Callable[[], Any], takes_s: float = 0.0) -> Any:
        nonlocal is_apart
        await asyncio.sleep(max(takes_s, SLOW_DISK_S))
        is_apart = True
        try:
            return work()
        finally:
            is_apart = False

    def write(self: Versions, version: Version, launched: str) -> None:
        kept.append((box.loop.now_ns() / 1e9, is_apart))
        make_current(self, version, launched)

    await box.run_for(30)
    active = box.active("C1")
    for name in ("C1A", "C1B"):
        box.controller(name).change_desk._p.apart = slowly
    monkeypatch.setattr(Versions, "make_current", write)
    (reply,) = await box.apply(overrides=[GAIN])
    answered_s = box.loop.now_ns() / 1e9
    assert reply.ok, reply
    await box.run_for(10)
    assert [apart for _, apart in kept] == [True, True], "on the disks of both"
    assert min(at_s for at_s, _ in kept) <= answered_s, "the active's before it answers"
    assert box.active("C1") == active
    assert box.controller(active).member.report().exclusions == 0


def test_a_slow_disk_costs_neither_the_lease_nor_the_standby(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: what runs is made durable apart from the event loop, and before the answer."""
    in_box(lambda box, recorder: _slow_disks(box, recorder, monkeypatch))
