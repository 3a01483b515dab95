"""The front door: texts of one block in, numbers for its record out.

Called by   ``translate`` of the block types with programs. Knows every stage; a block may have many programs (the
transitions and actions of a sequence) that share variables, constants and code.
"""

from dataclasses import dataclass, replace

from dcs.structured_text.checker import Checker
from dcs.structured_text.errors import TextError
from dcs.structured_text.generator import Generator, Limits
from dcs.structured_text.parser import is_expression, parse_expression, parse_program
from dcs.structured_text.scope import CONSTANT, INPUT, OUTPUT, VARIABLE, Scope, Symbol
from dcs.structured_text.syntax import Assignment, Declaration
from dcs.structured_text.typed import Store


@dataclass(frozen=True, slots=True)
class Section:
    """Where one program lies in the code."""

    start: int
    end: int
    assigns: tuple[int, ...] = ()  # places of the memory that it may write


class Compiler:
    """Compiles the programs of one block, in the order in which they are given."""

    def __init__(self, symbols: tuple[Symbol, ...], variables_at: int, limits: Limits) -> None:
        self.scope = Scope(symbols)
        self.initial: list[float] = []
        self._variables_at = variables_at
        self._limits = limits
        self._checker = Checker(self.scope)
        self._generator = Generator(limits)

    # --- results ----------------------------------------------------------------------------------------------
    @property
    def code(self) -> tuple[float, ...]:
        """All instructions."""
        return tuple(self._generator.code)

    @property
    def consts(self) -> tuple[float, ...]:
        """All constants."""
        return tuple(self._generator.consts)

    @property
    def places(self) -> tuple[str, ...]:
        """For people: where in the text the instruction before this number stands; 0 = nowhere."""
        found = self._generator.places
        return ("", *(str(found[index]) if index in found else "" for index in range(len(self._generator.code))))

    @property
    def variable_names(self) -> tuple[str, ...]:
        """Names of the variables in the order of their places, in capitals."""
        return tuple(symbol.name.upper() for symbol in self.scope.variables())

    # --- texts ------------------------------------------------------------------------------------------------
    def program(self, text: str) -> Section:
        """Declarations and statements. Raises ``TextError``, or ``ConfigError`` when it does not fit."""
        parsed = parse_program(text)
        for declaration in parsed.declarations:
            self._declare(declaration)
        actions = self._checker.actions(parsed.statements)
        assigns: list[int] = []
        for action in actions:
            assigns += [action.slot] if isinstance(action, Store) else action.assigned
        start, end = self._generator.statements(actions)
        return Section(start, end, tuple(dict.fromkeys(assigns)))

    def declarations(self, text: str) -> None:
        """VAR sections alone. Raises ``TextError``."""
        parsed = parse_program(text)
        if parsed.statements:
            first = parsed.statements[0]
            at = first.target.at if isinstance(first, Assignment) else first.at
            raise TextError("found a statement, but only declarations (VAR … END_VAR) belong here.", at)
        for declaration in parsed.declarations:
            self._declare(declaration)

    def statements(self, text: str) -> Section:
        """Statements alone. Raises ``TextError``."""
        parsed = parse_program(text)
        if parsed.declarations:
            raise TextError("variables cannot be declared here.", parsed.declarations[0].at)
        return self.program(text)

    def condition(self, text: str) -> Section:
        """An expression of type BOOL, whose value the program leaves on the stack. Raises ``TextError``."""
        start, end = self._generator.expression(self._checker.condition(parse_expression(text)))
        return Section(start, end)

    def program_or_expression(self, text: str, target: str) -> Section:
        """A program, or an expression that is assigned to ``target``. Raises ``TextError``."""
        if not is_expression(text):
            return self.program(text)
        parsed = parse_expression(text)
        value = self._checker.value(parsed)
        symbol = self.scope.get(target)
        assert symbol is not None
        start, end = self._generator.statements((Store(symbol.slot, value),))
        return Section(start, end, (symbol.slot,))

    # --- declarations -----------------------------------------------------------------------------------------
    def _declare(self, declaration: Declaration) -> None:
        if declaration.section != "VAR":
            self._declare_terminal(declaration)
            return
        value = self._initial(declaration)
        if declaration.constant:
            self.scope.add(Symbol(declaration.name, -1, declaration.type, CONSTANT, value), declaration.at)
            return
        if len(self.initial) >= self._limits.variables:
            raise TextError(
                f"`{declaration.name}` is one variable too many: {self._limits.variables} fit. Split the program over "
                "two blocks.",
                declaration.at,
            )
        slot = self._variables_at + len(self.initial)
        self.scope.add(Symbol(declaration.name, slot, declaration.type, VARIABLE), declaration.at)
        self.initial.append(value)

    def _declare_terminal(self, declaration: Declaration) -> None:
        role = INPUT if declaration.section == "VAR_INPUT" else OUTPUT
        symbol = self.scope.get(declaration.name)
        if symbol is None or symbol.role != role:
            raise TextError(
                f"`{declaration.name}` is no {role} of this block: {declaration.section} gives the {role}s that are "
                "there a type.",
                declaration.at,
            )
        if declaration.initial is not None:
            raise TextError(f"{declaration.section} cannot have initial values here.", declaration.at)
        self.scope.replace(replace(symbol, type=declaration.type, raw=role == INPUT))

    def _initial(self, declaration: Declaration) -> float:
        if declaration.initial is None:
            if declaration.constant:
                raise TextError(f"the constant `{declaration.name}` has no value. Write `:=` and one.", declaration.at)
            return 0.0
        return self._checker.constant(declaration.initial, declaration.type, declaration.name)
