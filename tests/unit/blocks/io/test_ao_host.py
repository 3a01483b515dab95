"""RCas of the analogue output: a host that moves a valve, through the engine as it would through the bus."""

import pytest

from dcs.bus.messages import Command
from dcs.core.modes import AUTO, CAS, LO, MAN, RCAS
from dcs.core.status import FSA, IR, NI, OK, STATUS_GOOD, limits_of
from tests.unit.blocks.neighbours import AO_MODES, ao_in_cascade, says
from tests.unit.engine.strategies import Bench, cascade


def running(compiled: bool = True, **options: float) -> Bench:
    """The valve of a flow loop, in cascade."""
    spec = cascade(output={"permitted": AO_MODES, "normal": CAS} | options)
    bench = Bench.of(spec, compiled, LT=12.4, FT=12.0, **{"P.readback": 37.0})
    bench.second(12)
    bench.engine.take_events()
    assert bench["FIC.ao.mode"] == CAS
    return bench


def write(bench: Bench, value: float) -> None:
    bench.commands += 1
    command = Command(f"h{bench.commands}", "set", "FIC.ao.RCAS_IN", value, "optimiser", "APC1")
    done, text = bench.engine.apply(command, bench.time_ns)
    assert done, text


def reach(bench: Bench, late_scans: int = 0) -> None:
    """The host hears of the request ``late_scans`` after it was made, and acknowledges."""
    bench.must_set("FIC.ao.MODE", "RCAS")
    bench.second(1 + late_scans)
    assert says(int(bench["FIC.ao.rcas_out_status"]), IR)
    write(bench, bench["FIC.ao.rcas_out"])
    bench.second(1)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("late_scans", [0, 1, 7])
def test_a_host_however_slow_takes_the_valve_without_a_bump_and_gives_it_back(compiled, late_scans):
    """Promise: neither the request, nor the acknowledgement, nor the return to cascade moves the demand."""
    bench = running(compiled, shed_opt=3)
    bench.must_set("FIC.ao.MODE", "AUTO")
    bench.second(2)
    before = bench.out()
    reach(bench, late_scans)
    bench.second(2)
    assert (bench["FIC.ao.mode"], bench.out()) == (RCAS, before)
    assert says(int(bench["FIC.ao.rcas_out_status"]), OK)
    assert says(int(bench["FIC.ao.bkcal_out_status"]), NI)  # the controller above follows
    write(bench, 62.0)
    bench.second(2)
    assert bench.out() == 62.0
    assert bench["FIC.pid.out"] == 62.0
    bench.must_set("FIC.ao.MODE", "CAS")
    for _ in range(4):
        moved = bench.out()
        bench.second(1)
        assert bench.out() == pytest.approx(moved, abs=0.05)  # the law of the flow loop, no more
    assert bench["FIC.ao.mode"] == CAS


def test_a_host_that_falls_silent_is_shed_to_the_cascade_with_its_name_in_the_journal():
    """Promise: shed, the block above is asked again, so that the loop closes without a bump."""
    bench = running(rcas_timeout_s=5.0)
    reach(bench)
    write(bench, 55.0)
    bench.second(1)
    bench.engine.take_events()
    for _ in range(9):
        moved = bench.out()
        bench.second(1)
        assert bench.out() == pytest.approx(moved, abs=0.05)
    assert (bench["FIC.ao.mode"], bench["FIC.ao.target"]) == (CAS, RCAS)
    texts = [event.text for event in bench.engine.take_events()]
    silent = "the host has not written in time (optimiser at APC1 was the last)"
    assert f"FIC.ao.MODE RCas → Auto: {silent}" in texts


def test_limits_and_rate_hold_for_a_host():
    loop = ao_in_cascade(sp_high=70.0, sp_rate_up=2.0, readback_linked=0, sp=40.0)
    loop.reach(RCAS)
    start = loop.block.sp_wrk
    loop.forced = {"rcas_in": 99.0, "rcas_in_written": 1}
    loop.step()
    assert (loop.block.sp, loop.block.sp_wrk) == (70.0, start + 2.0)
    loop.step(60)
    assert (loop.block.sp_wrk, limits_of(loop.block.out_status)) == (70.0, 2)


def test_without_the_permission_nothing_is_said_to_a_host():
    bench = running(permitted=(1 << 0) | (1 << MAN) | (1 << AUTO) | (1 << CAS))
    assert bench.set("FIC.ao.MODE", "RCAS")[0] is False
    assert bench.set("FIC.ao.RCAS_IN", 50.0)[0] is False
    bench.second(2)
    assert bench["FIC.ao.rcas_out_status"] == 0


def test_in_fault_state_the_host_hears_why():
    """Promise: a host that waits for its turn is told of the fault state, as the block above is."""
    loop = ao_in_cascade(shed_opt=1)
    loop.reach(CAS)
    loop.host_acknowledges = False
    loop.forced = {"cas_in_status": 0}
    loop.reach(RCAS)
    loop.step(3)
    assert loop.block.mode == LO
    assert says(loop.block.rcas_out_status, FSA)
    assert loop.block.readback_status == STATUS_GOOD


def test_the_journal_says_that_an_output_is_forced():
    bench = running()
    bench.must_set("FIC.ao.FORCE", 1)
    bench.second(1)
    assert "FIC.ao.MODE Cas → LO: forced" in [event.text for event in bench.engine.take_events()]
