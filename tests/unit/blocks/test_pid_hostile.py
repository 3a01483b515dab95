"""The PID against everything that may arrive on a terminal, with any options, and compiled against uncompiled."""

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from dcs.blocks.declare import BLOCK_TYPES
from dcs.core.modes import AUTO, CAS, IMAN, MAN, OOS, RCAS, ROUT
from dcs.core.status import STATUS_GOOD
from dcs.engine.compile import compile_strategy
from dcs.engine.engine import Engine
from dcs.engine.strategy import BlockSpec, Channel, ScanClass
from tests.unit.blocks.bench import CASCADE_NI, CASCADE_OK, OnBench, pid
from tests.unit.blocks.neighbours import ALL_MODES
from tests.unit.engine.strategies import NS, strategy

TERMINALS = (
    "pv", "cas_in", "bkcal_in", "ff", "trk_in_d", "trk_val", "readback", "gain_factor", "ti_factor", "td_factor",
)  # fmt: skip
FLAGS = (
    "direct_acting", "bypass_enable", "sp_track_pv", "sp_track_man", "sp_track_lo", "sp_track_rout",
    "sp_track_retained",
    "obey_sp_limits", "no_out_limits_in_man", "uncertain_as_good", "target_man_if_bad", "ifs_if_bad", "ifs_if_bad_cas",
    "dns_if_bad", "track_enable", "track_in_man", "bkcal_pv", "form", "proportional", "error_squared", "bypass",
)  # fmt: skip
PERIODS_S = [0.025, 0.1, 0.5, 1.0, 5.0, 60.0]

numbers = st.one_of(
    st.floats(0.0, 100.0), st.sampled_from([math.nan, math.inf, -math.inf, 1e308, -1e308, 0.0]), st.floats()
)
scans = st.fixed_dictionaries(
    dict.fromkeys(TERMINALS, numbers)
    | {f"{name}_status": st.one_of(st.just(STATUS_GOOD), st.integers(0, 255)) for name in TERMINALS}
    | {"target": st.sampled_from([OOS, MAN, AUTO, AUTO, CAS, RCAS, ROUT])}
)
tunings = st.fixed_dictionaries(
    {
        "gain": st.sampled_from([0.0, 0.3, 5.0]),
        "ti_s": st.sampled_from([0.0, 0.05, 30.0]),
        "td_s": st.sampled_from([0.0, 0.05, 20.0]),
        "n": st.sampled_from([1.0, 10.0]),
        "beta": st.sampled_from([0.0, 0.4, 1.0]),
        "gamma": st.sampled_from([0.0, 1.0]),
        "gap": st.sampled_from([0.0, 5.0]),
        "gap_gain": st.sampled_from([0.0, 0.5]),
        "sp_rate_up": st.sampled_from([0.0, 1.0]),
        "out_rate_up": st.sampled_from([0.0, 1.0]),
        "shed_opt": st.integers(1, 8),
    }
    | {name: st.integers(0, 1) for name in FLAGS}
)


def unusable_names() -> set[str]:
    """Words that may be no number: what came from outside."""
    return {f.name for f in BLOCK_TYPES["PID"].of_role("input")}


def check(block: OnBench) -> None:
    kept = {f.name: getattr(block, f.name) for f in block.kind.fields if f.name not in unusable_names()}
    wrong = {name: value for name, value in kept.items() if not math.isfinite(value)}
    assert not wrong
    assert all(0 <= kept[f"{name}_status"] <= 255 for name in ("out", "bkcal_out", "sp_wrk", "rcas_out", "rout_out"))


@given(
    tuning=tunings,
    linked=st.fixed_dictionaries({f"{name}_linked": st.integers(0, 1) for name in TERMINALS[1:4] + TERMINALS[6:]}),
    dt_s=st.sampled_from(PERIODS_S),
    script=st.lists(st.tuples(scans, st.one_of(st.none(), tunings), st.booleans()), max_size=15),
)
@settings(max_examples=150, deadline=None)
def test_no_nan_or_infinity_ever_gets_in(tuning, linked, dt_s, script):
    """Promise: whatever arrives, with whatever options and changes of them, every number of the state and every output
    stays finite; OUT stays near its range unless a block below moves it."""
    block = pid(dt_s, permitted=ALL_MODES, elapsed_s=dt_s, rcas_timeout_s=3 * dt_s, **linked | tuning)
    for inputs, change, host in script:
        if change is not None:
            block.step(count=0, **change)
        if host:
            block.step(count=0, rcas_in=block.rcas_out, rcas_in_written=1, rout_in=block.rout_out, rout_in_written=1)
        block.step(**inputs)
        note(f"{block.mode} {block.out}")
        check(block)
        if not linked["bkcal_in_linked"]:
            assert -10.0 - 1e-9 <= block.out <= 110.0 + 1e-9


@pytest.mark.parametrize("terminal", TERMINALS)
@pytest.mark.parametrize("hostile", [math.nan, math.inf, -math.inf, "bad", "uncertain"])
@pytest.mark.parametrize("dt_s", [0.1, 1.0])
def test_one_hostile_terminal_makes_no_spike(terminal, hostile, dt_s):
    """Promise: one terminal that dies for some scans and comes back as it was moves OUT no more than the law."""
    good = {
        "pv": 49.0, "cas_in": 50.0, "bkcal_in": 50.0, "ff": 10.0, "trk_in_d": 0.0, "trk_val": 90.0, "readback": 50.0,
        "gain_factor": 1.0, "ti_factor": 1.0, "td_factor": 1.0,
    }  # fmt: skip
    values = good | {f"{name}_status": STATUS_GOOD for name in TERMINALS}
    links = {f"{name}_linked": 1 for name in ("ff", "gain_factor", "ti_factor", "td_factor")}
    block = pid(dt_s, ti_s=500.0, gain=1.0, td_s=2.0, track_enable=1, **values | links)
    block.step(count=5)
    before = block.out
    wrong = (
        {f"{terminal}_status": {"bad": 0, "uncertain": 64}[hostile]}
        if isinstance(hostile, str)
        else {terminal: hostile}
    )
    for _ in range(10):
        block.step(**values | wrong)
        assert block.out == pytest.approx(before, abs=0.1)
    for _ in range(10):
        block.step(**values)
        assert block.out == pytest.approx(before, abs=0.1)


# --- compiled and uncompiled ---------------------------------------------------------------------------------------
@cache
def wired(tuning: tuple[tuple[str, float], ...], dt_s: float, target: int) -> tuple[Engine, Engine]:
    """One PID with all its terminals on field channels, as an engine of each kind."""
    params = dict(tuning) | {"permitted": ALL_MODES, "target": target}
    spec = strategy(
        (BlockSpec("X.pid", "PID", "loops", params),),
        [(name.upper(), f"X.pid.{name}") for name in TERMINALS] + [("X.pid.out", "P")],
        (*(Channel(name.upper(), "in", "%") for name in TERMINALS), Channel("P", "out", "%")),
        (),
        (ScanClass("loops", round(dt_s * NS)),),
    )
    plan = compile_strategy(spec)
    return Engine(plan, True), Engine(plan, False)


@given(
    tuning=tunings,
    target=st.sampled_from([MAN, AUTO, CAS, RCAS, ROUT]),
    dt_s=st.sampled_from(PERIODS_S),
    script=st.lists(scans, min_size=3, max_size=10),
)
@settings(max_examples=60, deadline=None)
def test_compiled_and_uncompiled_give_the_same_bits(tuning, target, dt_s, script):
    """Promise: every option, every hostile value: the kernel is the Python that the tests read, to the last bit."""
    compiled, plain = wired(tuple(tuning.items()), dt_s, target)
    for k, inputs in enumerate(script):
        for engine in (compiled, plain):
            engine.set_inputs(
                np.array([inputs[name] for name in TERMINALS]),
                np.array([inputs[f"{name}_status"] for name in TERMINALS], np.int64),
                np.full(len(TERMINALS), k, np.int64),
            )
            engine.scan(0, k)
        assert compiled.snapshot() == plain.snapshot()


@pytest.mark.parametrize("nonsense", [1e308, -1e308, 1e30])
def test_a_value_far_away_below_does_not_wind_the_integral(nonsense):
    """Promise: what the block below cannot have accepted moves neither the integral nor, in IMan, OUT."""
    block = pid(bkcal_in_linked=1, bkcal_in=50.0, bkcal_in_status=CASCADE_OK)
    before = block.step(count=3).integral_pct
    assert block.step(bkcal_in=nonsense).integral_pct == before
    block.step(bkcal_in_status=CASCADE_NI)
    assert (block.mode, block.out) == (IMAN, 50.0)


@pytest.mark.parametrize("tuning", [{"gain": 1e308}, {"td_s": 1e308}, {"ti_s": 1e308}, {"td_s": 5e-324, "gain": 1e308}])
def test_no_tuning_that_an_operator_writes_holds_the_output_for_good(tuning):
    """Promise: absurd tuning drives OUT to its limit at worst; with sane tuning again the loop controls."""
    block = pid(td_s=5.0)
    block.step(count=3)
    for name, value in tuning.items():
        setattr(block, name, value)
    for pv in (49.0, 52.0, 48.0, 51.0):
        assert 0.0 <= block.step(pv=pv).out <= 100.0
    block.gain, block.ti_s, block.td_s = 1.0, 10.0, 0.0
    block.step(pv=50.0, count=2)
    before = block.out
    assert block.step(pv=60.0, count=20).out < before or before == 0.0
    assert block.step(pv=40.0, count=200).out > 50.0
