"""A loop check as its dialog shows it: what will happen, the steps, the live values, the end.

Called by   the loop check dialog, at screen rate. No Qt.
Knows       the station (values in, commands out) and the procedure (``dcs.loop_check``). A command counts as answered
            when the plant has reported the scan that applied it, so that the procedure never judges an older frame.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from dcs.core.clock import NS_PER_S
from dcs.core.errors import ConfigError
from dcs.core.modes import mode_name
from dcs.core.value import ProcessValue
from dcs.loop_check.plan import Plan, make_plan
from dcs.loop_check.procedure import LoopCheck
from dcs.loop_check.record import FOLDER, SignOff, cells, heads, label, result_text, save, shown
from hmi.model.commands import DONE, Request
from hmi.model.station import Station
from hmi.model.tags import Link


class LoopCheckView:
    """One module under check."""

    def __init__(self, station: Station, module: str) -> None:
        self._station = station
        self.module = module
        self.check: LoopCheck | None = None
        self.why_not = ""
        self._request: Request | None = None
        self.saved: Path | None = None
        self._looked_ns = 0
        self.plan: Plan | None = None
        known = {name: info for name in station.tags.names() if (info := station.tags.info(name)) is not None}
        try:
            self.plan = make_plan(module, known)
        except ConfigError as exc:
            self.why_not = exc.message

    # --- what drives it -----------------------------------------------------------------------------------------
    def start(self) -> None:
        """Begin; whoever starts a check from here has read that the loop is put in Man."""
        if self.plan is not None and not self.running:
            self.saved = None
            self.check = LoopCheck(replace(self.plan, take_to_man=True), self._station.plant)
            self.tick()

    def abort(self, reason: str = "stopped by hand") -> None:
        """End it; output and mode are given back with the next ticks."""
        if self.check is not None:
            self.check.abort(reason)

    def tick(self) -> None:
        """Look once."""
        check = self.check
        if check is None or check.ended:
            return
        desk = self._station.desk
        if self._request is not None:
            found = desk.find(self._request.command.id)
            if found is not None and found.pending:
                return
            self._request = None
            check.replied(found is not None and found.state == DONE, found.text if found is not None else "no answer")
        clock = self._station.clock
        write = check.advance(
            clock.monotonic_ns(), self._station.tags.plant_time_ns() or clock.time_ns(), self._values()
        )
        if write is not None:
            self._request = self._station.write(write.tag, write.value)
            if self._request is None:
                check.replied(False, f"{write.tag} is not published any more")

    def _values(self) -> Mapping[str, ProcessValue]:
        assert self.plan is not None
        readings = {tag: self._station.tags.read(tag) for tag in self.plan.tags}
        return {tag: reading.pv for tag, reading in readings.items() if reading.link is Link.LIVE}

    # --- what is shown ------------------------------------------------------------------------------------------
    @property
    def running(self) -> bool:
        """Between start and the last thing given back."""
        return self.check is not None and not self.check.ended

    @property
    def may_sign(self) -> bool:
        """There is something to sign, and nobody has."""
        return self.check is not None and self.check.ended and bool(self.check.record.rows) and self.saved is None

    @property
    def before(self) -> str:
        """What a start will do, with the mode in which the loop is now."""
        if self.plan is None:
            return self.why_not
        mode = self._station.tags.read(self.plan.mode)
        now = mode_name(mode.value) if mode.believable else "no known mode"
        first = "It stays in Man" if now == "Man" else "Start puts it in Man"
        steps = "-".join(f"{step:g}" for step in self.plan.steps)
        return (
            f"{self.module} is in {now}. {first}, strokes the output {steps} % and gives output and mode back. "
            "The process will move: nobody else should work on this loop."
        )

    @property
    def text(self) -> str:
        """What happens, or what came of it."""
        if self.check is None:
            return self.before
        if not self.check.ended:
            return f"{self.check.text} …"
        record = self.check.record
        restored = f" {record.restored}." if record.restored else ""
        return f"{result_text(record).capitalize()}.{restored}"

    @property
    def alarming(self) -> bool:
        """Something could not be given back."""
        return self.check is not None and not self.check.record.restored_ok

    def heads(self) -> list[str]:
        """Of the table of steps."""
        return heads(self.plan) if self.plan else []

    def rows(self) -> list[list[str]]:
        """All steps: done ones as recorded, the one under way with the values of now, the others empty."""
        if self.plan is None:
            return []
        out = [cells(row, self.plan) for row in self.check.record.rows] if self.check else []
        if self.check is not None and not self.check.ended and len(out) < len(self.plan.steps):
            out.append(self._now(len(out)))
        width = len(self.heads())
        out += [[f"{step:g} %", *[""] * (width - 1)] for step in self.plan.steps[len(out) :]]
        return out

    @property
    def current(self) -> int:
        """Row under way; -1 for none."""
        return len(self.check.record.rows) if self.check is not None and not self.check.ended else -1

    def _now(self, at: int) -> list[str]:
        assert self.plan is not None
        values = self._values()
        read = [values.get(one.tag) for one in (self.plan.output, *self.plan.observed)]
        texts = [
            shown(value.value, one) if value is not None else "—"
            for value, one in zip(read, (self.plan.output, *self.plan.observed), strict=True)
        ]
        return [f"{self.plan.steps[at]:g} %", *texts, "", "", "now"]

    def lines(self) -> tuple[list[str], list[float], list[list[float]]]:
        """(labels, seconds since the start, values in % of span) of output and observed tags."""
        if self.plan is None:
            return [], [], []
        tracked = (self.plan.output, *self.plan.observed)
        labels = ["OUT", *(label(one, self.plan) for one in self.plan.observed)]
        trace = self.check.record.trace if self.check else []
        seconds = [(time_ns - trace[0][0]) / NS_PER_S for time_ns, _ in trace]
        series = [[(values[at] - one.low) / one.span * 100.0 for _, values in trace] for at, one in enumerate(tracked)]
        return labels, seconds, series

    # --- the end ------------------------------------------------------------------------------------------------
    def sign(self, name: str, passed: bool, remark: str, folder: Path = Path(FOLDER)) -> Path:
        """Sign off and save. Raises ``Missing`` where it cannot be written."""
        assert self.check is not None
        record = self.check.record
        record.sign_off = SignOff(name, passed and record.result == "done", remark, self._station.clock.time_ns())
        self.saved = save(record, folder)
        return self.saved
