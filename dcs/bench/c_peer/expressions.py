"""Expressions of step functions as C text, with the meaning that Python and Numba give them.

Called by   the translator of functions.
Knows       Python's syntax tree; a type for every expression. What it does not know it refuses with the line: a
            construct that is translated wrongly would show as other bits, one that is left out would not.
"""

import ast
import math
from collections.abc import Callable
from typing import NoReturn

from dcs.bench.c_peer.words import BOOL, F8, I8, CType, array_of, joined, table_of

Typed = tuple[str, CType]

_ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}
_BITS = {ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>"}
_COMPARE = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_MATH_FLOAT = {
    "exp", "log", "log2", "log10", "log1p", "expm1", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
    "cosh", "tanh", "fabs", "atan2", "pow", "fmod", "copysign", "hypot",
}  # fmt: skip
_MATH_TEST = {"isfinite", "isnan", "isinf"}
_MATH_WHOLE = {"floor", "ceil", "trunc"}


class CannotTranslate(Exception):
    """A construct that the translator does not know."""


class Expressions:
    """Translates expressions inside one function. ``locals``: types of local names, found so far."""

    def __init__(self, where: str, namespace: dict[str, object], call: Callable[..., Typed]) -> None:
        self.where = where
        self.namespace = namespace
        self.call_function = call
        self.locals: dict[str, CType] = {}
        self.line = 0
        self._temporaries = 0

    def refuse(self, node: ast.AST, what: str = "") -> NoReturn:
        """Raise with the place."""
        line = self.line + getattr(node, "lineno", 1) - 1
        text = ast.unparse(node) if isinstance(node, ast.expr | ast.stmt) else type(node).__name__
        raise CannotTranslate(f"{self.where}:{line}: {what or type(node).__name__} has no translation into C: {text}")

    def temporary(self) -> str:
        """A name that nobody else has."""
        self._temporaries += 1
        return f"t{self._temporaries}"

    def number(self, node: ast.expr) -> Typed:
        """An expression that must be a number."""
        code, kind = self.of(node)
        if not kind.is_number:
            self.refuse(node, f"a {kind.kind} where a number is needed")
        return code, kind

    def truth(self, node: ast.expr) -> str:
        """An expression as a condition."""
        code, kind = self.number(node)
        return code if kind == BOOL else f"({code} != 0)"

    def of(self, node: ast.expr) -> Typed:
        """C text and type."""
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            self.refuse(node)
        found: Typed = method(node)
        return found

    # --- names and constants ------------------------------------------------------------------------------
    def constant_text(self, node: ast.AST, value: object) -> Typed:
        """A number that Python knows."""
        if isinstance(value, bool):
            return str(int(value)), BOOL
        if isinstance(value, int):
            if not -(2**63) <= value < 2**63:
                self.refuse(node, "an integer beyond 64 bits")
            return (f"INT64_C({value})" if value > -(2**63) else "INT64_MIN"), I8
        if isinstance(value, float):
            if math.isnan(value):
                return "((double)NAN)", F8
            if math.isinf(value):
                return ("((double)INFINITY)" if value > 0 else "(-(double)INFINITY)"), F8
            return f"({value.hex()})", F8
        if isinstance(value, tuple) and value and all(isinstance(one, int | float) for one in value):
            parts = [self.constant_text(node, one) for one in value]
            kind = parts[0][1]
            for _, other in parts:
                kind = joined(kind, other) or kind
            element = "f8" if kind == F8 else "i8"
            c = "double" if element == "f8" else "int64_t"
            return f"((const {c}[]){{{', '.join(code for code, _ in parts)}}})", array_of(element, len(parts))
        if (
            isinstance(value, tuple)
            and value
            and all(isinstance(one, tuple) and len(one) == len(value[0]) for one in value)
        ):
            flat, kind = self.constant_text(node, tuple(number for row in value for number in row))
            return flat, table_of(kind.element, len(value), len(value[0]))
        self.refuse(node, f"a {type(value).__name__}")

    def _constant(self, node: ast.Constant) -> Typed:
        return self.constant_text(node, node.value)

    def _name(self, node: ast.Name) -> Typed:
        if node.id in self.locals:
            return f"v_{node.id}", self.locals[node.id]
        if node.id in self.namespace:
            return self.constant_text(node, self.namespace[node.id])
        self.refuse(node, "a name that is not known (or is not set on every way)")

    def _attribute(self, node: ast.Attribute) -> Typed:
        if isinstance(node.value, ast.Name) and node.value.id not in self.locals:
            module = self.namespace.get(node.value.id)
            if hasattr(module, node.attr):
                return self.constant_text(node, getattr(module, node.attr))
        code, kind = self.of(node.value)
        if kind.record is None or node.attr not in kind.record.index:
            self.refuse(node, "an attribute that is no field")
        f = kind.record.field(node.attr)
        text = f"{code}->f_{node.attr}"
        if f.count > 1:
            return text, array_of(f.dtype, f.count)
        return text, F8 if f.dtype == "f8" else I8

    def _subscript(self, node: ast.Subscript) -> Typed:
        code, kind = self.of(node.value)
        if kind.kind == "tuple":
            index = node.slice.value if isinstance(node.slice, ast.Constant) else None
            if not isinstance(index, int) or not 0 <= index < len(kind.parts):
                self.refuse(node, "an index into a tuple that is no constant")
            return f"{code}.p{index}", kind.parts[index]
        if kind.kind not in ("array", "table"):
            self.refuse(node)
        at, at_kind = self.number(node.slice)
        if at_kind == F8:
            self.refuse(node, "a float as an index")
        if kind.count and not (isinstance(node.slice, ast.Constant) and at_kind == I8):
            at = f"wrapped({at}, {kind.count})"
        if kind.kind == "table":
            return f"({code} + {kind.parts[0].count} * {at})", kind.parts[0]
        return f"{code}[{at}]", F8 if kind.element == "f8" else I8

    def _tuple(self, node: ast.Tuple) -> Typed:
        parts = [self.number(one) for one in node.elts]
        kind = CType("tuple", parts=tuple(part for _, part in parts))
        self.call_function(None, [], kind)  # so that its struct is declared
        return f"(({kind.c}){{{', '.join(code for code, _ in parts)}}})", kind

    # --- operators ------------------------------------------------------------------------------------------
    def _binop(self, node: ast.BinOp) -> Typed:
        left, left_kind = self.number(node.left)
        right, right_kind = self.number(node.right)
        kind = F8 if F8 in (left_kind, right_kind) else I8
        operator = type(node.op)
        if operator in _ARITHMETIC:
            return f"({left} {_ARITHMETIC[operator]} {right})", kind
        if operator is ast.Div:
            return f"((double){left} / (double){right})", F8
        if operator in (ast.FloorDiv, ast.Mod):
            function = ("floor_div" if operator is ast.FloorDiv else "modulo") + ("_f8" if kind == F8 else "_i8")
            return f"{function}({left}, {right})", kind
        if operator in _BITS and kind == I8:
            whole = BOOL if left_kind == right_kind == BOOL and operator not in (ast.LShift, ast.RShift) else I8
            return f"({left} {_BITS[operator]} {right})", whole
        self.refuse(node, f"the operator {operator.__name__}")

    def _unaryop(self, node: ast.UnaryOp) -> Typed:
        if isinstance(node.op, ast.Not):
            return f"(!{self.truth(node.operand)})", BOOL
        code, kind = self.number(node.operand)
        if isinstance(node.op, ast.Invert) and kind != F8:
            return f"(~{code})", I8
        sign = {ast.USub: "-", ast.UAdd: "+"}.get(type(node.op))
        if sign is None:
            self.refuse(node)
        return f"({sign}{code})", F8 if kind == F8 else I8

    def _boolop(self, node: ast.BoolOp) -> Typed:
        parts = [self.number(one) for one in node.values]
        if all(kind == BOOL for _, kind in parts):
            joint = " && " if isinstance(node.op, ast.And) else " || "
            return f"({joint.join(code for code, _ in parts)})", BOOL
        code, kind = parts[-1]
        for left, left_kind in reversed(parts[:-1]):  # `a and b` is b where a is true, else a
            kind = joined(kind, left_kind) or kind
            name = self.temporary()
            chosen = (
                f"{name} != 0 ? {code} : {name}" if isinstance(node.op, ast.And) else f"{name} != 0 ? {name} : {code}"
            )
            code = f"({{ {left_kind.c} {name} = {left}; {chosen}; }})"
        return code, kind

    def _compare(self, node: ast.Compare) -> Typed:
        if len(node.ops) == 1:
            return self._one_comparison(node, node.ops[0], self.of(node.left), node.comparators[0]), BOOL
        setting, tests = [], []
        left = self.number(node.left)
        for operator, right_node in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, ast.In | ast.NotIn):
                self.refuse(node, "`in` inside a chain")
            code, kind = self.number(right_node)
            name = self.temporary()
            setting.append(f"{kind.c} {name} = {code};")
            tests.append(f"{left[0]} {_COMPARE[type(operator)]} {name}")
            left = (name, kind)
        return f"({{ {' '.join(setting)} {' && '.join(tests)}; }})", BOOL

    def _one_comparison(self, node: ast.Compare, operator: ast.cmpop, left: Typed, right_node: ast.expr) -> str:
        if isinstance(operator, ast.In | ast.NotIn):
            if isinstance(right_node, ast.Tuple | ast.List):
                others = [self.number(one)[0] for one in right_node.elts]
            elif isinstance(right_node, ast.Name) and isinstance(self.namespace.get(right_node.id), tuple):
                values = self.namespace[right_node.id]
                assert isinstance(values, tuple)
                others = [self.constant_text(node, one)[0] for one in values]
            else:
                self.refuse(node, "`in` something that is no tuple")
            name = self.temporary()
            tests = " || ".join(f"{name} == {other}" for other in others)
            inside = f"({{ {left[1].c} {name} = {left[0]}; {tests}; }})"
            return inside if isinstance(operator, ast.In) else f"(!{inside})"
        if type(operator) not in _COMPARE:
            self.refuse(node)
        if not left[1].is_number:
            self.refuse(node, "a comparison of what is no number")
        return f"({left[0]} {_COMPARE[type(operator)]} {self.number(right_node)[0]})"

    def _ifexp(self, node: ast.IfExp) -> Typed:
        one, other = self.of(node.body), self.of(node.orelse)
        kind = joined(one[1], other[1])
        if kind is None:
            self.refuse(node)
        return f"({self.truth(node.test)} ? {self.converted(one, kind)} : {self.converted(other, kind)})", kind

    def converted(self, value: Typed, kind: CType) -> str:
        """A number as another kind of number; anything else as it is."""
        if value[1] == kind or not kind.is_number or F8 not in (value[1], kind):
            return value[0]
        return f"(({kind.c}){value[0]})"

    # --- calls ----------------------------------------------------------------------------------------------
    def _call(self, node: ast.Call) -> Typed:
        target: object = None
        if isinstance(node.func, ast.Name):
            name = node.func.id
            target = self.namespace.get(name)
            if target is None:
                return self._builtin(node, name)
        elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            module = self.namespace.get(node.func.value.id)
            if module is math:
                return self._math(node, node.func.attr)
            target = getattr(module, node.func.attr, None)
        if not callable(target):
            self.refuse(node, "a call of something that is no function")
        if target in vars(math).values():
            return self._math(node, getattr(target, "__name__", ""))
        return self.call_function(target, [self.of(one) for one in node.args], node)

    def _math(self, node: ast.Call, name: str) -> Typed:
        arguments = [self.number(one) for one in node.args]
        text = ", ".join(f"(double){code}" for code, _ in arguments)
        if name in _MATH_FLOAT:
            return f"{name}({text})", F8
        if name in _MATH_TEST:
            return f"({name}({text}) != 0)", BOOL
        if name in _MATH_WHOLE:
            return f"((int64_t){name}({text}))", I8
        self.refuse(node, f"math.{name}")

    def _builtin(self, node: ast.Call, name: str) -> Typed:
        if name == "len" and len(node.args) == 1:
            kind = self.of(node.args[0])[1]
            if kind.kind == "array" and kind.count:
                return f"INT64_C({kind.count})", I8
        arguments = [self.number(one) for one in node.args]
        code, kind = arguments[0] if arguments else ("", F8)
        if name in ("min", "max") and len(arguments) > 1 and not node.keywords:
            sign = "<" if name == "min" else ">"
            for other, other_kind in arguments[1:]:
                new = joined(kind, other_kind) or F8
                one, two = self.temporary(), self.temporary()
                code = f"({{ {new.c} {one} = {code}; {new.c} {two} = {other}; {two} {sign} {one} ? {two} : {one}; }})"
                kind = new
            return code, kind
        if len(arguments) != 1 or node.keywords:
            self.refuse(node)
        if name == "abs":
            return (f"fabs({code})", F8) if kind == F8 else (f"absolute({code})", I8)
        if name == "float":
            return f"((double){code})", F8
        if name == "int":
            return f"((int64_t){code})", I8
        if name == "bool":
            return f"({code} != 0)", BOOL
        if name == "round":
            return (f"((int64_t)rint({code}))", I8) if kind == F8 else (code, I8)
        self.refuse(node, f"the function {name}")
