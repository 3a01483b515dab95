"""Promises of the C program: for every block it computes what the engine computes; the unknown it refuses."""

import ctypes
import math
import shutil
import struct
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dcs.bench.c_peer.program import ScanProgram, build, first_difference
from dcs.bench.c_peer.translate import CannotTranslate, Program
from dcs.bench.loop_scans import loops_plan, scans_of
from dcs.blocks.declare import INTERNAL_TYPES, BlockType, block_type, f8, i8
from dcs.blocks.library import LIBRARY
from dcs.core.errors import Place
from dcs.core.status import STATUS_GOOD
from dcs.engine import memory
from dcs.engine.image import initial_values
from dcs.engine.sources import arguments_of, step_of
from dcs.engine.uncompiled import _view_of

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
RECORDS, SCANS = 12, 25
READS_AT = 100
ODD = (math.nan, math.inf, -math.inf, 0.0, -0.0, 1e300, 3.5, 50.0, 100.0)


@cache
def library_in_c(folder: Path) -> ctypes.CDLL:
    """All blocks that can be translated, as one shared library."""
    program = Program()
    for kind in LIBRARY:
        try:
            Program().kernel(kind)
        except CannotTranslate:
            continue  # its own test says so
        program.kernel(kind)
    (folder / "steps.c").write_text(program.text, encoding="utf-8")
    return ctypes.CDLL(str(build(folder / "steps.c", folder / "steps.so", "-shared", "-fPIC")))


def inputs_of(kind: BlockType, rng: np.random.Generator, record: Any) -> None:
    """Something on every terminal: mostly sane numbers with good statuses, now and then anything."""
    for f in kind.fields:
        if f.role != "input":
            continue
        status = bool(f.status_of)
        new: list[float] = []
        for _ in range(f.count):
            wild = rng.random() < 0.15
            if status:
                new.append(int(rng.integers(0, 256)) if wild else STATUS_GOOD)
            elif f.dtype == "i8":
                new.append(int(rng.integers(0, 9)))
            else:
                new.append(float(rng.choice(ODD)) if wild else float(rng.uniform(-5.0, 105.0)))
        setattr(record, f.name, new[0] if f.count == 1 else new)


def params_of(kind: BlockType, rng: np.random.Generator) -> dict[str, float]:
    """Some parameters other than the defaults, inside their ranges."""
    found: dict[str, float] = {}
    for f in kind.of_role("param"):
        if f.count > 1 or f.scale_of or f.name in kind.by_texts or f.default_from or rng.random() < 0.6:
            continue
        if f.choices:
            found[f.name] = float(rng.choice([code for _, code in f.choices]))
        elif f.dtype == "i8" and (f.low, f.high) == (0, 1):
            found[f.name] = float(rng.integers(0, 2))
        elif f.dtype == "f8":
            found[f.name] = float(np.clip(rng.uniform(0.0, 20.0), f.low, f.high))
    return found


def served_to(kind: BlockType, rng: np.random.Generator, words: np.ndarray) -> dict[str, float]:
    """Words of other records that the type reads: values, statuses and codes, put from ``READS_AT`` on."""
    served: dict[str, float] = {}
    for at, name in enumerate(kind.reads, READS_AT):
        if name.endswith("_status"):
            words[at] = served[name] = STATUS_GOOD if rng.random() < 0.7 else int(rng.choice([0, 24, 64]))
        elif name.endswith("_code"):
            words[at] = served[name] = int(rng.integers(0, 5))
        else:
            served[name] = float(rng.uniform(-5, 105))
            words[at] = np.float64(served[name]).view(np.int64)
    return served


@needs_gcc
@pytest.mark.parametrize("kind", LIBRARY, ids=lambda kind: kind.name)
def test_every_block_gives_the_same_bits_in_c(kind, tmp_path_factory):
    """Promise: whatever arrives on its terminals, the translated step leaves the record that the step leaves."""
    folder = tmp_path_factory.getbasetemp()
    Program().kernel(kind)
    kernel = getattr(library_in_c(folder), f"kernel_{kind.name}")
    rng = np.random.default_rng(len(kind.name) + kind.words)
    view, packed = _view_of(kind)
    ring = 64
    words = np.zeros(200 + ring * memory.EVENT_WORDS, np.int64)
    words[memory.EVENT_HEAD] = words[memory.EVENT_MARK] = 1
    words[memory.RING_AT], words[memory.RING_SIZE] = 200, ring
    for number in range(RECORDS):
        record = view(*initial_values(kind, "B", params_of(kind, rng), Place()))
        for f in kind.fields:
            if f.name.endswith("_linked"):
                linked = [int(rng.integers(0, 2)) for _ in range(f.count)]
                setattr(record, f.name, linked[0] if f.count == 1 else linked)
        for scan in range(SCANS):
            inputs_of(kind, rng, record)
            dt_s, elapsed_s, time_ns = 0.5, float(rng.choice([0.5, 1.5])), 1_000_000_000 * (scan + 1)
            if kind.has("now_ns"):
                record.now_ns = time_ns
            if kind.has("elapsed_s"):
                record.elapsed_s = elapsed_s
            served = served_to(kind, rng, words) | {"elapsed_s": elapsed_s, "now_ns": time_ns}
            reads = np.arange(READS_AT, READS_AT + len(kind.reads), dtype=np.uint32)
            in_c = bytearray(packed.pack(*record.words()))
            kernel(
                ctypes.c_void_p(words.ctypes.data), ctypes.c_void_p(words.ctypes.data),
                (ctypes.c_char * len(in_c)).from_buffer(in_c), ctypes.c_int64(1), ctypes.c_void_p(reads.ctypes.data),
                ctypes.c_double(dt_s), ctypes.c_double(elapsed_s), ctypes.c_int64(time_ns), ctypes.c_int64(0),
                ctypes.c_int64(0),
            )  # fmt: skip
            words[memory.EVENT_MARK] = words[memory.EVENT_HEAD]
            step_of(kind)(record, dt_s, *(served[name] for name in arguments_of(kind)))
            if kind.has("event"):
                record.event = 0 if kind.field("event").count == 1 else [0] * kind.field("event").count
            expected = packed.pack(*record.words())
            assert bytes(in_c) == expected, f"record {number}, scan {scan}: {difference(kind, in_c, expected)}"


def difference(kind: BlockType, one: bytes, other: bytes) -> str:
    """The first field that differs."""
    for name, at in kind.index.items():
        a, b = one[8 * at : 8 * at + 8], other[8 * at : 8 * at + 8]
        if a != b:
            letter = "<q" if kind.field(name).dtype == "i8" else "<d"
            return f"{name} is {struct.unpack(letter, a)[0]!r} in C and {struct.unpack(letter, b)[0]!r} here"
    return ""


@needs_gcc
def test_the_scan_of_whole_loops_gives_the_same_memory(tmp_path):
    """Promise: after many scans with changing inputs, limits and alarms the two memories are equal to the last bit."""
    plan, trace = loops_plan(80)
    _, in_c = ScanProgram(plan, trace, tmp_path).run(130, 40)
    _, here = scans_of(plan, trace, 130)
    assert first_difference(plan, here, in_c) == ""
    assert here[memory.EVENT_HEAD] > 100  # alarms did fire
    here[plan.records[0].at] += 1
    assert plan.records[0].name in first_difference(plan, here, in_c)


def refused(step: Any) -> str:
    kind = BlockType("T", "T", block_type("T", "T", internal=True, state=[f8("x", "", ""), i8("n", "")]).fields)
    kind.step = step
    with pytest.raises(CannotTranslate) as caught:
        Program().kernel(kind)
    return str(caught.value)


def with_text(b: Any, dt_s: float) -> None:
    b.n = len("abc")


def with_dictionary(b: Any, dt_s: float) -> None:
    b.x = {1: 2.0}[b.n]


def with_power(b: Any, dt_s: float) -> None:
    b.x = b.x**2


def with_float_in_a_whole_number(b: Any, dt_s: float) -> None:
    b.n = b.x


def with_undeclared(b: Any, dt_s: float) -> None:
    b.y = 1.0


def with_unknown_function(b: Any, dt_s: float) -> None:
    b.x = math.gamma(b.x)


@pytest.mark.parametrize(
    "step",
    [with_text, with_dictionary, with_power, with_float_in_a_whole_number, with_undeclared, with_unknown_function],
)
def test_what_is_not_known_is_refused_with_its_line(step):
    """Promise: no guess: file, line and text of what cannot be translated."""
    try:
        sentence = refused(step)
    finally:
        INTERNAL_TYPES.pop("T", None)
    line = step.__code__.co_firstlineno + 1
    assert f"test_c_peer.py:{line}: " in sentence
    assert "has no translation into C" in sentence


ROWS = ((1, 2.5), (3.0, 4.0))


def arithmetic(b: Any, dt_s: float) -> None:
    i = b.n - 7
    b.q = i // 3 * 1000 + i % 3
    b.r = b.x // 0.7 + b.x % -0.3
    lowest, highest = min(b.x, 2.5, dt_s), max(b.n, 3)
    b.s = lowest + highest
    total = 0
    for k in (3, b.n, 2):
        total += k
    for k in range(10, -3, -4):
        if k == 2:
            continue
        total += k
    while total > 3:
        total -= 5
        if total == -100:
            break
    b.n = total + (1 if 1.0 < b.x <= 9.0 else 2) + round(b.x) + int(b.x) + abs(i)
    b.x = (b.x and 0.5) + (0.0 or b.x) + math.floor(b.x) + b.table[b.n % 3] + b.table[-1]
    low, high = two_of(b.x)
    b.table[0], b.table[1] = high, low
    b.flag = b.n in (1, 5, 9) or not b.x > 3.0


def two_of(x: float, by: float = 2.0) -> tuple[float, float]:
    if x > 0.0:
        return x, x / by
    return 0, x + ROWS[-1][1] * ROWS[int(x) % 2][0]


@needs_gcc
def test_python_means_the_same_in_c(tmp_path):
    """Promise: floor division, remainder, chains, `and`, `or`, loops, tuples, negative indices as Python has them."""
    fields = [f8("x", "", ""), f8("r", "", ""), f8("s", "", ""), f8("table", "", "", count=3)]
    whole = [i8("n", ""), i8("q", ""), i8("flag", "")]
    kind = block_type("ARITHMETIC_TEST", "T", internal=True, state=[*fields, *whole])
    del INTERNAL_TYPES["ARITHMETIC_TEST"]
    kind.step = arithmetic
    program = Program()
    program.kernel(kind)
    (tmp_path / "a.c").write_text(program.text)
    library = ctypes.CDLL(str(build(tmp_path / "a.c", tmp_path / "a.so", "-shared", "-fPIC")))
    view, packed = _view_of(kind)
    rng = np.random.default_rng(7)
    for _ in range(300):
        record = view(*initial_values(kind, "B", {}, Place()))
        record.x, record.n = float(rng.uniform(-12, 12)), int(rng.integers(-20, 20))
        in_c = bytearray(packed.pack(*record.words()))
        library.kernel_ARITHMETIC_TEST(
            None, None, (ctypes.c_char * len(in_c)).from_buffer(in_c), ctypes.c_int64(1), None, ctypes.c_double(0.5),
            ctypes.c_double(0.5), ctypes.c_int64(0), ctypes.c_int64(0), ctypes.c_int64(0),
        )  # fmt: skip
        arithmetic(record, 0.5)
        expected = packed.pack(*record.words())
        assert bytes(in_c) == expected, difference(kind, in_c, expected)
