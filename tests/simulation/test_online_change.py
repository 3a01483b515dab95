"""Online change of a running pair in the box, and what a death in any phase of it leaves behind."""

import numpy as np
import pytest

from dcs.bus.messages import ChangeRequest
from dcs.node.box import Box
from dcs.node.recorder import Recorder
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
        await box.run_for(3)
        _, demand_pct = recorder.trace("FIC-101.ao.OUT")
        return list(demand_pct[:62])

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
