"""A drawing on the screen: the SVG as a still background, live items painted over the elements they are bound to.

Called by   the main window, one per display; created once and kept.
Knows       a ``Display`` and the view-models. Repaints only the items that have changed.
Theme       a drawing is made in the light palette's colours; another theme maps them.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QByteArray, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QWidget

from dcs.bus.messages import TagInfo
from hmi.model.alarms import AlarmRow
from hmi.model.displays import Binding, Display
from hmi.model.station import Station
from hmi.theme.marks import paint_hatch, paint_priority
from hmi.theme.palette import LIGHT, Palette
from hmi.viewmodels.loop import LoopView
from hmi.viewmodels.sampler import Sampler
from hmi.viewmodels.shown import Shown, show

from . import paint

TREND_PIXELS = 300
_HEX = re.compile(r"#[0-9A-Fa-f]{6}\b")


@dataclass
class Item:
    """One binding with its place on the widget and what it showed last."""

    binding: Binding
    view: LoopView
    box: QRectF = field(default_factory=QRectF)
    last: object = None


class DrawingPage(QWidget):
    """One display. ``opened(module)``: faceplate wanted; ``trend_wanted(tag)``: the embedded trend was clicked;
    ``display_wanted(name)``: a link to another one of ``displays`` was.
    """

    opened = Signal(str)
    trend_wanted = Signal(str)
    display_wanted = Signal(str)

    def __init__(
        self,
        station: Station,
        sampler: Sampler,
        display: Display,
        palette: Palette,
        displays: Sequence[Display] = (),
    ) -> None:
        super().__init__()
        self._station, self._sampler, self._palette = station, sampler, palette
        self.display = display
        self._linked = {other.name: (other.title, other.modules) for other in displays}
        source = display.drawing.read_text(encoding="utf-8")
        mapping = palette.map_from(LIGHT)
        source = _HEX.sub(lambda found: mapping.get(found.group(0).lower(), found.group(0)), source)
        overlays = {binding.element for binding in display.bindings if binding.kind == "running"}
        self._background = QSvgRenderer(QByteArray(without_elements(source, overlays).encode()), self)
        self._parts = QSvgRenderer(QByteArray(source.encode()), self)
        self._pixmap = QPixmap()
        self._scale = 1.0
        self._focus = -1
        self.items = [Item(binding, LoopView(station, binding.target)) for binding in display.bindings]
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        sampler.values.connect(self._refresh)
        sampler.alarms.connect(self._refresh)
        sampler.commands.connect(self._refresh)
        sampler.trends.connect(self._refresh_trends)
        sampler.blink.connect(self._on_blink)

    # --- looking at the model ------------------------------------------------------------------------------
    def _refresh(self) -> None:
        if not self.isVisible():
            return
        for item in self.items:
            if item.binding.kind == "trend":
                continue  # at the slower rate of trends
            now = self._sample(item)
            if now != item.last:
                item.last = now
                self.update(item.box.adjusted(-8, -8, 8, 8).toAlignedRect())

    def _refresh_trends(self) -> None:
        if not self.isVisible():
            return
        for item in self.items:
            if item.binding.kind == "trend":
                self.update(item.box.toAlignedRect())

    def _sample(self, item: Item) -> object:
        binding = item.binding
        if binding.kind in ("loop", "indicator"):
            return item.view.sample()
        if binding.kind == "link":
            worst = self._worst(binding.display)
            return worst and (worst.info.priority, worst.state)
        shown = show(self._station.tags.read(binding.tag), self._station.tags.info(binding.tag))
        if binding.kind == "level" and shown.fraction is not None:
            return shown.mark, round(shown.fraction * max(item.box.height(), 1.0))
        if binding.kind == "running":
            return shown.mark, shown.live and binding.holds(shown.value)
        return shown

    def _on_blink(self, on: bool) -> None:
        if not self.isVisible():
            return
        for item in self.items:
            alarm = None
            if item.binding.kind == "loop":
                alarm = item.view.sample().alarm
            elif item.binding.kind == "link":
                alarm = self._worst(item.binding.display)
            if alarm is not None and alarm.unacknowledged:
                self.update(item.box.toAlignedRect())

    def _worst(self, display: str) -> AlarmRow | None:
        """The most urgent alarm of what another display shows."""
        return self._station.alarms.worst(self._linked.get(display, ("", frozenset()))[1])

    # --- painting -----------------------------------------------------------------------------------------
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()
        super().resizeEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        self._refresh()
        super().showEvent(event)

    def _place(self) -> None:
        size = self._background.viewBoxF()
        if size.isEmpty():
            return
        self._scale = min(self.width() / size.width(), self.height() / size.height())
        left = (self.width() - size.width() * self._scale) / 2.0
        top = (self.height() - size.height() * self._scale) / 2.0
        whole = QRectF(left, top, size.width() * self._scale, size.height() * self._scale)
        ratio = self.devicePixelRatioF()
        self._pixmap = QPixmap(self.size() * ratio)
        self._pixmap.setDevicePixelRatio(ratio)
        self._pixmap.fill(QColor(self._palette.background))
        painter = QPainter(self._pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._background.render(painter, whole)
        painter.end()
        for item in self.items:
            element = item.binding.element
            box = self._parts.transformForElement(element).mapRect(self._parts.boundsOnElement(element))
            item.box = QRectF(
                left + (box.left() - size.left()) * self._scale,
                top + (box.top() - size.top()) * self._scale,
                box.width() * self._scale,
                box.height() * self._scale,
            )

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        dirty = QRectF(event.rect())
        ratio = self._pixmap.devicePixelRatio()
        painter.drawPixmap(dirty, self._pixmap, QRectF(dirty.topLeft() * ratio, dirty.size() * ratio))
        for number, item in enumerate(self.items):
            if item.box.adjusted(-12, -12, 12, 12).intersects(dirty):
                self._paint(painter, item, focused=number == self._focus and self.hasFocus())
        painter.end()

    def _paint(self, painter: QPainter, item: Item, *, focused: bool) -> None:
        binding, box, scale, palette = item.binding, item.box, self._scale, self._palette
        match binding.kind:
            case "loop":
                paint.paint_loop(
                    painter, palette, box, item.view.sample(), blink_on=self._sampler.blink_on, scale=scale,
                    focused=focused,
                )  # fmt: skip
            case "indicator":
                shown = item.view.sample()
                paint.paint_indicator(painter, palette, box, shown, width=min(box.width(), 16 * scale))
            case "value":
                shown_value = self._shown(binding.tag)
                if binding.label:
                    paint.text_at(painter, box, binding.label, palette.dim, 11.5 * scale)
                unit = 44 * scale if shown_value.unit not in ("%", "") else 20 * scale
                paint.paint_value(painter, palette, box, shown_value, 13 * scale, unit)
            case "level":
                self._paint_level(painter, box, self._shown(binding.tag))
            case "running":
                shown_value = self._shown(binding.tag)
                if not shown_value.live:
                    paint_hatch(painter, palette, box)
                elif binding.holds(shown_value.value):
                    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                    self._parts.render(painter, binding.element, box)
                    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            case "trend":
                self._paint_trend(painter, item)
            case "link":
                self._paint_link(painter, item, focused=focused)

    def _paint_link(self, painter: QPainter, item: Item, *, focused: bool) -> None:
        """The element is the picture; what is added is the frame of the focus and the mark of an alarm."""
        if focused:
            painter.setPen(QPen(QColor(self._palette.focus), 2.0))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(item.box)
        worst = self._worst(item.binding.display)
        if worst is not None:
            side = 21 * self._scale
            mark = QRectF(item.box.right() - side - 3, item.box.top() + 3, side, side)
            blink_on = self._sampler.blink_on
            paint_priority(painter, self._palette, mark, worst.info.priority, worst.state, blink_on=blink_on)

    def _paint_level(self, painter: QPainter, box: QRectF, shown: Shown) -> None:
        if shown.fraction is None:
            paint_hatch(painter, self._palette, box, shown.mark if len(shown.mark) > 2 else "")
            return
        top = box.bottom() - shown.fraction * box.height()
        painter.fillRect(QRectF(box.left(), top, box.width(), box.bottom() - top), QColor(self._palette.liquid))
        painter.fillRect(QRectF(box.left(), top, box.width(), 1.5), QColor(self._palette.line))

    def _paint_trend(self, painter: QPainter, item: Item) -> None:
        binding, trends = item.binding, self._station.trends
        info = self._station.tags.info(binding.tag)
        if info is None:
            paint_hatch(painter, self._palette, item.box)
            return
        end_s = self._station.tags.plant_time_ns() / 1e9
        window = (end_s - binding.window_s, end_s)
        line = trends.line(binding.tag, *window, TREND_PIXELS)
        second = trends.line(binding.setpoint, *window, TREND_PIXELS) if binding.setpoint else None
        paint.paint_mini_trend(
            painter,
            self._palette,
            item.box,
            line,
            window,
            _trend_range(binding, info),
            band=binding.normal,
            second=second,
        )
        minutes = (
            f"{binding.window_s / 60.0:.0f} min" if binding.window_s < 7200 else f"{binding.window_s / 3600:.0f} h"
        )
        label = QRectF(item.box.left() + 2, item.box.bottom() - 14 * self._scale, 40 * self._scale, 13 * self._scale)
        paint.text_at(painter, label, minutes, self._palette.dim, 9.5 * self._scale)

    def _shown(self, tag: str) -> Shown:
        return show(self._station.tags.read(tag), self._station.tags.info(tag))

    # --- acting -------------------------------------------------------------------------------------------
    def _hit(self, x: float, y: float) -> int:
        for number in reversed(range(len(self.items))):
            if self.items[number].box.contains(x, y):
                return number
        return -1

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hit = self._hit(event.position().x(), event.position().y())
        self.setCursor(Qt.CursorShape.PointingHandCursor if hit >= 0 else Qt.CursorShape.ArrowCursor)
        self.setToolTip(self._tip(self.items[hit]) if hit >= 0 else "")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        hit = self._hit(event.position().x(), event.position().y())
        if hit < 0:
            return
        self._focus = hit
        self._open(self.items[hit])
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        stops = [number for number, item in enumerate(self.items) if item.binding.kind in ("loop", "link")]
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._focus >= 0:
            self._open(self.items[self._focus])
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right) and stops:
            step = 1 if event.key() == Qt.Key.Key_Right else -1
            at = stops.index(self._focus) if self._focus in stops else -step if step < 0 else -1
            self._focus = stops[(at + step) % len(stops)]
            self.update()
        else:
            super().keyPressEvent(event)

    def _open(self, item: Item) -> None:
        if item.binding.kind == "trend":
            self.trend_wanted.emit(item.binding.tag)
        elif item.binding.kind == "link":
            self.display_wanted.emit(item.binding.display)
        else:
            self.opened.emit(item.binding.target)

    def _tip(self, item: Item) -> str:
        if item.binding.kind == "trend":
            return f"Trend of {item.binding.tag}"
        if item.binding.kind == "link":
            return f"Open {self._linked.get(item.binding.display, (item.binding.display, ()))[0]}"
        info = item.view.info
        if info is None:
            return f"{item.binding.target}: not reported yet"
        shown = item.view.part(item.view.main_part)
        why = f" ({shown.reason})" if shown.mark else ""
        return f"{info.name}  {info.description}{why}"


def _trend_range(binding: Binding, info: TagInfo) -> tuple[float, float]:
    """The normal band with a margin around it, so that moves are seen; the tag's range without a band."""
    if binding.normal is None:
        return info.low, info.high
    low, high = binding.normal
    margin = 0.2 * (high - low)
    return max(low - margin, info.low), min(high + margin, info.high)


def without_elements(svg: str, ids: set[str]) -> str:
    """The SVG without the elements of these ids: they are painted only when their condition holds."""
    if not ids:
        return svg
    ET.register_namespace("", "http://www.w3.org/2000/svg")
    root = ET.fromstring(svg)
    for parent in root.iter():
        for child in list(parent):
            if child.attrib.get("id") in ids:
                parent.remove(child)
    return ET.tostring(root, encoding="unicode")
