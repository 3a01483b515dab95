"""``dcs plant step``: how outputs answer to steps of inputs, as figures and as a picture.

Called by   ``dcs.cli.plant``.
Knows       the options; the curves come from ``plant_models.study.step_response``, the picture from ``dcs.drawing``.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dcs.cli.plant_linear import chosen_names, time_text
from dcs.cli.plant_moves import check_ranges, read_moves, steps_of
from dcs.cli.plant_run import Events, open_study_of, read_times
from dcs.cli.plant_subject import Subject, find_subject, sentence_of
from dcs.cli.progress import Progress
from dcs.cli.table import table
from dcs.core.clock import NS_PER_S
from dcs.core.errors import ConfigError, DcsError
from dcs.drawing.step_picture import Curve, step_picture

if TYPE_CHECKING:
    from dcs.node.assembly import Study

PICTURES = (".svg", ".png")
_NICE_S = (
    1,
    2,
    3,
    5,
    10,
    20,
    30,
    60,
    120,
    300,
    600,
    1200,
    1800,
    3600,
    7200,
    10800,
    18000,
    36000,
    86400,
    172800,
    432000,
)


@dataclass(frozen=True, slots=True)
class StepOptions:
    """The options of the command as they were given."""

    name: str
    inputs: tuple[str, ...]
    outputs: str | None = None
    duration: str | None = None
    step: str | None = None
    method: str | None = None
    setting: str | None = None
    parameters: tuple[str, ...] = ()
    out: Path | None = None
    as_json: bool = False


def step_plant(options: StepOptions) -> int:
    """Run one response after the other, print figures, draw."""
    subject = find_subject(options.name).with_options(options.setting, options.method)
    outputs = chosen_names("--outputs", options.outputs, subject, "output")
    asked = read_moves("--input", options.inputs, subject.kind, "input")
    if not asked:
        names = ", ".join(subject.kind.names("input")[:6])
        raise ConfigError(f"--input: which input is moved, and by how much? Say --input NAME=+1. Inputs: {names}.")
    if options.out is not None and options.out.suffix.lower() not in PICTURES:
        raise ConfigError(f"--out {options.out}: a picture ends in .svg or .png.")
    if options.out is not None and not options.out.absolute().parent.is_dir():
        raise ConfigError(f"--out {options.out}: there is no folder {options.out.parent}. Make it first.")
    study = _quiet(subject, options)
    start = {one.name: study.plant.get(one.name) for one in asked}
    for one in asked:
        check_ranges("--input", [one], subject.kind, start)
        if one.time_ns:
            raise ConfigError(f"--input {one.text}: every step is made at the start. Leave out the time.")
        if (one.value == 0.0) if one.relative else (one.value == start[one.name]):
            raise ConfigError(f"--input {one.text}: that is where {one.name} is already; nothing would be seen.")
    duration = options.duration or f"{_nice_s(study.answer_time_s(), subject, options.step)}s"
    times = read_times(subject, duration, options.step, None)
    progress = Progress(subject.kind.title)
    events = Events(study, subject, progress)
    try:
        responses = study.steps(
            times.step_ns / NS_PER_S, times.duration_ns // times.step_ns,
            [(one.name, one.value, one.relative) for one in asked], outputs,
            lambda: _quiet(subject, options), progress.tell, events.heard,
        )  # fmt: skip
    except (ArithmeticError, ValueError) as error:
        raise DcsError(f"{subject.said}: {sentence_of(error)}") from error
    finally:
        progress.clear()
    events.close()
    figures = [response.figures() for response in responses]
    if options.out is not None:
        curves = [
            Curve(r.input, subject.kind.variable(r.input).unit, r.start, r.to, r.output,
                  subject.kind.variable(r.output).unit, r.times_s.tolist(), r.changes.tolist())
            for r in responses
        ]  # fmt: skip
        heading = f"{subject.kind.title}: step responses"
        below = f"setting {study.plant.setting}, {times.step_ns / NS_PER_S:g} s steps"
        write_picture(options.out, step_picture(heading, below, curves))
    if options.as_json:
        about = {"plant": subject.kind.name, "setting": study.plant.setting, "for_s": times.duration_ns / NS_PER_S}
        print(json.dumps({**about, "responses": figures, "out": str(options.out) if options.out else None}, indent=1))
        return 0
    rows = [
        [f["input"], f["output"], f"{f['change']:.5g}", subject.kind.variable(f["output"]).unit,
         "" if f["gain"] is None else f"{f['gain']:.5g}",
         "" if f["time_63_s"] is None else time_text(f["time_63_s"]),
         ", ".join(_remarks(f["settled"], f["inverse"]))]
        for f in figures
    ]  # fmt: skip
    print(
        f"{subject.kind.title}, setting {study.plant.setting}: {time_text(times.duration_ns / NS_PER_S)} after the step"
    )
    print(table(["input", "output", ">change", "unit", ">gain", ">63 % after", ""], rows))
    if options.out is not None:
        print(f"Drawn in {options.out}.")
    return 0


def _quiet(subject: Subject, options: StepOptions) -> "Study":
    """The plant at its start, without measurement noise."""
    study = open_study_of(subject, 0, options.parameters)
    if study.has_noise:
        study.plant.set("noise", 0.0)
    return study


def _remarks(settled: bool, inverse: bool) -> list[str]:
    return [*([] if settled else ["not settled"]), *(["starts the wrong way"] if inverse else [])]


def _nice_s(wanted_s: float, subject: Subject, step: str | None) -> float:
    """A round time of whole steps."""
    from dcs.cli.options import duration_option

    step_ns = duration_option("--step", step) if step else subject.model.step_ns
    step_s = step_ns / NS_PER_S
    nice_s = next((one for one in _NICE_S if one >= wanted_s), wanted_s)
    steps = max(round(nice_s / step_s), 1)
    steps_of("--for", steps * step_ns, step_ns)
    return steps * step_ns / NS_PER_S


def write_picture(out: Path, svg: str) -> None:
    """As SVG, or painted into a PNG. Raises ``ConfigError`` where it cannot be written, ``Missing`` without Qt."""
    try:
        if out.suffix.lower() == ".svg":
            out.write_text(svg, encoding="utf-8")
        else:
            from hmi.views.svg_to_png import svg_to_png

            out.write_bytes(svg_to_png(svg))
    except OSError as error:
        raise ConfigError(f"--out {out}: this file cannot be written ({error.strerror}). Name another.") from None
