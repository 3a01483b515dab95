"""A fault on real processes against a twin in the box that has none: how far the outputs at the devices are apart.

Called by   ``python -m tests.chaos --twin``.
Knows       the situations of the twin study (``tests.simulation.twin``), the machines, the judge of bumps.

Every trial starts the plant anew, for its twin starts from rest as well; both rests are laid over each other, and the
clocks by what was written before the fault. A command is taken at the next scan, a relay switches at the next sample:
nobody can say on which side of a scan that fell on a real machine, so the clocks may be a few scans apart, as few as
explain what was written before the fault. How many is told, and what is left before the fault as well: less than that
cannot be seen here. The box itself compares to the bit (``python -m tests.simulation.twin``).
"""

import asyncio
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from dcs.bench.machines.bump import Bump, Course, bump_against_twin
from dcs.bench.machines.field_log import Write, outputs_written
from dcs.bench.machines.networks import Networks
from dcs.bench.machines.plant import machines
from dcs.config.plant_config import PlantConfig
from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.node.warm import ensure_warm
from tests.chaos.cases import Case
from tests.simulation.twin.plant import twin_config
from tests.simulation.twin.run import run
from tests.simulation.twin.situations import SITUATIONS, Situation
from tests.simulation.twin.study import LIMIT_PCT

REAL = ("ramp", "limit", "iman", "sequence")
"""Each takes as long as it says, in real time. An auto-tune is compared in the box alone: its relay switches when a
slow level crosses a line, and two runs whose samples are milliseconds apart see that seconds apart."""

PERIOD_NS = 100 * NS_PER_MS
_SPAN = 100.0
_REST_S = 3.0
_START_S = 5.0  # about what the controllers need until they write
_AFTER_S = 4.0
_OFFSETS_MS = range(-300, 301, 5)
_SLACK_SCANS = (1, 2, 3, 5, 8, 12, 20)
_FLOOR_PCT = 0.02  # of span; half of what is promised can still be told from it
_NEVER_NS = 1 << 62


@dataclass(frozen=True, slots=True)
class TwinTrial:
    """One fault in one situation."""

    case: str
    situation: str
    bump_pct: float  # the largest of all outputs, from the fault on
    point: str
    floor_pct: float  # the largest difference before the fault
    slack_scans: int  # so far the two clocks may be apart
    moved_pct: float  # how far the outputs moved while it was looked at: what stands still shows nothing
    gap_s: float  # from the fault to the first output of the new holder; -1 = there was none

    @property
    def wrong(self) -> str:
        """What is not as it must be; "" = nothing."""
        if self.gap_s < 0:
            return "nobody took over"
        return f"{self.point} is {self.bump_pct:.3f} % away from its twin" if self.bump_pct > LIMIT_PCT else ""


HEADINGS = (
    "case",
    "situation",
    "trials",
    "largest bump %",
    "limit",
    "before the fault %",
    "clocks apart",
    "moved %",
    "wrong",
)


def row(trials: Sequence[TwinTrial]) -> list[str]:
    """One line of the table: trials of one case in one situation."""
    return [
        trials[0].case,
        trials[0].situation,
        str(len(trials)),
        f"{max(trial.bump_pct for trial in trials):.3f}",
        f"{LIMIT_PCT:g}",
        f"{max(trial.floor_pct for trial in trials):.3f}",
        f"{max(trial.slack_scans for trial in trials)} scans",
        f"{min(trial.moved_pct for trial in trials):.1f}",
        str(sum(bool(trial.wrong) for trial in trials)),
    ]


def run_twins(
    cases: Sequence[Case],
    trials: int,
    networks: Networks,
    *,
    situations: Sequence[str] = REAL,
    seed: int = 0,
    tell: Callable[[TwinTrial], None],
) -> None:
    """Every case in every situation, so often."""
    random = Random(seed)
    for case in cases:
        for name in situations:
            situation = SITUATIONS[name]
            config = twin_config(situation.plant, PERIOD_NS // NS_PER_MS, situation.overrides)
            ensure_warm(config, lambda text: None)
            twin = _twin(name)  # before the event loop of the machines is there: the box has its own
            for _ in range(trials):
                tell(asyncio.run(_one(config, situation, twin, case, networks, random)))


@cache
def _twin(situation: str) -> Course:
    """Without the fault; times count from the first command."""
    wanted = SITUATIONS[situation]
    config = twin_config(wanted.plant, PERIOD_NS // NS_PER_MS, wanted.overrides)
    course = run(config, wanted, PERIOD_NS / NS_PER_S).course
    started_ns = _utc_of_start(course) + round(wanted.before[0][0] * NS_PER_S)
    return _moved(course, -started_ns)


def _utc_of_start(course: Course) -> int:
    """The box starts at a whole second, and its first output is there within the next one."""
    first_ns = min(writes[0].time_ns for writes in course.writes.values())
    return first_ns - first_ns % NS_PER_S


def _moved(course: Course, by_ns: int) -> Course:
    moved = Course()
    for point, writes in course.writes.items():
        for write in writes:
            moved.add(point, write.time_ns + by_ns, write.value, write.by)
    return moved


async def _one(
    config: PlantConfig, situation: Situation, twin: Course, case: Case, networks: Networks, random: Random
) -> TwinTrial:
    async with machines(config, networks) as plant:
        first_s = situation.before[0][0]
        await asyncio.sleep(first_s - _START_S)  # as long at rest as the twin
        await plant.ready()
        began_s = plant.now_s()
        fault_at_s = began_s + situation.fault_s - first_s + random.uniform(0.0, PERIOD_NS / NS_PER_S)
        for at_s, tag, value in situation.before:
            await asyncio.sleep(began_s + at_s - first_s - plant.now_s())
            plant.onlooker.station.write(tag, value)
        await asyncio.sleep(fault_at_s - plant.now_s())
        active, standby = await plant.ready()
        fault_s = await case.strike(plant, active, standby, random)
        await asyncio.sleep(_AFTER_S)
        writes = plant.log.since(began_s - _REST_S)
        if case.name == "sigstop":
            plant.send(active, signal.SIGCONT)
    return against_twin(case, situation, twin, writes, began_s, fault_s, active)


def against_twin(
    case: Case, situation: Situation, twin: Course, writes: Sequence[Write], began_s: float, fault_s: float, old: str
) -> TwinTrial:
    """Judge what the devices took. ``began_s``: when the first command was given, by the clock of the writes."""
    observed = Course()
    for write in writes:
        if write.accepted is not False:
            for point, value in outputs_written(write).items():
                observed.add(point, round((write.time_s - began_s) * NS_PER_S), value, write.node)
    struck_ns = round((fault_s - began_s) * NS_PER_S)
    shift_ns = _offset(observed, twin, struck_ns)
    observed, struck_ns = _moved(observed, shift_ns), struck_ns + shift_ns
    twin = _from_rest(twin, observed)
    for slack in _SLACK_SCANS:
        floor = _largest(observed, twin, _NEVER_NS, struck_ns, old, slack)
        if floor.largest_pct <= _FLOOR_PCT:
            break
    end_ns = struck_ns + round(_AFTER_S * NS_PER_S)
    worst = _largest(observed, twin, struck_ns, end_ns, old, slack)
    gaps_s = [w.time_s - fault_s for w in writes if w.time_s >= fault_s and w.node != old and outputs_written(w)]
    moved = max(max(v) - min(v) for point in twin.writes if (v := observed.between(point, 0, end_ns)))
    gap_s = min(gaps_s, default=-1.0)
    return TwinTrial(case.name, situation.name, worst.largest_pct, worst.point, floor.largest_pct, slack, moved, gap_s)


def _from_rest(twin: Course, observed: Course) -> Course:
    """The twin with every output moved by what the two runs differed by at rest."""
    found = Course()
    for point, writes in twin.writes.items():
        rest, mine = twin.at(point, 0), observed.at(point, 0)
        by = 0.0 if rest is None or mine is None else mine - rest
        for write in writes:
            found.add(point, write.time_ns, write.value + by, write.by)
    return found


def _largest(observed: Course, twin: Course, struck_ns: int, until_ns: int, old: str, slack: int) -> Bump:
    """From the fault on, or before it, up to a time."""
    times = sorted({w.time_ns for writes in observed.writes.values() for w in writes if 0 <= w.time_ns <= until_ns})
    firsts = [w.time_ns for ws in observed.writes.values() for w in ws if w.time_ns >= struck_ns and w.by != old]
    resumed_ns = min(firsts, default=struck_ns) + PERIOD_NS
    look_ns = [time_ns for time_ns in times if struck_ns == _NEVER_NS or time_ns >= resumed_ns]
    bumps = bump_against_twin(
        observed, twin, dict.fromkeys(observed.writes, _SPAN),
        struck_ns=struck_ns, resumed_ns=resumed_ns, look_ns=look_ns, old=old, slack_ns=slack * PERIOD_NS,
    )  # fmt: skip
    return max(bumps, key=lambda bump: bump.largest_pct)


def _offset(observed: Course, twin: Course, struck_ns: int) -> int:
    """By how much the observed run must be moved so that it lies best over its twin, before the fault."""
    writes = [
        (point, write.time_ns, write.value)
        for point, all_of_it in observed.writes.items()
        for write in all_of_it
        if 0 <= write.time_ns < struck_ns
    ]

    def apart(offset_ms: int) -> float:
        by_ns = offset_ms * NS_PER_MS
        values = ((twin.at(point, time_ns + by_ns), value) for point, time_ns, value in writes)
        return sum(abs(value - other) for other, value in values if other is not None)

    return min(_OFFSETS_MS, key=lambda offset_ms: (apart(offset_ms), abs(offset_ms))) * NS_PER_MS
