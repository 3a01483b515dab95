"""Search: pages, modules and tags by any part of their name.

Called by   the main window (Ctrl-K, F3, "Add pen").
"""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from hmi.viewmodels.places import Hit


class SearchBox(QDialog):
    """Type, choose with ↑↓, Enter goes there, Esc closes."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Search")
        self.setModal(True)
        self.resize(520, 380)
        self._find: Callable[[str], list[Hit]] = lambda words: []
        self._go: Callable[[Hit], None] = lambda hit: None
        self.field = QLineEdit()
        self.field.setPlaceholderText("Page, module or tag")
        self.hits = QListWidget()
        layout = QVBoxLayout(self)
        layout.addWidget(self.field)
        layout.addWidget(self.hits, 1)
        self.field.textChanged.connect(self._search)
        self.field.installEventFilter(self)
        self.hits.itemActivated.connect(self._choose)
        self.hits.itemClicked.connect(self._choose)

    def ask(self, find: Callable[[str], list[Hit]], go: Callable[[Hit], None]) -> None:
        """Open empty; ``go`` is called with what is chosen."""
        self._find, self._go = find, go
        self.field.clear()
        self._search("")
        self.show()
        self.field.setFocus()

    def _search(self, words: str) -> None:
        self.hits.clear()
        for hit in self._find(words):
            item = QListWidgetItem(f"{hit.text}    ({hit.kind})")
            item.setData(Qt.ItemDataRole.UserRole, hit)
            self.hits.addItem(item)
        self.hits.setCurrentRow(0)

    def _choose(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self.hide()
            self._go(item.data(Qt.ItemDataRole.UserRole))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
                step = 1 if event.key() == Qt.Key.Key_Down else -1
                self.hits.setCurrentRow(min(max(self.hits.currentRow() + step, 0), max(self.hits.count() - 1, 0)))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._choose(self.hits.currentItem())
                return True
        return super().eventFilter(watched, event)
