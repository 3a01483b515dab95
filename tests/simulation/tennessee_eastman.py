"""Tennessee Eastman, the long studies: ``python -m tests.simulation.tennessee_eastman [--seeds 20] [--hours 24]``.

Every case of the published tuning over Modbus in the box against the published controllers; a day at the base case with
noise for many seeds; the travel of the valves with both tunings. Exit code 1 if a promise is broken. About 20 minutes.
"""

import argparse
import sys

from tests.support.te_runs import CASES, Case, Deviation, deviations, in_the_box, published
from tests.support.te_study import REFERENCE, VALVES, at_the_base_case, travel_pct_h

BEHIND_A_LIMIT = {"IDV 1": {"xmeas18", "xmeas19", "xmv9"}}
"""Columns that a known difference explains. IDV 1 holds the steam valve at its end: the setpoint of the published steam
loop winds up meanwhile, ours stops where the valve does, and leaves its end with the stripper temperature."""
TRAVEL_PART = 0.2


def too_far(case: Case, found: list[Deviation]) -> list[Deviation]:
    """The columns that deviate by more than is allowed and explained."""
    explained = BEHIND_A_LIMIT.get(case.name, set())
    return [one for one in found if one.largest > one.allowed and one.column not in explained]


def tell(case: Case, found: list[Deviation]) -> str:
    """One line: the worst column of a case."""
    explained = BEHIND_A_LIMIT.get(case.name, set())
    worst = max(
        (one for one in found if one.column not in explained and one.allowed), key=lambda d: d.largest / d.allowed
    )
    return (
        f"{case.name}: worst {worst.column}, {worst.largest / worst.allowed:.3f} of what is allowed "
        f"({100.0 * worst.largest / worst.moves:.2f} % of how far it moves)"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--without-box", action="store_true")
    options = parser.parse_args()
    broken = 0
    for case in () if options.without_box else CASES:
        found = deviations(in_the_box(case), published(case))
        wrong = too_far(case, found)
        broken += len(wrong)
        print(tell(case, found), *(f"!! {one.column}" for one in wrong), flush=True)
    for seed in range(1, options.seeds + 1):
        quiet = at_the_base_case(seed, options.hours)
        broken += len(quiet.alarms) + len(quiet.conditions)
        print(f"seed {seed}, {options.hours:g} h: {quiet.alarms or 'no alarm'} {quiet.selected or ''}", flush=True)
    ours, reference = travel_pct_h(1, 4.0), travel_pct_h(1, 4.0, *REFERENCE)
    print("travel, % per hour: valve, plant tuning, published tuning, part")
    for name, one, other in zip(VALVES, ours, reference, strict=True):
        part = one / other if other else 0.0
        broken += part > TRAVEL_PART
        print(f"  {name:6} {one:8.1f} {other:8.1f} {part:6.3f}")
    print(f"  all    {ours.sum():8.1f} {reference.sum():8.1f} {ours.sum() / reference.sum():6.3f}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
