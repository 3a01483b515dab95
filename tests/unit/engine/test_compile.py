"""What the plan compiler orders, lays out and refuses."""

import dataclasses

import numpy as np
import pytest

from dcs.core.errors import ConfigError, Place
from dcs.engine import memory
from dcs.engine.compile import compile_strategy
from dcs.engine.engine import Engine
from dcs.engine.strategy import AlarmSpec, BlockSpec, Channel, Link, PublishedTag, ScanClass, Strategy
from tests.unit.engine.strategies import NS, cascade, scaled, strategy

X = (Channel("X", "in", "%"),)


def chain(*links: tuple[str, str], names: str = "abc", **changes: object) -> Strategy:
    """Lead-lag blocks L.a, L.b, … with the given wires."""
    blocks = tuple(BlockSpec(f"L.{name}", "LEAD_LAG", "loops", place=Place("control.yaml", 5)) for name in names)
    return dataclasses.replace(strategy(blocks, list(links), X), **changes)  # type: ignore[arg-type]


def refusal(spec: Strategy) -> str:
    with pytest.raises(ConfigError) as caught:
        compile_strategy(spec)
    return str(caught.value)


def test_blocks_run_after_their_sources_whatever_order_they_are_written_in():
    spec = chain(("L.b.out", "L.a.signal_in"), ("L.c.out", "L.b.signal_in"), ("X", "L.c.signal_in"))
    assert [record.name for record in compile_strategy(spec).records] == ["L.c", "L.b", "L.a"]


def test_feedback_inputs_break_the_loop_of_a_cascade():
    plan = compile_strategy(cascade())
    order = [record.name for record in plan.records]
    assert order.index("LIC.pid") < order.index("FIC.pid") < order.index("FIC.ao")


def test_same_type_of_a_level_lies_together_on_a_line_of_64_bytes():
    """Promise: one run per type and level, each on a 64-byte line, the buffer as well."""
    count = 7
    blocks = tuple(
        BlockSpec(f"M{n}.{name}", kind, "loops", scaled(**{scale: (0.0, 1.0)}))
        for n in range(count)
        for name, kind, scale in (("ai", "AI", "out_scale"), ("ll", "LEAD_LAG", "signal_scale"))
    )
    links = [pair for n in range(count) for pair in (("X", f"M{n}.ai.raw"), (f"M{n}.ai.out", f"M{n}.ll.signal_in"))]
    plan = compile_strategy(strategy(blocks, links, X))
    assert [(run.type.name, run.count) for run in plan.runs[0] if run.type] == [("AI", count), ("LEAD_LAG", count)]
    assert all(run.at % memory.LINE_WORDS == 0 for run in plan.runs[0])
    assert Engine(plan, compiled=False).memory.ctypes.data % 64 == 0
    assert plan.links.dtype == np.int64
    for run in plan.runs[0]:
        targets = plan.links[run.gather_from : run.gather_to, 0]
        assert (np.diff(targets) > 0).all()


def test_a_loop_is_named_with_its_wires_and_its_place():
    spec = chain(
        ("X", "L.a.signal_in"), ("L.d.out", "L.b.signal_in"), ("L.b.out", "L.c.signal_in"),
        ("L.c.out", "L.d.signal_in"), ("L.d.out", "L.e.signal_in"), names="abcde",
    )  # fmt: skip
    links = tuple(Link(link.source, link.target, Place("control.yaml", 10 + n)) for n, link in enumerate(spec.links))
    assert refusal(dataclasses.replace(spec, links=links)) == (
        "control.yaml:11: a loop in which every block waits for the one before it: L.b → L.c → L.d → L.b "
        "(`L.c.signal_in` is wired to `L.b.out`; `L.d.signal_in` is wired to `L.c.out`; "
        "`L.b.signal_in` is wired to `L.d.out`). "
        "Break it with a feedback input such as `bkcal_in`, or remove one of these links."
    )


def test_a_block_wired_to_itself_is_a_loop():
    assert "L.a → L.a" in refusal(chain(("L.a.out", "L.a.signal_in"), names="a"))


def test_a_loop_across_scan_classes_has_its_delay():
    blocks = (BlockSpec("L.a", "LEAD_LAG", "fast"), BlockSpec("L.b", "LEAD_LAG", "slow"))
    links = [("L.a.out", "L.b.signal_in"), ("L.b.out", "L.a.signal_in")]
    classes = (ScanClass("fast", NS // 10), ScanClass("slow", NS))
    compile_strategy(strategy(blocks, links, classes=classes))


def changed(spec: Strategy, block: str, **params: float) -> Strategy:
    blocks = tuple(
        dataclasses.replace(one, params=one.params | params, place=Place("control.yaml", 7))
        if one.name == block
        else one
        for one in spec.blocks
    )
    return dataclasses.replace(spec, blocks=blocks)


def with_link(source: str, target: str) -> Strategy:
    spec = cascade()
    return dataclasses.replace(spec, links=(*spec.links, Link(source, target, Place("control.yaml", 9))))


def without_link(target: str) -> Strategy:
    spec = cascade()
    return dataclasses.replace(spec, links=tuple(link for link in spec.links if link.target != target))


def with_alarm(**values: object) -> Strategy:
    base = {"name": "LIC.HI", "module": "LIC", "source": "LIC.ai.out", "kind": "HI", "priority": 2}
    alarm = AlarmSpec(**base | values, place=Place("alarms.yaml", 3))  # type: ignore[arg-type]
    return cascade(alarms=(alarm,))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            changed(cascade(), "LIC.pid", gaim=2.0),
            "control.yaml:7: LIC.pid (PID) has no parameter `gaim`. Did you mean `gain`?",
        ),
        (
            changed(cascade(), "LIC.pid", ti_s=-1.0),
            "control.yaml:7: LIC.pid: `ti_s` is -1; it must lie between 0 and inf.",
        ),
        (
            changed(cascade(), "LIC.pid", gain=float("nan")),
            "control.yaml:7: LIC.pid: `gain` is nan; a finite number is needed.",
        ),
        (
            changed(cascade(), "LIC.pid", target=9),
            "control.yaml:7: LIC.pid: `target` is 9; it can be OOS, MAN, AUTO, CAS, RCAS, ROUT.",
        ),
        (
            changed(cascade(), "LIC.pid", direct_acting=0.5),
            "control.yaml:7: LIC.pid: `direct_acting` is 0.5; a whole number is needed.",
        ),
        (
            changed(cascade(), "LIC.pid", pv_scale_high=0.0),
            "control.yaml:7: LIC.pid: `pv_scale` goes from 0 to 0; the first must be lower.",
        ),
        (
            with_link("LT", "LIC.pid.ff2"),
            "control.yaml:9: LIC.pid (PID) has no input terminal or output channel `ff2`. Did you mean `ff`?",
        ),
        (
            with_link("LT1", "LIC.pid.ff"),
            "control.yaml:9: there is no terminal `LT1`. Did you mean `LT`?",
        ),
        (
            with_link("LIC.ai.ot", "LIC.pid.ff"),
            "control.yaml:9: LIC.ai (AI) has no terminal `ot`. Did you mean `out`?",
        ),
        (
            with_link("LT", "LIC.pid.pv"),
            "control.yaml:9: `LIC.pid.pv` is wired twice, to `LIC.ai.out` and to `LT`. Remove one.",
        ),
        (
            with_link("LT", "LIC.pid.out"),
            "control.yaml:9: `LIC.pid.out` is no input of PID. "
            "Its inputs are tune_abort, trigger, trk_in_d, trk_val, readback, td_factor, ti_factor, gain_factor, ff, "
            "cas_in, "
            "bkcal_in, pv.",
        ),
        (
            with_link("FIC.ai.mode", "LIC.pid.ff"),
            "control.yaml:9: `LIC.pid.ff` is a number with a fraction, but is wired to a source of another kind: "
            "`FIC.ai.mode` is a whole number. A wire copies and does not convert. Wire two ends of one kind.",
        ),
        (without_link("LIC.pid.pv"), "LIC.pid (PID): the input `pv` is not wired. Wire it under `inputs`."),
        (
            without_link("LIC.pid.bkcal_in"),
            "`FIC.pid.cas_in` is wired to `LIC.pid.out`, but nothing comes back to `LIC.pid.bkcal_in`. "
            "Wire `LIC.pid.bkcal_in` to `FIC.pid.bkcal_out`.",
        ),
        (
            with_alarm(kind="HIGH"),
            "alarms.yaml:3: LIC.HI: there is no alarm kind `HIGH`. "
            "Use one of HIHI, HI, LO, LOLO, DEV_HI, DEV_LO, BAD_PV, ON, OFF, ROC.",
        ),
        (
            with_alarm(kind="DEV_HI"),
            "alarms.yaml:3: LIC.HI: a deviation alarm needs the terminal to compare with.",
        ),
        (with_alarm(source="LIC.ai.pc"), "alarms.yaml:3: LIC.ai (AI) has no terminal `pc`. Did you mean `pv`?"),
        (
            with_alarm(deadband=-1.0),
            "alarms.yaml:3: LIC.HI: `deadband` is -1; it must lie between 0 and inf.",
        ),
    ],
)
def test_what_cannot_be_executed_is_refused_with_a_sentence(spec, message):
    assert refusal(spec) == message


def test_unknown_type_class_and_double_name():
    bad_type = dataclasses.replace(chain(), tags=(), blocks=(BlockSpec("L.a", "PIDD", "loops"),))
    bad_class = strategy((BlockSpec("L.a", "PID", "loop"),), [])
    assert "L.a: there is no block type `PIDD`. Did you mean `PID`?" in refusal(dataclasses.replace(bad_type, tags=()))
    assert refusal(bad_class) == "L.a: there is no scan class `loop`. Did you mean `loops`?"
    assert refusal(chain(names="aa")) == "control.yaml:5: there are two blocks named `L.a`. Rename one."


def test_the_digest_tells_plans_apart():
    """Promise: both members of a pair can tell by eight bytes whether they run the same."""
    base = cascade()
    tags = (*base.tags, PublishedTag("LT", "LT", "mA", 4, 20, "", 2, "float"))
    others = [
        cascade(outer={"gain": 2.1}),
        cascade(outer_s=2.0, inner_s=2.0),
        cascade(readback=False),
        dataclasses.replace(base, tags=tags),
        with_alarm(limit=3.0),
    ]
    digests = [compile_strategy(spec).digest for spec in (base, *others)]
    assert len(set(digests)) == len(digests)
    assert compile_strategy(cascade()).digest == digests[0]


def test_defaults_come_from_the_scale():
    plan = compile_strategy(cascade())
    engine = Engine(plan, compiled=False)
    assert [engine.field("LIC.pid", name) for name in ("sp_low", "sp_high", "out_high")] == [0.0, 20.0, 40.0]
