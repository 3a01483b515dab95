"""Expected outputs of a PID controller, straight from the equations; writes ``pid_answers.csv``.

Run it as ``python -m tests.reference.pid_answers``; with ``--check`` it says whether the file is what it would write.
It imports nothing of the product. All in % of span unless a case has scales of its own:

    u   = Kc [ f(e) - (1 - beta) r_steps + D ] + I + FF,   e = r - y   (direct acting: r and y with the other sign)
    D   = filtered derivative of (gamma r - y), time constant Td/N, backward difference
    I  += (1 - exp(-dt/Ti)) [ Kc f(e) + Kc D (series form only) + accepted - u ],   all of the last scan
    OUT = u inside its rates and limits; accepted = OUT, or what the block below says

``f`` is the error itself, or shaped by gap and square. ``r_steps`` sums what f(e) changes at each step of the setpoint;
without shaping it is the setpoint itself. The first scan starts from Man with OUT as it is, as does every
scan after tracking.
"""

import csv
import io
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CSV = Path(__file__).with_suffix(".csv")
COLUMNS = (
    "case", "scan", "dt_s", "settings", "sp", "pv", "ff", "trk_in_d", "trk_val", "bkcal_in", "bkcal_limits", "out",
)  # fmt: skip
SCANS = 30

DEFAULTS = {
    "gain": 1.0, "ti_s": 0.0, "td_s": 0.0, "n": 10.0, "beta": 1.0, "gamma": 0.0, "form": 0, "proportional": 1,
    "error_squared": 0, "gap": 0.0, "gap_gain": 1.0, "ff_gain": 1.0, "direct_acting": 0,
    "out_low": 0.0, "out_high": 100.0, "out_rate_up": 0.0, "out_rate_down": 0.0, "sp_rate_up": 0.0, "sp_rate_down": 0.0,
    "pv_scale_low": 0.0, "pv_scale_high": 100.0, "out_scale_low": 0.0, "out_scale_high": 100.0,
}  # fmt: skip


@dataclass
class Case:
    """What goes in. ``changes`` are settings by the scan in which they are written."""

    name: str
    settings: dict[str, float]
    sp: list[float]
    pv: list[float]
    dt_s: float = 1.0
    out: float = 50.0
    ff: list[float] | None = None
    tracking: dict[int, float] = field(default_factory=dict)
    below: list[tuple[float, int]] | None = None  # (accepted, limits: 0 none, 1 low, 2 high, 3 constant)
    changes: dict[int, dict[str, float]] = field(default_factory=dict)


class Controller:
    """The equations, scan by scan."""

    def __init__(self, settings: dict[str, float], out: float) -> None:
        self.p = DEFAULTS | settings
        self.out = out
        self.sp = math.nan
        self.started = False

    def percent(self, value: float, scale: str) -> float:
        low, high = self.p[f"{scale}_low"], self.p[f"{scale}_high"]
        return 100.0 * (value - low) / (high - low)

    def shape(self, e: float) -> float:
        gap = 100.0 * self.p["gap"] / (self.p["pv_scale_high"] - self.p["pv_scale_low"])
        size = abs(e) * self.p["gap_gain"] if abs(e) <= gap else abs(e) - gap + gap * self.p["gap_gain"]
        if self.p["error_squared"]:
            size *= size / 100.0
        return math.copysign(size, e)

    def ramp(self, sp: float, dt: float) -> float:
        if not self.started or math.isnan(self.sp):
            return sp
        if self.p["sp_rate_up"]:
            sp = min(sp, self.sp + self.p["sp_rate_up"] * dt)
        if self.p["sp_rate_down"]:
            sp = max(sp, self.sp - self.p["sp_rate_down"] * dt)
        return sp

    def scan(self, sp, pv, ff, tracked, below, change, dt):
        p = self.p
        self.sp = self.ramp(sp, dt)
        sign = -1.0 if p["direct_acting"] else 1.0
        r, y = sign * self.percent(self.sp, "pv_scale"), sign * self.percent(pv, "pv_scale")
        kc, kp = p["gain"], p["gain"] if p["proportional"] else 0.0
        feed = p["ff_gain"] * 100.0 * ff / (p["out_scale_high"] - p["out_scale_low"])
        e = self.shape(r - y)
        if tracked is not None or not self.started:
            if change:
                p.update(change)
            if tracked is not None:
                self.out = min(max(tracked, p["out_low"]), p["out_high"])
            self.started = tracked is None
            self.d, self.u = 0.0, self.percent(self.out, "out_scale")
            self.i = self.u - kp * e - feed
        else:
            accepted = self.percent(self.out if below is None else below[0], "out_scale")
            part = 1.0 - math.exp(-dt / p["ti_s"]) if p["ti_s"] else 0.0
            step = part * (kc * self.e + (kc * self.d if p["form"] else 0.0) + accepted - self.u)
            limits = 0 if below is None else below[1]
            if limits == 3 or (limits == 2 and step > 0) or (limits == 1 and step < 0):
                step = 0.0
            self.i += step - (1.0 - p["beta"]) * kp * (e - self.shape(self.r - y))
            tf = p["td_s"] / p["n"]
            slope = p["gamma"] * (r - self.r) - (y - self.y)
            self.d = (tf * self.d + p["td_s"] * slope) / (tf + dt)
            self.u = kp * e + kc * self.d + self.i + feed
            span = p["out_scale_high"] - p["out_scale_low"]
            wanted = p["out_scale_low"] + self.u / 100.0 * span
            out = wanted
            if p["out_rate_up"]:
                out = min(out, self.out + p["out_rate_up"] * dt)
            if p["out_rate_down"]:
                out = max(out, self.out - p["out_rate_down"] * dt)
            self.out = min(max(out, p["out_low"]), p["out_high"])
            if not p["proportional"] and self.out != wanted:  # the integral itself is what is limited
                self.i += 100.0 * (self.out - wanted) / span
                self.u = self.percent(self.out, "out_scale")
            if change:
                p.update(change)
                self.u = self.percent(self.out, "out_scale")
                e = self.shape(r - y)
                self.i = self.u - p["gain"] * (e * p["proportional"] + self.d) - feed
        self.e, self.r, self.y = e, r, y
        return self.out


def rows(case: Case) -> Iterator[dict[str, object]]:
    """Inputs and the expected OUT of every scan."""
    controller = Controller(case.settings, case.out)
    for k in range(len(case.pv)):
        ff = case.ff[k] if case.ff else 0.0
        change = case.changes.get(k, {})
        below = case.below[k] if case.below else None
        tracked = case.tracking.get(k)
        out = controller.scan(case.sp[k], case.pv[k], ff, tracked, below, change, case.dt_s)
        written = (case.settings | {"out": case.out} if k == 0 else {}) | change
        yield {
            "case": case.name,
            "scan": k,
            "dt_s": case.dt_s,
            "settings": " ".join(f"{name}={value:g}" for name, value in written.items()),
            "sp": case.sp[k],
            "pv": case.pv[k],
            "ff": ff if case.ff else "",
            "trk_in_d": int(tracked is not None) if case.tracking else "",
            "trk_val": (0.0 if tracked is None else tracked) if case.tracking else "",
            "bkcal_in": "" if below is None else below[0],
            "bkcal_limits": "" if below is None else below[1],
            "out": out,
        }


# --- the cases --------------------------------------------------------------------------------------------------
def wave(size: float = 2.0, centre: float = 50.0, drift: float = 0.05, scans: int = SCANS) -> list[float]:
    """A measurement that moves all the time."""
    return [round(centre + size * math.sin(0.5 * k) + drift * k, 6) for k in range(scans)]


def step_up(size: float = 5.0, at: int = 5, start: float = 50.0, scans: int = SCANS) -> list[float]:
    """A setpoint with one step."""
    return [start if k < at else start + size for k in range(scans)]


def cases() -> list[Case]:
    """Every option on its own, and the combinations that are easily got wrong."""
    sp, pv = step_up(), wave()
    full = {"gain": 1.5, "ti_s": 12.0, "td_s": 3.0}
    up_and_down = [50.0] * 3 + [56.0] * 9 + [52.0] * 18
    square_wave = [40.0 if k // 5 % 2 else 62.0 for k in range(SCANS)]
    accepted = [50.0 + min(k, 12) for k in range(SCANS)]
    return [
        Case("standard form", full, sp, pv),
        Case("series form", full | {"form": 1}, sp, pv),
        Case("PI", {"gain": 2.0, "ti_s": 8.0}, sp, pv),
        Case("PD", {"gain": 2.0, "td_s": 4.0}, sp, pv),
        Case("P with bias", {"gain": 2.5}, sp, pv),
        Case("I only", {"gain": 1.2, "ti_s": 6.0, "proportional": 0}, sp, pv),
        Case("I only at its limit", {"gain": 8.0, "ti_s": 4.0, "proportional": 0}, [50.0] * SCANS, square_wave),
        Case("ID, series", full | {"form": 1, "proportional": 0}, sp, pv),
        Case("beta 0", full | {"beta": 0.0}, sp, pv),
        Case("beta 0.4 gamma 1", full | {"beta": 0.4, "gamma": 1.0}, sp, pv),
        Case("gamma 1", full | {"gamma": 1.0}, sp, pv),
        Case("beta 0, limited", {"gain": 6.0, "ti_s": 5.0, "beta": 0.0}, step_up(15.0), [50.0] * SCANS),
        Case("direct acting", full | {"direct_acting": 1, "beta": 0.5}, sp, pv),
        Case("error-squared", full | {"error_squared": 1, "gain": 8.0}, step_up(20.0), pv),
        Case("error-squared, beta 0.3", {"gain": 8.0, "ti_s": 9.0, "error_squared": 1, "beta": 0.3}, step_up(20.0), pv),
        Case("gap", full | {"gap": 2.0, "gap_gain": 0.0}, sp, wave(4.0)),
        Case("gap with gain, squared", full | {"gap": 3.0, "gap_gain": 0.25, "error_squared": 1}, sp, wave(9.0)),
        Case("setpoint ramp", full | {"sp_rate_up": 0.5, "sp_rate_down": 0.2}, up_and_down, pv),
        Case("output rate", full | {"out_rate_up": 0.5, "out_rate_down": 1.5}, step_up(8.0), wave(5.0)),
        Case("output limits", full | {"gain": 6.0, "out_low": 35.0, "out_high": 65.0}, sp, wave(6.0)),
        Case("feed-forward", full | {"ff_gain": 0.8}, sp, pv, ff=[10.0 if k < 10 else 18.0 for k in range(SCANS)]),
        Case(
            "feed-forward with external reset, no offset", {"gain": 1.0, "ti_s": 6.0, "beta": 0.3, "td_s": 2.0}, sp, pv,
            ff=[5.0 + 0.2 * k for k in range(SCANS)], below=[(a, 0) for a in accepted],
        ),
        Case(
            "feed-forward while saturated", {"gain": 2.0, "ti_s": 10.0, "out_high": 60.0}, [60.0] * SCANS,
            [50.0] * 20 + [61.0] * 10, ff=[0.0 if k < 8 else 25.0 if k < 14 else 5.0 for k in range(SCANS)],
        ),
        Case("tracking in and out", full, sp, pv, tracking={k: 30.0 + 0.5 * k for k in range(8, 16)}),
        Case("Ti below dt", {"gain": 0.8, "ti_s": 0.4, "td_s": 0.2}, sp, pv, dt_s=2.0),
        Case("limited and unlimited scan by scan", {"gain": 12.0, "ti_s": 5.0}, [50.0] * SCANS,
             [44.0 if k % 2 else 53.0 for k in range(SCANS)]),
        Case("Ti changed while integrating", {"gain": 2.0, "ti_s": 20.0}, step_up(10.0), pv,
             changes={10: {"ti_s": 4.0}, 16: {"ti_s": 0.0}, 22: {"ti_s": 9.0}}),
        Case("gain changed while integrating", {"gain": 2.0, "ti_s": 20.0}, step_up(10.0), pv,
             changes={9: {"gain": 0.5}, 18: {"gain": 3.0}}),
        Case("limits of the block below", {"gain": 3.0, "ti_s": 7.0}, sp, pv,
             below=[(50.0 + 0.3 * k, (0, 2, 1, 3)[k // 4 % 4]) for k in range(SCANS)]),
        Case("ranges of their own", full | {"pv_scale_low": -50.0, "pv_scale_high": 150.0, "out_scale_low": 4.0,
             "out_scale_high": 20.0, "out_low": 4.0, "out_high": 20.0}, step_up(20.0), wave(8.0), out=11.0),
        Case("slow class", full, sp, pv, dt_s=15.0),
        Case("fast class", full, sp, pv, dt_s=0.05),
    ]  # fmt: skip


def text() -> str:
    """The file."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for case in cases():
        writer.writerows(rows(case))
    return out.getvalue()


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(CSV.read_text(encoding="utf-8") != text())
    CSV.write_text(text(), encoding="utf-8")
