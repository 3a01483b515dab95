"""A bit flips somewhere in a running pair: it is seen, the right one of the two goes on, and nothing is silent."""

from collections.abc import Callable

import pytest

from dcs.node.box import Box
from dcs.node.recorder import Recorder
from dcs.node.replica import DIGEST_PARTS
from tests.support.boxes import in_box

TAG, BLOCK = "LIC-101.GAIN", "LIC-101.pid"


def flip(box: Box, name: str, field: str, block: str = BLOCK, bit: int = 62) -> None:
    """One bit of one number in the memory of one controller."""
    engine = box.controller(name).replica.engine
    index = next(at for at, record in enumerate(engine.plan.records) if record.name == block)
    byte = 8 * engine.plan.word_of(index, field) + bit // 8
    engine.memory[byte] ^= 1 << bit % 8


def flip_the_part_just_compared(box: Box, name: str) -> None:
    """In a part of the memory that is compared last of all, and that no block reads: the end of the event ring."""
    engine = box.controller(name).replica.engine
    part = box.controller(name).replica.scan % DIGEST_PARTS
    size = -(-engine.plan.words // DIGEST_PARTS)
    engine.memory[8 * (part * size + size // 2)] ^= 1


def lines(recorder: Recorder, words: str) -> list[str]:
    return [event.text for event in recorder.events if event.kind == "redundancy" and words in event.text]


def standby(box: Box) -> str:
    return next(name for name in ("C1A", "C1B") if name != box.active("C1"))


async def same_memory(box: Box) -> bool:
    a, b = (box.controller(name).replica for name in ("C1A", "C1B"))
    for _ in range(20):
        if a.scan == b.scan:
            return a.engine.snapshot() == b.engine.snapshot()
        await box.run_for(0.01)
    return False


@pytest.mark.parametrize("field", ["integral_pct", "gain", "ti_s"])
def test_a_flip_in_the_standby_is_its_own_fault_and_it_is_given_a_new_copy(field: str) -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(60)
        active = box.active("C1")
        flip(box, standby(box), field)
        await box.run_for(40)
        assert box.active("C1") == active, "the one that is right goes on"
        assert lines(recorder, "differs")
        assert lines(recorder, "its memory was damaged")
        assert lines(recorder, "has a complete copy and is ready")
        assert await same_memory(box)
        assert box.controller(active).report().detail == ""

    in_box(story)


@pytest.mark.parametrize("field", ["integral_pct", "gain"])
def test_a_flip_in_the_active_makes_the_standby_take_over(field: str) -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(60)
        assert (await box.command("C1", "set", TAG, 2.5)).ok
        damaged = box.active("C1")
        flip(box, damaged, field)
        await box.run_for(40)
        assert box.active("C1") != damaged, "who cannot repeat its own result withdraws"
        assert lines(recorder, "the standby is right and takes over")
        assert lines(recorder, "handed over")
        engine = box.controller(box.active("C1")).replica.engine
        assert engine.field(BLOCK, "gain") == 2.5, "what was answered is in the right copy"
        assert await same_memory(box)
        assert (await box.command("C1", "set", TAG, 3.5)).ok

    in_box(story)


@pytest.mark.parametrize("who", ["active", "standby"])
def test_a_silent_flip_shows_within_sixteen_scans(who: str) -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(60)
        name = box.active("C1") if who == "active" else standby(box)
        flip_the_part_just_compared(box, name)
        period_s = box.controller(name).replica.program.scan_classes[0].period_ns / 1e9
        await box.run_for((DIGEST_PARTS + 1) * period_s)
        assert lines(recorder, "differs")
        await box.run_for(30)
        assert box.active("C1") != name
        assert await same_memory(box)

    in_box(story)


def both_repeat(box: Box) -> None:
    """The two compute differently, each of them the same again and again: nobody can say who is wrong."""
    replica = box.controller(standby(box)).replica
    truly: Callable[..., bytes] = replica._digest
    replica._digest = lambda replies: b"mine" + truly(replies)  # type: ignore[method-assign]
    execution = box.controller(standby(box)).execution
    execution._retrace.repeats = lambda seq, make_engine: True  # type: ignore[method-assign]


def test_when_both_repeat_their_own_result_nobody_is_copied_until_somebody_asks() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(60)
        active, other = box.active("C1"), standby(box)
        right = box.controller(other).replica._digest
        both_repeat(box)
        await box.run_for(40)
        assert box.active("C1") == active
        assert (await box.command("C1", "set", TAG, 2.5)).ok, "the active goes on, alone"
        assert lines(recorder, "no copy is made until somebody has found out why")
        report = box.controller(active).report()
        assert "no copy to the standby: results of scan" in report.detail
        assert "both repeat their own result" in report.detail
        copies = box.controller(active).member.report().copies
        await box.run_for(60)
        assert box.controller(active).member.report().copies == copies
        box.controller(other).replica._digest = right  # type: ignore[method-assign]
        assert box.controller(active).member.resynchronise()[0]
        await box.run_for(10)
        assert box.controller(active).report().detail == ""
        assert await same_memory(box)

    in_box(story)


def test_a_result_that_was_announced_wrongly_is_the_fault_of_who_announced_it() -> None:
    """The digest itself was damaged, once, on the active: it cannot repeat what it said."""

    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(60)
        name = box.active("C1")
        replica = box.controller(name).replica
        truly = replica._digest

        def damaged(replies: list) -> bytes:  # type: ignore[type-arg]
            replica._digest = truly  # type: ignore[method-assign]
            digest = bytearray(truly(replies))
            digest[3] ^= 4
            return bytes(digest)

        replica._digest = damaged  # type: ignore[method-assign]
        await box.run_for(40)
        assert box.active("C1") != name
        assert await same_memory(box)

    in_box(story)
