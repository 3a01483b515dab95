"""Changes from the command line: ``--set field.devices.RTU-1.port=auto``.

Called by   ``dcs.config.load`` before the files are checked, so that an override is checked like a line of the file.
Knows       documents and which of their mappings hold names given by the user: those names must exist already.
"""

from collections.abc import Mapping

from dcs.config.problems import Problems, did_you_mean
from dcs.config.schema import FILES
from dcs.config.source import Document, KeyPath, parse_value
from dcs.config.validate import dotted, is_named, model_at
from dcs.core.errors import ConfigError, Place


def apply_override(text: str, documents: Mapping[str, Document], problems: Problems) -> None:
    """Change one document as ``PATH=VALUE`` says.

    PATH begins with a file (``field.devices…``), or with a top-level key of one (``scan_classes.loops.period``).
    """
    place = Place(f"--set {text}")
    path_text, equals, value_text = text.partition("=")
    if not equals or not path_text.strip():
        problems.add(place, "this is not PATH=VALUE. Write for example `--set scan_classes.loops.period=100ms`.")
        return
    parts: KeyPath = tuple(path_text.strip().split("."))
    try:
        file, path = _find_file(parts, place)
        document = documents.get(file)
        if document is None:  # that file could not be read; it has its own error
            return
        document.put(_checked_path(document, file, path, place), parse_value(value_text, place), place)
    except ConfigError as exc:
        problems.take(exc)


def _find_file(parts: KeyPath, place: Place) -> tuple[str, KeyPath]:
    """Which file, and the path in it."""
    first = str(parts[0])
    if first in FILES and len(parts) > 1 and parts[1] in FILES[first].model_fields:
        return first, parts[1:]
    for file, schema in FILES.items():
        if first in schema.model_fields:
            return file, parts
    if first in FILES:
        if len(parts) == 1:
            raise ConfigError(f"`{first}` is a whole file. Name a key in it.", place)
        hint = did_you_mean(str(parts[1]), FILES[first].model_fields, "Known keys")
        raise ConfigError(f"{first}.yaml has no key `{parts[1]}`. {hint}", place)
    known = dict.fromkeys([*FILES, *(key for schema in FILES.values() for key in schema.model_fields)])
    raise ConfigError(f"there is no file or key `{first}`. {did_you_mean(first, known, 'Known')}", place)


def _checked_path(document: Document, file: str, path: KeyPath, place: Place) -> KeyPath:
    """Names given by the user must exist; keys of the schema may be new (the schema judges them afterwards)."""
    checked: KeyPath = ()
    for depth, part in enumerate(path):
        parent = document.get(checked) if document.has(checked) else {}
        if isinstance(parent, list) and str(part).isdecimal() and int(part) < len(parent):
            checked = (*checked, int(part))
            continue
        known = isinstance(parent, dict) and part in parent
        if is_named(checked) and not known:
            around = f"{dotted(checked)} of {file}.yaml"
            hint = did_you_mean(str(part), document.names(checked), "Known names")
            raise ConfigError(f"there is no `{part}` in {around}. {hint}", place)
        if not isinstance(parent, dict) or (not known and depth < len(path) - 1 and not model_at(FILES[file], checked)):
            raise ConfigError(f"{file}.yaml has no `{dotted(path)}`. Correct the path.", place)
        checked = (*checked, part)
    return checked
