"""A flowsheet's text as values that know their line, and a list of all that is wrong with it.

Called by   the other modules of this package.
Knows       YAML; no unit of a plant. Every scalar stays a text: quantities are read where their unit is known.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches

import yaml

from plant_models.model import PlantFileError


@dataclass(frozen=True, slots=True)
class Item:
    """A text, a list or keys with values, and the line on which it stands."""

    value: str | list["Item"] | dict[str, "Item"]
    line: int

    def keys(self) -> dict[str, "Item"]:
        """Keys and values; none for anything else."""
        return self.value if isinstance(self.value, dict) else {}

    def items(self) -> list["Item"]:
        """The list; empty for anything else."""
        return self.value if isinstance(self.value, list) else []

    def text(self) -> str:
        """The text; "" for anything else."""
        return self.value if isinstance(self.value, str) else ""


class Problems:
    """Everything that is wrong with a file, so that one check tells the whole story."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._found: list[tuple[int, str]] = []

    def add(self, line: int, sentence: str) -> None:
        """One more; the same one is kept once."""
        if (line, sentence) not in self._found:
            self._found.append((line, sentence))

    @property
    def any(self) -> bool:
        """Something is wrong."""
        return bool(self._found)

    def raise_if_any(self) -> None:
        """Raise ``PlantFileError`` with all of it, in the order of lines."""
        if self._found:
            raise PlantFileError(self._file, sorted(self._found))


def did_you_mean(name: str, known: Iterable[str], what: str) -> str:
    """``Did you mean `area`?``, or all that is known."""
    names = list(known)
    near = get_close_matches(name, names, 4, 0.6)
    alike = [one for one in near if _ratio(one, name) > _ratio(near[0], name) - 0.001]
    if alike:
        shown = [f"`{one}`" for one in sorted(alike)]
        return f"Did you mean {' or '.join([', '.join(shown[:-1]), shown[-1]] if shown[1:] else shown)}?"
    return f"{what}: {', '.join(names)}." if names else f"{what}: none."


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()


def parse(text: str, file: str, problems: Problems) -> Item:
    """The whole file. Raises ``PlantFileError`` for what is not YAML, or not keys with values."""
    try:
        node = yaml.compose(text, Loader=yaml.BaseLoader)
    except (yaml.MarkedYAMLError, yaml.reader.ReaderError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        words = getattr(error, "problem", None) or "it cannot be understood"
        line = mark.line + 1 if mark else 1
        raise PlantFileError(file, [(line, f"this is not YAML: {words}. Correct the line.")]) from None
    if not isinstance(node, yaml.MappingNode):
        raise PlantFileError(file, [(1, "the file needs keys with values, such as `units:`. Write some.")])
    return _item(node, problems, ())


def _item(node: yaml.Node, problems: Problems, around: tuple[yaml.Node, ...]) -> Item:
    line = node.start_mark.line + 1
    if any(node is outer for outer in around):
        problems.add(line, "an alias that contains itself. Write the values out.")
        return Item("", line)
    if isinstance(node, yaml.SequenceNode):
        return Item([_item(one, problems, (*around, node)) for one in node.value], line)
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Item] = {}
        for key, value in node.value:
            name, at = str(key.value), key.start_mark.line + 1
            if name in found:
                problems.add(at, f"the key `{name}` is given twice. Delete one.")
            one = _item(value, problems, (*around, node))
            found[name] = Item(one.value, at)
        return Item(found, line)
    return Item(str(node.value), line)


def is_name(text: str) -> bool:
    """Letters, digits, ``-`` and ``_``, beginning with a letter."""
    return re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", text) is not None
