"""What a scan of complete loops costs in the engine, and a plan of them in the compiler.

Called by   ``dcs bench``, alone and beside the peers (C, EPICS).
"""

import gc
import statistics
import time
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dcs.bench.figure import Figure
from dcs.bench.loops_plan import FRAMES, PERIOD_NS, START_NS, Trace, loops_strategy, recorded_field
from dcs.engine import kernels
from dcs.engine.compile import compile_strategy
from dcs.engine.engine import Engine
from dcs.engine.plan import Plan

LOOPS = 10_000
ROUNDS = 5
DISCARDED = FRAMES
"""Scans at the start that do not count: loops start up, caches fill."""


@cache
def loops_plan(loops: int) -> tuple[Plan, Trace]:
    """The plan of that many loops and the inputs of its field."""
    plan = compile_strategy(loops_strategy(loops, published=loops <= LOOPS))
    return plan, recorded_field(Engine(plan))


def scans_of(plan: Plan, trace: Trace, scans: int) -> tuple[float, NDArray[np.int64]]:
    """Run a new engine over the trace: (median ns of a scan with its input image, final memory).

    Time is that of the thread on its core, as in the C program: other processes must not count.
    """
    engine = Engine(plan)
    taken_ns: list[int] = []
    times_ns = np.zeros(trace.values.shape[1], np.int64)
    for number in range(scans):
        time_ns = START_NS + number * PERIOD_NS
        times_ns[:] = time_ns
        values, statuses = trace.values[number % FRAMES], trace.statuses[number % FRAMES]
        started_ns = time.thread_time_ns()
        engine.set_inputs(values, statuses, times_ns)
        engine.scan(0, time_ns)
        taken_ns.append(time.thread_time_ns() - started_ns)
    return statistics.median(taken_ns[DISCARDED:]), engine.memory.view(np.int64).copy()


def median_scan_ns(loops: int, scans: int) -> float:
    """Median over the rounds of the median scan."""
    plan, trace = loops_plan(loops)
    return statistics.median(scans_of(plan, trace, scans)[0] for _ in range(ROUNDS))


def scan_loops() -> list[Figure]:
    """The scan of 10,000 loops, and what a loop costs in smaller and larger plans."""
    figures = []
    ns_per_loop: dict[int, float] = {}
    for loops, scans in ((LOOPS, 240), (100, 2000), (1000, 400), (100_000, 80)):
        ns_per_loop[loops] = median_scan_ns(loops, scans) / loops
        if loops == LOOPS:
            ms = ns_per_loop[loops] * loops / 1e6
            what = f"one scan: {3 * loops:,} blocks, {4 * loops:,} alarms"
            figures.append(Figure("scan_10000_loops", what, ms, "ms", 1.0))
        figures.append(Figure("scan_10000_loops", f"a loop of {loops:,}", ns_per_loop[loops], "ns"))
    loops_plan.cache_clear()
    for loops in (100, 100_000):
        ratio = ns_per_loop[loops] / ns_per_loop[LOOPS]
        figures.append(Figure(f"per_loop_{loops}", f"a loop of {loops:,} to one of {LOOPS:,}", ratio, "×", 3.0))
    return figures


def compile_blocks() -> list[Figure]:
    """From a strategy of 30,000 blocks to its plan; and an engine for it, kernels from the warm cache."""
    strategy = loops_strategy(LOOPS)
    compile_s, engine_s = [], []
    for _ in range(3):
        gc.collect()
        started_s = time.thread_time()
        plan = compile_strategy(strategy)
        compile_s.append(time.thread_time() - started_s)
        Engine(plan)
        kernels.forget()
        started_s = time.thread_time()
        Engine(plan)
        engine_s.append(time.thread_time() - started_s)
    what = f"{3 * LOOPS:,} blocks, {len(strategy.tags):,} tags, to a plan"
    return [
        Figure("compile_30000_blocks", what, statistics.median(compile_s), "s", 2.0),
        Figure(
            "compile_30000_blocks", "an engine for it, kernels from the warm cache", statistics.median(engine_s), "s"
        ),
    ]
