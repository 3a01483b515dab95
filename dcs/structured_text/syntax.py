"""The tree that the parser makes: what stands in the text, without types.

Made by     the parser. Read by the checker. Every node knows its position.
"""

from dataclasses import dataclass

from dcs.structured_text.errors import Position


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, truth value or time (in s)."""

    value: float
    type: str
    at: Position


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, or ``STEP.X``; as written."""

    text: str
    at: Position


@dataclass(frozen=True, slots=True)
class Unary:
    """``-`` or ``NOT``."""

    operator: str
    operand: "Expression"
    at: Position


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and the operator between them, which is where ``at`` points."""

    operator: str
    left: "Expression"
    right: "Expression"
    at: Position


@dataclass(frozen=True, slots=True)
class Call:
    """A standard function with its arguments."""

    function: str
    arguments: tuple["Expression", ...]
    at: Position


Expression = Literal | Name | Unary | Binary | Call


@dataclass(frozen=True, slots=True)
class Assignment:
    """``target := value;``"""

    target: Name
    value: Expression


@dataclass(frozen=True, slots=True)
class If:
    """IF, ELSIF …, ELSE: the first branch whose condition is TRUE."""

    branches: tuple[tuple[Expression, tuple["Statement", ...]], ...]
    otherwise: tuple["Statement", ...]
    at: Position


@dataclass(frozen=True, slots=True)
class Label:
    """One label of a CASE: a number, a constant, or a range of them."""

    low: Expression
    high: Expression


@dataclass(frozen=True, slots=True)
class Case:
    """CASE: the arm that has the value of the selector."""

    selector: Expression
    arms: tuple[tuple[tuple[Label, ...], tuple["Statement", ...]], ...]
    otherwise: tuple["Statement", ...]
    at: Position


Statement = Assignment | If | Case


@dataclass(frozen=True, slots=True)
class Declaration:
    """One name of a VAR section."""

    name: str
    type: str
    initial: Expression | None
    section: str  # VAR | VAR_INPUT | VAR_OUTPUT
    constant: bool
    at: Position


@dataclass(frozen=True, slots=True)
class ProgramText:
    """VAR sections and statements."""

    declarations: tuple[Declaration, ...]
    statements: tuple[Statement, ...]
