"""What a step function is made of: the check of its text, its compilable form, and a hash of everything it depends on.

Called by   the plan compiler (check, hash) and the kernels (compilable form). Knows Python functions; no Numba.
"""

import ast
import dis
import hashlib
import inspect
import textwrap
import types
from collections.abc import Callable
from functools import cache
from pathlib import Path

from dcs.blocks.declare import BlockType
from dcs.core.errors import ConfigError, Place
from dcs.engine.image import nearest

SERVED = ("elapsed_s", "now_ns")
"""Arguments that a step may have after ``b`` and ``dt_s``."""


def parts_of(function: types.FunctionType) -> dict[str, object]:
    """The globals that a function reads, constants and helper functions, by name; the name of a field is none."""
    names = _global_names(function.__code__)
    return {name: function.__globals__[name] for name in names if name in function.__globals__}


def functions_of(function: types.FunctionType) -> list[types.FunctionType]:
    """The function and every Python function it calls, directly or not, each once."""
    found = [function]
    for one in found:
        for part in parts_of(one).values():
            if isinstance(part, types.FunctionType) and part not in found:
                found.append(part)
    return found


def step_of(kind: BlockType) -> types.FunctionType:
    """The step function of a type. Raises ``ConfigError`` where there is none."""
    if not isinstance(kind.step, types.FunctionType):
        raise ConfigError(f"block type {kind.name} has no step function. Add one with @step({kind.name}).")
    return kind.step


def reads_whole(name: str) -> bool:
    """Is what a step reads of other records under that name a whole number? A status and a code are."""
    return name.endswith(("_status", "_code"))


def arguments_of(kind: BlockType) -> tuple[str, ...]:
    """What a step asks for beside its record and ``dt_s``. Raises ``ConfigError`` for what nobody can give."""
    code = step_of(kind).__code__
    found = code.co_varnames[2 : code.co_argcount]
    for name in found:
        if name not in (*SERVED, *kind.reads):
            raise ConfigError(f"block type {kind.name}: its step asks for `{name}`; it can have {', '.join(SERVED)}.")
    return found


def source_hash(kind: BlockType) -> str:
    """Hexadecimal digest of a declaration and of every function and constant its step depends on.

    A compiled kernel is found again by this: Numba itself looks at one file only and would return the old answer after
    an edit of a helper in another one.
    """
    declaration = hashlib.blake2b(repr((kind.name, kind.dtype.descr)).encode(), digest_size=8).hexdigest()
    return declaration + functions_hash(step_of(kind))


def functions_hash(*roots: types.FunctionType) -> str:
    """Hexadecimal digest of functions, of all they call and of every constant they name."""
    digest = hashlib.blake2b(digest_size=12)
    for function in dict.fromkeys(called for root in roots for called in functions_of(root)):
        digest.update(function.__qualname__.encode())
        digest.update(_code_bytes(function.__code__))
        for name, part in sorted(parts_of(function).items()):
            if isinstance(part, types.ModuleType):
                digest.update(_module_bytes(name, part))
            elif not isinstance(part, types.FunctionType):
                digest.update(f"{name}={part!r}".encode())
    return digest.hexdigest()


def plain_function(function: Callable[..., object]) -> types.FunctionType:
    """The function itself, once it is known to be one written in Python."""
    if not isinstance(function, types.FunctionType):
        raise TypeError(f"{function!r} is no plain Python function")
    return function


@cache
def check_step(kind: BlockType) -> None:
    """Refuse what would fail late or differ between compiled and uncompiled. Raises ``ConfigError`` with the line."""
    names = {f.name for f in kind.fields}
    arguments_of(kind)
    _refuse_recursion(kind, step_of(kind), ())
    for function in functions_of(step_of(kind)):
        place, tree = _tree(function)
        if tree is None:
            continue
        definition = tree.body[0]
        assert isinstance(definition, ast.FunctionDef)
        arguments = [argument.arg for argument in definition.args.args]
        record = arguments[0] if arguments and (function is kind.step or arguments[0] == "b") else ""
        for node in ast.walk(definition):
            where = Place(place.file, place.line + getattr(node, "lineno", 1) - 1)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                if node.value.id == record and node.attr not in names:
                    raise ConfigError(
                        f"block type {kind.name}: `{record}.{node.attr}` is not declared.{nearest(node.attr, names)}",
                        where,
                    )
                if node.value.id in ("np", "numpy"):
                    raise ConfigError(
                        f"block type {kind.name}: `{node.value.id}.{node.attr}` rounds differently compiled and "
                        "uncompiled. Use the functions of `math`.",
                        where,
                    )
            if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Pow):
                raise ConfigError(
                    f"block type {kind.name}: `**` rounds differently compiled and uncompiled. "
                    "Multiply, or use `math.sqrt` or `math.exp`.",
                    where,
                )


def _refuse_recursion(kind: BlockType, function: types.FunctionType, callers: tuple[types.FunctionType, ...]) -> None:
    """A scan must end. Raises ``ConfigError`` naming the function that calls itself."""
    if function in callers:
        names = " → ".join(f"`{one.__name__}`" for one in (*callers[callers.index(function) :], function))
        place, _ = _tree(function)
        raise ConfigError(f"block type {kind.name}: {names} calls itself. Use a loop with a bound.", place)
    for part in parts_of(function).values():
        if isinstance(part, types.FunctionType):
            _refuse_recursion(kind, part, (*callers, function))


@cache
def _global_names(code: types.CodeType) -> tuple[str, ...]:
    """Names that the code, or code inside of it, looks up as globals: not attributes, not local variables."""
    found = [str(one.argval) for one in dis.get_instructions(code) if one.opname in ("LOAD_GLOBAL", "LOAD_NAME")]
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found += _global_names(constant)
    return tuple(dict.fromkeys(found))


def _code_bytes(code: types.CodeType) -> bytes:
    constants = b"".join(
        _code_bytes(one) if isinstance(one, types.CodeType) else repr(one).encode() for one in code.co_consts
    )
    return code.co_code + repr((code.co_names, code.co_varnames)).encode() + constants


def _module_bytes(name: str, module: types.ModuleType) -> bytes:
    if module.__name__ == "math" or not getattr(module, "__file__", None):
        return name.encode()
    return name.encode() + Path(str(module.__file__)).read_bytes()


def _tree(function: types.FunctionType) -> tuple[Place, ast.Module | None]:
    try:
        lines, first = inspect.getsourcelines(function)
        file = inspect.getsourcefile(function) or ""
    except (OSError, TypeError):  # no source at hand (typed in, or frozen): the compiler will have to find it
        return Place(), None
    return Place(file, first), ast.parse(textwrap.dedent("".join(lines)))
