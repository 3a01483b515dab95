"""Promises of the engine: same bits everywhere, whole state in one buffer, columns, events."""

import math
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.bus.messages import ALARM_DTYPE, Command, Frame
from dcs.core.status import STATUS_BAD, STATUS_GOOD
from dcs.engine.compile import compile_strategy
from dcs.engine.engine import Engine, OtherPlan
from dcs.engine.strategy import AlarmSpec, BlockSpec, Channel, ScanClass
from tests.unit.engine.strategies import NS, Bench, any_bits, cascade, scaled, strategy

ROOT = Path(__file__).parents[3]

ALARMS = (
    AlarmSpec("LIC.HI", "LIC", "LIC.ai.out", "HI", 2, limit=14.0, deadband=0.5, on_delay_s=2.0, description="too full"),
    AlarmSpec("LIC.DEV", "LIC", "LIC.ai.out", "DEV_LO", 3, limit=3.0, reference="LIC.pid.sp_wrk"),
    AlarmSpec("LIC.BAD", "LIC", "LIC.ai.out", "BAD_PV", 3),
)
FULL = {"LT": 12.0, "FT": 12.0, "P.readback": 37.0}

wild = st.one_of(st.floats(-5, 30), st.sampled_from([math.nan, math.inf, 3.5, 21.5]))
scans = st.lists(
    st.tuples(
        st.tuples(wild, wild, wild),
        st.tuples(*[st.one_of(st.just(STATUS_GOOD), st.integers(0, 255))] * 3),
        st.sampled_from(["", "", "LIC.pid.MODE", "FIC.pid.MODE", "FIC.ao.MODE", "LIC.pid.SP", "LIC.pid.OUT"]),
        st.sampled_from(["OOS", "MAN", "AUTO", "CAS", 5.0, 15.0]),
        st.integers(0, 1),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=40,
)


def play(bench: Bench, script: list) -> None:
    for values, statuses, tag, value, class_index, slips in script:
        bench.reads.update(zip(("LT", "FT", "P.readback"), values, strict=True))
        bench.status.update(zip(("LT", "FT", "P.readback"), statuses, strict=True))
        if tag:
            bench.set(tag, value)
        bench.scan(class_index, slips=slips)


@given(script=scans)
@settings(max_examples=50, deadline=None)
def test_compiled_and_uncompiled_give_the_same_bits(script):
    """Promise: the debugger sees what the kernel does, to the last bit, whatever arrives."""
    spec = cascade(1.0, 0.1, outer={"td_s": 2.0}, output={"fault_state": 2, "sp_rate_up": 3.0}, alarms=ALARMS)
    compiled, plain = Bench.of(spec), Bench.of(spec, compiled=False)
    play(compiled, script)
    play(plain, script)
    assert compiled.engine.snapshot() == plain.engine.snapshot()
    assert compiled.engine.take_events() == plain.engine.take_events()


@given(before=scans, after=scans)
@settings(max_examples=40, deadline=None)
def test_copying_the_buffer_is_the_whole_handover(before, after):
    """Promise: another engine that got the snapshot continues to the last bit, events and their ids included."""
    spec = cascade(1.0, 0.1, alarms=ALARMS)
    first = Bench.of(spec)
    play(first, before)
    first.engine.take_events()
    second = Bench.of(spec)
    second.engine.restore(first.engine.snapshot())
    second.time_ns = first.time_ns
    play(first, after)
    play(second, after)
    assert first.engine.digest() == second.engine.digest()
    assert first.engine.take_events() == second.engine.take_events()


@given(script=scans)
@settings(max_examples=40, deadline=None)
def test_no_nan_or_infinity_in_the_buffer_but_in_the_inputs(script):
    """Promise: what a dying transmitter sends stays where it arrived."""
    bench = Bench.of(cascade(1.0, 0.1, alarms=ALARMS))
    play(bench, script)
    plan = bench.engine.plan
    for record in plan.records:
        for f in record.type.fields:
            if f.role != "input" and f.dtype == "f8":
                assert math.isfinite(bench.engine.field(record.name, f.name)), f"{record.name}.{f.name}"
    assert np.isfinite(bench.engine.outputs()[0]).all()


def test_a_snapshot_of_another_plan_is_refused():
    mine = Engine(compile_strategy(cascade()))
    other = Engine(compile_strategy(cascade(outer={"gain": 2.1})))
    with pytest.raises(OtherPlan, match=r"belongs to plan .* must run the same configuration"):
        mine.restore(other.snapshot())
    with pytest.raises(OtherPlan, match="10 bytes"):
        mine.restore(b"0123456789")


def test_the_plan_is_the_same_in_every_process():
    """Promise: neither PYTHONHASHSEED nor the process shows in order, layout or digest."""
    code = (
        "from tests.unit.engine.test_engine import ALARMS\n"
        "from tests.unit.engine.strategies import cascade\n"
        "from dcs.engine.compile import compile_strategy\n"
        "plan = compile_strategy(cascade(1.0, 0.1, alarms=ALARMS))\n"
        "print(plan.digest.hex(), [r.name for r in plan.records])\n"
    )
    answers = set()
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        answers.add(done.stdout)
    assert len(answers) == 1


def test_a_scan_allocates_nothing_that_stays():
    """Promise: a scan leaves no memory behind and makes no more than a handful of small objects."""
    bench = Bench.of(cascade(), **FULL)
    bench.scan(count=20)
    engine, time_ns = bench.engine, bench.time_ns
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(500):
            time_ns += NS
            engine.scan(0, time_ns)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 1000
    assert peak - before < 4000


def test_columns_match_the_layout():
    """Promise: a frame made of ``columns`` reads as ``layouts`` says."""
    bench = Bench.of(cascade(1.0, 0.1, alarms=ALARMS), **FULL)
    bench.second(15)
    bench.status["LT"] = STATUS_BAD
    bench.second(1)
    outer, inner = bench.engine.layouts("tank")
    values, statuses, alarms = bench.engine.columns(0)
    assert (len(values), len(statuses), len(alarms)) == (len(outer.tags), len(outer.tags), len(outer.alarms))
    assert alarms.dtype == ALARM_DTYPE
    shown = dict(zip([tag.name for tag in outer.tags], zip(values, statuses, strict=True), strict=True))
    assert shown["LIC.pid.PV"] == (10.0, STATUS_BAD)
    assert shown["LIC.pid.MODE"] == (3.0, STATUS_GOOD)
    assert shown["LIC.pid.TARGET"] == (4.0, STATUS_GOOD)
    assert [alarm.name for alarm in outer.alarms] == ["LIC.HI", "LIC.DEV", "LIC.BAD"]
    assert outer.alarms[0].tag == "LIC.ai.OUT"
    assert list(alarms["state"]) == [0, 0, 1]
    assert [module.name for module in outer.modules] == ["LIC"]
    assert inner.modules == ()
    frame = Frame.from_bytes(Frame(outer.hash, 1, 2, 3, 1, values, statuses, alarms).to_bytes())
    assert any_bits(frame.values) == any_bits(values)


def test_alarm_events_have_words_and_numbers():
    bench = Bench.of(cascade(alarms=ALARMS), **FULL)
    bench.scan(count=10)
    bench.engine.take_events()
    bench.reads["LT"] = 18.0
    bench.scan(count=4)
    bench.reads["LT"] = 12.0
    bench.scan()
    events = [event for event in bench.engine.take_events() if event.kind == "alarm"]
    assert [(event.subject, event.old, event.new, event.priority) for event in events] == [
        ("LIC.HI", "A", "B", 2),
        ("LIC.HI", "B", "D", 2),
    ]
    assert events[0].text == "LIC high: in alarm, 17.50 cm (limit 14.00 cm) – too full"
    assert events[0].id.startswith("C1:")
    assert events[1].text.startswith("LIC high: returned to normal, not acknowledged, 10.00 cm")


def test_acknowledge_and_acknowledge_all():
    bench = Bench.of(cascade(alarms=ALARMS), **FULL)
    bench.scan(count=10)
    bench.reads["LT"] = 18.0
    bench.status["FT"] = STATUS_GOOD
    bench.scan(count=5)
    bench.engine.take_events()
    apply = bench.engine.apply
    assert apply(Command("1", "ack", "LIC.HI", user="anna", station="OS1"), 5) == (True, "LIC.HI acknowledged")
    assert apply(Command("2", "ack", "LIC.HI"), 6) == (True, "LIC.HI was not waiting for acknowledgement")
    ok, text = apply(Command("3", "ack", "LIC.HIGH"), 6)
    assert (ok, text) == (False, "there is no alarm `LIC.HIGH`. Did you mean `LIC.HI`?")
    (event,) = bench.engine.take_events()
    assert (event.text, event.user, event.station, event.old, event.new, event.time_ns) == (
        "LIC high: acknowledged", "anna", "OS1", "B", "C", 5,
    )  # fmt: skip
    bench.status["LT"] = STATUS_BAD
    bench.scan()
    assert apply(Command("4", "ack_all"), 7) == (True, "1 alarm acknowledged")
    assert apply(Command("5", "ack_all", "FIC"), 7) == (False, "`FIC` has no alarms. Did you mean `LIC`?")


def test_a_burst_larger_than_the_ring_says_what_was_lost():
    """Promise: the first events of a burst stay, the rest is counted, and the count is an event."""
    count = 9000
    blocks = tuple(BlockSpec(f"A{n}.ai", "AI", "loops", scaled(out_scale=(0, 20))) for n in range(1))
    alarms = tuple(AlarmSpec(f"A.{n}", "A", "A0.ai.out", "HI", 3, limit=5.0) for n in range(count))
    spec = strategy(blocks, [("X", "A0.ai.raw")], (Channel("X", "in", ""),), alarms)
    bench = Bench.of(spec, X=90.0)
    bench.scan(count=2)
    events = bench.engine.take_events()
    assert len(events) == 8192 + 1
    assert events[0].subject == "A.0"
    assert events[-1].text.startswith("808 events could not be kept")
    bench.scan()
    assert bench.engine.take_events() == []


def test_recent_events_can_be_read_again():
    bench = Bench.of(cascade(alarms=ALARMS), **FULL)
    bench.scan(count=10)
    taken = bench.engine.take_events()
    assert taken
    assert bench.engine.recent_events(3) == taken[-3:]


def test_slips_are_counted_and_lengthen_alarm_delays():
    bench = Bench.of(cascade(alarms=ALARMS), **FULL)
    bench.scan(count=10)
    bench.reads["LT"] = 18.0
    bench.scan(slips=5)
    bench.scan()
    assert "LIC.HI" in [event.subject for event in bench.engine.take_events()]


def test_classes_see_what_the_other_one_last_put_out():
    blocks = (
        BlockSpec("A.fast", "LEAD_LAG", "fast"),
        BlockSpec("A.slow", "LEAD_LAG", "slow"),
    )
    links = [("X", "A.fast.signal_in"), ("A.fast.out", "A.slow.signal_in")]
    classes = (ScanClass("fast", NS // 10), ScanClass("slow", NS))
    bench = Bench.of(strategy(blocks, links, (Channel("X", "in", ""),), classes=classes), X=1.0)
    bench.scan(0)
    bench.reads["X"] = 2.0
    bench.scan(1)
    assert (bench["A.fast.out"], bench["A.slow.out"]) == (1.0, 1.0)
    assert (bench.engine.scans(0), bench.engine.scans(1)) == (1, 1)


def test_parts_of_the_digest_cover_everything():
    engine = Engine(compile_strategy(cascade()))
    whole, parts = engine.digest(), [engine.digest(part, 4) for part in range(4)]
    engine.memory[-1] ^= 1
    assert engine.digest() != whole
    assert [engine.digest(part, 4) == parts[part] for part in range(4)] == [True, True, True, False]
