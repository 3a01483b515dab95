"""The C program that executes a plan: built with gcc in the run, so that it cannot drift from the blocks.

Called by   the benchmark ``ratio_to_c`` and its test. Needs gcc.
Knows       the translated steps, ``scan.c``, the tables of a plan.
"""

import shutil
import subprocess
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcs.bench.c_peer.translate import Program
from dcs.bench.loops_plan import PERIOD_NS, START_NS, Trace
from dcs.blocks.declare import BlockType
from dcs.core.errors import DcsError, Missing
from dcs.engine.plan import Plan
from dcs.engine.tables import tables

FLAGS = ("-O2", "-ffp-contract=off")
"""The second: no fused multiply-add, which would round once where Python rounds twice."""


def compiler() -> str:
    """Path of gcc. Raises ``Missing`` with a sentence."""
    found = shutil.which("gcc")
    if found is None:
        raise Missing("the C program needs gcc, which is not installed (Debian: apt-get install gcc libc6-dev).")
    return found


def build(source: Path, target: Path, *more: str) -> Path:
    """Compile one C file. Raises ``DcsError`` with what the compiler says."""
    done = subprocess.run(
        [compiler(), *FLAGS, "-o", str(target), str(source), *more, "-lm"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DcsError(f"gcc refuses {source}:\n{done.stderr}")
    return target


def steps_text(kinds: tuple[BlockType, ...]) -> str:
    """Translated kernels of these types and the table ``kernels`` in their order."""
    program = Program()
    names = [program.kernel(kind) for kind in kinds]
    table = ", ".join(names)
    return (
        f"{program.text}\ntypedef void kernel_type(int64_t *, double *, void *, int64_t, const uint32_t *, "
        f"double, double, int64_t, int64_t);\nstatic kernel_type *const kernels[] = {{{table}}};\n"
    )


class ScanProgram:
    """One plan as a C program in ``folder``."""

    def __init__(self, plan: Plan, trace: Trace, folder: Path) -> None:
        self._plan = plan
        self._trace = trace
        self._folder = folder
        (folder / "steps.h").write_text(steps_text(plan.types), encoding="utf-8")
        source = folder / "scan.c"
        source.write_text(resources.files("dcs.bench.c_peer").joinpath("scan.c").read_text(encoding="utf-8"))
        self._program = build(source, folder / "scan", "-DNDEBUG")

    def run(self, scans: int, discarded: int) -> tuple[float, NDArray[np.int64]]:
        """Execute that many scans from the initial memory: (median ns of those after ``discarded``, final memory)."""
        plan_file, memory_file = self._folder / "plan.bin", self._folder / "memory.bin"
        self._write(plan_file, scans, discarded)
        done = subprocess.run([self._program, plan_file, memory_file], capture_output=True, text=True, check=False)
        if done.returncode:
            raise DcsError(f"the C program ended with {done.returncode}: {done.stderr}")
        return float(done.stdout), np.fromfile(memory_file, np.int64)

    def _write(self, path: Path, scans: int, discarded: int) -> None:
        plan = self._plan
        number = {kind.name: index for index, kind in enumerate(plan.types)}
        table = tables(plan, number, none=-1)
        rows = table.rows[0]
        frames, inputs = self._trace.values.shape
        header = [
            0, plan.words, len(rows), len(table.wires), len(table.reads), plan.inputs_at, inputs, frames, scans,
            discarded, PERIOD_NS, START_NS,
        ]  # fmt: skip
        with path.open("wb") as file:
            for part in (header, np.frombuffer(plan.image, np.int64), rows):
                file.write(np.ascontiguousarray(part, np.int64).tobytes())
            for half_words in (table.wires, table.reads):
                file.write(half_words.tobytes() + bytes(half_words.nbytes % 8))
            for values, statuses in zip(self._trace.values, self._trace.statuses, strict=True):
                file.write(values.tobytes())
                file.write(statuses.tobytes())


def first_difference(plan: Plan, one: NDArray[np.int64], other: NDArray[np.int64]) -> str:
    """Where two memories of a plan differ first, for people; "" when they do not."""
    different = np.flatnonzero(one != other)
    if not len(different):
        return ""
    word = int(different[0])
    for record in plan.records:
        if record.at <= word < record.at + record.type.words:
            name = next(name for name, at in record.type.index.items() if at == word - record.at)
            values = [memory[word : word + 1].view(np.float64)[0] for memory in (one, other)]
            return f"{len(different)} words differ, first {record.name}.{name}: {values[0]!r} and {values[1]!r}"
    return f"{len(different)} words differ, first word {word}"
