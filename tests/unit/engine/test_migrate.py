"""Online change of one engine: what is kept, what starts anew, and that nothing else moves."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.blocks.declare import BLOCK_TYPES, block_type, f8, i8
from dcs.bus.messages import Command
from dcs.core.modes import AUTO, CAS, MAN
from dcs.core.status import STATUS_NOT_CONNECTED
from dcs.engine.change import CONFLICT, KEPT, STARTS, Report
from dcs.engine.change_report import report_of
from dcs.engine.compile import compile_strategy
from dcs.engine.engine import Engine
from dcs.engine.migrate import OtherMemory, Transfer
from dcs.engine.shape import Shape, shape_of
from dcs.engine.strategy import AlarmSpec, BlockSpec, Channel, Link, Strategy
from tests.unit.engine.strategies import Bench, cascade, published, scaled, strategy

HIGH = AlarmSpec("LIC.HI", "LIC", "LIC.ai.out", "HI", 2, limit=15.0, deadband=0.5)


def changed(bench: Bench, spec: Strategy) -> tuple[Bench, Report]:
    """The same field and time, with the memory carried over to ``spec``."""
    plan = compile_strategy(spec)
    transfer = Transfer(shape_of(bench.engine.plan), plan)
    before = bench.engine.snapshot()
    report = report_of(transfer, before, bench.engine.plan)
    engine = Engine(plan, compiled=False)
    engine.restore(transfer.apply(before))
    return replace(bench, engine=engine, reads=dict(bench.reads), status=dict(bench.status)), report


def running(spec: Strategy, seconds: int = 60) -> Bench:
    """The cascade after a while, with the level a little below its setpoint."""
    bench = Bench.of(spec, compiled=False, LT=11.0, FT=12.0)
    bench.reads["P.readback"] = 30.0
    bench.second(seconds)
    return bench


def edited(spec: Strategy, block: str, **params: float) -> Strategy:
    """``spec`` with other parameters in one block."""
    return replace(
        spec, blocks=tuple(replace(b, params={**b.params, **params}) if b.name == block else b for b in spec.blocks)
    )


def with_tags(spec: Strategy) -> Strategy:
    return replace(spec, tags=published(spec.blocks))


def with_second_loop(spec: Strategy, *, before: bool = False, fault: dict[str, float] | None = None) -> Strategy:
    """One more manual station on a point of its own; ``before``: it stands first in the file."""
    ao = BlockSpec("XV.ao", "AO", "loops", scaled(pv_scale=(0, 100), xd_scale=(4, 20)) | {"target": 4} | (fault or {}))
    wires = (Link("X.readback", "XV.ao.readback"), Link("XV.ao.out", "X"))
    channels = (Channel("X", "out", "mA"), Channel("X.readback", "in", "mA"))
    blocks = (ao, *spec.blocks) if before else (*spec.blocks, ao)
    return with_tags(replace(spec, blocks=blocks, links=(*wires, *spec.links), channels=(*channels, *spec.channels)))


def values_of(engine: Engine, block: str) -> dict[str, Any]:
    record = next(r for r in engine.plan.records if r.name == block)
    words = engine.memory.view(np.int64)
    return {name: int(words[record.at + at]) for name, at in record.type.index.items()}


# --- what is not changed ------------------------------------------------------------------------------------
@pytest.mark.parametrize("before", [False, True])
def test_untouched_blocks_keep_every_byte_and_their_outputs_do_not_move(before: bool) -> None:
    """Promise: against a twin without the change, every word of every untouched block is the same, scan for scan."""
    spec = cascade(alarms=(HIGH,))
    twin = running(spec)
    bench, report = changed(twin, with_second_loop(spec, before=before))
    names = [block.name for block in spec.blocks]
    for _ in range(30):
        for name in names:
            assert values_of(bench.engine, name) == values_of(twin.engine, name), name
        assert bench.out("P") == twin.out("P")
        for one in (twin, bench):
            one.reads["LT"] = one.reads["LT"] + 0.01
            one.reads["X.readback"] = 7.0
            one.scan()
            one.follow_named("P")
    assert twin.out("P") != 30.0, "the loop must move, or this test shows nothing"
    assert report.unchanged == len(names) + 1
    assert [item.what for item in report.changes] == ["XV.ao"]


def test_a_change_to_the_same_plan_is_no_change() -> None:
    spec = cascade(alarms=(HIGH,))
    bench = running(spec)
    again, report = changed(bench, spec)
    assert again.engine.snapshot() == bench.engine.snapshot()
    assert report.changes == ()


def test_events_and_counters_go_on() -> None:
    spec = cascade(alarms=(HIGH,))
    bench = running(spec)
    bench.must_set("LIC.pid.SP", 11.0)
    bench.engine.take_events()
    after, _ = changed(bench, with_second_loop(spec, before=True))
    assert after.engine.scans(0) == bench.engine.scans(0) > 0
    assert [event.subject for event in after.engine.recent_events(1)] == ["LIC.pid.SP"]
    assert after.engine.take_events() == [], "events that were taken are not taken again"
    ok, _ = after.engine.apply(Command("x", "set", "LIC.pid.SP", 12.0), after.time_ns)
    ids = [event.id for event in after.engine.take_events()]
    assert ok
    assert ids == [f"C1:{int(bench.engine.memory.view(np.int64)[6])}"], "the sequence goes on"


def test_an_old_event_about_something_removed_is_left_out() -> None:
    spec = cascade()
    bench = running(with_second_loop(spec, before=True))
    bench.must_set("XV.ao.SP", 40.0)
    after, _ = changed(bench, spec)
    assert "XV.ao.SP" not in [event.subject for event in after.engine.recent_events(10)]


# --- parameters ---------------------------------------------------------------------------------------------
def test_a_changed_parameter_takes_the_files_value_without_a_bump() -> None:
    spec = cascade()
    bench = running(spec)
    after, report = changed(bench, edited(spec, "LIC.pid", gain=4.0, ti_s=20.0))
    assert (after["LIC.pid.gain"], after["LIC.pid.ti_s"]) == (4.0, 20.0)
    was = bench["LIC.pid.out"]
    after.scan()
    bench.scan()
    assert after["LIC.pid.mode"] == AUTO
    assert after["LIC.pid.out"] - was < 0.2, "the gain alone would move it by 5 cm3/s"
    was = after["LIC.pid.out"]
    after.scan()
    increment = 4.0 * 6.25 * (1.0 / 20.0) * 40.0 / 100.0  # one scan of integral action with the new tuning
    assert after["LIC.pid.out"] - was == pytest.approx(increment, rel=0.05)
    assert [item.sentence for item in report.changes] == ["LIC.pid.gain: 2 → 4", "LIC.pid.ti_s: 60 s → 20 s"]


def test_what_an_operator_set_stays_where_the_file_says_what_it_said() -> None:
    spec = with_tags(cascade())
    bench = running(spec)
    bench.must_set("LIC.pid.GAIN", 3.0)
    bench.must_set("LIC.pid.SP", 11.5)
    after, report = changed(bench, edited(spec, "LIC.pid", ti_s=30.0))
    assert (after["LIC.pid.gain"], after["LIC.pid.sp"], after["LIC.pid.ti_s"]) == (3.0, 11.5, 30.0)
    kept = {item.what for item in report.items if item.kind == KEPT}
    assert kept == {"LIC.pid.gain", "LIC.pid.sp"}


def test_changed_by_both_the_file_wins_and_it_is_listed() -> None:
    spec = with_tags(cascade())
    bench = running(spec)
    bench.must_set("LIC.pid.GAIN", 3.0)
    after, report = changed(bench, edited(spec, "LIC.pid", gain=5.0))
    assert after["LIC.pid.gain"] == 5.0
    (conflict,) = [item for item in report.items if item.kind == CONFLICT]
    assert (conflict.what, conflict.old, conflict.new) == ("LIC.pid.gain", "3", "5")
    assert "the file wins" in conflict.sentence


def test_a_parameter_that_nobody_may_write_while_running_starts_the_block_anew_and_does_not_bump() -> None:
    """The action of a valve turned round would throw it to the other side; the output holds instead."""
    spec = cascade()
    bench = running(spec)
    was = bench.out("P")
    after, report = changed(bench, edited(spec, "FIC.ao", increase_to_close=1.0))
    for _ in range(10):
        after.scan()
        after.follow_named("P")
        assert after.out("P") == pytest.approx(was, abs=3.0), "turned round it would go from 62 to 38 %"
    assert "FIC.ao" in [item.what for item in report.items if item.kind == STARTS]
    assert after["FIC.ao.mode"] == CAS, "and the cascade closes again"


# --- ranges: pitfall 18 ---------------------------------------------------------------------------------------
def test_pitfall_18_a_changed_range_keeps_everything_in_engineering_units() -> None:
    spec = with_tags(cascade())
    bench = running(spec)
    bench.must_set("LIC.pid.SP", 11.5)
    bench.second(5)
    wide = edited(spec, "LIC.pid", pv_scale_high=40.0, out_scale_high=80.0)
    after, report = changed(bench, wide)
    was = {name: bench[f"LIC.pid.{name}"] for name in ("sp", "sp_wrk", "out")}
    assert {name: after[f"LIC.pid.{name}"] for name in was} == was
    assert after["LIC.pid.sp_high"] == 40.0, "a limit that follows the range goes with it"
    after.scan()
    assert after["LIC.pid.out"] == pytest.approx(was["out"], abs=1e-9), "the output is held in the scan of the change"
    assert after["LIC.pid.integral_pct"] != bench["LIC.pid.integral_pct"], "the integral is of another span"
    for _ in range(5):
        before_ = after["LIC.pid.out"]
        after.scan()
        after.follow_named("P")
        assert abs(after["LIC.pid.out"] - before_) < 0.3
    assert any("values are kept in engineering units" in item.sentence for item in report.items)


def test_pitfall_18_another_unit_of_the_same_quantity_is_converted() -> None:
    spec = with_tags(cascade())
    in_cm = replace(
        spec, blocks=tuple(replace(b, units={"pv_scale": "cm"} if b.name == "LIC.pid" else {}) for b in spec.blocks)
    )
    bench = running(in_cm)
    bench.must_set("LIC.pid.SP", 11.5)
    in_m = edited(in_cm, "LIC.pid", pv_scale_high=0.2, sp=0.1)
    in_m = replace(
        in_m, blocks=tuple(replace(b, units={"pv_scale": "m"} if b.name == "LIC.pid" else {}) for b in in_m.blocks)
    )
    after, report = changed(bench, in_m)
    assert after["LIC.pid.sp"] == pytest.approx(0.115)
    assert after["LIC.pid.sp_high"] == pytest.approx(0.2)
    assert CONFLICT not in {item.kind for item in report.items}, "10 cm and 0.1 m are the same"


def test_pitfall_18_a_setpoint_outside_the_new_range_comes_to_its_limit_and_is_listed() -> None:
    spec = cascade()
    bench = running(spec)
    after, report = changed(bench, edited(spec, "LIC.pid", pv_scale_high=8.0))
    assert after["LIC.pid.sp"] == 8.0
    assert "LIC.pid.sp: 10 % → 8 % (held inside its new limits)" in [item.sentence for item in report.items]


# --- structure ------------------------------------------------------------------------------------------------
def test_pitfall_10_a_cascade_put_above_a_running_loop_closes_through_the_handshake() -> None:
    """Promise: a level controller wired above a flow controller that ran alone moves the valve by nothing."""
    spec = cascade(inner={"sp": 20.0})
    alone = replace(
        spec,
        blocks=tuple(
            replace(b, params={**b.params, "target": float(AUTO)}) if b.name == "FIC.pid" else b
            for b in spec.blocks
            if not b.name.startswith("LIC")
        ),
        links=tuple(w for w in spec.links if "LIC" not in w.source + w.target),
        tags=(),
        modules=(),
    )
    bench = running(alone)
    was = bench.out("P")
    after, report = changed(bench, spec)
    modes = []
    for _ in range(6):
        after.reads.setdefault("LT", 12.0)
        after.scan()
        after.follow_named("P")
        modes.append(int(after["FIC.pid.mode"]))
        assert after.out("P") == pytest.approx(was, abs=0.6)
    assert modes[0] != CAS
    assert modes[-1] == CAS
    assert {item.what for item in report.items if item.kind == STARTS} == {"FIC.pid"}


def test_a_measurement_that_comes_another_way_does_not_kick_the_controller() -> None:
    spec = cascade()
    bench = running(spec)
    was = bench["LIC.pid.out"]
    lag = BlockSpec("LIC.lag", "LEAD_LAG", "loops", scaled(signal_scale=(0, 20)) | {"gain": 1.2})
    wires = [Link("LIC.lag.out", "LIC.pid.pv") if w.target == "LIC.pid.pv" else w for w in spec.links]
    wires.append(Link("LIC.ai.out", "LIC.lag.signal_in"))
    after, report = changed(bench, replace(spec, blocks=(*spec.blocks, lag), links=tuple(wires)))
    after.scan()
    assert after["LIC.pid.pv"] == pytest.approx(1.2 * bench["LIC.pid.pv"])
    assert after["LIC.pid.out"] == pytest.approx(was, abs=1e-9)
    assert {item.what for item in report.items if item.kind == STARTS} == {"LIC.pid"}


def test_an_output_moved_to_another_point_takes_its_first_value_from_there() -> None:
    spec = cascade()
    bench = running(spec)
    assert bench.out("P") > 25.0
    other = replace(
        spec,
        channels=(Channel("Q", "out", "%"), Channel("Q.readback", "in", "%"), *spec.channels[:2]),
        links=tuple(
            Link("FIC.ao.out", "Q")
            if w.target == "P"
            else Link("Q.readback", w.target)
            if w.source == "P.readback"
            else w
            for w in spec.links
        ),
    )
    after, report = changed(bench, other)
    after.status["Q.readback"] = STATUS_NOT_CONNECTED
    after.scan(count=3)
    assert not after.engine.outputs()[2][0], "nothing is sent before the new point was read"
    after.status.clear()
    after.reads["Q.readback"] = 55.0
    after.scan()
    assert after.out("Q") == pytest.approx(55.0)
    assert "P: no block drives it any more: it stays as it is in the field" in [i.sentence for i in report.items]


def test_an_output_wired_to_another_point_starts_anew_though_all_its_inputs_are_the_same() -> None:
    spec = cascade()
    bench = running(spec)
    links = tuple(Link("FIC.ao.out", "Q") if w.target == "P" else w for w in spec.links)
    after, report = changed(bench, replace(spec, channels=(Channel("Q", "out", "%"), *spec.channels), links=links))
    assert "FIC.ao" in [item.what for item in report.items if item.kind == STARTS]
    assert after["FIC.ao.started"] == 0, "what the other point stands at is not what this one was sent"


def test_an_added_output_sends_nothing_before_it_was_read_back() -> None:
    bench = running(cascade())
    after, report = changed(bench, with_second_loop(cascade()))
    at = after.engine.plan.output_channels.index("X")
    after.status["X.readback"] = STATUS_NOT_CONNECTED
    after.scan(count=3)
    assert not after.engine.outputs()[2][at]
    after.status.clear()
    after.reads["X.readback"] = 9.5
    after.scan()
    assert after.engine.outputs()[2][at]
    assert after.out("X") == 9.5
    assert "XV.ao: nothing → AO (starts cold" in " ".join(item.sentence for item in report.items)


@pytest.mark.parametrize(
    ("fault", "value"),
    [({}, None), ({"fault_state": 1.0}, None), ({"fault_state": 2.0, "fault_value": 25.0}, 8.0),
     ({"fault_state": 2.0, "fault_value": 25.0, "increase_to_close": 1.0}, 16.0)],
)  # fmt: skip
def test_a_removed_output_holds_or_goes_to_its_declared_value(fault: dict[str, float], value: float | None) -> None:
    bench = running(with_second_loop(cascade(), fault=fault))
    transfer = Transfer(shape_of(bench.engine.plan), compile_strategy(cascade()))
    writes = transfer.parting(bench.engine.snapshot())
    assert [(write.channel, write.value) for write in writes] == ([] if value is None else [("X", value)])


def test_a_block_of_another_type_under_the_same_name_is_another_block() -> None:
    spec = cascade()
    bench = running(spec)
    blocks = tuple(
        BlockSpec("LIC.ai", "LEAD_LAG", "loops", scaled(signal_scale=(0, 20))) if b.name == "LIC.ai" else b
        for b in spec.blocks
    )
    wires = tuple(Link("LT", "LIC.ai.signal_in") if w.source == "LT" else w for w in spec.links)
    after, report = changed(bench, replace(spec, blocks=blocks, links=wires, tags=published(blocks)))
    assert after["LIC.ai.seeded"] == 0
    assert "LIC.ai: AI → LEAD_LAG" in " ".join(item.sentence for item in report.items)


# --- named codes ----------------------------------------------------------------------------------------------
@pytest.fixture
def sequence() -> Iterator[None]:
    """A type whose state is a code with a name: the step of a sequence."""
    kind = block_type(
        "STEPS", "Steps", state=[i8("step", "active step"), f8("timer_s", "s", "time in it")],
        params=[i8("first", "first step"), f8("hold_s", "s", "time per step", count=4)],
    )  # fmt: skip
    kind.step = stay
    yield
    del BLOCK_TYPES["STEPS"]


def stay(b: Any, dt_s: float) -> None:
    b.timer_s = b.timer_s + dt_s


def steps(*names: str, **params: Any) -> Strategy:
    return strategy((BlockSpec("SEQ.s", "STEPS", "loops", params, {}, {"step": names}),), [])


@pytest.mark.usefixtures("sequence")
@pytest.mark.parametrize(
    ("names", "code", "sentence"),
    [
        (("FILL", "HEAT", "DRAIN"), 1, None),
        (("RINSE", "FILL", "HEAT", "DRAIN"), 2, "SEQ.s.step: 1 → 2 (goes on in HEAT)"),
        (("FILL", "DRAIN"), 0, "SEQ.s.step: HEAT → FILL (what it stood at no longer exists: it starts anew)"),
    ],
)
def test_a_sequence_stays_in_its_step_though_the_steps_were_renumbered(
    names: tuple[str, ...], code: int, sentence: str | None
) -> None:
    bench = Bench.of(steps("FILL", "HEAT", "DRAIN", hold_s=(1.0, 2.0)), compiled=False)
    bench.scan(count=7)
    words = bench.engine.memory.view(np.int64)
    words[bench.engine.plan.records[0].at] = 1
    after, report = changed(bench, steps(*names, hold_s=(1.0, 2.0, 3.0)))
    assert after["SEQ.s.step"] == code
    assert after["SEQ.s.timer_s"] == 7.0
    assert after["SEQ.s.hold_s_3"] == 3.0
    sentences = [item.sentence for item in report.items]
    assert "SEQ.s.hold_s_3: 0 s → 3 s" in sentences
    assert sentence is None or sentence in sentences


def calculation(text: str) -> Strategy:
    found = BLOCK_TYPES["CALC"].translate({"program": text})  # type: ignore[misc]
    return strategy((BlockSpec("X.calc", "CALC", "loops", dict(found.params), {}, dict(found.labels)),), [])


def test_variables_of_a_program_keep_their_values_under_their_names() -> None:
    bench = Bench.of(calculation("VAR n : REAL := 5; k : REAL; END_VAR n := n + 1; k := k + 2; OUT1 := n;"), False)
    bench.scan(count=4)
    assert bench["X.calc.out_1"] == 9.0
    text = "VAR fresh : REAL := 100; k : REAL; n : REAL := 5; END_VAR n := n + 1; OUT1 := n; OUT2 := k; OUT3 := fresh;"
    after, report = changed(bench, calculation(text))
    after.scan()
    assert [after[f"X.calc.out_{i}"] for i in (1, 2, 3)] == [10.0, 8.0, 100.0]
    assert [item.what for item in report.changes] == ["X.calc.program"]


# --- alarms ---------------------------------------------------------------------------------------------------
def in_alarm() -> Bench:
    bench = running(with_tags(cascade(alarms=(HIGH,))))
    bench.reads["LT"] = 17.0
    bench.scan(count=3)
    assert bench.engine.apply(Command("a", "ack", "LIC.HI"), bench.time_ns)[0]
    bench.scan()
    return bench


def test_an_alarm_keeps_its_acknowledgement_when_its_limit_changes() -> None:
    bench = in_alarm()
    spec = with_tags(cascade(alarms=(replace(HIGH, limit=15.5),)))
    after, _ = changed(bench, spec)
    after.engine.take_events()
    after.scan(count=2)
    assert after["LIC.HI.alarm_state"] == 2
    assert after["LIC.HI.limit"] == 15.5
    assert after.engine.take_events() == []


def test_an_alarm_on_something_else_starts_in_normal() -> None:
    bench = in_alarm()
    after, report = changed(bench, with_tags(cascade(alarms=(replace(HIGH, source="FIC.ai.out"),))))
    assert after["LIC.HI.alarm_state"] == 0
    assert any("its state is forgotten" in item.sentence for item in report.items)


def test_a_removed_alarm_that_stands_is_said() -> None:
    bench = in_alarm()
    _, report = changed(bench, with_tags(cascade()))
    assert any("stands in alarm now" in item.sentence for item in report.items)


# --- all of it --------------------------------------------------------------------------------------------------
def test_a_memory_of_another_plan_is_refused() -> None:
    bench = running(cascade())
    other = compile_strategy(with_second_loop(cascade()))
    with pytest.raises(OtherMemory):
        Transfer(shape_of(other), bench.engine.plan).apply(bench.engine.snapshot())


def test_a_shape_travels_as_bytes() -> None:
    shape = shape_of(compile_strategy(cascade(alarms=(HIGH,))))
    assert Shape.from_bytes(shape.to_bytes()) == shape
    with pytest.raises(ValueError, match="no shape"):
        Shape.from_bytes(b"anything")


edits = st.lists(
    st.tuples(
        st.sampled_from(["LIC.pid", "FIC.pid", "FIC.ao"]),
        st.sampled_from([("pv_scale_high", 37.0), ("sp_low", 1.0), ("sp_rate_up", 0.5), ("target", float(MAN))]),
    ),
    max_size=4,
)


@settings(max_examples=40, deadline=None)
@given(edits, st.booleans(), st.integers(0, 20))
def test_any_change_is_repeatable_and_bumps_no_output(
    some: list[tuple[str, tuple[str, float]]], second: bool, scans: int
) -> None:
    """Promise: two controllers get the same bytes, and no edit of these moves the valve in the scan of the change."""
    spec = cascade()
    bench = running(spec, 30)
    bench.scan(count=scans)
    new = spec
    for block, (name, value) in some:
        new = edited(new, block, **{name: value})
    new = with_second_loop(new) if second else with_tags(new)
    plan = compile_strategy(new)
    shape, before = shape_of(bench.engine.plan), bench.engine.snapshot()
    bytes_a = Transfer(shape, plan).apply(before)
    bytes_b = Transfer(Shape.from_bytes(shape.to_bytes()), compile_strategy(new)).apply(before)
    assert bytes_a == bytes_b
    after, _ = changed(bench, new)
    after.reads["X.readback"] = 8.0
    last = bench.out("P")
    for _ in range(3):
        before_scan = bench.out("P")
        for one in (bench, after):
            one.scan()
            one.follow_named("P")
        natural = abs(bench.out("P") - before_scan)
        assert abs(after.out("P") - last) <= 1.3 * natural + 0.1, (
            "a kick of the proportional part would be 2 % and more"
        )
        last = after.out("P")
