"""Marks that mean the same everywhere: alarm priority, bad quality, communication lost.

Called by   banner, drawings, faceplates, tree and tables.
Knows       a painter and the palette. Priority is colour *and* shape *and* number, always with an outline.
"""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPolygonF

from .palette import Palette
from .style import font

_HIDDEN_LETTER = {6: "S", 7: "D", 8: "O"}


def priority_shape(priority: int, box: QRectF) -> QPolygonF:
    """Outline of a priority's marker inside a box: square, triangle, inverted triangle, diamond."""
    left, top, right, bottom = box.left(), box.top(), box.right(), box.bottom()
    middle_x, middle_y = box.center().x(), box.center().y()
    points = {
        1: ((left, top), (right, top), (right, bottom), (left, bottom)),
        2: ((middle_x, top), (right, bottom), (left, bottom)),
        3: ((left, top), (right, top), (middle_x, bottom)),
    }.get(priority, ((middle_x, top), (right, middle_y), (middle_x, bottom), (left, middle_y)))
    return QPolygonF([QPointF(x, y) for x, y in points])


def paint_priority(
    painter: QPainter, palette: Palette, box: QRectF, priority: int, state: int, *, blink_on: bool = True
) -> None:
    """One alarm marker; the frame blinks while unacknowledged, hollow once returned, grey letter when hidden."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    side = min(box.width(), box.height())
    frame = QRectF(box.center().x() - side / 2, box.center().y() - side / 2, side, side)
    number = max(1, min(priority, 4))
    unacknowledged = state in (1, 3, 4)
    if unacknowledged and blink_on:
        painter.setPen(QPen(QColor(palette.priority[number - 1]), 2.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(frame.adjusted(1.0, 1.0, -1.0, -1.0))
    inner = frame.adjusted(side * 0.2, side * 0.2, -side * 0.2, -side * 0.2)
    if number != 1:  # triangles and diamonds look smaller than squares of the same box
        inner = inner.adjusted(-side * 0.07, -side * 0.07, side * 0.07, side * 0.07)
    hidden, returned = state in _HIDDEN_LETTER, state in (3,)
    colour = QColor(palette.hidden if hidden else palette.priority[number - 1])
    painter.setPen(QPen(colour if returned else QColor(palette.priority_edge), 2.0 if returned else 1.5))
    painter.setBrush(Qt.BrushStyle.NoBrush if returned else QBrush(colour))
    painter.drawPolygon(priority_shape(number, inner))
    painter.setPen(QColor(palette.text if returned else "#000000" if hidden else palette.priority_text[number - 1]))
    painter.setFont(font(max(8, round(side * 0.42)), bold=True))
    shift = {2: side * 0.09, 3: -side * 0.08}.get(number, 0.0)
    painter.drawText(inner.translated(0.0, shift), Qt.AlignmentFlag.AlignCenter, _HIDDEN_LETTER.get(state, str(number)))
    painter.restore()


def paint_hatch(painter: QPainter, palette: Palette, box: QRectF, text: str = "") -> None:
    """Hatched frame: a value that must not be believed (``BAD``) or cannot be known (``COMM``)."""
    painter.save()
    painter.setPen(QPen(QColor(palette.bad), 1.0))
    painter.setBrush(QBrush(QColor(palette.bad), Qt.BrushStyle.BDiagPattern))
    painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
    if text:
        painter.setFont(font(10, bold=True))
        metrics = painter.fontMetrics()
        width = metrics.horizontalAdvance(text) + 6
        label = QRectF(box.center().x() - width / 2, box.center().y() - 7, width, 14)
        painter.fillRect(label, QColor(palette.raised))
        painter.setPen(QColor(palette.text))
        painter.drawText(label, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()
