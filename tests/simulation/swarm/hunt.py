"""The hunt for mutants: the first run in which the judges notice a broken rule.

Called by   ``python -m tests.simulation PLANT --mutants``, the tests.
"""

from collections.abc import Iterable, Sequence

from tests.simulation.redundancy_mutant import Mutant
from tests.simulation.swarm.campaign import quiet_logs, results_of
from tests.simulation.swarm.mutants import BoxMutant
from tests.simulation.swarm.run import NODE_FAILED, Result
from tests.simulation.swarm.single import run_some

_TRIALS = 4


def first_that_catches(
    plant: str, mutant: type[Mutant], seeds: Sequence[int], jobs: int = 1, minutes: float = 10.0
) -> Result | None:
    """A run in which the judges notice the broken rule; None when it survives all seeds."""
    for result in _runs(plant, mutant, seeds, jobs, minutes):
        if NODE_FAILED in result.broken:
            raise RuntimeError(f"{mutant.__name__} does not fit this system any more: {result.broken}")
        if result.broken:
            return result
    return None


def _runs(plant: str, mutant: type[Mutant], seeds: Sequence[int], jobs: int, minutes: float) -> Iterable[Result]:
    if not issubclass(mutant, BoxMutant) or not mutant.single:
        yield from results_of(plant, seeds, jobs, minutes, mutant)
        return
    for seed in seeds:
        with quiet_logs():
            yield run_some(plant, mutant.single, seed, _TRIALS, mutant=mutant())
