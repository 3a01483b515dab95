"""Promises of what takes an analogue output away from its controller: interlock and tracking."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcs.blocks.handshake import REASON_TEXTS
from dcs.core.modes import AUTO, CAS, LO, MAN, OOS
from dcs.core.status import IR, STATUS_BAD, STATUS_GOOD, limits_of, sub_status_of
from dcs.core.status import LO as LOCAL_OVERRIDE
from tests.unit.blocks.bench import CASCADE_OK, OnBench


def output(**values: float) -> OnBench:
    """In cascade, with interlock and tracking wired and neither of them acting."""
    cascade = {"mode": CAS, "cas_in_linked": 1, "cas_in": 50.0, "cas_in_status": CASCADE_OK}
    wires = {
        "interlock_linked": 1,
        "interlock": 1.0,
        "interlock_status": STATUS_GOOD,
        "trk_in_d_linked": 1,
        "trk_in_d": 0.0,
        "trk_in_d_status": STATUS_GOOD,
        "trk_val": 30.0,
        "trk_val_status": STATUS_GOOD,
    }
    return OnBench("AO", **cascade | wires | values)


def seen(block: OnBench) -> tuple[int, float, str]:
    return block.mode, block.out, REASON_TEXTS[block.reason]


@pytest.mark.parametrize("target", [CAS, AUTO, MAN, OOS])
def test_an_interlock_acts_in_every_mode_and_at_once(target):
    """Promise: no mode, no limit and no force of an operator keeps a valve from its safe demand."""
    block = output(target=target, safe_value=100.0, out_high=60.0)
    block.step(count=2)
    block.step(interlock=0.0, force=1, force_value=20.0, trk_in_d=1.0)
    assert seen(block) == (LO, 100.0, "held by an interlock")
    assert (block.output_valid, limits_of(block.out_status)) == (1, 3)


def test_a_bad_interlock_acts_too():
    block = output(safe_value=0.0)
    block.step(count=2)
    block.step(interlock_status=STATUS_BAD)
    assert seen(block) == (LO, 0.0, "held by an interlock")
    block.step(interlock_status=STATUS_GOOD, interlock=math.nan)
    assert seen(block) == (LO, 0.0, "held by an interlock")


def test_a_wired_safe_demand_counts_unless_it_is_bad():
    block = output(safe_value=10.0, safe_in_linked=1, safe_in=70.0, safe_in_status=STATUS_GOOD)
    block.step(count=2)
    assert block.step(interlock=0.0).out == 70.0
    assert block.step(safe_in_status=STATUS_BAD).out == 10.0
    assert block.step(safe_in_status=STATUS_GOOD, safe_in=math.nan).out == 10.0


@pytest.mark.parametrize("override", [{"interlock": 0.0}, {"trk_in_d": 1.0}])
def test_the_controller_above_follows_and_comes_back_without_a_bump(override):
    """Promise: it hears of a local override and its value, and afterwards starts from there by the handshake."""
    block = output(safe_value=30.0)
    block.step(count=2)
    block.step(**override)
    assert (block.out, block.bkcal_out, sub_status_of(block.bkcal_out_status)) == (30.0, 30.0, LOCAL_OVERRIDE)
    block.step(interlock=1.0, trk_in_d=0.0, cas_in=90.0)
    assert (block.mode, block.out, sub_status_of(block.bkcal_out_status)) == (AUTO, 30.0, IR)


def test_tracking_leaves_a_valve_to_the_operator_who_has_it_in_man():
    block = output(target=MAN)
    block.step(count=2, trk_in_d=1.0)
    assert block.mode == MAN
    block.step(target=AUTO)
    assert seen(block) == (LO, 30.0, "tracking")


def test_tracking_needs_a_value_that_can_be_followed():
    block = output()
    block.step(count=2)
    block.step(trk_in_d=1.0, trk_val=math.nan)
    assert (block.mode, block.out) == (CAS, 50.0)
    block.step(trk_val=40.0, trk_val_status=STATUS_BAD)
    assert (block.mode, block.out) == (CAS, 50.0)
    block.step(trk_in_d_status=STATUS_BAD, trk_val_status=STATUS_GOOD)
    assert (block.mode, block.out) == (CAS, 50.0)


def test_nothing_is_sent_before_the_field_has_been_read_not_even_by_an_interlock():
    block = output(readback_linked=1, readback=math.nan, readback_status=STATUS_BAD, interlock=0.0)
    block.step(count=3)
    assert block.output_valid == 0
    block.step(readback=80.0, readback_status=STATUS_GOOD)
    assert (block.output_valid, block.out) == (1, 0.0)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=4, max_size=4))
def test_whatever_comes_in_the_demand_stays_in_its_range(values):
    block = output(safe_in_linked=1, safe_in_status=STATUS_GOOD)
    block.step(count=2)
    interlock, safe, track, value = values
    block.step(interlock=interlock, safe_in=safe, trk_in_d=track, trk_val=value)
    assert 0.0 <= block.out <= 100.0
