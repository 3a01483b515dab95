"""Step functions as C: the same arithmetic in the same order, so that the two can be compared to the last bit.

Called by   the C program of the benchmark, and by the test that holds every block of the library against it.
Knows       the subset of Python in which steps are written (``docs/how-to`` of own blocks): numbers, fields, ``if``,
            ``while``, ``for … in range``, helper functions. A function is translated once for each combination of
            argument types, as Numba compiles it; the types of local names follow from what is assigned.
Promise     what is not understood is refused with file and line, never guessed.
"""

import ast
import inspect
import textwrap
import types
from typing import Any

from dcs.bench.c_peer.expressions import CannotTranslate, Expressions, Typed
from dcs.bench.c_peer.words import BOOL, F8, I8, NONE, CType, array_of, joined, record_of, struct_text, tuple_text
from dcs.blocks.declare import BlockType
from dcs.engine import memory
from dcs.engine.kernels import kernel_lines
from dcs.engine.sources import plain_function, step_of

PRELUDE = """\
#include <math.h>
#include <stdint.h>

static inline int64_t wrapped(int64_t index, int64_t count) { return index < 0 ? index + count : index; }
static inline int64_t absolute(int64_t x) { return x < 0 ? -x : x; }
static inline int64_t floor_div_i8(int64_t a, int64_t b)
{
    if (b == 0) return 0;
    return a / b - ((a % b != 0) && ((a < 0) != (b < 0)));
}
static inline int64_t modulo_i8(int64_t a, int64_t b)
{
    if (b == 0) return 0;
    int64_t rest = a % b;
    return rest != 0 && ((rest < 0) != (b < 0)) ? rest + b : rest;
}
static inline double modulo_f8(double a, double b)
{
    double rest = fmod(a, b);
    if (b == 0.0) return rest;
    if (rest != 0.0) return (b < 0.0) != (rest < 0.0) ? rest + b : rest;
    return copysign(0.0, b);
}
static inline double floor_div_f8(double a, double b)
{
    if (b == 0.0) return a / b;
    double rest = fmod(a, b), quotient = (a - rest) / b;
    if (rest != 0.0 && ((b < 0.0) != (rest < 0.0))) quotient -= 1.0;
    if (quotient == 0.0) return copysign(0.0, a / b);
    double whole = floor(quotient);
    return quotient - whole > 0.5 ? whole + 1.0 : whole;
}
"""


class Program:
    """Collects the C text of functions and kernels."""

    def __init__(self) -> None:
        self._done: dict[tuple[types.FunctionType, tuple[CType, ...]], tuple[str, CType]] = {}
        self._structs: dict[str, str] = {}
        self._texts: list[str] = []
        self._named = 0

    @property
    def text(self) -> str:
        """Everything so far, in an order that C accepts."""
        return "\n\n".join([PRELUDE, *self._structs.values(), *self._texts]) + "\n"

    def kernel(self, kind: BlockType) -> str:
        """Translate a type's step and the loop around it; returns the kernel's name. Raises ``CannotTranslate``."""
        body = "\n".join("    " + line for line in kernel_lines(kind))
        names = "as_words, as_numbers, b, reads, dt_s, elapsed_s, time_ns, first_subject, index"
        source = f"def kernel({names}):\n{body}\n"
        namespace: dict[str, Any] = {}
        exec(compile(source, f"<kernel of {kind.name}>", "exec"), namespace)  # our own text, for its names
        function = namespace["kernel"]
        parts = {"STEP": step_of(kind), "EMIT": memory.emit, "EMIT_MODE": memory.emit_mode}
        parameters = [array_of("i8"), array_of("f8"), record_of(kind), array_of("u4"), F8, F8, I8, I8, I8]
        tree = ast.parse(source).body[0]
        assert isinstance(tree, ast.FunctionDef)
        name, _ = self._translate(function, parameters, tree, parts, f"kernel of {kind.name}", 1)
        self._texts.append(
            f"void kernel_{kind.name}(int64_t *words, double *numbers, void *records, int64_t count,\n"
            "    const uint32_t *reads, double dt_s, double elapsed_s, int64_t time_ns, int64_t subject)\n{\n"
            f"    struct {kind.name} *blocks = records;\n"
            "    for (int64_t i = 0; i < count; i++)\n"
            f"        {name}(words, numbers, blocks + i, reads, dt_s, elapsed_s, time_ns, subject, i);\n}}"
        )
        return f"kernel_{kind.name}"

    def call(self, target: object, arguments: list[Typed], node: Any, caller: Expressions | None = None) -> Typed:
        """The call of a Python function; ``target`` None only declares the tuple type ``node``."""
        if target is None:
            self._declare(node)
            return "", node
        assert caller is not None
        if not isinstance(target, types.FunctionType):
            caller.refuse(node, "a call of something that is no plain function")
        names = list(inspect.signature(target).parameters)
        given: dict[str, Typed] = dict(zip(names, arguments, strict=False))
        if len(arguments) > len(names):
            caller.refuse(node, "too many arguments")
        for keyword in node.keywords:
            if keyword.arg not in names:
                caller.refuse(node, "an argument that is not there")
            given[keyword.arg] = caller.of(keyword.value)
        for name, parameter in inspect.signature(target).parameters.items():
            if name not in given:
                if parameter.default is inspect.Parameter.empty:
                    caller.refuse(node, f"no argument for {name}")
                given[name] = caller.constant_text(node, parameter.default)
        values = [given[name] for name in names]
        name, returns = self._function(target, tuple(kind for _, kind in values))
        return f"{name}({', '.join(code for code, _ in values)})", returns

    def _function(self, function: types.FunctionType, parameters: tuple[CType, ...]) -> tuple[str, CType]:
        if (function, parameters) not in self._done:
            lines, first = inspect.getsourcelines(function)
            tree = ast.parse(textwrap.dedent("".join(lines))).body[0]
            file = inspect.getsourcefile(function) or ""
            if not isinstance(tree, ast.FunctionDef):
                raise CannotTranslate(f"{file}:{first}: this is no function")
            found = self._translate(function, list(parameters), tree, function.__globals__, file, first)
            self._done[function, parameters] = found
        return self._done[function, parameters]

    def _translate(
        self, function: types.FunctionType, parameters: list[CType], tree: ast.FunctionDef,
        namespace: dict[str, Any], file: str, first: int,
    ) -> tuple[str, CType]:  # fmt: skip
        plain_function(function)
        self._named += 1
        name = f"{function.__name__}_{self._named}"
        body = _Body(self, file, first, namespace, tree, parameters)
        text, returns = body.translated()
        for kind in (*parameters, returns):
            self._declare(kind)
        signature = ", ".join(
            f"{kind.c} a_{argument.arg}" for argument, kind in zip(tree.args.args, parameters, strict=True)
        )
        self._texts.append(f"static inline {returns.c} {name}({signature})\n{{\n{text}\n}}")
        return name, returns

    def _declare(self, kind: CType) -> None:
        if kind.record is not None:
            self._structs.setdefault(kind.record.name, struct_text(kind.record))
        if kind.kind == "tuple":
            self._structs.setdefault(kind.c, tuple_text(kind))


class _Body:
    """The statements of one function for one combination of argument types."""

    def __init__(
        self, program: Program, file: str, first: int, namespace: dict[str, Any], tree: ast.FunctionDef,
        parameters: list[CType],
    ) -> None:  # fmt: skip
        arguments = tree.args
        self.tree = tree
        self.expressions = Expressions(
            file, namespace, lambda target, values, node: program.call(target, values, node, self.expressions)
        )
        self.expressions.line = first
        if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs:
            self.expressions.refuse(tree, "an argument list of that kind")
        self.parameters = {argument.arg: kind for argument, kind in zip(arguments.args, parameters, strict=True)}
        self.expressions.locals.update(self.parameters)
        self.returns: CType | None = None
        self.lines: list[str] = []

    def translated(self) -> tuple[str, CType]:
        """Text of the body and the type of its result; repeated until the types of all locals have settled."""
        while True:
            before = (dict(self.expressions.locals), self.returns)
            self.lines = []
            self._block(self.tree.body, 1)
            if before == (self.expressions.locals, self.returns):
                break
        locals_ = []
        for name, kind in self.expressions.locals.items():
            start = f"a_{name}" if name in self.parameters else "{0}" if kind.kind == "tuple" else "0"
            locals_.append(f"    {kind.c} v_{name} = {start};")
        return "\n".join([*locals_, *self.lines]), self.returns or NONE

    def _put(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def _block(self, statements: list[ast.stmt], depth: int) -> None:
        for statement in statements:
            method = getattr(self, f"_{type(statement).__name__.lower()}", None)
            if method is None:
                self.expressions.refuse(statement)
            method(statement, depth)

    def _pass(self, node: ast.Pass, depth: int) -> None:
        self._put(depth, ";")

    def _break(self, node: ast.Break, depth: int) -> None:
        self._put(depth, "break;")

    def _continue(self, node: ast.Continue, depth: int) -> None:
        self._put(depth, "continue;")

    def _expr(self, node: ast.Expr, depth: int) -> None:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return  # a docstring
        self._put(depth, f"{self.expressions.of(node.value)[0]};")

    def _return(self, node: ast.Return, depth: int) -> None:
        if node.value is None:
            self._put(depth, "return;")
            return
        value = self.expressions.of(node.value)
        kind = value[1] if self.returns is None else joined(self.returns, value[1])
        if kind is None:
            self.expressions.refuse(node, "results of two kinds")
        self.returns = kind
        code = value[0]
        if kind.kind == "tuple" and kind != value[1]:
            parts = ", ".join(f"r.p{n}" for n in range(len(kind.parts)))
            code = f"({{ {value[1].c} r = {code}; ({kind.c}){{{parts}}}; }})"
        self._put(depth, f"return {self.expressions.converted((code, value[1]), kind)};")

    def _if(self, node: ast.If, depth: int) -> None:
        self._put(depth, f"if ({self.expressions.truth(node.test)}) {{")
        self._block(node.body, depth + 1)
        if node.orelse:
            self._put(depth, "} else {")
            self._block(node.orelse, depth + 1)
        self._put(depth, "}")

    def _while(self, node: ast.While, depth: int) -> None:
        if node.orelse:
            self.expressions.refuse(node, "`else` of a loop")
        self._put(depth, f"while ({self.expressions.truth(node.test)}) {{")
        self._block(node.body, depth + 1)
        self._put(depth, "}")

    def _for(self, node: ast.For, depth: int) -> None:
        call = node.iter
        named = isinstance(node.target, ast.Name)
        if node.orelse or not named:
            self.expressions.refuse(node, "a loop of that kind")
        assert isinstance(node.target, ast.Name)
        name = node.target.id
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "range"):
            code, kind = self._values(call) if isinstance(call, ast.Tuple) else self.expressions.of(call)
            if kind.kind != "array" or not kind.count:
                self.expressions.refuse(node, "a loop over something that is no range")
            counter = self.expressions.temporary()
            self._remember(node, name, F8 if kind.element == "f8" else I8)
            self._put(depth, f"for (int64_t {counter} = 0; {counter} < {kind.count}; {counter}++) {{")
            self._put(depth + 1, f"v_{name} = {code}[{counter}];")
            self._block(node.body, depth + 1)
            self._put(depth, "}")
            return
        ends = [self.expressions.number(one) for one in call.args]
        if any(kind == F8 for _, kind in ends) or not 1 <= len(ends) <= 3:
            self.expressions.refuse(node, "a range of that kind")
        start = ends[0][0] if len(ends) > 1 else "0"
        stop = ends[1][0] if len(ends) > 1 else ends[0][0]
        by = ends[2][0] if len(ends) > 2 else "1"
        counter, limit, step = (self.expressions.temporary() for _ in range(3))
        self._remember(node, name, I8)
        self._put(
            depth,
            f"for (int64_t {counter} = {start}, {limit} = {stop}, {step} = {by}; "
            f"{step} > 0 ? {counter} < {limit} : {counter} > {limit}; {counter} += {step}) {{",
        )
        self._put(depth + 1, f"v_{name} = {counter};")
        self._block(node.body, depth + 1)
        self._put(depth, "}")

    def _values(self, node: ast.Tuple) -> Typed:
        """Numbers that stand in the text, as an array."""
        parts = [self.expressions.number(one) for one in node.elts]
        element = "f8" if any(kind == F8 for _, kind in parts) else "i8"
        kind = array_of(element, len(parts))
        return f"(({kind.c.replace(' *', '[]')}){{{', '.join(code for code, _ in parts)}}})", kind

    def _augassign(self, node: ast.AugAssign, depth: int) -> None:
        target = ast.parse(ast.unparse(node.target), mode="eval").body  # the same place, read
        value = ast.copy_location(ast.BinOp(target, node.op, node.value), node)
        ast.fix_missing_locations(value)
        self._assign_one(node, node.target, self.expressions.of(value), depth)

    def _annassign(self, node: ast.AnnAssign, depth: int) -> None:
        if node.value is not None:
            self._assign_one(node, node.target, self.expressions.of(node.value), depth)

    def _assign(self, node: ast.Assign, depth: int) -> None:
        if len(node.targets) == 1 and not isinstance(node.targets[0], ast.Tuple):
            self._assign_one(node, node.targets[0], self.expressions.of(node.value), depth)
            return
        if isinstance(node.value, ast.Tuple):
            values = [self.expressions.of(one) for one in node.value.elts]
        else:
            values = [self.expressions.of(node.value)]
        kept = []
        for code, kind in values:  # all values first, then all targets
            name = self.expressions.temporary()
            self._put(depth, f"{kind.c} {name} = {code};")
            kept.append((name, kind))
        for target in node.targets:
            if not isinstance(target, ast.Tuple):
                if len(kept) != 1 or isinstance(node.value, ast.Tuple):
                    self.expressions.refuse(node)
                self._assign_one(node, target, kept[0], depth)
                continue
            parts = kept
            if len(kept) == 1 and kept[0][1].kind == "tuple":
                parts = [(f"{kept[0][0]}.p{n}", part) for n, part in enumerate(kept[0][1].parts)]
            if len(parts) != len(target.elts):
                self.expressions.refuse(node, "an assignment of that many values")
            for one, value in zip(target.elts, parts, strict=True):
                self._assign_one(node, one, value, depth)

    def _assign_one(self, node: ast.stmt, target: ast.expr, value: Typed, depth: int) -> None:
        if isinstance(target, ast.Name):
            self._remember(node, target.id, value[1])
            self._put(depth, f"v_{target.id} = {value[0]};")
            return
        place, kind = self.expressions.of(target)
        if not isinstance(target, ast.Attribute | ast.Subscript) or not kind.is_number or not value[1].is_number:
            self.expressions.refuse(node, "an assignment to that")
        if kind != F8 and value[1] == F8:
            self.expressions.refuse(node, "a float stored in a whole number")
        self._put(depth, f"{place} = {value[0]};")

    def _remember(self, node: ast.stmt, name: str, kind: CType) -> None:
        known = self.expressions.locals.get(name)
        both = kind if known is None else joined(known, kind)
        if both is None or both == NONE:
            self.expressions.refuse(node, "a name for values of two kinds")
        self.expressions.locals[name] = I8 if both == BOOL and known not in (None, BOOL) else both
