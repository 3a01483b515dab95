"""A pair in the box: takeover, switchover, return, and every single failure that must change nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest

from dcs.core.clock import NS_PER_MS
from dcs.core.simulated_time import run_simulated
from dcs.redundancy.store import MemoryStore
from dcs.redundancy.transport import MemoryNetwork
from tests.support.toy_pair import ToyBox

Scenario = Callable[[ToyBox], Awaitable[None]]


def in_box(scenario: Scenario, running: bool = True, **options: Any) -> ToyBox:
    boxes: list[ToyBox] = []

    async def main(loop: Any) -> None:
        box = ToyBox(loop, **options)
        boxes.append(box)
        try:
            if running:
                await box.running_pair()
            await scenario(box)
        finally:
            await box.stop()

    run_simulated(main)
    return boxes[0]


def assert_one_writer_continues_exactly(box: ToyBox) -> None:
    """Scans without gap or repetition, epochs that only grow, one writer each."""
    scans = [scan for _, _, _, scan, _ in box.writes]
    assert scans == list(range(scans[0], scans[0] + len(scans)))
    epochs = [epoch for _, _, epoch, _, _ in box.writes]
    assert epochs == sorted(epochs)
    assert len({(who, epoch) for _, who, epoch, _, _ in box.writes}) == len(set(epochs))


def longest_gap_s(box: ToyBox, since_s: float = 0.0) -> float:
    times = [at for at, *_ in box.writes if at >= since_s]
    return max(later - earlier for earlier, later in pairwise(times))


def takeovers(box: ToyBox) -> int:
    return sum(role == "active" for c in box.controllers.values() for _, role, _ in c.role_changes)


def test_the_first_start_gives_one_active_and_a_ready_standby() -> None:
    async def scenario(box: ToyBox) -> None:
        assert box.loop.time() < 3.0
        active, standby = box.active, box.standby
        assert active is not None
        assert active.member.report().granting == 3
        assert (active.member.state, standby.member.state) == ("active", "ready")
        assert standby.member.report().sync_pct == 100.0
        assert [link.state for link in standby.member.report().links] == ["up", "up"]

    in_box(scenario)


def test_the_standby_takes_over_from_a_dead_active_and_continues_exactly() -> None:
    async def scenario(box: ToyBox) -> None:
        active, standby = box.active, box.standby
        assert active is not None
        assert await active.command(5)
        assert await active.command(7)
        await box.kill(active.name)
        took_s = await box.until(lambda: standby.member.active, 1.0, "takeover")
        assert took_s <= 0.13, "lease, two messages"
        await asyncio.sleep(0.5)
        assert standby.state["total"] == 12
        assert box.writes[-1][1:3] == (standby.name, 2)

    box = in_box(scenario)
    assert_one_writer_continues_exactly(box)
    assert longest_gap_s(box) <= 0.31, "lease + one scan"


def test_the_restarted_one_comes_back_as_ready_standby_with_everything() -> None:
    async def scenario(box: ToyBox) -> None:
        name = box.active.name  # type: ignore[union-attr]
        await box.active.command(5)  # type: ignore[union-attr]
        await box.kill(name)
        await asyncio.sleep(1.0)
        box.start(name)
        await box.until(box.is_ready, 2.0, "a ready standby again")
        back = box.controllers[name]
        assert (back.member.state, back.member.role) == ("ready", "standby")
        assert back.state == box.active.state  # type: ignore[union-attr]
        await box.kill(box.active.name)  # type: ignore[union-attr]
        await box.until(lambda: box.active is back, 1.0, "the second takeover")
        assert back.state["total"] == 5
        await asyncio.sleep(0.5)

    box = in_box(scenario, padding=700_000)
    assert_one_writer_continues_exactly(box)


def test_a_commanded_switchover_loses_no_scan_and_needs_no_lease_to_run_out() -> None:
    async def scenario(box: ToyBox) -> None:
        await asyncio.sleep(1.0)
        active, standby = box.active, box.standby
        assert active is not None
        assert standby.member.switchover("test") == (False, f"{standby.name} is not the active; ask {active.name}")
        ok, text = active.member.switchover("test")
        assert ok, text
        assert not active.member.may_write(active.clock.monotonic_ns()), "the gate closes first"
        took_s = await box.until(lambda: standby.member.active, 1.0, "handover")
        assert took_s <= 0.01
        assert standby.role_changes[-1][2] == f"handed over by {active.name}"
        await box.until(box.is_ready, 1.0, "the old active as standby")
        assert active.member.state == "ready"

    box = in_box(scenario)
    assert_one_writer_continues_exactly(box)
    assert longest_gap_s(box) <= 0.101


def test_a_switchover_without_a_ready_standby_is_refused_with_the_reason() -> None:
    async def scenario(box: ToyBox) -> None:
        standby = box.standby.name
        await box.kill(standby)
        await asyncio.sleep(0.5)
        assert box.active is not None
        ok, text = box.active.member.switchover("test")
        assert (ok, text) == (False, f"no switchover: {standby} is not ready, it has no complete copy yet")
        await asyncio.sleep(0.5)

    assert takeovers(in_box(scenario)) == 1


@pytest.mark.parametrize("lost", ["witness", "standby", "pair link", "active to witness", "standby to witness"])
def test_one_failure_changes_nothing(lost: str) -> None:
    """Promise S2: the active stays, no scan is missed, commands are answered."""

    async def scenario(box: ToyBox) -> None:
        active, standby = box.active, box.standby
        assert active is not None
        since_s = box.loop.time()
        match lost:
            case "witness":
                await box.kill("W1")
            case "standby":
                await box.kill(standby.name)
            case "pair link":
                box.network.cut(active.name, standby.name)
            case "active to witness":
                box.network.cut(active.name, "W1")
            case _:
                box.network.cut(standby.name, "W1")
        asked_s = box.loop.time()
        assert await active.command(3)
        assert box.loop.time() - asked_s <= 0.3, "answered within two scans and an exclusion"
        await asyncio.sleep(5.0)
        assert box.active is active
        assert longest_gap_s(box, since_s) <= 0.101
        if lost in ("witness", "standby", "active to witness"):
            assert active.member.report().granting == 2
            assert any("redundancy degraded: 2 of 3" in text for _, _, text in box.events)
        box.network.heal()
        if lost in ("witness", "standby"):
            box.start("W1" if lost == "witness" else standby.name)
        await box.until(lambda: box.is_ready() and active.member.report().granting == 3, 3.0, "whole again")
        assert box.active is active

    box = in_box(scenario)
    assert takeovers(box) == 1
    assert_one_writer_continues_exactly(box)


def test_both_others_lost_the_active_stops_within_its_hold_time_and_resumes_without_loss() -> None:
    """Promise S4: nobody writes rather than two; and the lone one goes on when a voter is back."""

    async def scenario(box: ToyBox) -> None:
        active = box.active
        assert active is not None
        assert await active.command(4)
        standby = box.standby.name
        lost_ns = active.clock.monotonic_ns()
        await box.kill("W1")
        await box.kill(standby)
        await box.until(lambda: not active.member.may_write(active.clock.monotonic_ns()), 1.0)
        assert active.clock.monotonic_ns() - lost_ns <= box.config.timing.hold_ns
        assert not await active.command(100), "nobody holds the authority: not answered"
        await asyncio.sleep(1.0)
        assert active.member.role == "standby"
        box.start("W1")
        await box.until(lambda: active.member.active, 1.0, "the lone one resumes")
        assert active.state["total"] in (4, 104)
        assert not any("acknowledged data may be lost" in text for at, _, text in box.events if at > 3.0)

    assert_one_writer_continues_exactly(in_box(scenario))


def test_a_hanging_scan_gives_the_authority_away() -> None:
    async def scenario(box: ToyBox) -> None:
        active, standby = box.active, box.standby
        assert active is not None
        active.hangs = True
        took_s = await box.until(lambda: standby.member.active, 1.0, "takeover")
        assert took_s <= 0.13
        assert active.role_changes[-1][1:] == ("standby", "the lease ended")

    assert_one_writer_continues_exactly(in_box(scenario))


def test_an_isolated_active_stops_before_the_other_starts_and_comes_back_as_standby() -> None:
    async def scenario(box: ToyBox) -> None:
        active, standby = box.active, box.standby
        assert active is not None
        box.network.cut(active.name, standby.name)
        box.network.cut(active.name, "W1")
        await box.until(lambda: standby.member.active, 1.0, "takeover")
        assert not active.member.may_write(active.clock.monotonic_ns())
        await asyncio.sleep(3.0)
        assert active.member.state == "isolated"
        box.network.heal()
        await box.until(box.is_ready, 2.0, "the old one is synchronised")
        assert box.active is standby

    in_box(scenario, rates={"C1A": 0.98, "C1B": 1.02, "W1": 1.02})


def test_a_standby_that_computes_differently_is_told_and_synchronised_anew() -> None:
    async def scenario(box: ToyBox) -> None:
        standby = box.standby
        standby.spoils_scan = standby.state["scan"] + 3
        await box.until(lambda: standby.member.report().mismatches == 1, 1.0)
        await box.until(box.is_ready, 1.0, "ready after a new copy")
        assert standby.state == box.active.state  # type: ignore[union-attr]
        assert any("differs from the active's" in text for _, _, text in box.events)

    assert takeovers(in_box(scenario)) == 1


def test_an_unpaired_controller_is_active_at_once_and_depends_on_nobody() -> None:
    async def scenario(box: ToyBox) -> None:
        box.start("C1A")
        await asyncio.sleep(0.15)
        alone = box.controllers["C1A"]
        assert await alone.command(2)
        await asyncio.sleep(1.0)
        assert (alone.member.state, alone.member.role, alone.member.epoch) == ("active", "active", 1)
        assert alone.member.switchover("test")[0] is False
        await box.kill("C1A")
        assert not alone.member.may_write(alone.clock.monotonic_ns())
        box.start("C1A")
        await asyncio.sleep(0.3)
        assert box.controllers["C1A"].member.epoch == 2, "epochs grow over restarts"

    box = in_box(scenario, running=False, simplex=True)
    assert [epoch for _, _, epoch, _, _ in box.writes] == sorted(epoch for _, _, epoch, _, _ in box.writes)


def test_two_without_a_witness_start_together_and_one_alone_does_not() -> None:
    async def scenario(box: ToyBox) -> None:
        box.start("C1A")
        await asyncio.sleep(5.0)
        assert box.active is None
        assert box.controllers["C1A"].member.state == "isolated"
        box.start("C1B")
        await box.until(box.is_ready, 5.0, "a pair")

    in_box(scenario, running=False)


def test_a_corrupt_voter_record_does_not_stop_the_pair_and_is_rebuilt() -> None:
    async def scenario(box: ToyBox) -> None:
        active, standby = box.active, box.standby.name
        await box.kill(standby)
        await asyncio.sleep(0.5)
        box.stores[standby].corrupt("C1")
        box.start(standby)
        await box.until(box.is_ready, 3.0, "a ready standby")
        await box.until(lambda: active.member.report().granting == 3, 5.0, "three votes")  # type: ignore[union-attr]
        assert any("rebuilt from the two other voters" in text for _, _, text in box.events)
        assert box.active is active

    in_box(scenario)


def test_a_better_field_path_wins_the_authority_once_in_ten_seconds() -> None:
    async def scenario(box: ToyBox) -> None:
        active, standby = box.active, box.standby
        assert active is not None
        active.reaches(0, 1)
        standby.reaches(0, 1)
        await asyncio.sleep(11.0)
        assert box.active is active
        active.reaches(0)
        await box.until(lambda: standby.member.active, 1.0, "handover for the field's sake")
        assert active.role_changes[-1][2] == f"handed over to {standby.name}: " + (
            f"{active.name} does not reach RTU-2, {standby.name} does"
        )
        active.reaches(0, 1)
        standby.reaches()
        await asyncio.sleep(5.0)
        assert box.active is standby, "not again at once, even for a total loss"
        await box.until(lambda: box.active is active, 6.0, "back after ten seconds")

    assert_one_writer_continues_exactly(in_box(scenario))


def test_the_loss_of_all_devices_is_taken_over_at_once_and_a_switchover_to_the_blind_is_refused() -> None:
    async def scenario(box: ToyBox) -> None:
        active, standby = box.active, box.standby
        assert active is not None
        standby.reaches(0, 1)
        active.reaches(0, 1)
        active.reaches()
        await box.until(lambda: standby.member.active, 0.1, "handover, a moment after the start")
        await asyncio.sleep(1.0)
        assert standby.member.switchover("on command") == (
            False,
            f"no switchover: {active.name} does not reach RTU-1, RTU-2, {standby.name} does",
        )

    assert_one_writer_continues_exactly(in_box(scenario))


def test_a_bug_in_the_controller_ends_the_node() -> None:
    async def main(loop: Any) -> None:
        box = ToyBox(loop)
        await box.running_pair()

        def broken(seq: int, record: bytes) -> bytes:
            raise ZeroDivisionError

        standby = box.standby
        standby.execute = broken  # type: ignore[method-assign]
        task = box._tasks.pop(standby.name)
        with pytest.raises(ExceptionGroup) as caught:
            await task
        assert caught.group_contains(ZeroDivisionError)
        assert standby.member.state == "failed"
        await box.stop()

    run_simulated(main)


def test_noise_on_the_link_is_counted_and_dropped() -> None:
    async def scenario(box: ToyBox) -> None:
        active = box.active
        assert active is not None
        box.network.post(box.standby.name, active.name, b"noise", in_order=False)
        box.network.post("W1", active.name, b"", in_order=False)
        await asyncio.sleep(0.5)
        assert active.member.report().malformed == 2
        assert box.is_ready()

    in_box(scenario)


def test_a_bad_network_costs_copies_but_never_a_command() -> None:
    async def scenario(box: ToyBox) -> None:
        total = 0
        for amount in range(1, 60):
            active = box.active
            if active is not None and await active.command(amount):
                total += amount
            if amount == 30:
                await box.until(lambda: box.active is not None and box.active.member.standby_ready, 10)
                assert box.active is not None
                name = box.active.name
                await box.kill(name)
                await asyncio.sleep(0.5)
                box.start(name)
            await asyncio.sleep(0.05)
        await box.until(lambda: box.active is not None, 10)
        assert box.active.state["total"] >= total  # type: ignore[union-attr]

    network = MemoryNetwork(seed=3, jitter_ns=5 * NS_PER_MS, loss=0.05, repeat=0.05)
    in_box(scenario, network=network)


def test_a_run_is_repeated_exactly() -> None:
    def story() -> list[Any]:
        async def scenario(box: ToyBox) -> None:
            await box.kill(box.active.name)  # type: ignore[union-attr]
            await asyncio.sleep(2.0)

        network = MemoryNetwork(seed=3, jitter_ns=5 * NS_PER_MS, loss=0.05, repeat=0.05)
        box = in_box(scenario, network=network)
        return [box.writes, box.events]

    assert story() == story()


def test_durable_writes_happen_at_changes_of_authority_only() -> None:
    stores: list[MemoryStore] = []

    async def scenario(box: ToyBox) -> None:
        stores.extend(box.stores.values())
        before = [store.saves for store in stores]
        await asyncio.sleep(20.0)
        assert [store.saves for store in stores] == before

    in_box(scenario)
    assert len(stores) == 3
