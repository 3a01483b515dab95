"""The standard functions: what they take, what they give.

Called by   the checker. Knows the operations of the machine.
Source      IEC 61131-3, standard functions: numerical, selection, type conversion. Status functions are ours.

An argument is described by a word: ``REAL``, ``BOOL``, ``INT``; ``NUM`` (INT, DINT, REAL), ``ANY``; arguments of NUM
and ANY take one common type, which is then the result's where the result is ``SAME``. ``…`` repeats the last argument.
"""

from dataclasses import dataclass

from dcs.blocks import program as vm


@dataclass(frozen=True, slots=True)
class Function:
    """One standard function."""

    arguments: tuple[str, ...]
    result: str  # a type, or SAME
    op: int
    about: str

    @property
    def repeats(self) -> bool:
        """Can the last argument be given any number of times?"""
        return self.arguments[-1] == "…"

    def signature(self, name: str) -> str:
        """``LIMIT(NUM, NUM, NUM)``."""
        return f"{name}({', '.join(self.arguments)})"


def _real(op: int, about: str) -> Function:
    return Function(("REAL",), "REAL", op, about)


FUNCTIONS: dict[str, Function] = {
    "ABS": Function(("NUM",), "SAME", vm.ABS, "absolute value"),
    "SQRT": _real(vm.SQRT, "square root"),
    "LN": _real(vm.LN, "natural logarithm"),
    "LOG": _real(vm.LOG, "logarithm to base 10"),
    "EXP": _real(vm.EXP, "natural exponential"),
    "SIN": _real(vm.SIN, "sine of an angle in radians"),
    "COS": _real(vm.COS, "cosine"),
    "TAN": _real(vm.TAN, "tangent"),
    "ASIN": _real(vm.ASIN, "arc sine, in radians"),
    "ACOS": _real(vm.ACOS, "arc cosine"),
    "ATAN": _real(vm.ATAN, "arc tangent"),
    "EXPT": Function(("REAL", "REAL"), "REAL", vm.POWER, "power, as `**`"),
    "MIN": Function(("ANY", "ANY", "…"), "SAME", vm.MINIMUM, "smallest"),
    "MAX": Function(("ANY", "ANY", "…"), "SAME", vm.MAXIMUM, "largest"),
    "LIMIT": Function(("ANY", "ANY", "ANY"), "SAME", vm.MINIMUM, "LIMIT(low, value, high)"),
    "SEL": Function(("BOOL", "ANY", "ANY"), "SAME", vm.SELECT, "SEL(which, if FALSE, if TRUE)"),
    "MUX": Function(("INT", "ANY", "ANY", "…"), "SAME", vm.MULTIPLEX, "MUX(number, value 0, value 1, …)"),
    "TRUNC": Function(("REAL",), "DINT", vm.TRUNC, "integer part, towards zero"),
    "IS_GOOD": Function(("EACH",), "BOOL", vm.IS_GOOD, "TRUE when the status of the value is Good"),
    "IS_BAD": Function(("EACH",), "BOOL", vm.IS_BAD, "TRUE when it is Bad"),
    "IS_UNCERTAIN": Function(("EACH",), "BOOL", vm.IS_UNCERTAIN, "TRUE when it is Uncertain"),
    "AS_UNCERTAIN": Function(("EACH",), "SAME", vm.AS_UNCERTAIN, "the value with status Uncertain, also if it was Bad"),
    "AS_BAD": Function(("EACH",), "SAME", vm.AS_BAD, "the value with status Bad"),
}
"""By name. ``EACH`` is one argument of any type."""

CONVERTED = ("BOOL", "INT", "DINT", "REAL", "LREAL", "TIME")


def conversion(name: str) -> tuple[str, str] | None:
    """Types (from, to) of ``REAL_TO_INT`` and its kind; None for another name."""
    source, found, target = name.partition("_TO_")
    if not found or source not in CONVERTED or target not in CONVERTED or source == target:
        return None
    if {source, target} == {"BOOL", "TIME"}:
        return None
    return source, target


def function_names() -> list[str]:
    """All names, conversions included."""
    pairs = [f"{one}_TO_{other}" for one in CONVERTED for other in CONVERTED]
    return [*FUNCTIONS, *(name for name in pairs if conversion(name))]
