"""The project's rules of style and determinism that no linter knows, each a function from a file to sentences.

Used by     ``tests/tidy/test_tidy.py``; every sentence begins with ``file:line:`` and says what to do.
Knows       Python's syntax tree and lines of text. A rule is waived in ``EXCEPTIONS`` and nowhere else, with a reason.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

LINES_MAX = 400
TEST_LINES_MAX = 600
"""A test file is a list of promises, which is read one by one."""
LENGTH_MAX = 120
TABLE_LENGTH_MAX = 140
"""YAML: a point or a block on one line reads as a row of a table."""

CLOCK_MODULES = ("dcs/core/clock.py", "dcs/core/simulated_time.py", "dcs/bench/")
"""Who may know what time it is: the wall clock, the pacing of the simulated one, and what measures the machine."""

EXCEPTIONS: dict[str, dict[str, str]] = {
    "no_swallowed_errors": {
        "dcs/bus/delivery.py": "what others publish must not take this node down; the trace goes to the log",
    },
    "time_is_given": {
        "dcs/cli/simulate.py": "says after the run how many times real time it was; the run itself knows nothing of it",
    },
    "chance_is_seeded": {
        "dcs/cli/client.py": "the id of a command must differ from those of every other terminal",
    },
}
"""rule -> path -> why this file may break it."""

REGISTRIES = {
    "BLOCK_TYPES": "filled by the declarations of block types, at import",
    "INTERNAL_TYPES": "filled by the declarations of internal types, at import",
    "PLANTS": "filled by the declarations of plants, at import",
    "_LOADED": "kernels already loaded into this process, by the hash of their sources",
}
"""Tables of a module that may grow, and why."""

_CLOCKS = {
    "time": {
        "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time",
        "process_time_ns", "clock_gettime", "clock_gettime_ns", "sleep", "localtime",
    },
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}  # fmt: skip
_MODULE_RANDOM = {
    "random", "randint", "randrange", "uniform", "gauss", "normalvariate", "choice", "choices", "shuffle", "sample",
    "seed", "getrandbits", "betavariate", "expovariate", "triangular", "vonmisesvariate", "standard_normal",
    "normal", "rand", "randn",
}  # fmt: skip
_GENERATORS = {"Random", "default_rng", "SystemRandom"}
_ENTROPY = {
    ("os", "urandom"),
    ("uuid", "uuid1"),
    ("uuid", "uuid4"),
    ("secrets", "token_hex"),
    ("secrets", "token_bytes"),
}
_MUTATORS = {
    "append", "extend", "insert", "remove", "pop", "popitem", "clear", "update", "setdefault", "add", "discard", "sort",
    "appendleft", "popleft",
}  # fmt: skip
_LOGGING = {"print", "debug", "info", "warning", "error", "exception", "critical", "log", "str", "repr"}
_CONTAINERS = {"dict", "list", "set", "defaultdict", "deque", "OrderedDict", "Counter", "WeakValueDictionary"}


@dataclass(frozen=True)
class Source:
    """One file: its path in the repository with ``/``, and its text."""

    path: str
    text: str

    @classmethod
    def read(cls, root: Path, path: Path) -> "Source":
        """The file ``path`` below ``root``."""
        return cls(PurePosixPath(path.relative_to(root)).as_posix(), path.read_text(encoding="utf-8"))

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.text)

    @cached_property
    def lines(self) -> list[str]:
        """Its lines."""
        return self.text.splitlines()

    @property
    def is_python(self) -> bool:
        """True for Python."""
        return self.path.endswith(".py")

    def says(self, where: ast.AST | int, sentence: str) -> str:
        """``file:line: sentence``."""
        return f"{self.path}:{where if isinstance(where, int) else getattr(where, 'lineno', 1)}: {sentence}"


Rule = Callable[[Source], Iterator[str]]


# --- every file -------------------------------------------------------------------------------------------------
def file_is_one_noun(source: Source) -> Iterator[str]:
    """No file is longer than a person can hold in mind."""
    most = TEST_LINES_MAX if source.path.startswith("tests/") else LINES_MAX
    if len(source.lines) > most:
        yield source.says(most, f"the file has {len(source.lines)} lines. Look for two nouns in it and split it.")


def lines_fit(source: Source) -> Iterator[str]:
    """No tabs, no line above the width of a page."""
    most = TABLE_LENGTH_MAX if source.path.endswith(".yaml") else LENGTH_MAX
    for number, line in enumerate(source.lines, 1):
        if "\t" in line:
            yield source.says(number, "there is a tab. Write spaces.")
        length = len(re.sub(r" +# (noqa|type: ignore|fmt: skip).*", "", line))  # words for a tool are not for people
        if length > most:
            yield source.says(number, f"the line has {length} characters. Break it at {most}.")


def nothing_is_left_for_later(source: Source) -> Iterator[str]:
    """What is not done is an issue, not a comment."""
    for number, line in enumerate(source.lines, 1):
        found = re.search(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b", line)
        if found:
            yield source.says(number, f"{found[1]} is not a plan. Do it, or open an issue and delete the word.")


def no_machine_paths(source: Source) -> Iterator[str]:
    """The repository works on every machine."""
    for number, line in enumerate(source.lines, 1):
        found = re.search(r"(?<![\w./>*-])/(?:work|home|root|Users)/[\w.]", line)
        if found:
            yield source.says(number, "this is a path of one machine. Derive it from the file, the user or an option.")


# --- Python of the product ----------------------------------------------------------------------------------------
def module_has_a_header(source: Source) -> Iterator[str]:
    """A module says what it is, who calls it and what it knows (an empty ``__init__`` has nothing to say)."""
    if source.tree.body and not ast.get_docstring(source.tree):
        yield source.says(1, "the module has no header docstring. Say what it is, who calls it and what it knows.")


def no_swallowed_errors(source: Source) -> Iterator[str]:
    """Catching everything is allowed only to clean up and raise again, or to hand the error to whoever raises it."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        names = {_name(kind) for kind in kinds if kind is not None}
        if node.type is not None and not names & {"Exception", "BaseException"}:
            continue
        inside = [inner for statement in node.body for inner in ast.walk(statement)]
        if not any(isinstance(inner, ast.Raise) or _hands_on(inner, node.name) for inner in inside):
            yield source.says(
                node, "everything is caught and nothing raised again. Catch what you expect, let bugs fly."
            )


def time_is_given(source: Source) -> Iterator[str]:
    """Nobody but the clock looks at the clock."""
    if source.path.startswith(CLOCK_MODULES):
        return
    imported = _imported(source, "time")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in _CLOCKS.get(_name(node.value), ()):
            text = ast.unparse(node)
        elif isinstance(node, ast.Name) and imported.get(node.id) in _CLOCKS["time"]:
            text = node.id
        else:
            continue
        yield source.says(
            node, f"`{text}` reads or waits for the wall clock. Take a Clock (dcs/core/clock.py) and ask it."
        )


def chance_is_seeded(source: Source) -> Iterator[str]:
    """Random numbers come from a generator that was given, or made from a seed."""
    imported = _imported(source, "random")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value)
            if owner in ("random", "np.random", "numpy.random") and node.attr in _MODULE_RANDOM:
                yield source.says(
                    node, f"`{owner}.{node.attr}` has no seed of ours. Use a generator that is passed in."
                )
            elif (owner, node.attr) in _ENTROPY:
                yield source.says(node, f"`{owner}.{node.attr}` cannot be repeated. Use a generator that is passed in.")
        elif isinstance(node, ast.Name) and imported.get(node.id) in _MODULE_RANDOM:
            yield source.says(node, f"`{node.id}` of random has no seed of ours. Use a generator that is passed in.")
        elif isinstance(node, ast.Call) and not node.args and not node.keywords and _name(node.func) in _GENERATORS:
            yield source.says(node, "a generator without a seed cannot be repeated. Pass the seed.")


def order_is_certain(source: Source) -> Iterator[str]:
    """Sets, ``hash`` and ``id`` differ from process to process."""
    for node in ast.walk(source.tree):
        loops = [node.iter] if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension) else []
        for iterated in loops:
            is_set = isinstance(iterated, ast.Set | ast.SetComp) or (
                isinstance(iterated, ast.Call) and _name(iterated.func) in ("set", "frozenset")
            )
            if is_set:
                yield source.says(
                    iterated, "the order of a set differs from run to run. Use sorted() or dict.fromkeys()."
                )
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("hash", "id"):
            yield source.says(
                node, f"`{node.func.id}()` differs from process to process. Use a name or a content hash."
            )


def library_code_does_not_print(source: Source) -> Iterator[str]:
    """Only the command line talks to the terminal; everybody else logs."""
    if source.path.startswith("dcs/cli/") or source.path == "dcs/__main__.py":
        return
    for node in ast.walk(source.tree):
        to_a_file = isinstance(node, ast.Call) and any(keyword.arg == "file" for keyword in node.keywords)
        if isinstance(node, ast.Call) and _name(node.func) == "print" and not to_a_file:
            yield source.says(node, "library code prints. Log it (dcs/core/log.py), or return it to the command line.")


def no_module_state(source: Source) -> Iterator[str]:
    """A module is the same before and after it is used: tables are constants, state lives in objects."""
    containers = _module_containers(source.tree)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Global):
            yield source.says(node, f"`global {', '.join(node.names)}` is state of a module. Put it into an object.")
    for function in ast.walk(source.tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        own = _local_names(function)
        for node in ast.walk(function):
            for name in _changed_names(node):
                if name in containers and name not in own and name not in REGISTRIES:
                    yield source.says(node, f"`{name}` of the module is changed at run time. Put it into an object.")


# --- reading the tree ---------------------------------------------------------------------------------------------
def _name(node: ast.AST | None) -> str:
    """Last name of ``a.b.c``, or ""."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _hands_on(node: ast.AST, error: str | None) -> bool:
    """True for a call that takes the error along and does not just write it down."""
    if not isinstance(node, ast.Call) or error is None:
        return False
    takes_it = any(isinstance(argument, ast.Name) and argument.id == error for argument in node.args)
    return takes_it and _name(node.func) not in _LOGGING


def _imported(source: Source, module: str) -> dict[str, str]:
    """Names that ``from module import …`` brings in -> what they are there."""
    return {
        alias.asname or alias.name: alias.name
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and node.module == module
        for alias in node.names
    }


def _module_containers(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in tree.body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        is_call = isinstance(value, ast.Call) and _name(value.func) in _CONTAINERS
        if is_call or isinstance(value, ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp | ast.SetComp):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]  # type: ignore[union-attr]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def _local_names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    stored = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return {argument.arg for argument in every} | stored


def _changed_names(node: ast.AST) -> Iterator[str]:
    if (
        isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Store | ast.Del)
        and isinstance(node.value, ast.Name)
    ):
        yield node.value.id
    mutates = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MUTATORS
    if mutates and isinstance(node.func.value, ast.Name):  # type: ignore[attr-defined]
        yield node.func.value.id  # type: ignore[attr-defined]


EVERYWHERE: tuple[Rule, ...] = (file_is_one_noun, lines_fit, nothing_is_left_for_later, no_machine_paths)
PRODUCT: tuple[Rule, ...] = (
    module_has_a_header,
    no_swallowed_errors,
    time_is_given,
    chance_is_seeded,
    order_is_certain,
    library_code_does_not_print,
    no_module_state,
)
