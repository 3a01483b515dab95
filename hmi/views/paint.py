"""How a value, an analogue indicator, a mode and a small trend look, wherever they stand.

Called by   drawings, faceplates and group displays.
Knows       a painter, the palette and view-model snapshots. One home for these looks, so they are the same everywhere.
"""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QPainter, QPen, QPolygonF

from hmi.model.decimate import Floats, Line
from hmi.theme.marks import paint_hatch, paint_priority
from hmi.theme.palette import Palette
from hmi.theme.style import font
from hmi.viewmodels.loop import LoopShown
from hmi.viewmodels.shown import Shown

RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
ELIDE = Qt.TextElideMode.ElideRight


def text_at(painter: QPainter, box: QRectF, text: str, colour: str, pixels: float, *, bold: bool = False,
            align: Qt.AlignmentFlag = LEFT) -> None:  # fmt: skip
    """One line of text; too long a text ends in an ellipsis."""
    painter.setFont(font(max(7, round(pixels)), bold=bold))
    painter.setPen(QColor(colour))
    elided = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(box.width()) + 1)
    painter.drawText(box, align, elided)


def paint_value(painter: QPainter, palette: Palette, box: QRectF, shown: Shown, pixels: float, unit_width: float,
                *, bold: bool = False, colour: str = "") -> None:  # fmt: skip
    """A number right-aligned before its unit; struck through when Bad, hatched without communication.

    It gets smaller where it would not fit, and ends in an ellipsis where that is not enough: what is cut off without a
    mark would be another number or state.
    """
    number = QRectF(box.left(), box.top(), box.width() - unit_width, box.height())
    unit = QRectF(number.right() + 4, box.top(), unit_width - 4, box.height())
    small = min(pixels * 0.78, 12.0) if pixels < 18 else pixels * 0.6
    if shown.mark == "COMM":
        width = max(44.0, pixels * 2.6)
        hatch_height = min(box.height() - 2, max(15.0, pixels))
        paint_hatch(
            painter,
            palette,
            QRectF(number.right() - width, box.center().y() - hatch_height / 2, width, hatch_height),
            "COMM",
        )
    else:
        room = number.width() - (_tag_width(painter, shown.mark) + 6 if shown.mark else 0.0)
        size = max(8, round(pixels))
        painter.setFont(_value_font(size, bold, shown))
        while size > 8 and painter.fontMetrics().horizontalAdvance(shown.text) > room:
            size -= 1
            painter.setFont(_value_font(size, bold, shown))
        painter.setPen(QColor(colour or (palette.live if shown.live else palette.dim)))
        text = fitted(painter, shown.text, room)
        advance = painter.fontMetrics().horizontalAdvance(text)
        painter.drawText(number, RIGHT, text)
        if shown.mark:
            _tag(painter, palette, QPointF(number.right() - advance - 6, box.center().y()), shown.mark)
    if shown.unit:
        baseline_shift = (pixels - small) * 0.28 if pixels >= 18 else 0.0
        text_at(painter, unit.translated(0.0, baseline_shift), shown.unit, palette.dim, small)


def fitted(painter: QPainter, text: str, room: float) -> str:
    """The text as it is where it fits, else with an ellipsis."""
    if painter.fontMetrics().horizontalAdvance(text) <= room:
        return text  # never through elidedText, which shortens also what fits to the pixel
    return painter.fontMetrics().elidedText(text, ELIDE, int(room)) or "…"


def _value_font(size: int, bold: bool, shown: Shown) -> QFont:
    chosen = font(size, bold=bold)
    chosen.setStrikeOut(shown.struck)
    return chosen


def _tag_width(painter: QPainter, text: str) -> float:
    painter.setFont(font(9, bold=True))
    return painter.fontMetrics().horizontalAdvance(text) + 6.0


def _tag(painter: QPainter, palette: Palette, right_middle: QPointF, text: str) -> None:
    """A small framed word left of a number: BAD, UNC, the age of a stale value."""
    width = _tag_width(painter, text)  # which leaves its font behind
    box = QRectF(right_middle.x() - width, right_middle.y() - 7, width, 14)
    painter.setPen(QPen(QColor(palette.bad), 1.0))
    painter.setBrush(QBrush(QColor(palette.bad), Qt.BrushStyle.BDiagPattern) if text == "BAD" else QBrush())
    painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
    if text == "BAD":
        painter.fillRect(box.adjusted(2, 2, -2, -2), QColor(palette.raised))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QColor(palette.text))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def paint_mode(painter: QPainter, palette: Palette, box: QRectF, shown: LoopShown, pixels: float) -> None:
    """The actual mode, right-aligned; a mode that is not the one asked for is named with its target, in a frame."""
    mode = shown.mode
    if not mode.target and not mode.actual:
        return
    text = "—" if not mode.known else mode.actual if mode.agrees else f"{mode.actual}←{mode.target}"
    if mode.pending:
        text = f"{mode.actual} … {mode.pending}"
    special = mode.stands_out
    size = max(8, round(pixels))
    painter.setFont(font(size, bold=special))
    while size > 8 and painter.fontMetrics().horizontalAdvance(text) + 8 > box.width():
        size -= 1
        painter.setFont(font(size, bold=special))
    width = painter.fontMetrics().horizontalAdvance(text) + 8
    frame = QRectF(box.right() - width, box.center().y() - pixels * 0.72, width, pixels * 1.44)
    if special:
        painter.setPen(QPen(QColor(palette.text), 1.0))
        painter.setBrush(QColor(palette.raised))
        painter.drawRect(frame.adjusted(0.5, 0.5, -0.5, -0.5))
    painter.setPen(QColor(palette.text if special else palette.dim))
    painter.drawText(frame, Qt.AlignmentFlag.AlignCenter, text)


def paint_state(painter: QPainter, palette: Palette, box: QRectF, shown: LoopShown) -> None:
    """A state by its name, and below it what else the module reports."""
    paint_value(painter, palette, QRectF(box.left(), box.top(), box.width(), 30), shown.pv, 20, 0, bold=True)
    y = box.top() + 38
    for part, value in shown.facts:
        if y + 16 > box.bottom():
            break
        text_at(painter, QRectF(box.left(), y, box.width() * 0.4, 16), part, palette.dim, 11)
        right = QRectF(box.left() + box.width() * 0.4, y, box.width() * 0.6, 16)
        paint_value(painter, palette, right, value, 12, 34)
        y += 19


def paint_indicator(painter: QPainter, palette: Palette, box: QRectF, shown: LoopShown, *, width: float = 16.0) -> None:
    """Analogue indicator: normal band, alarm limits as ticks, PV as a column, SP as a hollow triangle at its right."""
    bar = QRectF(box.left(), box.top(), width, box.height())
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(palette.raised))
    painter.drawRect(bar)
    if shown.band is not None and shown.band[1] > shown.band[0]:
        low, high = (bar.bottom() - fraction * bar.height() for fraction in shown.band)
        painter.setBrush(QColor(palette.normal_band))
        painter.drawRect(QRectF(bar.left(), high, bar.width(), low - high))
    if shown.pv.fraction is None:
        paint_hatch(painter, palette, bar)
    else:
        inset = width * 0.25
        top = bar.bottom() - shown.pv.fraction * bar.height()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(palette.output))
        painter.drawRect(QRectF(bar.left() + inset, top, bar.width() - 2 * inset, bar.bottom() - top))
        painter.setBrush(QColor(palette.live))
        painter.drawRect(QRectF(bar.left(), round(top) - 1.0, bar.width(), 3.0))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(palette.outline), 1.0))
    painter.drawRect(bar.adjusted(0.5, 0.5, -0.5, -0.5))
    for tick in shown.ticks:
        y = round(bar.bottom() - tick.fraction * bar.height()) + 0.5
        painter.setPen(QPen(QColor(palette.text), 2.0 if tick.info.priority == 1 else 1.0))
        painter.drawLine(QPointF(bar.left() - 4, y), QPointF(bar.right() - 1, y))
    if shown.has_sp and shown.sp.fraction is not None:
        y = bar.bottom() - shown.sp.fraction * bar.height()
        size = max(5.0, width * 0.36)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(palette.setpoint), 1.5))
        painter.setBrush(QColor(palette.panel))
        x = bar.right() + 1
        painter.drawPolygon(
            QPolygonF([QPointF(x, y), QPointF(x + size * 1.7, y - size), QPointF(x + size * 1.7, y + size)])
        )
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setBrush(Qt.BrushStyle.NoBrush)


def paint_output_bar(painter: QPainter, palette: Palette, box: QRectF, out: Shown) -> None:
    """The output from 0 to 100 % of its range; a limited side has a thick end."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(palette.raised))
    painter.drawRect(box)
    if out.fraction is None:
        paint_hatch(painter, palette, box)
        return
    top = box.bottom() - out.fraction * box.height()
    painter.setBrush(QColor(palette.line_second))
    painter.drawRect(QRectF(box.left(), top, box.width(), box.bottom() - top))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(palette.outline), 1.0))
    painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
    if out.limited:
        y = box.top() if out.limited == "high" else box.bottom() - 4
        painter.fillRect(QRectF(box.left(), y, box.width(), 4), QColor(palette.text))


def paint_loop(painter: QPainter, palette: Palette, box: QRectF, shown: LoopShown, *, blink_on: bool, scale: float,
               focused: bool = False) -> None:  # fmt: skip
    """Tag, mode, PV large, SP and OUT small: a loop's place in a drawing."""
    painter.setPen(QPen(QColor(palette.focus), 2.0) if focused else QPen(QColor(palette.edge), 1.0))
    painter.setBrush(QColor(palette.panel))
    painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    inner = box.adjusted(7 * scale, 3 * scale, -6 * scale, -3 * scale)
    small_rows = int(shown.has_sp) + int(shown.has_out)
    units = 1.0 + 1.45 + 0.92 * small_rows
    row = inner.height() / units
    head = QRectF(inner.left(), inner.top(), inner.width(), row)
    tag_left = head.left()
    if shown.alarm is not None:
        side = min(row + 3 * scale, 21 * scale)
        marker = QRectF(head.left() - 3 * scale, head.center().y() - side / 2, side, side)
        paint_priority(painter, palette, marker, shown.alarm.info.priority, shown.alarm.state, blink_on=blink_on)
        tag_left += side
    text_at(painter, QRectF(tag_left, head.top(), head.width(), row), shown.name, palette.text, 12.5 * scale, bold=True)
    tag_right = tag_left + painter.fontMetrics().horizontalAdvance(shown.name) + 4 * scale
    paint_mode(painter, palette, QRectF(tag_right, head.top(), head.right() - tag_right, row), shown, 11 * scale)
    painter.setFont(font(12))
    widest = max(painter.fontMetrics().horizontalAdvance(part.unit) for part in (shown.pv, shown.sp, shown.out))
    unit_width = max(44 * scale, widest + 8)
    big = QRectF(inner.left(), head.bottom(), inner.width(), row * 1.45)
    paint_value(painter, palette, big, shown.pv, 21 * scale, unit_width, bold=True)
    y = big.bottom()
    for label, part, present in (("SP", shown.sp, shown.has_sp), ("OUT", shown.out, shown.has_out)):
        if not present:
            continue
        line = QRectF(inner.left(), y, inner.width(), row * 0.92)
        text_at(painter, line, label, palette.dim, 11.5 * scale)
        paint_value(painter, palette, line, part, 13 * scale, unit_width)
        pending = shown.sp_pending if label == "SP" else shown.out_pending
        if pending:
            text_at(painter, line.adjusted(30 * scale, 0, 0, 0), f"→ {pending}", palette.text, 11 * scale)
        y += row * 0.92


def paint_mini_trend(painter: QPainter, palette: Palette, box: QRectF, line: Line, window: tuple[float, float],
                     limits: tuple[float, float], *, band: tuple[float, float] | None = None,
                     second: Line | None = None) -> None:  # fmt: skip
    """A small trend without axes: normal band, setpoint dashed, the value as a line; gaps are gaps."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(palette.raised))
    painter.drawRect(box)
    low, high = limits
    if band is not None:
        top, bottom = (_y(box, value, low, high) for value in (band[1], band[0]))
        painter.setBrush(QColor(palette.normal_band))
        painter.drawRect(QRectF(box.left(), top, box.width(), bottom - top))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.save()
    painter.setClipRect(box)
    if second is not None:
        pen = QPen(QColor(palette.setpoint), 1.0)
        pen.setDashPattern([3.0, 3.0])
        painter.setPen(pen)
        _polylines(painter, box, second.time_s, second.good, window, limits)
    painter.setPen(QPen(QColor(palette.live), 1.0))
    _polylines(painter, box, line.time_s, line.good, window, limits)
    dotted = QPen(QColor(palette.live), 1.0)
    dotted.setStyle(Qt.PenStyle.DotLine)
    painter.setPen(dotted)
    _polylines(painter, box, line.time_s, line.bad, window, limits)
    painter.restore()
    painter.setPen(QPen(QColor(palette.edge), 1.0))
    painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))


def _y(box: QRectF, value: float, low: float, high: float) -> float:
    fraction = min(max((value - low) / ((high - low) or 1.0), 0.0), 1.0)
    return box.bottom() - 1.0 - fraction * (box.height() - 2.0)


def _polylines(painter: QPainter, box: QRectF, time_s: Floats, values: Floats, window: tuple[float, float],
               limits: tuple[float, float]) -> None:  # fmt: skip
    finite = np.isfinite(values)
    if not finite.any():
        return
    x = box.left() + (time_s - window[0]) / (window[1] - window[0]) * box.width()
    y = box.bottom() - 1.0 - (values - limits[0]) / ((limits[1] - limits[0]) or 1.0) * (box.height() - 2.0)
    edges = np.flatnonzero(np.diff(finite.astype(np.int8), prepend=0, append=0))
    for first, last in zip(edges[0::2], edges[1::2], strict=True):
        points = [QPointF(px, py) for px, py in zip(x[first:last].tolist(), y[first:last].tolist(), strict=True)]
        painter.drawPolyline(QPolygonF(points))
