"""Seeds that once broke a promise, and what the simulation itself promises: repeatable, and able to fail."""

import pytest

from tests.simulation import redundancy_mutants as mutants
from tests.simulation.redundancy_mutant import Mutant
from tests.simulation.swarm import mutants as of_the_assembly
from tests.simulation.swarm.campaign import quiet_logs
from tests.simulation.swarm.draw import draw
from tests.simulation.swarm.hunt import first_that_catches
from tests.simulation.swarm.regressions import KEPT, Kept
from tests.simulation.swarm.run import run_seed
from tests.simulation.swarm.single import FAULTS, run_some


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: f"{kept.plant}-{kept.seed}")
def test_a_seed_that_once_broke_a_promise_keeps_them_all(kept: Kept) -> None:
    with quiet_logs():
        result = run_seed(kept.plant, kept.seed)
    assert not result.broken, f"{kept.finding}: {result.broken}\n{result.replay}"


def test_a_run_is_repeated_to_the_bit_by_its_seed() -> None:
    with quiet_logs():
        first, again = (run_seed("quadruple_tank", 5, minutes=4.0, trace=True) for _ in range(2))
    assert len(first.story) > 20
    assert first == again


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_one_failure_changes_nothing(fault: str) -> None:
    """Promise S2: no switchover, no scan without its outputs, whole again. ``make long`` has 200 of each."""
    with quiet_logs():
        result = run_some("quadruple_tank", fault, seed=7, trials=8)
    assert not result.broken, f"{result.broken}\n{result.replay}"
    assert result.counts["trials"] == 8


# Cheap to catch here; all of them are hunted by `python -m tests.simulation quadruple_tank --mutants --seeds 500`.
@pytest.mark.parametrize(
    ("mutant", "first"),
    [
        (mutants.PromiseIgnored, 0),
        (mutants.NoCheckAtSend, 5_000_005),
        (of_the_assembly.EventNumbersGoOn, 5_000_000),
        (of_the_assembly.WatchdogSleeps, 5_000_000),
        (of_the_assembly.ResultsNotCompared, 0),
    ],
)
def test_a_broken_rule_is_noticed(mutant: type[Mutant], first: int) -> None:
    found = first_that_catches("quadruple_tank", mutant, range(first, first + 20))
    assert found is not None, f"{mutant.__name__} survived 20 seeds"
    print(f"seed {found.seed}: {found.broken}")


def test_kinds_of_trouble_are_drawn_each_by_itself() -> None:
    """Promise: some runs have few kinds of trouble, and no kind is in all of them."""
    drawn = [draw(seed) for seed in range(200)]
    for kind in ("loss", "tail", "crash_s", "pause_s", "stop_s", "cut_s", "bus_s", "cable_s", "hang_s", "device_s"):
        share = sum(getattr(one, kind) > 0 for one in drawn) / len(drawn)
        assert 0.2 < share < 0.8, f"{kind} is in {share:.0%} of the runs"
