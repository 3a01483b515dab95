"""A drawing as a PNG, painted by Qt without a screen.

Called by   ``dcs plant step``.
Knows       Qt's SVG renderer. Needs no display: without one Qt's own picture memory does.
"""

import os
import sys

from dcs.core.errors import Missing

SCALE = 2.0


def svg_to_png(svg: str, scale: float = SCALE) -> bytes:
    """The picture, ``scale`` pixels for a unit of the drawing. Raises ``Missing`` where Qt cannot start."""
    if sys.platform.startswith("linux"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    try:
        from PySide6.QtCore import QBuffer, QByteArray, QIODevice
        from PySide6.QtGui import QImage, QPainter
        from PySide6.QtSvg import QSvgRenderer
        from PySide6.QtWidgets import QApplication
    except ImportError as error:
        raise Missing(f"a PNG is painted by Qt, which cannot start here ({error}). Write an .svg instead.") from None
    application = QApplication.instance() or QApplication([])  # one that may have windows: there is one a process
    renderer = QSvgRenderer(QByteArray(svg.encode()))
    image = QImage(renderer.defaultSize() * scale, QImage.Format.Format_ARGB32)
    image.fill(0xFFFFFFFF)
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    assert application is not None
    return bytes(buffer.data().data())
