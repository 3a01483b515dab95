"""The plot of a trend page: curves made once, fed with two points a pixel.

Called by   the trend page.
Knows       pyqtgraph and a ``TrendView``. Pens one pixel wide, no antialiasing, no automatic ranges: measured, that is
            four times faster than anything prettier.
"""

from itertools import zip_longest
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QFont

from hmi.model.station import Station
from hmi.theme.palette import Palette
from hmi.theme.style import font
from hmi.viewmodels.clock import local
from hmi.viewmodels.pens import PENS_MAX, Pen, TrendView

TIME_STEPS_S = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400)
MARKS_MAX = 200
GAPS_MAX, TAKEOVERS_MAX = 100, 20
"""Newest ones that are drawn; more than that tells nobody anything."""
LABEL_PIXELS = 110
"""Labels of takeovers that are closer together than that would cover each other."""


class TimeAxis(pg.AxisItem):  # type: ignore[misc]
    """Absolute time, and under it the time relative to now."""

    def __init__(self, trend: TrendView) -> None:
        super().__init__("bottom")
        self._trend = trend
        self.setHeight(38)

    def tickValues(self, low_s: float, high_s: float, size: float) -> list[tuple[float, list[float]]]:
        wanted = max(size / 110.0, 2.0)
        step = next((s for s in TIME_STEPS_S if (high_s - low_s) / s <= wanted), TIME_STEPS_S[-1])
        first = np.ceil(low_s / step) * step
        return [(float(step), [float(t) for t in np.arange(first, high_s, step)])]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        now_s = self._trend.now_s()
        return [f"{local(round(t * 1e9)).strftime('%H:%M:%S')}\n{relative_text(t - now_s)}" for t in values]


def relative_text(seconds: float) -> str:
    """``−5:00`` before now, ``+1:00`` after; hours only when there are any."""
    sign = "\u2212" if seconds < 0 else "+"
    whole = round(abs(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{sign}{hours}:{minutes:02d}:{left:02d}" if hours else f"{sign}{minutes}:{left:02d}"


def gap_text(start_s: float, end_s: float) -> str:
    """``no data from 14:05:30.0 to 14:05:32.0 (2.0 s)``."""
    times = [local(round(time_s * 1e9)) for time_s in (start_s, end_s)]
    first, last = (f"{time.strftime('%H:%M:%S')}.{time.microsecond // 100_000}" for time in times)
    return f"no data from {first} to {last} ({end_s - start_s:.1f} s)"


class ValueAxis(pg.AxisItem):  # type: ignore[misc]
    """The shared percent axis, labelled in the unit of the selected pen."""

    def __init__(self) -> None:
        super().__init__("left")
        self.pen_shown: Pen | None = None
        self.setWidth(58)

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        pen = self.pen_shown
        if pen is None:
            return [f"{value:g}" for value in values]
        step = abs(pen.high - pen.low) * spacing / 100.0
        decimals = max(0, min(pen.decimals, int(np.ceil(-np.log10(step))) if step > 0 else 0))
        return [f"{pen.value(value):.{decimals}f}".replace("-", "\u2212") for value in values]


class TimeBox(pg.ViewBox):  # type: ignore[misc]
    """Dragging pans time, the wheel zooms time, Ctrl-wheel zooms the value; the page decides what that does."""

    panned = Signal(float)
    time_zoomed = Signal(float, float)
    value_zoomed = Signal(float, float)
    fitted = Signal()

    def wheelEvent(self, event: Any, axis: Any = None) -> None:
        where = self.mapSceneToView(event.scenePos())
        factor = 0.85 if event.delta() > 0 else 1.0 / 0.85
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.value_zoomed.emit(factor, where.y())
        else:
            self.time_zoomed.emit(factor, where.x())
        event.accept()

    def mouseDragEvent(self, event: Any, axis: Any = None) -> None:
        event.accept()
        if event.button() == Qt.MouseButton.LeftButton:
            moved = self.mapSceneToView(event.scenePos()).x() - self.mapSceneToView(event.lastScenePos()).x()
            self.panned.emit(-moved)

    def mouseClickEvent(self, event: Any) -> None:
        if event.double():
            self.fitted.emit()
            event.accept()


class TrendPlot(pg.PlotWidget):  # type: ignore[misc]
    """``cursor_moved(time_s)``; NaN when the mouse has left."""

    cursor_moved = Signal(float)

    def __init__(self, station: Station, trend: TrendView, palette: Palette) -> None:
        self.box = TimeBox(enableMenu=False)
        self._values = ValueAxis()
        super().__init__(
            background=QColor(palette.raised),
            viewBox=self.box,
            axisItems={"bottom": TimeAxis(trend), "left": self._values},
        )
        self._station, self._trend, self._palette = station, trend, palette
        self.value_range = (0.0, 100.0)
        self.selected = 0
        self.shows_takeovers = True
        plot = self.getPlotItem()
        plot.hideButtons()
        plot.showGrid(x=True, y=True, alpha=0.14)
        self.box.disableAutoRange()
        tick_font: QFont = font(11)
        for side in ("left", "bottom"):
            axis = plot.getAxis(side)
            axis.setPen(pg.mkPen(palette.line_second, width=1))
            axis.setTextPen(pg.mkPen(palette.dim))
            axis.setStyle(tickFont=tick_font, tickTextOffset=5)
        self._gaps: list[Any] = []
        self._takeovers: list[Any] = []
        self._curves = [self._make_curves(QColor(colour)) for colour in palette.pens[:PENS_MAX]]
        self._now = self._make_line(palette.now, Qt.PenStyle.DashLine)
        self._cursor = self._make_line(palette.focus, Qt.PenStyle.SolidLine)
        self._cursor.hide()
        self._marks = pg.ScatterPlotItem(size=11, hoverable=True, tip=lambda x, y, data: str(data))
        plot.addItem(self._marks)
        self.scene().sigMouseMoved.connect(self._on_mouse)

    def _make_curves(self, colour: QColor) -> tuple[Any, Any]:
        pair = []
        for style in (Qt.PenStyle.SolidLine, Qt.PenStyle.DotLine):
            curve = pg.PlotCurveItem(pen=pg.mkPen(colour, width=1, style=style), connect="finite", antialias=False)
            self.addItem(curve)
            pair.append(curve)
        return pair[0], pair[1]

    def _make_line(self, colour: str, style: Qt.PenStyle) -> Any:
        line = pg.InfiniteLine(angle=90, movable=False, pen=pg.mkPen(colour, width=1, style=style))
        self.addItem(line, ignoreBounds=True)
        return line

    # --- drawing ------------------------------------------------------------------------------------------
    def redraw(self) -> None:
        """All curves once, from what the station has kept."""
        start_s, end_s = self._trend.window()
        pixels = max(int(self.box.width()), 100)
        pens = self._trend.pens()
        self._values.pen_shown = pens[self.selected] if self.selected < len(pens) else (pens[0] if pens else None)
        for number, (good, bad) in enumerate(self._curves):
            if number >= len(pens):
                good.setVisible(False)
                bad.setVisible(False)
                continue
            pen = pens[number]
            line = self._trend.line(pen, pixels)
            good.setData(line.time_s, pen.percent(line.good))
            bad.setData(line.time_s, pen.percent(line.bad))
            good.setVisible(True)
            bad.setVisible(bool(np.isfinite(line.bad).any()))
        self._now.setValue(self._trend.now_s())
        self.box.setXRange(start_s, end_s, padding=0.0)
        low, high = self.value_range
        self.box.setYRange(low, high, padding=0.02)
        self._values.picture = None  # labels follow the selected pen
        self._values.update()
        self._draw_gaps()
        self._draw_takeovers((end_s - start_s) / pixels * LABEL_PIXELS)
        self._draw_marks(start_s, end_s, low + 0.012 * (high - low))

    def _draw_gaps(self) -> None:
        """A faint band wherever a sample is missing; what is narrower than a pixel is drawn a pixel wide."""
        gaps = self._trend.gaps()[-GAPS_MAX:]
        edge, fill = pg.mkPen(self._palette.line_second, width=1), QColor(self._palette.fill)
        fill.setAlpha(130)
        while len(self._gaps) < len(gaps):
            band = pg.LinearRegionItem(movable=False, brush=fill, pen=edge)
            band.setZValue(-20)
            words = pg.InfLineLabel(
                band.lines[0], "no data", position=0.5, rotateAxis=(1, 0), anchor=(1, 1), color=self._palette.dim
            )
            words.setFont(font(11))
            self.addItem(band, ignoreBounds=True)
            self._gaps.append(band)
        for band, gap in zip_longest(self._gaps, gaps):
            band.setVisible(gap is not None)
            if gap is not None:
                band.setRegion(gap)
                band.setToolTip(gap_text(*gap))

    def _draw_takeovers(self, label_s: float) -> None:
        takeovers = self._trend.takeovers()[-TAKEOVERS_MAX:] if self.shows_takeovers else []
        while len(self._takeovers) < len(takeovers):
            line = pg.InfiniteLine(
                angle=90,
                movable=False,
                pen=pg.mkPen(self._palette.line, width=1, style=Qt.PenStyle.DotLine),
                label="",
                labelOpts={"position": 0.97, "color": self._palette.text, "anchors": [(0, 0), (0, 0)]},
            )
            line.label.setFont(font(11))
            self.addItem(line, ignoreBounds=True)
            self._takeovers.append(line)
        last_s = float("-inf")
        for line, mark in zip_longest(self._takeovers, takeovers):
            line.setVisible(mark is not None)
            if mark is None:
                continue
            line.setValue(mark.time_s)
            line.label.setFormat(mark.text if mark.time_s - last_s > label_s else "")
            line.setToolTip(f"{local(round(mark.time_s * 1e9)).strftime('%H:%M:%S')}  {mark.text}")
            last_s = mark.time_s

    def _draw_marks(self, start_s: float, end_s: float, y: float) -> None:
        events = self._station.events.between(round(start_s * 1e9), round(end_s * 1e9))
        wanted = [event for event in events if event.kind in ("alarm", "operator", "redundancy")][-MARKS_MAX:]
        palette, spots = self._palette, []
        for event in wanted:
            alarm = event.kind == "alarm"
            priority = max(1, min(event.priority or 4, 4))
            spots.append(
                {
                    "pos": (event.time_ns / 1e9, y),
                    "symbol": "t1" if alarm else "d" if event.kind == "redundancy" else "s",
                    "brush": QColor(palette.priority[priority - 1] if alarm else palette.raised),
                    "pen": pg.mkPen(palette.text, width=1),
                    "size": 11 if alarm else 8,
                    "data": f"{local(event.time_ns).strftime('%H:%M:%S')}  {event.subject}  {event.text}",
                }
            )
        self._marks.setData(spots)

    def fit_values(self) -> None:
        """Value range that just holds every visible pen."""
        lows, highs = [], []
        for pen in self._trend.pens():
            figures = self._trend.figures(pen)
            if np.isfinite(figures.low):
                lows.append(float(pen.percent(np.array(figures.low))))
                highs.append(float(pen.percent(np.array(figures.high))))
        if lows:
            margin = max(0.06 * (max(highs) - min(lows)), 0.5)
            self.value_range = (min(lows) - margin, max(highs) + margin)

    # --- cursor -------------------------------------------------------------------------------------------
    def _on_mouse(self, where: QPointF) -> None:
        if self.box.sceneBoundingRect().contains(where):
            time_s = float(self.box.mapSceneToView(where).x())
            self._cursor.setValue(time_s)
            self._cursor.show()
            self.cursor_moved.emit(time_s)
        else:
            self._leave()

    def leaveEvent(self, event: Any) -> None:
        self._leave()
        super().leaveEvent(event)

    def _leave(self) -> None:
        if self._cursor.isVisible():
            self._cursor.hide()
            self.cursor_moved.emit(float("nan"))
