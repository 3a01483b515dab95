"""The engine beside a C program of the same steps on the same memory, in one run."""

import statistics
import tempfile
from pathlib import Path

from dcs.bench.c_peer.program import FLAGS, ScanProgram, first_difference
from dcs.bench.figure import Figure
from dcs.bench.loop_scans import DISCARDED, LOOPS, ROUNDS, loops_plan, scans_of
from dcs.core.errors import DcsError

_SCANS = 240


def ratio_to_c() -> list[Figure]:
    """Ratio of the medians, round by round in turn. Raises ``DcsError`` when the two do not give the same bits."""
    plan, trace = loops_plan(LOOPS)
    in_c_ns, ratios = [], []
    with tempfile.TemporaryDirectory() as folder:
        program = ScanProgram(plan, trace, Path(folder))
        for _ in range(ROUNDS):
            c_ns, c_memory = program.run(_SCANS, DISCARDED)
            engine_ns, memory = scans_of(plan, trace, _SCANS)
            if difference := first_difference(plan, memory, c_memory):
                raise DcsError(f"engine and C program do not agree: {difference}")
            in_c_ns.append(c_ns)
            ratios.append(engine_ns / c_ns)
    return [
        Figure("ratio_to_c", f"one scan in C (gcc {' '.join(FLAGS)})", statistics.median(in_c_ns) / 1e6, "ms"),
        Figure("ratio_to_c", "engine to C, same bits", statistics.median(ratios), "×", 1.5),
    ]
