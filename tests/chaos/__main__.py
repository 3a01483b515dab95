"""``python -m tests.chaos [CASE ...] [--trials N] [--json FILE]``: faults on real processes, and a table of what came.

Ends with 1 when anything was not as it must be: two writers, a switchover that should not be, none that should.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import structlog

from dcs.bench.machines.networks import Networks, choose_networks
from dcs.cli.table import table
from dcs.core.errors import DcsError
from dcs.node.priority import HOLDS, ask_for_priority
from tests.chaos.cases import CASES, TAKEOVER, Case, find_cases
from tests.chaos.judge import HEADINGS, Trial, row
from tests.chaos.suite import run_cases
from tests.chaos.twin import HEADINGS as TWIN_HEADINGS
from tests.chaos.twin import TwinTrial, run_twins
from tests.chaos.twin import row as twin_row

_NODES = ("C1A", "C1B", "W1")


def main(arguments: Sequence[str]) -> int:
    """Run, print, judge."""
    options = _options(arguments)
    try:
        cases = find_cases(options.cases)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what runs in the background ignore it
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # what was made is removed then, too
    ask_for_priority(HOLDS)  # the relays run here, and a cable does not wait for the processor
    networks = choose_networks(_NODES, options.network)
    started_s = time.monotonic()
    load = os.getloadavg()[0]
    epochs = "the drives check epochs" if options.epochs or options.twin else "no device checks epochs"
    print(f"On {networks.kind}; {epochs}; {os.cpu_count()} cores, load {load:.1f}.", flush=True)
    found: dict[str, list[Trial]] = {case.name: [] for case in cases}
    failed = 0

    def tell(case: Case, trial: Trial) -> None:
        found[case.name].append(trial)
        said = f"  {trial.wrong.upper()}" if trial.wrong else ""
        print(f"{case.name} {len(found[case.name])}: {1000 * trial.gap_s:.0f} ms{said}", flush=True)
        for line in trial.story:
            print(f"    {line}", flush=True)

    if options.twin:
        return _twins(cases, networks, options)
    try:
        with asyncio.Runner() as runner:
            runner.run(run_cases(cases, options.trials, networks, epochs=options.epochs, seed=options.seed, tell=tell))
    except KeyboardInterrupt:
        print("Interrupted; what was judged until then:")
    except DcsError as error:
        failed = error.exit_code
        print(f"{error}\nWhat was judged until then:", file=sys.stderr)
    finally:
        networks.close()
    rows = [row(case, found[case.name]) for case in cases if found[case.name]]
    print()
    print(table(list(HEADINGS), rows))
    print(f"{time.monotonic() - started_s:.0f} s; load {os.getloadavg()[0]:.1f}.")
    if options.json is not None:
        content = {name: [asdict(trial) for trial in trials] for name, trials in found.items()}
        options.json.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return failed or int(any(trial.wrong for trials in found.values() for trial in trials))


def _twins(cases: Sequence[Case], networks: Networks, options: argparse.Namespace) -> int:
    """Every case that leads to a takeover, in every situation."""
    found: dict[tuple[str, str], list[TwinTrial]] = {}

    def tell(trial: TwinTrial) -> None:
        found.setdefault((trial.case, trial.situation), []).append(trial)
        said = f"  {trial.wrong.upper()}" if trial.wrong else ""
        print(f"{trial.case}, {trial.situation}: bump {trial.bump_pct:.3f} %{said}", flush=True)

    takeovers = [case for case in cases if case.expects == TAKEOVER and case.name != "field-cut"]
    try:
        run_twins(takeovers, options.trials, networks, seed=options.seed, tell=tell)
    except KeyboardInterrupt:
        print("Interrupted; what was judged until then:")
    finally:
        networks.close()
    print()
    print(table(list(TWIN_HEADINGS), [twin_row(trials) for trials in found.values()]))
    if options.json is not None:
        trials = [asdict(trial) for several in found.values() for trial in several]
        options.json.write_text(json.dumps(trials, indent=1), encoding="utf-8")
    return int(any(trial.wrong for trials in found.values() for trial in trials))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    listed = "\n".join(f"  {case.name:22}{case.says}: {case.expects}" for case in CASES)
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description=__doc__,
        epilog=f"cases:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", help="all, if none is named")
    parser.add_argument("--trials", type=int, default=10, metavar="N", help="of each case (10)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every trial, for other programs")
    parser.add_argument("--network", choices=("auto", "namespaces", "loopback"), default="auto")
    parser.add_argument("--epochs", action="store_true", help="the drive cabinet checks epochs")
    parser.add_argument("--twin", action="store_true", help="how far outputs are from a run without the fault")
    parser.add_argument("--seed", type=int, default=0, help="of the instants and durations of the faults")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
