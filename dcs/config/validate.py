"""Checks one document against its schema and says what is wrong in our own words, with the line.

Called by   ``dcs.config.load``.
Knows       pydantic's errors and the places of the document.
Repairs     nothing for the user, but to find *all* errors it drops what is wrong and goes on with the rest.
"""

import typing
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from dcs.config.fields import found
from dcs.config.problems import Problems, did_you_mean
from dcs.config.schema import NAMED
from dcs.config.source import Document, KeyPath

M = TypeVar("M", bound=BaseModel)


def validate(document: Document, schema: type[M], problems: Problems) -> M | None:
    """The document as its model, without what is wrong (that is in ``problems``); None if nothing is left."""
    reported: set[KeyPath] = set()
    while True:
        try:
            return schema.model_validate(document.data)
        except ValidationError as exc:
            details = exc.errors(include_url=False)
        for detail in details:
            path = _path(detail)
            if not any(path[: len(known)] == known for known in reported):
                problems.add(document.place(path), sentence_of(detail, path, schema))
        for detail in details:
            path = _path(detail)
            reported.add(path)
            drop = _unusable(path, missing=detail["type"] == "missing")
            if not drop:
                return None
            reported.add(drop)
            document.remove(drop)


def _unusable(path: KeyPath, *, missing: bool) -> KeyPath:
    """What cannot be used because of an error at ``path``; () when it is the whole document.

    A point or a block without one of its keys would only lead to errors about itself; a device goes on without it.
    """
    item = _item(path[:-1] if missing else path)
    if missing or (item and item[:-1] and item[-2] not in ("devices", "modules")):
        return item
    return _without_index(path)


def _without_index(path: KeyPath) -> KeyPath:
    """Up to the list that holds it: a list without one of its items is no longer what the user wrote."""
    for length, part in enumerate(path):
        if isinstance(part, int):
            return path[:length]
    return path


def _path(detail: ErrorDetails) -> KeyPath:
    """Path in the document; pydantic appends ``[key]`` when the key itself is wrong."""
    return tuple(part for part in detail["loc"] if part != "[key]")


def _item(path: KeyPath) -> KeyPath:
    """The innermost named thing that ``path`` lies in: a device, point, module, block or alarm; () if none."""
    for length in range(len(path), 0, -1):
        if is_named(path[: length - 1]):
            return path[:length]
    return ()


def is_named(path: KeyPath) -> bool:
    """True when the keys of the mapping at ``path`` are names given by the user."""
    return any(
        len(path) == len(pattern) and all(want in ("*", part) for part, want in zip(path, pattern, strict=True))
        for pattern in NAMED
    )


def dotted(path: KeyPath) -> str:
    """``devices.RTU-1.port``."""
    return ".".join(str(part) for part in path)


def sentence_of(detail: ErrorDetails, path: KeyPath, schema: type[BaseModel]) -> str:
    kind, value = detail["type"], detail["input"]
    prefix = f"{dotted(path)}: "
    around = f"{dotted(path[:-1])}: " if path[:-1] else ""
    if kind == "config":
        return prefix + detail["msg"]
    if kind == "extra_forbidden":
        known = keys_of(schema, path[:-1])
        return f"{around}unknown key `{path[-1]}`. {did_you_mean(str(path[-1]), known, 'Known keys')}"
    if kind == "missing":
        return missing_key(path, schema)
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"{prefix}{found(value)} stands where keys with values are needed. Write them indented below."
    if kind == "list_type":
        return f"{prefix}{found(value)} is not a list. Write it in brackets, such as `[a, b]`."
    return f"{prefix}{found(value)} does not fit ({detail['msg']}). Correct it."


def missing_key(path: KeyPath, schema: type[BaseModel]) -> str:
    """A key that is needed and not there."""
    around = f"{dotted(path[:-1])}: " if path[:-1] else ""
    return f"{around}the key `{path[-1]}` is missing. Add it ({_meaning(schema, path)})."


def _meaning(schema: type[BaseModel], path: KeyPath) -> str:
    model = model_at(schema, path[:-1])
    field = field_of(model, str(path[-1])) if model else None
    return field.description or "" if field else ""


def field_of(model: type[BaseModel], key: str) -> FieldInfo | None:
    """The field that a key of a file belongs to; a key that is a word of Python has another name in the model."""
    found = next((field for field in model.model_fields.values() if field.alias == key), None)
    return found or model.model_fields.get(key)


def keys_of(schema: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys that are allowed at ``path``."""
    model = model_at(schema, path)
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def model_at(schema: type[BaseModel], path: KeyPath) -> type[BaseModel] | None:
    """The model that describes the mapping at ``path``, or None for a mapping of names and for what is unknown."""
    here: Any = schema
    for part in path:
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = field_of(here, str(part))
            here = field.annotation if field else None
        elif get_origin(here) in (dict, list):
            here = get_args(here)[-1]
        else:
            return None
        here = _plain(here)
    return here if isinstance(here, type) and issubclass(here, BaseModel) else None


def _plain(annotation: Any) -> Any:
    """Without ``Annotated`` and ``| None``."""
    while get_origin(annotation) is typing.Annotated:
        annotation = get_args(annotation)[0]
    arguments = [a for a in get_args(annotation) if a is not type(None)]
    if type(None) in get_args(annotation) and len(arguments) == 1:
        return _plain(arguments[0])
    return annotation
