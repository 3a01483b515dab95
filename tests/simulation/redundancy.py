"""Many seeds of the redundancy simulation: ``python -m tests.simulation.redundancy --seeds 1000``.

Prints what happened (a run in which nothing happened proves nothing), every violation with its seed, and with
``--mutants`` the first seed that catches each mutant. ``--trace SEED`` tells the story of one run.
"""

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from dcs.redundancy.protocol.phases import TRANSITIONS, Transition
from tests.simulation.redundancy_checkers import Broken, Checkers
from tests.simulation.redundancy_mutant import Mutant
from tests.simulation.redundancy_mutants import MUTANTS
from tests.simulation.redundancy_quiet import run_quiet
from tests.simulation.redundancy_world import run


@dataclass
class Found:
    """What many seeds have shown."""

    seeds: int = 0
    with_takeover: int = 0  # seeds in which a standby with complete data took over; cold starts alone do not count
    counts: Counter[str] = field(default_factory=Counter)
    transitions: Counter[Transition] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    gaps_ms: list[float] = field(default_factory=list)  # between writes of successive holders, in all trouble
    takeovers_ms: list[float] = field(default_factory=list)  # fault to first write, in a quiet network

    def add(self, checkers: Checkers) -> None:
        """One run."""
        self.counts.update(checkers.counts)
        self.transitions.update(checkers.transitions)
        self.gaps_ms += checkers.gaps_ms
        self.takeovers_ms += checkers.takeovers_ms

    def never(self) -> list[Transition]:
        """Declared transitions that no run has taken."""
        return [row for row in TRANSITIONS if not self.transitions[row]]

    def told(self) -> str:
        """For people."""
        lines = [
            f"a takeover in {100 * self.with_takeover / max(self.seeds, 1):.0f} % of the seeds with trouble",
            ", ".join(f"{name} {count}" for name, count in sorted(self.counts.items())),
            _quantiles("between writes of successive epochs, in all trouble", self.gaps_ms),
            _quantiles("from a fault to the standby's first write, in a quiet network", self.takeovers_ms),
            f"transitions: {len(TRANSITIONS)} declared, {len(TRANSITIONS) - len(self.never())} taken",
            *(f"never taken: {row.phase} | {row.event} | {row.next}" for row in self.never()),
            *self.violations,
        ]
        return "\n".join(lines)


def _quantiles(what: str, values_ms: list[float]) -> str:
    if not values_ms:
        return f"{what}: none"
    ordered = sorted(values_ms)
    p50, p99 = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
    return f"{what}: p50 {p50:.0f} ms, p99 {p99:.0f} ms, max {ordered[-1]:.0f} ms, of {len(ordered)}"


def run_seeds(seeds: range) -> Found:
    """Every seed twice: with trouble of all kinds, and with one fault in a quiet network."""
    found = Found()
    for seed in seeds:
        try:
            checkers = run(seed).checkers
            found.seeds += 1
            found.with_takeover += checkers.counts["takeovers"] > 0
            found.add(checkers)
            found.add(run_quiet(seed).checkers)
        except Broken as exc:
            found.violations.append(str(exc.args[0]))
    return found


def first_seed_that_catches(mutant: Mutant, seeds: range) -> tuple[int, str] | None:
    """The seed and the violation; None when the mutant survives."""
    for seed in seeds:
        try:
            run(seed, mutant)
            run_quiet(seed, mutant)
        except Broken as exc:
            return seed, str(exc.args[0])
    return None


def main() -> int:
    """Exit code 1 on a violation or a surviving mutant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--mutants", action="store_true")
    parser.add_argument("--mutant", default="")
    parser.add_argument("--trace", type=int)
    options = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if mutant.__name__ == options.mutant]
    if options.trace is not None:
        return _tell(options.trace, chosen[0]() if chosen else None)
    seeds = range(options.first, options.first + options.seeds)
    if options.mutants or chosen:
        return _hunt(chosen or list(MUTANTS), seeds)
    start_s = time.monotonic()
    found = run_seeds(seeds)
    print(f"{len(seeds)} seeds in {time.monotonic() - start_s:.0f} s, {len(found.violations)} violations")
    print(found.told())
    return 1 if found.violations else 0


def _tell(seed: int, mutant: Mutant | None) -> int:
    try:
        world = run(seed, mutant, trace=True)
    except Broken as exc:
        print("\n".join(exc.args[1].trace), f"\n{exc.args[0]}")
        return 1
    print("\n".join(world.trace or []), f"\n{dict(world.checkers.counts)}")
    return 0


def _hunt(mutants: list[type[Mutant]], seeds: range) -> int:
    survivors = 0
    for mutant in mutants:
        found = first_seed_that_catches(mutant(), seeds)
        survivors += found is None
        print(f"{mutant.__name__}: {found[1] if found else 'SURVIVES'}", flush=True)
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
