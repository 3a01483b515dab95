"""Bumps of takeovers against a twin: ``python -m tests.simulation.twin [--situation S] [--fault F] [--seed N]``."""

import argparse
import sys

from tests.simulation.swarm.campaign import quiet_logs
from tests.simulation.twin.faults import FAULTS
from tests.simulation.twin.situations import SITUATIONS
from tests.simulation.twin.study import LIMIT_PCT, compare


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.twin", description=__doc__)
    parser.add_argument("--situation", choices=sorted(SITUATIONS), action="append")
    parser.add_argument("--fault", choices=sorted(FAULTS), action="append")
    parser.add_argument("--period", type=int, choices=(100, 1000), action="append")
    parser.add_argument("--seed", type=int, help="this one, with all that differs")
    parser.add_argument("--seeds", type=int, default=4)
    options = parser.parse_args()
    seeds = range(options.seeds) if options.seed is None else (options.seed,)
    bad = 0
    for situation in options.situation or SITUATIONS:
        for period_ms in options.period or (100, 1000):
            for fault in options.fault or FAULTS:
                for seed in seeds:
                    with quiet_logs():
                        v = compare(situation, fault, seed, period_ms)
                    worst = v.worst
                    failed = worst.largest_pct > LIMIT_PCT or v.states or v.events
                    bad += bool(failed)
                    print(
                        f"{situation} {fault} {period_ms} ms seed {seed} at {v.at_s:.4f}: {worst.point} first "
                        f"{worst.first_pct:.4f} later {worst.later_pct:.4f} gap {worst.gap_ns / 1e6:.1f} ms "
                        f"missed {v.missed} "
                        f"moved {v.moved:.2f} states {len(v.states)} drift {len(v.drift)} events {len(v.events)}",
                        flush=True,
                    )
                    if options.seed is not None:
                        print(
                            "\n".join(
                                ["  STATE " + s for s in v.states[:30]]
                                + ["  drift " + s for s in v.drift[:30]]
                                + ["  EVENT " + s for s in v.events[:10]]
                            )
                        )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
