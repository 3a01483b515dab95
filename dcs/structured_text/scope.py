"""What the names of a program mean: terminals, variables, constants, and where each lies in the memory.

Called by   the checker and the compiler. Knows names, types and places.
"""

from dataclasses import dataclass

from dcs.structured_text.errors import Position, TextError, suggestion
from dcs.structured_text.functions import function_names

INPUT, OUTPUT, VARIABLE, CONSTANT, READ_ONLY = "input", "output", "variable", "constant", "value"


@dataclass(frozen=True, slots=True)
class Symbol:
    """One name. ``raw``: what lies in the memory is a number from a wire and is converted to ``type`` when read."""

    name: str
    slot: int
    type: str
    role: str
    value: float = 0.0  # of a constant
    raw: bool = False
    owner: str = ""  # who alone may assign to it


class Scope:
    """Names of one block; upper and lower case are one."""

    def __init__(self, symbols: tuple[Symbol, ...]) -> None:
        self._symbols = {symbol.name.upper(): symbol for symbol in symbols}

    def add(self, symbol: Symbol, at: Position) -> None:
        """A new name. Raises ``TextError`` when it has a meaning already."""
        before = self._symbols.get(symbol.name.upper())
        if before is not None:
            raise TextError(f"`{symbol.name}` is already the name of the {before.role} {before.name}. Rename it.", at)
        if symbol.name.upper() in function_names():
            raise TextError(f"`{symbol.name}` is the name of a standard function. Rename it.", at)
        self._symbols[symbol.name.upper()] = symbol

    def replace(self, symbol: Symbol) -> None:
        """Another meaning for a name that exists."""
        self._symbols[symbol.name.upper()] = symbol

    def get(self, name: str) -> Symbol | None:
        """The symbol of that name, if there is one."""
        return self._symbols.get(name.upper())

    def find(self, name: str, at: Position) -> Symbol:
        """The symbol of that name. Raises ``TextError``."""
        symbol = self.get(name)
        if symbol is not None:
            return symbol
        if name.upper() in function_names():
            raise TextError(f"found the function `{name}` without arguments, expected `(` after it.", at)
        raise TextError(f"`{name}` is not declared.{self._hint(name)}", at)

    def _hint(self, name: str) -> str:
        found = suggestion(name, [symbol.name for symbol in self._symbols.values()])
        return found or " Declare it: VAR …; END_VAR."

    def variables(self) -> list[Symbol]:
        """Declared variables in the order of their places."""
        return sorted((s for s in self._symbols.values() if s.role == VARIABLE), key=lambda s: s.slot)
