"""The trend page: live pens, a legend with values, pan, zoom, shift.

Called by   the main window; one instance.
Knows       ``TrendView``; draws at most twice a second, and only while it is seen.
"""

import math

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QColor, QKeySequence, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from hmi.model.station import Station
from hmi.theme.palette import Palette
from hmi.theme.style import font
from hmi.viewmodels.clock import clock_text
from hmi.viewmodels.pens import PENS_MAX, WINDOWS_S, TrendView
from hmi.viewmodels.sampler import Sampler
from hmi.viewmodels.shown import number_text, show, unit_text

from .trend_plot import TrendPlot

HEADS = ("", "Tag", "Description", "Value", "Unit", "Min", "Avg", "Max", "Scale", "")
NUMBERS = (3, 5, 6, 7, 8)
ROW_HEIGHT = 24
WINDOW_NAMES = {600.0: "10 min", 3600.0: "1 h", 8 * 3600.0: "8 h"}


class TrendPage(QWidget):
    """``add_wanted``: the operator wants another pen. ``opened(module)``: a pen's module."""

    add_wanted = Signal()
    opened = Signal(str)

    def __init__(self, station: Station, sampler: Sampler, palette: Palette) -> None:
        super().__init__()
        self.setObjectName("Page")
        self._station, self._palette = station, palette
        self.trend = TrendView(station)
        self.plot = TrendPlot(station, self.trend, palette)
        self._cursor_s = math.nan
        self._legend = QTableWidget(0, len(HEADS))
        self._note = QLabel()
        self._note.setObjectName("Dim")
        self._windows: dict[float, QPushButton] = {}
        self._live = QPushButton("Live")
        # Mouse moves and clicks come in bursts: one picture for all of them.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(30)
        self._soon.timeout.connect(self.redraw)
        self._build()
        self.plot.box.panned.connect(self._pan)
        self.plot.box.time_zoomed.connect(self._zoom_time)
        self.plot.box.value_zoomed.connect(self._zoom_value)
        self.plot.box.fitted.connect(self._fit)
        self.plot.cursor_moved.connect(self._on_cursor)
        sampler.trends.connect(self._refresh)
        sampler.layout.connect(self._refresh)

    def _build(self) -> None:
        bar = QHBoxLayout()
        bar.setSpacing(4)
        for window_s in WINDOWS_S:
            button = QPushButton(WINDOW_NAMES[window_s])
            button.setCheckable(True)
            button.clicked.connect(lambda checked=False, window_s=window_s: self._set_window(window_s))
            self._windows[window_s] = button
            bar.addWidget(button)
        bar.addSpacing(12)
        for text, tip, part in (("◀", "Earlier (shift left)", -0.5), ("▶", "Later", 0.5)):
            button = QPushButton(text)
            button.setToolTip(tip)
            button.setFixedWidth(34)
            button.clicked.connect(lambda checked=False, part=part: self._pan(part * self.trend.span_s))
            bar.addWidget(button)
        self._live.setCheckable(True)
        self._live.setToolTip("Follow the plant's time")
        self._live.clicked.connect(self._go_live)
        bar.addWidget(self._live)
        bar.addSpacing(12)
        for text, tip, act in (
            ("Fit", "Fit the value axis (double click)", self._fit),
            ("0–100 %", "Whole range of every pen", self._unfit),
            ("Add pen…", "Search a tag", self.add_wanted.emit),
        ):
            button = QPushButton(text)
            button.setToolTip(tip)
            button.clicked.connect(lambda checked=False, act=act: act())
            bar.addWidget(button)
        takeovers = QPushButton("Takeovers")
        takeovers.setCheckable(True)
        takeovers.setMinimumWidth(96)
        takeovers.setChecked(True)
        takeovers.setToolTip("Mark where another controller began to write")
        takeovers.toggled.connect(self._show_takeovers)
        bar.addWidget(takeovers)
        bar.addStretch(1)
        bar.addWidget(self._note)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 12)
        layout.setSpacing(8)
        layout.addLayout(bar)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self._legend)
        self._build_legend()

    def _build_legend(self) -> None:
        legend = self._legend
        legend.verticalHeader().hide()
        legend.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        legend.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        legend.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        legend.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        legend.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        legend.setShowGrid(False)
        legend.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = legend.horizontalHeader()
        header.setHighlightSections(False)
        for column, width in ((0, 40), (1, 130), (3, 100), (4, 66), (5, 84), (6, 84), (7, 84), (8, 110), (9, 30)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            legend.setColumnWidth(column, width)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        for column, head in enumerate(HEADS):
            item = QTableWidgetItem(head)
            side = Qt.AlignmentFlag.AlignRight if column in NUMBERS else Qt.AlignmentFlag.AlignLeft
            item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
            legend.setHorizontalHeaderItem(column, item)
        legend.cellClicked.connect(self._on_legend)
        legend.doubleClicked.connect(self._on_legend_double)
        remove = QAction(self)
        remove.setShortcut(QKeySequence(Qt.Key.Key_Delete))
        remove.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        remove.triggered.connect(lambda: self._remove(self.plot.selected))
        self.addAction(remove)

    # --- pens ---------------------------------------------------------------------------------------------
    def show_tags(self, tags: tuple[str, ...], fit: bool | None = None) -> None:
        """Show these pens instead; ``fit``: over the whole range, or over what is drawn (None: as it is)."""
        if tags:
            self.trend.tags = list(tags)[:PENS_MAX]
            self.plot.selected = 0
            if fit is not None:
                self.plot.value_range = (0.0, 100.0)
            if fit:
                self.plot.fit_values()
        self.redraw()

    def add_tag(self, tag: str) -> bool:
        """One more pen; False when there is no room or it is there."""
        added = self.trend.add(tag)
        self.redraw()
        return added

    def _remove(self, row: int) -> None:
        pens = self.trend.pens()
        if row < len(pens):
            self.trend.remove(pens[row].tag)
            self.plot.selected = 0
            self.redraw()

    def _on_legend(self, row: int, column: int) -> None:
        if column == len(HEADS) - 1:
            self._remove(row)
        else:
            self.plot.selected = row
            self.redraw()

    def _on_legend_double(self, index: QModelIndex) -> None:
        pens = self.trend.pens()
        if index.row() < len(pens):
            self.opened.emit(pens[index.row()].tag.rpartition(".")[0])

    # --- window -------------------------------------------------------------------------------------------
    def _set_window(self, window_s: float) -> None:
        self.trend.set_span(window_s)
        self.redraw()

    def _pan(self, seconds: float) -> None:
        self.trend.pan(seconds)
        self._soon.start()

    def _go_live(self) -> None:
        self.trend.go_live()
        self.redraw()

    def _zoom_time(self, factor: float, around_s: float) -> None:
        self.trend.zoom(factor, around_s)
        self._soon.start()

    def _zoom_value(self, factor: float, around: float) -> None:
        low, high = self.plot.value_range
        self.plot.value_range = (around + (low - around) * factor, around + (high - around) * factor)
        self._soon.start()

    def _fit(self) -> None:
        self.plot.fit_values()
        self.redraw()

    def _show_takeovers(self, wanted: bool) -> None:
        self.plot.shows_takeovers = wanted
        self.redraw()

    def _unfit(self) -> None:
        self.plot.value_range = (0.0, 100.0)
        self.redraw()

    # --- drawing ------------------------------------------------------------------------------------------
    def _refresh(self) -> None:
        if self.isVisible() and self.trend.live:
            self.redraw()

    def showEvent(self, event: object) -> None:
        self.redraw()

    def redraw(self) -> None:
        """Curves, legend and buttons from the model."""
        self.plot.redraw()
        self._fill_legend()
        for window_s, button in self._windows.items():
            button.setChecked(abs(self.trend.span_s - window_s) < 1.0)
        self._live.setChecked(self.trend.live)

    def _on_cursor(self, time_s: float) -> None:
        self._cursor_s = time_s
        self._fill_legend()

    def _fill_legend(self) -> None:
        pens = self.trend.pens()
        if self._legend.rowCount() != len(pens):
            self._legend.setRowCount(len(pens))
            self._legend.setFixedHeight(30 + ROW_HEIGHT * max(len(pens), 1))
        at_cursor = math.isfinite(self._cursor_s)
        where = f"cursor {clock_text(round(self._cursor_s * 1e9))}" if at_cursor else ""
        if at_cursor and pens:
            source = self.trend.source_at(pens[min(self.plot.selected, len(pens) - 1)], self._cursor_s)
            where = f"{where}   {source}" if source else where
        if not self.trend.live:
            where = f"not live   {where}"
        self._note.setText(where)
        for row, pen in enumerate(pens):
            shown = show(self._station.tags.read(pen.tag), self._station.tags.info(pen.tag))
            value = shown.text if shown.live else shown.mark
            if at_cursor:
                value = number_text(self.trend.value_at(pen, self._cursor_s), pen.decimals)
            figures = self.trend.figures(pen)
            numbers = [number_text(number, pen.decimals) for number in (figures.low, figures.mean, figures.high)]
            scale = f"{pen.low:g} – {pen.high:g}"
            cells = ("", pen.tag, pen.description, value, unit_text(pen.unit), *numbers, scale, "✕")
            for column, text in enumerate(cells):
                self._set_cell(row, column, text, self._palette.pens[row])

    def _set_cell(self, row: int, column: int, text: str, colour: str) -> None:
        item = self._legend.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            if column in NUMBERS:
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            if column == 3:
                item.setForeground(QColor(self._palette.live))
                item.setFont(font(13, bold=True))
            elif column in (4, 9):
                item.setForeground(QColor(self._palette.dim))
            self._legend.setItem(row, column, item)
        if column == 0 and item.data(Qt.ItemDataRole.UserRole) != colour:
            swatch = QPixmap(18, 4)
            swatch.fill(QColor(colour))
            item.setData(Qt.ItemDataRole.DecorationRole, swatch)
            item.setData(Qt.ItemDataRole.UserRole, colour)
        selected = QColor(self._palette.fill if row == self.plot.selected else self._palette.panel)
        if item.background().color() != selected:
            item.setBackground(selected)
        if item.text() != text:
            item.setText(text)
