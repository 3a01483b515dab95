"""Promises of the analogue output block."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.blocks.handshake import REASON_TEXTS
from dcs.core.modes import AUTO, CAS, IMAN, LO, MAN, OOS
from dcs.core.status import (
    BAD,
    FSA,
    GOOD_CASCADE,
    IFS,
    IR,
    LIMIT_HIGH,
    LIMIT_LOW,
    NI,
    OK,
    STATUS_BAD,
    STATUS_GOOD,
    limits_of,
    make_status,
    quality_of,
    sub_status_of,
)
from dcs.core.status import LO as LOCAL_OVERRIDE
from tests.unit.blocks.bench import CASCADE_IA, CASCADE_OK, OnBench
from tests.unit.blocks.hostile import nothing_comes_through


def output(**values: float) -> OnBench:
    """0–100 % of setpoint on 4–20 mA, in cascade."""
    scales = {"xd_scale_low": 4.0, "xd_scale_high": 20.0}
    cascade = {"mode": CAS, "cas_in_linked": 1, "cas_in": 50.0, "cas_in_status": CASCADE_OK}
    return OnBench("AO", **scales | cascade | values)


def test_cascade_is_entered_only_with_the_value_that_was_asked_for():
    """Promise: an old acknowledgement that still stands on the wire does not move the output."""
    block = output(mode=AUTO, target=CAS, sp=30.0, sp_wrk=30.0, bkcal_out=30.0)
    block.step(count=3, cas_in=50.0, cas_in_status=CASCADE_IA)
    assert (block.mode, block.bkcal_out, sub_status_of(block.bkcal_out_status)) == (AUTO, 30.0, IR)
    block.step(cas_in=30.0)
    assert (block.mode, sub_status_of(block.bkcal_out_status)) == (CAS, OK)


def test_setpoint_becomes_demand():
    block = output()
    assert block.step(cas_in=25.0).out == 8.0
    assert (block.mode, block.output_valid, sub_status_of(block.bkcal_out_status)) == (CAS, 1, OK)
    assert output(increase_to_close=1).step(cas_in=25.0).out == 16.0


def test_nothing_is_sent_before_the_field_has_been_read():
    """Promise: until the first good read-back no output is valid; the first one sent is what the field has."""
    block = output(mode=IMAN, readback_linked=1, readback=math.nan, readback_status=STATUS_BAD)
    for _ in range(5):
        block.step()
        assert (block.output_valid, quality_of(block.out_status)) == (0, BAD)
    assert (block.mode, sub_status_of(block.bkcal_out_status)) == (IMAN, NI)
    block.step(readback=13.6, readback_status=STATUS_GOOD)
    assert (block.output_valid, block.out) == (1, 13.6)
    block.step(cas_in_status=make_status(GOOD_CASCADE, OK))
    assert (block.mode, sub_status_of(block.bkcal_out_status)) == (AUTO, IR)
    assert (block.bkcal_out, block.out) == (pytest.approx(60.0), pytest.approx(13.6))


def test_a_short_loss_of_the_read_back_changes_nothing_a_long_one_starts_again_from_the_field():
    block = output(readback_linked=1, readback=12.0, readback_status=STATUS_GOOD, readback_fail_s=5.0)
    block.step(count=3)
    block.step(count=4, readback_status=STATUS_BAD)
    assert block.mode == CAS
    block.step(count=10)
    assert (block.mode, block.out, block.output_valid) == (IMAN, 12.0, 1)
    block.step(readback=4.0, readback_status=STATUS_GOOD, cas_in_status=CASCADE_OK)
    assert (block.mode, block.out) == (AUTO, 4.0)


def test_rate_and_limits_are_told_upwards():
    block = output(sp_rate_up=10.0, sp_rate_down=20.0, sp_high=80.0, sp_wrk=50.0)
    block.step()
    seen = []
    for _ in range(3):
        block.step(cas_in=75.0, cas_in_status=CASCADE_OK)
        seen.append((block.sp_wrk, limits_of(block.bkcal_out_status)))
    assert seen == [(60.0, LIMIT_HIGH), (70.0, LIMIT_HIGH), (75.0, 0)]
    block.step(count=10, cas_in=95.0)
    assert (block.sp_wrk, limits_of(block.bkcal_out_status)) == (80.0, LIMIT_HIGH)
    block.step(cas_in=10.0)
    assert (block.sp_wrk, limits_of(block.bkcal_out_status)) == (60.0, LIMIT_LOW)


@pytest.mark.parametrize(("inverted", "expected"), [(0, LIMIT_HIGH), (1, LIMIT_LOW)])
def test_a_limit_of_the_demand_is_told_in_terms_of_the_setpoint(inverted, expected):
    block = output(out_high=16.0, increase_to_close=inverted)
    block.step(cas_in=90.0 if not inverted else 10.0)
    assert (block.out, limits_of(block.bkcal_out_status)) == (16.0, expected)
    assert block.bkcal_out == pytest.approx(75.0 if not inverted else 25.0)


def test_fault_state_after_its_time_and_back_by_handshake():
    """Promise: the fault value is kept until the block above has initialised to it; no step to the old OUT."""
    block = output(fault_state=2, fault_value=10.0, fault_time_s=3.0)
    block.step(count=3)
    block.step(count=3, cas_in_status=STATUS_BAD)
    assert (block.mode, block.out) == (AUTO, 12.0)
    block.step(count=2)
    assert (block.mode, block.out, sub_status_of(block.bkcal_out_status)) == (LO, pytest.approx(5.6), FSA)
    block.step(cas_in=block.bkcal_out, cas_in_status=CASCADE_OK)
    assert (block.mode, block.out, sub_status_of(block.bkcal_out_status)) == (AUTO, pytest.approx(5.6), IR)


def test_fault_state_on_demand_holds():
    block = output(fault_state=1)
    block.step(count=2)
    block.step(cas_in=99.0, cas_in_status=make_status(GOOD_CASCADE, IFS))
    assert (block.mode, block.out) == (LO, 12.0)


def test_without_fault_state_a_bad_cascade_holds_the_setpoint():
    block = output()
    block.step(count=2)
    block.step(count=100, cas_in=0.0, cas_in_status=STATUS_BAD)
    assert (block.mode, block.target, block.out) == (AUTO, CAS, 12.0)


@given(out=st.floats(4, 20), inverted=st.integers(0, 1))
@settings(max_examples=50, deadline=None)
def test_manual_to_auto_is_bumpless(out, inverted):
    block = output(target=MAN, increase_to_close=inverted)
    block.step()
    block.step(out=out)
    assert block.out == out
    assert block.step(target=AUTO).out == pytest.approx(out, abs=1e-12)


def test_a_station_without_a_block_above_and_without_read_back_starts_at_its_setpoint():
    block = OnBench("AO", started=False, target=MAN, sp=70.0)
    block.step(count=2)
    assert (block.mode, block.out, block.output_valid) == (MAN, 70.0, 1)


def test_out_of_service_sends_nothing():
    block = output()
    block.step(count=2)
    block.step(target=OOS)
    assert (block.output_valid, block.out, quality_of(block.out_status)) == (0, 12.0, BAD)


# --- options of the output ------------------------------------------------------------------------------------
@pytest.mark.parametrize("target", [MAN, AUTO, CAS])
def test_after_out_of_service_the_output_starts_where_the_field_is(target):
    """Promise: what was moved by hand while nothing was sent is not moved back by the first output that is."""
    block = output(target=CAS, readback_linked=1, readback=12.0, readback_status=STATUS_GOOD)
    block.step(count=3)
    block.step(count=3, target=OOS, readback=17.0)
    assert (block.mode, block.out, block.output_valid) == (OOS, 12.0, 0)
    block.step(target=target)
    assert (block.mode, block.out, block.output_valid) == (MAN, 17.0, 1)
    block.step(count=3)
    assert block.out == pytest.approx(17.0)


def test_cut_off_closes_fully_but_does_not_hold_the_block_above():
    """Promise: at and below LOW_CUT the demand is the low end; what goes back up is what was asked for, unlimited."""
    block = output(low_cut=2.0)
    block.step(cas_in=1.5)
    assert (block.out, block.bkcal_out, limits_of(block.bkcal_out_status)) == (4.0, 1.5, 0)
    assert block.step(cas_in=2.5).out == pytest.approx(4.4)


def test_mismatch_after_the_travel_time_and_back():
    block = output(readback_linked=1, readback=12.0, readback_status=STATUS_GOOD, mismatch_band=5.0, travel_s=3.0)
    block.step(count=2)
    block.step(cas_in=70.0)
    seen = [(block.step().mismatch, block.event) for _ in range(3)]
    assert seen == [(0, 0), (0, 0), (1, 1)]
    assert block.event_value == pytest.approx(-20.0)
    block.step(event=0, readback=15.0)
    assert (block.mismatch, block.event) == (0, 2)


def test_a_moving_demand_that_the_field_follows_is_no_mismatch():
    block = output(readback_linked=1, readback=12.0, readback_status=STATUS_GOOD, mismatch_band=5.0, travel_s=3.0)
    for k in range(60):
        demand = block.step(cas_in=50.0 + 0.5 * k).out
        block.readback = demand - 0.5  # 3 % behind
    assert block.mismatch == 0


@pytest.mark.parametrize(("use_fault_value", "expected"), [(0, 8.0), (1, 5.6)])
def test_after_a_restart_the_output_is_where_the_field_is_or_at_the_fault_value(use_fault_value, expected):
    """Promise: nothing moves before the read-back is good; then OUT is the field's, or FAULT_VALUE by option."""
    block = output(fault_restart=use_fault_value, fault_value=10.0, readback_linked=1, readback=12.0)
    block.step(readback_status=STATUS_GOOD, count=2)
    block.step(restarted=1, readback_status=STATUS_BAD)
    assert (block.mode, block.out) == (IMAN, 12.0)
    block.step(readback=8.0, readback_status=STATUS_GOOD)
    assert (block.out, block.restarted) == (pytest.approx(expected), 0)


def test_force_holds_the_output_and_the_block_above_follows():
    """Promise: forced is a local override: the primary is told LO and the value; it comes back by the handshake."""
    block = output()
    block.step(count=2)
    block.step(force=1, cas_in=90.0)
    assert (block.mode, block.out, sub_status_of(block.bkcal_out_status)) == (LO, 12.0, LOCAL_OVERRIDE)
    assert REASON_TEXTS[block.reason] == "forced"
    block.step(force_value=99.0)
    assert (block.out, block.bkcal_out, limits_of(block.out_status)) == (20.0, 100.0, 3)
    block.step(force=0, cas_in=90.0)
    assert (block.mode, block.out, sub_status_of(block.bkcal_out_status)) == (AUTO, 20.0, IR)


def test_a_simulated_read_back_lets_control_go_on_without_the_device():
    block = output(readback_linked=1, readback=math.nan, readback_status=STATUS_BAD, simulate=1, sim_value=12.0)
    block.step(count=2, cas_in_status=CASCADE_OK)
    assert (block.mode, block.out, block.output_valid) == (CAS, 12.0, 1)


def test_nothing_comes_through():
    nothing_comes_through("AO", {"mismatch_band": 1.0, "fault_state": 2.0, "low_cut": 1.0})


@pytest.mark.parametrize("nonsense", [1e308, -1e308, 1e12, math.nan])
def test_a_read_back_that_no_device_can_mean_is_none(nonsense):
    """Promise: it is no position: not at the start, not for MISMATCH, not for the block above."""
    block = output(mode=IMAN, readback_linked=1, readback=nonsense, readback_status=STATUS_GOOD, bkcal_readback=1)
    block.step(count=3)
    assert (block.mode, block.output_valid) == (IMAN, 0)
    block.step(readback=12.0, count=2)
    assert (block.out, block.pv, block.bkcal_out) == (12.0, 50.0, 50.0)
    block.step(readback=nonsense)
    assert (block.out, block.pv, block.bkcal_out) == (12.0, 50.0, 50.0)
