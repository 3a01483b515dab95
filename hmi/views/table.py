"""A read-only table that keeps its selection and scroll place while its rows change.

Called by   alarm, journal and system pages.
"""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from hmi.theme.style import font

Index = QModelIndex | QPersistentModelIndex


class Rows(QAbstractTableModel):
    """Rows of text; ``keys`` identify rows over updates, ``tints`` colour single cells."""

    def __init__(self, heads: Sequence[str], right: Sequence[int] = ()) -> None:
        super().__init__()
        self._heads, self._right = tuple(heads), frozenset(right)
        self.keys: list[str] = []
        self.cells: list[tuple[str, ...]] = []
        self.marks: list[Any] = []
        self.bold: list[bool] = []

    def fill(self, keys: list[str], cells: list[tuple[str, ...]], marks: list[Any], bold: list[bool]) -> bool:
        """Take new rows; False when nothing differs."""
        if (keys, cells, marks, bold) == (self.keys, self.cells, self.marks, self.bold):
            return False
        if keys == self.keys:
            self.cells, self.marks, self.bold = cells, marks, bold
            if keys:
                self.dataChanged.emit(self.index(0, 0), self.index(len(keys) - 1, len(self._heads) - 1))
        else:
            self.beginResetModel()
            self.keys, self.cells, self.marks, self.bold = keys, cells, marks, bold
            self.endResetModel()
        return True

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.keys)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return len(self._heads)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return self._heads[section]
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return self._align(section)
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return self.cells[index.row()][index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._align(index.column())
        if role == Qt.ItemDataRole.UserRole:
            return self.marks[index.row()]
        if role == Qt.ItemDataRole.FontRole and self.bold[index.row()]:
            return font(12, bold=True)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.cells[index.row()][index.column()]
        return None

    def _align(self, column: int) -> Qt.AlignmentFlag:
        side = Qt.AlignmentFlag.AlignRight if column in self._right else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter


class Table(QTableView):
    """The view of ``Rows``."""

    def __init__(self, rows: Rows, widths: Sequence[int], stretch: int, row_height: int = 26) -> None:
        super().__init__()
        self.rows = rows
        self.setModel(rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(row_height)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        for column, width in enumerate(widths):
            self.setColumnWidth(column, width)
        header.setSectionResizeMode(stretch, QHeaderView.ResizeMode.Stretch)

    def fill(self, keys: list[str], cells: list[tuple[str, ...]], marks: list[Any], bold: list[bool]) -> None:
        """New rows; the selected one stays selected, the picture does not jump."""
        selected, place = self.selected_key(), self.verticalScrollBar().value()
        if self.rows.fill(keys, cells, marks, bold) and selected in keys:
            self.selectRow(keys.index(selected))
            self.verticalScrollBar().setValue(place)

    def selected_key(self) -> str:
        """Key of the selected row, "" for none."""
        index = self.currentIndex()
        return self.rows.keys[index.row()] if index.isValid() and index.row() < len(self.rows.keys) else ""
