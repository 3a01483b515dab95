"""Buttons for a part with few values: START and STOP of a motor, OPEN and CLOSE, the commands of a sequence.

Called by   the faceplate, where a module's SP, OUT or COMMAND is a choice.
Knows       what may be asked and what the plant reports. A click asks; the filled button is what the plant has.
"""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QPushButton, QWidget

from hmi.theme.palette import Palette
from hmi.theme.style import font
from hmi.viewmodels.shown import Shown

COLUMNS = 4
NOTHING = ("NONE", "")
"""Choices that ask for nothing have no button."""


class CommandRow(QWidget):
    """``committed(name)`` when the operator asks for one."""

    committed = Signal(str)

    def __init__(self, part: str, palette: Palette) -> None:
        super().__init__()
        self.part = part
        self._palette = palette
        self._names: tuple[str, ...] = ()
        self._seen: tuple[str, str, str] = ("", "", "")
        self.buttons: dict[str, QPushButton] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(4)

    def show_choices(self, names: tuple[str, ...]) -> None:
        """Make the buttons, unless they are there."""
        wanted = tuple(name for name in names if name.upper() not in NOTHING)
        if wanted == self._names:
            return
        self._names = wanted
        for button in self.buttons.values():
            self._grid.removeWidget(button)
            button.deleteLater()
        self.buttons = {}
        columns = min(COLUMNS, max(len(wanted), 1))
        for number, name in enumerate(wanted):
            button = QPushButton(name)
            button.setFont(font(12))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda checked=False, name=name: self.committed.emit(name))
            self.buttons[name] = button
            self._grid.addWidget(button, number // columns, number % columns)
        self._seen = ("", "", "")

    def show_value(self, shown: Shown, why_not: str, pending: str) -> None:
        """Fill the button of what the plant has, dash the one that was asked for."""
        seen = (shown.text if shown.live else "", why_not, pending)
        if seen == self._seen:
            return
        self._seen = seen
        p = self._palette
        for name, button in self.buttons.items():
            has = name == seen[0]
            edge = f"2px dashed {p.text}" if name.upper() == pending.upper() else f"1px solid {p.line_second}"
            button.setEnabled(not why_not)
            button.setToolTip(why_not)
            button.setStyleSheet(
                f"QPushButton {{ background: {p.dim if has else p.raised}; color: {p.raised if has else p.text};"
                f" border: {edge}; font-weight: {600 if has else 400}; padding: 2px 0px; }}"
                f"QPushButton:disabled {{ color: {p.line_second}; }}"
                f"QPushButton:focus {{ border-color: {p.focus}; }}"
            )

    def revert(self) -> None:
        """Nothing is kept here."""

    def refuse(self) -> None:
        """The next sample shows the plant's value again."""
