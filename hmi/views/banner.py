"""The alarm banner: the five most urgent alarms, and how many of each there are.

Called by   the main window; always visible.
Knows       the alarm list. A click acknowledges, a double click goes there, a right click offers the rest.
"""

from PySide6.QtCore import QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from hmi.model.alarms import AlarmRow
from hmi.model.station import Station
from hmi.theme.marks import paint_priority
from hmi.theme.palette import Palette
from hmi.viewmodels.clock import clock_text
from hmi.viewmodels.sampler import Sampler
from hmi.viewmodels.shown import alarm_value_text, limit_text, unit_text

from . import paint

ROWS, ROW_HEIGHT, COUNTS_WIDTH = 5, 21, 264


class Banner(QWidget):
    """``opened(module)``, ``trend_wanted(module)``, ``help_wanted(alarm)``, ``acknowledge(alarm)``."""

    opened = Signal(str)
    trend_wanted = Signal(str)
    help_wanted = Signal(str)
    acknowledge = Signal(str)

    def __init__(self, station: Station, sampler: Sampler, palette: Palette) -> None:
        super().__init__()
        self.setObjectName("Banner")
        self._station, self._sampler, self._palette = station, sampler, palette
        self._rows: tuple[AlarmRow, ...] = ()
        self._focus = 0
        self._clicked: str | None = None
        # A double click must not acknowledge first: the row may have moved by then.
        self._click_timer = QTimer(self)
        self._click_timer.setSingleShot(True)
        self._click_timer.timeout.connect(self._acknowledge_clicked)
        self.setFixedHeight(ROWS * ROW_HEIGHT + 6)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        sampler.alarms.connect(self._refresh)
        sampler.blink.connect(self._on_blink)

    @property
    def rows(self) -> tuple[AlarmRow, ...]:
        """What is listed now."""
        return self._rows

    @property
    def focused(self) -> AlarmRow | None:
        """The row that the keys act on."""
        return self._rows[self._focus] if self._focus < len(self._rows) else None

    def _refresh(self) -> None:
        self._rows = self._station.alarms.banner(ROWS)
        self._focus = min(self._focus, max(len(self._rows) - 1, 0))
        self.update()

    def _on_blink(self, on: bool) -> None:
        self.update(0, 0, 40, self.height())

    # --- painting -----------------------------------------------------------------------------------------
    def paintEvent(self, event: QPaintEvent) -> None:
        painter, palette = QPainter(self), self._palette
        painter.fillRect(self.rect(), QColor(palette.raised))
        for number, row in enumerate(self._rows):
            self._paint_row(painter, row, 3 + number * ROW_HEIGHT, focused=self.hasFocus() and number == self._focus)
        if not self._rows:
            box = QRectF(14, 3, 400, ROW_HEIGHT)
            paint.text_at(painter, box, "No alarms", palette.dim, 12.5)
        self._paint_counts(painter)
        painter.setPen(QColor(palette.edge))
        painter.drawLine(0, self.height() - 1, self.width(), self.height() - 1)
        painter.end()

    def _paint_row(self, painter: QPainter, row: AlarmRow, y: float, *, focused: bool) -> None:
        palette, info = self._palette, row.info
        right = self.width() - COUNTS_WIDTH - 12.0
        if focused:
            painter.setPen(QPen(QColor(palette.focus), 2))
            painter.drawRect(QRectF(5, y, right - 6, ROW_HEIGHT - 1))
        box = QRectF(12, y, ROW_HEIGHT, ROW_HEIGHT)
        paint_priority(painter, palette, box, info.priority, row.state, blink_on=self._sampler.blink_on)
        bold = row.unacknowledged
        height = float(ROW_HEIGHT)
        text = palette.text if row.active else palette.dim
        paint.text_at(painter, QRectF(42, y, 72, height), clock_text(row.time_ns), palette.dim, 12.5)
        paint.text_at(painter, QRectF(118, y, 140, height), row.name, text, 12.5, bold=bold)
        value = alarm_value_text(info, row.value)
        numbers_left = right - 400
        paint.text_at(painter, QRectF(262, y, numbers_left - 270, height), info.description, text, 12.5, bold=bold)
        paint.text_at(painter, QRectF(numbers_left, y, 62, height), value, palette.text, 12.5, align=paint.RIGHT)
        paint.text_at(painter, QRectF(numbers_left + 66, y, 72, height), limit_text(info, sign=True), palette.dim, 12.5)
        unit_box = QRectF(numbers_left + 140, y, 60, height)
        paint.text_at(painter, unit_box, unit_text(info.unit) if limit_text(info) else "", palette.dim, 12)
        paint.text_at(painter, QRectF(numbers_left + 200, y, 195, height), row.state_text, palette.dim, 12)

    def _paint_counts(self, painter: QPainter) -> None:
        palette, left = self._palette, self.width() - COUNTS_WIDTH
        painter.setPen(QColor(palette.edge))
        painter.drawLine(left - 6, 6, left - 6, self.height() - 8)
        counts = self._station.alarms.counts()
        heads = ("unack", "acked", "returned", "hidden")
        groups = ("B", "C", "D", "GHI")
        for column, head in enumerate(heads):
            box = QRectF(left + 34 + column * 56, 3, 54, ROW_HEIGHT)
            paint.text_at(painter, box, head, palette.dim, 10.5, align=paint.RIGHT)
        for priority in range(1, 5):
            y = 3.0 + priority * ROW_HEIGHT
            present = any(counts.get((priority, letter)) for letter in "BCDEF")
            paint_priority(painter, palette, QRectF(left + 8, y, ROW_HEIGHT, ROW_HEIGHT), priority, 2)
            for column, letters in enumerate(groups):
                count = sum(counts.get((priority, letter), 0) for letter in letters)
                box = QRectF(left + 34 + column * 56, y, 54, ROW_HEIGHT)
                colour = palette.text if count else palette.line_second
                paint.text_at(painter, box, str(count) if count else "–", colour, 12.5, align=paint.RIGHT,
                              bold=bool(count and present and column in (0, 2)))  # fmt: skip

    # --- acting -------------------------------------------------------------------------------------------
    def _row_at(self, y: float) -> AlarmRow | None:
        number = int((y - 3) // ROW_HEIGHT)
        return self._rows[number] if 0 <= number < len(self._rows) else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self._row_at(event.position().y())
        if row is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self._focus = self._rows.index(row)
        self._clicked = row.name
        self._click_timer.start(QApplication.doubleClickInterval())
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._click_timer.stop()
        row = self._row_at(event.position().y())
        if row is not None:
            self.opened.emit(row.module)

    def _acknowledge_clicked(self) -> None:
        if self._clicked is not None and any(r.name == self._clicked and r.unacknowledged for r in self._rows):
            self.acknowledge.emit(self._clicked)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        row = self._row_at(event.pos().y())
        if row is not None:
            alarm_menu(self, row).exec(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.focused
        if event.key() == Qt.Key.Key_Down:
            self._focus = min(self._focus + 1, max(len(self._rows) - 1, 0))
        elif event.key() == Qt.Key.Key_Up:
            self._focus = max(self._focus - 1, 0)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and row is not None:
            self.acknowledge.emit(row.name)
        else:
            super().keyPressEvent(event)
            return
        self.update()


def alarm_menu(parent: "Banner", row: AlarmRow) -> QMenu:
    """What can be done about an alarm."""
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    acknowledge = menu.addAction(f"Acknowledge {row.name}")
    acknowledge.setEnabled(row.unacknowledged)
    acknowledge.triggered.connect(lambda: parent.acknowledge.emit(row.name))
    menu.addAction("Faceplate").triggered.connect(lambda: parent.opened.emit(row.module))
    menu.addAction("Trend").triggered.connect(lambda: parent.trend_wanted.emit(row.module))
    menu.addAction("Help").triggered.connect(lambda: parent.help_wanted.emit(row.name))
    return menu
