"""The redundancy protocol under random trouble: no promise broken, and every broken rule is noticed."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from dcs.redundancy.protocol.phases import TRANSITIONS, Phase, Transition
from tests.simulation import redundancy_mutants as mutants
from tests.simulation import redundancy_mutants_of_sets as sets
from tests.simulation.redundancy_checkers import Broken, Faults
from tests.simulation.redundancy_mutant import Mutant
from tests.simulation.redundancy_quiet import STORIES, Quiet, run_quiet
from tests.simulation.redundancy_world import World, run
from tests.simulation.swarm.mutants import OF_THE_ASSEMBLY

SEEDS = range(40)
PAGE = (Path(__file__).parents[2] / "docs" / "explanations" / "redundancy.md").read_text(encoding="utf-8")


def test_no_seed_breaks_a_promise_and_enough_happens() -> None:
    """Promise: one writer, growing epochs, nothing answered is lost, life after healing."""
    counts: Counter[str] = Counter()
    transitions: Counter[Transition] = Counter()
    with_takeover = 0
    for seed in SEEDS:
        print(f"seed {seed}")
        checkers = run(seed).checkers
        counts.update(checkers.counts)
        transitions.update(checkers.transitions)
        with_takeover += checkers.counts["takeovers"] > 0
    never = [row for row in TRANSITIONS if not transitions[row]]
    print(counts, *never, sep="\n")
    assert with_takeover >= 0.9 * len(SEEDS)
    assert len(never) <= len(TRANSITIONS) // 4
    for what, least in {
        "takeovers": 60,
        "exclusions": 100,
        "copies": 100,
        "cold starts": 24,
        "lease losses": 50,
        "stale writes refused": 3,
        "handovers": 3,
        "crashes": 50,
        "cuts": 40,
        "pauses": 100,
        "answered": 2000,
        "taken out": 5,
        "brought back": 5,
    }.items():
        assert counts[what] >= least, f"too little happened to prove anything: {what} {counts[what]}"


def test_a_run_is_repeated_to_the_bit_by_its_seed() -> None:
    first, again = run(5, trouble_s=3.0, trace=True), run(5, trouble_s=3.0, trace=True)
    assert first.trace == again.trace
    assert first.checkers.counts == again.checkers.counts


# Cheap to catch here; all of them are hunted by `python -m tests.simulation.redundancy --mutants --seeds 1000`.
@pytest.mark.parametrize(
    ("mutant", "seed"),
    [
        (mutants.NoCheckAtSend, 0),
        (mutants.PromiseIgnored, 0),
        (mutants.StaleStandbyEligible, 0),
        (mutants.AnswerBeforeMirror, 2),
        (mutants.DeviceIgnoresEpochs, 3),
    ],
)
def test_a_broken_rule_is_noticed(mutant: type[Mutant], seed: int) -> None:
    for candidate in range(seed, seed + 20):
        try:
            run(candidate, mutant())
        except Broken as exc:
            print(exc.args[0])
            return
    pytest.fail(f"{mutant.__name__} survived seeds {seed}–{seed + 19}")


def rows_of(heading: str) -> list[list[str]]:
    """The rows below a table's heading."""
    table = PAGE[PAGE.index(heading) :].split("\n\n")[0]
    return [line.split("|") for line in table.splitlines()[2:]]


def names_in(rows: list[list[str]]) -> set[str]:
    return {name.strip() for row in rows for name in row[2].replace("(a hang is not seen)", "").split(",")}


def test_every_rule_has_a_mutant_and_every_mutant_is_in_the_table() -> None:
    rows = rows_of("| rule | broken as (")
    assert [row[1].split()[0] for row in rows] == [*map(str, range(1, 12)), "11a", *map(str, range(12, 19))]
    assert names_in(rows) == {mutant.__name__ for mutant in mutants.MUTANTS}
    assert all(len(row[2].split(",")) == len(row[4].split(",")) for row in rows), "one seed for each mutant"
    whole = names_in(rows_of("| rule | broken as | what"))
    assert whole == {mutant.__name__ for mutant in OF_THE_ASSEMBLY} | {"NoCheckAtSend"}


@pytest.mark.parametrize("seed", range(2 * len(STORIES)))
def test_one_fault_in_a_quiet_network_does_what_it_must_and_no_more(seed: int) -> None:
    """Promise: S2, and a takeover well within 150 ms."""
    print(STORIES[seed % len(STORIES)].__name__)
    run_quiet(seed)


@pytest.mark.parametrize(
    ("mutant", "story"),
    [
        (sets.WishNotWithdrawn, Quiet.dies_while_it_asks_to_stand_alone),
        (sets.LateWordEndsTheSet, Quiet.old_words_arrive_while_it_stands_alone),
        (sets.LoneControllerNeedsALease, Quiet.standby_is_taken_out_and_everything_else_dies),
        (sets.FirstWriteWaitsForTheScan, Quiet.active_dies),
        (sets.DeviceRefusalIgnored, Quiet.device_knows_a_higher_epoch),
        (sets.BlindCandidateAsks, Quiet.blind_standby),
        (mutants.UnmirroredModeClearedLate, Quiet.copy_is_complete_and_the_active_does_not_hear_it),
        (mutants.NoSessionInAcks, Quiet.old_acknowledgements_arrive_after_a_cold_start),
        (mutants.NoWaitAfterRestart, Quiet.witness_restarts_while_the_standby_asks_it),
    ],
)
def test_a_broken_rule_is_noticed_in_a_quiet_network(mutant: type[Mutant], story: Callable[[Quiet], None]) -> None:
    for seed in range(STORIES.index(story), 12 * len(STORIES), len(STORIES)):
        try:
            run_quiet(seed, mutant())
        except Broken as exc:
            print(exc.args[0])
            return
    pytest.fail(f"{mutant.__name__} survived 12 times {story.__name__}")


@pytest.mark.parametrize("seed", range(3))
def test_without_trouble_nothing_happens(seed: int) -> None:
    """Promise: one start, one copy, and then only scans, whatever the clocks' rates."""
    world = World(seed, faults=Faults())
    world.start()
    world.run_until(20_000_000_000)
    counts = world.checkers.counts
    assert world.is_whole()
    assert counts["cold starts"] == 1
    assert counts["copies"] == 1
    assert counts["takeovers"] == counts["exclusions"] == counts["lease losses"] == 0
    assert counts["records saved"] < 20


def test_a_switchover_that_waits_for_the_standby_does_not_spin() -> None:
    """A better field path was about to be waited for; on command the switchover is begun before."""
    quiet = Quiet(0, None, False)
    active, standby = quiet.active, quiet.standby
    member, now_ns = active.member, active.local_ns()
    assert member is not None
    quiet.cut((active.name, standby.name), (standby.name, active.name), for_ns=1_000_000_000)
    quiet.run(1)
    member.submit(now_ns, member.source.submitted_seq + 1, b"", b"")  # not acknowledged: the switchover must wait
    member.field_choice.due_ns = now_ns + 5_000_000
    assert member.switchover(now_ns, "on command")[0]
    assert member.phase is Phase.HANDING_OVER
    later_ns = now_ns + 6_000_000
    member.on_time(later_ns)
    assert member.next_due_ns() > later_ns
