"""The dialog of a loop check: start, live table, small trend, abort, sign off.

Called by   the faceplate of a module with an output.
Knows       ``LoopCheckView``; looks at it with the sampler. Closing it while a check runs aborts the check, and the
            dialog stays until output and mode have been given back.
"""

from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QCloseEvent, QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from dcs.core.errors import Missing
from dcs.loop_check.record import FOLDER
from hmi.model.station import Station
from hmi.theme.palette import Palette
from hmi.theme.style import font
from hmi.viewmodels.loop_check import LoopCheckView
from hmi.viewmodels.sampler import Sampler

from . import paint
from .table import Rows, Table

SIZE = (780, 700)
ROW_HEIGHT = 24


class StrokeTrend(QWidget):
    """Output, demand, position and measurement in % of their spans, from the start of the check on."""

    def __init__(self, view: LoopCheckView, palette: Palette) -> None:
        super().__init__()
        self._view, self._palette = view, palette
        self.setMinimumHeight(150)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, palette = QPainter(self), self._palette
        labels, seconds, series = self._view.lines()
        box = QRectF(42, 6, self.width() - 48, self.height() - 46)
        painter.fillRect(box, QColor(palette.raised))
        span_s = max(60.0, seconds[-1] if seconds else 0.0)
        for percent in (0, 25, 50, 75, 100):
            y = self._y(box, percent)
            painter.setPen(QPen(QColor(palette.edge), 1.0))
            painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
            paint.text_at(painter, QRectF(0, y - 7, 38, 14), f"{percent} %", palette.dim, 10, align=paint.RIGHT)
        colours = [palette.setpoint, *palette.pens]
        painter.save()
        painter.setClipRect(box)
        for at, values in enumerate(series):
            pen = QPen(QColor(colours[at % len(colours)]), 1.0 if at else 2.0)
            if at == 0:
                pen.setDashPattern([3.0, 3.0])
            painter.setPen(pen)
            line = QPolygonF()
            for second, value in zip(seconds, values, strict=True):
                if value == value:
                    line.append(QPointF(box.left() + second / span_s * box.width(), self._y(box, value)))
            painter.drawPolyline(line)
        painter.restore()
        below = box.bottom() + 2
        paint.text_at(painter, QRectF(box.left(), below, 60, 14), "0 s", palette.dim, 10)
        right = QRectF(box.right() - 60, below, 60, 14)
        paint.text_at(painter, right, f"{span_s:.0f} s", palette.dim, 10, align=paint.RIGHT)
        x = box.left()
        for at, label in enumerate(labels):
            painter.setPen(QPen(QColor(colours[at % len(colours)]), 2.0))
            painter.drawLine(QPointF(x, below + 26), QPointF(x + 16, below + 26))
            paint.text_at(painter, QRectF(x + 21, below + 18, 90, 16), label, palette.text, 11)
            x += 112
        painter.end()

    @staticmethod
    def _y(box: QRectF, percent: float) -> float:
        return box.bottom() - (min(max(percent, -5.0), 105.0) + 5.0) / 110.0 * box.height()


class LoopCheckDialog(QDialog):
    """One module; not modal, the plant must stay in sight."""

    def __init__(
        self,
        station: Station,
        sampler: Sampler,
        palette: Palette,
        module: str,
        parent: QWidget | None = None,
        folder: Path = Path(FOLDER),
    ) -> None:
        super().__init__(parent)
        self.view = LoopCheckView(station, module)
        self._folder = folder
        self._leaving = False
        self.setWindowTitle(f"Loop check {module}")
        title = QLabel(f"{module}  {self.view.plan.description if self.view.plan else ''}")
        title.setObjectName("PageTitle")
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setMinimumHeight(36)
        self._text.setAlignment(Qt.AlignmentFlag.AlignTop)
        heads = self.view.heads() or [""]
        widths = [64, *[max(72, 8 * len(head) + 16) for head in heads[1:-1]], 110]
        self.table = Table(Rows(heads, right=range(len(heads) - 1)), widths, len(heads) - 1, ROW_HEIGHT)
        steps = len(self.view.plan.steps) if self.view.plan else 1
        self.table.setFixedHeight(ROW_HEIGHT * steps + 30)
        self.trend = StrokeTrend(self.view, palette)
        self.start_button, self.abort_button = QPushButton("Start"), QPushButton("Abort")
        self.close_button = QPushButton("Close")
        self.name, self.remark = QLineEdit(), QLineEdit()
        self.name.setPlaceholderText("Your name")
        self.remark.setPlaceholderText("Remark")
        self.pass_button, self.fail_button = QPushButton("Sign: passed"), QPushButton("Sign: failed")
        self.note = QLabel()
        self.note.setObjectName("Dim")
        self.note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._build(title)
        self.start_button.clicked.connect(self._start)
        self.abort_button.clicked.connect(self._abort)
        self.close_button.clicked.connect(self.close)
        self.pass_button.clicked.connect(lambda: self._sign(True))
        self.fail_button.clicked.connect(lambda: self._sign(False))
        self.name.textChanged.connect(self.refresh)
        for signal in (sampler.values, sampler.commands, sampler.second):
            signal.connect(self._look)
        self.resize(*SIZE)
        self.refresh()

    def _build(self, title: QLabel) -> None:
        buttons, sign = QHBoxLayout(), QHBoxLayout()
        for button in (self.start_button, self.abort_button):
            button.setFont(font(12, bold=True))
            button.setMinimumWidth(96)
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(self.close_button)
        sign.addWidget(QLabel("Sign off"))
        sign.addWidget(self.name, 2)
        sign.addWidget(self.remark, 4)
        sign.addWidget(self.pass_button)
        sign.addWidget(self.fail_button)
        for button in (self.start_button, self.abort_button, self.close_button, self.pass_button, self.fail_button):
            button.setAutoDefault(False)  # Enter in a text field presses nothing
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 12, 14, 12)
        layout.setSpacing(8)
        layout.addWidget(title)
        layout.addWidget(self._text)
        layout.addWidget(self.table)
        layout.addWidget(self.trend, 1)
        layout.addLayout(buttons)
        layout.addLayout(sign)
        layout.addWidget(self.note)

    # --- showing ------------------------------------------------------------------------------------------------
    def _look(self) -> None:
        self.view.tick()
        if self._leaving and not self.view.running:
            self.close()
        elif self.isVisible():
            self.refresh()

    def refresh(self) -> None:
        """Look at the check again."""
        view = self.view
        self._text.setText(view.text)
        rows = [tuple(row) for row in view.rows()]
        bold = [at == view.current or (bool(row[-1]) and row[-1] not in ("ok", "now")) for at, row in enumerate(rows)]
        self.table.fill([str(at) for at in range(len(rows))], rows, [None] * len(rows), bold)
        self.trend.update()
        self.start_button.setEnabled(view.plan is not None and not view.running)
        self.start_button.setText("Start again" if view.check is not None else "Start")
        self.abort_button.setEnabled(view.running)
        self.close_button.setText("Abort and close" if view.running else "Close")
        for widget in (self.name, self.remark):
            widget.setEnabled(view.may_sign)
        named = view.may_sign and bool(self.name.text().strip())
        self.fail_button.setEnabled(named)
        done = view.check is not None and view.check.record.result == "done"
        self.pass_button.setEnabled(named and done)

    # --- acting -------------------------------------------------------------------------------------------------
    def _start(self) -> None:
        self.note.setText("")
        self.view.start()
        self.refresh()

    def _abort(self) -> None:
        self.view.abort()
        self.refresh()

    def _sign(self, passed: bool) -> None:
        try:
            page = self.view.sign(self.name.text().strip(), passed, self.remark.text().strip(), self._folder)
        except Missing as exc:
            self.note.setText(str(exc))
        else:
            self.note.setText(
                f"{'Passed' if passed else 'Failed'}, signed by {self.name.text().strip()}. Record: {page}"
            )
        self.refresh()

    def leave(self) -> bool:
        """Abort what runs; True when the dialog may go now, else it closes itself when all is given back."""
        if self.view.running:
            self._leaving = True
            self.view.abort("the dialog was closed")
            self.refresh()
            return False
        return True

    def reject(self) -> None:
        """Esc closes like the button, which comes here by itself."""
        if self.leave():
            super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.leave():
            super().closeEvent(event)
        else:
            event.ignore()
