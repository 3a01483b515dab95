"""``dcs plant run``: a plant model alone, for a time, into a table.

Called by   ``dcs.cli.plant``.
Knows       the options, in the order in which they can be wrong; everything is checked before time passes.
"""

import contextlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcs.cli.options import duration_option
from dcs.cli.plant_moves import Asked, check_ranges, find_name, read_moves, steps_of
from dcs.cli.plant_subject import Subject, find_subject, sentence_of
from dcs.cli.plant_table import check_ending, open_table
from dcs.cli.progress import Progress
from dcs.config.problems import did_you_mean
from dcs.core.clock import NS_PER_S
from dcs.core.errors import ConfigError, DcsError

if TYPE_CHECKING:
    from dcs.node.assembly import Study

ROLES_OF_COLUMNS = ("output", "input", "state", "disturbance", "parameter")
_ROWS_UNASKED = 100
_EVENTS_SHOWN = 40


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of the command as they were given."""

    name: str
    duration: str
    step: str | None = None
    every: str | None = None
    method: str | None = None
    setting: str | None = None
    seed: int | None = None
    noise: str | None = None
    control: str = "none"
    inputs: tuple[str, ...] = ()
    disturbances: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    columns: str | None = None
    until_trip: bool = False
    out: Path | None = None
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Times:
    """Duration, step and row distance, ns; each divides the one before."""

    duration_ns: int
    step_ns: int
    every_ns: int


def run_plant(options: RunOptions) -> int:
    """Run and write; 1 when the model broke down."""
    subject = find_subject(options.name).with_options(options.setting, options.method)
    times = read_times(subject, options.duration, options.step, options.every)
    if options.out is not None:
        check_ending(options.out)
    seed = subject.model.seed if options.seed is None else options.seed
    study = open_study_of(subject, seed, options.parameters)
    _switch_noise(study, options.noise)
    if _wants_control(options.control):
        _take_control(study, options, times)
    moves = read_all_moves(study, subject, options.inputs, options.disturbances, times)
    names = _columns(study, subject, options.columns)
    table = open_table(options.out, ("t_s", *names), to_stdout=not options.as_json)
    progress = Progress(subject.kind.title)
    events = Events(study, subject, progress)
    try:
        outcome = study.run(
            times.step_ns / NS_PER_S, times.duration_ns // times.step_ns, times.every_ns // times.step_ns,
            moves, names, table.write, until_trip=options.until_trip, tell=progress.tell,
            heard=events.heard,
        )  # fmt: skip
    except (ArithmeticError, ValueError) as error:
        raise DcsError(f"{subject.said}: {sentence_of(error)}") from error
    except BrokenPipeError:
        return 0  # `| head` has seen enough
    finally:
        progress.clear()
        with contextlib.suppress(BrokenPipeError):
            table.close()
    events.close()
    if options.as_json:
        print(json.dumps(_summary(study, subject, options, times, seed, outcome), indent=1))
    elif options.out is not None:
        print(f"{outcome.rows} rows of {len(names) + 1} columns written to {options.out}.")
    return 1 if outcome.broken else 0


def read_times(subject: Subject, duration: str, step: str | None, every: str | None) -> Times:
    """Checked against one another. Raises ``ConfigError``."""
    duration_ns = duration_option("--for", duration)
    step_ns = duration_option("--step", step) if step else subject.model.step_ns
    if step_ns > duration_ns:
        raise ConfigError(f"--for {duration} is shorter than one step of {step_ns / NS_PER_S:g} s.")
    steps = steps_of(f"--for {duration}", duration_ns, step_ns)
    if every is None:
        return Times(duration_ns, step_ns, max(steps // _ROWS_UNASKED, 1) * step_ns)
    every_ns = duration_option("--every", every)
    steps_of(f"--every {every}", every_ns, step_ns)
    return Times(duration_ns, step_ns, every_ns)


def open_study_of(subject: Subject, seed: int, parameters: tuple[str, ...]) -> "Study":
    """The plant at its start, with the parameters that differ. Raises ``ConfigError``."""
    study = subject.open(seed)
    asked = read_moves("--param", parameters, subject.kind, "parameter")
    for one in asked:
        if one.time_ns:
            raise ConfigError(f"--param {one.text}: parameters hold from the start. Leave out the time.")
    check_ranges("--param", asked, subject.kind, {one.name: study.plant.get(one.name) for one in asked})
    try:
        for one in asked:
            study.plant.set(one.name, study.plant.get(one.name) + one.value if one.relative else one.value)
    except ValueError as error:
        raise ConfigError(f"--param: {sentence_of(error)}") from error
    return study


def read_all_moves(
    study: "Study", subject: Subject, inputs: tuple[str, ...], disturbances: tuple[str, ...], times: Times
) -> list[tuple[str, float, bool, int]]:
    """Inputs and disturbances, (name, value, relative, after how many steps), in order of time."""
    moves: list[tuple[str, float, bool, int]] = []
    for option, texts, role in (("--input", inputs, "input"), ("--disturb", disturbances, "disturbance")):
        asked: list[Asked] = read_moves(option, texts, subject.kind, role)
        start = {one.name: study.plant.get(one.name) for one in asked}
        if option == "--input" and study.period_s:  # where the controllers will have it is not known
            asked_values = [one for one in asked if not one.relative]
            check_ranges(option, asked_values, subject.kind, start)
        else:
            check_ranges(option, asked, subject.kind, start)
        for one in asked:
            said = f"{option} {one.text}"
            if one.time_ns > times.duration_ns:
                raise ConfigError(f"{said}: the run ends at {times.duration_ns / NS_PER_S:g} s, before that.")
            steps = steps_of(said, one.time_ns, times.step_ns)
            if study.period_s:
                _check_period(said, one.time_ns, study.period_s)
            moves.append((one.name, one.value, one.relative, steps))
    return moves


def _switch_noise(study: "Study", noise: str | None) -> None:
    if noise is None:
        return
    noise = noise.lower()
    if noise not in ("on", "off"):
        raise ConfigError(f"--noise {noise}: say on or off.")
    if study.has_noise:
        study.plant.set("noise", 1.0 if noise == "on" else 0.0)
    elif noise == "on":
        raise ConfigError(f"--noise on: {study.plant.type.name} has no measurement noise.")


def _wants_control(said: str) -> bool:
    known = ("none", "reference")
    if said.lower() not in known:
        raise ConfigError(f"--control {said}: there is no such control. {did_you_mean(said, known, 'There is')}")
    return said.lower() == "reference"


def _take_control(study: "Study", options: RunOptions, times: Times) -> None:
    try:
        study.take_control()
    except ValueError as error:
        raise ConfigError(f"--control reference: {sentence_of(error)} Leave it out.") from None
    if (options.method or "euler").lower() not in ("euler", "rk4", "stiff"):
        raise ConfigError(f"--control reference goes with a fixed step, not with --method {options.method}.")
    period_ns = round(study.period_s * NS_PER_S)
    if period_ns % times.step_ns:
        raise ConfigError(
            f"--step {times.step_ns / NS_PER_S:g}s does not divide the controllers' period of {study.period_s:g} s."
        )
    _check_period(f"--every {times.every_ns / NS_PER_S:g}s", times.every_ns, study.period_s)
    _check_period(f"--for {options.duration}", times.duration_ns, study.period_s)


def _check_period(said: str, time_ns: int, period_s: float) -> None:
    if time_ns % round(period_s * NS_PER_S):
        raise ConfigError(f"{said}: the controllers run every {period_s:g} s; take a multiple of that.")


def _columns(study: "Study", subject: Subject, said: str | None) -> list[str]:
    if said is None:
        return list(study.columns())
    names: list[str] = []
    for word in filter(None, (part.strip() for part in said.split(","))):
        if word in ("outputs", "inputs", "states", "disturbances", "parameters"):
            names += subject.kind.names(word.removesuffix("s"))
        else:
            names.append(find_name(f"--columns {word}", word, subject.kind, ROLES_OF_COLUMNS))
    if not names:
        raise ConfigError("--columns: name some variables, or outputs, inputs, states, disturbances, parameters.")
    return list(dict.fromkeys(names))


class Events:
    """Trips and ranges that were left, on the standard error, with the time."""

    def __init__(self, study: "Study", subject: Subject, progress: Progress) -> None:
        self._study, self._progress, self._count = study, progress, 0
        self._meanings = {one.name: one.meaning for one in subject.kind.conditions}

    def heard(self, event: Any) -> None:
        """One more."""
        self._count += 1
        if self._count > _EVENTS_SHOWN:
            return
        self._progress.clear()
        unit = self._study.unit_of_condition(event.condition)
        meaning = self._meanings.get(event.condition, "")
        what = f"{event.condition} {'begins' if event.active else 'ends'} at {event.value:.6g} {unit}".rstrip()
        print(f"{event.time_s:10g} s  {what}{f': {meaning}' if meaning and event.active else ''}", file=sys.stderr)

    def close(self) -> None:
        """Say how many were not shown."""
        if self._count > _EVENTS_SHOWN:
            print(f"… and {self._count - _EVENTS_SHOWN} more.", file=sys.stderr)


def _summary(
    study: "Study", subject: Subject, options: RunOptions, times: Times, seed: int, outcome: Any
) -> dict[str, Any]:
    plant = study.plant
    return {
        "plant": subject.kind.name,
        "setting": plant.setting,
        "method": subject.model.integrator or subject.kind.integrator,
        "step_s": times.step_ns / NS_PER_S,
        "seed": seed,
        "control": options.control.lower(),
        "rows": outcome.rows,
        "time_s": outcome.time_s,
        "stopped": outcome.stopped or None,
        "events": [
            {"time_s": e.time_s, "condition": e.condition, "active": e.active, "value": _finite(e.value)}
            for e in outcome.events
        ],
        "end": {name: _finite(plant.get(name)) for name in study.columns()},
        "out": str(options.out) if options.out else None,
    }  # fmt: skip


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None
