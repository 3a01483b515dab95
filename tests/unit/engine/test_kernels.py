"""Compiled kernels: users' types, the stale cache, what is refused before it is compiled."""

import importlib
import importlib.util
import linecache
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from dcs.blocks.declare import BLOCK_TYPES, block_type, f8, signal, step
from dcs.core.errors import ConfigError, Missing
from dcs.core.status import STATUS_GOOD
from dcs.engine import kernels
from dcs.engine.compile import compile_strategy
from dcs.engine.engine import Engine, good_inputs
from dcs.engine.sources import check_step, functions_of, parts_of
from dcs.engine.strategy import BlockSpec, Channel
from tests.unit.engine.strategies import cascade, strategy

CHANNEL_X = Channel("X", "in", "")

USERS_BLOCK = """
    from dcs.blocks.declare import block_type, f8, signal, step
    from {helper} import scaled_by

    TIMES = block_type("{name}", "Times", inputs=[signal("x", "", "input")], outputs=[signal("out", "", "output")],
                       params=[f8("factor", "", "factor", default=2.0)])

    @step(TIMES)
    def times(b, dt_s):
        b.out = scaled_by(b.x, b.factor)
        b.out_status = b.x_status
"""


def answer_of(type_name: str, compiled: bool = True) -> float:
    """Output of a block of that type for the input 10."""
    links = [("X", "U.b.x"), ("U.b.out", "Y")]
    channels = (Channel("X", "in", ""), Channel("Y", "out", ""))
    engine = Engine(compile_strategy(strategy((BlockSpec("U.b", type_name, "loops"),), links, channels)), compiled)
    engine.set_inputs(*good_inputs([10.0], 1))
    engine.scan(0, 1)
    values, statuses, valid = engine.outputs()
    assert (statuses[0], valid[0]) == (STATUS_GOOD, True)
    return float(values[0])


@pytest.fixture
def types():
    """Types declared by a test vanish with it."""
    before = dict(BLOCK_TYPES)
    yield BLOCK_TYPES
    BLOCK_TYPES.clear()
    BLOCK_TYPES.update(before)


def test_an_edited_helper_in_another_file_gives_the_new_answer(tmp_path, monkeypatch, types):
    """Promise: the compile cache never answers for a text that has been edited, wherever the edit was."""
    monkeypatch.setenv("DCS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "user_block.py").write_text(textwrap.dedent(USERS_BLOCK.format(name="TIMES", helper="user_helper")))
    answers = []
    for formula in ("x * factor", "x * factor + 1.0", "x * factor"):
        (tmp_path / "user_helper.py").write_text(f"def scaled_by(x, factor):\n    return {formula}\n")
        monkeypatch.setattr(kernels, "_LOADED", {})  # as a new process would: only what is on disk counts
        linecache.clearcache()
        for name in ("user_block", "user_helper"):
            sys.modules.pop(name, None)
        importlib.import_module("user_block")
        answers.append(answer_of("TIMES"))
    assert answers == [20.0, 21.0, 20.0]
    assert len(list((tmp_path / "cache").glob("*/kernel_TIMES.py"))) == 2  # the third was found again


LAYERED = """
    from dcs.blocks.declare import block_type, f8, i8, signal, signals, step
    from outer_helper import weighted

    LAYERED = block_type("LAYERED", "Layers", inputs=[signal("x", "", "input")], outputs=[signal("out", "", "output")],
                         state=[f8("kept", "", "kept", count={count})],
                         params=[f8("factor", "", "factor", default=2.0)])

    @step(LAYERED)
    def layered(b, dt_s):
        b.kept[{count} - 1] = b.x
        b.out = weighted(b.kept[{count} - 1], b.factor)
        b.out_status = b.x_status
"""
OUTER = """
    from inner_helper import OFFSET, TABLE, twice

    def weighted(x, factor):
        return twice(x) * factor + OFFSET + TABLE[1]
"""
INNER = """
    OFFSET = {offset}
    TABLE = (1.0, {entry})

    def twice(x):
        return x {formula}
"""


@pytest.mark.parametrize(
    ("edit", "answer"),
    [
        ({"formula": "+ x + 0.5"}, 41.0),  # a helper of a helper
        ({"offset": "1.0"}, 41.0),  # a constant that a helper names
        ({"offset": "1"}, 41.0),  # the same number of another type
        ({"entry": "3.0"}, 43.0),  # a table
        ({"count": 3}, 40.0),  # the length of an array: another layout, the same text of the step but for its number
    ],
)
def test_an_edit_of_anything_that_a_step_depends_on_is_compiled_anew(edit, answer, tmp_path, monkeypatch, types):
    """Promise: helpers of helpers, constants, tables and array declarations count, each alone."""
    monkeypatch.setenv("DCS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    plain: dict[str, object] = {"formula": "+ x", "offset": "0.0", "entry": "0.0", "count": 2}
    answers = []
    for values in (plain, plain | edit, plain):
        for name, text in (("layered_block", LAYERED), ("outer_helper", OUTER), ("inner_helper", INNER)):
            (tmp_path / f"{name}.py").write_text(textwrap.dedent(text.format(**values)))
            sys.modules.pop(name, None)
        kernels.forget()
        linecache.clearcache()
        importlib.invalidate_caches()
        importlib.import_module("layered_block")
        answers.append((answer_of("LAYERED"), answer_of("LAYERED", compiled=False)))
    assert answers == [(40.0, 40.0), (answer, answer), (40.0, 40.0)]
    assert len(list((tmp_path / "cache").glob("*/kernel_LAYERED.py"))) == 2


def test_other_compiler_options_are_other_code(tmp_path, monkeypatch):
    """Promise: a kernel that was compiled with other options is not taken for ours."""
    monkeypatch.setenv("DCS_CACHE_DIR", str(tmp_path))
    for options in (kernels._OPTIONS, kernels._OPTIONS | {"forceinline": False}):
        kernels.forget()
        monkeypatch.setattr(kernels, "_OPTIONS", options)
        kernels.kernel_address(BLOCK_TYPES["LEAD_LAG"])
    kernels.forget()
    assert len(list(tmp_path.glob("*/kernel_LEAD_LAG.py"))) == 2


@pytest.mark.parametrize("bad", ["what_time", "rng"])
def test_a_step_may_ask_for_nothing_that_nobody_serves(bad, types):
    kind = declared("BAD7")
    namespace: dict = {}
    exec(f"def asks(b, dt_s, elapsed_s, {bad}):\n    b.out = b.x\n", namespace)
    kind.step = namespace["asks"]
    with pytest.raises(ConfigError, match=rf"its step asks for `{bad}`; it can have elapsed_s, now_ns"):
        kernels.kernel_address(kind)


def test_a_users_block_file_without_a_module_name_compiles_and_runs_uncompiled(tmp_path, types):
    path = tmp_path / "my block.py"
    text = textwrap.dedent(USERS_BLOCK.format(name="TIMES2", helper="")).replace("from  import scaled_by", "")
    path.write_text(text + "\ndef scaled_by(x, factor):\n    return x * factor\n")
    spec = importlib.util.spec_from_file_location("never_registered", path)
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    assert "TIMES2" in types
    assert answer_of("TIMES2") == answer_of("TIMES2", compiled=False) == 20.0


def test_jit_switched_off_runs_uncompiled():
    code = (
        "from tests.unit.engine.strategies import cascade\n"
        "from dcs.engine.compile import compile_strategy\n"
        "from dcs.engine.engine import Engine\n"
        "engine = Engine(compile_strategy(cascade()))\n"
        "engine.scan(0, 1)\n"
        "print(engine.compiled, engine.digest().hex())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    engine = Engine(compile_strategy(cascade()))
    engine.scan(0, 1)
    assert done.stdout.split() == ["False", engine.digest().hex()]


def declared(name: str):
    return block_type(
        name, "Test", inputs=[signal("x", "", "input")], outputs=[signal("out", "", "output")],
        state=[f8("total", "", "sum")],
    )  # fmt: skip


def helper_with_undeclared(b, dt_s):
    b.totl = b.total + dt_s


def test_an_undeclared_field_is_refused_with_its_line(types):
    kind = declared("BAD1")

    @step(kind)
    def bad(b, dt_s):
        b.total = b.total + dt_s
        b.out = b.totle

    with pytest.raises(ConfigError, match=r"`b\.totle` is not declared\. Did you mean `total`\?") as caught:
        check_step(kind)
    assert Path(caught.value.place.file).name == "test_kernels.py"
    line = Path(caught.value.place.file).read_text(encoding="utf-8").splitlines()[caught.value.place.line - 1]
    assert line.strip() == "b.out = b.totle"


def test_an_undeclared_field_in_a_helper_is_refused_too(types):
    kind = declared("BAD2")

    @step(kind)
    def bad(b, dt_s):
        helper_with_undeclared(b, dt_s)

    with pytest.raises(ConfigError, match=r"`b\.totl` is not declared"):
        check_step(kind)


def test_powers_and_numpy_are_refused(types):
    power, arrays = declared("BAD3"), declared("BAD4")

    @step(power)
    def bad(b, dt_s):
        b.out = b.x**2

    @step(arrays)
    def worse(b, dt_s):
        b.out = np.exp(b.x)  # noqa: F821

    with pytest.raises(ConfigError, match=r"`\*\*` rounds differently"):
        check_step(power)
    with pytest.raises(ConfigError, match=r"`np\.exp` rounds differently"):
        check_step(arrays)


def bias(value):
    return value + 1.0


def total(b, dt_s):
    """Has the name of the field that it reads, as has a function beside it."""
    b.total = b.total + b.bias * dt_s
    b.out = b.total


def test_a_field_may_have_the_name_of_a_function(types):
    """Promise: only what a step really reads as a global is compiled and hashed with it."""
    kind = block_type(
        "NAMES", "Names", inputs=[signal("x", "", "input")], outputs=[signal("out", "", "output")],
        state=[f8("total", "", "sum"), f8("bias", "", "part", default=3.0)],
    )  # fmt: skip
    step(kind)(total)
    assert parts_of(total) == {}
    assert functions_of(total) == [total]
    check_step(kind)
    bench = Engine(compile_strategy(strategy((BlockSpec("U.b", "NAMES", "loops"),), [("X", "U.b.x")], (CHANNEL_X,))))
    bench.set_inputs(*good_inputs([0.0], 1))
    bench.scan(0, 1)
    assert bench.field("U.b", "out") == 3.0


def test_a_global_inside_of_an_inner_function_counts():
    def outer(values):
        return [bias(value) for value in values]

    assert functions_of(outer) == [outer, bias]


def round_and_round(b, dt_s):
    if b.x > 0.0:
        and_round(b, dt_s)


def and_round(b, dt_s):
    round_and_round(b, dt_s)


def test_a_function_that_calls_itself_is_refused(types):
    kind = declared("BAD7")

    @step(kind)
    def bad(b, dt_s):
        round_and_round(b, dt_s)

    with pytest.raises(ConfigError, match="`round_and_round` → `and_round` → `round_and_round` calls itself"):
        check_step(kind)


def test_what_the_compiler_cannot_do_is_a_configuration_error(types):
    kind = declared("BAD5")

    @step(kind)
    def bad(b, dt_s):
        b.out = open("x")  # noqa: PTH123, SIM115

    with pytest.raises(ConfigError, match="compiling block type BAD5 failed"):
        kernels.kernel_address(kind)


def test_a_type_without_a_step_is_refused(types):
    declared("BAD6")
    with pytest.raises(ConfigError, match=r"block type BAD6 has no step function\. Add one with @step\(BAD6\)"):
        compile_strategy(strategy((BlockSpec("U.b", "BAD6", "loops"),), [("X", "U.b.x")], (Channel("X", "in", ""),)))


def test_an_unwritable_cache_folder_is_one_clear_sentence(tmp_path, monkeypatch, types):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("DCS_CACHE_DIR", str(blocked))
    kind = declared("FINE")

    @step(kind)
    def fine(b, dt_s):
        b.out = b.x

    with pytest.raises(Missing, match=r"the folder for compiled blocks cannot be written: .* DCS_CACHE_DIR"):
        kernels.kernel_address(kind)


def test_warming_says_what_it_does_once(tmp_path, monkeypatch, types):
    """Promise: a cold start says what it is doing; a warm one is silent."""
    monkeypatch.setenv("DCS_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(kernels, "_LOADED", {})
    for name in list(types):
        del types[name]
    monkeypatch.setattr("dcs.blocks.library.LIBRARY", ())
    monkeypatch.setattr("dcs.blocks.declare.INTERNAL_TYPES", {})
    kind = declared("FINE2")

    @step(kind)
    def fine(b, dt_s):
        b.out = b.x

    said: list[str] = []
    kernels.warm_cache(said.append, [kind])
    assert said == ["compiling the scan driver", "compiling the hash of the memory", "compiling block type FINE2"]
    monkeypatch.setattr(kernels, "_LOADED", {})
    kernels.warm_cache(said.append, [kind])
    assert len(said) == 3
