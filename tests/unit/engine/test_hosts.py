"""RCas and ROut through the engine: a host writes by command, as it would through the bus."""

import pytest

from dcs.bus.messages import Command
from dcs.core.modes import AUTO, RCAS, ROUT, mode_mask
from dcs.core.status import IR, NI, OK
from tests.unit.blocks.neighbours import ALL_MODES, says
from tests.unit.engine.strategies import Bench, cascade

LAW = {"gain": 2.0, "ti_s": 200.0, "sp": 11.0, "permitted": ALL_MODES}


def running(**options: float) -> Bench:
    """The level loop in Auto, moving its output all the time because of an error."""
    bench = Bench.of(cascade(outer=LAW | options), LT=12.4, FT=12.0, **{"P.readback": 37.0})
    bench.second(12)
    bench.engine.take_events()
    assert bench["LIC.pid.mode"] == AUTO
    return bench


def write(bench: Bench, part: str, value: float) -> None:
    """A write of the host."""
    bench.commands += 1
    command = Command(f"h{bench.commands}", "set", f"LIC.pid.{part}", value, "optimiser", "APC1")
    done, text = bench.engine.apply(command, bench.time_ns)
    assert done, text


def reach(bench: Bench, mode: str, late_scans: int = 0) -> None:
    """The host hears of the request ``late_scans`` after it was made, and acknowledges."""
    what = mode.lower()
    bench.must_set("LIC.pid.MODE", mode)
    bench.second(1)
    assert says(int(bench[f"LIC.pid.{what}_out_status"]), IR)
    asked = bench[f"LIC.pid.{what}_out"]
    bench.second(late_scans)
    write(bench, f"{mode}_IN", asked)
    bench.second(1)


@pytest.mark.parametrize("late_scans", [0, 1, 7])
@pytest.mark.parametrize(("mode", "code"), [("RCAS", RCAS), ("ROUT", ROUT)])
def test_a_host_however_slow_takes_over_without_a_bump(mode, code, late_scans):
    """Promise: the value to acknowledge stands still, the acknowledgement moves nothing, the next write is followed."""
    bench, alone = running(), running()
    reach(bench, mode, late_scans)
    alone.second(late_scans + 2)
    assert bench["LIC.pid.mode"] == code
    moves = 0.02 if code == ROUT else 1e-9  # in ROut the output stops where it is, in RCas the law goes on
    assert bench["LIC.pid.out"] == pytest.approx(alone["LIC.pid.out"], abs=moves)
    assert says(int(bench[f"LIC.pid.{mode.lower()}_out_status"]), OK)
    write(bench, f"{mode}_IN", 12.0)
    bench.second(1)
    assert bench["LIC.pid.sp_wrk" if code == RCAS else "LIC.pid.out"] == 12.0


def test_no_acknowledgement_no_remote_mode():
    """Promise: neither an old write nor another value is an acknowledgement."""
    bench = running(shed_opt=3)
    write(bench, "RCAS_IN", bench["LIC.pid.sp_wrk"])  # before anybody asked
    bench.must_set("LIC.pid.MODE", "RCAS")
    bench.second(3)
    assert bench["LIC.pid.mode"] == AUTO
    write(bench, "RCAS_IN", 15.0)
    bench.second(2)
    assert bench["LIC.pid.mode"] == AUTO
    write(bench, "RCAS_IN", bench["LIC.pid.rcas_out"])
    bench.second(1)
    assert bench["LIC.pid.mode"] == RCAS


def test_a_host_that_falls_silent_is_shed_with_its_name_in_the_journal():
    """Promise: the time-out counts nominal periods, the journal says who was the last to write, the loop goes on."""
    bench = running(shed_opt=3, rcas_timeout_s=5.0)
    reach(bench, "RCAS")
    bench.engine.take_events()
    bench.second(5)
    assert bench["LIC.pid.mode"] == RCAS
    before = bench["LIC.pid.out"]
    bench.second(1)
    assert bench["LIC.pid.mode"] == AUTO
    assert bench["LIC.pid.out"] == pytest.approx(before, abs=0.02)
    assert [event.text for event in bench.engine.take_events()] == [
        "LIC.pid.MODE RCas → Auto: the host has not written in time (optimiser at APC1 was the last)"
    ]


def test_slips_count_for_the_time_out():
    bench = running(shed_opt=3, rcas_timeout_s=5.0)
    reach(bench, "RCAS")
    bench.scan(0, slips=5)
    assert bench["LIC.pid.mode"] == AUTO


def test_a_returning_host_shakes_hands_again():
    bench = running(shed_opt=3, rcas_timeout_s=5.0)
    reach(bench, "RCAS")
    bench.second(8)
    write(bench, "RCAS_IN", 14.0)
    bench.second(2)
    assert bench["LIC.pid.mode"] == AUTO  # it writes, but has not acknowledged
    write(bench, "RCAS_IN", bench["LIC.pid.rcas_out"])
    bench.second(1)
    assert bench["LIC.pid.mode"] == RCAS


@pytest.mark.parametrize("late_scans", [0, 6])
def test_the_second_time_a_host_takes_over_is_as_smooth_as_the_first(late_scans):
    """Promise: who has led before does not lead at once again: its acknowledgement moves nothing."""
    bench, alone = running(shed_opt=3), running(shed_opt=3)
    for one in (bench, alone):
        reach(one, "ROUT")
        write(one, "ROUT_IN", 21.0)
        one.second(1)
        one.must_set("LIC.pid.MODE", "AUTO")
        one.second(3)
    reach(bench, "ROUT", late_scans)
    alone.second(late_scans + 2)
    assert bench["LIC.pid.mode"] == ROUT
    assert bench["LIC.pid.out"] == pytest.approx(alone["LIC.pid.out"], abs=0.02)


def test_a_host_has_its_whole_time_from_the_request_on():
    """Promise: hours of silence before anybody asked do not shed the target for good."""
    bench = running(shed_opt=4)
    bench.second(200)
    bench.must_set("LIC.pid.MODE", "RCAS")
    bench.second(19)
    assert bench["LIC.pid.target"] == RCAS
    bench.second(3)
    assert bench["LIC.pid.target"] == AUTO


def test_time_out_zero_waits_for_ever():
    bench = running(rout_timeout_s=0.0)
    reach(bench, "ROUT")
    bench.second(500)
    assert bench["LIC.pid.mode"] == ROUT


def test_host_hears_not_invited_until_it_is_asked():
    bench = running()
    assert says(int(bench["LIC.pid.rcas_out_status"]), NI)
    assert bench["LIC.pid.rcas_out"] == bench["LIC.pid.sp_wrk"]
    assert bench["LIC.pid.rout_out"] == bench["LIC.pid.out"]


def test_what_is_not_permitted_is_refused():
    """Promise: a host that could never take part is told so when it writes, not when it is needed."""
    bench = running(permitted=mode_mask((0, 3, 4, 5)))
    assert bench.set("LIC.pid.RCAS_IN", 12.0) == (
        False, "LIC.pid.RCAS_IN: RCas is not permitted. Permitted are OOS, Man, Auto, Cas.",
    )  # fmt: skip
    assert bench.set("LIC.pid.MODE", "ROUT")[0] is False


def test_a_secondary_in_trouble_takes_the_host_along():
    """Promise: IMan comes before RCas; afterwards the host is asked again."""
    bench = running(shed_opt=3)
    reach(bench, "RCAS")
    bench.must_set("FIC.pid.MODE", "AUTO")
    bench.second(2)
    assert says(int(bench["LIC.pid.rcas_out_status"]), NI)
    bench.must_set("FIC.pid.MODE", "CAS")
    bench.second(4)
    assert says(int(bench["LIC.pid.rcas_out_status"]), IR)
    write(bench, "RCAS_IN", bench["LIC.pid.rcas_out"])
    bench.second(1)
    assert bench["LIC.pid.mode"] == RCAS


def test_bypass_is_written_in_man_only():
    bench = running(bypass_enable=1)
    done, text = bench.set("LIC.pid.BYPASS", 1)
    assert not done
    assert "can be written in OOS or Man" in text
    bench.must_set("LIC.pid.MODE", "MAN")
    bench.must_set("LIC.pid.BYPASS", 1)
