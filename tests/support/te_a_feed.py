"""Tennessee Eastman without its A feed (IDV 6): what an operator can do, and for how long it holds.

Used by     tests/simulation/test_te_a_feed.py; `python -m tests.support.te_a_feed` prints the table (exit 1: a trip).
Knows       configs/tennessee_eastman in the fast runner. The operator looks at the screen's values every half hour.
"""

import argparse
import sys
from dataclasses import dataclass

from tests.support.te_protection import HOUR_S, World, minutes

LOOK_S = 60
ACTS = (
    ("FIC-10.MODE", "AUTO"), ("FIC-10.SP", 0.9),
    ("FFC-2.MODE", "AUTO"), ("FFC-2.SP", 3480.0),
    ("FFC-3.MODE", "AUTO"), ("FFC-3.SP", 4280.0),
    ("FFC-4.MODE", "AUTO"), ("FFC-4.SP", 9.35),
    ("HIC-1.LOAD", 90.0),
    ("TIC-18.MODE", "AUTO"), ("TIC-18.SP", 65.7),
    ("FIC-17.MODE", "MAN"), ("FIC-17.OUT", 11.0),
)  # fmt: skip
"""What the operator sets, in this order, each as a command of its own."""
CONDENSER_PCT, LEVEL_PCT, TRIM = 11.0, 75.0, 0.2
TRIM_S = 1800
"""Every half hour: FIC-17 by hand to 11 % + 0.2 % for each per cent of reactor level above 75 %."""
WATCHED = {"kPa": "xmeas7", "°C": "xmeas9", "reactor %": "xmeas8", "separator %": "xmeas12", "stripper %": "xmeas15"}


@dataclass
class Held:
    """Extremes after the operator acted, and when ESD-1 tripped (s after the failure), if it did."""

    trip_s: float | None
    lowest: dict[str, float]
    highest: dict[str, float]
    product_m3_h: float  # mean of the last hours (at most 6)


def set_with_step(world: World, tag: str, value: float | str) -> None:
    """A command, and two seconds for a mode to take."""
    world.plant.set(tag, value)
    world.plant.run_for(2.0)


def answer(world: World, begins_s: float, hours: float, acts: bool = True) -> Held:
    """From the base case: IDV 6, ``begins_s`` later the operator, until ``hours`` after the failure or the trip."""
    world.reset()
    plant = world.plant
    plant.disturb("idv6", 1.0)
    plant.run_for(begins_s)
    for tag, value in ACTS if acts else ():
        set_with_step(world, tag, value)
    lowest, highest = dict.fromkeys(WATCHED, 1e9), dict.fromkeys(WATCHED, -1e9)
    second, products = begins_s, [0.0]
    next_trim_s = begins_s + TRIM_S
    while second < hours * HOUR_S:
        plant.run_for(LOOK_S)
        second += LOOK_S
        for title, name in WATCHED.items():
            now = world.measured(name)
            lowest[title], highest[title] = min(lowest[title], now), max(highest[title], now)
        products.append(world.measured("xmeas17"))
        if plant.value("ESD-1.EFFECT_1") == 0.0:
            return Held(second, lowest, highest, 0.0)
        if acts and second >= next_trim_s:
            plant.set("FIC-17.OUT", CONDENSER_PCT + TRIM * (plant.value("LIC-8.PV") - LEVEL_PCT))
            next_trim_s += TRIM_S
    last = products[-6 * HOUR_S // LOOK_S :]
    return Held(None, lowest, highest, sum(last) / len(last))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[2, 3, 4])
    parser.add_argument("--hours", type=float, default=47.0)
    parser.add_argument(
        "--begins", type=float, nargs="+", default=[15.0, 60.0, 180.0], help="minutes after the failure"
    )
    given = parser.parse_args()
    print("| seed | begun, min | trip, min | kPa | °C | reactor % | separator % | stripper % | product m3/h |")
    print("| --- " * 9 + "|")
    tripped = 0
    for seed in given.seeds:
        world = World(seed)
        for begins in given.begins:
            held = answer(world, 60.0 * begins, given.hours)
            tripped += held.trip_s is not None
            ranges = " | ".join(f"{held.lowest[name]:.1f} … {held.highest[name]:.1f}" for name in WATCHED)
            print(f"| {seed} | {begins:g} | {minutes(held.trip_s)} | {ranges} | {held.product_m3_h:.1f} |", flush=True)
    return 1 if tripped else 0


if __name__ == "__main__":
    sys.exit(main())
