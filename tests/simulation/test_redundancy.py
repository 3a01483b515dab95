"""The redundancy protocol under random trouble: no promise broken, and every broken rule is noticed."""

from collections import Counter

import pytest

from tests.simulation import redundancy_mutants as mutants
from tests.simulation.redundancy_checkers import Broken, Faults
from tests.simulation.redundancy_world import World, run

SEEDS = range(40)


def test_no_seed_breaks_a_promise_and_enough_happens() -> None:
    """Promise: one writer, growing epochs, nothing answered is lost, life after healing."""
    counts: Counter[str] = Counter()
    for seed in SEEDS:
        print(f"seed {seed}")
        counts.update(run(seed, trouble_s=8.0).checkers.counts)
    print(counts)
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
        (mutants.UnmirroredModeClearedLate, 30),
    ],
)
def test_a_broken_rule_is_noticed(mutant: type[mutants.Mutant], seed: int) -> None:
    for candidate in range(seed, seed + 20):
        try:
            run(candidate, mutant())
        except Broken as exc:
            print(exc.args[0])
            return
    pytest.fail(f"{mutant.__name__} survived seeds {seed}–{seed + 19}")


def test_every_row_of_the_table_has_a_mutant() -> None:
    assert len(mutants.MUTANTS) == 17


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
