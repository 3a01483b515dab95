"""The top bar: where am I, who am I, what time is it, is the system well.

Called by   the main window; always visible.
Knows       node reports, bus link, plant clock, horn.
"""

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from hmi.model.nodes import NodeRow
from hmi.model.station import Station
from hmi.theme.marks import paint_hatch
from hmi.theme.palette import Palette
from hmi.theme.style import font
from hmi.viewmodels.clock import PlantClock
from hmi.viewmodels.sampler import Sampler

from . import paint

HEIGHT = 38


WELL = ("active", "running", "standby")
"""What a node is when nothing is wrong with it."""


class Health(QWidget):
    """One square per node: filled = active or running, half = standby, hollow = not well; the name beside it."""

    clicked = Signal()

    def __init__(self, station: Station, palette: Palette) -> None:
        super().__init__()
        self._station, self._palette = station, palette
        self._cells: tuple[tuple[str, str], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def refresh(self) -> None:
        """Look at the nodes again."""
        cells = []
        for row in self._station.nodes.rows():
            if row.report.kind in ("hmi", "cli"):
                continue
            cells.append((row.report.node, _state(row)))
        if not self._station.tags.connected:
            cells = [("no bus", "silent")]
        if tuple(cells) != self._cells:
            self._cells = tuple(cells)
            self.setToolTip("\n".join(f"{name}: {state}" for name, state in self._cells) or self._station.link_text)
            self.setFixedWidth(sum(self._width(*cell) + 32 for cell in cells) + 4)
            self.update()

    def _width(self, name: str, state: str) -> int:
        """Of the label, which is bold where a node is not well."""
        return QFontMetrics(font(12, bold=state not in WELL)).horizontalAdvance(label(name, state))

    def mousePressEvent(self, event: object) -> None:
        self.clicked.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, palette, x = QPainter(self), self._palette, 2.0
        for name, state in self._cells:
            box = QRectF(x, self.height() / 2 - 6, 12, 12)
            well = state in WELL
            if state == "silent":
                paint_hatch(painter, palette, box)
            else:
                painter.setPen(QPen(QColor(palette.text), 1.2 if well else 2.0))
                painter.setBrush(QColor(palette.raised))
                painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
                if state in ("active", "active alone", "running"):
                    painter.fillRect(box.adjusted(2.5, 2.5, -2.5, -2.5), QColor(palette.dim))
                elif state == "standby":
                    painter.fillRect(box.adjusted(2.5, 6, -2.5, -2.5), QColor(palette.dim))
                else:
                    painter.drawLine(box.topLeft(), box.bottomRight())
            width = self._width(name, state)
            text = QRectF(x + 17, 0, width + 14, self.height())
            paint.text_at(painter, text, label(name, state), palette.text, 12, bold=not well)
            x += width + 32
        painter.end()


def _state(row: NodeRow) -> str:
    """One word, or two. A node that runs and has lost a link is told from one that does not do its work; a standby
    that could not take over is called what it is."""
    role = row.report.role
    if row.silent:
        return "silent"
    if not row.working:
        return "ill"
    if role == "standby" and row.redundancy_lost:
        return row.report.state
    if row.redundancy_lost:  # the other one may never have been heard of by this station
        return "active alone"
    if not row.healthy:
        return f"{role}, link down" if role else "link down"
    return role or "running"


def label(name: str, state: str) -> str:
    """Name, and what is not plain from being there: the role of a controller, or that a node is not well."""
    return name if state == "running" or name == "no bus" else f"{name} {state}"


class TopBar(QFrame):
    """``search_wanted``, ``health_clicked``, ``silenced``, ``back``, ``forward``."""

    search_wanted = Signal()
    health_clicked = Signal()
    silenced = Signal()
    back = Signal()
    forward = Signal()

    def __init__(self, station: Station, sampler: Sampler, palette: Palette) -> None:
        super().__init__()
        self.setObjectName("TopBar")
        self.setFixedHeight(HEIGHT)
        self._station, self._clock_of = station, PlantClock(station)
        self._path = QLabel(station.title)
        self._path.setFont(font(14))
        self._path.setTextFormat(Qt.TextFormat.RichText)
        search = QPushButton("Search     Ctrl-K")
        search.setFixedWidth(190)
        search.clicked.connect(self.search_wanted)
        self.health = Health(station, palette)
        self.health.clicked.connect(self.health_clicked)
        user = QLabel(f"{station.desk.user} @ {station.desk.station}")
        user.setObjectName("Dim")
        self._clock = QLabel()
        self._clock.setObjectName("Clock")
        self._clock.setFixedHeight(26)
        self._horn = QPushButton("Silence")
        self._horn.setObjectName("Horn")
        self._horn.setFixedWidth(84)
        self._horn.setToolTip("Silence the horn (Space)")
        self._horn.clicked.connect(self.silenced)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 0, 10, 0)
        layout.setSpacing(8)
        for text, tip, signal in (("‹", "Back (Alt-←)", self.back), ("›", "Forward (Alt-→)", self.forward)):
            button = QPushButton(text)
            button.setObjectName("Flat")
            button.setFixedWidth(24)
            button.setFont(font(17))
            button.setToolTip(tip)
            button.setStyleSheet("padding: 0px 0px 3px 0px;")
            button.clicked.connect(signal)
            layout.addWidget(button)
        layout.addWidget(self._path, 1)
        for widget in (search, self.health, user, self._clock, self._horn):
            layout.addWidget(widget)
            if widget is not self._horn:
                layout.addSpacing(8)
        sampler.nodes.connect(self.refresh)
        sampler.second.connect(self.refresh)
        sampler.alarms.connect(self._show_horn)
        self._palette = palette
        self._show_horn()

    def show_path(self, title: str) -> None:
        """Breadcrumb: plant and page."""
        dim = self._palette.dim
        self._path.setText(f"<span style='color:{dim}'>{self._station.title} &nbsp;›&nbsp;</span> <b>{title}</b>")

    def refresh(self) -> None:
        """Clock and health."""
        text = self._clock_of.text()
        if self._clock.text() != text:
            self._clock.setText(text)
        name = "SimulatedClock" if self._clock_of.simulated else "Clock"
        if self._clock.objectName() != name:
            self._clock.setObjectName(name)
            self._clock.style().unpolish(self._clock)
            self._clock.style().polish(self._clock)
        self.health.refresh()

    def _show_horn(self) -> None:
        sounding = self._station.alarms.horn
        self._horn.setEnabled(sounding)
        if self._horn.property("sounding") != sounding:
            self._horn.setProperty("sounding", sounding)
            self._horn.style().unpolish(self._horn)
            self._horn.style().polish(self._horn)
