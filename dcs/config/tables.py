"""Tables with a head, as engineers keep them: CSV or XLSX.

Called by   the bulk edit of tuning. Knows rows and columns; an XLSX file's first sheet.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcs.core.errors import ConfigError, Missing, Place

SHEET = "tuning"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: texts by column."""

    place: Place
    cells: dict[str, str]

    def text(self, column: str) -> str:
        """The cell without spaces around it; "" when it is empty."""
        return self.cells.get(column, "").strip()


def write_table(path: Path, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write ``path``; its suffix says how. Raises ``ConfigError`` for another suffix, ``Missing`` for a full disk."""
    try:
        if _kind(path) == ".csv":
            with path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([head, *rows])
            return
        from openpyxl import Workbook

        book = Workbook(write_only=True)
        sheet = book.create_sheet(SHEET)
        for row in [head, *rows]:
            sheet.append([_number_or_text(cell) for cell in row])
        book.save(path)
    except OSError as error:
        raise Missing(f"{path}: cannot be written ({error.strerror}).") from None


def read_table(path: Path, columns: Sequence[str]) -> list[Row]:
    """All rows that are not empty. Raises ``ConfigError`` for a file that is no table or lacks a column."""
    try:
        lines = _csv(path) if _kind(path) == ".csv" else _xlsx(path)
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror}).", Place(str(path))) from None
    head = [cell.strip().lower() for cell in lines[0]] if lines else []
    lacking = [column for column in columns if column not in head]
    if lacking:
        text = f"the first row must name the columns {', '.join(columns)}; {', '.join(lacking)} is missing."
        raise ConfigError(text, Place(str(path), 1))
    return [
        Row(Place(str(path), number), dict(zip(head, line, strict=False)))
        for number, line in enumerate(lines[1:], 2)
        if any(cell.strip() for cell in line)
    ]


def _kind(path: Path) -> str:
    kind = path.suffix.lower()
    if kind not in (".csv", ".xlsx"):
        raise ConfigError("a table is a file NAME.csv or NAME.xlsx.", Place(str(path)))
    return kind


def _csv(path: Path) -> list[list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError("is not UTF-8. Save the table in UTF-8 encoding.", Place(str(path))) from None
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)  # spreadsheets of some countries write semicolons
    return list(csv.reader(text.splitlines(), delimiter=separator))


def _xlsx(path: Path) -> list[list[str]]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, KeyError, ValueError) as error:
        raise ConfigError(f"is no XLSX file ({error}).", Place(str(path))) from None
    except Exception as error:
        if type(error).__name__ == "BadZipFile":
            raise ConfigError("is no XLSX file.", Place(str(path))) from None
        raise
    sheet = book.worksheets[0]
    return [["" if cell is None else _text(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]


def _text(cell: Any) -> str:
    return repr(cell).removesuffix(".0") if isinstance(cell, float) else str(cell)


def _number_or_text(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell
