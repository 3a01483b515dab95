"""The exercise page: what can be made to fail, with one click, and what is wrong now.

Called by   the main window, in runs that were started for exercises.
Knows       ``hmi.model.exercise``. What is listed as wrong is what the plant says, never what was asked for.
"""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from dcs.core.clock import utc_text
from hmi.model.exercise import MUST, NO, Kind, asked
from hmi.model.station import Station
from hmi.viewmodels.sampler import Sampler

from .table import Rows, Table

HEADS = ("Target", "Fault", "Since (UTC)", "Until (UTC)", "What it is")
WIDTHS = (140, 340, 190, 190, 200)
ALL = "all"


class ExercisePage(QWidget):
    """Target, kind, value, how long; the list of what is wrong."""

    def __init__(self, station: Station, sampler: Sampler) -> None:
        super().__init__()
        self.setObjectName("Page")
        self._station = station
        self._exercise = station.exercise
        self._request = ""  # id of the newest command
        self._names: tuple[str, ...] = ()
        self.target, self.kind = QComboBox(), QComboBox()
        self.value, self.duration, self.chance = QLineEdit(), QLineEdit(), QLineEdit()
        self.start, self.clear, self.clear_all = QPushButton("Start"), QPushButton("Clear"), QPushButton("Clear all")
        self.meaning, self.answer, self.count = QLabel(), QLabel(), QLabel()
        self._value_label, self._unit, self._chance_label = QLabel("Value"), QLabel(), QLabel("Probability, %")
        self.table = Table(Rows(HEADS), WIDTHS, stretch=4, row_height=24)
        self._build()
        self._connect(sampler)

    def _build(self) -> None:
        self.target.setEditable(True)  # with completion: there may be thousands
        self.target.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.target.setMinimumWidth(190)
        self.kind.setMinimumWidth(190)
        self.value.setFixedWidth(110)
        self.duration.setFixedWidth(110)
        self.duration.setPlaceholderText("until cleared")
        self.duration.setToolTip("90 s, 10 min; nothing: until it is cleared")
        self.chance.setFixedWidth(60)
        self.chance.setPlaceholderText("1")
        self.meaning.setObjectName("Dim")
        self.meaning.setWordWrap(True)
        self.count.setObjectName("Dim")
        self.answer.setWordWrap(True)
        self.table.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        form = QHBoxLayout()
        form.setSpacing(8)
        for label, field in ((QLabel("Target"), self.target), (QLabel("Fault"), self.kind)):
            form.addWidget(label)
            form.addWidget(field)
        for widget in (self._value_label, self.value, self._unit, self._chance_label, self.chance):
            form.addWidget(widget)
        form.addSpacing(12)
        form.addWidget(QLabel("For"))
        form.addWidget(self.duration)
        form.addWidget(self.start)
        form.addStretch(1)
        bar = QHBoxLayout()
        title = QLabel("Wrong now")
        title.setObjectName("PageTitle")
        bar.addWidget(title)
        bar.addWidget(self.count)
        bar.addStretch(1)
        bar.addWidget(self.clear)
        bar.addWidget(self.clear_all)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 12)
        layout.setSpacing(8)
        heading = QLabel("Make something fail")
        heading.setObjectName("PageTitle")
        layout.addWidget(heading)
        layout.addLayout(form)
        layout.addWidget(self.meaning)
        layout.addWidget(self.answer)
        layout.addLayout(bar)
        layout.addWidget(self.table, 1)

    def _connect(self, sampler: Sampler) -> None:
        self.target.currentTextChanged.connect(self._show_kinds)
        self.kind.currentIndexChanged.connect(self._show_kind)
        self.start.clicked.connect(self._start)
        for field in (self.value, self.duration, self.chance):
            field.returnPressed.connect(self._start)
        self.clear.clicked.connect(self._clear)
        self.clear_all.clicked.connect(self._clear_all)
        sampler.second.connect(self.refresh)
        sampler.commands.connect(self._show_answer)

    def showEvent(self, event: object) -> None:
        self._exercise.watched = True
        self.refresh()

    def hideEvent(self, event: object) -> None:
        self._exercise.watched = False

    # --- looking --------------------------------------------------------------------------------------------
    def refresh(self) -> None:
        """Look at what the plant has told."""
        if not self.isVisible():
            return
        names = tuple(target.name for target in self._exercise.targets)
        if names != self._names:
            self._names = names
            chosen = self.target.currentText()
            self.target.blockSignals(True)
            self.target.clear()
            for target in self._exercise.targets:
                self.target.addItem(target.name)
                what = f"{target.scope}: {target.description}" if target.description else target.scope
                self.target.setItemData(self.target.count() - 1, what, Qt.ItemDataRole.ToolTipRole)
            self.target.setCurrentIndex(max(self.target.findText(chosen), 0))
            self.target.blockSignals(False)
            self._show_kinds()
        wrong = self._exercise.wrong
        self.table.fill(
            [f"{each.target} {each.kind}" for each in wrong],
            [
                (
                    w.target,
                    w.words,
                    utc_text(w.began_ns),
                    utc_text(w.ends_ns) if w.ends_ns else "",
                    self._what(w.target),
                )
                for w in wrong
            ],
            [None] * len(wrong),
            [False] * len(wrong),
        )
        self.count.setText(f"{len(wrong)} {'fault' if len(wrong) == 1 else 'faults'}" if wrong else "nothing")
        self.clear.setEnabled(bool(wrong))
        self.clear_all.setEnabled(bool(wrong))
        self._show_answer()

    def _what(self, name: str) -> str:
        target = self._exercise.target(name)
        return (target.description or target.scope) if target else ""

    def _show_kinds(self) -> None:
        target, chosen = self._exercise.target(self.target.currentText().strip()), self.kind.currentText()
        self.kind.blockSignals(True)
        self.kind.clear()
        for kind in target.kinds if target else ():
            self.kind.addItem(kind.name)
        self.kind.setCurrentIndex(max(self.kind.findText(chosen), 0))
        self.kind.blockSignals(False)
        self._show_kind()

    def _show_kind(self) -> None:
        kind = self._kind()
        takes = kind is not None and kind.takes != NO
        for widget in (self._value_label, self.value, self._unit):
            widget.setVisible(takes)
        for widget in (self._chance_label, self.chance):
            widget.setVisible(kind is not None and kind.chance)
        self.start.setEnabled(kind is not None)
        if kind is None:
            self.meaning.setText("" if not self.target.currentText() else "There is nothing of that name.")
            return
        self._value_label.setText(kind.value.capitalize())
        self._unit.setText(kind.unit)
        default = "" if kind.default is None else f"{kind.default:g}"
        self.value.setPlaceholderText("" if kind.takes == MUST else default or "as it is")
        self.meaning.setText(f"{self.target.currentText()}: {kind.meaning}.")

    def _kind(self) -> Kind | None:
        target = self._exercise.target(self.target.currentText().strip())
        return next((kind for kind in target.kinds if kind.name == self.kind.currentText()), None) if target else None

    def _show_answer(self) -> None:
        text = self._exercise.trouble
        request = self._station.desk.find(self._request) if self._request else None
        if request is not None:
            text = f"asked: {request.command.subject}" if request.pending else f"{request.state}: {request.text}"
        if self.answer.text() != text:
            self.answer.setText(text)

    # --- acting ---------------------------------------------------------------------------------------------
    def _start(self) -> None:
        kind = self._kind()
        if kind is not None:
            value = self.value.text() if kind.takes != NO else ""
            text = asked(kind, value, self.duration.text(), self.chance.text())
            self._send("fault", self.target.currentText().strip(), text)

    def _clear(self) -> None:
        target, _, kind = self.table.selected_key().partition(" ")
        wrong = self._exercise.wrong
        if not target and len(wrong) == 1:
            target, kind = wrong[0].target, wrong[0].kind
        if target:
            self._send("clear", target, kind)
        else:
            self.answer.setText("Choose a line of the list first.")

    def _clear_all(self) -> None:
        for desk in dict.fromkeys(self._exercise.desk_of(wrong.target) for wrong in self._exercise.wrong):
            self._request = self._station.desk.submit("clear", ALL, desk).command.id

    def _send(self, verb: str, target: str, value: str) -> None:
        desk = self._exercise.desk_of(target)
        self._request = self._station.desk.submit(verb, target, desk, value).command.id
        self._show_answer()
