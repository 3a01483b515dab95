"""The navigation tree: pages and the modules on them, each with its most urgent alarm.

Called by   the main window; always visible.
Knows       places and the alarm list.
"""

from collections.abc import Iterator

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QTreeView

from hmi.model.station import Station
from hmi.theme.marks import paint_priority
from hmi.theme.palette import Palette
from hmi.viewmodels.places import GROUPS, Place
from hmi.viewmodels.sampler import Sampler

KEY, MODULES, WORST = Qt.ItemDataRole.UserRole + 1, Qt.ItemDataRole.UserRole + 2, Qt.ItemDataRole.UserRole + 3
WIDTH, ROW_HEIGHT = 186, 27
UNFOLDED_MAX = 2  # with more drawings than that, only the one that is open shows its modules


class _RollUp(QStyledItemDelegate):
    """Paints the marker at the right of a row."""

    def __init__(self, sampler: Sampler, palette: Palette) -> None:
        super().__init__()
        self._sampler, self._palette = sampler, palette

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(super().sizeHint(option, index).width(), ROW_HEIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        worst = index.data(WORST)
        if worst:
            priority, state = worst
            area = QRectF(option.rect)
            box = QRectF(area.right() - 24, area.center().y() - 10, 20, 20)
            paint_priority(painter, self._palette, box, priority, state, blink_on=self._sampler.blink_on)


class Navigation(QTreeView):
    """``page_wanted(key)`` and ``module_wanted(name)``."""

    page_wanted = Signal(str)
    module_wanted = Signal(str)

    def __init__(self, station: Station, sampler: Sampler, palette: Palette) -> None:
        super().__init__()
        self.setObjectName("Navigation")
        self._station = station
        self._model = QStandardItemModel(self)
        self._unfold = True
        self._delegate = _RollUp(sampler, palette)
        self.setModel(self._model)
        self.setItemDelegate(self._delegate)
        self.setHeaderHidden(True)
        self.setIndentation(14)
        self.setFixedWidth(WIDTH)
        self.setEditTriggers(QTreeView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.clicked.connect(self._on_clicked)
        self.activated.connect(self._on_clicked)
        sampler.alarms.connect(self._roll_up)
        sampler.blink.connect(lambda on: self.viewport().update())

    def show_places(self, places: list[Place]) -> None:
        """Build the tree; only when the layout of the plant has changed."""
        self._model.clear()
        parents: dict[str, QStandardItem] = {}
        for place in places:
            item = parents[place.key] = _item(place.title, place.key, frozenset(place.modules))
            above = parents.get(place.parent)
            if above is None:
                self._model.appendRow(item)
            else:
                above.appendRow(item)
            if place.key.startswith("display:"):
                for module in place.modules:
                    item.appendRow(_item(module, f"module:{module}", frozenset((module,))))
        self._unfold = sum(place.key.startswith("display:") for place in places) <= UNFOLDED_MAX
        if self._unfold:
            self.expandToDepth(0)
        self._roll_up()

    def mark_current(self, key: str) -> None:
        """Select the row of a page without opening it again."""
        for item in self._pages():
            if item.data(KEY) != key:
                continue
            if not self._unfold and item.parent() is None:
                self.collapseAll()
                if item.rowCount():
                    self.expand(item.index())
            self.setCurrentIndex(item.index())
            return

    def _pages(self) -> Iterator[QStandardItem]:
        for row in range(self._model.rowCount()):
            item = self._model.item(row)
            yield item
            for child in range(item.rowCount()):
                yield item.child(child)

    def _on_clicked(self, index: QModelIndex) -> None:
        key = str(index.data(KEY))
        if key == GROUPS:
            self.setExpanded(index, not self.isExpanded(index))
        elif key.startswith("module:"):
            self.module_wanted.emit(key.removeprefix("module:"))
        else:
            self.page_wanted.emit(key)

    def _roll_up(self) -> None:
        for item in self._pages():
            self._mark(item)

    def _mark(self, item: QStandardItem) -> None:
        key = str(item.data(KEY))
        alarms = self._station.alarms
        if key == "alarms":
            worst = alarms.worst()
        elif key.startswith(("display:", "group", "module:")):
            worst = alarms.worst(item.data(MODULES))
        elif key == "system":  # a pair of controllers is a module with alarms of its own
            worst = alarms.worst(frozenset(self._station.nodes.pairs()))
        else:
            return
        mark = (worst.info.priority, worst.state) if worst else None
        if item.data(WORST) != mark:
            item.setData(mark, WORST)


def _item(text: str, key: str, modules: frozenset[str]) -> QStandardItem:
    item = QStandardItem(text)
    item.setData(key, KEY)
    item.setData(modules, MODULES)
    return item
