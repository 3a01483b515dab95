"""How far the outputs of a run with a fault are from those of its twin without: the judge of a bumpless takeover.

Called by   the twin study in the box (tests.simulation.twin), benchmarks and the chaos suite with what devices saw.
Knows       writes at devices by the plant's time, values in % of the output's span. Nothing of controllers.
What counts Until the first scan of the new holder an output may stand where the twin had it at any moment since the old
            holder's last write: that is a hold. From then on it is compared with the twin at the same time. A value
            that the twin never had meanwhile, by more than the limit, is a bump, whenever it comes.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Written:
    """An output that a device has taken."""

    time_ns: int
    value: float
    by: str


@dataclass
class Course:
    """Everything that was written to the outputs of one run, in order, by point."""

    writes: dict[str, list[Written]] = field(default_factory=dict)

    def add(self, point: str, time_ns: int, value: float, by: str) -> None:
        self.writes.setdefault(point, []).append(Written(time_ns, value, by))

    def at(self, point: str, time_ns: int) -> float | None:
        """What stands in the register then; None before the first write."""
        known = self.writes.get(point, [])
        place = bisect_right(known, time_ns, key=lambda write: write.time_ns)
        return known[place - 1].value if place else None

    def between(self, point: str, start_ns: int, end_ns: int) -> list[float]:
        """Every value that stood in the register in that time."""
        known = self.writes.get(point, [])
        first = self.at(point, start_ns)
        inside = [write.value for write in known if start_ns < write.time_ns <= end_ns]
        return inside if first is None else [first, *inside]


@dataclass(frozen=True, slots=True)
class Bump:
    """Of one output, in % of its span. ``first``: its first write; ``later``: the largest afterwards."""

    point: str
    first_pct: float
    later_pct: float
    later_ns: int  # when that was
    gap_ns: int  # from the fault to the new holder's first write; -1: there was none

    @property
    def largest_pct(self) -> float:
        """What is promised to be small."""
        return max(self.first_pct, self.later_pct)


def bump_against_twin(
    observed: Course,
    twin: Course,
    spans: Mapping[str, float],
    *,
    struck_ns: int,
    resumed_ns: int,
    look_ns: Sequence[int],
    old: str,
    slack_ns: int = 0,
) -> list[Bump]:
    """One for each output that the twin writes.

    ``spans``: by point, in its unit. ``struck_ns``: when the fault came. ``resumed_ns``: when the results of the new
    holder's first scan had been written. ``look_ns``: the times at which the runs are compared. ``old``: name of the
    old holder, as the writes begin with it. ``slack_ns``: how far the two runs' clocks may be apart (one scan on real
    machines, 0 in the box); the twin's values within it count as its value then.
    """
    found = []
    for point in twin.writes:
        span = spans[point]
        mine = observed.writes.get(point, [])
        first = next((w for w in mine if w.time_ns >= struck_ns and not w.by.startswith(old)), None)
        last_ns = max((w.time_ns for w in mine if w.by.startswith(old)), default=struck_ns)
        first_pct, later = 0.0, (0.0, 0)
        if first is not None:
            held = twin.between(point, last_ns - slack_ns, first.time_ns + slack_ns)
            first_pct = 100.0 * _distance(first.value, held) / span
        for time_ns in look_ns:
            value = observed.at(point, time_ns)
            if value is None:
                continue
            since_ns = last_ns if struck_ns <= time_ns < resumed_ns else time_ns
            away = 100.0 * _distance(value, twin.between(point, since_ns - slack_ns, time_ns + slack_ns)) / span
            later = max(later, (away, time_ns))
        found.append(Bump(point, first_pct, *later, -1 if first is None else first.time_ns - struck_ns))
    return found


def _distance(value: float, values: Sequence[float]) -> float:
    """From the range of the values; 0 inside."""
    if not values:
        return 0.0
    return max(0.0, value - max(values), min(values) - value)
