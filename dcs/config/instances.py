"""A table of instances: one row per module, one column per parameter of its template.

Called by   ``dcs.config.templates``.
Knows       CSV. The first row names the columns, ``module`` among them; an empty cell is a value that is not given.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from dcs.config.source import plain_value
from dcs.config.tree import Node
from dcs.core.errors import ConfigError, Place

MODULE = "module"
MODULE_KEYS = ("description", "scan", "controller")
"""Columns that are keys of the module and no parameters."""


@dataclass(frozen=True)
class Instance:
    """One row."""

    module: str
    values: dict[str, Node]
    keys: dict[str, Node]
    place: Place


def read_instances(path: Path, asked_at: Place, given: str | None = None) -> tuple[list[Instance], str]:
    """The rows and the text of the file. Raises ``ConfigError`` with file and row; ``asked_at`` names the file.

    ``given`` is what it says, where the file need not be here.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig") if given is None else given
    except FileNotFoundError:
        raise ConfigError(f"there is no file `{path.name}`. Create it, or correct the name.", asked_at) from None
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        raise ConfigError(f"`{path.name}` cannot be read ({reason}). Correct it.", asked_at) from None
    except UnicodeDecodeError:
        raise ConfigError("the file is not UTF-8. Save it as CSV in UTF-8.", Place(str(path))) from None
    lines = text.splitlines()
    separator = ";" if lines and lines[0].count(";") > lines[0].count(",") else ","
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    rows = [(line, row) for line, row in rows if any(row) and not row[0].startswith("#")]
    if not rows or MODULE not in rows[0][1]:
        raise ConfigError(
            f"the first row must name the columns, `{MODULE}` among them: `{MODULE},point,range`.", Place(str(path), 1)
        )
    (first, header), *body = rows
    _check_header(header, Place(str(path), first))
    return [_instance(header, row, Place(str(path), line)) for line, row in body], text


def _check_header(header: list[str], place: Place) -> None:
    for name in header:
        if not name:
            raise ConfigError("a column has no name. Name it after a parameter of the template.", place)
        if header.count(name) > 1:
            raise ConfigError(f"the column `{name}` stands twice. Delete one.", place)


def _instance(header: list[str], row: list[str], place: Place) -> Instance:
    if len(row) > len(header):
        raise ConfigError(
            f"the row has {len(row)} cells for {len(header)} columns. Put texts with `,` in quotes.", place
        )
    cells = {name: cell for name, cell in zip(header, row, strict=False) if cell}
    module = cells.pop(MODULE, "")
    if not module:
        raise ConfigError(f"the column `{MODULE}` is empty. Write the tag of the module.", place)
    nodes = {name: Node(plain_value(cell), place) for name, cell in cells.items()}
    return Instance(
        module,
        {name: node for name, node in nodes.items() if name not in MODULE_KEYS},
        {name: Node(cells[name], place) for name in nodes if name in MODULE_KEYS},
        place,
    )
