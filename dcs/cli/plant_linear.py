"""``dcs plant linearise``: steady state, gains, relative gains, poles, zeros of a plant model.

Called by   ``dcs.cli.plant``.
Knows       how the analysis is printed; every number comes from ``plant_models.study.analysis``.
"""

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcs.cli.options import duration_option
from dcs.cli.plant_moves import find_name, steps_of
from dcs.cli.plant_run import open_study_of
from dcs.cli.plant_subject import Subject, find_subject, sentence_of
from dcs.cli.progress import Progress
from dcs.cli.table import table
from dcs.core.clock import NS_PER_S
from dcs.core.errors import ConfigError, DcsError, Place

if TYPE_CHECKING:
    from dcs.node.assembly import Study

POLES_SHOWN, COLUMNS_SHOWN = 12, 8
ALL = "all"


@dataclass(frozen=True, slots=True)
class LinearOptions:
    """The options of the command as they were given."""

    name: str
    setting: str | None = None
    inputs: str | None = None
    outputs: str | None = None
    at: str | None = None
    parameters: tuple[str, ...] = ()
    as_json: bool = False


def linearise_plant(options: LinearOptions) -> int:
    """Analyse and print."""
    subject = find_subject(options.name).with_options(options.setting, None)
    by_default = bool(subject.kind.loops) and options.inputs is None and options.outputs is None
    if by_default:
        outputs, inputs = (list(dict.fromkeys(names)) for names in zip(*subject.kind.loops, strict=True))
    else:
        inputs = chosen_names("--inputs", options.inputs, subject, "input")
        outputs = chosen_names("--outputs", options.outputs, subject, "output")
    study = open_study_of(subject, 0, options.parameters)
    if options.at is not None:
        _go_to(study, subject, options.at)
    try:
        report = study.analyse(inputs, outputs, search=options.at is None)
    except ValueError as error:
        raise ConfigError(f"{subject.said}: {sentence_of(error)}") from error
    if by_default:
        report["notes"].append(
            "this is the control problem that the plant was published with; `--inputs all --outputs all` shows the rest"
        )
    print(json.dumps(_plain(report), indent=1) if options.as_json else as_text(subject.kind.title, report))
    return 0


def chosen_names(option: str, said: str | None, subject: Subject, role: str) -> list[str]:
    """The names of a comma-separated list; all of the role without one or with ``all``. Raises ``ConfigError``."""
    if said is None or (said.strip().lower() == ALL and ALL not in subject.kind.names(role)):
        return list(subject.kind.names(role))
    names = [find_name(f"{option} {word}", word, subject.kind, (role,)) for word in _words(said)]
    if not names:
        raise ConfigError(f"{option}: name at least one. There are {', '.join(subject.kind.names(role))}.")
    return list(dict.fromkeys(names))


def _words(said: str) -> list[str]:
    return [word for part in said.split(",") if (word := part.strip())]


def _go_to(study: "Study", subject: Subject, at: str) -> None:
    """To a time of the plant's own run, or to a row of a table that ``dcs plant run`` wrote (``FILE.csv@TIME``)."""
    name, mark, time = at.rpartition("@") if "@" in at else (at, "", "")
    path = Path(name)
    if mark or path.suffix.lower() == ".csv" or path.is_file():
        _take_row(study, path, duration_option("--at", time) / NS_PER_S if time else None)
        return
    step_ns = subject.model.step_ns
    steps = steps_of(f"--at {at}", duration_option("--at", at), step_ns)
    progress = Progress(subject.kind.title)
    try:
        study.run(step_ns / NS_PER_S, steps, steps, [], [], lambda rows: None, tell=progress.tell)
    except ArithmeticError as error:
        raise DcsError(f"{subject.said}: {sentence_of(error)}") from error
    finally:
        progress.clear()


def _take_row(study: "Study", path: Path, time_s: float | None) -> None:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise ConfigError(
            "--at: this is no table that can be read. Give a CSV of `dcs plant run`.", Place(str(path))
        ) from None
    kind = study.plant.type
    states = kind.names("state")
    missing = [name for name in ("t_s", *states) if not rows or name not in rows[0]]
    if missing:
        few = ", ".join(missing[:4])
        raise ConfigError(f"--at: the table lacks {few}. Write it with all states and inputs.", Place(str(path)))
    try:
        fitting = [row for row in rows if time_s is None or abs(float(row["t_s"]) - time_s) < 1e-9 * max(1.0, time_s)]
        if not fitting:
            raise ConfigError(f"--at: there is no row at {time_s:g} s.", Place(str(path)))
        for name in (*states, *kind.names("input")):
            if name in fitting[-1]:
                study.plant.set(name, float(fitting[-1][name]))
    except (ValueError, TypeError) as error:
        raise ConfigError(f"--at: {sentence_of(error)}", Place(str(path))) from None


# --- text -------------------------------------------------------------------------------------------------------
def as_text(title: str, report: dict[str, Any]) -> str:
    """The report for a terminal."""
    at = f" at {report['time_s']:g} s" if report["time_s"] else ""
    parts = [f"{title}, setting {report['setting']}{at}", _steady(report["steady_state"])]
    parts.append("Operating point\n" + _points(report))
    parts.append(_dynamics(report["poles"]))
    parts.append(_zeros(report["zeros"]))
    names = [one["name"] for one in report["inputs"]], [one["name"] for one in report["outputs"]]
    if report["dead_times_s"]:
        rows = [[one["output"], one["input"], time_text(one["dead_time_s"])] for one in report["dead_times_s"]]
        parts.append("Dead times (not in poles and zeros)\n" + table(["output", "input", ">dead time"], rows))
    for key, heading in (
        ("gain", "Static gains, output unit per input unit"),
        ("gain_percent", "Static gains, % of range per % of range"),
        ("slope_per_s", "Slopes of outputs that ramp, output unit per input unit and second"),
        ("relative_gains", "Relative gains (rows: outputs)"),
    ):
        shown = [at for at, row in enumerate(report[key] or ()) if key != "slope_per_s" or any(row)]
        if shown:
            values, outputs = [report[key][at] for at in shown], [names[1][at] for at in shown]
            parts.append(matrix_text(heading, values, names[0], outputs))
    parts.append(_pairing(report))
    if report["singular_values"]:
        strengths = ", ".join(f"{value:.5g}" for value in report["singular_values"])
        number = report["condition_number"]
        said = "none: an output answers to nothing" if number is None else f"{number:.5g}"
        parts.append(f"Singular values (gains scaled by {report['scaled_by']}): {strengths}. Condition number: {said}.")
    if report["notes"]:
        parts.append("\n".join(f"Note: {note}." for note in report["notes"]))
    return "\n\n".join(part for part in parts if part)


def _steady(steady: dict[str, Any]) -> str:
    rest = steady["residual_per_s"]
    how = "found by search" if steady["how"] == "found" else "as given"
    moves = (
        f"; the fastest state, {steady['residual_state']}, moves by {rest:.2g} of its size per second" if rest else ""
    )
    return f"Steady state {how}{moves}."


def _points(report: dict[str, Any]) -> str:
    rows = [
        [role, one["name"], f"{one['value']:.6g}", one["unit"], _range(one)]
        for role, key in (("input", "inputs"), ("output", "outputs"))
        for one in report[key]
    ]
    return table(["", "name", ">value", "unit", "range"], rows)


def _range(one: dict[str, Any]) -> str:
    return " … ".join("" if end is None else f"{end:.6g}" for end in (one["low"], one["high"]))


def _dynamics(poles: Sequence[dict[str, Any]]) -> str:
    shown = [pole for pole in poles if pole["im"] >= 0.0]
    rows = []
    for pole in shown[:POLES_SHOWN] + [p for p in shown[POLES_SHOWN:] if p["kind"] != "stable"]:
        is_pair = pole["im"] > 0.0
        swing = f"period {time_text(pole['period_s'])}, damping {pole['damping']:.3g}" if is_pair else ""
        time = "" if pole["kind"] == "integrator" else time_text(pole["time_constant_s"])
        rows.append([_complex(pole), time, pole["kind"] if pole["kind"] != "stable" else "", swing])
    text = "Poles, slowest first\n" + table([">1/s", ">time constant", "", ""], rows)
    left = len(shown) - len(rows)
    fastest = time_text(min(pole["time_constant_s"] for pole in poles)) if poles else ""
    return text + (f"\nand {left} faster ones, down to a time constant of {fastest}" if left > 0 else "")


def _zeros(zeros: Sequence[dict[str, Any]] | None) -> str:
    if zeros is None:
        return ""
    if not zeros:
        return "Transmission zeros: none."
    right = [zero for zero in zeros if zero["right_half_plane"]]
    near = sorted((zero for zero in zeros if zero["im"] >= 0.0), key=lambda zero: math.hypot(zero["re"], zero["im"]))
    shown = near[:POLES_SHOWN] + [zero for zero in near[POLES_SHOWN:] if zero["right_half_plane"]]
    rows = [[_complex(zero), "right half plane" if zero["right_half_plane"] else ""] for zero in shown]
    text = "Transmission zeros, nearest first\n" + table([">1/s", ""], rows)
    if len(near) > len(shown):
        text += f"\nand {len(near) - len(shown)} more"
    if right:
        limit = min(abs(complex(zero["re"], zero["im"])) for zero in right)
        fastest = time_text(1.0 / limit)
        text += f"\nA zero in the right half plane: no controller closes the loops much faster than {fastest}."
    return text


def _complex(one: dict[str, Any]) -> str:
    return f"{one['re']:.6g}" + (f" ± {abs(one['im']):.4g}i" if one["im"] else "")


def _pairing(report: dict[str, Any]) -> str:
    if not report["pairing"]:
        return ""
    outputs, inputs = report["outputs"], report["inputs"]
    rows = [
        [outputs[one["output"]]["name"], inputs[one["input"]]["name"], f"{one['relative_gain']:.4g}"]
        for one in report["pairing"]
    ]
    index = report["niederlinski"]
    verdict = (
        "not defined"
        if index is None
        else f"{index:.4g}" + ("" if index > 0.0 else ", negative: no stable set of loops")
    )
    return f"Pairing by relative gains; Niederlinski's index {verdict}\n" + table(
        ["output", "input", ">relative gain"], rows
    )


def matrix_text(heading: str, values: list[list[float | None]], columns: list[str], rows: list[str]) -> str:
    """A matrix with names at its edges, in pieces that fit a terminal; ∞ where there is no finite number."""
    pieces = []
    for first in range(0, len(columns), COLUMNS_SHOWN):
        part = slice(first, first + COLUMNS_SHOWN)
        lines = [
            [name, *("∞" if value is None else f"{_clean(value):.5g}" for value in row[part])]
            for name, row in zip(rows, values, strict=True)
        ]
        pieces.append(table(["", *(f">{name}" for name in columns[part])], lines))
    return heading + "\n" + "\n\n".join(pieces)


def _clean(value: float) -> float:
    """Without the dust of differences."""
    return 0.0 if abs(value) < 1e-12 else value


def time_text(seconds: float) -> str:
    """In the unit that reads best: 12.3 s, 3.23 min, 5.4 h."""
    if not math.isfinite(seconds):
        return "∞"
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 2.0 * size:
            return f"{seconds / size:.4g} {unit}"
    return f"{seconds:.4g} s"


def _plain(value: Any) -> Any:
    """JSON has no infinity: None."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
