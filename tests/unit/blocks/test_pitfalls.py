"""The pitfalls of control systems that the reference for function blocks lists, by their numbers.

What one block promises is tried on the bench, what a chain promises in the real engine. Pitfalls of other blocks and of
the whole system (selector, splitter, watchdogs, relay test, ranges, restart) are tried where these are.
"""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.modes import AUTO, CAS, IMAN, LO, MAN
from dcs.core.status import (
    GOOD_CASCADE,
    LIMIT_HIGH,
    LIMIT_LOW,
    NO_COMM_LAST_USABLE,
    OK,
    STATUS_BAD,
    STATUS_GOOD,
    limits_of,
    make_status,
    quality_of,
)
from dcs.engine.compile import compile_strategy
from dcs.engine.engine import Engine
from tests.unit.blocks.bench import CASCADE_OK, pid
from tests.unit.blocks.neighbours import pid_in_cascade
from tests.unit.engine.strategies import Bench, cascade

PERIODS = [(1.0, 1.0), (1.0, 0.1), (0.1, 1.0)]


def modes(bench: Bench) -> tuple[int, ...]:
    return tuple(int(bench[f"{name}.mode"]) for name in ("LIC.pid", "FIC.pid", "FIC.ao"))


def running(outer_s: float = 1.0, inner_s: float = 1.0, **options: dict[str, float]) -> Bench:
    """Level over flow over valve in normal operation: valve at 37 %, flow 20 cm3/s, level 10 cm."""
    bench = Bench.of(cascade(outer_s, inner_s, **options), LT=12.0, FT=12.0, **{"P.readback": 37.0})
    bench.second(12)
    assert modes(bench) == (AUTO, CAS, CAS)
    return bench


@pytest.mark.parametrize(("outer_s", "inner_s"), PERIODS)
def test_pitfall_01_a_secondary_that_leaves_cas_leaves_no_wind_up(outer_s, inner_s):
    """The primary is in IMan in the next scan at the latest, its integral follows however long it lasts, and with the
    secondary back in Cas nothing moves."""
    bench = running(outer_s, inner_s, outer={"ti_s": 1e9}, inner={"ti_s": 1e9})
    bench.must_set("FIC.pid.MODE", "AUTO")
    bench.scan(len(bench.engine.plan.period_ns) - 1)
    bench.scan(0, count=2)
    assert modes(bench)[0] == IMAN
    bench.must_set("FIC.pid.SP", 26.0)
    bench.reads["LT"] = 5.0  # nearly empty: the level controller would open for hours
    bench.second(3 * 3600 if outer_s == inner_s else 600)
    assert bench["LIC.pid.out"] == pytest.approx(26.0, abs=1e-9)
    before = bench.out()
    bench.must_set("FIC.pid.MODE", "CAS")
    bench.second(4)
    assert modes(bench) == (AUTO, CAS, CAS)
    assert bench["FIC.pid.sp_wrk"] == pytest.approx(26.0, abs=1e-4)
    assert bench.out() == pytest.approx(before, abs=1e-4)


@pytest.mark.parametrize("inner_direct", [0, 1])
@pytest.mark.parametrize("worsening", [-1.0, 1.0])
def test_pitfall_02_a_limit_below_stops_the_primary_in_the_worsening_direction_only(inner_direct, worsening):
    """The secondary's output limit goes up through its action, and the primary's integral stops that way, not the
    other. A setpoint limit of the secondary goes up as it is."""
    loop = pid_in_cascade(direct_acting=inner_direct, gain=5.0, ti_s=0.0)
    loop.reach(CAS)
    loop.forced = {"cas_in": 50.0 + 40.0 * worsening, "cas_in_status": CASCADE_OK}
    loop.step(2)
    expected = LIMIT_HIGH if worsening > 0 else LIMIT_LOW
    at_end = 100.0 if (worsening > 0) is (inner_direct == 0) else 0.0
    assert (loop.block.out, limits_of(loop.block.bkcal_out_status)) == (at_end, expected)

    primary = pid(bkcal_in_linked=1, ti_s=10.0, bkcal_in=50.0, bkcal_in_status=CASCADE_OK)
    primary.step(count=2)
    limited = make_status(GOOD_CASCADE, OK, expected)
    before = primary.integral_pct
    primary.step(count=50, pv=50.0 - 5.0 * worsening, bkcal_in_status=limited)
    assert primary.integral_pct == before
    for _ in range(3):
        primary.step(pv=50.0 + 5.0 * worsening, bkcal_in=primary.out, bkcal_in_status=limited)
    assert (primary.integral_pct - before) * worsening < 0.0

    loop = pid_in_cascade(direct_acting=inner_direct, sp_low=45.0, sp_high=55.0, gain=0.0)
    loop.reach(CAS)
    loop.forced = {"cas_in": 50.0 + 40.0 * worsening, "cas_in_status": CASCADE_OK}
    loop.step(2)
    assert limits_of(loop.block.bkcal_out_status) == expected


STRUCTURES = [
    {},
    {"beta": 0.0},
    {"beta": 0.3, "gamma": 1.0, "td_s": 5.0},
    {"ti_s": 0.0},
    {"form": 1, "td_s": 5.0},
    {"proportional": 0},
    {"error_squared": 1, "gap": 3.0, "gap_gain": 0.2},
    {"direct_acting": 1},
    {"out_rate_up": 1.0, "out_rate_down": 1.0},
]


@pytest.mark.parametrize("structure", STRUCTURES)
@given(sp=st.floats(0, 100), pv=st.floats(0, 100), out=st.floats(0, 100))
@settings(max_examples=15, deadline=None)
def test_pitfall_05_man_to_auto_makes_no_step_whatever_the_error(structure, sp, pv, out):
    block = pid(**{"sp": sp, "pv": pv, "out": out, "gain": 3.0, "target": MAN} | structure)
    block.step(count=3)
    assert block.step(target=AUTO).out == pytest.approx(out, abs=1e-9)
    assert block.mode == AUTO


@pytest.mark.parametrize(
    "change",
    [
        {"gain": 0.2},
        {"ti_s": 4.0},
        {"ti_s": 0.0},
        {"beta": 0.0},
        {"gamma": 1.0},
        {"td_s": 0.0},
        {"td_s": 9.0},
        {"n": 2.0},
    ],
)
@pytest.mark.parametrize("ti_s", [0.0, 30.0])
def test_pitfall_06_tuning_while_running_moves_nothing_in_its_scan(change, ti_s):
    """Against a twin that keeps its tuning, while measurement and setpoint move; at rest nothing follows either."""
    tuned, kept = (pid(gain=2.0, ti_s=ti_s, td_s=3.0, beta=0.6) for _ in range(2))
    for k in range(15):
        for block in (tuned, kept):
            block.step(pv=50.0 + math.sin(k), sp=50.0 + 0.2 * k)
    assert tuned.step(pv=51.0, sp=53.0, **change).out == kept.step(pv=51.0, sp=53.0).out
    tuned.step(count=400, pv=53.0)
    settled = tuned.out
    assert (
        tuned.step(ti_s=ti_s, **{name: value * 2.0 for name, value in change.items() if name != "ti_s"}).out == settled
    )
    assert tuned.step(count=5).out == pytest.approx(settled, abs=1e-9)  # no error: nothing moves afterwards either


def test_pitfall_07_output_limits_narrowed_clamp_and_widened_do_not_jump():
    block = pid(gain=1.0, ti_s=10.0)
    block.step(count=3, pv=45.0)
    assert block.step(out_high=30.0).out == 30.0
    block.step(count=500)  # an error for minutes at the limit
    assert block.out == 30.0
    assert block.step(out_high=100.0).out == 30.0
    assert block.step().out == pytest.approx(30.0, abs=0.6)  # one scan of the integral
    assert block.step(out_low=60.0).out == 60.0
    assert block.step(out_low=0.0).out == pytest.approx(60.0, abs=0.6)


@pytest.mark.parametrize(
    "bad",
    [{"pv": math.nan}, {"pv": math.inf}, {"pv": -math.inf}, {"pv_status": STATUS_BAD}, {"pv": 1e308, "pv_status": 0}],
)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_pitfall_08_an_untrusted_measurement_holds_the_output_and_returns_without_a_spike(bad, structure):
    block = pid(**{"gain": 3.0, "td_s": 5.0, "beta": 0.5} | structure)
    block.step(count=5, pv=48.0)
    before = block.out
    block.step(count=20, **bad)
    assert (block.mode, block.target, block.out) == (MAN, AUTO, before)
    assert block.step(pv=20.0, pv_status=STATUS_GOOD).out == pytest.approx(before, abs=1e-9)
    assert block.mode == AUTO
    assert math.isfinite(block.integral_pct)


@pytest.mark.parametrize(("outer_s", "inner_s"), [(1.0, 0.1), (0.1, 1.0)])
def test_pitfall_09_primary_and_secondary_of_different_periods_need_few_scans(outer_s, inner_s):
    """From the secondary's request to a closed cascade: three scans of the slower of the two."""
    bench = running(outer_s, inner_s)
    bench.must_set("FIC.pid.MODE", "AUTO")
    bench.second(5)
    bench.must_set("FIC.pid.MODE", "CAS")
    bench.second(3)
    assert modes(bench) == (AUTO, CAS, CAS)


def test_pitfall_09_a_lost_way_back_is_not_the_last_value_good():
    """Stale back-calculation gives IMan, and the output holds."""
    block = pid(bkcal_in_linked=1, bkcal_in=50.0, bkcal_in_status=CASCADE_OK)
    block.step(count=3, pv=49.0)
    before = block.out
    block.step(count=100, pv=20.0, bkcal_in_status=make_status(0, NO_COMM_LAST_USABLE))
    assert (block.mode, block.out) == (IMAN, before)
    assert block.step(bkcal_in=before, bkcal_in_status=CASCADE_OK).out == pytest.approx(before, abs=1e-9)


def test_pitfall_10_a_cold_start_goes_from_the_field_up():
    """No output before the first good read-back; then each controller starts from the block below it."""
    bench = Bench.of(cascade(outer={"ti_s": 1e9}, inner={"ti_s": 1e9}), LT=12.0, FT=14.0, **{"P.readback": 37.0})
    bench.status["P.readback"] = STATUS_BAD
    for _ in range(20):
        bench.second()
        assert not bench.engine.outputs()[2][0]
    bench.status["P.readback"] = STATUS_GOOD
    bench.second()
    assert bench.engine.outputs()[2][0]
    assert bench.out() == 37.0
    bench.second(12)
    assert modes(bench) == (AUTO, CAS, CAS)
    assert bench.out() == pytest.approx(37.0, abs=1e-4)
    assert bench["FIC.pid.sp_wrk"] == pytest.approx(25.0, abs=1e-4)  # the flow that was found


def test_pitfall_10_a_takeover_continues_to_the_last_bit():
    """An engine that is handed the memory goes on as the other would: modes, integrals, handshakes half done."""
    bench = running(1.0, 0.1)
    bench.must_set("FIC.pid.MODE", "AUTO")
    bench.second(2)
    bench.must_set("FIC.pid.MODE", "CAS")
    bench.scan(1)
    other = Bench.of(bench.engine.plan.strategy, LT=12.0, FT=12.0, **{"P.readback": 37.0})
    other.engine.restore(bench.engine.snapshot())
    other.time_ns, other.reads = bench.time_ns, dict(bench.reads)
    for one in (bench, other):
        one.second(10)
    assert bench.engine.snapshot() == other.engine.snapshot()
    assert modes(other) == (AUTO, CAS, CAS)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_pitfall_11_leaving_tracking_is_bumpless(structure):
    tracked = {"track_enable": 1, "trk_val": 20.0, "trk_val_status": STATUS_GOOD, "trk_in_d_status": STATUS_GOOD}
    block = pid(**tracked | structure)
    block.step(count=3, pv=48.0)
    block.step(count=30, pv=41.0, trk_in_d=1.0)
    assert (block.mode, block.out) == (LO, 20.0)
    assert block.step(trk_in_d=0.0, pv=60.0).out == pytest.approx(20.0, abs=1e-9)
    assert block.mode == AUTO


def test_pitfall_12_feed_forward_while_saturated_never_winds_the_integral_up():
    """A feed-forward that rises at the high limit does not raise the integral, one that falls acts at once, and after
    minutes of both the output leaves its limit in the scan in which the error turns."""
    block = pid(gain=1.0, ti_s=10.0, ff_linked=1, ff=0.0, ff_status=STATUS_GOOD, out_high=60.0)
    block.step(count=100, pv=45.0)
    assert block.out == 60.0
    integral = block.integral_pct
    block.step(ff=30.0)
    assert block.out == 60.0
    assert block.integral_pct <= integral + 1e-3  # on its way to 60 %
    block.step(count=300)
    assert block.integral_pct == pytest.approx(60.0 - 30.0)  # the limit less the feed-forward
    assert block.step(pv=50.5).out < 60.0  # the error has turned
    block.step(count=300, pv=45.0)
    assert block.step(ff=10.0).out == pytest.approx(60.0 - 20.0 + 5.0)  # limit - fall + Kc e
    block.step(count=300, ff=30.0)
    for k in range(60):  # a noisy feed-forward at the limit pumps nothing up
        block.step(ff=30.0 + (5.0 if k % 2 else -5.0))
        assert block.integral_pct <= 60.0 - 25.0 + 1e-9


def test_pitfall_13_after_a_fault_state_the_cascade_starts_from_the_fault_value():
    """Fault state: the primary follows in IMan with the fault value; it comes back by handshake, without a step."""
    bench = running(
        inner={"ifs_if_bad": 1, "ti_s": 1e9, "gain": 0.1},
        outer={"ti_s": 1e9, "gain": 0.1},
        output={"fault_state": 2, "fault_value": 5.0},
    )
    assert bench.out() == pytest.approx(37.0, abs=1e-4)
    bench.status["FT"] = STATUS_BAD
    bench.second(4)
    assert modes(bench) == (IMAN, IMAN, LO)
    assert bench.out() == 5.0
    assert bench["FIC.pid.out"] == 5.0
    bench.status["FT"] = STATUS_GOOD
    seen = []
    for _ in range(12):
        bench.second()
        seen.append(bench.out())
    assert modes(bench) == (AUTO, CAS, CAS)
    assert max(abs(value - 5.0) for value in seen) < 0.5  # one small step of a law with a gain of 0.1


def test_pitfall_14_out_in_the_scan_of_man_to_auto_is_refused_and_the_last_writer_is_shown():
    bench = running()
    bench.must_set("LIC.pid.MODE", "MAN")
    bench.second()
    bench.must_set("LIC.pid.OUT", 21.0)
    bench.must_set("LIC.pid.OUT", 22.0)
    bench.must_set("LIC.pid.MODE", "AUTO")
    assert bench.set("LIC.pid.OUT", 30.0) == (
        False, "LIC.pid.OUT can be written in Man; the mode asked for is Auto. Set the mode first.",
    )  # fmt: skip
    bench.second()
    assert bench["LIC.pid.out"] == pytest.approx(22.0)
    written = [(event.old, event.new) for event in bench.engine.take_events() if event.subject == "LIC.pid.OUT"]
    assert [new for _, new in written] == [21.0, 22.0]  # both are in the journal


def test_pitfall_17_a_limit_is_a_fact_of_one_scan():
    """Limited → unlimited: in the scan in which the limit ceases the status says so, up the whole chain."""
    block = pid(gain=2.0, ti_s=0.0)
    block.step(count=2)
    for pv, limits in (
        (20.0, LIMIT_HIGH),
        (50.0, 0),
        (80.0, LIMIT_LOW),
        (51.0, 0),
        (10.0, LIMIT_HIGH),
        (90.0, LIMIT_LOW),
    ):
        assert limits_of(block.step(pv=pv).out_status) == limits
    bench = running(inner={"gain": 20.0, "ti_s": 0.0}, outer={"ti_s": 1e9})
    bench.reads["FT"] = 6.0
    bench.second(2)
    assert limits_of(int(bench["FIC.pid.bkcal_out_status"])) == LIMIT_HIGH
    assert limits_of(int(bench["LIC.pid.bkcal_in_status"])) == LIMIT_HIGH
    bench.reads["FT"] = 12.0
    bench.second(1)
    assert limits_of(int(bench["FIC.pid.bkcal_out_status"])) == 0
    bench.second(1)
    assert limits_of(int(bench["LIC.pid.bkcal_in_status"])) == 0
    assert quality_of(int(bench["LIC.pid.bkcal_in_status"])) == GOOD_CASCADE


def test_uncompiled_and_compiled_chains_meet_the_same_pitfalls():
    """Promise: what was tried here on the bench, in plain Python, is what runs compiled: same bits, scan by scan."""
    plan = compile_strategy(cascade(1.0, 1.0, outer={"td_s": 3.0, "beta": 0.4}, inner={"form": 1, "td_s": 0.5}))
    benches = [
        Bench(Engine(plan, compiled), {"LT": 12.0, "FT": 12.0, "P.readback": 37.0}) for compiled in (True, False)
    ]
    for k in range(40):
        for bench in benches:
            bench.reads |= {"LT": 12.0 + math.sin(k), "FT": 12.0 + math.cos(0.7 * k)}
            bench.status["FT"] = STATUS_BAD if k in (20, 21) else STATUS_GOOD
            if k == 25:
                bench.must_set("FIC.pid.GAIN", 0.9)
            bench.second()
        assert benches[0].engine.snapshot() == benches[1].engine.snapshot()
