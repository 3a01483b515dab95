"""What is wrong with a text, and where.

Called by   every stage of the compiler. Knows lines and columns (both from 1).
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from dcs.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Position:
    """Where a word begins."""

    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


class TextError(ConfigError):
    """One sentence with the position: what was found, what was needed, what to do."""

    def __init__(self, message: str, at: Position) -> None:
        self.at = at
        super().__init__(f"{at}: {message}")


def suggestion(name: str, known: Iterable[str]) -> str:
    """`` Did you mean …?`` or nothing; upper and lower case are one."""
    by_capitals = {one.upper(): one for one in known}
    found = difflib.get_close_matches(name.upper(), list(by_capitals), n=1, cutoff=0.6)
    return f" Did you mean `{by_capitals[found[0]]}`?" if found else ""
