"""Composition → level → flow → valve: three controllers of different periods, whatever is done to them."""

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from dcs.core.modes import AUTO, CAS, IMAN
from dcs.core.status import STATUS_BAD, STATUS_GOOD
from dcs.engine.compile import compile_strategy
from dcs.engine.engine import Engine
from dcs.engine.strategy import BlockSpec, Channel, ScanClass, Strategy
from tests.unit.blocks.neighbours import ALL_MODES
from tests.unit.engine.strategies import NS, Bench, scaled, strategy

PERIODS = [(1.0, 0.5, 0.1), (0.5, 0.5, 0.5), (0.1, 1.0, 0.5), (0.1, 0.5, 1.0)]
NAMES = ("QIC", "LIC", "FIC")
METERS = ("QT", "LT", "FT")
STILL = {"gain": 5.0, "ti_s": 1e9, "permitted": ALL_MODES, "shed_opt": 3}
LIVELY = {"gain": 0.8, "ti_s": 12.0, "td_s": 0.7, "permitted": ALL_MODES, "shed_opt": 3}


def chain(periods_s: tuple[float, float, float], tuning: dict[str, float], **options: float) -> Strategy:
    """Three PIDs in %, each in a class of its own, over one AO in the last one's class."""
    classes = tuple(ScanClass(name, round(s * NS)) for name, s in zip(NAMES, periods_s, strict=True))
    blocks, links = [], []
    for name, meter in zip(NAMES, METERS, strict=True):
        target = {} if name == "QIC" else {"target": CAS}
        blocks += [
            BlockSpec(f"{name}.ai", "AI", name, scaled(xd_scale=(0, 100))),
            BlockSpec(f"{name}.pid", "PID", name, {"sp": 50.0} | tuning | target | options),
        ]
        links += [(meter, f"{name}.ai.raw"), (f"{name}.ai.out", f"{name}.pid.pv")]
    blocks.append(BlockSpec("FIC.ao", "AO", "FIC"))
    for above, below in (("QIC.pid", "LIC.pid"), ("LIC.pid", "FIC.pid"), ("FIC.pid", "FIC.ao")):
        links += [(f"{above}.out", f"{below}.cas_in"), (f"{below}.bkcal_out", f"{above}.bkcal_in")]
    links += [("FIC.ao.out", "P"), ("P.readback", "FIC.ao.readback")]
    channels = [Channel(name, "in", "%") for name in (*METERS, "P.readback")] + [Channel("P", "out", "%")]
    return strategy(tuple(blocks), links, tuple(channels), (), classes)


def running(periods_s: tuple[float, float, float], tuning: dict[str, float], **options: float) -> Bench:
    """In normal operation, with the valve found at 37 %, the flow at 45 and the level at 60."""
    bench = Bench.of(chain(periods_s, tuning, **options), QT=48.0, LT=60.0, FT=45.0, **{"P.readback": 37.0})
    until_in_cascade(bench)
    return bench


def modes(bench: Bench) -> tuple[int, ...]:
    return tuple(int(bench[f"{name}.mode"]) for name in ("QIC.pid", "LIC.pid", "FIC.pid", "FIC.ao"))


def until_in_cascade(bench: Bench, most: int = 10) -> None:
    """Fails when the chain needs more than ``most`` scans of its slowest class: three for each level, and one."""
    for _ in range(most):
        bench.second()
        if modes(bench) == (AUTO, CAS, CAS, CAS):
            return
    raise AssertionError(f"after {most} scans of the slowest class the chain is in {modes(bench)}")


@pytest.mark.parametrize("periods_s", PERIODS)
def test_the_chain_starts_from_the_bottom_and_moves_nothing(periods_s):
    """Promise: while the field is away nobody moves; then the inner ones come first, each from the one below."""
    bench = Bench.of(chain(periods_s, STILL), QT=48.0, LT=60.0, FT=45.0, **{"P.readback": 37.0})
    bench.status["P.readback"] = STATUS_BAD
    bench.second(5)
    assert not bench.engine.outputs()[2][0]
    assert modes(bench) == (IMAN,) * 4
    bench.status["P.readback"] = STATUS_GOOD
    closed: list[str] = []
    for _ in range(8 * round(max(periods_s) / min(periods_s))):
        step_of_the_fastest(bench)
        for name, mode in zip(("AO", "FIC", "LIC", "QIC"), reversed(modes(bench)), strict=True):
            if name not in closed and mode == (AUTO if name == "QIC" else CAS):
                closed.append(name)
    assert closed == ["AO", "FIC", "LIC", "QIC"]
    assert bench.out() == pytest.approx(37.0, abs=1e-4)
    assert bench["LIC.pid.out"] == pytest.approx(45.0, abs=1e-4)  # the flow that was found
    assert bench["QIC.pid.out"] == pytest.approx(60.0, abs=1e-4)  # the level that was found


def step_of_the_fastest(bench: Bench) -> None:
    """The scans that fall due at the next tick of the fastest class."""
    periods = bench.engine.plan.period_ns
    for index in sorted(range(len(periods)), key=lambda i: -periods[i]):
        if bench.time_ns % periods[index] == 0:
            bench.inputs()
            bench.engine.scan(index, bench.time_ns)
            bench.follow()
    bench.time_ns += min(periods)


def random_of(*tags: str, values: list) -> st.SearchStrategy:
    return st.tuples(st.sampled_from(tags), st.sampled_from(values))


PIDS = tuple(f"{name}.pid" for name in NAMES)
MODE_TAGS = tuple(f"{block}.MODE" for block in (*PIDS, "FIC.ao"))
tuning_changes = st.one_of(
    random_of(*(f"{block}.GAIN" for block in PIDS), values=[0.0, 0.4, 2.0, 9.0]),
    random_of(*(f"{block}.TI" for block in PIDS), values=[0.0, 1e9]),
    random_of(*(f"{block}.TD" for block in PIDS), values=[0.0, 3.0]),
)
limit_changes = st.one_of(
    random_of("FIC.pid.OUT_HI", values=[38.0, 70.0, 100.0]),
    random_of("FIC.pid.OUT_LO", values=[0.0, 36.0]),
    random_of("LIC.pid.OUT_HI", "QIC.pid.OUT_HI", values=[61.0, 100.0]),
    random_of("FIC.pid.SP_HI", "LIC.pid.SP_HI", values=[62.0, 100.0]),
)
operations = st.one_of(
    random_of(*MODE_TAGS, values=["OOS", "MAN", "AUTO", "CAS", "RCAS", "ROUT"]),
    tuning_changes,
    limit_changes,
    random_of("bad", "good", values=[*METERS, "P.readback"]),
    st.tuples(st.just("host"), st.sampled_from(PIDS)),
)


@pytest.mark.parametrize("periods_s", PERIODS)
@given(script=st.lists(st.tuples(operations, st.integers(0, 3)), max_size=25))
@settings(max_examples=40, deadline=None)
def test_no_change_of_mode_tuning_quality_or_limits_moves_the_valve(periods_s, script):
    """Promise: with integral action all but off and a field at rest nothing moves the output by more than rounding,
    and once everything is well again the chain closes in a bounded number of scans."""
    bench = running(periods_s, STILL)
    start = bench.out()
    for (what, value), wait_s in script:
        if what in ("bad", "good"):
            bench.status[value] = STATUS_BAD if what == "bad" else STATUS_GOOD
        elif what == "host":
            for part in ("RCAS", "ROUT"):
                bench.set(f"{value}.{part}_IN", bench[f"{value}.{part.lower()}_out"])
        else:
            bench.set(what, value)
        bench.second(wait_s)
        note(f"{what} {value} {wait_s} s → {modes(bench)} {bench.out()}")
        assert bench.out() == pytest.approx(start, abs=1e-4)
    bench.status.clear()
    for block, mode in zip(("FIC.ao", "FIC.pid", "LIC.pid", "QIC.pid"), ("CAS", "CAS", "CAS", "AUTO"), strict=True):
        bench.must_set(f"{block}.MODE", mode)
    until_in_cascade(bench)


@pytest.mark.parametrize("periods_s", PERIODS)
@given(
    script=st.lists(
        st.tuples(
            st.one_of(
                tuning_changes,
                random_of("QIC.pid.MODE", values=["MAN", "AUTO"]),
            ),
            st.integers(0, 3),
            st.floats(-3.0, 3.0),
        ),
        max_size=10,
    )
)
@settings(max_examples=15, deadline=None)
def test_in_the_scan_of_a_change_the_valve_moves_as_without_it(periods_s, script):
    """Promise: with every law at work and every measurement moving, the run with the change and the run without it
    have the same outputs in the scan of the change. (Changes of mode are only on the way: what they stop is meant to
    stop.)"""
    bench = running(periods_s, LIVELY)
    twin = Engine(compile_strategy(chain(periods_s, LIVELY)))
    for (tag, value), wait_s, shift in script:
        bench.second(wait_s)
        for meter in METERS:
            bench.reads[meter] += shift
        twin.restore(bench.engine.snapshot())
        bench.set(tag, value)
        with_change, time_ns = bench.engine, bench.time_ns
        for engine in (with_change, twin):
            bench.engine, bench.time_ns = engine, time_ns
            for index in sorted(range(3), key=lambda i: -engine.plan.period_ns[i]):
                bench.inputs()
                engine.scan(index, time_ns)
        bench.engine = with_change
        if not tag.endswith("MODE"):
            assert with_change.outputs()[0][0] == pytest.approx(twin.outputs()[0][0], abs=1e-9)
            for block in PIDS:
                assert with_change.field(block, "out") == pytest.approx(twin.field(block, "out"), abs=1e-9)
        bench.follow()
