"""The level → flow → valve cascade as a whole: start, handshake, bumpless everything, wind-up."""

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from dcs.core.modes import AUTO, CAS, IMAN, MAN
from dcs.core.status import STATUS_BAD, STATUS_GOOD, make_status
from tests.unit.engine.strategies import Bench, cascade

PERIODS = [(1.0, 1.0), (1.0, 0.1), (0.1, 1.0)]


def modes(bench: Bench) -> tuple[int, int, int]:
    return tuple(int(bench[f"{name}.mode"]) for name in ("LIC.pid", "FIC.pid", "FIC.ao"))  # type: ignore[return-value]


def running(outer_s: float = 1.0, inner_s: float = 1.0, **options: dict[str, float]) -> Bench:
    """A cascade in normal operation, with the valve found at 37 % and a flow of 20 cm3/s."""
    bench = Bench.of(cascade(outer_s, inner_s, **options), LT=12.0, FT=12.0, **{"P.readback": 37.0})
    bench.second(12)
    assert modes(bench) == (AUTO, CAS, CAS)
    return bench


@pytest.mark.parametrize(("outer_s", "inner_s"), PERIODS)
def test_cold_start_goes_from_the_bottom_up_and_moves_nothing(outer_s, inner_s):
    """Promise: the field is read first, the outer blocks follow, and the valve stays where it was found."""
    bench = Bench.of(cascade(outer_s, inner_s), LT=12.0, FT=12.0, **{"P.readback": 37.0})
    bench.status["P.readback"] = STATUS_BAD
    bench.second(5)
    assert not bench.engine.outputs()[2][0]
    assert modes(bench) == (IMAN, IMAN, IMAN)
    bench.status["P.readback"] = STATUS_GOOD
    bench.second(12)
    assert modes(bench) == (AUTO, CAS, CAS)
    assert bench.out() == pytest.approx(37.0, abs=1e-9)
    assert bench["LIC.pid.out"] == pytest.approx(20.0, abs=1e-9)  # the flow that was found


still = {"gain": 5.0, "ti_s": 1e9}
operations = st.one_of(
    st.tuples(
        st.sampled_from(["LIC.pid.MODE", "FIC.pid.MODE", "FIC.ao.MODE"]), st.sampled_from(["OOS", "MAN", "AUTO", "CAS"])
    ),
    st.tuples(st.sampled_from(["LIC.pid.GAIN", "FIC.pid.GAIN"]), st.sampled_from([0.0, 0.4, 2.0, 9.0])),
    st.tuples(st.sampled_from(["LIC.pid.TI", "FIC.pid.TI"]), st.sampled_from([0.0, 1e9])),
    st.tuples(st.sampled_from(["LIC.pid.TD", "FIC.pid.TD"]), st.sampled_from([0.0, 3.0])),
    st.tuples(st.just("bad"), st.sampled_from(["LT", "FT", "P.readback"])),
    st.tuples(st.just("good"), st.sampled_from(["LT", "FT", "P.readback"])),
    st.tuples(st.just("LT"), st.sampled_from([6.0, 9.0, 12.0, 19.0])),
    st.tuples(st.just("FT"), st.sampled_from([6.0, 12.0, 17.0])),
)


@pytest.mark.parametrize(("outer_s", "inner_s"), PERIODS)
@given(script=st.lists(st.tuples(operations, st.integers(0, 4)), max_size=25))
@settings(max_examples=60, deadline=None)
def test_no_change_of_mode_tuning_or_quality_moves_the_valve(outer_s, inner_s, script):
    """Promise: with integral action all but off and a field that stands still, nothing an operator or a dying
    transmitter does moves the output by more than rounding, whatever the periods. A measurement may move only while
    its controller does not use it."""
    bench = running(outer_s, inner_s, outer=still | {"sp": 11.0}, inner=still)
    for (what, value), wait_s in script:
        if what in ("bad", "good"):
            bench.status[str(value)] = STATUS_BAD if what == "bad" else STATUS_GOOD
        elif what in ("LT", "FT"):
            if bench[{"LT": "LIC.pid.mode", "FT": "FIC.pid.mode"}[what]] not in (AUTO, CAS):
                bench.reads[what] = float(value)
        else:
            bench.set(what, value)
        bench.second(wait_s)
        note(f"{what} {value} {wait_s} s → {modes(bench)} {bench.out()}")
        assert bench.out() == pytest.approx(37.0, abs=1e-4)


@pytest.mark.parametrize(("outer_s", "inner_s"), PERIODS)
def test_outer_follows_while_inner_is_not_in_cascade(outer_s, inner_s):
    """Promise: hours of inner Auto leave no wind-up in the outer loop, and back in Cas nothing moves."""
    bench = running(outer_s, inner_s, outer={"ti_s": 1e9}, inner={"ti_s": 1e9})
    bench.must_set("FIC.pid.MODE", "AUTO")
    bench.must_set("FIC.pid.SP", 26.0)
    bench.reads["LT"] = 5.0
    bench.second(2000)
    assert modes(bench) == (IMAN, AUTO, CAS)
    assert bench["LIC.pid.out"] == pytest.approx(26.0, abs=1e-9)
    before = bench.out()
    bench.must_set("FIC.pid.MODE", "CAS")
    bench.second(4)
    assert modes(bench) == (AUTO, CAS, CAS)
    assert bench["FIC.pid.sp_wrk"] == pytest.approx(26.0, abs=1e-4)
    assert bench.out() == pytest.approx(before, abs=1e-4)


def test_wind_up_stops_all_the_way_up():
    """Promise: with the valve at its end the outer integral stops, and control resumes as soon as it can."""
    bench = running()
    bench.reads["LT"] = 4.5  # the tank is all but empty, the flow does not come
    bench.second(3000)
    assert bench.out() == 100.0
    bench.reads["LT"] = 19.5
    bench.second(3)
    assert bench["LIC.pid.out"] < 5.0
    bench.second(30)
    assert bench.out() < 60.0


def test_uncertain_flow_sheds_the_inner_loop_and_it_comes_back_by_itself():
    bench = running()
    bench.status["FT"] = make_status(1)
    bench.second(3)
    assert modes(bench) == (IMAN, MAN, CAS)
    assert bench.set("FIC.pid.OUT", 50.0)[0] is False  # its target is not Man
    bench.status["FT"] = STATUS_GOOD
    bench.second(4)
    assert modes(bench) == (AUTO, CAS, CAS)


def test_the_journal_tells_why_a_loop_left_its_mode():
    """Promise: who reads the journal sees what shed, from what to what, and why."""
    bench = running()
    bench.engine.take_events()
    bench.status["FT"] = STATUS_BAD
    bench.second(2)
    assert [event.text for event in bench.engine.take_events()] == [
        "FIC.pid.MODE Cas → Man: the input is Bad",
        "LIC.pid.MODE Auto → IMan: the block below is not ready",
    ]


def test_an_acknowledgement_left_over_on_the_wire_is_not_believed():
    """Promise: an inner loop ten times faster than the outer one goes through Auto and back within one outer scan, and
    still gets its own setpoint back before it enters Cas."""
    bench = running(1.0, 0.1, outer=still | {"sp": 10.0}, inner={"ti_s": 1e9})
    bench.must_set("FIC.pid.MODE", "AUTO")
    bench.scan(1)
    bench.scan(0)
    bench.must_set("FIC.pid.MODE", "CAS")
    bench.scan(1)
    bench.scan(0)  # answers IA, which now stands until the next outer scan
    bench.scan(1)
    assert modes(bench) == (IMAN, CAS, CAS)
    bench.must_set("FIC.pid.MODE", "AUTO")
    bench.scan(1)
    bench.must_set("FIC.pid.SP", 26.0)
    bench.scan(1)
    bench.must_set("FIC.pid.MODE", "CAS")
    bench.scan(1, count=3)
    assert modes(bench) == (IMAN, AUTO, CAS)
    assert bench["FIC.pid.sp_wrk"] == 26.0
    bench.scan(0)
    bench.scan(1)
    assert modes(bench)[1] == CAS
    assert bench["FIC.pid.sp_wrk"] == pytest.approx(26.0, abs=1e-9)
