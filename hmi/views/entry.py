"""One number to enter: type it or step it, Enter sends, Esc keeps what is.

Called by   faceplates (SP, OUT, tuning).
Knows       keys and text; limits and meaning belong to the view-model.
"""

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from hmi.theme.style import font
from hmi.viewmodels.shown import Shown

_STEPS = {Qt.Key.Key_Up: 1.0, Qt.Key.Key_Down: -1.0, Qt.Key.Key_PageUp: 10.0, Qt.Key.Key_PageDown: -10.0}
LABELS = {"GAIN": "Gain", "TI": "Ti", "TD": "Td"}
LABEL_WIDTH = 32


class EntryRow(QWidget):
    """Label, field, unit, step buttons. The field shows the plant's value until somebody types."""

    committed = Signal(str)
    stepped = Signal(float)
    edited = Signal()

    def __init__(self, part: str, label_width: int = LABEL_WIDTH) -> None:
        super().__init__()
        self.part = part
        self.confirming = False
        self._typing = False
        self._plant_text = ""
        label = QLabel(LABELS.get(part, part))
        label.setFixedWidth(label_width)
        self._field = QLineEdit()
        self._field.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._field.setFont(font(13))
        self._field.textEdited.connect(self._on_edited)
        self._field.installEventFilter(self)
        self._unit = QLabel()
        self._unit.setObjectName("Dim")
        self._unit.setFixedWidth(40)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(label)
        layout.addWidget(self._field, 1)
        layout.addWidget(self._unit)
        self._steppers = []
        for sign, steps in (("▼", -1.0), ("▲", 1.0)):
            button = QPushButton(sign)
            button.setFixedWidth(28)
            button.setAutoRepeat(True)
            button.setFont(font(9))
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.setStyleSheet("QPushButton { padding: 3px 0px; }")
            button.clicked.connect(lambda checked=False, steps=steps: self._step(steps))
            layout.addWidget(button)
            self._steppers.append(button)

    def text(self) -> str:
        """What the field holds."""
        return self._field.text()

    def set_text(self, text: str) -> None:
        """A stepped value: not sent until Enter."""
        self._typing = True
        self.confirming = False
        self._field.setText(text)
        self._field.setModified(True)

    def show_value(self, shown: Shown, why_not: str, pending: str) -> None:
        """The plant's value, unless the operator is typing; greyed with the reason when it cannot be written."""
        writable = not why_not
        if self._field.isReadOnly() == writable:
            self._field.setReadOnly(not writable)
            self._field.setEnabled(writable)
            for button in self._steppers:
                button.setEnabled(writable)
        self._field.setToolTip(why_not)
        self._unit.setText(shown.unit)
        self._plant_text = pending or (shown.text if shown.live else "—")
        if not self._typing and self._field.text() != self._plant_text:
            self._field.setText(self._plant_text)

    def refuse(self) -> None:
        """Keep the text for correction."""
        self.confirming = False
        self._field.selectAll()

    def ask(self) -> None:
        """The next Enter confirms."""
        self.confirming = True

    def revert(self) -> None:
        """Back to the plant's value."""
        self._typing = False
        self.confirming = False
        self._field.setText(self._plant_text)

    def take_focus(self) -> None:
        """Cursor into the field, all selected, so that typing replaces."""
        self._field.setFocus()
        self._field.selectAll()

    def _step(self, steps: float) -> None:
        self.take_focus()
        self.stepped.emit(steps)

    def _on_edited(self) -> None:
        self._typing = True
        self.confirming = False
        self.edited.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            # The first Esc takes back what was typed; only the next one is the window's and closes the faceplate.
            if event.key() == Qt.Key.Key_Escape and self._typing:
                event.accept()
                return True
        elif isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            key = Qt.Key(event.key())
            if key in _STEPS and not self._field.isReadOnly():
                self.stepped.emit(_STEPS[key])
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                if self._typing:
                    self.committed.emit(self._field.text())
                return True
            if key == Qt.Key.Key_Escape and self._typing:
                self.revert()
                self._field.selectAll()
                self.edited.emit()
                return True
        elif event.type() == QEvent.Type.FocusIn:
            self._field.selectAll()
        return super().eventFilter(watched, event)
