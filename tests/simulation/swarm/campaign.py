"""Many seeds: on several processes, counted, judged as a whole.

Called by   ``python -m tests.simulation``, tests.simulation.swarm.hunt, the tests.
Promise     a campaign in which too little happened has failed, whatever its checkers say.
"""

import gc
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import structlog

from tests.simulation.redundancy_mutant import Mutant
from tests.simulation.swarm.draw import draw
from tests.simulation.swarm.run import Result, run_seed

# What must have happened per hundred seeds, at least: about a third of what usually does.
LEAST_PER_HUNDRED = {
    "takeovers": 300,
    "handovers": 40,
    "exclusions": 300,
    "copies": 500,
    "lease losses": 100,
    "cold starts": 100,
    "stale writes refused": 10,
    "crashes": 200,
    "pauses": 200,
    "stops": 100,
    "cuts": 200,
    "hangs": 20,
    "fail actions": 50,
    "devices dead": 20,
    "cables spoiled": 100,
    "bus losses": 40,
    "bus elections": 20,
    "online changes": 5,
    "records damaged": 2,
    "pauses before the send": 50,
    "writes sent again by the system": 300,
    "field crashes": 30,
    "device reboots": 30,
    "standbys taken out": 50,
    "standbys brought back": 50,
    "bad moments": 40,
    "late samples": 200,
    "commands answered": 2500,
    "events": 5000,
}
WITH_A_TAKEOVER = 0.9
_TOLD_EVERY = 20


@dataclass
class Campaign:
    """What became of many seeds."""

    results: list[Result] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def counts(self) -> Counter[str]:
        """Everything that happened, added up."""
        total: Counter[str] = Counter()
        for result in self.results:
            total.update(result.counts)
        return total

    @property
    def broken(self) -> list[Result]:
        """The seeds in which a promise was broken."""
        return [result for result in self.results if result.broken]

    def too_little(self) -> list[str]:
        """What did not happen often enough for the campaign to prove anything."""
        seeds, counts = len(self.results), self.counts
        found = [
            f"{what}: {counts[what]} in {seeds} seeds, {least * seeds / 100:g} are needed"
            for what, least in LEAST_PER_HUNDRED.items()
            if counts[what] < least * seeds / 100
        ]
        with_takeover = sum(result.counts.get("takeovers", 0) > 0 for result in self.results)
        if with_takeover < WITH_A_TAKEOVER * seeds:
            found.append(f"only {with_takeover} of {seeds} seeds contain a takeover")
        return found

    def report(self) -> str:
        """Lines for people: figures, coverage, every broken promise with the command that repeats it."""
        seeds = len(self.results)
        simulated_h = sum(result.simulated_s for result in self.results) / 3600.0
        with_takeover = sum(result.counts.get("takeovers", 0) > 0 for result in self.results)
        lines = [
            f"{seeds} seeds, {simulated_h:.1f} simulated hours in {self.seconds:.0f} s; "
            f"{with_takeover} with a takeover; {len(self.broken)} with a broken promise",
            ", ".join(f"{what} {count}" for what, count in sorted(self.counts.items())),
        ]
        gaps_ms = sorted(gap for result in self.results for gap in result.takeover_ms)
        if gaps_ms:
            at = [gaps_ms[min(len(gaps_ms) - 1, len(gaps_ms) * part // 100)] for part in (50, 99)]
            lines.append(f"fault to first output in the quiet: p50 {at[0]:.0f} ms, p99 {at[1]:.0f} ms, {len(gaps_ms)}")
        lines += [f"seed {result.seed}: {result.broken}\n    {result.replay}" for result in self.broken]
        return "\n".join(lines)


@contextmanager
def quiet_logs() -> Iterator[None]:
    """Expected trouble is no news here."""
    before = structlog.get_config()
    structlog.configure(processors=[_drop])
    try:
        yield
    finally:
        structlog.configure(**before)


def _drop(logger: object, name: str, event: object) -> None:
    raise structlog.DropEvent


def run_campaign(
    plant: str,
    seeds: Sequence[int],
    jobs: int = 1,
    minutes: float = 10.0,
    tell: Callable[[str], None] = lambda text: None,
) -> Campaign:
    """Run all seeds; broken promises are in the result. ``jobs`` processes share the work; ``tell`` hears meanwhile."""
    began_s = time.monotonic()
    campaign = Campaign()
    for result in results_of(plant, seeds, jobs, minutes, None):
        campaign.results.append(result)
        done = len(campaign.results)
        if result.broken:
            tell(f"seed {result.seed}: {result.broken}")
        if done % _TOLD_EVERY == 0:
            tell(f"{done} of {len(seeds)} seeds in {time.monotonic() - began_s:.0f} s")
    campaign.seconds = time.monotonic() - began_s
    return campaign


def results_of(
    plant: str, seeds: Sequence[int], jobs: int, minutes: float, mutant: type[Mutant] | None
) -> Iterable[Result]:
    """One after the other, as they are done."""
    work = partial(_one, plant, minutes, mutant)
    with quiet_logs():
        if jobs <= 1:
            yield from map(work, seeds)
            return
        for fast in (0.0, 1.0):  # compile and check once, before the work is shared
            run_seed(plant, 0, minutes=0.5, drawn=draw(0, fast))
        gc.collect()
        gc.freeze()
        try:
            with multiprocessing.get_context("fork").Pool(jobs, maxtasksperchild=50) as pool:
                yield from pool.imap_unordered(work, seeds)
        finally:
            gc.unfreeze()


def _one(plant: str, minutes: float, mutant: type[Mutant] | None, seed: int) -> Result:
    return run_seed(plant, seed, minutes, mutant() if mutant else None)
