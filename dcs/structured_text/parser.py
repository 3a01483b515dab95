"""From words to a tree: recursive descent, one method per rule of the grammar.

Called by   the compiler.
Knows       the order of words; not what names mean.
Source      IEC 61131-3, structured text: statements, and operators by precedence (parentheses, functions, negation and
            complement, ``**``, ``* / MOD``, ``+ -``, comparison, equality, AND, XOR, OR; left to right).

Written by hand rather than by a generator, because the messages are the larger part of it.
"""

from dcs.structured_text.errors import Position, TextError, suggestion
from dcs.structured_text.lexer import TYPES, Token, tokens_of
from dcs.structured_text.syntax import (
    Assignment,
    Binary,
    Call,
    Case,
    Declaration,
    Expression,
    If,
    Label,
    Literal,
    Name,
    ProgramText,
    Statement,
    Unary,
)

LEVELS: tuple[tuple[str, ...], ...] = (
    ("OR",),
    ("XOR",),
    ("AND", "&"),
    ("=", "<>"),
    ("<", ">", "<=", ">="),
    ("+", "-"),
    ("*", "/", "MOD"),
    ("**",),
)
"""Operators from the weakest to the strongest."""

DEPTH_MAX = 40
"""Parentheses, statements and signs inside each other; more is a slip of the hand."""

_SECTIONS = ("VAR", "VAR_INPUT", "VAR_OUTPUT")
_STATEMENT_WORDS = ("IF", "CASE")


def parse_program(text: str) -> ProgramText:
    """VAR sections, then statements. Raises ``TextError``."""
    return _Parser(tokens_of(text)).program()


def parse_expression(text: str) -> Expression:
    """One expression and nothing after it. Raises ``TextError``."""
    return _Parser(tokens_of(text)).only_expression()


def is_expression(text: str) -> bool:
    """True for a text in which nothing is assigned, declared or decided. Raises ``TextError`` for odd characters."""
    words = {token.text for token in tokens_of(text) if token.kind in ("keyword", "symbol")}
    return not words & {":=", ";", *_SECTIONS, *_STATEMENT_WORDS}


class _Parser:
    """Walks through the words of one text."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._index = 0
        self._depth = 0

    # --- words ------------------------------------------------------------------------------------------------
    @property
    def _now(self) -> Token:
        return self._tokens[self._index]

    def _is(self, *texts: str) -> bool:
        return self._now.kind in ("keyword", "symbol") and self._now.text in texts

    def _take(self) -> Token:
        token = self._now
        if token.kind != "end":
            self._index += 1
        return token

    def _accept(self, *texts: str) -> bool:
        if self._is(*texts):
            self._index += 1
            return True
        return False

    def _expect(self, *texts: str, because: str = "") -> Token:
        if self._is(*texts):
            return self._take()
        raise self._unexpected(" or ".join(f"`{text}`" for text in texts) + because, texts)

    def _unexpected(self, wanted: str, words: tuple[str, ...] = ()) -> TextError:
        found = self._now
        hint = suggestion(found.text, words) if found.kind == "name" else ""
        return TextError(f"found {found}, expected {wanted}.{hint}", found.at)

    def _deeper(self, at: Position) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise TextError(f"this is nested more than {DEPTH_MAX} deep. Use a variable for the inner part.", at)

    # --- program ----------------------------------------------------------------------------------------------
    def program(self) -> ProgramText:
        declarations: list[Declaration] = []
        while self._is(*_SECTIONS):
            declarations += self._section()
        statements = self._statements()
        if self._now.kind != "end":
            raise self._unexpected("a statement", (*_STATEMENT_WORDS, *_SECTIONS))
        return ProgramText(tuple(declarations), statements)

    def _section(self) -> list[Declaration]:
        opening = self._take()
        constant = False
        while self._is("CONSTANT", "RETAIN"):  # every variable is retained here, so RETAIN says nothing new
            constant |= self._take().text == "CONSTANT"
        found: list[Declaration] = []
        while not self._accept("END_VAR"):
            if self._now.kind != "name":
                raise self._unexpected(f"a name or `END_VAR` (the {opening.text} of line {opening.at.line})")
            found += self._declaration(opening.text, constant)
        return found

    def _declaration(self, section: str, constant: bool) -> list[Declaration]:
        names = [self._take()]
        while self._accept(","):
            if self._now.kind != "name":
                raise self._unexpected("a name")
            names.append(self._take())
        self._expect(":", because=" and a type")
        kind = self._now
        if kind.kind != "name" or kind.text.upper() not in TYPES:
            hint = suggestion(kind.text, TYPES) if kind.kind == "name" else ""
            raise TextError(f"found {kind}, expected a type: {', '.join(TYPES)}.{hint}", kind.at)
        self._take()
        initial = self._expression() if self._accept(":=") else None
        self._expect(";")
        return [Declaration(name.text, TYPES[kind.text.upper()], initial, section, constant, name.at) for name in names]

    # --- statements -------------------------------------------------------------------------------------------
    def _statements(self) -> tuple[Statement, ...]:
        found: list[Statement] = []
        while True:
            if self._accept(";"):
                continue
            if self._is("IF"):
                found.append(self._if())
            elif self._is("CASE"):
                found.append(self._case())
            elif self._now.kind == "name":
                found.append(self._assignment())
            else:
                return tuple(found)

    def _assignment(self) -> Assignment:
        target = self._name()
        if not self._is(":="):
            found = self._now
            if self._is("="):
                raise TextError("found `=`, expected `:=`. `=` compares, `:=` assigns.", found.at)
            # The word before may be the slip: END_FI stands where a statement could begin.
            hint = suggestion(target.text, ("END_IF", "END_CASE", "ELSIF", "ELSE", "THEN", "IF", "CASE", "END_VAR"))
            if hint:
                raise TextError(f"found `{target.text}`, expected a statement.{hint}", target.at)
            raise self._unexpected("`:=`")
        self._take()
        value = self._expression()
        self._expect(";", because=self._operators())
        return Assignment(target, value)

    def _operators(self) -> str:
        """What else could follow an expression: said only where a value stands directly after a value."""
        return " or an operator" if self._now.kind in ("name", "literal") else ""

    def _if(self) -> If:
        opening = self._take()
        self._deeper(opening.at)
        branches = [self._branch()]
        while self._accept("ELSIF"):
            branches.append(self._branch())
        otherwise = self._statements() if self._accept("ELSE") else ()
        self._close("END_IF", opening)
        return If(tuple(branches), otherwise, opening.at)

    def _branch(self) -> tuple[Expression, tuple[Statement, ...]]:
        condition = self._expression()
        self._expect("THEN", because=self._operators())
        return condition, self._statements()

    def _close(self, word: str, opening: Token) -> None:
        self._expect(word, because=f" (the {opening.text} of line {opening.at.line})")
        self._accept(";")
        self._depth -= 1

    def _case(self) -> Case:
        opening = self._take()
        self._deeper(opening.at)
        selector = self._expression()
        self._expect("OF")
        arms: list[tuple[tuple[Label, ...], tuple[Statement, ...]]] = []
        while not self._is("ELSE", "END_CASE"):
            if self._now.kind == "end":
                break
            labels = [self._label()]
            while self._accept(","):
                labels.append(self._label())
            self._expect(":", because=" after the labels")
            arms.append((tuple(labels), self._arm()))
        otherwise = self._statements() if self._accept("ELSE") else ()
        self._close("END_CASE", opening)
        return Case(selector, tuple(arms), otherwise, opening.at)

    def _arm(self) -> tuple[Statement, ...]:
        """Statements up to the next label: a named constant that begins a label looks like an assignment at first."""
        found: list[Statement] = []
        while not self._is("ELSE", "END_CASE") and self._now.kind != "end" and not self._at_label():
            before = self._index
            if self._accept(";"):
                continue
            if self._is("IF"):
                found.append(self._if())
            elif self._is("CASE"):
                found.append(self._case())
            elif self._now.kind == "name":
                found.append(self._assignment())
            if self._index == before:
                raise self._unexpected("a statement, a label or `END_CASE`", (*_STATEMENT_WORDS, "END_CASE", "ELSE"))
        return tuple(found)

    def _at_label(self) -> bool:
        if self._now.kind == "literal" or self._is("-", "+"):
            return True
        after = self._tokens[min(self._index + 1, len(self._tokens) - 1)]
        return self._now.kind == "name" and after.kind == "symbol" and after.text in (":", "..", ",")

    def _label(self) -> Label:
        low = self._signed()
        return Label(low, self._signed() if self._accept("..") else low)

    def _signed(self) -> Expression:
        if not self._at_label() and self._now.kind != "name":
            raise self._unexpected("a label (a whole number or a constant)")
        return self._unary()

    # --- expressions ------------------------------------------------------------------------------------------
    def only_expression(self) -> Expression:
        found = self._expression()
        if self._now.kind != "end":
            raise self._unexpected("an operator or the end of the text")
        return found

    def _expression(self, level: int = 0) -> Expression:
        if level == len(LEVELS):
            return self._unary()
        left = self._expression(level + 1)
        while self._is(*LEVELS[level]):
            operator = self._take()
            right = self._expression(level + 1)
            left = Binary("AND" if operator.text == "&" else operator.text, left, right, operator.at)
        return left

    def _unary(self) -> Expression:
        sign = self._now
        if self._accept("-", "NOT", "+"):
            self._deeper(sign.at)
            operand = self._unary()
            self._depth -= 1
            if sign.text == "-" and isinstance(operand, Literal) and operand.value > 0.0 and operand.type != "BOOL":
                kind = "INT" if operand.type == "DINT" and operand.value == 32768.0 else operand.type
                return Literal(-operand.value, kind, sign.at)
            return Unary(sign.text, operand, sign.at)
        return self._primary()

    def _primary(self) -> Expression:
        token = self._now
        if token.kind == "literal":
            self._take()
            return Literal(token.value, token.type, token.at)
        if self._accept("("):
            self._deeper(token.at)
            inner = self._expression()
            self._expect(")", because=self._operators() + f" (the `(` of {token.at})")
            self._depth -= 1
            return inner
        if token.kind != "name":
            raise self._unexpected("a value: a number, a name, a function or `(`")
        name = self._name()
        if not self._is("("):
            return name
        self._deeper(self._take().at)
        arguments: list[Expression] = []
        if not self._is(")"):
            arguments.append(self._expression())
            while self._accept(","):
                arguments.append(self._expression())
        self._expect(")", because=" or `,`")
        self._depth -= 1
        return Call(name.text, tuple(arguments), name.at)

    def _name(self) -> Name:
        token = self._take()
        text = token.text
        while self._accept("."):
            if self._now.kind != "name":
                raise self._unexpected(f"a name after `{text}.`")
            text += f".{self._take().text}"
        return Name(text, token.at)
