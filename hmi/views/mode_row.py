"""Mode buttons of a faceplate: only permitted modes; the target is framed, the actual mode is filled.

Called by   the faceplate.
Knows       a ``ModeShown``. A click asks; the row changes when the plant reports it.
"""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from hmi.theme.palette import Palette
from hmi.theme.style import font
from hmi.viewmodels.loop import ModeShown


class ModeRow(QWidget):
    """``chosen(mode)`` when the operator asks for one."""

    chosen = Signal(str)

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._shown = ModeShown()
        self._buttons: dict[str, QPushButton] = {}
        self._row = QHBoxLayout()
        self._row.setSpacing(4)
        self._reason = QLabel()
        self._reason.setFont(font(11))
        self._reason.setFixedHeight(29)
        self._reason.setWordWrap(True)
        self._reason.setAlignment(Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(self._row)
        layout.addWidget(self._reason)

    def show_mode(self, shown: ModeShown) -> None:
        """Paint the buttons anew if anything differs."""
        self.setVisible(bool(shown.permitted))
        if shown == self._shown:
            return
        if shown.permitted != self._shown.permitted:
            self._rebuild(shown.permitted)
        self._shown = shown
        for mode, button in self._buttons.items():
            button.setStyleSheet(self._look(mode, shown))
            button.setEnabled(shown.known)
        self._reason.setText(self._words(shown))
        self._reason.setToolTip(self._reason.text())

    def button(self, mode: str) -> QPushButton:
        """The button of a mode; raises ``KeyError`` when it is not permitted."""
        return self._buttons[mode]

    @property
    def reason(self) -> str:
        """Why actual and target differ, as shown."""
        return self._reason.text()

    def _words(self, shown: ModeShown) -> str:
        if not shown.known:
            return "mode unknown"
        if shown.pending:
            return f"{shown.pending} pending"
        return "" if shown.agrees else f"{shown.actual}, asked {shown.target}: {shown.reason}"

    def _look(self, mode: str, shown: ModeShown) -> str:
        p = self._palette
        actual = shown.known and shown.actual == mode
        target = shown.known and shown.target == mode
        fill = p.dim if actual else p.raised
        text = p.raised if actual else p.text
        border = f"2px solid {p.setpoint}" if target else f"1px solid {p.line_second}"
        dashed = f"2px dashed {p.text}" if shown.pending.upper() == mode else border
        thick = target or shown.pending.upper() == mode
        weight = 600 if actual else 400
        return (
            f"QPushButton {{ background: {fill}; color: {text}; border: {dashed}; font-weight: {weight};"
            f" padding: {0 if thick else 1}px 0px; min-height: 20px; max-height: 20px; }}"
            f"QPushButton:focus {{ border-color: {p.focus}; }}"
        )

    def _rebuild(self, modes: tuple[str, ...]) -> None:
        for button in self._buttons.values():
            self._row.removeWidget(button)
            button.deleteLater()
        self._buttons = {}
        for mode in modes:
            button = QPushButton(mode)
            button.setFont(font(12))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda checked=False, mode=mode: self.chosen.emit(mode))
            self._buttons[mode] = button
            self._row.addWidget(button, 1)
