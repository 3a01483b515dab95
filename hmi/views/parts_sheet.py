"""The sheet of a faceplate on which everything else that may be written is set: tuning, limits, flags, commands.

Called by   the faceplate, which connects each row to its checks. One row a part, made anew when the module changes.
Knows       ``LoopView``: which parts there are and what each may be. Own block types get their rows like ours.
"""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from hmi.theme.style import font
from hmi.viewmodels.loop import LoopView
from hmi.viewmodels.shown import Shown

from .entry import LABELS, EntryRow

LABEL_WIDTH = 84


class ChoiceRow(QWidget):
    """One part with few values: the box shows what the plant reports and asks for what is chosen."""

    committed = Signal(str)

    def __init__(self, part: str, names: tuple[str, ...]) -> None:
        super().__init__()
        self.part = part
        label = QLabel(LABELS.get(part, part))
        label.setFixedWidth(LABEL_WIDTH)
        self.box = QComboBox()
        self.box.addItems([name for name in names if name])
        self.box.setFont(font(12))
        self.box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.box.activated.connect(lambda index: self.committed.emit(self.box.itemText(index)))
        self._pending = QLabel()
        self._pending.setObjectName("Dim")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(label)
        layout.addWidget(self.box, 1)
        layout.addWidget(self._pending)

    def show_value(self, shown: Shown, why_not: str, pending: str) -> None:
        """The plant's value; what was asked for stands beside it until the plant reports it."""
        self.box.setEnabled(not why_not)
        self.box.setToolTip(why_not)
        self._pending.setText(f"→ {pending}" if pending else "")
        if not self.box.view().isVisible():
            index = self.box.findText(shown.text) if shown.live else -1
            if index != self.box.currentIndex():
                self.box.setCurrentIndex(index)

    def revert(self) -> None:
        """Nothing is kept here."""

    def refuse(self) -> None:
        """The next sample shows the plant's value again."""


Row = EntryRow | ChoiceRow


class PartsSheet(QScrollArea):
    """Rows of all adjustable parts of the module on show. ``made(row)`` for each new one."""

    made = Signal(QWidget)

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.rows: list[Row] = []
        self._made_for: tuple[tuple[str, tuple[str, ...]], ...] = ()
        self._empty = QLabel("Nothing else can be set here.")
        self._empty.setObjectName("Dim")
        inner = QWidget()
        inner.setObjectName("Sheet")
        self.viewport().setObjectName("Sheet")
        self._layout = QVBoxLayout(inner)
        self._layout.setContentsMargins(0, 4, 6, 0)
        self._layout.addWidget(self._empty)
        self._layout.addStretch(1)
        self.setWidget(inner)

    def show_module(self, view: LoopView) -> None:
        """Make the rows of this module, unless they are there."""
        wanted = tuple((part, view.choices(part)) for part in view.adjustable)
        if wanted == self._made_for:
            return
        self._made_for = wanted
        for row in self.rows:
            self._layout.removeWidget(row)
            row.deleteLater()
        self.rows = [ChoiceRow(part, names) if names else EntryRow(part, LABEL_WIDTH) for part, names in wanted]
        for number, row in enumerate(self.rows):
            info = view.tag_info(row.part)
            row.setToolTip(info.description if info else "")
            self._layout.insertWidget(number, row)
            self.made.emit(row)
        self._empty.setVisible(not self.rows)
