"""What a loop check leaves behind: a record for machines (JSON) and the same as a page that people sign (Markdown).

Called by   ``dcs.loop_check.procedure`` (fills it), the command line and the operator station (save it).
Knows       no clock and no folder but the one that it is given.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from dcs.core.clock import utc_text
from dcs.core.errors import Missing
from dcs.core.status import describe_status, is_good
from dcs.loop_check.plan import Observed, Plan

FOLDER = "loop-checks"


@dataclass(frozen=True, slots=True)
class Value:
    """One observed tag at one step."""

    tag: str
    value: float
    status: int

    @property
    def good(self) -> bool:
        """Good, and a number."""
        return is_good(self.status) and self.value == self.value


@dataclass(frozen=True, slots=True)
class Row:
    """One step."""

    step_pct: float
    output: float  # asked for, in the unit of the output
    time_ns: int  # UTC at which it was written
    seconds: float  # until it was settled, or given up
    settled: bool
    values: tuple[Value, ...]
    off_pct: float  # largest distance of a demand or position from the output, % of span; NaN: none was good
    ok: bool


@dataclass(frozen=True, slots=True)
class SignOff:
    """Who says what of it."""

    name: str
    passed: bool
    remark: str = ""
    time_ns: int = 0


@dataclass(slots=True)
class Record:
    """A loop check."""

    plant: str
    plan: Plan
    began_ns: int = 0  # UTC
    ended_ns: int = 0
    mode_before: str = ""
    output_before: float = float("nan")
    rows: list[Row] = field(default_factory=list)
    result: str = ""  # done | aborted | refused
    reason: str = ""  # of an abort or refusal
    restored: str = ""  # "" nothing was changed; else what was given back, or what could not be
    restored_ok: bool = True
    sign_off: SignOff | None = None
    trace: list[tuple[int, tuple[float, ...]]] = field(default_factory=list)
    """(UTC, output and observed values), as sampled: for the trend."""

    @property
    def all_ok(self) -> bool:
        """Every step was done, settled and followed."""
        return self.result == "done" and len(self.rows) == len(self.plan.steps) and all(row.ok for row in self.rows)


def to_dict(record: Record) -> dict[str, object]:
    """Plain JSON types; a number that is not known is null."""
    plan = record.plan
    return {
        "plant": record.plant,
        "module": plan.module,
        "description": plan.description,
        "output": asdict(plan.output),
        "observed": [asdict(one) for one in plan.observed],
        "tolerance_pct": plan.tolerance_pct,
        "began": utc_text(record.began_ns),
        "ended": utc_text(record.ended_ns),
        "mode_before": record.mode_before,
        "output_before": _number(record.output_before),
        "steps": [_row_dict(row) for row in record.rows],
        "result": record.result,
        "reason": record.reason,
        "restored": record.restored,
        "restored_ok": record.restored_ok,
        "all_steps_ok": record.all_ok,
        "sign_off": None
        if record.sign_off is None
        else {
            "name": record.sign_off.name,
            "passed": record.sign_off.passed,
            "remark": record.sign_off.remark,
            "time": utc_text(record.sign_off.time_ns),
        },
        "trace": [
            {"time": utc_text(time_ns), "values": [_number(value) for value in values]}
            for time_ns, values in record.trace
        ],
    }


def _row_dict(row: Row) -> dict[str, object]:
    return {
        "step_pct": row.step_pct,
        "output": row.output,
        "time": utc_text(row.time_ns),
        "seconds": round(row.seconds, 1),
        "settled": row.settled,
        "off_pct": _number(row.off_pct),
        "ok": row.ok,
        "values": {
            value.tag: {"value": _number(value.value), "status": describe_status(value.status)} for value in row.values
        },
    }


def _number(value: float) -> float | None:
    return value if value == value and abs(value) != float("inf") else None


def to_markdown(record: Record) -> str:
    """A page that a person can read, print and file."""
    plan = record.plan
    verdict = "not signed"
    if record.sign_off is not None:
        verdict = "PASSED" if record.sign_off.passed else "FAILED"
    lines = [
        f"# Loop check {plan.module}: {verdict}",
        "",
        f"{plan.description}. Plant {record.plant}, {utc_text(record.began_ns)} to {utc_text(record.ended_ns)}.",
        "",
        f"Before the check: {record.mode_before}, output {shown(record.output_before, plan.output)}. "
        f"Result: {result_text(record)}." + (f" {record.restored}." if record.restored else ""),
        "",
        "| " + " | ".join(heads(plan)) + " |",
        "|" + "---:|" * (len(heads(plan)) - 1) + ":---|",
    ]
    lines += ["| " + " | ".join(cells(row, plan)) + " |" for row in record.rows]
    lines += ["", f"Tolerance between demand and position: {plan.tolerance_pct:g} % of span."]
    if record.sign_off is not None:
        sign = record.sign_off
        lines += ["", f"Signed off by {sign.name or '(nobody)'}, {utc_text(sign.time_ns)}: {verdict}."]
        lines += [f"Remark: {sign.remark}"] if sign.remark else []
    return "\n".join(lines) + "\n"


def result_text(record: Record) -> str:
    """``all steps followed``, ``2 of 9 steps did not follow``, ``aborted: …``."""
    if record.result != "done":
        return f"{record.result or 'not finished'}" + (f": {record.reason}" if record.reason else "")
    wrong = sum(not row.ok for row in record.rows)
    return "all steps followed" if not wrong else f"{wrong} of {len(record.rows)} steps did not follow"


def heads(plan: Plan) -> list[str]:
    """Of the table of steps."""
    observed = [f"{label(one, plan)} {one.unit}".strip() for one in plan.observed]
    return ["step", f"OUT {plan.output.unit}".strip(), *observed, "off", "after", ""]


def label(one: Observed, plan: Plan) -> str:
    """What an observed tag is called: by what it is, where only one is that; else by its tag."""
    alone = sum(other.role == one.role for other in plan.observed) == 1
    return one.role if alone and one.role in ("demand", "position") else one.tag.removeprefix(f"{plan.module}.")


def cells(row: Row, plan: Plan) -> list[str]:
    """One step, as text."""
    values = {value.tag: value for value in row.values}
    shown_values = [shown(values[one.tag].value, one) for one in plan.observed]
    off = f"{row.off_pct:.1f} %" if row.off_pct == row.off_pct else "—"
    after = f"{row.seconds:.0f} s" if row.settled else f"> {row.seconds:.0f} s"
    return [f"{row.step_pct:g} %", shown(row.output, plan.output), *shown_values, off, after, row_text(row)]


def row_text(row: Row) -> str:
    """What is to be said of a step."""
    bad = [value.tag for value in row.values if not value.good]
    if bad:
        return f"{', '.join(bad)} not Good"
    if not row.settled:
        return "did not settle"
    return "ok" if row.ok else "does not follow"


def shown(value: float, one: Observed) -> str:
    """In the decimals of its tag."""
    return f"{value:.{one.decimals}f}" if value == value else "—"


def save(record: Record, folder: Path) -> Path:
    """Write both files; returns the page. Raises ``Missing`` with one sentence where it cannot be written."""
    stamp = utc_text(record.began_ns)[:19].replace(":", "").replace("-", "")
    base = folder / f"{record.plan.module}_{stamp}"
    page = base.with_name(base.name + ".md")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        base.with_name(base.name + ".json").write_text(
            json.dumps(to_dict(record), indent=1, ensure_ascii=False), encoding="utf-8"
        )
        page.write_text(to_markdown(record), encoding="utf-8")
    except OSError as exc:
        raise Missing(f"{folder}: the record cannot be written ({exc.strerror}). Choose another folder.") from None
    return page
