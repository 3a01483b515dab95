"""A plant's four files, each of which may be continued in a folder of its name: control.yaml and control/*.yaml.

Called by   ``dcs.config.load``; by what edits files (upload, bulk tuning), which must know in which one a value stands.
Knows       names and places. A part has the sections of the file that it continues; taken together they are one
            document, in which every value still stands in its own file.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from dcs.config.problems import Problems
from dcs.config.schema import FILES, OPTIONAL_FILES
from dcs.config.source import Document, KeyPath, parse_document, read_document
from dcs.core.errors import ConfigError, Place

CONTINUED = ("field", "control", "alarms")
"""The files that may be continued; plant.yaml is short."""


VARIANTS = "variants"
"""Folder of files that are laid over the plant on request (``dcs.config.variants``)."""


def file_name(name: str) -> str:
    """The file of a text in the plant folder: ``control`` is control.yaml, ``control/a`` control/a.yaml."""
    return f"{name}.yaml" if name.partition("/")[0] in (*FILES, VARIANTS) and not Path(name).suffix else name


def read_parts(folder: Path, problems: Problems) -> dict[str, Document]:
    """Every file of the folder by its name without ``.yaml``, in a fixed order."""
    found = {}
    for name in FILES:
        names = [name, *_continuations(folder, name)]
        for one in names:
            path = folder / file_name(one)
            if one == name and not path.exists() and (name in OPTIONAL_FILES or len(names) > 1):
                continue
            try:
                found[one] = read_document(path)
            except ConfigError as exc:
                problems.take(exc)
    return found


def parse_parts(folder: Path, texts: Mapping[str, str], problems: Problems) -> dict[str, Document]:
    """The same from texts that are already here."""
    found = {}
    for name in FILES:
        names = [one for one in texts if one == name or (one.startswith(f"{name}/") and not Path(one).suffix)]
        if not names and name not in OPTIONAL_FILES:
            problems.add(Place(str(folder / file_name(name))), "this file is missing. Add it.")
        for one in sorted(names):
            try:
                found[one] = parse_document(texts[one], str(folder / file_name(one)))
            except ConfigError as exc:
                problems.take(exc)
    return found


def _continuations(folder: Path, name: str) -> list[str]:
    if name not in CONTINUED or not (folder / name).is_dir():
        return []
    return [f"{name}/{path.stem}" for path in sorted((folder / name).glob("*.yaml"))]


def joined(parts: Mapping[str, Document], folder: Path, problems: Problems) -> dict[str, Document]:
    """The documents by the names of ``FILES``, each with what its parts say; what stands in two of them is told."""
    documents: dict[str, Document] = {}
    for name, part in parts.items():
        whole = name.partition("/")[0]
        if name == whole:
            documents[whole] = Document(part.file, dict(part.data), dict(part.places), part.digest, text=part.text)
        else:
            document = documents.setdefault(whole, Document(str(folder / file_name(whole))))
            _join(document, part, problems)
    return documents


def _join(document: Document, part: Document, problems: Problems) -> None:
    for key, value in part.data.items():
        mine = document.data.get(key)
        if mine is None:
            document.data[key] = value
            _take_places(document, part, (key,), (key,))
        elif isinstance(mine, dict) and isinstance(value, dict):
            document.data[key] = joined_section = dict(mine)
            for name, one in value.items():
                if name in mine:
                    _refuse(document, part, (key, name), problems)
                else:
                    joined_section[name] = one
                    _take_places(document, part, (key, name), (key, name))
        elif isinstance(mine, list) and isinstance(value, list):
            document.data[key] = [*mine, *value]
            for index in range(len(value)):
                _take_places(document, part, (key, index), (key, len(mine) + index))
        else:
            _refuse(document, part, (key,), problems)


def _take_places(document: Document, part: Document, here: KeyPath, there: KeyPath) -> None:
    for path, place in part.places.items():
        if path[: len(here)] == here:
            document.places[(*there, *path[len(here) :])] = place


def _refuse(document: Document, part: Document, path: KeyPath, problems: Problems) -> None:
    first = document.place(path)
    problems.add(
        part.place(path), f"`{path[-1]}` stands in {first.file} as well, on line {first.line}. Delete one of the two."
    )


def name_at(documents: Iterable[tuple[str, Document]], place: Place) -> str:
    """The name of the part whose file a place is in. Raises ``KeyError``."""
    for name, part in documents:
        if part.file == place.file:
            return name
    raise KeyError(place.file)
