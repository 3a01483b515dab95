"""The tree that the checker makes: types decided, names resolved to places, conversions written out.

Made by     the checker. Read by the generator. What is wrong with a text has been found before this.
"""

from dataclasses import dataclass

from dcs.structured_text.errors import Position


@dataclass(frozen=True, slots=True)
class Constant:
    """A number (truth values as 0 and 1, times in s)."""

    value: float
    type: str


@dataclass(frozen=True, slots=True)
class Load:
    """The value at a place of the memory."""

    slot: int
    type: str


@dataclass(frozen=True, slots=True)
class Apply:
    """An operation of ``dcs.blocks.program`` on values; ``operand`` is the one that the instruction carries."""

    op: int
    values: tuple["Value", ...]
    type: str
    at: Position
    operand: int = 0


Value = Constant | Load | Apply


@dataclass(frozen=True, slots=True)
class Store:
    """The value goes to that place."""

    slot: int
    value: Value


@dataclass(frozen=True, slots=True)
class Branches:
    """IF: the statements of the first condition that is TRUE, else ``otherwise``. ``assigned``: what they may write."""

    branches: tuple[tuple[Value, tuple["Action", ...]], ...]
    otherwise: tuple["Action", ...]
    assigned: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Switch:
    """CASE: each arm has ranges of whole numbers (both ends included)."""

    selector: Value
    arms: tuple[tuple[tuple[tuple[float, float], ...], tuple["Action", ...]], ...]
    otherwise: tuple["Action", ...]
    assigned: tuple[int, ...]


Action = Store | Branches | Switch
