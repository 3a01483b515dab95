"""Map files: a device type as YAML or CSV, of the library that comes with us or of the plant folder.

Called by   ``dcs.config.map_use``; the tool that probes devices; tests; the documentation generator.
Knows       the form of a map (``dcs.config.map_schema``). A map in CSV has a row a point, with the column ``name``;
            what stands above the points in YAML stands there in lines that begin with ``#``.
Promise     what comes out can be laid under a device: errors stand at the lines of the map, and a point that has one is
            left out.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dcs.config.map_schema import OF_A_PLANT, MapFile
from dcs.config.point_columns import check_header, columns, read_table, too_many_cells
from dcs.config.problems import Problems, did_you_mean
from dcs.config.source import Document, KeyPath, parse_document
from dcs.config.tree import merged, node_at, write
from dcs.config.validate import validate
from dcs.core.errors import ConfigError, Place
from field_io.maps.library import SUFFIXES, library_file, library_names

NAME = "name"


@dataclass(frozen=True)
class DeviceMap:
    """A map that was read: the document that is laid under devices, and the same checked."""

    name: str
    document: Document
    file: MapFile

    @property
    def broken(self) -> list[str]:
        """Points that stand in the file but have an error: whoever uses one of them is not wrong as well."""
        return [name for name in self.document.names(("points",)) if name not in self.file.points]

    @property
    def maker_and_model(self) -> str:
        """For people."""
        identity = self.file.identity
        return f"{identity.maker} {identity.model}".strip()


def is_file(name: str) -> bool:
    """True for a map of the plant folder, False for one of the library."""
    return Path(name).suffix in SUFFIXES


def map_text(name: str, asked_at: Place, folder: Path, given: Mapping[str, str]) -> tuple[str, str]:
    """(how messages call the file, what it says). Raises ``ConfigError`` at ``asked_at``.

    ``given`` are texts that are here already, by their names in the folder.
    """
    if not is_file(name):
        path = library_file(name)
        if path is None:
            hint = did_you_mean(name, library_names(), "The library has")
            raise ConfigError(
                f"there is no map `{name}` in the library. {hint} A file has a suffix: `{name}.yaml`.", asked_at
            )
        return f"library/{path.name}", path.read_text(encoding="utf-8")
    if name in given:
        return str(folder / name), given[name]
    return str(folder / name), read_text(folder / name, name, asked_at)


def read_text(path: Path, name: str, asked_at: Place) -> str:
    """A file of the plant folder, for whoever asked for it at ``asked_at``. Raises ``ConfigError``."""
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ConfigError(f"`{name}` leads out of the plant folder. Put the file into it.", asked_at)
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            f"there is no file `{name}` in the plant folder. Create it, or correct the name.", asked_at
        ) from None
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        raise ConfigError(f"`{name}` cannot be read ({reason}). Correct it.", asked_at) from None
    except UnicodeDecodeError:
        raise ConfigError("the file is not UTF-8. Save it in UTF-8 encoding.", Place(str(path))) from None


def parse_map(name: str, text: str, file: str, problems: Problems) -> DeviceMap | None:
    """A map from its text; None when nothing of it can be used. What is wrong goes to ``problems``."""
    try:
        is_table = file.endswith(".csv")
        document = _document_of_table(text, file, problems) if is_table else parse_document(text, file)
    except ConfigError as exc:
        problems.take(exc)
        return None
    except csv.Error as exc:
        problems.add(Place(file), f"is no CSV ({exc}). Save the table as CSV in UTF-8.")
        return None
    _refuse_keys_of_plants(document, problems)
    _spread_defaults(document)
    checked = validate(document, MapFile, problems)
    return None if checked is None else DeviceMap(name, document, checked)


def read_library(name: str) -> DeviceMap:
    """A map of the library. Raises ``ConfigError`` with all that is wrong with it."""
    problems = Problems()
    file, text = map_text(name, Place(), Path(), {})
    found = parse_map(name, text, file, problems)
    problems.raise_if_any()
    assert found is not None
    return found


# --- YAML -----------------------------------------------------------------------------------------------------
def _points(document: Document) -> dict[str, object]:
    points = document.data.get("points")
    return points if isinstance(points, dict) else {}


def _refuse_keys_of_plants(document: Document, problems: Problems) -> None:
    """A map describes a type: it cannot say what a device of it measures in one plant."""
    for name, point in _points(document).items():
        for key in OF_A_PLANT:
            if isinstance(point, dict) and key in point:
                problems.add(
                    document.place(("points", name, key)),
                    f"points.{name}: `{key}` belongs to a device of a plant. "
                    f"Write it in field.yaml, with `use: {name}`.",
                )
                document.remove(("points", name, key))


def _spread_defaults(document: Document) -> None:
    """Every point gets the keys of ``defaults`` that it does not give itself."""
    defaults = document.data.get("defaults")
    if not isinstance(defaults, dict):
        return
    base = node_at(document, ("defaults",))
    for name, point in _points(document).items():
        if isinstance(point, dict):
            path: KeyPath = ("points", name)
            write(document, path, merged(base, node_at(document, path)))


# --- CSV ------------------------------------------------------------------------------------------------------
def _document_of_table(text: str, file: str, problems: Problems) -> Document:
    table = read_table(text)
    document = parse_document(table.head, file)
    document.text = text
    points: dict[str | int, object] = {}
    document.data["points"] = points
    document.places[("points",)] = Place(file, table.header_line)
    if not check_header(table, file, problems, (NAME,)):
        return document
    known = columns()
    for line, cells in table.rows:
        row = {name: cell.strip() for name, cell in zip(table.header, cells, strict=False) if cell.strip()}
        place = Place(file, line)
        if len(cells) > len(table.header) and any(cells[len(table.header) :]):
            problems.add(place, too_many_cells(len(cells), len(table.header)))
        elif row and NAME not in row:
            problems.add(place, "the column `name` is empty. Write what the point is called in the device.")
        elif row and row[NAME] in points:
            first = document.place(("points", row[NAME])).line
            problems.add(place, f"the point {row[NAME]} is given twice, first on line {first}. Delete one.")
        elif row:
            path: KeyPath = ("points", row.pop(NAME))
            document.places[path] = place
            try:
                points[path[1]] = {name: known[name].plain(cell) for name, cell in row.items() if "." not in name}
            except ConfigError as exc:
                problems.add(place, exc.message)
    return document
