"""The journal: alarms, operator actions, system events, newest first.

Called by   the main window; one instance.
Knows       the event log.
"""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from dcs.bus.messages import Event
from hmi.model.station import Station
from hmi.viewmodels.clock import date_text
from hmi.viewmodels.sampler import Sampler
from hmi.viewmodels.shown import number_text

from .table import Rows, Table

HEADS = ("Time", "Kind", "Subject", "What happened", "Old", "New", "User", "Source")
WIDTHS = (158, 92, 130, 300, 90, 90, 130, 70)
KINDS = ("All kinds", "alarm", "operator", "system", "redundancy", "field", "config")
LISTED = 500


class JournalPage(QWidget):
    """The newest events."""

    def __init__(self, station: Station, sampler: Sampler) -> None:
        super().__init__()
        self.setObjectName("Page")
        self._station = station
        self.table = Table(Rows(HEADS, right=(4, 5)), WIDTHS, stretch=3, row_height=24)
        self._kind, self._words, self._count = QComboBox(), QLineEdit(), QLabel()
        self._kind.addItems(KINDS)
        self._kind.currentIndexChanged.connect(self.refresh)
        self._words.setPlaceholderText("Filter by text")
        self._words.setFixedWidth(220)
        self._words.textChanged.connect(self.refresh)
        self._count.setObjectName("Dim")
        bar = QHBoxLayout()
        bar.addWidget(self._kind)
        bar.addWidget(self._words)
        bar.addStretch(1)
        bar.addWidget(self._count)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 12)
        layout.setSpacing(8)
        layout.addLayout(bar)
        layout.addWidget(self.table, 1)
        self.table.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        sampler.events.connect(self.refresh)

    def showEvent(self, event: object) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Look at the log again."""
        if not self.isVisible():
            return
        kind = self._kind.currentText() if self._kind.currentIndex() else ""
        words = self._words.text().lower().split()
        events = [
            event
            for event in reversed(self._station.events.events)
            if (not kind or event.kind == kind)
            and all(word in f"{event.subject} {event.text} {event.user}".lower() for word in words)
        ][:LISTED]
        cells = [_cells(event) for event in events]
        self.table.fill([event.id for event in events], cells, [None] * len(events), [False] * len(events))
        self._count.setText(f"{len(events)} events, newest first")


def _cells(event: Event) -> tuple[str, ...]:
    who = " @ ".join(word for word in (event.user, event.station) if word)
    kind = f"{event.kind} {event.priority}" if event.priority else event.kind
    return (
        date_text(event.time_ns), kind, event.subject, event.text, _value(event.old), _value(event.new), who,
        event.source,
    )  # fmt: skip


def _value(value: float | str | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else number_text(value, 3).rstrip("0").rstrip(".")
