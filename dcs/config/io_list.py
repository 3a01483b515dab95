"""An I/O list as engineers keep it, CSV or XLSX: rows with their numbers, checked one by one.

Called by   ``dcs init --from-io-list``.
Knows       files and cells; what becomes of them is in ``dcs.config.io_plant``. Every row that is wrong is told, with
            its number in the file.
"""

import csv
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dcs.config.io_columns import DATA_TYPES, NEEDED, SIGNALS, UNIT_ALIASES, column_of, word_of
from dcs.config.problems import Problems, did_you_mean
from dcs.core.errors import ConfigError, Place
from dcs.core.units import find_unit

HEADER_ROWS = 20
"""How far down the row with the headers may stand: lists begin with a title and a revision."""
LIMITS = ("lolo", "lo", "hi", "hihi")

_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
Cells = dict[str, str]


@dataclass(frozen=True)
class Signal:
    """One row."""

    tag: str
    signal: str  # AI | AO | DI | DO
    place: Place
    description: str = ""
    low: float = 0.0
    high: float = 100.0
    unit: str = "%"
    device: str = "IO-1"
    address: int | None = None
    type: str = ""
    raw_low: float | None = None
    raw_high: float | None = None
    limits: dict[str, float] = field(default_factory=dict)
    alarm: str = ""  # ON | OFF, of a DI
    loop: str = ""
    host: str = ""
    port: str = ""
    unit_id: str = ""


@dataclass(frozen=True)
class IoList:
    """The whole list; ``notes`` are sentences on what was not taken over or taken for something else."""

    signals: tuple[Signal, ...]
    notes: tuple[str, ...]


def read_io_list(path: Path) -> IoList:
    """The rows of a list. Raises ``ConfigErrors`` with every row that is wrong, ``ConfigError`` for the file."""
    numbered = list(_rows(path))
    at, columns, unknown = _header(numbered, path)
    problems = Problems()
    notes = [f"the column `{name}` is not used" for name in unknown]
    signals: list[Signal] = []
    rows_of: dict[str, int] = {}
    for number, cells in numbered[at + 1 :]:
        row = {name: cells[index].strip() for index, name in columns.items() if index < len(cells)}
        if not any(row.values()):
            continue
        reader = _Row(row, Place(str(path), number), problems, notes)
        signal = reader.signal()
        if signal is None:
            continue
        if signal.tag in rows_of:
            problems.add(
                signal.place, f"{signal.tag} stands in row {rows_of[signal.tag]} already. Delete one of the two."
            )
            continue
        rows_of[signal.tag] = number
        signals.append(signal)
    problems.raise_if_any()
    if not signals:
        raise ConfigError("the list has no rows. Write one row for each signal below the headers.", Place(str(path)))
    return IoList(tuple(signals), tuple(dict.fromkeys(notes)))


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(row number, cells), rows of a spreadsheet as its program counts them."""
    if not path.exists():
        raise ConfigError("there is no such file. Correct the path.", Place(str(path)))
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        yield from _sheet_rows(path)
        return
    try:
        raw = path.read_bytes()
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        raise ConfigError(f"cannot be read ({reason}). Correct the path.", Place(str(path))) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")  # what spreadsheets on Windows save as CSV
    sample = "\n".join(text.splitlines()[:HEADER_ROWS])
    separator = max(",;\t", key=sample.count)
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    for cells in reader:
        yield reader.line_num, cells


def _sheet_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    import zipfile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, OSError, ValueError):
        raise ConfigError("this is no XLSX workbook. Save the list as XLSX or CSV.", Place(str(path))) from None
    try:
        for number, cells in enumerate(book.worksheets[0].iter_rows(values_only=True), 1):
            yield number, [_cell(cell) for cell in cells]
    finally:
        book.close()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _header(rows: list[tuple[int, list[str]]], path: Path) -> tuple[int, dict[int, str], list[str]]:
    """Index of the header row, our names by column, and headers that are not known."""
    best: tuple[int, int] = (0, 0)  # known headers, index
    for index, (_, cells) in enumerate(rows[:HEADER_ROWS]):
        known = len({column_of(cell) for cell in cells} - {None})
        best = max(best, (known, -index))
    at = -best[1]
    cells = rows[at][1] if rows else []
    columns: dict[int, str] = {}
    unknown: list[str] = []
    for index, header in enumerate(cells):
        name = column_of(header)
        if name is None or name in columns.values():
            if header.strip():
                unknown.append(header.strip())
        else:
            columns[index] = name
    missing = [name for name in NEEDED if name not in columns.values()]
    if missing:
        headers = {"tag": "`Tag`", "signal": "`Signal type` (AI, AO, DI, DO)"}
        found = f" Found: {', '.join(unknown)}." if unknown else ""
        raise ConfigError(
            f"no row has the headers that are needed: {' and '.join(headers[name] for name in missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing.{found} Name the columns.",
            Place(str(path), rows[at][0] if rows else 0),
        )
    return at, columns, unknown


class _Row:
    """Reads the cells of one row; what is wrong goes to the problems."""

    def __init__(self, cells: Cells, place: Place, problems: Problems, notes: list[str]) -> None:
        self._cells = cells
        self._place = place
        self._problems = problems
        self._notes = notes
        self._wrong = False

    def signal(self) -> Signal | None:
        """The row, or None when something is wrong with it."""
        tag, kind = self._text("tag"), self._kind()
        if not tag:
            self._say("the tag is missing. Write it.")
        elif not _TAG.fullmatch(tag):
            better = re.sub(r"[^A-Za-z0-9_-]+", "-", tag).strip("-_")
            self._say(f"the tag `{tag}` has characters that a tag cannot have. Write `{better or 'TAG-1'}`.")
        analogue = kind in ("AI", "AO")
        low, high = self._number("low", 0.0), self._number("high", 100.0 if analogue else 1.0)
        if analogue and not low < high:
            self._say(f"the range goes from {low:g} to {high:g}. The first must be below the second.")
        limits = {name: self._number(name, math.nan) for name in LIMITS if self._text(name)}
        self._check_limits(limits, low, high, kind)
        signal = Signal(
            tag=tag,
            signal=kind,
            place=self._place,
            description=self._text("description"),
            low=low,
            high=high,
            unit=self._unit() if analogue else "",
            device=self._device(),
            address=self._address(),
            type=self._type(),
            raw_low=self._number("raw_low", 0.0) if self._text("raw_low") else None,
            raw_high=self._number("raw_high", 0.0) if self._text("raw_high") else None,
            limits=limits,
            alarm=self._alarm(kind),
            loop=self._loop(),
            host=self._text("host"),
            port=self._text("port"),
            unit_id=self._text("unit_id"),
        )
        if (signal.raw_low is None) != (signal.raw_high is None):
            self._say("one end of the raw range is missing. Write both, or none.")
        elif signal.raw_low is not None and signal.raw_low == signal.raw_high:
            self._say("both ends of the raw range are the same. Correct one.")
        return None if self._wrong else signal

    def _say(self, sentence: str) -> None:
        self._wrong = True
        tag = self._text("tag")
        self._problems.add(self._place, f"{tag}: {sentence}" if tag else sentence)

    def _text(self, name: str) -> str:
        text = self._cells.get(name, "").strip()
        return "" if text in ("-", "–", "n/a", "N/A") and name != "unit" else text

    def _number(self, name: str, default: float) -> float:
        text = self._text(name)
        if not text:
            return default
        plain = text.replace(" ", "").replace("\u202f", "")
        if plain.count(",") == 1 and "." not in plain:
            plain = plain.replace(",", ".")  # a decimal comma
        try:
            number = float(plain)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            self._say(f"{name.replace('_', ' ')} is `{text}`, which is no number. Write a number.")
            return default
        return number

    def _kind(self) -> str:
        text = self._text("signal")
        kind = word_of(text, SIGNALS) or next((name for name in SIGNALS if text.upper().startswith(name)), None)
        if kind is None:
            found = f"the signal type is `{text}`" if text else "the signal type is missing"
            self._say(f"{found}. Write AI, AO, DI or DO.")
            return ""
        return kind

    def _unit(self) -> str:
        text = self._text("unit")
        if not text:
            return "%" if "unit" not in self._cells else ""
        try:
            return find_unit(text).name
        except ConfigError as exc:
            alias = UNIT_ALIASES.get(text.casefold())
            if alias is None:
                self._say(f"the unit {exc.message}")
            elif alias:
                self._notes.append(f"the unit `{text}` is taken as {alias}")
            return alias or ""

    def _device(self) -> str:
        text = self._text("device") or "IO-1"
        if not _TAG.fullmatch(text):
            text = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-_") or "IO-1"
        return text

    def _address(self) -> int | None:
        text = self._text("address")
        if not text:
            return None
        try:
            return int(text.replace(" ", ""), 0)
        except ValueError:
            self._say(f"the address is `{text}`, which is no whole number. Write the register's number.")
            return None

    def _type(self) -> str:
        text = self._text("type")
        if not text:
            return ""
        found = word_of(text, DATA_TYPES)
        if found is None:
            self._say(f"the data type is `{text}`. {did_you_mean(text, DATA_TYPES, 'Write one of')}")
        return found or ""

    def _alarm(self, kind: str) -> str:
        text = self._text("alarm")
        if not text or kind != "DI":
            return ""
        if text.casefold() in ("on", "1", "high", "h", "true", "closed", "yes", "x"):
            return "ON"
        if text.casefold() in ("off", "0", "low", "l", "false", "open"):
            return "OFF"
        self._say(f"the alarm state is `{text}`. Write ON, OFF or nothing.")
        return ""

    def _loop(self) -> str:
        text = self._text("loop")
        if text and not _TAG.fullmatch(text):
            better = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-_")
            self._say(f"the loop `{text}` has characters that a tag cannot have. Write `{better or 'LIC-1'}`.")
        return text

    def _check_limits(self, limits: dict[str, float], low: float, high: float, kind: str) -> None:
        if limits and kind != "AI":
            self._say("alarm limits belong to measurements (AI). Delete them.")
        before = ""
        for name, limit in limits.items():
            if not low <= limit <= high and not math.isnan(limit):
                self._say(
                    f"the limit {name.upper()} {limit:g} lies outside of the range {low:g} to {high:g}. Correct it."
                )
            if before and limits[before] >= limit:
                self._say(f"the limit {name.upper()} ({limit:g}) is not above {before.upper()} ({limits[before]:g}).")
            before = name
