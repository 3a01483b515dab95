"""The alarm list: every alarm that is not normal, with help; acknowledge one or the page.

Called by   the main window; one instance.
Knows       the alarm list and the desk. Sorting by a column is for looking; the default order is urgency.
"""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from hmi.model.alarms import AlarmRow
from hmi.model.station import Station
from hmi.theme.marks import paint_priority
from hmi.theme.palette import Palette
from hmi.theme.style import font
from hmi.viewmodels.clock import date_text
from hmi.viewmodels.sampler import Sampler
from hmi.viewmodels.shown import alarm_value_text, limit_text, unit_text

from .faceplate_sheets import alarm_help
from .table import Rows, Table

HEADS = ("", "Time", "Alarm", "Description", "State", "Value", "Limit", "Unit", "Pair")
WIDTHS = (38, 158, 130, 200, 216, 80, 80, 62, 56)
STATES = {
    "Standing": "BCDEF",
    "Unacknowledged": "BDE",
    "Acknowledged": "CF",
    "Returned": "D",
    "Hidden": "GHI",
    "All": "",
}
"""The first is what the page opens with: a dead device is one line, what it explains is under Hidden."""
PRIORITIES = ("All priorities", "1 critical", "2 high", "3 medium", "4 low")


class MarkDelegate(QStyledItemDelegate):
    """Paints the priority marker in the first column."""

    def __init__(self, sampler: Sampler, palette: Palette) -> None:
        super().__init__()
        self._sampler, self._palette = sampler, palette

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        mark = index.data(Qt.ItemDataRole.UserRole)
        if mark:
            box = QRectF(option.rect)
            side = QRectF(box.center().x() - 11, box.center().y() - 11, 22, 22)
            paint_priority(painter, self._palette, side, mark[0], mark[1], blink_on=self._sampler.blink_on)


class AlarmPage(QWidget):
    """``opened(module)`` on a double click."""

    opened = Signal(str)

    def __init__(self, station: Station, sampler: Sampler, palette: Palette) -> None:
        super().__init__()
        self.setObjectName("Page")
        self._station = station
        self._shown: list[AlarmRow] = []
        self.table = Table(Rows(HEADS, right=(5, 6)), WIDTHS, stretch=3)
        self._delegate = MarkDelegate(sampler, palette)
        self.table.setItemDelegateForColumn(0, self._delegate)
        self.table.doubleClicked.connect(lambda index: self.opened.emit(self._shown[index.row()].module))
        self.table.selectionModel().currentRowChanged.connect(lambda *_: self._show_help())
        header = self.table.horizontalHeader()
        header.setSectionsClickable(True)
        header.sectionClicked.connect(self._sort_by)
        self._sort = -1
        self._descending = False
        self._state, self._priority, self._words = QComboBox(), QComboBox(), QLineEdit()
        self._help, self._count = QLabel(), QLabel()
        self._build()
        sampler.alarms.connect(self.refresh)
        sampler.blink.connect(lambda on: self.table.viewport().update() if self.isVisible() else None)

    def _build(self) -> None:
        bar = QHBoxLayout()
        acknowledge = QPushButton("Acknowledge")
        acknowledge.clicked.connect(self.acknowledge_selected)
        page = QPushButton("Acknowledge page")
        page.setToolTip("Acknowledge every alarm listed here (Ctrl-A)")
        page.clicked.connect(self.acknowledge_page)
        self._state.addItems(list(STATES))
        self._priority.addItems(PRIORITIES)
        self._words.setPlaceholderText("Filter by text")
        self._words.setFixedWidth(200)
        for box in (self._state, self._priority):
            box.currentIndexChanged.connect(self.refresh)
        self._words.textChanged.connect(self.refresh)
        self._count.setObjectName("Dim")
        bar.addWidget(acknowledge)
        bar.addWidget(page)
        bar.addSpacing(16)
        for widget in (self._state, self._priority, self._words):
            bar.addWidget(widget)
        bar.addStretch(1)
        bar.addWidget(self._count)
        self._help.setWordWrap(True)
        self._help.setTextFormat(Qt.TextFormat.RichText)
        self._help.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._help.setFont(font(12))
        self._help.setMinimumHeight(118)
        self._help.setContentsMargins(8, 4, 8, 4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(8)
        layout.addLayout(bar)
        layout.addWidget(self.table, 1)
        layout.addWidget(self._help)

    # --- showing ------------------------------------------------------------------------------------------
    def showEvent(self, event: object) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Look at the alarms again."""
        if not self.isVisible():
            return
        letters = STATES[self._state.currentText()]
        priority = self._priority.currentIndex()
        words = self._words.text().lower().split()
        rows = [
            row
            for row in self._station.alarms.rows
            if (not letters or row.letter in letters)
            and (not priority or row.info.priority == priority)
            and all(word in f"{row.name} {row.info.description}".lower() for word in words)
        ]
        cells = [self._cells(row) for row in rows]
        if self._sort >= 0:
            order = sorted(range(len(rows)), key=lambda n: self._sort_key(rows[n], cells[n]), reverse=self._descending)
            rows, cells = [rows[n] for n in order], [cells[n] for n in order]
        self._shown = rows
        marks = [(row.info.priority, row.state) for row in rows]
        self.table.fill([row.name for row in rows], cells, marks, [row.unacknowledged for row in rows])
        waiting = sum(row.unacknowledged for row in self._station.alarms.rows)
        hidden = sum(row.hidden for row in self._station.alarms.rows)
        more = f", {hidden} hidden" if hidden else ""
        self._count.setText(f"{len(rows)} listed, {waiting} unacknowledged{more}")
        if not self.table.selected_key() and rows:
            self.table.selectRow(0)
        self._show_help()

    def _cells(self, row: AlarmRow) -> tuple[str, ...]:
        info = row.info
        return (
            "",
            date_text(row.time_ns),
            row.name,
            info.description,
            f"{row.letter}  {row.state_text}",
            alarm_value_text(info, row.value),
            limit_text(info),
            unit_text(info.unit),
            row.pair,
        )

    def _sort_by(self, column: int) -> None:
        if column == 0:  # back to urgency
            self._sort = -1
        else:
            self._descending = self._sort == column and not self._descending
            self._sort = column
        self.refresh()

    def _sort_key(self, row: AlarmRow, cells: tuple[str, ...]) -> tuple[float, str]:
        number = {5: row.value, 6: row.info.limit}.get(self._sort, 0.0)
        return number, cells[self._sort]

    def _show_help(self) -> None:
        key = self.table.selected_key()
        text = alarm_help(key, self._station) if key else "No alarms."
        if self._help.text() != text:
            self._help.setText(text)

    def select(self, alarm: str) -> None:
        """Show the help of this alarm; filters that hide it are cleared."""
        if alarm not in self.table.rows.keys:
            self._state.setCurrentIndex(0)
            self._priority.setCurrentIndex(0)
            self._words.clear()
            self.refresh()
        if alarm in self.table.rows.keys:
            self.table.selectRow(self.table.rows.keys.index(alarm))
        else:
            self._help.setText(alarm_help(alarm, self._station))

    # --- acting -------------------------------------------------------------------------------------------
    def acknowledge_selected(self) -> None:
        """Acknowledge the selected alarm."""
        key = self.table.selected_key()
        if key:
            self._station.acknowledge(key)

    def acknowledge_page(self) -> None:
        """Acknowledge every listed alarm that waits for it."""
        for row in self._shown:
            if row.unacknowledged:
                self._station.acknowledge(row.name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.acknowledge_selected()
        else:
            super().keyPressEvent(event)
