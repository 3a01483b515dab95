"""Tables of points: field/points.csv, and the tables that devices name. One row a point, its keys are the columns.

Called by   ``dcs.config.map_use``.
Knows       CSV. Cells are read column by column with a memory, not point by point through the schema: a list of 50,000
            points is read in about a second (``dcs bench points``).
Promise     every error with file and line, in the words in which the same key in field.yaml is told; a row that is
            wrong is left out, and its tag counts as broken.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from dcs.config.field_schema import FieldFile, PointSection
from dcs.config.point_columns import Column, Table, cell_sentence, check_header, columns, read_table, too_many_cells
from dcs.config.problems import Problems, did_you_mean
from dcs.config.source import Document, KeyPath
from dcs.config.validate import missing_key, model_at
from dcs.core.errors import ConfigError, Place

FOLDER_TABLE = "field/points.csv"
"""The table that needs no device to name it: it has a column ``device``."""

TAG, DEVICE = "tag", "device"


class RowSection:
    """What a row says, with the attributes of ``PointSection``: made without a check, because every cell had one."""

    @property
    def model_fields_set(self) -> set[str]:
        """Keys that the row, or the map's point that it uses, gives."""
        return set(self.__dict__)

    def model_copy(self, *, update: Mapping[str, Any]) -> "RowSection":
        """The same with other values, as ``PointSection`` has it."""
        copy = RowSection()
        copy.__dict__.update(self.__dict__ | dict(update))
        return copy


for _name, _info in PointSection.model_fields.items():
    if not _info.is_required():
        setattr(RowSection, _name, _info.get_default(call_default_factory=True))


@dataclass(frozen=True, slots=True)
class Row:
    """One point of a table."""

    tag: str
    section: RowSection


@dataclass
class PointTables:
    """The points of every device that a table gives, and what the tables say by their names in the folder."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """Where the points of a table go: ``device`` is "" where the table has a column for it."""

    document: Document
    devices: Mapping[str, Mapping[str, PointSection]]  # device -> points of its map, which a row may use
    device: str = ""


def read_points(text: str, file: str, target: Target, into: PointTables, problems: Problems) -> None:
    """Read a table; what is wrong goes to ``problems``, the rest into ``into`` and the places of the document."""
    table = read_table(text)
    needed = (TAG,) if target.device else (TAG, DEVICE)
    if check_header(table, file, problems, needed):
        _Reader(table, file, target, into, problems).run()


class _Reader:
    def __init__(self, table: Table, file: str, target: Target, into: PointTables, problems: Problems) -> None:
        self._file = file
        self._problems = problems
        self._target = target
        self._into = into
        self._table = table
        self._known = columns()
        header = table.header
        self._tag_at = header.index(TAG)
        self._device_at = header.index(DEVICE) if DEVICE in header and not target.device else -1
        plain = [(at, name) for at, name in enumerate(header) if name in self._known]
        self._columns = [(at, name, self._known[name]) for at, name in plain if "." not in name]
        self._nested = [(at, name, self._known[name]) for at, name in plain if "." in name]
        self._required = [
            name for name, info in PointSection.model_fields.items() if info.is_required() and name != TAG
        ]

    def run(self) -> None:
        places, file = self._target.document.places, self._file
        width = len(self._table.header)
        try:
            for line, cells in self._table.rows:
                if not any(cells):
                    continue
                place = Place(file, line)
                if len(cells) > width and any(cells[width:]):
                    self._problems.add(place, too_many_cells(len(cells), width))
                    continue
                device, tag = self._owner(cells, place)
                if not device:
                    continue
                path: KeyPath = ("devices", device, "points", tag)
                if path in places:
                    before = places[path]
                    where = f"line {before.line}" if before.file == file else str(before)
                    self._problems.add(place, f"the tag {tag} is already in device {device} ({where}). Rename one.")
                    continue
                places[path] = place
                section = self._section(device, path, cells, place)
                if section is not None:
                    self._into.rows.setdefault(device, []).append(Row(tag, section))
        except csv.Error as exc:
            self._problems.add(Place(file), f"is no CSV ({exc}). Save the table as CSV in UTF-8.")

    def _owner(self, cells: list[str], place: Place) -> tuple[str, str]:
        """(device, tag); the device is "" when the row cannot be used."""
        tag = cells[self._tag_at].strip() if self._tag_at < len(cells) else ""
        device = self._target.device
        if self._device_at >= 0:
            device = cells[self._device_at].strip() if self._device_at < len(cells) else ""
        if device not in self._target.devices:
            if not device:
                self._problems.add(place, "the column `device` is empty. Write the device that the point belongs to.")
            else:
                hint = did_you_mean(device, self._target.devices, "Devices")
                self._problems.add(place, f"there is no device `{device}`. {hint}")
            return "", tag
        try:
            _tag_column().value(tag)
        except ValidationError as exc:
            path = ("devices", device, "points", tag)
            self._problems.add(place, cell_sentence(exc, path, FieldFile))
            return "", tag
        return device, tag

    def _section(self, device: str, path: KeyPath, cells: list[str], place: Place) -> RowSection | None:
        """What a row says; None when something is wrong with it, which is told."""
        section = RowSection()
        values = section.__dict__
        failed = False
        for at, name, column in self._columns:
            if at < len(cells) and (cell := cells[at].strip()):
                try:
                    values[name] = column.known[cell] if cell in column.known else column.value(cell)
                except (ValidationError, ConfigError) as exc:
                    self._problems.add(place, cell_sentence(exc, (*path, name), FieldFile))
                    values[name] = None
                    failed = True
        if values.get("use"):
            base = self._target.devices[device].get(values["use"])
            if base is None:
                self._problems.add(place, unknown_point(path[-1], values["use"], self._target.devices[device]))
                return None
            for key in base.model_fields_set:
                values.setdefault(key, getattr(base, key))
        for at, name, _ in self._nested:
            given = at < len(cells) and cells[at].strip()
            if given and not self._below(name.partition(".")[0], path, cells, values, place):
                failed = True
                break
        for name in self._required:
            if name not in values:
                self._problems.add(place, missing_key((*path, name), FieldFile))
                failed = True
        return None if failed else section

    def _below(self, key: str, path: KeyPath, cells: list[str], values: dict[str, Any], place: Place) -> bool:
        """Make the section below a key from its columns; False when something is wrong, which is told."""
        if isinstance(values.get(key), BaseModel):
            return True
        given: dict[str, Any] = {}
        failed = False
        for at, _, column in self._nested:
            if column.path[0] == key and at < len(cells) and (cell := cells[at].strip()):
                try:
                    given[column.path[1]] = column.value(cell)
                except (ValidationError, ConfigError) as exc:
                    self._problems.add(place, cell_sentence(exc, (*path, *column.path), FieldFile))
                    given[column.path[1]] = None
                    failed = True
        schema = model_at(PointSection, (key,))
        assert schema is not None
        for name, info in schema.model_fields.items():
            if info.is_required() and name not in given:
                self._problems.add(place, missing_key((*path, key, name), FieldFile))
                failed = True
        values[key] = schema.model_construct(**given)
        return not failed


@cache
def _tag_column() -> Column:
    from pydantic import TypeAdapter

    from dcs.config.fields import Name

    return Column((TAG,), True, TypeAdapter(Name))


def unknown_point(tag: str | int, used: str, known: Mapping[str, object]) -> str:
    """A point that a device's map does not have."""
    if not known:
        return (
            f"{tag}: `use` names a point of the device's map, but the device has no map. Give it one, or delete `use`."
        )
    return f"{tag}: the device's map has no point `{used}`. {did_you_mean(used, known, 'Points')}"
