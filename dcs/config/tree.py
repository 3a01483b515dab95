"""Configuration as a tree whose every node knows where it stands: what templates are cut from and written back as.

Called by   ``dcs.config.templates``.
Knows       documents; nothing of modules.
"""

from dataclasses import dataclass
from typing import Any

from dcs.config.source import Document, KeyPath
from dcs.core.errors import Place


@dataclass(frozen=True, slots=True)
class Node:
    """A scalar, a ``dict[str, Node]`` or a ``list[Node]``, and its place."""

    value: Any
    place: Place

    def child(self, key: str) -> "Node | None":
        """What stands below a key; None where nothing does."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    def without(self, *keys: str) -> "Node":
        """The same mapping without some keys."""
        return Node({key: node for key, node in self.value.items() if key not in keys}, self.place)

    @property
    def plain(self) -> Any:
        """The same without places."""
        if isinstance(self.value, dict):
            return {key: node.plain for key, node in self.value.items()}
        return [node.plain for node in self.value] if isinstance(self.value, list) else self.value


def node_at(document: Document, path: KeyPath) -> Node:
    """The tree at a path of a document. Raises ``KeyError`` when nothing stands there."""
    return _node(document, path, document.get(path))


def _node(document: Document, path: KeyPath, value: Any) -> Node:
    place = document.place(path)
    if isinstance(value, dict):
        return Node({key: _node(document, (*path, key), one) for key, one in value.items()}, place)
    if isinstance(value, list):
        return Node([_node(document, (*path, index), one) for index, one in enumerate(value)], place)
    return Node(value, place)


def merged(base: Node, over: Node) -> Node:
    """``over`` on top of ``base``: mappings key by key, anything else replaced."""
    if not isinstance(base.value, dict) or not isinstance(over.value, dict):
        return over
    both = dict(base.value)
    for key, node in over.value.items():
        both[key] = merged(both[key], node) if key in both else node
    return Node(both, over.place)


def write(document: Document, path: KeyPath, node: Node) -> None:
    """Put a tree at a path of a document, places and all; the parent must be there, old places below remain."""
    document.places[path] = node.place
    document.get(path[:-1])[path[-1]] = node.plain
    _write_places(document, path, node)


def replace_at(document: Document, path: KeyPath, node: Node) -> None:
    """Put a tree at a path, places and all; what stood there before is forgotten. Parents are made where needed."""
    document.put(path, node.plain, node.place)
    _write_places(document, path, node)


def _write_places(document: Document, path: KeyPath, node: Node) -> None:
    document.places[path] = node.place
    if isinstance(node.value, dict):
        for key, child in node.value.items():
            _write_places(document, (*path, key), child)
    elif isinstance(node.value, list):
        for index, child in enumerate(node.value):
            _write_places(document, (*path, index), child)
