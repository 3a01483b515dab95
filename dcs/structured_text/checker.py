"""Types and names: from what stands in the text to what can be executed.

Called by   the compiler.
Knows       the types BOOL, INT, DINT, REAL (= LREAL), TIME; the implicit conversions INT → DINT → REAL and no other.
Source      IEC 61131-3: types, operators with the types they take.
"""

from dcs.blocks import program as vm
from dcs.structured_text.errors import Position, TextError, suggestion
from dcs.structured_text.functions import FUNCTIONS, Function, conversion, function_names
from dcs.structured_text.lexer import INTEGER_RANGES, TYPES
from dcs.structured_text.scope import CONSTANT, INPUT, READ_ONLY, Scope, Symbol
from dcs.structured_text.syntax import (
    Assignment,
    Binary,
    Call,
    Case,
    Expression,
    If,
    Label,
    Literal,
    Name,
    Statement,
    Unary,
)
from dcs.structured_text.typed import Action, Apply, Branches, Constant, Load, Store, Switch, Value

WIDTHS = {"INT": 0, "DINT": 1, "REAL": 2}
"""Numbers, each of which can become the next without being asked."""

_CHECKS = {"INT": vm.CHECK_INT, "DINT": vm.CHECK_DINT}
_ARITHMETIC = {"+": vm.ADD, "-": vm.SUBTRACT, "*": vm.MULTIPLY, "/": vm.DIVIDE}
_EQUALITY = {"=": vm.EQUAL, "<>": vm.UNEQUAL}
_ORDER = {"<": vm.LESS, "<=": vm.AT_MOST, ">": vm.GREATER, ">=": vm.AT_LEAST}
_LOGIC = {"AND": vm.AND, "OR": vm.OR, "XOR": vm.XOR}


class Checker:
    """Checks statements and expressions against one scope."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    # --- statements -------------------------------------------------------------------------------------------
    def actions(self, statements: tuple[Statement, ...]) -> tuple[Action, ...]:
        """Statements in their order. Raises ``TextError``."""
        return tuple(self._action(statement) for statement in statements)

    def _action(self, statement: Statement) -> Action:
        if isinstance(statement, Assignment):
            return self._store(statement)
        if isinstance(statement, If):
            branches = tuple((self.condition(test), self.actions(body)) for test, body in statement.branches)
            otherwise = self.actions(statement.otherwise)
            return Branches(branches, otherwise, _assigned(*(body for _, body in branches), otherwise))
        return self._switch(statement)

    def _store(self, statement: Assignment) -> Store:
        target = statement.target
        symbol = self._scope.find(target.text, target.at)
        if symbol.role in (INPUT, CONSTANT, READ_ONLY):
            article = "an" if symbol.role == INPUT else "a"
            raise TextError(f"`{target.text}` is {article} {symbol.role} and cannot be assigned to.", target.at)
        if symbol.owner:
            raise TextError(
                f"`{target.text}` is set by the action {symbol.owner}, so nothing else can be assigned to it.",
                target.at,
            )
        return Store(symbol.slot, self._fitting(statement.value, symbol.type, target.text))

    def constant(self, expression: Expression, kind: str, name: str) -> float:
        """The value of an expression that must be one number of that type. Raises ``TextError``."""
        value = self._fitting(expression, kind, name)
        if not isinstance(value, Constant):
            raise TextError(f"the initial value of `{name}` must be one number.", position_of(expression))
        return value.value

    def _fitting(self, expression: Expression, kind: str, name: str) -> Value:
        value = self.value(expression)
        if not _fits(value.type, kind):
            raise TextError(
                f"`{name}` is of type {kind}, but what is assigned is of type {value.type}."
                + _remedy(value.type, kind),
                position_of(expression),
            )
        return value

    def _switch(self, statement: Case) -> Switch:
        selector = self.value(statement.selector)
        if selector.type not in ("INT", "DINT"):
            raise TextError(
                f"the selector of a CASE must be INT or DINT, but this is {selector.type}."
                + _remedy(selector.type, "INT"),
                position_of(statement.selector),
            )
        taken: list[tuple[float, float]] = []
        arms = []
        for labels, body in statement.arms:
            ranges = tuple(self._range(label, taken) for label in labels)
            arms.append((ranges, self.actions(body)))
        otherwise = self.actions(statement.otherwise)
        return Switch(selector, tuple(arms), otherwise, _assigned(*(body for _, body in arms), otherwise))

    def _range(self, label: Label, taken: list[tuple[float, float]]) -> tuple[float, float]:
        low, high = self._label(label.low), self._label(label.high)
        at = position_of(label.low)
        if low > high:
            raise TextError(f"the range goes from {low:.0f} to {high:.0f}. Exchange its ends.", at)
        for other_low, other_high in taken:
            if low <= other_high and high >= other_low:
                raise TextError(f"the label {max(low, other_low):.0f} is already used in this CASE. Delete one.", at)
        taken.append((low, high))
        return low, high

    def _label(self, expression: Expression) -> float:
        value = self.value(expression)
        if not isinstance(value, Constant) or value.type not in ("INT", "DINT"):
            raise TextError("a label must be a whole number or a constant of type INT.", position_of(expression))
        return value.value

    # --- expressions ------------------------------------------------------------------------------------------
    def condition(self, expression: Expression) -> Value:
        """An expression that must be BOOL. Raises ``TextError``."""
        value = self.value(expression)
        if value.type != "BOOL":
            raise TextError(
                f"a condition must be BOOL, but this is {value.type}. Compare it with something.",
                position_of(expression),
            )
        return value

    def value(self, expression: Expression) -> Value:
        """An expression of any type. Raises ``TextError``."""
        if isinstance(expression, Literal):
            return Constant(expression.value, expression.type)
        if isinstance(expression, Name):
            return self._name(expression)
        if isinstance(expression, Unary):
            return self._unary(expression)
        if isinstance(expression, Binary):
            return self._binary(expression)
        return self._call(expression)

    def _name(self, name: Name) -> Value:
        symbol = self._scope.find(name.text, name.at)
        if symbol.role == CONSTANT:
            return Constant(symbol.value, symbol.type)
        return _from_wire(symbol, name.at) if symbol.raw else Load(symbol.slot, symbol.type)

    def _unary(self, expression: Unary) -> Value:
        value = self.value(expression.operand)
        if expression.operator == "NOT":
            _need(value.type == "BOOL", f"NOT needs BOOL, but this is {value.type}.", expression.operand)
            return Apply(vm.NOT, (value,), "BOOL", expression.at)
        wanted = f"`{expression.operator}` needs a number or a TIME, but this is {value.type}."
        _need(value.type != "BOOL", wanted, expression.operand)
        if expression.operator == "+":
            return value
        return _checked(Apply(vm.NEGATE, (value,), value.type, expression.at))

    def _binary(self, expression: Binary) -> Value:
        left, right = self.value(expression.left), self.value(expression.right)
        operator, at = expression.operator, expression.at
        types = f"{left.type} and {right.type}"
        both_numbers = left.type in WIDTHS and right.type in WIDTHS
        if operator in _LOGIC:
            for value, side in ((left, expression.left), (right, expression.right)):
                _need(value.type == "BOOL", f"{operator} needs BOOL, but this is {value.type}.", side)
            return Apply(_LOGIC[operator], (left, right), "BOOL", at)
        if operator in _EQUALITY or operator in _ORDER:
            if not both_numbers and (left.type != right.type or (left.type == "BOOL" and operator in _ORDER)):
                raise TextError(f"`{operator}` cannot compare {types}.", at)
            return Apply(_EQUALITY.get(operator) or _ORDER[operator], (left, right), "BOOL", at)
        if operator == "**":
            if not both_numbers:
                raise TextError(f"`**` needs numbers, but these are {types}.", at)
            return Apply(vm.POWER, (left, right), "REAL", at)
        if operator == "MOD":
            if not both_numbers or "REAL" in (left.type, right.type):
                raise TextError(f"MOD needs INT or DINT, but these are {types}.", at)
            return Apply(vm.REMAINDER, (left, right), _wider(left.type, right.type), at)
        return self._arithmetic(operator, left, right, at)

    def _arithmetic(self, operator: str, left: Value, right: Value, at: Position) -> Value:
        op = _ARITHMETIC[operator]
        pair = (left.type, right.type)
        if "TIME" in pair:
            same = pair == ("TIME", "TIME")
            scaled = left.type == "TIME" and right.type in WIDTHS
            if (operator in "+-" and same) or (operator in "*/" and scaled):
                return Apply(op, (left, right), "TIME", at)
            if operator == "/" and same:
                return Apply(op, (left, right), "REAL", at)
            if operator == "*" and left.type in WIDTHS:
                return Apply(op, (left, right), "TIME", at)
        if left.type not in WIDTHS or right.type not in WIDTHS:
            raise TextError(f"`{operator}` cannot combine {left.type} and {right.type}.", at)
        kind = _wider(left.type, right.type)
        if kind != "REAL" and operator in "+-*" and isinstance(left, Constant) and isinstance(right, Constant):
            return _folded(operator, left.value, right.value, at)
        if operator == "/" and kind != "REAL":
            op = vm.DIVIDE_WHOLE
        return _checked(Apply(op, (left, right), kind, at))

    def _call(self, call: Call) -> Value:
        name = call.function.upper()
        pair = conversion(name)
        if pair is not None:
            return self._convert(call, *pair)
        function = FUNCTIONS.get(name)
        if function is None:
            hint = suggestion(name, function_names()) or f" There are {', '.join(FUNCTIONS)}, and conversions."
            raise TextError(f"there is no function `{call.function}`.{hint}", call.at)
        wanted = [word for word in function.arguments if word != "…"]
        count = len(call.arguments)
        if count < len(wanted) or (count > len(wanted) and not function.repeats):
            more = " or more" if function.repeats else ""
            raise TextError(
                f"{name} needs {len(wanted)}{more} argument{'s' if len(wanted) > 1 or more else ''}, but has {count}: "
                f"{function.signature(name)}.",
                call.at,
            )
        wanted += [wanted[-1]] * (count - len(wanted))
        values = [self._argument(argument, word, name) for argument, word in zip(call.arguments, wanted, strict=True)]
        return self._applied(name, function, values, wanted, call)

    def _argument(self, argument: Expression, word: str, name: str) -> Value:
        value = self.value(argument)
        numeric = value.type in WIDTHS
        fits = {
            "ANY": value.type != "BOOL" or name in ("SEL", "MUX"),
            "EACH": True,
            "NUM": numeric,
            "REAL": numeric,
            "INT": value.type in ("INT", "DINT"),
            "BOOL": value.type == "BOOL",
        }[word]
        words = {"NUM": "a number", "ANY": "a number or a TIME"}.get(word, word)
        remedy = _remedy(value.type, word) if word in TYPES else ""
        _need(fits, f"{name} needs {words} here, but this is {value.type}.{remedy}", argument)
        return value

    def _applied(self, name: str, function: Function, values: list[Value], wanted: list[str], call: Call) -> Value:
        common = values[-1].type
        for value, word, argument in zip(values, wanted, call.arguments, strict=True):
            if word in ("ANY", "NUM"):
                if value.type not in WIDTHS or common not in WIDTHS:
                    text = f"the arguments of {name} must be of one type, but these are {value.type} and {common}."
                    _need(value.type == common, text, argument)
                else:
                    common = _wider(common, value.type)
        kind = common if function.result == "SAME" else function.result
        if name in ("MIN", "MAX"):
            folded = values[0]
            for value in values[1:]:
                folded = Apply(function.op, (folded, value), kind, call.at)
            return folded
        if name == "LIMIT":
            low, value, high = values
            return Apply(vm.MINIMUM, (Apply(vm.MAXIMUM, (value, low), kind, call.at), high), kind, call.at)
        made = Apply(function.op, tuple(values), kind, call.at, len(values) - 1 if name == "MUX" else 0)
        return _checked(made) if name in ("ABS", "TRUNC") else made

    def _convert(self, call: Call, source: str, target: str) -> Value:
        name = call.function.upper()
        if len(call.arguments) != 1:
            raise TextError(f"{name} needs 1 argument, but has {len(call.arguments)}.", call.at)
        value = self.value(call.arguments[0])
        need, result = TYPES[source], TYPES[target]
        _need(_fits(value.type, need), f"{name} needs {need}, but this is {value.type}.", call.arguments[0])
        return converted(value, need, result, call.at)


def converted(value: Value, source: str, target: str, at: Position) -> Value:
    """``value`` of type ``source`` as ``target``: REAL to integers rounds halves to even, times are seconds."""
    if target == "BOOL":
        return Apply(vm.NOT_ZERO, (value,), "BOOL", at)
    if target in _CHECKS:
        if source in ("REAL", "TIME"):
            return _checked(Apply(vm.ROUND, (value,), target, at))
        if source == "DINT" and target == "INT":
            return Apply(vm.CHECK_INT, (value,), target, at)
    return _retyped(value, target)


def position_of(expression: Expression) -> Position:
    """Where an expression begins."""
    return position_of(expression.left) if isinstance(expression, Binary) else expression.at


def _retyped(value: Value, target: str) -> Value:
    if isinstance(value, Constant):
        return Constant(value.value, target)
    if isinstance(value, Load):
        return Load(value.slot, target)
    return Apply(value.op, value.values, target, value.at, value.operand)


def _from_wire(symbol: Symbol, at: Position) -> Value:
    """A number from a wire as the type under which it was declared."""
    return converted(Load(symbol.slot, "REAL"), "REAL", symbol.type, at)


def _checked(value: Apply) -> Apply:
    """The result, Bad when it does not fit its integer type."""
    check = _CHECKS.get(value.type)
    return value if check is None else Apply(check, (value,), value.type, value.at)


def _fits(found: str, wanted: str) -> bool:
    if found in WIDTHS and wanted in WIDTHS:
        return WIDTHS[found] <= WIDTHS[wanted]
    return found == wanted


def _folded(operator: str, left: float, right: float, at: Position) -> Constant:
    """Whole constants are computed here, in the smallest type that holds the result: 200 * 200 is a DINT."""
    value = left + right if operator == "+" else left - right if operator == "-" else left * right
    for name, (low, high) in INTEGER_RANGES.items():
        if low <= value <= high:
            return Constant(value, name)
    low, high = INTEGER_RANGES["DINT"]
    raise TextError(f"the result {value:.0f} does not fit into DINT, which goes from {low} to {high}.", at)


def _wider(one: str, other: str) -> str:
    return one if WIDTHS[one] >= WIDTHS[other] else other


def _remedy(found: str, wanted: str) -> str:
    name = f"{found}_TO_{wanted}"
    return f" Convert it with {name}." if conversion(name) else ""


def _need(condition: bool, sentence: str, where: Expression) -> None:
    if not condition:
        raise TextError(sentence, position_of(where))


def _assigned(*bodies: tuple[Action, ...]) -> tuple[int, ...]:
    """Places that statements may write, each once."""
    found: list[int] = []
    for body in bodies:
        for action in body:
            found += [action.slot] if isinstance(action, Store) else action.assigned
    return tuple(dict.fromkeys(found))
