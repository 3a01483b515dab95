"""What operators have set survives the death of every controller, and the outputs start from the field."""

import numpy as np
import pytest

from dcs.bus.messages import Event, event_subject
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from tests.simulation.test_online_change import GAIN, gain_of
from tests.support.boxes import in_box

SIMPLEX = ("controllers.C1.members=[C1A]", "controllers.C1.witness=null")
FIELDS = ("sp", "gain", "ti_s", "target", "out_high")


async def operate(box: Box) -> None:
    """An operator's day: setpoint, tuning, a limit, a mode, an acknowledgement."""
    await box.run_for(60)
    for tag, value in (
        ("LIC-101.SP", 13.5),
        ("LIC-101.GAIN", 2.7),
        ("LIC-101.TI", 45.0),
        ("LIC-101.OUT_HI", 30.0),
        ("LIC-102.MODE", "MAN"),
    ):
        assert (await box.command("C1", "set", tag, value)).ok, tag
    await box.run_for(5)


def kept(box: Box, name: str) -> dict[str, float]:
    engine = box.controller(name).replica.engine
    return {f"{block}.{f}": engine.field(block, f) for block in ("LIC-101.pid", "LIC-102.pid") for f in FIELDS}


@pytest.mark.parametrize("overrides", [(), SIMPLEX], ids=["pair", "single"])
@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_setpoints_modes_and_tuning_survive_the_restart_of_all(overrides: tuple[str, ...], how: str) -> None:
    """Promise: no output jumps by more than the loops themselves move, and the journal says what was restored."""

    async def story(box: Box, recorder: Recorder) -> None:
        await operate(box)
        members = box.config.controllers[0].members
        before, integral = kept(box, "C1A"), box.controller("C1A").replica.engine.field("FIC-101.pid", "integral_pct")
        end = box.kill if how == "killed" else box.stop
        for name in members:
            await end(name)
        await box.run_for(20)
        for name in members:
            await box.start(name)
        await box.run_for(8)
        now = kept(box, box.active("C1"))
        assert now == before
        assert now["LIC-101.pid.sp"] == 13.5
        engine = box.controller(box.active("C1")).replica.engine
        assert engine.field("FIC-101.pid", "integral_pct") == pytest.approx(integral, abs=3.0)
        await box.run_for(20)
        times_ns, demand_pct = recorder.trace("FIC-101.ao.OUT")
        gap = int(np.argmax(np.diff(times_ns)))
        steps = abs(np.diff(demand_pct))
        assert steps[gap] == pytest.approx(0.0, abs=0.01), "read back first: the pump starts where it stands"
        assert steps[gap + 1 :].max() < 1.0, "and nothing kicks it"
        lines = [event.text for event in recorder.events if "restored parameters" in event.text]
        assert len(lines) == 1
        age_s = int(lines[0].split(" s old")[0].rpartition(", ")[2])
        assert 20 <= age_s <= (32 if how == "killed" else 23)

    in_box(story, overrides=overrides)


def test_an_acknowledgement_survives_the_restart_of_all() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(30)
        assert (await box.apply(overrides=["alarms.alarms.LIC-101.HI.limit=6 cm"]))[0].ok
        await box.run_for(20)
        assert (await box.command("C1", "ack", "LIC-101.HI")).ok
        await box.run_for(3)
        assert box.controller("C1A").replica.engine.field("LIC-101.HI", "alarm_state") == 2
        for name in ("C1A", "C1B"):
            await box.kill(name)
        for name in ("C1A", "C1B"):
            await box.start(name)
        await box.run_for(10)
        assert box.controller(box.active("C1")).replica.engine.field("LIC-101.HI", "alarm_state") == 2
        raised = [event for event in recorder.events if event.subject == "LIC-101.HI" and event.new == "B"]
        assert len(raised) == 1, "it is not raised again"

    in_box(story)


def test_a_living_partner_has_newer_data_than_any_checkpoint() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await operate(box)
        await box.run_for(15)
        await box.kill(box.active("C1"))
        await box.run_for(3)
        assert (await box.command("C1", "set", "LIC-101.SP", 11.0)).ok
        dead = next(name for name in ("C1A", "C1B") if name not in box.nodes)
        await box.start(dead)
        await box.run_for(10)
        assert box.controller(dead).replica.engine.field("LIC-101.pid", "sp") == 11.0
        assert not [event for event in recorder.events if "restored" in event.text]

    in_box(story)


def test_the_checkpoint_of_an_older_configuration_is_carried_over() -> None:
    """The change was applied and answered; the death came before the next checkpoint."""

    async def story(box: Box, recorder: Recorder) -> None:
        await operate(box)
        await box.run_for(15)
        assert (await box.apply(overrides=[GAIN.replace("101", "102")]))[0].ok
        for name in ("C1A", "C1B"):
            await box.kill(name)
        for name in ("C1A", "C1B"):
            await box.start(name)
        await box.run_for(10)
        active = box.active("C1")
        assert gain_of(box, active) == 2.7, "the operator's"
        assert box.controller(active).replica.engine.field("LIC-102.pid", "gain") == 3.0, "the file's"
        assert any("since the checkpoint" in event.text for event in recorder.events)

    in_box(story)


def test_the_journal_goes_on_with_numbers_that_were_never_given_out() -> None:
    """Events after the checkpoint have taken numbers that the checkpoint does not know of."""

    said: dict[str, set[str]] = {}

    async def hear(subject: str, payload: bytes) -> None:
        event = Event.from_bytes(payload)
        said.setdefault(event.id, set()).add(event.text)

    async def story(box: Box, recorder: Recorder) -> None:
        bus = await box.peers.bus("listener")
        await bus.subscribe(event_subject(box.config.name, "*"), hear)
        await box.run_for(10.37)  # from here on checkpoints are not made right after the scans
        for name in ("C1A", "C1B"):
            await box.kill(name)
        for name in ("C1A", "C1B"):
            await box.start(name)
        await operate(box)
        await box.run_for(15)
        assert (await box.command("C1", "set", "LIC-101.SP", 13.6)).ok
        for name in ("C1A", "C1B"):
            await box.kill(name)
        for name in ("C1A", "C1B"):
            await box.start(name)
        await box.run_for(10)
        for value in (13.7, 13.8, 13.9):
            assert (await box.command("C1", "set", "LIC-101.SP", value)).ok
        told = [event.new for event in recorder.events if event.subject == "LIC-101.SP"]
        assert told == [13.5, 13.6, 13.7, 13.8, 13.9]
        assert [texts for texts in said.values() if len(texts) > 1] == [], "one number, one event"

    in_box(story)


def test_a_damaged_checkpoint_is_told_and_not_used() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await operate(box)
        await box.run_for(15)
        for name in ("C1A", "C1B"):
            await box.kill(name)
            keep = box.peers.keep(name)
            packed = keep.read("checkpoint")
            assert packed
            keep.write("checkpoint", packed[:-7])
        for name in ("C1A", "C1B"):
            await box.start(name)
        await box.run_for(10)
        assert box.controller(box.active("C1")).replica.engine.field("LIC-101.pid", "sp") == 12.3
        assert sum("is not used: it was not written whole" in event.text for event in recorder.events) == 2

    in_box(story)
