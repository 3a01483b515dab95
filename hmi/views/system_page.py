"""The system page: nodes, scans, links; the switchover, and the standby taken out and brought back.

Called by   the main window; one instance.
Knows       node reports. What changes a pair is asked for once more before it is sent.
"""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMessageBox, QPushButton, QVBoxLayout, QWidget

from hmi.model.nodes import UNHEARD, NodeRow
from hmi.model.station import Station
from hmi.viewmodels.sampler import Sampler
from hmi.viewmodels.shown import age_text

from .table import Rows, Table

NODE_HEADS = ("Node", "Kind", "Pair", "Role", "State", "Epoch", "Synchronised", "Process", "Last report", "Note")
NODE_WIDTHS = (90, 90, 60, 90, 130, 70, 110, 80, 100, 200)
SCAN_HEADS = (
    "Controller", "Scan class", "Period ms", "Scans", "Overruns", "Scan p50 ms", "p99 ms", "max ms",
    "Jitter p50 ms", "p99 ms", "max ms", "",
)  # fmt: skip
SCAN_WIDTHS = (90, 90, 90, 90, 90, 100, 80, 80, 110, 80, 80, 20)
LINK_HEADS = ("Node", "Link", "Kind", "State", "Round trip ms", "Errors", "Address", "Detail")
LINK_WIDTHS = (90, 90, 90, 120, 110, 70, 240, 200)


class SystemPage(QWidget):
    """Each signal carries the pair, once the operator has confirmed."""

    switchover = Signal(str)
    standby_out = Signal(str)
    standby_in = Signal(str)

    def __init__(self, station: Station, sampler: Sampler) -> None:
        super().__init__()
        self.setObjectName("Page")
        self._station = station
        self.nodes = Table(Rows(NODE_HEADS, right=(5, 6, 7, 8)), NODE_WIDTHS, stretch=9)
        self.scans = Table(Rows(SCAN_HEADS, right=tuple(range(2, 11))), SCAN_WIDTHS, stretch=11)
        self.links = Table(Rows(LINK_HEADS, right=(4, 5)), LINK_WIDTHS, stretch=7)
        self._switches = QHBoxLayout()
        self._standbys: tuple[tuple[str, str], ...] = ()
        self._bus = QLabel()
        self._bus.setObjectName("Dim")
        self._pairs = QLabel()
        self._pairs.setTextFormat(Qt.TextFormat.RichText)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 12)
        layout.setSpacing(6)
        bar = QHBoxLayout()
        bar.addLayout(self._switches)
        bar.addStretch(1)
        bar.addWidget(self._bus)
        layout.addLayout(bar)
        layout.addWidget(self._pairs)
        for title, table, part in (("Nodes", self.nodes, 3), ("Scans", self.scans, 2), ("Links", self.links, 5)):
            label = QLabel(title)
            label.setObjectName("PageTitle")
            layout.addWidget(label)
            layout.addWidget(table, part)
        sampler.nodes.connect(self.refresh)

    def showEvent(self, event: object) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Look at the reports again."""
        if not self.isVisible():
            return
        rows = self._station.nodes.rows()
        self.nodes.fill(
            [row.report.node for row in rows],
            [_node_cells(row) for row in rows],
            [None] * len(rows),
            [not row.healthy or row.redundancy_lost for row in rows],
        )
        self._fill_scans(rows)
        self._fill_links(rows)
        self._bus.setText(self._station.link_text or "bus connected")
        if self._station.nodes.standbys() != self._standbys:
            self._standbys = self._station.nodes.standbys()
            self._build_switches()
        self._show_redundancy()

    def _show_redundancy(self) -> None:
        """One sentence for every pair, bold where nobody would take over."""
        said = self._station.nodes.redundancy()
        self._pairs.setText("<br>".join(f"<b>{text}</b>" if lost else text for _, text, lost in said))
        self._pairs.setVisible(bool(said))

    def _fill_scans(self, rows: tuple[NodeRow, ...]) -> None:
        # Figures of a standby are those of its last term as the active: it does not scan now.
        scanning = [row.report for row in rows if not row.silent and row.report.role != "standby"]
        scans = [(report.node, scan) for report in scanning for scan in report.scans]
        cells: list[tuple[str, ...]] = [
            (
                node, s.scan_class, f"{s.period_ms:g}", f"{s.scans}", f"{s.overruns}", f"{s.time_p50_ms:.2f}",
                f"{s.time_p99_ms:.2f}", f"{s.time_max_ms:.2f}", f"{s.jitter_p50_ms:.2f}", f"{s.jitter_p99_ms:.2f}",
                f"{s.jitter_max_ms:.2f}", "",
            )
            for node, s in scans
        ]  # fmt: skip
        keys = [f"{node}/{scan.scan_class}" for node, scan in scans]
        self.scans.fill(keys, cells, [None] * len(keys), [scan.overruns > 0 for _, scan in scans])

    def _fill_links(self, rows: tuple[NodeRow, ...]) -> None:
        links = [(row.report.node, link) for row in rows if not row.silent for link in row.report.links]
        cells: list[tuple[str, ...]] = [
            (
                node, link.name, link.kind, link.state, _ms(link.round_trip_ms),
                f"{link.errors}", link.url, link.detail,
            )
            for node, link in links
        ]  # fmt: skip
        keys = [f"{node}/{link.kind}/{link.name}" for node, link in links]
        self.links.fill(keys, cells, [None] * len(keys), [link.state not in ("up", "unused") for _, link in links])

    def _build_switches(self) -> None:
        while self._switches.count():
            item = self._switches.takeAt(0)
            widget = item.widget() if item else None
            if widget is not None:
                widget.deleteLater()
        for pair, standby in self._standbys:
            if standby in ("out", "suspended"):
                self._add_button(f"Bring back the standby of {pair}…", partial(self._ask_in, pair))
            if standby == "ready":
                self._add_button(f"Switch over {pair}…", partial(self._ask, pair))
            if standby != "out":
                self._add_button(f"Take out the standby of {pair}…", partial(self._ask_out, pair))

    def _add_button(self, text: str, ask: Callable[[], None]) -> None:
        button = QPushButton(text)
        button.clicked.connect(lambda checked=False: ask())
        self._switches.addWidget(button)

    def _ask_out(self, pair: str) -> None:
        text = f"Take the standby of {pair} out?\nThe active goes on alone: if it fails, nobody takes over."
        if QMessageBox.question(self, "Take the standby out", text) == QMessageBox.StandardButton.Yes:
            self.standby_out.emit(pair)

    def _ask_in(self, pair: str) -> None:
        text = f"Bring the standby of {pair} back?\nIt is ready when it has copied the state of the active."
        if QMessageBox.question(self, "Bring the standby back", text) == QMessageBox.StandardButton.Yes:
            self.standby_in.emit(pair)

    def _ask(self, pair: str) -> None:
        members = [row for row in self._station.nodes.rows() if row.report.pair == pair and row.report.role]
        standby = next((row.report for row in members if row.report.role == "standby"), None)
        ready = standby is not None and standby.state == "ready"
        text = f"Hand control of {pair} to {standby.node}?" if standby else f"{pair} reports no standby. Ask anyway?"
        note = "" if ready or standby is None else f"\n{standby.node} is not ready: {standby.state}."
        answer = QMessageBox.question(self, "Switchover", text + note)
        if answer == QMessageBox.StandardButton.Yes:
            self.switchover.emit(pair)


def _ms(milliseconds: float | None) -> str:
    return "" if milliseconds is None else f"{milliseconds:.2f}"


def _node_cells(row: NodeRow) -> tuple[str, ...]:
    report = row.report
    note = report.detail or (f"down: {', '.join(row.links_down)}" if row.links_down else "")
    if report.state == UNHEARD:
        nothing = ("",) * 4
        return (report.node, report.kind, report.pair, "", "silent", *nothing, "not heard since this station looks")
    if row.silent:  # its last words are not its state; of its links nothing is known
        was = f"was {report.role or report.state}, epoch {report.epoch}" if report.epoch else f"was {report.state}"
        last = (str(report.pid), f"{age_text(row.age_s)} ago", was)
        return (report.node, report.kind, report.pair, "", "silent", "", "", *last)
    copied = f"{report.sync_pct:.0f} %" if report.role == "standby" and report.state != "out" else ""
    return (
        report.node, report.kind, report.pair, report.role, report.state, str(report.epoch or ""),
        copied, str(report.pid), f"{age_text(row.age_s)} ago", note,
    )  # fmt: skip
