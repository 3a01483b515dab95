"""The two controllers run other software: the standby is mirrored by copy, and takes over all the same."""

from dcs.engine.memory import EVENT_HEAD
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from tests.simulation.test_divergence import flip, lines, same_memory, standby
from tests.support.boxes import in_box

OLD, NEW = "numba 0.60.0; processor skylake", "numba 0.61.2; processor skylake"
OVERRIDE = "control.modules.LIC-101.blocks.pid.gain=3.0"


async def other_software(box: Box) -> tuple[str, str]:
    """(active, standby); the standby came back with older software."""
    await box.run_for(30)
    active, other = box.active("C1"), standby(box)
    box.controller(active).execution.software_here = NEW
    await box.kill(other)
    await box.run_for(2)
    await box.start(other)
    box.controller(other).execution.software_here = OLD
    await box.run_for(20)
    return active, other


def computes_otherwise(box: Box, name: str) -> None:
    """Other software gives other bits: whatever this controller would execute itself is a little different."""
    engine = box.controller(name).replica.engine
    scan = engine.scan

    def other_bits(class_index: int, time_ns: int, slips: int = 0) -> None:
        flip(box, name, "integral_pct", bit=0)
        scan(class_index, time_ns, slips)

    engine.scan = other_bits  # type: ignore[method-assign]


def test_other_software_is_told_and_mirrored_by_copy() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        active, other = await other_software(box)
        computes_otherwise(box, other)
        assert (await box.command("C1", "set", "LIC-101.GAIN", 2.5)).ok
        await box.run_for(60)
        (line,) = lines(recorder, "other software")
        assert "numba 0.60.0 there, numba 0.61.2 here" in line
        assert "mirrored by copy" in line
        assert "mirrored by copy" in box.controller(active).report().detail
        assert box.controller(other).report().state == "ready"
        assert not lines(recorder, "differs"), "what it holds is compared, not what it would compute"
        assert await same_memory(box)

    in_box(story)


def test_a_standby_that_is_mirrored_by_copy_takes_over_with_everything() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        active, other = await other_software(box)
        assert (await box.command("C1", "set", "LIC-101.GAIN", 2.5)).ok
        told = [event for event in box.controller(active).replica.recent_events if event.kind == "operator"]
        sequence = box.controller(active).replica.engine.memory.view("i8")[EVENT_HEAD]
        await box.kill(active)
        await box.run_for(5)
        assert box.active("C1") == other
        replica = box.controller(other).replica
        assert replica.engine.field("LIC-101.pid", "gain") == 2.5
        assert told, "the command is in the journal"
        assert told[-1] in replica.recent_events, "with its author: it may not have been published yet"
        assert replica.engine.memory.view("i8")[EVENT_HEAD] >= sequence, "numbers of events are not given out twice"
        assert (await box.command("C1", "set", "LIC-101.GAIN", 3.5)).ok
        await box.start(active)
        box.controller(active).execution.software_here = OLD
        await box.run_for(10)
        assert await same_memory(box)
        assert box.controller(other).report().detail == "", "the same software on both: repeated again"

    in_box(story)


def test_a_repeated_command_is_answered_from_the_copied_book() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        active, other = await other_software(box)
        assert (await box.command("C1", "set", "LIC-101.GAIN", 2.5)).ok
        ids = list(box.controller(active).replica._book._replies)
        assert ids == list(box.controller(other).replica._book._replies)
        assert box.controller(other).replica.answered(ids[-1])

    in_box(story)


def test_an_online_change_reaches_a_standby_that_is_mirrored_by_copy() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        active, other = await other_software(box)
        replies = await box.apply(overrides=[OVERRIDE])
        assert [reply.ok for reply in replies] == [True], replies
        await box.run_for(20)
        keys = {box.controller(name).replica.program.key for name in (active, other)}
        assert len(keys) == 1
        assert box.controller(other).replica.engine.field("LIC-101.pid", "gain") == 3.0
        assert not lines(recorder, "differs")
        assert await same_memory(box)

    in_box(story)


def test_a_flip_in_what_the_standby_holds_is_seen_and_copied_anew() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        active, other = await other_software(box)
        flip(box, other, "gain")
        await box.run_for(40)
        assert lines(recorder, "differs")
        assert box.active("C1") == active
        assert await same_memory(box)
        assert box.controller(other).report().state == "ready"

    in_box(story)
