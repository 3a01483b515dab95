"""Bumps of takeovers against a twin: ``python -m tests.simulation.twin [--situation S] [--fault F] [--seed N]``."""

import argparse
import secrets
import sys
from collections.abc import Iterator, Sequence

from tests.simulation.swarm.campaign import quiet_logs
from tests.simulation.twin.faults import ASKED, FAULTS
from tests.simulation.twin.situations import SITUATIONS
from tests.simulation.twin.study import LIMIT_PCT, Verdict, compare


def main() -> int:
    options = _options()
    first = secrets.randbelow(1_000_000) if options.fresh else 0
    seeds = range(first, first + options.seeds) if options.seed is None else (options.seed,)
    print(f"seeds {seeds[0]} to {seeds[-1]}", file=sys.stderr, flush=True)
    bad = 0
    if options.markdown:
        print("| scans | situation | fault | runs | moved | first | later | missed scans |")
        print("|---" * 8 + "|")
    for period_ms in options.period or (100, 1000):
        for situation in options.situation or SITUATIONS:
            if period_ms not in SITUATIONS[situation].periods_ms:
                continue
            for fault in options.fault or ASKED:
                verdicts = list(_judged(situation, fault, seeds, period_ms, options))
                bad += sum(not v.passes for v in verdicts)
                if options.markdown:
                    print(row(verdicts), flush=True)
    return 1 if bad else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.twin", description=__doc__)
    parser.add_argument("--situation", choices=sorted(SITUATIONS), action="append")
    parser.add_argument("--fault", choices=sorted(FAULTS), action="append")
    parser.add_argument("--period", type=int, choices=(100, 250, 500, 1000), action="append", help="ms")
    parser.add_argument("--lease", type=int, default=0, help="ms; 0: as it follows from the period")
    parser.add_argument("--seed", type=int, help="this one, with all that differs")
    parser.add_argument("--seeds", type=int, default=4, help="how many moments of the fault (default 4)")
    parser.add_argument("--fresh", action="store_true", help="from a seed on that nobody has seen; it is printed")
    parser.add_argument("--markdown", action="store_true", help="only a table, one row for all seeds of a fault")
    return parser.parse_args()


def _judged(
    situation: str, fault: str, seeds: Sequence[int], period_ms: int, options: argparse.Namespace
) -> Iterator[Verdict]:
    for seed in seeds:
        with quiet_logs():
            v = compare(situation, fault, seed, period_ms, options.lease)
        if not options.markdown or not v.passes:
            print(_line(v), file=sys.stderr if options.markdown else sys.stdout, flush=True)
        if options.seed is not None:
            print("\n".join(_differences(v)))
        yield v


def _line(v: Verdict) -> str:
    worst = v.worst
    return (
        f"{v.situation} {v.fault} {v.period_ms} ms seed {v.seed} at {v.at_s:.4f}: {worst.point} "
        f"first {worst.first_pct:.4f} later {worst.later_pct:.4f} gap {worst.gap_ns / 1e6:.1f} ms missed {v.missed} "
        f"moved {v.moved:.2f} states {len(v.states)} drift {len(v.drift)} "
        f"events {len(v.events)} history {len(v.history)}"
    )


def _differences(v: Verdict) -> list[str]:
    return (
        ["  STATE " + text for text in v.states[:30]]
        + ["  drift " + text for text in v.drift[:30]]
        + ["  EVENT " + text for text in v.events[:10]]
        + ["  HISTORY " + text for text in v.history[:10]]
    )


def row(verdicts: Sequence[Verdict]) -> str:
    """The largest of all seeds; figures that miss the limit are bold."""

    def shown(pct: float) -> str:
        return f"**{pct:.3f}**" if pct > LIMIT_PCT else f"{pct:.3f}"

    one = verdicts[0]
    bumps = [bump for v in verdicts for bump in v.bumps]
    first, later = max(bump.first_pct for bump in bumps), max(bump.later_pct for bump in bumps)
    moved = min(v.moved for v in verdicts)
    least, most = min(v.missed for v in verdicts), max(v.missed for v in verdicts)
    missed = str(most) if least == most else f"{least} to {most}"
    return (
        f"| {one.period_ms} ms | {one.situation} | {one.fault} | {len(verdicts)} | {moved:.1f} "
        f"| {shown(first)} | {shown(later)} | {missed} |"
    )


if __name__ == "__main__":
    sys.exit(main())
