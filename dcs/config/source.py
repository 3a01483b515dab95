"""One YAML file as plain data that remembers where everything stands.

Called by   ``dcs.config.load``; by other readers of YAML (scenarios, display bindings) that want good messages.
Knows       YAML syntax and line marks; nothing of plants. Scalars follow YAML 1.2's core schema, so that ``on``,
            ``no`` and ``1:30`` are texts and not surprises.
Reports     ``ConfigError`` with file and line.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dcs.core.errors import ConfigError, Place

KeyPath = tuple[str | int, ...]
"""Where in a document: ``("devices", "RTU-1", "port")``; an int is an index into a list."""

_INT = re.compile(r"[-+]?[0-9]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_STRING_TAG = "tag:yaml.org,2002:str"
_NODES_MAX = 1_000_000  # aliases of aliases can blow a small file up to the size of the machine


@dataclass
class Document:
    """The content of one file and the place of every key in it."""

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    places: dict[KeyPath, Place] = field(default_factory=dict)
    digest: str = ""
    _below: dict[KeyPath, list[str]] = field(default_factory=dict, repr=False)
    _indexed: int = -1  # how many places the index knows
    text: str = field(default="", repr=False)

    def place(self, path: KeyPath) -> Place:
        """The place of that path, or of the nearest thing around it that exists."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return Place(self.file, 1)

    def names(self, path: KeyPath) -> list[str]:
        """The keys that stand (or stood, before ``remove``) in the mapping at that path, in order."""
        if len(self.places) != self._indexed:
            self._below = {}
            for known in self.places:
                self._below.setdefault(known[:-1], []).append(str(known[-1]))
            self._indexed = len(self.places)
        return list(self._below.get(path, ()))

    def get(self, path: KeyPath) -> Any:
        """The value at that path; raises ``KeyError`` when there is none."""
        value: Any = self.data
        for part in path:
            try:
                value = value[part]
            except (TypeError, IndexError, KeyError):
                raise KeyError(path) from None
        return value

    def has(self, path: KeyPath) -> bool:
        """True when something stands at that path."""
        try:
            self.get(path)
        except KeyError:
            return False
        return True

    def put(self, path: KeyPath, value: Any, place: Place) -> None:
        """Set the value at that path, making the mappings on the way; everything below stands at ``place``."""
        parent: Any = self.data
        for i, part in enumerate(path[:-1]):
            if isinstance(parent, dict) and not isinstance(parent.get(part), (dict, list)):
                parent[part] = {}
                self.places[path[: i + 1]] = place
            parent = parent[part]
        parent[path[-1]] = value
        for old in [known for known in self.places if known[: len(path)] == path]:
            del self.places[old]
        self.places[path] = place
        self._indexed = -1

    def remove(self, path: KeyPath) -> None:
        """Forget the value at that path, keep its place."""
        if self.has(path):
            del self.get(path[:-1])[path[-1]]

    def forget(self, path: KeyPath) -> None:
        """Take the value at that path away, and its place: as if it had never stood there."""
        self.remove(path)
        for old in [known for known in self.places if known[: len(path)] == path]:
            del self.places[old]
        self._indexed = -1


def read_document(path: Path, shown_as: str | None = None) -> Document:
    """Read one YAML file whose top is a mapping; an empty file is an empty mapping.

    ``shown_as`` is how messages call the file. Raises ``ConfigError`` for a file that is missing, not UTF-8 or not
    YAML, for a duplicate key and for a top that is not a mapping.
    """
    shown = shown_as or str(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError("there is no such file. Create it, or correct the path.", Place(shown)) from None
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        raise ConfigError(f"cannot be read ({reason}). Correct the path or its permissions.", Place(shown)) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = raw.count(b"\n", 0, exc.start) + 1
        found = f"byte 0x{raw[exc.start]:02x}"
        raise ConfigError(f"{found} is not UTF-8. Save the file in UTF-8 encoding.", Place(shown, line)) from None
    return parse_document(text, shown)


def parse_document(text: str, file: str) -> Document:
    """``read_document`` for a text that is already here."""
    node = _compose(text, file)
    document = Document(file, digest=hashlib.sha256(text.encode()).hexdigest(), text=text)
    if node is None:
        return document
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(
            f"the file holds {_kind(node)}, but keys with values are needed, such as `key: value`.",
            _place(node, file),
        )
    document.data = _Builder(document).build(node, ())
    return document


def parse_value(text: str, place: Place) -> Any:
    """One YAML value in a text (an override from the command line). Raises ``ConfigError`` at ``place``."""
    try:
        node = _compose(text, "")
        if node is None:
            return None
        scratch = Document(place.file)
        return _Builder(scratch).build(node, ())
    except ConfigError as exc:
        raise ConfigError(exc.message, place) from None


def _compose(text: str, file: str) -> yaml.Node | None:
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.reader.ReaderError as exc:
        line = text.count("\n", 0, exc.position) + 1
        code = f"U+{exc.character:04X}" if isinstance(exc.character, int) else repr(exc.character)
        raise ConfigError(f"the character {code} is not allowed in YAML. Delete it.", Place(file, line)) from None
    except yaml.MarkedYAMLError as exc:
        raise _syntax_error(exc, text, file) from None
    except RecursionError:
        raise ConfigError("is nested too deeply. Write it flatter.", Place(file, 1)) from None
    return node


def _syntax_error(exc: yaml.MarkedYAMLError, text: str, file: str) -> ConfigError:
    """Say what PyYAML found in words that tell what to do."""
    mark = exc.problem_mark or exc.context_mark
    line = mark.line + 1 if mark else 1
    problem = exc.problem or exc.context or "it cannot be understood"
    lines = text.splitlines()
    shown = lines[line - 1] if line <= len(lines) else ""
    if "\\t" in problem or (mark and shown[: mark.column + 1].strip(" ").startswith("\t")):
        remedy = "a tab stands where spaces are needed. Indent with spaces."
    elif "undefined alias" in problem:
        remedy = f"{problem}. Define it with `&name` further up."
    elif "expected a single document" in (exc.context or ""):
        remedy = "a second document starts here (`---`). Keep one document in the file."
    elif "cannot start any token" in problem:
        character = shown[mark.column] if mark and mark.column < len(shown) else "?"
        remedy = f"the character `{character}` cannot begin a value. Put the value in quotes."
    elif "mapping values are not allowed" in problem:
        remedy = (
            "a `:` stands where no key can be. Put a text that contains `: ` in quotes, or correct the indentation."
        )
    elif "expected ',' or" in problem:
        closing = "}" if "'}'" in problem else "]"
        opened = exc.context_mark.line + 1 if exc.context_mark else line
        noticed = f" (noticed on line {line})" if line != opened else ""
        remedy = f"a bracket is not closed, or a comma is missing{noticed}. Add `{closing}` or `,`."
        line = opened
    elif "expected <block end>" in problem:
        remedy = "this line does not line up with the lines above it. Give all keys of one level the same indentation."
    elif "could not find expected ':'" in problem:
        remedy = "a key without a `:`. Write `key: value`."
    elif "quoted scalar" in (exc.context or ""):
        opened = exc.context_mark.line + 1 if exc.context_mark else line
        remedy, line = "a quote is opened here and never closed. Close it.", opened
    else:
        remedy = f"this is not YAML: {problem}. Correct the line."
    return ConfigError(remedy, Place(file, line))


class _Builder:
    """Turns composed nodes into plain data and fills the places of a document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._open: list[yaml.Node] = []
        self._count = 0

    def build(self, node: yaml.Node, path: KeyPath) -> Any:
        self._count += 1
        if self._count > _NODES_MAX:
            raise self._error(f"the aliases of this file unfold to more than {_NODES_MAX:,} values. Use fewer", node)
        if any(node is outer for outer in self._open):
            raise self._error("an alias that contains itself. Write the values out", node)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        self._open.append(node)
        try:
            if isinstance(node, yaml.SequenceNode):
                return list(self._items(node, path))
            assert isinstance(node, yaml.MappingNode)
            return self._mapping(node, path)
        finally:
            self._open.pop()

    def _items(self, node: yaml.SequenceNode, path: KeyPath) -> Iterator[Any]:
        for i, item in enumerate(node.value):
            self._document.places[(*path, i)] = _place(item, self._document.file)
            yield self.build(item, (*path, i))

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        first: dict[str, yaml.Node] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._error(f"{_kind(key_node)} cannot be a key. Use a name", key_node)
            key = key_node.value
            if key == "<<" and key_node.style is None:
                raise self._error("merge keys (`<<`) are not supported. Write the keys out", key_node)
            if key in first:
                line = _place(first[key], self._document.file).line
                raise self._error(f"the key `{key}` is given twice, first on line {line}. Delete one", key_node)
            first[key] = key_node
            self._document.places[(*path, key)] = _place(key_node, self._document.file)
            result[key] = self.build(value_node, (*path, key))
        return result

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        text: str = node.value
        if node.tag not in ("!", _STRING_TAG):
            raise self._error(f"the tag `{node.tag}` is not supported. Delete it", node)
        if node.style is not None or node.tag == "!":  # quoted: a text, whatever it looks like
            return text
        return plain_value(text)

    def _error(self, sentence: str, node: yaml.Node) -> ConfigError:
        return ConfigError(f"{sentence}.", _place(node, self._document.file))


def plain_value(text: str) -> Any:
    """What an unquoted scalar means (YAML 1.2 core schema without octal)."""
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if _INT.fullmatch(text) and len(text) < 40:
        return int(text)
    if _HEX.fullmatch(text):
        return int(text, 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return "keys with values" if isinstance(node, yaml.MappingNode) else "a single value"


def _place(node: yaml.Node, file: str) -> Place:
    return Place(file, node.start_mark.line + 1)
