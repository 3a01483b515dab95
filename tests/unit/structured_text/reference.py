"""An independent evaluation of random programs: trees, evaluated recursively, with the documented rules for statuses.

It shares nothing with the compiler or the machine: a value is (number, quality 0 Bad, 1 Uncertain, 2 Good).
"""

import math
from typing import Any

from hypothesis import strategies as st

Quantity = tuple[float, int]
Tree = tuple[Any, ...]  # (kind, text or number, *children)

ONE = {"SQRT": math.sqrt, "LN": math.log, "LOG": math.log10, "EXP": math.exp, "SIN": math.sin, "COS": math.cos,
       "TAN": math.tan, "ASIN": math.asin, "ACOS": math.acos, "ATAN": math.atan}  # fmt: skip
COMPARE = {
    "<": lambda x, y: x < y, "<=": lambda x, y: x <= y, ">": lambda x, y: x > y, ">=": lambda x, y: x >= y,
    "=": lambda x, y: x == y, "<>": lambda x, y: x != y,
}  # fmt: skip
DINT = 2**31

numbers = st.one_of(
    st.sampled_from([0.0, 1.0, 2.0, 0.5, 1.0e-3, 1.0e6, 1.0e200, 3.14159]),
    st.floats(0.0, 1000.0, allow_subnormal=False),
).map(lambda x: ("number", x))
wholes = st.one_of(st.integers(0, 9), st.integers(0, DINT - 1)).map(lambda n: ("whole", n))
reals_named = st.sampled_from(["IN1", "IN2", "IN3", "OUT1", "a", "b"]).map(lambda name: ("name", name))
wholes_named = st.sampled_from(["n", "m"]).map(lambda name: ("name", name))


def reals(depth: int) -> st.SearchStrategy[Tree]:
    if depth == 0:
        return st.one_of(numbers, reals_named)
    x, n = st.deferred(lambda: reals(depth - 1)), st.deferred(lambda: integers(depth - 1))
    test = st.deferred(lambda: truths(depth - 1))
    return st.one_of(
        reals(0),
        st.tuples(st.just("real"), st.sampled_from("+-*/"), x, st.one_of(x, n)),
        st.tuples(st.just("negate"), st.just("-"), x),
        st.tuples(st.just("call"), st.sampled_from([*ONE]), x),
        st.tuples(st.just("choose"), st.just("SEL"), test, x, x),
        st.tuples(st.just("extreme"), st.sampled_from(["MIN", "MAX"]), x, x, x),
        st.tuples(st.just("power"), st.just("**"), x, st.integers(0, 5).map(lambda k: ("whole", k))),
        st.tuples(st.just("mux"), st.just("MUX"), n, x, x),
    )


def integers(depth: int) -> st.SearchStrategy[Tree]:
    if depth == 0:
        return st.one_of(wholes, wholes_named)
    x, n = st.deferred(lambda: reals(depth - 1)), st.deferred(lambda: integers(depth - 1))
    return st.one_of(
        integers(0),
        st.tuples(st.just("integer"), st.sampled_from(["+", "-", "*", "/", "MOD"]), n, n),
        st.tuples(st.just("round"), st.sampled_from(["REAL_TO_DINT", "TRUNC"]), x),
    )


def truths(depth: int) -> st.SearchStrategy[Tree]:
    x = st.deferred(lambda: reals(max(0, depth - 1)))
    comparison = st.tuples(st.just("compare"), st.sampled_from([*COMPARE]), x, x)
    judgement = st.tuples(st.just("judge"), st.sampled_from(["IS_GOOD", "IS_BAD", "IS_UNCERTAIN"]), x)
    if depth == 0:
        return st.one_of(comparison, judgement)
    test = st.deferred(lambda: truths(depth - 1))
    return st.one_of(
        comparison,
        judgement,
        st.tuples(st.just("logic"), st.sampled_from(["AND", "OR", "XOR"]), test, test),
        st.tuples(st.just("not"), st.just("NOT"), test),
    )


def statements(depth: int) -> st.SearchStrategy[Tree]:
    real = st.tuples(st.just("assign"), st.sampled_from(["OUT1", "OUT2", "a", "b"]), reals(2))
    whole = st.tuples(st.just("assign"), st.sampled_from(["n", "m"]), integers(2))
    if depth == 0:
        return st.one_of(real, whole)
    body = st.lists(st.deferred(lambda: statements(depth - 1)), max_size=2)
    return st.one_of(
        real,
        whole,
        st.tuples(st.just("if"), st.just(""), truths(2), body, truths(1), body, body),
        st.tuples(st.just("case"), st.just(""), integers(1), body, body, body),
    )


def text_of(tree: Tree) -> str:
    """The tree in structured text, with every parenthesis."""
    kind, what, *parts = tree
    if kind == "number":
        return f"{what:.17f}" if what < 1e15 else f"{what:.16e}"
    if kind == "whole":
        return f"DINT#{what}"  # a plain number up to 32767 is INT, and INT + INT stays INT
    if kind == "name":
        return what
    if kind in ("call", "choose", "extreme", "mux", "round", "judge"):
        return f"{what}({', '.join(map(text_of, parts))})"
    if kind in ("negate", "not"):
        return f"({what} {text_of(parts[0])})"
    if kind == "assign":
        return f"{what} := {text_of(parts[0])};\n"
    if kind == "if":
        first, body, second, other, otherwise = parts
        return (
            f"IF {text_of(first)} THEN\n{block(body)}ELSIF {text_of(second)} THEN\n{block(other)}"
            f"ELSE\n{block(otherwise)}END_IF;\n"
        )
    if kind == "case":
        selector, one, more, otherwise = parts
        return f"CASE {text_of(selector)} OF\n1: {block(one)}0, 2..5: {block(more)}ELSE\n{block(otherwise)}END_CASE;\n"
    return f"({text_of(parts[0])} {what} {text_of(parts[1])})"


def block(body: list[Tree]) -> str:
    return "".join(map(text_of, body)) or ";"


def settled(tree: Tree) -> Tree:
    """The tree with the numbers as the text says them (it may say them shorter)."""
    if tree[0] == "number":
        return ("number", float(text_of(tree)))
    return tuple(
        settled(part) if isinstance(part, tuple) else [settled(one) for one in part] if isinstance(part, list) else part
        for part in tree
    )


class Evaluator:
    """Variables by name, evaluated by recursion."""

    def __init__(self, values: dict[str, Quantity]) -> None:
        self.values = dict(values)

    def expression(self, tree: Tree) -> Quantity:
        kind, what, *parts = tree
        if kind in ("number", "whole"):
            return float(what), 2
        if kind == "name":
            return self.values[what]
        if kind == "choose":
            test, no, yes = map(self.expression, parts)
            chosen = yes if test[0] else no
            return chosen[0], min(test[1], chosen[1])
        if kind == "mux":
            index, *inputs = map(self.expression, parts)
            if not 0 <= index[0] < len(inputs) or index[1] == 0:
                return 0.0, 0
            chosen = inputs[int(index[0])]
            return chosen[0], min(index[1], chosen[1])
        if kind == "judge":
            quality = self.expression(parts[0])[1]
            return float({"IS_GOOD": 2, "IS_BAD": 0, "IS_UNCERTAIN": 1}[what] == quality), 2
        operands = [self.expression(part) for part in parts]
        if kind == "logic" and what != "XOR":
            return logic(what, *operands)
        quality = min(q for _, q in operands)
        if quality == 0:
            return 0.0, 0
        try:
            value = compute(kind, what, [x for x, _ in operands])
        except (ArithmeticError, ValueError):
            return 0.0, 0
        return (value, quality) if math.isfinite(value) else (0.0, 0)

    def run(self, body: list[Tree], context: int = 2) -> None:
        for kind, what, *parts in body:
            if kind == "assign":
                value, quality = self.expression(parts[0])
                quality = min(quality, context)
                self.values[what] = (value, quality) if quality else (self.values[what][0], 0)
            elif kind == "if":
                first, yes, second, other, otherwise = parts
                self._branch([(first, yes), (second, other)], otherwise, context)
            else:
                selector, one, more, otherwise = parts
                value, quality = self.expression(selector)
                inner = min(context, quality)
                if inner:
                    self.run(one if value == 1 else more if value == 0 or 2 <= value <= 5 else otherwise, inner)
                self._join([one, more, otherwise], inner)

    def _branch(self, branches: list[tuple[Tree, list[Tree]]], otherwise: list[Tree], context: int) -> None:
        bodies = [body for _, body in branches] + [otherwise]
        for test, body in branches:
            value, quality = self.expression(test)
            context = min(context, quality)
            if context == 0 or value:
                if context:
                    self.run(body, context)
                break
        else:
            self.run(otherwise, context)
        self._join(bodies, context)

    def _join(self, bodies: list[list[Tree]], context: int) -> None:
        for name in assigned(bodies):
            value, quality = self.values[name]
            self.values[name] = (value, min(quality, context))


def assigned(bodies: list[list[Tree]]) -> set[str]:
    found: set[str] = set()
    for body in bodies:
        for kind, what, *parts in body:
            found |= {what} if kind == "assign" else assigned([part for part in parts if isinstance(part, list)])
    return found


def logic(what: str, one: Quantity, other: Quantity) -> Quantity:
    """Three-valued: an operand that decides alone answers with its own quality."""
    deciding = 0.0 if what == "AND" else 1.0
    alone = [q for x, q in (one, other) if x == deciding and q > 0]
    if alone:
        return deciding, max(alone)
    return 1.0 - deciding, min(one[1], other[1])


def compute(kind: str, what: str, x: list[float]) -> float:
    if kind in ("compare",):
        return float(COMPARE[what](x[0], x[1]))
    if kind == "logic":
        return float(x[0] != x[1])
    if kind == "not":
        return float(not x[0])
    if kind == "negate":
        return -x[0]
    if kind == "extreme":
        return min(x) if what == "MIN" else max(x)
    if kind == "power":
        result, factor, rest = 1.0, x[0], int(x[1])
        while rest:
            result = result * factor if rest % 2 else result
            factor, rest = factor * factor, rest // 2
        return result
    if kind == "round":
        if abs(x[0]) > 2 * DINT:
            raise ValueError
        return in_range(float(round(x[0]) if what == "REAL_TO_DINT" else math.trunc(x[0])))
    if kind == "call":
        if what == "EXP" and x[0] > 709.7:
            raise ValueError
        return ONE[what](x[0])
    if kind == "integer":
        a, b = int(x[0]), int(x[1])
        if what in ("/", "MOD"):
            quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
            return in_range(float(quotient if what == "/" else a - quotient * b))
        return in_range(float({"+": a + b, "-": a - b, "*": a * b}[what]))
    a, b = x
    return {"+": a + b, "-": a - b, "*": a * b}[what] if what != "/" else a / b


def in_range(value: float) -> float:
    if not -DINT <= value < DINT:
        raise ValueError
    return value
