"""Control and status options of the PID: what each of them changes, and that without it nothing does."""

import math

import pytest

from dcs.core.modes import AUTO, CAS, IMAN, LO, MAN, RCAS, ROUT
from dcs.core.status import (
    DNS,
    GOOD_CASCADE,
    IFS,
    IR,
    LIMIT_HIGH,
    LIMIT_LOW,
    OK,
    STATUS_BAD,
    STATUS_GOOD,
    limits_of,
    make_status,
    sub_status_of,
)
from tests.unit.blocks.bench import CASCADE_NI, CASCADE_OK, pid
from tests.unit.blocks.neighbours import pid_in_cascade

TRACKING = {
    "track_enable": 1,
    "trk_in_d": 1.0,
    "trk_in_d_status": STATUS_GOOD,
    "trk_val": 20.0,
    "trk_val_status": STATUS_GOOD,
}


# --- bypass -----------------------------------------------------------------------------------------------------
def bypassed(**values: float):
    block = pid(**{"bypass": 1, "bypass_enable": 1, "target": MAN, "pv_scale_high": 200.0, "out": 30.0} | values)
    block.step(count=2)
    return block


def test_bypass_hands_the_setpoint_down_and_starts_from_the_output():
    """Promise: in Man the setpoint follows OUT (30 % of 200), in Auto OUT is the setpoint in %, whatever PV does."""
    block = bypassed()
    assert block.sp == pytest.approx(60.0)
    assert block.step(target=AUTO).out == pytest.approx(30.0)
    assert block.step(sp=80.0, pv=123.0).out == pytest.approx(40.0)
    assert block.step(count=20).out == pytest.approx(40.0)
    assert block.step(pv_status=STATUS_BAD).mode == AUTO


def test_bypass_off_in_man_leaves_out_where_it_is():
    block = bypassed(pv=90.0)
    block.step(target=AUTO, sp=80.0, count=3)
    block.step(target=MAN, count=2)
    before = block.out
    block.step(bypass=0)
    assert block.step(target=AUTO).out == pytest.approx(before, abs=1e-9)


@pytest.mark.parametrize("options", [{"bypass_enable": 0}, {"bypass": 0}])
def test_no_bypass_without_both_switches(options):
    block = bypassed(**options)
    block.step(target=AUTO, sp=100.0, pv=100.0)
    assert block.step(count=3, sp=120.0).out != pytest.approx(60.0)


def test_bypass_is_not_switched_while_the_block_controls():
    """Promise: what is written in Auto (by an online change) waits until the block is in Man."""
    block = pid(bypass_enable=1)
    block.step(count=3)
    assert block.step(bypass=1, sp=70.0, count=2).out != 70.0
    block.step(target=MAN, count=2)
    block.step(target=AUTO, count=2)
    assert block.step(sp=71.0).out == pytest.approx(71.0)
    assert block.step(bypass=0, count=2, sp=72.0).out == pytest.approx(72.0)


def test_limits_under_a_bypass_go_up_without_inversion():
    block = bypassed(direct_acting=1, out_high=45.0, cas_in_linked=1)
    block.step(target=AUTO, count=2)
    block.step(sp=100.0)
    assert (block.out, limits_of(block.out_status)) == (45.0, LIMIT_HIGH)


# --- the setpoint -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("option", ["sp_track_man", "sp_track_lo", "sp_track_rout", "sp_track_pv", ""])
def test_setpoint_follows_the_measurement_where_the_option_says(option):
    """Promise: SP-PV track in Man, in LO and IMan, in ROut, each on its own; ``sp_track_pv`` means all."""
    for mode, allowed, forced in (
        (MAN, "sp_track_man", {}),
        (LO, "sp_track_lo", TRACKING),
        (IMAN, "sp_track_lo", {"bkcal_in_status": CASCADE_NI}),
        (ROUT, "sp_track_rout", {}),
    ):
        loop = pid_in_cascade(pv=40.0, sp=60.0, sp_wrk=60.0, shed_opt=3, **({option: 1} if option else {}))
        loop.reach({MAN: MAN, ROUT: ROUT}.get(mode, AUTO))
        loop.forced = forced | {"pv": 41.0}
        loop.step(2)
        assert loop.block.mode == mode
        if option in (allowed, "sp_track_pv"):
            assert loop.block.sp == 41.0
        elif option != "sp_track_man":  # which has moved it on the way, in Man
            assert loop.block.sp == 60.0


def test_setpoint_follows_the_source_of_its_retained_target():
    """Promise: a block that lived from CAS_IN, or from a host, comes back with that setpoint, not with PV."""
    for target in (CAS, RCAS):
        loop = pid_in_cascade(sp_track_retained=1, sp_track_pv=1)
        loop.reach(target)
        for what in ("cas_in", "rcas_in"):
            setattr(loop.block, what, 64.0 if (what == "cas_in") == (target == CAS) else 20.0)
        loop.host_writes = False
        loop.block.target = MAN
        loop.forced = {"pv": 33.0, "cas_in": loop.block.cas_in, "cas_in_status": CASCADE_OK}
        loop.step(2)
        assert (loop.block.mode, loop.block.sp) == (MAN, 64.0)


@pytest.mark.parametrize(("obey", "expected"), [(1, 55.0), (0, 80.0)])
def test_setpoint_limits_in_cascade_are_an_option(obey, expected):
    loop = pid_in_cascade(sp_high=55.0, obey_sp_limits=obey)
    loop.reach(CAS)
    loop.forced = {"cas_in": 80.0}
    assert loop.step(2).sp_wrk == expected
    loop.forced = {"cas_in": 1e300}
    assert loop.step().sp_wrk <= 110.0  # never far beyond the range


def test_a_ramping_setpoint_is_shown_and_counts_as_limited():
    """Promise: the working setpoint ramps, both are shown, and until it arrives it is high (or low) limited."""
    block = pid(sp_rate_up=2.0, sp_rate_down=2.0)
    block.step(count=2)
    assert limits_of(block.sp_wrk_status) == 0
    block.step(sp=55.0)
    assert (block.sp, block.sp_wrk, limits_of(block.sp_wrk_status)) == (55.0, 52.0, LIMIT_HIGH)
    block.step(sp=40.0)
    assert (block.sp_wrk, limits_of(block.sp_wrk_status)) == (50.0, LIMIT_LOW)
    block.step(count=5)
    assert (block.sp_wrk, limits_of(block.sp_wrk_status)) == (40.0, 0)


# --- the output -------------------------------------------------------------------------------------------------
def test_output_limits_in_man_are_an_option():
    assert pid(target=MAN, out=104.0).step().out == 100.0
    block = pid(target=MAN, out=104.0, no_out_limits_in_man=1)
    assert block.step(count=2).out == 104.0
    assert block.step(out=500.0).out == pytest.approx(110.0)  # 10 % beyond the range is the end
    assert block.step(target=AUTO).out == 100.0


def test_tracking_obeys_the_output_limits_unless_told():
    assert pid(**TRACKING | {"trk_val": 5.0}, out_low=10.0).step(count=2).out == 10.0
    assert pid(**TRACKING | {"trk_val": 5.0}, out_low=10.0, no_out_limits_in_man=1).step(count=2).out == 5.0


def test_output_rate_is_reported_as_a_limit_and_stops_the_integral():
    block = pid(out_rate_up=0.1, gain=1.0, ti_s=10.0)
    block.step()
    for k in range(1, 200):
        assert block.step(pv=40.0).out == pytest.approx(50.0 + 0.1 * k)
        assert limits_of(block.out_status) == LIMIT_HIGH
    block.step(pv=62.0)
    assert block.out < 70.0  # nothing has been wound up


def test_external_reset_comes_from_the_read_back_and_falls_back():
    """Promise: a valve that sticks stops the integral; without its read-back the own OUT is used, and that is said."""
    block = pid(readback_linked=1, readback=50.0, readback_status=STATUS_GOOD, gain=1.0, ti_s=10.0)
    block.step(count=500, pv=45.0)
    assert block.reset_source == 2
    assert block.out == pytest.approx(55.0)  # where it stands, plus the proportional part
    block.step(readback_status=STATUS_BAD)
    assert block.reset_source == 3
    moved = block.out
    assert block.step(count=5).out > moved
    for nonsense in (math.nan, 1e308, -1e300):
        block.step(readback=nonsense, readback_status=STATUS_GOOD)
        assert block.reset_source == 3
    assert block.step(pv=50.0).out < 60.0  # none of it is in the integral


def test_feed_forward_is_held_while_bad_and_comes_back_without_a_bump():
    block = pid(ff_linked=1, ff=10.0, ff_status=STATUS_GOOD, ti_s=0.0)
    block.step(count=3)
    assert block.step(ff=12.0).out == pytest.approx(52.0)
    assert block.step(ff=90.0, ff_status=STATUS_BAD).out == pytest.approx(52.0)
    assert block.step(ff=80.0, ff_status=STATUS_GOOD).out == pytest.approx(52.0)
    assert block.step(ff=81.0).out == pytest.approx(53.0)


# --- what is said to other blocks -------------------------------------------------------------------------------
def test_fault_state_can_be_asked_for_by_either_input_and_never_in_man():
    bad = {"pv_status": STATUS_BAD, "ifs_if_bad": 1}
    assert sub_status_of(pid(**bad).step(count=2).out_status) == IFS
    assert sub_status_of(pid(**bad, target=MAN).step(count=2).out_status) == OK
    lost = {"target": CAS, "cas_in_linked": 1, "cas_in_status": STATUS_BAD}
    assert sub_status_of(pid(**lost, ifs_if_bad_cas=1).step(count=2).out_status) == IFS
    assert sub_status_of(pid(**lost).step(count=2).out_status) == OK


def test_a_request_for_the_fault_state_goes_through_a_secondary_in_cas():
    loop = pid_in_cascade()
    loop.reach(CAS)
    loop.forced = {"cas_in_status": make_status(GOOD_CASCADE, IFS)}
    assert sub_status_of(loop.step().out_status) == IFS
    assert loop.block.mode == CAS


def test_a_bad_measurement_can_ask_to_be_left_out():
    """Promise: it does so by default, unless OUT is not the controller's own: by hand, tracking, a host, a bypass."""
    bad = {"pv_status": STATUS_BAD}
    assert sub_status_of(pid(**bad).step(count=2).out_status) == DNS
    assert sub_status_of(pid(**bad, dns_if_bad=0).step(count=2).out_status) == OK
    assert sub_status_of(pid(**bad, target=MAN).step(count=2).out_status) == OK
    assert sub_status_of(pid(**bad, **TRACKING).step(count=2).out_status) == OK
    assert sub_status_of(bypassed(**bad).step(target=AUTO).out_status) == OK
    loop = pid_in_cascade()
    loop.reach(ROUT)
    loop.forced = bad
    assert sub_status_of(loop.step(2).out_status) == OK


def test_back_calculation_carries_the_measurement_when_told_but_asks_with_the_setpoint():
    """Promise: with the option the block above sees the measurement; the value it has to start from is the setpoint."""
    loop = pid_in_cascade(bkcal_pv=1, ti_s=1e9, gain=0.0)
    loop.forced = {"pv": 47.0}
    loop.reach(AUTO)
    assert loop.block.bkcal_out == 47.0
    loop.block.sp = 52.0
    loop.block.target = CAS
    loop.step()
    assert (sub_status_of(loop.block.bkcal_out_status), loop.block.bkcal_out) == (IR, 52.0)
    loop.step(2)
    assert (loop.block.mode, loop.block.sp_wrk, loop.block.bkcal_out) == (CAS, 52.0, 47.0)
