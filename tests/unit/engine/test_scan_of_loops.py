"""Promises of the scan, on a small copy of the plan that the benchmarks run: nothing allocated, nothing infected."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from numba.core.runtime import _nrt_python, rtsys

from dcs.bench.loops_plan import FRAMES, PERIOD_NS, START_NS, loops_strategy, recorded_field
from dcs.core.status import STATUS_BAD, STATUS_GOOD
from dcs.engine import memory
from dcs.engine.compile import compile_strategy
from dcs.engine.engine import Engine

LOOPS = 40
SCANS = 10_000


@pytest.fixture(scope="module")
def plan():
    return compile_strategy(loops_strategy(LOOPS))


@pytest.fixture
def numba_counts():
    """Numba's allocation counters, which are off otherwise."""
    _nrt_python.memsys_enable_stats()
    yield rtsys.get_allocation_stats
    _nrt_python.memsys_disable_stats()


def test_ten_thousand_scans_allocate_nothing(plan, numba_counts):
    """Promise: with alarms firing all the time, neither Python nor Numba has a byte more, nor asks for any."""
    engine = Engine(plan)
    trace = recorded_field(engine)
    times_ns = np.zeros(trace.values.shape[1], np.int64)
    for number in range(2 * FRAMES):  # warm: whatever is made once has been made
        engine.set_inputs(trace.values[number % FRAMES], trace.statuses[number % FRAMES], times_ns)
        engine.scan(0, START_NS)
    events = engine._words[memory.EVENT_HEAD].item()
    numba_before = numba_counts()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for number in range(SCANS):
            engine.set_inputs(trace.values[number % FRAMES], trace.statuses[number % FRAMES], times_ns)
            engine.scan(0, START_NS + number * PERIOD_NS)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    numba_after = numba_counts()
    assert engine._words[memory.EVENT_HEAD].item() - events > SCANS / 10
    assert after - before < 500  # the numbers of this loop
    assert peak - before < 3000  # views and numbers of one scan
    assert numba_after == numba_before


def test_numbas_counters_count(numba_counts):
    """Promise: the test above would see an array that a kernel makes."""

    @njit
    def makes_an_array(count):
        return np.zeros(count).sum()

    makes_an_array(3)
    before = numba_counts()
    makes_an_array(3)
    assert numba_counts().alloc > before.alloc


hostile = st.sampled_from([math.nan, math.inf, -math.inf, 1e308, -1e308, 3.5, 21.5, 12.0])
infections = st.lists(
    st.tuples(
        st.integers(0, FRAMES - 1),  # scan
        st.integers(0, 2 * LOOPS - 1),  # channel
        hostile,
        st.sampled_from([STATUS_GOOD, STATUS_GOOD, STATUS_BAD, 0x40, 0xC0, 0xFF]),
        st.integers(0, 3),  # slips of that scan
    ),
    min_size=1,
    max_size=60,
)


@given(infections=infections)
@settings(max_examples=60, deadline=None)
def test_nothing_but_the_input_image_and_input_terminals_can_be_infected(plan, infections):
    """Promise: NaN or infinity anywhere never reaches a state, an output, a channel; the loops go on after."""
    engine = Engine(plan)
    trace = recorded_field(engine, laps=1)
    values, statuses = trace.values.copy(), trace.statuses.copy()
    slips = [0] * FRAMES
    for scan, channel, value, status, slip in infections:
        values[scan, channel], statuses[scan, channel], slips[scan] = value, status, slip
    times_ns = np.zeros(values.shape[1], np.int64)
    numbers, inside = engine._numbers, must_be_finite(plan)
    for scan in range(FRAMES):
        engine.set_inputs(values[scan], statuses[scan], times_ns)
        engine.scan(0, START_NS + scan * PERIOD_NS, slips[scan])
        wrong = inside[~np.isfinite(numbers[inside])]
        assert not len(wrong), name_of(plan, int(wrong[0]))
        assert np.isfinite(engine.outputs()[0]).all()
    clean = np.nan_to_num(trace.values, nan=12.0)
    for scan in range(4 * FRAMES):
        engine.set_inputs(clean[scan % FRAMES], trace.statuses[scan % FRAMES], times_ns)
        engine.scan(0, START_NS + (FRAMES + scan) * PERIOD_NS)
    assert all(engine.field(f"FIC-{n:06d}.ai", "out_status") == STATUS_GOOD for n in range(LOOPS))


def must_be_finite(plan):
    """Words of all numbers but input terminals: states, outputs, parameters."""
    return np.array(
        [
            record.at + record.type.index[f.name] + number
            for record in plan.records
            for f in record.type.fields
            if f.role != "input" and f.dtype == "f8"
            for number in range(f.count)
        ]
    )


def name_of(plan, word: int) -> str:
    record = next(one for one in plan.records if one.at <= word < one.at + one.type.words)
    return next(f"{record.name}.{name}" for name, at in record.type.index.items() if record.at + at == word)


def test_compiled_and_uncompiled_loops_give_the_same_bits(plan):
    """Promise: packed wires and values read where they are change no bit."""
    engines = [Engine(plan), Engine(plan, compiled=False)]
    trace = recorded_field(Engine(plan))
    times_ns = np.zeros(trace.values.shape[1], np.int64)
    for number in range(2 * FRAMES):
        for engine in engines:
            engine.set_inputs(trace.values[number % FRAMES], trace.statuses[number % FRAMES], times_ns)
            engine.scan(0, START_NS + number * PERIOD_NS)
    assert engines[0].snapshot() == engines[1].snapshot()


def test_the_plan_is_what_the_benchmark_claims(plan):
    """Promise: in automatic with the whole handshake; one loop in twenty limited or alarming, with delays."""
    engine = Engine(plan)
    recorded_field(engine)
    names = [f"FIC-{n:06d}" for n in range(LOOPS)]
    assert {engine.field(f"{name}.ao", "mode") for name in names} == {5.0}  # Cas
    assert {engine.field(f"{name}.pid", "mode") for name in names} == {4.0}  # Auto
    events = [event for event in engine.take_events() if event.kind == "alarm"]
    alarming = {event.subject.partition(".")[0] for event in events}
    limited = {name for name in names if engine.field(f"{name}.ao", "out") in (0.0, 100.0)}
    assert len(plan.records) == 7 * LOOPS
    assert len(alarming | limited) == LOOPS // 20
