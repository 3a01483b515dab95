"""Many seeds of the redundancy simulation: ``python -m tests.simulation.redundancy --seeds 1000``.

Prints what happened (a run in which nothing happened proves nothing), every violation with its seed, and with
``--mutants`` the first seed that catches each mutant. ``--trace SEED`` tells the story of one run.
"""

import argparse
import sys
import time
from collections import Counter

from tests.simulation.redundancy_checkers import Broken
from tests.simulation.redundancy_mutant import Mutant
from tests.simulation.redundancy_mutants import MUTANTS
from tests.simulation.redundancy_quiet import run_quiet
from tests.simulation.redundancy_world import run


def run_seeds(seeds: range, mutant: Mutant | None = None) -> tuple[Counter[str], list[str], list[float]]:
    """(what happened, violations, gaps between writes of successive holders in ms)."""
    counts: Counter[str] = Counter()
    violations: list[str] = []
    gaps_ms: list[float] = []
    for seed in seeds:
        try:
            checkers = run(seed, mutant).checkers
        except Broken as exc:
            violations.append(str(exc.args[0]))
            continue
        counts.update(checkers.counts)
        gaps_ms += checkers.gaps_ms
    return counts, violations, gaps_ms


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
    counts, violations, gaps_ms = run_seeds(seeds)
    print(f"{len(seeds)} seeds in {time.monotonic() - start_s:.0f} s, {len(violations)} violations")
    print(", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    gaps_ms.sort()
    if gaps_ms:
        print(f"between writes of successive epochs: p50 {gaps_ms[len(gaps_ms) // 2]:.0f} ms, ", end="")
        print(f"p99 {gaps_ms[len(gaps_ms) * 99 // 100]:.0f} ms, of {len(gaps_ms)}")
    print("\n".join(violations))
    return 1 if violations else 0


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
