"""Block types of a user: Python files named in control.yaml, found, checked and made known like ours.

Called by   ``dcs.config.load``, in every process that loads the plant: each node, the box, ``dcs check``.
Knows       how a file becomes block types. What such a file does when it is imported, it does with the rights of who
            starts the plant: it is code, as the plant's own.
"""

import hashlib
import importlib.util
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import dcs.blocks.library  # noqa: F401  (fills BLOCK_TYPES, so that a clash of names is seen)
from dcs.blocks.declare import BLOCK_TYPES, BlockType
from dcs.config.problems import Problems
from dcs.config.source import Document
from dcs.core.errors import ConfigError, Place
from dcs.engine.sources import check_step

_PREFIX = "dcs_user_blocks_"

KEY = "blocks"


@dataclass
class UserBlocks:
    """What was read: each file with the digest of its text; ``complete`` is False when a file brought nothing."""

    files: list[tuple[Path, str]] = field(default_factory=list)
    complete: bool = True


def load_user_blocks(control: Document | None, folder: Path, problems: Problems) -> UserBlocks:
    """Import the files of the list ``blocks``. What is wrong with them goes to ``problems``.

    What an earlier load in this process has brought is forgotten first: a file may have changed, or be another plant's.
    """
    for name, kind in list(BLOCK_TYPES.items()):
        if is_user_block(kind):
            del BLOCK_TYPES[name]
    names = control.data.get(KEY) if control is not None else None
    if control is None or not isinstance(names, list):
        return UserBlocks()  # the schema says what is wrong with it
    found = UserBlocks()
    for index, name in enumerate(names):
        place = control.place((KEY, index))
        if not isinstance(name, str):
            continue
        path = folder / name
        try:
            raw = path.read_bytes()
        except OSError as exc:
            reason = "there is no such file" if isinstance(exc, FileNotFoundError) else (exc.strerror or str(exc))
            problems.add(place, f"blocks: `{name}`: {reason}. Put it into the plant's folder, or correct the name.")
            found.complete = False
            continue
        found.files.append((path, hashlib.sha256(raw).hexdigest()))
        try:
            _import_types(path, raw, problems)
        except ConfigError as exc:
            found.complete = False
            problems.take(exc)
    return found


def is_user_block(kind: BlockType) -> bool:
    """True for a type that does not come with the product."""
    return kind.origin.startswith(_PREFIX)


def _import_types(path: Path, raw: bytes, problems: Problems) -> None:
    """Types with a wrong step stay known, so that whoever uses them is not wrong as well."""
    before = dict(BLOCK_TYPES)
    try:
        module = _run(path, raw)
        added = [kind for name, kind in BLOCK_TYPES.items() if before.get(name) is not kind]
        for kind in added:
            _check_name(kind, before, path)
        if not added:
            raise ConfigError("declares no block type. Add `NAME = block_type(…)` and a step.", Place(str(path)))
    except ConfigError:
        BLOCK_TYPES.clear()
        BLOCK_TYPES.update(before)
        raise
    for kind in added:
        kind.origin = module.__name__
        try:
            _check_step(kind, path)
        except ConfigError as exc:
            problems.take(exc)


def _check_name(kind: BlockType, before: dict[str, BlockType], path: Path) -> None:
    if kind.name in before:
        whose = "one of yours" if is_user_block(before[kind.name]) else "one of the library"
        sentence = f"there is a block type {kind.name} already, {whose}. Choose another name."
        raise ConfigError(sentence, _line_of(path, kind))


def _check_step(kind: BlockType, path: Path) -> None:
    line = _line_of(path, kind)
    if kind.step is None:
        raise ConfigError(
            f"block type {kind.name} has no step. Add a function with `@step({kind.name})` above it.", line
        )
    try:
        check_step(kind)
    except ConfigError as exc:
        raise ConfigError(exc.message, exc.place if exc.place.file else line) from None


def _line_of(path: Path, kind: BlockType) -> Place:
    """The line on which a type is declared, as far as its text tells."""
    lines = path.read_text(encoding="utf-8").splitlines()
    quoted = (f'"{kind.name}"', f"'{kind.name}'")
    return Place(str(path), next((n for n, line in enumerate(lines, 1) if any(q in line for q in quoted)), 1))


def _run(path: Path, raw: bytes) -> ModuleType:
    """Execute the file as a module with a name of its own. Raises ``ConfigError`` with the line that failed."""
    name = _PREFIX + hashlib.sha256(str(path.resolve()).encode() + raw).hexdigest()[:16]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        code = compile(raw, str(path), "exec")
        exec(code, vars(module))
    except ConfigError as exc:
        raise ConfigError(exc.message, _place(exc, path)) from None
    except SyntaxError as exc:
        raise ConfigError(
            f"this is no Python: {exc.msg}. Correct the line.", Place(str(path), exc.lineno or 1)
        ) from None
    except Exception as exc:
        sentence = f"the file cannot be imported: {type(exc).__name__}: {exc}. Correct it."
        raise ConfigError(sentence, _place(exc, path)) from exc
    return module


def _place(exc: BaseException, path: Path) -> Place:
    """The innermost line of the user's file that an error went through."""
    frames: list[Any] = [frame for frame in traceback.extract_tb(exc.__traceback__) if frame.filename == str(path)]
    return Place(str(path), frames[-1].lineno or 1) if frames else Place(str(path))
