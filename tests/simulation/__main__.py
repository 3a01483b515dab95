"""The whole system under swarms of faults: ``python -m tests.simulation PLANT --seed N`` replays any run.

``--seeds N --first M --jobs J`` runs a campaign; ``--single FAULT --trials N`` one fault at a time on a healthy pair;
``--mutants`` or ``--mutant NAME`` breaks one rule of the protocol at a time and hunts for the first seed that notices.
How to read the story: docs/how-to/break-it-yourself.md.
"""

import argparse
import json
import secrets
import sys
from dataclasses import asdict

from dcs.core.errors import DcsError
from tests.simulation.redundancy_mutant import Mutant
from tests.simulation.swarm.campaign import Campaign, quiet_logs, run_campaign
from tests.simulation.swarm.hunt import first_that_catches
from tests.simulation.swarm.mutated import ALL, IN_THE_BOX
from tests.simulation.swarm.plant import pair_of, plant_config
from tests.simulation.swarm.run import Result, run_seed
from tests.simulation.swarm.single import FAULTS, run_trials


def main() -> int:
    """Exit code 1 on a broken promise, a surviving mutant, or a campaign in which too little happened; 2 for a plant
    that cannot be put to the test."""
    options = _options()
    try:
        pair_of(plant_config(options.plant, ()))
    except (DcsError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    chosen = list(IN_THE_BOX) if options.mutants else [one for one in ALL if one.__name__ == options.mutant]
    if options.mutant and not chosen:
        sys.exit(f"There is no mutant {options.mutant}. There are {', '.join(m.__name__ for m in ALL)}.")
    seeds = range(options.first, options.first + options.seeds)
    if options.seed is not None:
        return _one(options, chosen[0]() if chosen else None)
    if options.single:
        results = run_trials(options.plant, options.single, options.trials, options.first, options.jobs)
        return _tell(Campaign(results), options.json, [])
    if chosen:
        return _hunt(options, chosen, seeds)
    campaign = run_campaign(options.plant, seeds, options.jobs, options.minutes, _progress)
    return _tell(campaign, options.json, campaign.too_little())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("plant", help="a shipped plant with a redundant pair, a folder, or NAME:VARIANT")
    parser.add_argument("--seed", type=int, help="run this one seed")
    parser.add_argument("--trace", action="store_true", help="with --seed: tell its story, a line per event")
    parser.add_argument("--seeds", type=int, default=200, help="how many (default 200)")
    parser.add_argument("--first", type=int, default=0, help="from which seed on (default 0)")
    parser.add_argument("--fresh", action="store_true", help="from a seed on that nobody has seen; it is printed")
    parser.add_argument("--jobs", type=int, default=1, help="processes that share the work (default 1)")
    parser.add_argument(
        "--minutes", type=float, default=10.0, help="simulated time of each seed, at least (default 10)"
    )
    parser.add_argument("--single", choices=sorted(FAULTS), help="one fault on a healthy pair, and no switchover")
    parser.add_argument("--trials", type=int, default=200, help="with --single: how often (default 200)")
    parser.add_argument("--mutants", action="store_true", help="hunt for every mutant of the protocol")
    parser.add_argument("--mutant", default="", help="the same for one of them")
    parser.add_argument("--json", action="store_true", help="results as JSON")
    options = parser.parse_args()
    if options.fresh:
        options.first = 1000 * secrets.randbelow(1_000_000)
        print(f"seeds {options.first} to {options.first + options.seeds - 1} of {options.plant}", flush=True)
    return options


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _one(options: argparse.Namespace, mutant: Mutant | None) -> int:
    with quiet_logs():
        result = run_seed(options.plant, options.seed, options.minutes, mutant, options.trace)
    if options.json:
        print(json.dumps(asdict(result), sort_keys=True))
    else:
        print("\n".join([*result.story, *_lines(result)]))
    return 1 if result.broken else 0


def _lines(result: Result) -> list[str]:
    counts = ", ".join(f"{what} {count}" for what, count in sorted(result.counts.items()) if count)
    verdict = result.broken or "all promises were kept"
    return [f"drawn: {result.drawn}", counts, f"seed {result.seed}, {result.simulated_s:.0f} s: {verdict}"]


def _tell(campaign: Campaign, as_json: bool, too_little: list[str]) -> int:
    if as_json:
        counts = dict(sorted(campaign.counts.items()))
        broken = [asdict(result) for result in campaign.broken]
        print(json.dumps({"seeds": len(campaign.results), "counts": counts, "broken": broken, "little": too_little}))
    else:
        print(campaign.report())
        for line in too_little:
            print(f"too little happened to prove anything: {line}")
    return 1 if campaign.broken or too_little else 0


def _hunt(options: argparse.Namespace, chosen: list[type[Mutant]], seeds: range) -> int:
    survivors = 0
    for mutant in chosen:
        found = first_that_catches(options.plant, mutant, seeds, options.jobs, options.minutes)
        survivors += found is None
        text = f"seed {found.seed}: {found.broken}" if found else f"SURVIVES {len(seeds)} seeds"
        print(f"{mutant.__name__}: {text}", flush=True)
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
