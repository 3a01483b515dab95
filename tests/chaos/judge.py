"""What one trial came to, and the row of the table that many of them make.

Called by   ``tests.chaos.suite``.
Knows       the write requests that reached the devices, the frames that an operator station took; nothing else.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from dcs.bench.machines.field_log import Write, first_of_another, largest_step, late_writes, pump_demand
from dcs.bench.machines.station import Seen
from tests.chaos.cases import NOTHING, SILENCE, TAKEOVER, Case

PERIOD_S = 0.1
HOLD_S = 0.09
RETAKEN = "lost the authority and took it again"
_COMES_BACK = ("sigstop", "isolation")
"""Cases whose old holder comes back with a request that its system may still hold: one, for devices without epochs."""
_LATE_S = 0.05
"""After the lease, for a machine that is busy: the request may have been on its way."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One fault and what it did."""

    case: str
    switched: bool
    gap_s: (
        float  # takeover: fault to the first output of the other one; silence: to the last output; else longest pause
    )
    step_pct: float  # of the output at the takeover
    usual_pct: float  # largest step between two outputs before
    scans_lost: int
    hmi_gap_s: float
    late: int  # requests that a device took from one who had been followed by another
    wrong: str  # what was not as the case expects, in words; "" = nothing
    story: list[str] = field(default_factory=list)  # of a wrong one: what the nodes told, from before the fault on


def judge(
    case: Case,
    active: str,
    fault_s: float,
    end_s: float,
    writes: Sequence[Write],
    seen: Sequence[Seen],
    checks_epochs: bool,
) -> Trial:
    """``writes`` and ``seen``: from two seconds before the fault until ``end_s``, when the look at it ended."""
    after = [write for write in writes if write.time_s >= fault_s]
    first = first_of_another(after, active)
    late_ones = late_writes(writes)
    late = len(late_ones)
    scans_s = sorted({one.scan_s for one in seen})
    scans_lost = sum(round((b - a) / PERIOD_S) - 1 for a, b in pairwise(scans_s))
    looks_s = [one.at_s for one in seen] + [end_s]
    hmi_gap_s = max((b - a for a, b in pairwise(looks_s)), default=float("inf"))
    if case.expects == SILENCE:
        gap_s = after[-1].time_s - fault_s if after else 0.0
    else:
        gap_s = first.time_s - fault_s if first else _longest_pause(writes, fault_s)
    step_pct, usual_pct = _steps(writes, first)
    allowed = 0 if checks_epochs or case.name not in _COMES_BACK else 1
    wrong = _told(late_ones, fault_s, first) if late > allowed else _wrong(case, after, first)
    epochs = sorted({one.epoch for one in seen})
    if case.expects == NOTHING and not wrong and len(epochs) > 1:
        wrong = f"{active} {RETAKEN}: epochs {epochs[0]} to {epochs[-1]}"
    if case.expects == SILENCE and after and not wrong and after[-1].time_s - fault_s > HOLD_S + _LATE_S:
        wrong = f"it wrote {after[-1].time_s - fault_s:.3f} s after the others had died"
    return Trial(case.name, first is not None, gap_s, step_pct, usual_pct, scans_lost, hmi_gap_s, late, wrong)


def _told(late: Sequence[Write], fault_s: float, first: Write | None) -> str:
    """What a device has taken from one who had lost control, and when."""
    follower = f"; the first of {first.node} came after {1000 * (first.time_s - fault_s):.0f} ms" if first else ""
    each = ", ".join(
        f"{write.node} to {write.device} {1000 * (write.time_s - fault_s):.0f} ms after the fault"
        + ("" if write.accepted else " (not answered)")
        for write in late
    )
    return f"{len(late)} requests of one who had lost control were taken: {each}{follower}"


def _wrong(case: Case, after: Sequence[Write], first: Write | None) -> str:
    if case.expects == TAKEOVER and first is None:
        return "nobody took over"
    if case.expects == NOTHING and first is not None:
        return f"{first.node} took over"
    if case.expects == NOTHING and not after:
        return "nothing was written any more"
    if case.expects == SILENCE and first is not None:
        return f"{first.node} wrote"
    return ""


def _longest_pause(writes: Sequence[Write], fault_s: float) -> float:
    before = [write.time_s for write in writes if write.time_s < fault_s][-1:]
    times = before + [write.time_s for write in writes if write.time_s >= fault_s]
    return max((b - a for a, b in pairwise(times)), default=float("nan"))


def _steps(writes: Sequence[Write], first: Write | None) -> tuple[float, float]:
    """(step of the watched output from the old holder's last to the new one's first changed value, usual step)."""
    demands = [(write, value) for write in writes if (value := pump_demand(write)) is not None]
    if first is None:
        return 0.0, largest_step([value for _, value in demands])
    before = [value for write, value in demands if write.time_s < first.time_s]
    after = [value for write, value in demands if write.time_s >= first.time_s][:3]
    return largest_step([*before[-1:], *after]), largest_step(before)


HEADINGS = (
    "case", "trials", "takeovers", "no output p50", "p99", "max ms", "limit", "step %", "usual %", "scans lost",
    "HMI gap ms", "late", "two writers", "wrong",
)  # fmt: skip


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of all does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-round(len(ordered) * share * 1000) // 1000) - 1)] if ordered else float("nan")


def row(case: Case, trials: Sequence[Trial]) -> list[str]:
    """One line of the table."""
    gaps_ms = [1000.0 * trial.gap_s for trial in trials]
    return [
        case.name,
        str(len(trials)),
        str(sum(trial.switched for trial in trials)),
        f"{statistics.median(gaps_ms):.0f}",
        f"{percentile(gaps_ms, 0.99):.0f}",
        f"{max(gaps_ms):.0f}",
        f"{1000 * case.limit_s:.0f}" if case.limit_s else "",
        f"{max(trial.step_pct for trial in trials):.3f}",
        f"{max(trial.usual_pct for trial in trials):.3f}",
        str(max(trial.scans_lost for trial in trials)),
        f"{1000 * max(trial.hmi_gap_s for trial in trials):.0f}",
        str(sum(trial.late for trial in trials)),
        str(sum("lost control" in trial.wrong for trial in trials)),
        str(sum(bool(trial.wrong) for trial in trials)),
    ]
