"""Tuning and limits of a whole plant as one table, and back.

Called by   ``dcs export-tuning`` and ``dcs import-tuning``; the table is CSV or XLSX (``dcs.config.tables``).
Knows       a checked configuration, and how a value is written in its file.
Promise     a table with one wrong cell changes nothing, and every wrong cell is told with its row; what is not in the
            table stays as it is.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dcs.blocks.declare import BLOCK_TYPES
from dcs.config.edit import Edit, edited
from dcs.config.parts import joined, name_at, parse_parts
from dcs.config.plant_config import PlantConfig
from dcs.config.problems import Problems, did_you_mean
from dcs.config.source import Document, KeyPath
from dcs.config.tables import Row
from dcs.config.values import Parameter, number, parameter, written
from dcs.core.errors import ConfigError, ConfigErrors, Place
from dcs.core.units import convert, is_difference
from dcs.engine.strategy import AlarmSpec

COLUMNS = ("module", "block", "parameter", "value", "unit", "low", "high")
ALARM_BLOCK = "alarm"
"""In the column ``block`` of an alarm's row: ``alarm HI``."""
_ALARM_NUMBERS = {
    "limit": ("limit", ""),
    "deadband": ("deadband", ""),
    "on_delay": ("on_delay_s", "s"),
    "off_delay": ("off_delay_s", "s"),
    "priority": ("priority", ""),
}
_NOT_TUNING = ("target", "normal", "permitted", "simulate", "force", "sim_value", "force_value")


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of the table: where it stands in the configuration and how it would be written."""

    file: str  # control | alarms
    path: KeyPath
    unit: str
    value: float
    low: float
    high: float
    item: Parameter | None = None


def cells(config: PlantConfig) -> dict[tuple[str, str, str], Cell]:
    """Every value of the table by (module, block, parameter)."""
    found: dict[tuple[str, str, str], Cell] = {}
    for controller in config.controllers:
        for spec in controller.strategy.blocks:
            kind = BLOCK_TYPES[spec.type]
            for name in dict.fromkeys(kind.published[part] for part in kind.writable):
                f = kind.field(name)
                if f.role == "param" and f.name not in _NOT_TUNING and not f.choices:
                    item = parameter(spec, name)
                    place = Cell("control", item.path, item.unit, item.value, f.low, f.high, item)
                    found[item.module, item.block, name] = place
        units = {tag.source: tag.unit for tag in controller.strategy.tags}
        for alarm in controller.strategy.alarms:
            for name, cell in _alarm_cells(alarm, units.get(alarm.source, "")):
                found[alarm.module, f"{ALARM_BLOCK} {alarm.kind}", name] = cell
    return found


def _alarm_cells(alarm: AlarmSpec, unit: str) -> Iterator[tuple[str, Cell]]:
    for name, (attribute, own_unit) in _ALARM_NUMBERS.items():
        if name == "limit" and alarm.kind == "BAD_PV":
            continue
        low, high = (1.0, 4.0) if name == "priority" else (-math.inf if name == "limit" else 0.0, math.inf)
        shown = own_unit or (unit if name in ("limit", "deadband") else "")
        path = ("alarms", alarm.module, alarm.kind, name)
        yield name, Cell("alarms", path, shown, float(getattr(alarm, attribute)), low, high)


def export_rows(config: PlantConfig) -> list[list[str]]:
    """The table without its head."""
    return [
        [*key, number(cell.value), cell.unit, _end(cell.low), _end(cell.high)] for key, cell in cells(config).items()
    ]


def _end(value: float) -> str:
    return number(value) if math.isfinite(value) else ""


def import_rows(config: PlantConfig, rows: Sequence[Row]) -> tuple[dict[str, str], list[str]]:
    """(new texts of the files, what changes in words). Raises ``ConfigErrors`` with the row of everything wrong."""
    known = cells(config)
    texts = dict(config.texts)
    problems = Problems()
    parts = parse_parts(config.folder, texts, problems)
    documents = joined(parts, config.folder, problems)
    edits: dict[str, list[Edit]] = {}
    changes: list[str] = []
    errors: list[ConfigError] = []
    seen: dict[tuple[str, str, str], Place] = {}
    for row in rows:
        try:
            key = (row.text("module"), row.text("block"), row.text("parameter"))
            if key in seen:
                raise ConfigError(f"{' '.join(key)} stands in row {seen[key].line} already. Delete one.", row.place)
            seen[key] = row.place
            cell = _cell(key, known, row)
            value = _value(cell, row)
            if value != cell.value and not documents[cell.file].has(cell.path[: 4 if cell.item else 3]):
                text = f"{' '.join(key)} comes from a template. Change the template, or what this instance gives it."
                raise ConfigError(text, row.place)
            if value != cell.value:
                document = documents[cell.file]
                part = name_at(parts.items(), document.place(cell.path))
                edits.setdefault(part, []).append(Edit(cell.path, _written(cell, value, document)))
                changes.append(f"{'.'.join(key)}: {number(cell.value)} → {number(value)} {cell.unit}".rstrip())
        except ConfigError as exc:
            errors.append(exc)
    if errors:
        raise ConfigErrors(errors)
    for name, wanted in edits.items():
        texts[name] = edited(texts[name], wanted, parts[name].file)
    return texts, changes


def _cell(key: tuple[str, str, str], known: dict[tuple[str, str, str], Cell], row: Row) -> Cell:
    if key in known:
        return known[key]
    module, block, name = key
    modules = {one[0] for one in known}
    if module not in modules:
        raise ConfigError(
            f"there is no module `{module}` with values of this kind. {_hint(module, modules)}", row.place
        )
    blocks = {one[1] for one in known if one[0] == module}
    if block not in blocks:
        raise ConfigError(
            f"{module} has no block `{block}` with values of this kind. {_hint(block, blocks)}", row.place
        )
    names = {one[2] for one in known if one[:2] == (module, block)}
    raise ConfigError(f"{module} {block} has no parameter `{name}` of this kind. {_hint(name, names)}", row.place)


def _hint(name: str, known: set[str]) -> str:
    return did_you_mean(name, sorted(known), "Known")


def _value(cell: Cell, row: Row) -> float:
    text = row.text("value")
    try:
        value = float(text)
    except ValueError:
        raise ConfigError(f"value is `{text}`, but a number is needed.", row.place) from None
    if not math.isfinite(value):
        raise ConfigError(f"value is `{text}`, but a finite number is needed.", row.place)
    unit = row.text("unit")
    if unit != cell.unit:
        if not unit:
            raise ConfigError(f"the unit is missing. Write {cell.unit}.", row.place)
        name = str(cell.path[-1])
        try:
            value = convert(value, unit, cell.unit, difference=is_difference(name))
        except ConfigError as exc:
            raise ConfigError(exc.message, row.place) from None
    is_whole = cell.item.field.dtype == "i8" if cell.item else cell.path[-1] == "priority"
    if is_whole and value != int(value):
        raise ConfigError(f"value is {number(value)}, but a whole number is needed.", row.place)
    if not cell.low <= value <= cell.high:
        limits = f"from {number(cell.low)} to {number(cell.high)}".replace("-inf", "any").replace("inf", "any")
        raise ConfigError(f"value is {number(value)}, but it must be {limits}.", row.place)
    return value


def _written(cell: Cell, value: float, document: Document) -> str:
    if cell.item is not None:
        return written(cell.item, value, document)
    return f"{number(value)} {cell.unit}".strip()
