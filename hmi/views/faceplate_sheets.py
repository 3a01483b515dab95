"""The lower part of a faceplate: small trend, all parts, alarms of the module, help.

Called by   the faceplate; each sheet looks at the module when it is asked to.
"""

import math
from html import escape

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QScrollArea, QVBoxLayout, QWidget

from hmi.model.decimate import EMPTY_LINE
from hmi.model.station import Station
from hmi.theme.marks import paint_priority
from hmi.theme.palette import Palette
from hmi.theme.style import font
from hmi.viewmodels.loop import LoopView
from hmi.viewmodels.shown import limit_text, number_text, unit_text

from . import paint

WINDOW_S = 600.0


class TrendSheet(QWidget):
    """PV and SP of the last ten minutes on the range of the PV; a zoomed range when it hardly moves."""

    def __init__(self, station: Station, palette: Palette) -> None:
        super().__init__()
        self._station, self._palette = station, palette
        self._view: LoopView | None = None
        self.setMinimumHeight(96)

    def show_module(self, view: LoopView) -> None:
        """Look at this module's history."""
        self._view = view
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        view, palette = self._view, self._palette
        info = view.tag_info(view.main_part) if view else None
        if view is None or info is None:
            return
        painter = QPainter(self)
        box = QRectF(0, 4, self.width() - 42, min(self.height() - 24, 150))
        trends = self._station.trends
        end_s = self._station.tags.plant_time_ns() / 1e9
        window = (end_s - WINDOW_S, end_s)
        pixels = max(int(box.width()), 50)
        line = trends.line(info.name, *window, pixels)
        setpoint = view.tag("SP_WRK") or view.tag("SP")
        second = trends.line(setpoint, *window, pixels) if setpoint else EMPTY_LINE
        figures = trends.figures(info.name, *window)
        limits = nice_range(figures.low, figures.high, info.low, info.high)
        paint.paint_mini_trend(painter, palette, box, line, window, limits, second=second)
        decimals = info.decimals if limits[1] - limits[0] < 10.0 else min(info.decimals, 1)
        for value, y in ((limits[1], box.top() + 6), (limits[0], box.bottom() - 6)):
            text = number_text(value, decimals)
            paint.text_at(painter, QRectF(box.right() + 4, y - 7, 40, 14), text, palette.dim, 10)
        for text, x, align in (("−10 min", box.left(), paint.LEFT), ("now", box.right() - 60, paint.RIGHT)):
            paint.text_at(painter, QRectF(x, box.bottom() + 2, 60, 14), text, palette.dim, 10, align=align)
        painter.end()


def nice_range(low: float, high: float, floor: float, ceiling: float) -> tuple[float, float]:
    """A range a little wider than the data, at least 5 % of the tag's range, inside that range; 1-2-5 steps."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return floor, ceiling
    least = 0.05 * (ceiling - floor)
    spread = max(high - low, least)
    step = 10.0 ** math.floor(math.log10(spread / 2.0))
    step = next(step * factor for factor in (1.0, 2.0, 5.0, 10.0) if spread / (step * factor) <= 5.0)
    bottom = math.floor((low - 0.1 * spread) / step) * step
    top = math.ceil((high + 0.1 * spread) / step) * step
    return max(bottom, floor), min(top, ceiling)


class _TextSheet(QScrollArea):
    """Rich text in a scroll area."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inner = QWidget()
        inner.setObjectName("Sheet")
        self.viewport().setObjectName("Sheet")
        layout = QVBoxLayout(inner)
        layout.setContentsMargins(0, 4, 6, 0)
        self._label = QLabel()
        self._label.setWordWrap(True)
        self._label.setFont(font(11))
        self._label.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout.addWidget(self._label)
        layout.addStretch(1)
        self.setWidget(inner)

    def set_text(self, text: str) -> None:
        """Show this, without moving the scroll bar when nothing has changed."""
        if self._label.text() != text:
            self._label.setText(text)

    def text(self) -> str:
        """What stands there."""
        return self._label.text()


class DetailSheet(_TextSheet):
    """Every published part of the module, with its quality in words."""

    def __init__(self, station: Station) -> None:
        super().__init__()
        self._station = station

    def show_module(self, view: LoopView) -> None:
        """Fill the table."""
        info = view.info
        rows = []
        for part in info.parts if info else ():
            shown = view.part(part)
            quality = shown.mark if shown.mark else ""
            rows.append(
                f"<tr><td>{part}</td><td align='right'>&nbsp;<b>{shown.text}</b></td>"
                f"<td>&nbsp;{shown.unit}</td><td>&nbsp;{quality}</td></tr>"
            )
        main = view.part(view.main_part)
        self.set_text(f"<table cellspacing='2'>{''.join(rows)}</table><p>Quality: {main.reason}</p>")


class HelpSheet(_TextSheet):
    """Consequence, cause and action of the module's alarms."""

    def __init__(self, station: Station) -> None:
        super().__init__()
        self._station = station

    def show_module(self, view: LoopView) -> None:
        """The active alarms first, then the other configured ones."""
        active = [row.name for row in self._station.alarms.of_module(view.module)]
        known = [a for a in self._station.alarms.configured.values() if a.name.rpartition(".")[0] == view.module]
        known.sort(key=lambda alarm: (alarm.name not in active, alarm.priority))
        if not known:
            self.set_text("No alarms are configured for this module.")
            return
        self.set_text("".join(alarm_help(alarm.name, self._station) for alarm in known))


def alarm_help(name: str, station: Station) -> str:
    """Consequence, cause and action of an alarm as rich text."""
    alarm = station.alarms.configured.get(name)
    if alarm is None:
        return f"<p>{name} is not configured.</p>"
    limit = f", limit {limit_text(alarm)} {unit_text(alarm.unit)}" if limit_text(alarm) else ""
    lines = [f"<p><b>{alarm.name}</b> &nbsp; priority {alarm.priority}{limit}<br>{escape(alarm.description)}"]
    for label, text in (("Consequence", alarm.consequence), ("Cause", alarm.cause), ("Action", alarm.action)):
        if text:
            lines.append(f"<br><b>{label}:</b> {escape(text)}")
    return "".join(lines) + "</p>"


class AlarmSheet(QWidget):
    """The module's configured alarms with limit and state."""

    def __init__(self, station: Station, palette: Palette) -> None:
        super().__init__()
        self._station, self._palette = station, palette
        self._rows: list[tuple[str, str, int, int, str]] = []

    def show_module(self, view: LoopView) -> None:
        """Look at the module's alarms."""
        states = {row.name: row for row in self._station.alarms.of_module(view.module)}
        rows = []
        for alarm in self._station.alarms.configured.values():
            if alarm.name.rpartition(".")[0] != view.module:
                continue
            row = states.get(alarm.name)
            number = number_text(view.limit_of(alarm), 2) if limit_text(alarm) else ""
            text = f"{number} {unit_text(alarm.unit)}" if number else ""
            rows.append(
                (
                    alarm.name.rpartition(".")[2],
                    text,
                    alarm.priority,
                    row.state if row else 0,
                    row.state_text if row else "normal",
                )
            )
        if rows != self._rows:
            self._rows = rows
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, palette = QPainter(self), self._palette
        if not self._rows:
            paint.text_at(painter, QRectF(0, 6, self.width(), 16), "No alarms are configured.", palette.dim, 11)
        for number, (kind, limit, priority, state, words) in enumerate(self._rows):
            y = 6.0 + number * 24
            if state:
                paint_priority(painter, palette, QRectF(0, y, 20, 20), priority, state)
            else:
                paint.text_at(painter, QRectF(0, y, 20, 20), str(priority), palette.dim, 11,
                              align=Qt.AlignmentFlag.AlignCenter)  # fmt: skip
            paint.text_at(painter, QRectF(24, y, 74, 20), kind, palette.text, 11.5, bold=bool(state))
            paint.text_at(painter, QRectF(70, y, 80, 20), limit, palette.text, 11.5, align=paint.RIGHT)
            paint.text_at(painter, QRectF(160, y, self.width() - 160, 20), words, palette.dim, 11)
        painter.end()
