"""A generated group display: small faceplates in a grid, for plants and units without a drawing.

Called by   the main window, one per group.
Knows       module names; everything else comes from the layout.
"""

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from hmi.model.station import Station
from hmi.theme.marks import paint_priority
from hmi.theme.palette import Palette
from hmi.viewmodels.loop import LoopShown, LoopView
from hmi.viewmodels.sampler import Sampler

from . import paint

CARD_WIDTH, CARD_HEIGHT, COLUMNS = 264, 214, 4


class Card(QWidget):
    """One module: tag, bars, numbers, mode. A click opens its faceplate."""

    opened = Signal(str)

    def __init__(self, station: Station, sampler: Sampler, palette: Palette, module: str) -> None:
        super().__init__()
        self._sampler, self._palette = sampler, palette
        self._view = LoopView(station, module)
        self._shown = LoopShown(module, "", "")
        self.setFixedSize(CARD_WIDTH, CARD_HEIGHT)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def refresh(self) -> None:
        """Repaint if anything differs."""
        shown = self._view.sample()
        if shown != self._shown:
            self._shown = shown
            self.update()

    def blink(self) -> None:
        """The frame of an unacknowledged alarm."""
        if self._shown.alarm is not None and self._shown.alarm.unacknowledged:
            self.update(0, 0, self.width(), 30)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.opened.emit(self._view.module)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, palette, shown = QPainter(self), self._palette, self._shown
        painter.setPen(QPen(QColor(palette.edge), 1))
        painter.setBrush(QColor(palette.panel))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        left = 10.0
        if shown.alarm is not None:
            box = QRectF(6, 5, 21, 21)
            state = shown.alarm.state
            paint_priority(painter, palette, box, shown.alarm.info.priority, state, blink_on=self._sampler.blink_on)
            left = 31.0
        paint.text_at(painter, QRectF(left, 5, 120, 20), shown.name, palette.text, 14, bold=True)
        paint.paint_mode(painter, palette, QRectF(130, 5, CARD_WIDTH - 138, 20), shown, 11.5)
        box = QRectF(10, 25, CARD_WIDTH - 20, 17)
        paint.text_at(painter, box, shown.description, palette.dim, 11.5)
        if shown.is_state:
            paint.paint_state(painter, palette, QRectF(12, 50, CARD_WIDTH - 24, CARD_HEIGHT - 58), shown)
            painter.end()
            return
        info = self._view.tag_info(self._view.main_part)
        top, height = 54.0, CARD_HEIGHT - 66.0
        if info is not None:
            for number, y in ((info.high, top), (info.low, top + height)):
                paint.text_at(painter, QRectF(4, y - 7, 26, 14), f"{number:g}", palette.dim, 10, align=paint.RIGHT)
        paint.paint_indicator(painter, palette, QRectF(36, top, 16, height), shown)
        if shown.has_out:
            paint.paint_output_bar(painter, palette, QRectF(76, top, 11, height), shown.out)
        y = top - 2
        rows = [("PV" if self._view.main_part == "PV" else "OUT", shown.pv, 23.0)]
        if shown.has_sp:
            rows.append(("SP", shown.sp, 15.0))
        if shown.has_out:
            rows.append(("OUT", shown.out, 15.0))
        for label, part, size in rows:
            paint.text_at(painter, QRectF(104, y, 50, 14), label, palette.dim, 11)
            area = QRectF(104, y + 12, CARD_WIDTH - 112, size + 8)
            paint.paint_value(painter, palette, area, part, size, 46, bold=size > 20)
            y += size + 26
        painter.end()


class GroupPage(QScrollArea):
    """Cards of some modules. ``opened(module)``."""

    opened = Signal(str)

    def __init__(self, station: Station, sampler: Sampler, palette: Palette, modules: tuple[str, ...]) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        inner = QWidget()
        inner.setObjectName("Page")
        outer = QVBoxLayout(inner)
        outer.setContentsMargins(16, 16, 16, 16)
        grid = QGridLayout()
        grid.setSpacing(10)
        self.cards = []
        for number, module in enumerate(modules):
            card = Card(station, sampler, palette, module)
            card.opened.connect(self.opened)
            grid.addWidget(card, number // COLUMNS, number % COLUMNS)
            self.cards.append(card)
        grid.setColumnStretch(COLUMNS, 1)
        outer.addLayout(grid)
        outer.addStretch(1)
        self.setWidget(inner)
        for signal in (sampler.values, sampler.alarms, sampler.commands):
            signal.connect(self._refresh)
        sampler.blink.connect(self._on_blink)

    def _refresh(self) -> None:
        if self.isVisible():
            for card in self.cards:
                card.refresh()

    def _on_blink(self, on: bool) -> None:
        if self.isVisible():
            for card in self.cards:
                card.blink()

    def showEvent(self, event: object) -> None:
        self._refresh()
