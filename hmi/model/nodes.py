"""The nodes of the plant as they report themselves, and how long ago they did.

Called by   ``hmi.model.session`` (writes); top bar and system page (read).
Knows       node reports and the receiver's clock.
"""

from dataclasses import dataclass

from dcs.bus.messages import NodeReport
from dcs.core.clock import NS_PER_S, Clock

SILENT_AFTER_S = 2.5
"""A node reports every second; one of which two reports are missing is shown as silent."""

UNHEARD = "never heard"
"""State of a controller that the other one of its pair names, and that has not reported since we look."""

STANDBY = {
    "ready": "the standby is ready to take over",
    "synchronising": "NO REDUNDANCY until the standby has a copy of the state",
    "missing": "NO REDUNDANCY: the standby is missing",
    "out": "NO REDUNDANCY: the standby is taken out",
    "suspended": "NO REDUNDANCY: results differed, the standby gets no copy until somebody asks for it",
}
"""What an active says of its standby, and what it means."""


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One node; ``age_s`` since its last report; ``succeeded`` when another one of its pair reports a later epoch."""

    report: NodeReport
    age_s: float
    succeeded: bool = False

    @property
    def silent(self) -> bool:
        """True when its last words are not its state: no report for long, or said to be active before another was."""
        return self.succeeded or self.age_s > SILENT_AFTER_S

    @property
    def healthy(self) -> bool:
        """Reports, has not failed, simulates a plant that moves, and has no link down."""
        return self.working and not self.links_down

    @property
    def working(self) -> bool:
        """Reports and does its work, whatever its links are doing."""
        return not self.silent and self.report.state not in ("failed", "stopped", "frozen")

    @property
    def redundancy_lost(self) -> bool:
        """A standby that could not take over now, or an active from which nobody would."""
        if self.report.role == "standby":
            return self.report.state != "ready"
        return self.report.standby not in ("", "ready")

    @property
    def links_down(self) -> tuple[str, ...]:
        """Names of the links that are not up (unused ones do not count)."""
        return tuple(link.name for link in self.report.links if link.state not in ("up", "unused", ""))


class NodeList:
    """Every node that has reported."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: dict[str, tuple[NodeReport, int]] = {}
        self._named: dict[str, tuple[NodeReport, int]] = {}  # by the other one of their pair; since when
        self.version = 0

    def put(self, report: NodeReport) -> None:
        """Take a report. Of a controller it names the other one, who may have died before anybody looked."""
        now_ns = self._clock.monotonic_ns()
        self._last = {**self._last, report.node: (report, now_ns)}
        if report.kind == "controller":
            for link in report.links:
                if link.kind == "pair":
                    unheard = NodeReport(link.name, "controller", 0, 0, UNHEARD, pair=report.pair)
                    self._named.setdefault(link.name, (unheard, now_ns))
        self.version += 1

    def members(self, pair: str) -> tuple[str, ...]:
        """The controllers of a pair that have reported."""
        return tuple(name for name, (report, _) in self._last.items() if report.pair == pair)

    def rows(self) -> tuple[NodeRow, ...]:
        """Controllers first (by pair), then the rest; by name within. With those that should be there and are not."""
        now_ns = self._clock.monotonic_ns()
        newest: dict[str, int] = {}
        for report, _ in self._last.values():
            if report.role == "active":
                newest[report.pair] = max(newest.get(report.pair, 0), report.epoch)
        rows = [
            NodeRow(
                report,
                (now_ns - at_ns) / NS_PER_S,
                report.role == "active" and report.epoch < newest[report.pair],
            )
            for report, at_ns in self._last.values()
        ]
        unheard = (
            NodeRow(report, (now_ns - since_ns) / NS_PER_S)
            for name, (report, since_ns) in self._named.items()
            if name not in self._last
        )
        rows += [row for row in unheard if row.silent]
        return tuple(sorted(rows, key=lambda row: (row.report.kind != "controller", row.report.pair, row.report.node)))

    def pairs(self) -> tuple[str, ...]:
        """Names of the controller pairs."""
        return tuple(sorted({row.report.pair for row in self.rows() if row.report.pair}))

    def standbys(self) -> tuple[tuple[str, str], ...]:
        """(pair, how its standby is by the word of the active), of those that have one: controllers alone have none."""
        return tuple(
            (row.report.pair, row.report.standby) for row in self.rows() if row.report.standby and not row.silent
        )

    def redundancy(self) -> tuple[tuple[str, str, bool], ...]:
        """(pair, one sentence, whether it is in trouble) by the word of the active, of pairs with a standby."""
        found, rows = [], self.rows()
        down = {row.report.pair: row.links_down for row in rows if row.report.role == "standby" and not row.silent}
        for row in rows:
            report = row.report
            if report.standby and not row.silent:
                text = STANDBY.get(report.standby, f"the standby is {report.standby}")
                links = () if row.redundancy_lost else down.get(report.pair, ())
                but = f", but has lost {', '.join(links)}" if links else ""
                sentence = f"{report.pair}: {report.node} is active; {text}{but}"
                found.append((report.pair, sentence, row.redundancy_lost or bool(links)))
        return tuple(found)

    def clock_note(self) -> str:
        """What the plant says of its clock, from the endpoint ``clock`` of any node; "" for the wall clock.

        A simulated plant reports ``simulated`` or ``simulated x10`` there.
        """
        for row in self.rows():
            note = row.report.endpoints.get("clock", "")
            if note:
                return note
        return ""
