"""The standby is taken out and brought back: what the lone controller depends on, and what the other one may do."""

import asyncio

import pytest

from tests.support.toy_pair import ToyBox, ToyController
from tests.unit.redundancy.test_runtime import assert_one_writer_continues_exactly, in_box, longest_gap_s, takeovers


async def take_out(box: ToyBox) -> ToyController:
    """The active, which stands alone now."""
    active = box.active
    assert active is not None
    ok, text = active.member.take_out("maintenance")
    assert ok, text
    await box.until(lambda: active.member.report().lease_left_ms == 0.0, 1, "the active stands alone")
    assert active.member.report().standby == "out"
    return active


def test_alone_it_depends_neither_on_the_witness_nor_on_the_other() -> None:
    async def scenario(box: ToyBox) -> None:
        active = await take_out(box)
        standby = box.standby
        await box.until(lambda: standby.member.state == "out", 1)
        since_s = box.loop.time()
        await box.kill("W1")
        await box.kill(standby.name)
        assert await active.command(5)
        await asyncio.sleep(3)
        assert box.active is active
        assert longest_gap_s(box, since_s) < 0.11

    box = in_box(scenario)
    assert_one_writer_continues_exactly(box)
    assert takeovers(box) == 1


def test_alone_it_starts_again_at_once_from_its_own_record_and_the_other_stays_out() -> None:
    async def scenario(box: ToyBox) -> None:
        active, standby = await take_out(box), box.standby
        await box.kill("W1")
        await box.kill(active.name)
        await asyncio.sleep(5)
        assert not standby.member.active
        box.start(active.name)
        took_s = await box.until(lambda: box.active is not None, 1)
        assert took_s < 0.05
        assert box.active.name == active.name  # type: ignore[union-attr]
        assert "acknowledged data may be lost" in box.story()

    in_box(scenario)


@pytest.mark.parametrize("was_dead", [False, True])
def test_who_was_taken_out_stays_passive_after_its_restart_too(was_dead: bool) -> None:
    async def scenario(box: ToyBox) -> None:
        name = box.standby.name
        if was_dead:
            await box.kill(name)
            await asyncio.sleep(0.5)
        active = await take_out(box)
        if not was_dead:
            await box.kill(name)
        await box.kill(active.name)
        box.start(name)  # the other one is dead, the witness is there
        await asyncio.sleep(10)
        assert box.active is None
        assert box.controllers[name].member.state == "out"

    in_box(scenario)


def test_brought_back_it_becomes_the_standby_without_a_gap() -> None:
    async def scenario(box: ToyBox) -> None:
        active = await take_out(box)
        await box.kill(box.standby.name)
        await asyncio.sleep(1)
        box.start(box.standby.name)
        await asyncio.sleep(1)
        ok, text = active.member.bring_back("done")
        assert ok, text
        assert active.member.report().standby == "out"
        await box.until(box.is_ready, 5)
        assert active.member.report().granting == 3
        await box.kill(active.name)
        await box.until(lambda: box.active is not None, 1)

    box = in_box(scenario)
    assert longest_gap_s(box) < 0.3
    assert_one_writer_continues_exactly(box)


@pytest.mark.parametrize("missing", ["W1", "standby"])
def test_it_is_not_brought_back_into_a_pair_that_is_not_whole(missing: str) -> None:
    async def scenario(box: ToyBox) -> None:
        active = await take_out(box)
        name = box.standby.name if missing == "standby" else missing
        await box.kill(name)
        await asyncio.sleep(0.5)
        ok, text = active.member.bring_back("too early")
        assert not ok
        assert text == (
            f"{box.standby.name} is not brought back, because there is no answer from {name}. {active.name} goes on "
            f"alone; start what is missing and ask again."
        )
        assert active.member.report().standby == "out"
        assert active.member.active

    in_box(scenario)


def test_without_another_voter_nobody_is_taken_out() -> None:
    """Both others are gone: nobody records it. The lease ends, and the wish is forgotten with it."""

    async def scenario(box: ToyBox) -> None:
        active = box.active
        assert active is not None
        standby = box.standby.name
        await box.kill("W1")
        await box.kill(standby)
        assert active.member.take_out("maintenance")[0]
        await asyncio.sleep(0.5)
        assert not active.member.active
        assert f"{standby} is not taken out (maintenance)" in box.story()
        box.start("W1", standby)
        await box.until(box.is_ready, 10)

    in_box(scenario)


def test_asked_at_the_wrong_place_it_says_so() -> None:
    async def scenario(box: ToyBox) -> None:
        active, standby = box.active, box.standby
        assert active is not None
        name = active.name
        assert standby.member.take_out("x") == (False, f"{standby.name} is not the active; ask {name}")
        assert active.member.bring_back("x") == (
            False,
            f"{standby.name} is not taken out: there is nobody to bring back",
        )
        await take_out(box)
        assert active.member.take_out("again") == (
            False,
            f"{standby.name} is not taken out: that has been asked for already",
        )
        assert active.member.switchover("x") == (
            False,
            f"no switchover: {standby.name} is taken out; bring it back first",
        )

    in_box(scenario)


def test_an_unpaired_controller_has_nobody_to_take_out() -> None:
    async def scenario(box: ToyBox) -> None:
        box.start("C1A")
        await box.until(lambda: box.active is not None, 1)
        alone = box.active
        assert alone is not None
        assert alone.member.take_out("x") == (False, "C1 is unpaired: there is no standby to take out")
        assert alone.member.bring_back("x") == (False, "C1 is unpaired: there is no standby to bring back")

    in_box(scenario, running=False, simplex=True)
