"""A fault against its twin: the bump of every output, and every word of memory that goes on otherwise.

Called by   ``python -m tests.simulation.twin``, the tests.
Knows       what is promised of outputs, memory, journal and history; the words of memory are judged in ``memory``.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from difflib import unified_diff
from functools import cache
from random import Random

from dcs.bench.machines.bump import Bump, bump_against_twin
from dcs.bus.messages import Event
from dcs.config.plant_config import PlantConfig
from dcs.core.clock import NS_PER_S
from tests.simulation.twin.memory import judge_states
from tests.simulation.twin.plant import twin_config
from tests.simulation.twin.run import LOOK_AT, Run, run
from tests.simulation.twin.situations import SITUATIONS, Situation

LIMIT_PCT = 0.05
"""The largest bump of an output, in % of its span."""

_AROUND_NS = 30 * NS_PER_S
"""So long before and after the fault the twin's outputs are looked at for whether anything moved."""

_QUOTED = re.compile(r"(?<=: in alarm, )\S+")
"""The measured value in the text of an alarm."""

MOMENTS = ("between", "scan", "after scan", "before scan")
"""Where the fault falls: anywhere; within 3 ms after a scan (mirrored, written); later; just before one."""


@dataclass
class Verdict:
    """Of one pair of runs."""

    situation: str
    fault: str
    seed: int
    period_ms: int
    at_s: float
    bumps: list[Bump]
    missed: int  # scans that nobody ran
    states: list[str] = field(default_factory=list)  # what goes on otherwise and must not
    drift: list[str] = field(default_factory=list)  # numbers that differ, the largest first
    events: list[str] = field(default_factory=list)  # journal entries that differ, are lost, or came twice
    history: list[str] = field(default_factory=list)  # samples that nobody or more than one holder of a term made
    journal: list[str] = field(default_factory=list)  # what the run with the fault told of the plant
    moved: float = 0.0  # how far the twin's outputs moved around the fault, % of span: what stands still shows nothing

    @property
    def worst(self) -> Bump:
        return max(self.bumps, key=lambda bump: bump.largest_pct)

    @property
    def passes(self) -> bool:
        """Whether every promise was kept."""
        return self.worst.largest_pct <= LIMIT_PCT and not (self.states or self.events or self.history)


@cache
def _twin(situation: str, period_ms: int, lease_ms: int) -> Run:
    wanted = SITUATIONS[situation]
    return run(_config(wanted, period_ms, lease_ms), wanted, period_ms / 1000.0)


def _config(situation: Situation, period_ms: int, lease_ms: int) -> PlantConfig:
    lease = (f"controllers.C1.lease={lease_ms} ms",) if lease_ms else ()
    return twin_config(situation.plant, period_ms, (*situation.overrides, *lease))


def moment(situation: Situation, period_s: float, seed: int) -> float:
    """When the fault comes, s of true time."""
    rng = Random(f"{situation.name} {seed}")
    scan = situation.fault_s + period_s * rng.randrange(round(5.0 / period_s))
    match MOMENTS[seed % len(MOMENTS)]:
        case "scan":
            return scan + rng.choice((0.0, rng.uniform(0.0, 0.003)))
        case "after scan":
            return scan + rng.uniform(0.003, 0.2 * period_s)
        case "before scan":
            return scan - rng.uniform(0.0, 0.005)
        case _:
            return scan + rng.uniform(0.0, period_s)


def compare(name: str, fault: str, seed: int, period_ms: int, lease_ms: int = 0) -> Verdict:
    """Run both and judge. ``lease_ms``: 0 = as it follows from the period."""
    situation = SITUATIONS[name]
    period_s = period_ms / 1000.0
    config = _config(situation, period_ms, lease_ms)
    at_s = moment(situation, period_s, seed)
    twin = _twin(name, period_ms, lease_ms)
    mine = run(config, situation, period_s, fault, at_s)
    period_ns = round(period_s * NS_PER_S)
    term = max(epoch for _, _, epoch in mine.frames)
    first_ns = min(time_ns for _, time_ns, epoch in mine.frames if epoch == term)
    spans = {
        point.name: (1.0 if point.type == "bool" else 100.0)
        for device in config.devices for point in device.points if point.direction == "out"
    }  # fmt: skip
    look_ns = [time_ns + round(LOOK_AT * period_ns) for time_ns in sorted(twin.looks)]
    # The first scan of the new holder may be run late: its outputs are there when the next one is due.
    writes = [
        w
        for p in mine.course.writes.values()
        for w in p
        if w.time_ns >= mine.struck_ns and not w.by.startswith(mine.old)
    ]
    resumed_ns = max(first_ns, min((w.time_ns for w in writes), default=0)) + period_ns
    bumps = bump_against_twin(
        mine.course, twin.course, spans,
        struck_ns=mine.struck_ns, resumed_ns=resumed_ns, look_ns=look_ns, old=mine.old,
    )  # fmt: skip
    missed = len({frame[:2] for frame in twin.frames} - {frame[:2] for frame in mine.frames})
    verdict = Verdict(name, fault, seed, period_ms, at_s, bumps, missed)
    verdict.moved = max(_range(twin, point, mine.struck_ns) / spans[point] * 100.0 for point in twin.course.writes)
    verdict.states, verdict.drift = judge_states(mine, twin, resumed_ns)
    _judge_events(verdict, mine, twin, missed * period_ns)
    _judge_history(verdict, mine, twin)
    return verdict


def _range(twin: Run, point: str, struck_ns: int) -> float:
    values = twin.course.between(point, struck_ns - _AROUND_NS, struck_ns + _AROUND_NS)
    return max(values, default=0.0) - min(values, default=0.0)


def _judge_events(verdict: Verdict, mine: Run, twin: Run, slack_ns: int) -> None:
    """The same journal, but for what is said of the pair and of cables; the same time, where no scan was missed."""
    ours, theirs = _of_the_plant(mine), _of_the_plant(twin)
    verdict.journal = [event.text for event in ours]
    told = unified_diff([str(_words(e)) for e in theirs], [str(_words(e)) for e in ours], n=0, lineterm="")
    verdict.events += [line for line in told if line[:2] in ("-(", "+(")]
    for a, b in zip(ours, theirs, strict=False):
        if _words(a) == _words(b) and abs(a.time_ns - b.time_ns) > slack_ns:
            verdict.events.append(f"{_words(a)} {(a.time_ns - b.time_ns) / 1e9:+.3f} s")
        # A new term counts on from a number of its own, so that no two events ever have the same one.
        if b.time_ns < mine.struck_ns - slack_ns and a.id != b.id:
            verdict.events.append(f"{_words(a)} is {a.id}, the twin's is {b.id}")
    # A new holder may publish again what the old one has: the same under the same number, and only then.
    known: dict[str, Event] = {}
    for event in mine.told:
        if (other := known.setdefault(event.id, event)) != event:
            verdict.events.append(f"{event.id} is {_words(event)} and {_words(other)}")


def _judge_history(verdict: Verdict, mine: Run, twin: Run) -> None:
    """The samples of the twin, each once; by two terms only where the old holder's last scan was not mirrored."""
    ours, theirs = Counter(mine.frames), {frame[:2] for frame in twin.frames}
    verdict.history += [f"{frame} came {count} times" for frame, count in ours.items() if count > 1]
    verdict.history += [f"{frame} is none of the twin's" for frame in ours if frame[:2] not in theirs]
    twice = [one for one, count in Counter(frame[:2] for frame in mine.frames).items() if count > 1]
    if len(twice) > len({layout for layout, _ in twice}):
        verdict.history.append(f"{len(twice)} samples come from both holders")


def _of_the_plant(one: Run) -> list[Event]:
    def is_of_the_pair(event: Event) -> bool:
        return event.kind in ("redundancy", "field") or event.subject.partition(".")[0] in (
            *one.members,
            one.plan.strategy.name,
        )

    return [event for event in one.events if not is_of_the_pair(event)]


def _words(event: Event) -> tuple[str, str, str]:
    """What must be equal. The value that an alarm quotes is measured: it drifts with the instant of the sample."""
    return event.kind, event.subject, _QUOTED.sub("…", event.text)
