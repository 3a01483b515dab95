"""From characters to words.

Called by   the parser. Knows comments, numbers, times, names and symbols of IEC 61131-3; nothing of their order.
Source      IEC 61131-3, common elements: identifiers, comments, literals.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from dcs.structured_text.errors import Position, TextError

KEYWORDS = frozenset({
    "VAR", "VAR_INPUT", "VAR_OUTPUT", "CONSTANT", "RETAIN", "END_VAR", "IF", "THEN", "ELSIF", "ELSE", "END_IF",
    "CASE", "OF", "END_CASE", "AND", "OR", "XOR", "NOT", "MOD", "TRUE", "FALSE",
})  # fmt: skip
"""Words that cannot be names."""

LEFT_OUT = {
    "FOR": "loops", "WHILE": "loops", "REPEAT": "loops", "EXIT": "loops", "CONTINUE": "loops",
    "RETURN": "jumps", "GOTO": "jumps",
    "FUNCTION": "definitions of functions", "FUNCTION_BLOCK": "definitions of function blocks",
    "PROGRAM": "programs with a frame", "TYPE": "own types", "STRUCT": "structures", "ARRAY": "arrays",
    "STRING": "texts", "WSTRING": "texts", "VAR_GLOBAL": "global variables", "VAR_EXTERNAL": "global variables",
    "VAR_TEMP": "temporary variables (use VAR)", "VAR_IN_OUT": "references",
}  # fmt: skip
"""Words of the standard that are not in this subset, and what they stand for."""

TYPES = {"BOOL": "BOOL", "INT": "INT", "DINT": "DINT", "REAL": "REAL", "LREAL": "REAL", "TIME": "TIME"}
"""Types by name. REAL and LREAL are one type: both have 64 bits here."""

INTEGER_RANGES = {"INT": (-32768, 32767), "DINT": (-2147483648, 2147483647)}

_TIME_UNITS = {
    "d": Fraction(86400), "h": Fraction(3600), "m": Fraction(60), "s": Fraction(1),
    "ms": Fraction(1, 1000), "us": Fraction(1, 10**6), "ns": Fraction(1, 10**9),
}  # fmt: skip
_SPACE = re.compile(r"\s+")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_TYPED = re.compile(r"[A-Za-z]\w*#[-+]?[\w.]*", re.ASCII)
_BASED = re.compile(r"(\d+)#(\w+)", re.ASCII)
_NUMBER = re.compile(r"\d[\d_]*(\.\d[\d_]*)?([eE][-+]?\d+)?\w*", re.ASCII)
_PLAIN_NUMBER = re.compile(r"\d+(_\d+)*(\.\d+(_\d+)*([eE][-+]?\d+)?)?", re.ASCII)
_TIME_PART = re.compile(r"(\d+(?:_\d+)*(?:\.\d+)?)(ms|us|ns|d|h|m|s)_?", re.ASCII)
_SYMBOL = re.compile(r":=|\*\*|<=|>=|<>|\.\.|=>|[-+*/()=<>&;:,.]")


@dataclass(frozen=True, slots=True)
class Token:
    """One word. ``kind``: name | keyword | symbol | literal | end."""

    kind: str
    text: str  # keywords in capitals, everything else as written
    at: Position
    value: float = 0.0  # of a literal; times in s
    type: str = ""  # of a literal

    def __str__(self) -> str:
        return "the end of the text" if self.kind == "end" else f"`{self.text}`"


def tokens_of(text: str) -> list[Token]:
    """All words and one of kind ``end``. Raises ``TextError``."""
    return _Lexer(text).all()


class _Lexer:
    """Walks through one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._index = 0
        self._line = 1
        self._line_start = 0

    def all(self) -> list[Token]:
        found: list[Token] = []
        while self._skip():
            found.append(self._token())
        return [*found, Token("end", "", self._position())]

    def _position(self) -> Position:
        return Position(self._line, self._index - self._line_start + 1)

    def _advance(self, count: int) -> None:
        for _ in range(count):
            if self._text[self._index] == "\n":
                self._line += 1
                self._line_start = self._index + 1
            self._index += 1

    def _skip(self) -> bool:
        """Go over blanks and comments; False at the end."""
        while self._index < len(self._text):
            blank = _SPACE.match(self._text, self._index)
            if blank:
                self._advance(len(blank[0]))
            elif self._text.startswith("//", self._index):
                end = self._text.find("\n", self._index)
                self._advance((end if end >= 0 else len(self._text)) - self._index)
            elif self._text.startswith(("(*", "/*"), self._index):
                self._comment()
            else:
                return True
        return False

    def _comment(self) -> None:
        opening = self._text[self._index : self._index + 2]
        closing = "*)" if opening == "(*" else "*/"
        start = self._position()
        depth = 0
        while self._index < len(self._text):
            if self._text.startswith(opening, self._index):
                depth += 1
                self._advance(2)
            elif self._text.startswith(closing, self._index):
                depth -= 1
                self._advance(2)
                if depth == 0:
                    return
            else:
                self._advance(1)
        raise TextError(f"the comment that begins here does not end. Close it with `{closing}`.", start)

    def _token(self) -> Token:
        at = self._position()
        if typed := _TYPED.match(self._text, self._index):
            self._advance(len(typed[0]))
            return _typed_literal(typed[0], at)
        if name := _NAME.match(self._text, self._index):
            self._advance(len(name[0]))
            return _word(name[0], at)
        if based := _BASED.match(self._text, self._index):
            self._advance(len(based[0]))
            return _based_literal(based[0], based[1], based[2], at)
        if number := _NUMBER.match(self._text, self._index):
            self._advance(len(number[0]))
            return _number(number[0], number[0], at)
        if symbol := _SYMBOL.match(self._text, self._index):
            self._advance(len(symbol[0]))
            return Token("symbol", symbol[0], at)
        found = self._text[self._index]
        if found in "'\"":
            raise TextError(f"found {found}, but texts are not in this subset of structured text. Delete it.", at)
        raise TextError(f"found `{found}`, which has no meaning in structured text. Delete it.", at)


def _word(text: str, at: Position) -> Token:
    capitals = text.upper()
    if capitals in ("TRUE", "FALSE"):
        return Token("literal", text, at, float(capitals == "TRUE"), "BOOL")
    if capitals in LEFT_OUT:
        what = LEFT_OUT[capitals]
        hint = "A block is executed once in every scan: count in a variable instead." if what == "loops" else ""
        raise TextError(f"found `{text}`, but {what} are not in this subset of structured text. {hint}".rstrip(), at)
    return Token("keyword", capitals, at) if capitals in KEYWORDS else Token("name", text, at)


def _integer(text: str, value: int, at: Position, wanted: str = "") -> Token:
    for name, (low, high) in INTEGER_RANGES.items():
        if low <= value <= high and wanted in ("", name):
            return Token("literal", text, at, float(value), name)
    low, high = INTEGER_RANGES[wanted or "DINT"]
    raise TextError(f"`{text}` does not fit into {wanted or 'DINT'}, which goes from {low} to {high}.", at)


def _number(text: str, digits: str, at: Position, wanted: str = "") -> Token:
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    if not _PLAIN_NUMBER.fullmatch(digits):
        example = "1.0E5" if "e" in digits.lower() else "12.5"
        raise TextError(f"`{text}` is not a number. Write it like {example}.", at)
    plain = digits.replace("_", "")
    if "." not in plain:
        if wanted == "REAL":
            return Token("literal", text, at, sign * float(plain), "REAL")
        return _integer(text, sign * int(plain), at, wanted)
    if wanted in INTEGER_RANGES:
        raise TextError(f"`{text}` is not a whole number, which {wanted} needs.", at)
    value = sign * float(plain)
    if value in (float("inf"), float("-inf")):
        raise TextError(f"`{text}` is larger than a REAL can be.", at)
    return Token("literal", text, at, value, "REAL")


def _based_literal(text: str, base: str, digits: str, at: Position) -> Token:
    if base not in ("2", "8", "16"):
        raise TextError(f"`{text}` has the base {base}; there are 2, 8 and 16.", at)
    try:
        value = int(digits.replace("_", ""), int(base))
    except ValueError:
        raise TextError(f"`{text}` is not a number of base {base}.", at) from None
    return _integer(text, value, at)


def _typed_literal(text: str, at: Position) -> Token:
    prefix, _, rest = text.partition("#")
    kind = {"T": "TIME", "LT": "TIME", "LTIME": "TIME"}.get(prefix.upper(), TYPES.get(prefix.upper(), ""))
    if not kind:
        raise TextError(f"`{text}`: there is no type `{prefix}`. There are {', '.join(TYPES)} and T#.", at)
    if kind == "TIME":
        return Token("literal", text, at, _seconds(text, rest, at), kind)
    if kind == "BOOL":
        values = {"TRUE": 1.0, "1": 1.0, "FALSE": 0.0, "0": 0.0}
        if rest.upper() not in values:
            raise TextError(f"`{text}` is not a BOOL. Write TRUE or FALSE.", at)
        return Token("literal", text, at, values[rest.upper()], kind)
    return _number(text, rest, at, kind)


def _seconds(text: str, rest: str, at: Position) -> float:
    """``1m30s`` in s, rounded once."""
    total = Fraction(0)
    index = 1 if rest.startswith("-") else 0
    largest: Fraction | None = None
    fraction_seen = False
    while index < len(rest):
        part = _TIME_PART.match(rest.lower(), index)
        if part is None or fraction_seen:
            raise TextError(f"`{text}` is not a time. Write it like T#1m30s or T#250ms.", at)
        unit = _TIME_UNITS[part[2]]
        if largest is not None and unit >= largest:
            raise TextError(f"`{text}` is not a time: write the larger unit first, each once, like T#1m30s.", at)
        largest = unit
        fraction_seen = "." in part[1]
        total += Fraction(part[1].replace("_", "")) * unit
        index = part.end()
    if largest is None:
        raise TextError(f"`{text}` is not a time. Write it like T#1m30s or T#250ms.", at)
    return float(-total if rest.startswith("-") else total)
