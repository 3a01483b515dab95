"""The page of what is not as in normal operation: forced, simulated, bypassed, in Man or in another mode.

Called by   the main window; one instance.
Knows       the newest frames; what counts as abnormal is in ``dcs.bus.abnormal``.
"""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from dcs.bus.abnormal import MANUAL, Abnormal, abnormal
from hmi.model.station import Station
from hmi.viewmodels.sampler import Sampler

from .table import Rows, Table

HEADS = ("What", "Where", "How", "Tag", "Description")
WIDTHS = (100, 150, 220, 190, 300)


class AbnormalPage(QWidget):
    """``opened(module)`` when a row is double-clicked."""

    opened = Signal(str)

    def __init__(self, station: Station, sampler: Sampler) -> None:
        super().__init__()
        self.setObjectName("Page")
        self._station = station
        self._shown: list[Abnormal] = []
        self.table = Table(Rows(HEADS), WIDTHS, stretch=4, row_height=24)
        self.table.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.table.doubleClicked.connect(lambda index: self._open(index.row()))
        self.count = QLabel()
        self.count.setObjectName("Dim")
        bar = QHBoxLayout()
        bar.addStretch(1)
        bar.addWidget(self.count)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 12)
        layout.setSpacing(8)
        layout.addLayout(bar)
        layout.addWidget(self.table, 1)
        sampler.second.connect(self.refresh)

    def showEvent(self, event: object) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Look at the newest frames again."""
        if not self.isVisible():
            return
        found = self._shown = abnormal(self._station.tags.sampled())
        self.table.fill(
            [entry.tag for entry in found],
            [(entry.kind, entry.subject, entry.text, entry.tag, entry.description) for entry in found],
            [None] * len(found),
            [entry.kind != MANUAL for entry in found],
        )
        count = "nothing is abnormal" if not found else f"{len(found)} {'entry' if len(found) == 1 else 'entries'}"
        stale = "" if self._station.tags.connected else ", as last received"
        self.count.setText(count + stale)

    def _open(self, row: int) -> None:
        self.opened.emit(self._shown[row].subject.partition(".")[0])
