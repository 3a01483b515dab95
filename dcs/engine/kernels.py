"""Compiled kernels: one C function per block type, kept in a cache on disk.

Called by   the engine at start, and by the launcher to warm the cache before it starts several nodes.
Knows       Numba, the cache folder, block declarations.

A kernel lives in a real module of its own, written into a directory named by the hash of everything it depends on
(``dcs.engine.sources.source_hash``), Python, Numba and the processor: an edit of any helper gives another directory.
"""

import ctypes
import hashlib
import importlib.util
import os
import platform
import re
import sys
import tempfile
import types
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
from llvmlite.binding import get_host_cpu_features, get_host_cpu_name
from numba import njit
from numba.core.errors import NumbaError

from dcs.blocks.declare import BlockType
from dcs.core.errors import ConfigError, Missing
from dcs.engine import memory
from dcs.engine.sources import (
    arguments_of,
    functions_hash,
    parts_of,
    plain_function,
    reads_whole,
    source_hash,
    step_of,
)

_DRIVER = ctypes.CFUNCTYPE(
    None, *[ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p],
    *[ctypes.c_int64] * 2, ctypes.c_double, ctypes.c_double, ctypes.c_int64,
)  # fmt: skip
"""How the driver is called; without the interpreter lock, as every C function."""
_HASH = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p, ctypes.c_int64)

Report = Callable[[str], None]

_OPTIONS = {"error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "forceinline": True}
"""Of steps and their helpers. Called from kernels only: leaving out the ways in from Python halves the time to compile;
a helper that is called rather than inlined costs more than what it computes (a PID calls a dozen)."""

_LOADED: dict[str, types.ModuleType] = {}  # by hash: a kernel is machine code, the same for every engine of a process

_KERNEL = '''"""Kernel of block type {name}. Generated; delete it whenever you like."""

from numba import carray, cfunc


@cfunc(SIGNATURE, cache=True, error_model="numpy")
def run(words, numbers, word_count, records, count, read_words, dt_s, elapsed_s, time_ns, first_subject):
    as_words = carray(words, word_count)
    as_numbers = carray(numbers, word_count)
    blocks = carray(records, count)
    reads = carray(read_words, count * {reads})
    for index in range(count):
        b = blocks[index]
{body}
'''


def jit_enabled() -> bool:
    """False under ``NUMBA_DISABLE_JIT=1``."""
    return not numba.config.DISABLE_JIT


def software() -> str:
    """What the bits of a result depend on beside the program, part by part."""
    if not jit_enabled():
        return f"uncompiled; python {platform.python_version()}; {' '.join(platform.libc_ver())}"
    parts = (f"numba {numba.__version__}", f"llvmlite {llvmlite.__version__}", f"processor {get_host_cpu_name()}")
    features = hashlib.blake2b(get_host_cpu_features().flatten().encode(), digest_size=4).hexdigest()
    return "; ".join((*parts, f"features {features}", platform.machine(), " ".join(platform.libc_ver())))


def cache_directory() -> Path:
    """Where kernels are kept: ``DCS_CACHE_DIR``, else the user's cache folder."""
    if chosen := os.environ.get("DCS_CACHE_DIR"):
        return Path(chosen)
    if sys.platform == "win32":
        root = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        root = Path.home() / "Library" / "Caches"
    else:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "dcs-emulator" / "kernels"


def kernel_address(kind: BlockType, report: Report | None = None) -> int:
    """Address of the compiled kernel of a type; compiles it (0.1–1 s) unless the cache has it.

    Raises ``ConfigError`` for a step that cannot be compiled, ``Missing`` for a cache folder that cannot be written.
    """
    source = _KERNEL.format(
        name=kind.name, reads=len(kind.reads), body="\n".join(" " * 8 + line for line in kernel_lines(kind))
    )
    emit, emit_mode = plain_function(memory.emit), plain_function(memory.emit_mode)
    parts = {
        "STEP": lambda: _jitted(step_of(kind), {}),
        "EMIT": lambda: _jitted(emit, {}),
        "EMIT_MODE": lambda: _jitted(emit_mode, {}),
        "SIGNATURE": lambda: signature(kind),
    }
    depends = source_hash(kind) + functions_hash(emit, emit_mode)
    module = _module(f"kernel_{kind.name}", source, depends, parts, f"compiling block type {kind.name}", report)
    return int(module.run.address)


def driver(report: Report | None = None) -> Callable[..., None]:
    """The compiled ``run_class`` of ``dcs.engine.driver``, to be called with addresses."""
    source = _source_of("dcs.engine.driver")
    module = _module("driver", source, "", {}, "compiling the scan driver", report)
    return _DRIVER(module.run_class.address)


def hash_kernel(report: Report | None = None) -> Callable[[int, int], int]:
    """The compiled ``hash_words`` of ``dcs.engine.hash_kernel``: (address, number of words) -> hash."""
    source = _source_of("dcs.engine.hash_kernel")
    module = _module("hash_kernel", source, "", {}, "compiling the hash of the memory", report)
    return _HASH(module.hash_words.address)


def _source_of(name: str) -> str:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8")


def forget() -> None:
    """Load everything from the cache again, as a new process would."""
    _LOADED.clear()


def warm_cache(report: Report, kinds: Iterable[BlockType]) -> None:
    """Compile the driver and these block types unless the cache has them, and say so."""
    if not jit_enabled():
        report("the compiler is switched off (NUMBA_DISABLE_JIT): blocks run uncompiled")
        return
    driver(report)
    hash_kernel(report)
    for kind in dict.fromkeys(kinds):
        kernel_address(kind, report)


def signature(kind: BlockType) -> Any:
    """Numba signature of a kernel: words, numbers, word count, records, count, words to read, dt, elapsed, time, first
    subject."""
    t = numba.types
    record = numba.from_dtype(np.dtype(kind.dtype.descr, align=True))
    return t.void(
        t.CPointer(t.int64), t.CPointer(t.float64), t.int64, t.CPointer(record), t.int64, t.CPointer(t.uint32),
        t.float64, t.float64, t.int64, t.int64,
    )  # fmt: skip


def kernel_lines(kind: BlockType) -> list[str]:
    """Lines of a kernel for one record: its step, and the fields that the engine serves (see ``block_type``)."""
    lines = []
    if kind.has("now_ns"):
        lines.append("b.now_ns = time_ns")
    if kind.has("elapsed_s"):
        lines.append("b.elapsed_s = elapsed_s")
    journals_mode = kind.has("mode") and kind.has("reason")
    if journals_mode:
        lines += ["mode_before = b.mode", "reason_before = b.reason"]
    served = {"elapsed_s": "elapsed_s", "now_ns": "time_ns"}
    for at, name in enumerate(kind.reads):
        memory_as = "as_words" if reads_whole(name) else "as_numbers"
        served[name] = f"{memory_as}[reads[{len(kind.reads)} * index + {at}]]"
    lines.append(f"STEP({', '.join(['b', 'dt_s', *(served[name] for name in arguments_of(kind))])})")
    subject = "time_ns, first_subject + index"
    if journals_mode:
        lines += [
            "if b.mode != mode_before:",
            f"    EMIT_MODE(as_words, as_numbers, {subject}, mode_before, reason_before, b.mode, b.reason)",
        ]
    if kind.has("event"):
        count = kind.field("event").count
        indent, slot = ("    ", "[slot]") if count > 1 else ("", "")
        if count > 1:
            lines.append(f"for slot in range({count}):")
        lines += [
            f"{indent}if b.event{slot} != 0:",
            f"{indent}    EMIT(as_words, as_numbers, time_ns, {event_kind(kind)}, first_subject + index, "
            f"b.event{slot}, 0.0, b.event_value{slot})",
            f"{indent}    b.event{slot} = 0",
        ]
    return lines


def event_kind(kind: BlockType) -> int:
    """Kind of the events of a type: sentences of its own, or transitions of an alarm."""
    return memory.BLOCK_EVENT if kind.events else memory.ALARM_EVENT


def _jitted(function: types.FunctionType, made: dict[types.FunctionType, Any]) -> Any:
    """The function and all it calls as Numba functions; the originals stay plain Python."""
    if function not in made:
        namespace = dict(function.__globals__)
        for name, part in parts_of(function).items():
            if isinstance(part, types.FunctionType):
                namespace[name] = _jitted(part, made)
        copy = types.FunctionType(
            function.__code__, namespace, function.__name__, function.__defaults__, function.__closure__
        )
        copy.__module__ = __name__  # cached code imports its module again; a user's block file may have no name
        made[function] = njit(**_OPTIONS)(copy)
    return made[function]


def _module(
    name: str,
    source: str,
    depends: str,
    parts: dict[str, Callable[[], Any]],
    doing: str,
    report: Report | None,
) -> types.ModuleType:
    """Import ``source`` as a real module from the cache; the file is written once and never touched again."""
    machine = (_OPTIONS, sys.version, numba.__version__, platform.machine(), get_host_cpu_name())
    key = hashlib.blake2b(repr((source, depends, machine)).encode(), digest_size=12).hexdigest()
    if key in _LOADED:
        return _LOADED[key]
    path = cache_directory() / key / f"{name}.py"
    try:
        if report and not _has_code(path):
            report(doing)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
                file.write(source)
            Path(file.name).replace(path)  # whole or not at all, also when two nodes start at once
    except OSError as exc:
        raise Missing(
            f"the folder for compiled blocks cannot be written: {path.parent}: {exc.strerror}. "
            "Make it writable, or name another one in the environment variable DCS_CACHE_DIR."
        ) from exc
    spec = importlib.util.spec_from_file_location(f"dcs_compiled_{name}_{key}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # where cached code looks for it
    try:
        vars(module).update({part: make() for part, make in parts.items()})
        spec.loader.exec_module(module)
    except NumbaError as exc:
        del sys.modules[module.__name__]
        raise ConfigError(f"{doing} failed: {_first_lines(exc)}") from exc
    _LOADED[key] = module
    return module


def _has_code(path: Path) -> bool:
    """Has the module been compiled? (Where NUMBA_CACHE_DIR moves the code elsewhere, its text must do as a sign.)"""
    if numba.config.CACHE_DIR:
        return path.exists()
    return any((path.parent / "__pycache__").glob("*.nbc"))


def _first_lines(exc: NumbaError) -> str:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", str(exc))
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    return " ".join(lines[:6])
