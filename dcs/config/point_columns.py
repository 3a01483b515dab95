"""Columns of a table of points: which there are, and what a cell of each means.

Called by   ``dcs.config.point_table``, ``dcs.config.map_files``.
Knows       the keys of a point in field.yaml (``PointSection``); those of a section below it have a dot:
            ``signal.variable``. A cell is what the value would be in YAML, except that a name or a text is never taken
            for a number.
Promise     a cell and the same value in YAML give the same, or are refused with the same sentence.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, get_args

from pydantic import BaseModel, BeforeValidator, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from dcs.config import fields
from dcs.config.field_schema import PointSection
from dcs.config.problems import Problems, did_you_mean
from dcs.config.source import KeyPath, parse_value, plain_value
from dcs.config.validate import model_at, sentence_of
from dcs.core.errors import ConfigError, Place

_TEXTS = (fields._text, fields._name, fields._variable_name, fields._unit)
_EXAMPLE = ("table", "address", "type", "unit", "direction")


@dataclass
class Column:
    """One column; ``known`` are cells that were read before."""

    path: tuple[str, ...]  # ("signal", "range")
    is_text: bool
    adapter: TypeAdapter[Any]
    known: dict[str, Any] = field(default_factory=dict)

    def plain(self, cell: str) -> Any:
        """The cell as YAML would have it. Raises ``ConfigError`` for a list or mapping that is not well-formed."""
        if self.is_text:
            return cell
        if cell[0] in "[{":
            return parse_value(cell, Place())
        return plain_value(cell)

    def value(self, cell: str) -> Any:
        """What the cell means. Raises ``ValidationError``, ``ConfigError``."""
        if cell in self.known:
            return self.known[cell]
        value = self.known[cell] = self.adapter.validate_python(self.plain(cell))
        return value


def _takes_text(annotation: Any) -> bool:
    if isinstance(annotation, BeforeValidator):
        return annotation.func in _TEXTS
    return any(_takes_text(part) for part in get_args(annotation))


def _annotated(info: FieldInfo) -> Any:
    return Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation


@cache
def columns() -> Mapping[str, Column]:
    """Every column by its name; made at the first use."""
    found: dict[str, Column] = {}
    for name, info in PointSection.model_fields.items():
        below = model_at(PointSection, (name,))
        inside = {f"{name}.{key}": one for key, one in below.model_fields.items()} if below else {name: info}
        for column, one in inside.items():
            annotation = _annotated(one)
            found[column] = Column(tuple(column.split(".")), _takes_text(annotation), TypeAdapter(annotation))
    return found


def forget_cells() -> None:
    """Free what was remembered of the cells of a table."""
    for column in columns().values():
        column.known.clear()


def cell_sentence(error: ValidationError | ConfigError, path: KeyPath, schema: type[BaseModel]) -> str:
    """What is wrong with a cell, in the words in which a file of YAML is told."""
    if isinstance(error, ConfigError):
        return error.message
    return sentence_of(error.errors(include_url=False)[0], path, schema)


@dataclass(frozen=True, slots=True)
class Table:
    """A text of CSV: its columns, and its rows with their lines. ``head``: lines `# key: value` before the columns."""

    head: str
    header: tuple[str, ...]
    header_line: int
    rows: Iterator[tuple[int, list[str]]]


def read_table(text: str) -> Table:
    """The rows are read as they are asked for; empty ones and comments are left out."""
    head: list[str] = []
    rest = io.StringIO(text)
    at = 0
    line = ""
    for line in rest:
        at += 1
        stripped = line.lstrip("\ufeff").strip().strip(",;")
        if stripped.startswith('"#'):  # as a spreadsheet saves a line with a comma
            stripped = next(csv.reader([stripped]))[0]
        if stripped.startswith("#"):
            head.append(stripped[1:].removeprefix(" "))
        elif stripped:
            break
        else:
            head.append("")
    separator = max(",;\t", key=line.count) if line else ","
    names = next(csv.reader([line.lstrip("\ufeff")], delimiter=separator), [])
    header = [name.strip().lower() for name in names]
    while header and not header[-1]:  # a spreadsheet writes more commas than there are columns
        header.pop()
    return Table("\n".join(head), tuple(header), at, _rows(rest, separator, at))


def _rows(text: io.StringIO, separator: str, before: int) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(text, delimiter=separator, strict=True)
    first = before + 1
    try:
        for row in reader:
            if row and not row[0].startswith("#"):
                yield first, row
            first = before + reader.line_num + 1
    except csv.Error as exc:
        # Not strict, the rest of the file would be a text in one cell, and its points would be missing without a word.
        what = "a quote that is never closed" if "end of data" in str(exc) else str(exc)
        raise csv.Error(f"row that begins in line {first}: {what}") from None


def check_header(
    table: Table, file: str, problems: Problems, needed: tuple[str, ...], more: tuple[str, ...] = ()
) -> bool:
    """True when the rows can be read: every column is known, stands once, and those that are needed are there."""
    place = Place(file, table.header_line)
    known = [*needed, *(name for name in columns() if name not in needed), *more]
    before = len(problems.errors)
    for name in dict.fromkeys(table.header):
        if not name:
            problems.add(place, "a column has no name. Name it after a key of a point, or delete it.")
        elif name not in known:
            problems.add(place, f"there is no column `{name}`. {did_you_mean(name, known, 'Columns')}")
        elif table.header.count(name) > 1:
            problems.add(place, f"the column `{name}` stands twice. Delete one.")
    example = ",".join((*needed, *_EXAMPLE))
    for name in needed:
        if name not in table.header:
            problems.add(
                place, f"the column `{name}` is missing. Name the columns in the first row, such as `{example}`."
            )
    return len(problems.errors) == before


def too_many_cells(cells: int, columns: int) -> str:
    """A row that is longer than the first one."""
    return f"the row has {cells} cells for {columns} columns. Put texts with the separator in quotes."
