"""Failures of the Tennessee Eastman plant with its protection in place: what trips, when, and how far things go.

Used by     tests/simulation/test_te_protection.py; `python -m tests.support.te_protection --seeds 10` prints the table.
Knows       configs/tennessee_eastman in the fast runner. A valve that sticks does not get its demands any more.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dcs.node.assembly import build_direct, load_configuration
from dcs.node.direct import DirectPlant

CONFIG = Path(__file__).parents[2] / "configs" / "tennessee_eastman"
HOUR_S = 3600
LIMITS = ("xmeas7", "xmeas9", "xmeas8", "xmeas12", "xmeas15")
"""Pressure, temperature and the three levels, as measured (with the model's noise)."""

BLIND = {
    **{f"PAHH-7.{one}": 2700.0 for one in "abc"},
    **{f"TAHH-9.{one}": 120.0 for one in "abc"},
    **{f"LI-{vessel}{one}": 50.0 for vessel in (8, 12, 15) for one in ("", ".b")},
}


@dataclass(frozen=True)
class Failure:
    """One way to lose control of the plant."""

    name: str
    title: str
    stuck: Mapping[str, float] = field(default_factory=dict)
    disturbance: str = ""
    look_s: float = 5.0  # how often the limits are looked at


FAILURES = (
    Failure("d_feed", "D feed lost (XV-1 stuck shut)", {"XV-1": 0.0}),
    Failure("e_feed", "E feed lost (XV-2 stuck shut)", {"XV-2": 0.0}),
    Failure("a_feed", "A feed lost (IDV 6)", disturbance="idv6"),
    *(
        Failure(f"water_{at}", f"reactor cooling water, XV-10 stuck at {at} %", {"XV-10": float(at)}, look_s=1.0)
        for at in (0, 10, 20, 30)
    ),
    Failure("bypass", "compressor bypass, XV-5 stuck open", {"XV-5": 100.0}),
    Failure("condenser", "condenser cooling water, XV-11 stuck shut", {"XV-11": 0.0}),
)
NOT_PREVENTED = "condenser"
"""The failure that the protection cannot stop: the separator boils dry."""


@dataclass
class Outcome:
    """What came of it; times in s since the failure, measured values with their noise."""

    trip_s: float | None
    first_out: str
    trips: tuple[str, ...]
    lowest: dict[str, float]
    highest: dict[str, float]
    frozen_s: float | None
    frozen_by: str


class World:
    """The plant at its base case, to fail again and again."""

    def __init__(self, seed: int = 1, settle_s: float = 600.0, settings: Sequence[str] = ()) -> None:
        self.plant: DirectPlant = build_direct(load_configuration(CONFIG, settings), seed, 0.0)
        self.stuck: dict[str, float] = {}
        self._arrives = self.plant.field.demand
        self.plant.field.demand = self._demand  # type: ignore[method-assign]
        self.plant.run_for(settle_s)
        self.base = self.plant.snapshot()
        self.column = {name: at for at, name in enumerate(self.model.type.names("output"))}

    @property
    def model(self):  # type: ignore[no-untyped-def]
        """The plant model behind the field."""
        return self.plant.field.plant  # type: ignore[attr-defined]

    def _demand(self, name: str, value: float) -> None:
        self._arrives(name, self.stuck.get(name, value))

    def measured(self, name: str) -> float:
        return float(self.model.outputs[self.column[name]])

    def frozen_by(self) -> str:
        """The limit at which the model stands still ("" while it does not)."""
        return ", ".join(name for name in self.model.active_conditions() if name.startswith("trip_"))

    def blind(self) -> None:
        """From now on the protection's own transmitters say that all is well, so that nothing trips."""
        for tag, value in BLIND.items():
            self.plant.set(f"{tag}.SIMULATE", 1)
            self.plant.set(f"{tag}.SIM_VALUE", value)
        self.base = self.plant.snapshot()

    def reset(self) -> None:
        """Back to the base case."""
        self.stuck.clear()
        self.plant.restore(self.base)
        for number in range(1, 21):
            self.plant.disturb(f"idv{number}", 0.0)
        self.plant.events.clear()

    def fail(self, failure: Failure, after_trip_s: float = HOUR_S, longest_s: float = 12 * HOUR_S) -> Outcome:
        """From the base case: the failure, the trip of ESD-1, and so much time after it."""
        self.reset()
        self.stuck.update(failure.stuck)
        for name, value in failure.stuck.items():
            self._arrives(name, value)
        if failure.disturbance:
            self.plant.disturb(failure.disturbance, 1.0)
        lowest, highest = dict.fromkeys(LIMITS, 1e9), dict.fromkeys(LIMITS, -1e9)
        second, trip_s, frozen_s = 0.0, None, None
        while second < longest_s and (trip_s is None or second < trip_s + after_trip_s):
            self.plant.run_for(failure.look_s)
            second += failure.look_s
            for name in LIMITS:
                now = self.measured(name)
                lowest[name], highest[name] = min(lowest[name], now), max(highest[name], now)
            if trip_s is None and self.plant.value("ESD-1.EFFECT_1") == 0.0:
                trip_s = second
            if frozen_s is None and self.frozen_by():
                frozen_s = second
                break
        texts = [one.text for one in self.plant.events if one.subject.startswith("ESD-") and " tripped " in one.text]
        feeds = [text for text in texts if "FEEDS" in text]
        return Outcome(
            trip_s,
            feeds[0].rpartition(" ")[2] if feeds else "",
            tuple(texts),
            lowest,
            highest,
            frozen_s,
            self.frozen_by(),
        )


def minutes(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds / 60.0:.1f}"


def table(
    seeds: int, after_trip_s: float, settings: Sequence[str] = (), blind: bool = False
) -> Iterator[tuple[str, bool]]:
    """The table of docs/explanations/tennessee-eastman-protection.md, worst of all seeds; is a promise broken?"""
    worlds = [World(seed, settings=settings) for seed in range(1, seeds + 1)]
    for world in worlds if blind else ():
        world.blind()
    for failure in FAILURES:
        outcomes = [world.fail(failure, after_trip_s) for world in worlds]
        trips = [one.trip_s for one in outcomes if one.trip_s is not None]
        low = {name: min(one.lowest[name] for one in outcomes) for name in LIMITS}
        high = {name: max(one.highest[name] for one in outcomes) for name in LIMITS}
        frozen = [one for one in outcomes if one.frozen_s is not None]
        still = (
            f"{len(frozen)} of {seeds}: {frozen[0].frozen_by}, {minutes(frozen[0].frozen_s)} min" if frozen else "no"
        )
        cells = [
            failure.title,
            f"{minutes(min(trips, default=None))} … {minutes(max(trips, default=None))}",
            ", ".join(sorted({one.first_out for one in outcomes})),
            f"{high['xmeas7']:.0f}",
            f"{high['xmeas9']:.1f}",
            *(f"{low[name]:.0f} … {high[name]:.0f}" for name in LIMITS[2:]),
            still,
        ]
        yield f"| {' | '.join(cells)} |", bool(frozen) and failure.name != NOT_PREVENTED


HEADER = ("failure", "trip, min", "first out", "kPa", "°C", "reactor %", "separator %", "stripper %", "stands still")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--hours", type=float, default=1.0, help="time after the trip")
    parser.add_argument("--set", action="append", default=[], help="such as model.integrator=rk4")
    parser.add_argument("--blind", action="store_true", help="the protection sees nothing and does nothing")
    given = parser.parse_args()
    print(f"| {' | '.join(HEADER)} |")
    print("| --- " * len(HEADER) + "|")
    broken = 0
    for line, breaks in table(given.seeds, given.hours * HOUR_S, given.set, given.blind):
        print(line, flush=True)
        broken += breaks
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
