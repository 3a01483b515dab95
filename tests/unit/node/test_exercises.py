"""What may be made to fail on command: only in a run for exercises, never silently."""

import pytest

from dcs.bus.messages import Reply
from tests.support.boxes import Box, Recorder, in_box


def test_a_stuck_valve_stays_whatever_is_demanded_and_follows_again() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(60)
        plant = box.field.simulation.plant
        reply = await box.command("field", "stick", "V-101", 40.0)
        assert (reply.ok, reply.text) == (True, "V-101 sticks at 40 %")
        await box.run_for(30)
        assert plant.get("valve_1") == pytest.approx(0.4, abs=1e-3)
        here = await box.command("field", "stick", "P-101")
        assert here.ok
        voltage = plant.get("pump_voltage_1")
        await box.command("C1", "set", "LIC-101.SP", 15.0)
        await box.run_for(60)
        assert plant.get("pump_voltage_1") == pytest.approx(voltage, abs=1e-9)
        assert (await box.command("field", "free", "V-101")).ok
        await box.run_for(30)
        assert plant.get("valve_1") == pytest.approx(0.7, abs=1e-3)
        level = await box.command("field", "stick", "LT-101", 7.0)
        assert level.ok
        await box.run_for(5)
        assert recorder.trace("LIC-101.PV")[1][-1] == pytest.approx((7.0 - 4.0) / 16.0 * 20.0, abs=0.01)
        labels = [(event.subject, event.text) for event in recorder.events if event.kind == "fault"]
        assert labels[0] == ("V-101", "begins: stuck 40 %")
        assert labels[2][0] == "V-101"
        assert labels[2][1].startswith("is over: stuck 40 %, since 2026-01-01T00:01:00")

    in_box(story, overrides=("labels=true",))


def test_a_snapshot_knows_what_sticks() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(20)
        field = box.field.simulation
        await box.command("field", "stick", "V-101", 40.0)
        kept = field.snapshot()  # type: ignore[attr-defined]
        await box.command("field", "free", "V-101")
        field.restore(kept)  # type: ignore[attr-defined]
        await box.run_for(30)
        assert field.plant.get("valve_1") == pytest.approx(0.4, abs=1e-3)

    in_box(story)


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    async def story(box: Box, recorder: Recorder) -> list[Reply]:
        await box.run_for(5)
        return [
            await box.command("field", "stick", "V-999", 1.0),
            await box.command("field", "cut", "RTU-9"),
            await box.command("field", "explode", "V-101"),
        ]

    replies = in_box(story)
    assert [reply.ok for reply in replies] == [False, False, False]
    assert "V-101" in replies[0].text
    assert "DRV-1" in replies[1].text
    assert "stick" in replies[2].text


def test_a_run_that_is_no_exercise_refuses() -> None:
    async def story(box: Box, recorder: Recorder) -> Reply:
        await box.run_for(5)
        box.field.desk.exercises = False
        return await box.command("field", "stick", "V-101", 1.0)

    reply = in_box(story)
    assert not reply.ok
    assert "--exercises" in reply.text


@pytest.mark.parametrize(
    ("node", "exercises", "found"),
    [
        ("C1A", True, ""),
        ("W1", True, ""),
        ("C1A", False, "--exercises"),
        ("field", True, "not killed"),
        ("X", True, "C1A"),
    ],
)
def test_the_launcher_kills_what_may_be_killed_and_says_so_first(node: str, exercises: bool, found: str) -> None:
    from dcs.bus.messages import Command
    from dcs.node.face import NodeFace
    from dcs.node.launcher_desk import LauncherDesk

    async def story(box: Box, recorder: Recorder) -> tuple[Reply, list[str]]:
        face = NodeFace(box.config.name, "launcher", await box.peers.bus("launcher"), box.clock, 0, {})
        killed: list[str] = []

        async def kill(name: str) -> None:
            assert face.outbox.waiting == 1, "the journal has it before it happens"
            killed.append(name)

        kinds = {"bus": "bus", "field": "field", "C1A": "controller", "C1B": "controller", "W1": "witness"}
        return await LauncherDesk(face, kinds, kill, exercises).do(Command("1", "kill", node)), killed

    reply, killed = in_box(story)
    assert found in reply.text
    assert killed == ([node] if not found else [])
    assert reply.ok == (not found)
