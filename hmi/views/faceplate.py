"""The faceplate of one module: see it, change its mode, its setpoint, its output, its tuning.

Called by   the faceplate dock; one instance shows one module after the other.
Knows       ``LoopView`` (what is shown, what an entry may be) and the station (sends). What was asked for is shown as
            pending until the plant reports it.
"""

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from hmi.model.station import Station
from hmi.theme.marks import paint_priority
from hmi.theme.palette import Palette
from hmi.theme.style import font
from hmi.viewmodels.loop import LoopShown, LoopView
from hmi.viewmodels.sampler import Sampler

from . import paint
from .command_row import CommandRow
from .entry import EntryRow
from .faceplate_sheets import AlarmSheet, DetailSheet, HelpSheet, TrendSheet
from .mode_row import ModeRow
from .parts_sheet import PartsSheet, Row

WIDTH = 268
BARS_HEIGHT = 172


class Bars(QWidget):
    """PV and OUT as bars, PV, SP and OUT as numbers."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._shown = LoopShown("", "", "")
        self._range = ("", "")
        self.setFixedHeight(BARS_HEIGHT)

    def show_loop(self, shown: LoopShown, low: str, high: str) -> None:
        """Repaint if anything differs."""
        if shown != self._shown or self._range != (low, high):
            self._shown, self._range = shown, (low, high)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, palette, shown = QPainter(self), self._palette, self._shown
        if shown.is_state:
            paint.paint_state(painter, palette, QRectF(4, 6, self.width() - 8, self.height() - 10), shown)
            painter.end()
            return
        top, height = 8.0, self.height() - 30.0
        middle = (float(self._range[0] or 0) + float(self._range[1] or 0)) / 2.0 if self._range[1] else 0.0
        marks = ((self._range[1], 0.0), (f"{middle:g}", 0.5), (self._range[0], 1.0))
        for text, at in marks:
            box = QRectF(0, top + at * height - 7, 30, 14)
            paint.text_at(painter, box, text, palette.dim, 10.5, align=paint.RIGHT)
        paint.paint_indicator(painter, palette, QRectF(37, top, 18, height), shown, width=18)
        main = "PV" if shown.kind != "output" or shown.has_out else "OUT"
        below = QRectF(28, top + height + 3, 36, 15)
        paint.text_at(painter, below, main, palette.dim, 10.5, align=Qt.AlignmentFlag.AlignCenter)
        if shown.has_out:
            paint.paint_output_bar(painter, palette, QRectF(80, top, 11, height), shown.out)
            box = QRectF(69, top + height + 3, 32, 15)
            paint.text_at(painter, box, "OUT", palette.dim, 10.5, align=Qt.AlignmentFlag.AlignCenter)
        left = 108.0
        rows = [("PV" if main == "PV" else "OUT", shown.pv, 25.0, True, "")]
        if shown.has_sp:
            rows.append(("SP", shown.sp, 17.0, False, shown.sp_pending))
        if shown.has_out:
            rows.append(("OUT", shown.out, 17.0, False, shown.out_pending))
        y = top
        for label, part, size, bold, pending in rows:
            paint.text_at(painter, QRectF(left, y, 60, 14), label, palette.dim, 11)
            if pending:
                box = QRectF(left + 34, y, self.width() - left - 34, 14)
                paint.text_at(painter, box, f"pending {pending}", palette.text, 10.5, align=paint.RIGHT)
            box = QRectF(left, y + 13, self.width() - left, size + 8)
            paint.paint_value(painter, palette, box, part, size, 46, bold=bold)
            y += 13 + size + 12
        painter.end()


class AlarmLine(QWidget):
    """The module's most urgent alarm; a click acknowledges it."""

    clicked = Signal()

    def __init__(self, palette: Palette, sampler: Sampler) -> None:
        super().__init__()
        self._palette, self._sampler = palette, sampler
        self._shown = LoopShown("", "", "")
        self.setFixedHeight(24)
        sampler.blink.connect(self._on_blink)

    def show_loop(self, shown: LoopShown) -> None:
        """Repaint if the alarm or the marks differ."""
        if (shown.alarm, shown.marks) != (self._shown.alarm, self._shown.marks):
            self.update()
        self._shown = shown

    def _on_blink(self, on: bool) -> None:
        if self._shown.alarm is not None and self._shown.alarm.unacknowledged:
            self.update()

    def mousePressEvent(self, event: object) -> None:
        self.clicked.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, palette, alarm = QPainter(self), self._palette, self._shown.alarm
        left = 0.0
        if alarm is not None:
            box = QRectF(0, 1, 22, 22)
            paint_priority(painter, palette, box, alarm.info.priority, alarm.state, blink_on=self._sampler.blink_on)
            kind = f"{alarm.name.rpartition('.')[2]}  {alarm.state_text}"
            width = 120.0 if self._shown.marks else self.width() - 27.0
            paint.text_at(painter, QRectF(27, 0, width, 24), kind, palette.text, 12, bold=alarm.unacknowledged)
            left = 150.0
        if self._shown.marks:
            box = QRectF(left, 0, self.width() - left, 24)
            align = paint.RIGHT if alarm is not None else paint.LEFT
            paint.text_at(painter, box, " · ".join(self._shown.marks), palette.text, 11.5, bold=True, align=align)
        elif alarm is None:
            paint.text_at(painter, QRectF(0, 0, 200, 24), "no alarm", palette.dim, 11.5)
        painter.end()


class Faceplate(QFrame):
    """One module. ``trend_wanted(module)``, ``help_wanted`` and ``closed`` go to the main window."""

    trend_wanted = Signal(str)
    alarms_wanted = Signal(str)
    loop_check_wanted = Signal(str)
    closed = Signal()

    def __init__(self, station: Station, sampler: Sampler, palette: Palette) -> None:
        super().__init__()
        self.setObjectName("Faceplate")
        self._station, self._sampler, self._palette = station, sampler, palette
        self.view = LoopView(station, "")
        self._title, self._text = QLabel(), QLabel()
        self._title.setFont(font(17, bold=True))
        self._text.setObjectName("Dim")
        close = QPushButton("✕")
        close.setObjectName("Flat")
        close.setFixedWidth(26)
        close.setToolTip("Close (Esc)")
        close.clicked.connect(self.closed)
        self.check_button = QPushButton("Loop check…")
        self.check_button.setObjectName("Flat")
        self.check_button.setFont(font(11))
        self.check_button.setToolTip("Stroke the output 0 to 100 % and back, record, sign off")
        self.check_button.clicked.connect(lambda: self.loop_check_wanted.emit(self.view.module))
        self.alarm_line = AlarmLine(palette, sampler)
        self.alarm_line.clicked.connect(self._acknowledge)
        self.bars = Bars(palette)
        self.modes = ModeRow(palette)
        self.modes.chosen.connect(lambda mode: self._station.write(self.view.tag("MODE"), mode))
        self.entries = {part: EntryRow(part) for part in ("SP", "OUT")}
        self._hint = QLabel()
        self._hint.setWordWrap(True)
        self._hint.setFixedHeight(32)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._hint.setFont(font(11))
        self.commands = {part: CommandRow(part, palette) for part in ("SP", "OUT", "COMMAND")}
        entries: tuple[EntryRow | CommandRow, ...] = (*self.entries.values(), *self.commands.values())
        for row in entries:
            self._connect(row)
        self.trend = TrendSheet(station, palette)
        self.parts = PartsSheet()
        self.parts.made.connect(self._connect)
        self._sheets = QStackedWidget()
        self._sheets.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.detail, self.alarm_sheet, self.help = (
            DetailSheet(station),
            AlarmSheet(station, palette),
            HelpSheet(station),
        )
        self._sheet_of = {
            "Trend": self.trend,
            "Detail": self.detail,
            "Set": self.parts,
            "Alarms": self.alarm_sheet,
            "Help": self.help,
        }
        self._buttons = QButtonGroup(self)
        self._build(close)
        for signal in (sampler.values, sampler.alarms, sampler.commands, sampler.layout):
            signal.connect(self.refresh)
        sampler.trends.connect(self._refresh_trend)

    def _build(self, close: QPushButton) -> None:
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(self.check_button)
        head.addWidget(close)
        buttons = QHBoxLayout()
        buttons.setSpacing(3)
        for name, sheet in self._sheet_of.items():
            self._sheets.addWidget(sheet)
            button = QPushButton(name)
            button.setCheckable(True)
            button.setFont(font(11))
            button.setStyleSheet("QPushButton { padding: 3px 0px; }")
            button.clicked.connect(lambda checked=False, name=name: self.show_sheet(name))
            self._buttons.addButton(button)
            buttons.addWidget(button, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 10)
        layout.setSpacing(5)
        layout.addLayout(head)
        layout.addWidget(self._text)
        layout.addWidget(self.alarm_line)
        layout.addWidget(self.bars)
        layout.addWidget(self.modes)
        for row in (*self.entries.values(), *self.commands.values()):
            layout.addWidget(row)
        layout.addWidget(self._hint)
        layout.addLayout(buttons)
        layout.addWidget(self._sheets, 1)
        self.show_sheet("Trend")

    def _connect(self, row: Row | CommandRow) -> None:
        row.committed.connect(lambda text, row=row: self._commit(row, text))
        if not isinstance(row, EntryRow):
            return
        row.stepped.connect(lambda steps, row=row: row.set_text(self.view.step(row.part, row.text(), steps)))
        row.edited.connect(lambda: self._hint.setText(""))

    # --- showing ------------------------------------------------------------------------------------------
    def show_module(self, module: str) -> None:
        """Show another module; what was typed for the last one is dropped."""
        if module != self.view.module:
            self.view = LoopView(self._station, module)
            for row in self.entries.values():
                row.revert()
            self.parts.show_module(self.view)
            self._hint.setText("")
        self.refresh()
        self._refresh_trend()

    def show_sheet(self, name: str) -> None:
        """Trend, Detail, Set (tuning, limits, flags), Alarms or Help in the lower part."""
        self._sheets.setCurrentWidget(self._sheet_of[name])
        for button in self._buttons.buttons():
            button.setChecked(button.text() == name)
        self.refresh()
        self._refresh_trend()

    def refresh(self) -> None:
        """Look at the module again."""
        if not self.isVisible() or not self.view.module:
            return
        shown = self.view.sample()
        self._title.setText(shown.name)
        self._text.setText(shown.description or "not reported yet")
        info = self.view.tag_info(self.view.main_part)
        self.bars.show_loop(shown, f"{info.low:g}" if info else "", f"{info.high:g}" if info else "")
        self.alarm_line.show_loop(shown)
        self.modes.show_mode(shown.mode)
        strokes = self.view.info is not None and self.view.info.kind in (
            "loop",
            "output",
        )  # an indicator has an OUT too
        self.check_button.setVisible(
            strokes and self._offers("OUT") and self._offers("MODE") and not self.view.choices("OUT")
        )
        for part, row in self.entries.items():
            has = bool(self.view.tag(part)) and (part != "OUT" or shown.kind != "indicator")
            row.setVisible(has and not self.view.choices(part))
        for part, buttons in self.commands.items():
            offered = self.view.choices(part) if self._offers(part) else ()
            buttons.setVisible(bool(offered))
            buttons.show_choices(offered)
        self.parts.show_module(self.view)
        for one in (*self.entries.values(), *self.commands.values(), *self.parts.rows):
            one.show_value(self.view.part(one.part), self.view.may_write(one.part), self.view.pending(one.part))
        current = self._sheets.currentWidget()
        if isinstance(current, DetailSheet | AlarmSheet | HelpSheet):
            current.show_module(self.view)

    def _offers(self, part: str) -> bool:
        """Is there something to press: a part that may be written now or in another mode."""
        info = self.view.tag_info(part)
        return info is not None and info.writable

    def _refresh_trend(self) -> None:
        if self.isVisible() and self._sheets.currentWidget() is self.trend:
            self.trend.show_module(self.view)

    # --- acting -------------------------------------------------------------------------------------------
    def _commit(self, row: Row | CommandRow, text: str) -> None:
        why_not = self.view.may_write(row.part)
        entry = self.view.check(row.part, text)
        if why_not or entry.refused:
            self._hint.setText(why_not or entry.refused)
            row.refuse()
            return
        if entry.confirm and isinstance(row, EntryRow) and not row.confirming:
            self._hint.setText(f"{entry.confirm} to confirm, Esc to keep.")
            row.ask()
            return
        self._hint.setText("")
        self._station.write(self.view.tag(row.part), entry.value)
        row.revert()

    @property
    def hint(self) -> str:
        """Why the last entry was refused, or what it asks."""
        return self._hint.text()

    def _acknowledge(self) -> None:
        alarm = self.view.sample().alarm
        if alarm is not None and alarm.unacknowledged:
            self._station.acknowledge(alarm.name)

    def focus_entry(self) -> None:
        """Put the cursor where the operator will most likely type."""
        for part in ("SP", "OUT"):
            row = self.entries[part]
            if row.isVisible() and row.isEnabled() and not self.view.may_write(part):
                row.take_focus()
                return

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)
