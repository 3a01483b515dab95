"""The story bar: acts with one click, what to watch meanwhile, and what the plant has said about each.

Called by   the main window, under the banner, in runs that were started for exercises and whose plant has a story.
Knows       a ``StoryRunner``. Grey as everything else: the alarms an act raises are the plant's, not the bar's.
"""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from hmi.model.station import Station
from hmi.model.story import Act, Story, StoryRunner
from hmi.theme.style import font
from hmi.viewmodels.sampler import Sampler


class StoryBar(QFrame):
    """``opened(act)``: what the act wants to be looked at."""

    opened = Signal(object)

    def __init__(self, station: Station, sampler: Sampler, story: Story) -> None:
        super().__init__()
        self.setObjectName("StoryBar")
        self.runner = StoryRunner(station, story)
        self._fold = QPushButton()
        self._fold.setObjectName("Flat")
        self._fold.setToolTip("Show or hide the acts (F6)")
        self._fold.clicked.connect(self.toggle)
        self.buttons: list[QPushButton] = []
        self._acts = QWidget()
        self._detail = QWidget()
        self._watch, self._state = QLabel(), QLabel()
        self._undo = QPushButton("Put it back")
        self._undo.setToolTip("Undo what this act has done")
        self._undo.clicked.connect(self._put_back)
        self._build(story)
        self._show_fold(True)
        sampler.second.connect(self._on_time)
        sampler.values.connect(self._on_time)
        sampler.commands.connect(self._on_time)
        self._refresh()

    def _build(self, story: Story) -> None:
        acts = QHBoxLayout(self._acts)
        acts.setContentsMargins(0, 0, 0, 0)
        acts.setSpacing(4)
        for number, act in enumerate(story.acts, 1):
            button = QPushButton(f"{number}  {act.title}")
            button.setFont(font(12))
            button.setToolTip(act.watch)
            button.setCheckable(True)
            button.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
            button.setMinimumWidth(48)
            button.clicked.connect(lambda checked=False, act=act: self.do(act))
            self.buttons.append(button)
            acts.addWidget(button)
        acts.addStretch(1)
        row = QHBoxLayout()
        row.setContentsMargins(6, 2, 8, 2)
        row.setSpacing(8)
        row.addWidget(self._fold)
        row.addWidget(self._acts, 1)
        detail = QHBoxLayout(self._detail)
        detail.setContentsMargins(14, 0, 8, 3)
        detail.setSpacing(12)
        self._watch.setWordWrap(True)
        self._watch.setFont(font(12))
        self._state.setFont(font(12))
        self._state.setObjectName("Dim")
        self._state.setMinimumWidth(380)
        self._state.setWordWrap(True)
        detail.addWidget(self._watch, 1)
        detail.addWidget(self._state)
        detail.addWidget(self._undo)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row)
        layout.addWidget(self._detail)

    # --- acting -------------------------------------------------------------------------------------------
    def do(self, act: Act) -> None:
        """Begin an act."""
        self.runner.start(act)
        self._refresh()
        self.opened.emit(act)

    def _put_back(self) -> None:
        self.runner.undo()
        self._refresh()

    def toggle(self) -> None:
        """Fold or unfold; unfolded it takes the focus."""
        self._show_fold(not self.is_open)
        self._refresh()
        if self.is_open and self.buttons:
            self.buttons[0].setFocus()

    @property
    def is_open(self) -> bool:
        """Are the acts shown?"""
        return not self._acts.isHidden()

    def _show_fold(self, is_open: bool) -> None:
        self._acts.setVisible(is_open)
        self._fold.setText(f"{self.runner.story.title}  {'▾' if is_open else '▸'}")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        focused = self.focusWidget()
        if event.key() in steps and isinstance(focused, QPushButton) and focused in self.buttons:
            at = self.buttons.index(focused) + steps[Qt.Key(event.key())]
            self.buttons[at % len(self.buttons)].setFocus()
        else:
            super().keyPressEvent(event)

    # --- looking ------------------------------------------------------------------------------------------
    def _on_time(self) -> None:
        if self.runner.act is not None:
            self.runner.tick()
            self._refresh()

    def _refresh(self) -> None:
        runner, act = self.runner, self.runner.act
        for button, known in zip(self.buttons, runner.story.acts, strict=True):
            button.setChecked(known is act)
        self._detail.setVisible(self.is_open and act is not None)
        if act is None:
            return
        elapsed = clock_of(runner.elapsed_s)
        length = f" of about {clock_of(act.takes_s)}" if act.takes_s else ""
        for label, text in ((self._watch, act.watch), (self._state, f"{elapsed}{length}   {runner.state}")):
            if label.text() != text:
                label.setText(text)
        self._undo.setEnabled(runner.can_undo)
        self._undo.setVisible(bool(act.undo))

    @property
    def state_text(self) -> str:
        """What is said of the present act."""
        return self._state.text()


def clock_of(seconds: float) -> str:
    """``0:05``, ``12:30``, ``1:02:03``."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"
