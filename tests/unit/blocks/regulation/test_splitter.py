"""Promises of the splitter."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.errors import ConfigError
from dcs.core.modes import AUTO, CAS, IMAN, MAN, OOS
from dcs.core.status import (
    GOOD_CASCADE,
    IA,
    IR,
    LIMIT_HIGH,
    LIMIT_LOW,
    OK,
    STATUS_BAD,
    STATUS_NOT_CONNECTED,
    STATUS_OOS,
    limits_of,
    make_status,
    sub_status_of,
)
from dcs.engine.compile import compile_strategy
from dcs.engine.strategy import BlockSpec
from tests.unit.blocks.bench import CASCADE_IR, CASCADE_NI, CASCADE_OK, OnBench
from tests.unit.engine.strategies import strategy

HIGH, LOW = make_status(GOOD_CASCADE, OK, LIMIT_HIGH), make_status(GOOD_CASCADE, OK, LIMIT_LOW)


def splitter(*legs: tuple[float, float, float, float], **values: float) -> OnBench:
    """In cascade, each leg (in low, in high, out low, out high) where the setpoint wants it."""
    legs = legs or ((0.0, 45.0, 100.0, 0.0), (50.0, 100.0, 0.0, 100.0))
    at = {"legs": len(legs), "cas_in": 30.0, "cas_in_status": CASCADE_OK, "mode": CAS}
    block = OnBench("SPLITTER", **at | values)
    for k, leg in enumerate(legs):
        block.leg_in_low[k], block.leg_in_high[k], block.leg_out_low[k], block.leg_out_high[k] = leg
        block.bkcal_in_linked[k], block.bkcal_in_status[k] = 1, CASCADE_OK
    block.step()
    for k in range(len(legs)):
        block.bkcal_in[k] = block.out[k]
    return block


def test_gap_and_both_directions():
    block = splitter()
    got = []
    for sp in (0.0, 22.5, 45.0, 47.0, 50.0, 75.0, 100.0):
        block.step(cas_in=sp)
        got.append((block.out[0], block.out[1]))
    assert got == [(100.0, 0.0), (50.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 50.0), (0.0, 100.0)]


def test_overlap_and_four_legs():
    block = splitter((0, 40, 0, 100), (20, 60, 0, 100), (50, 90, 20, 80), (90, 100, 0, 100))
    block.step(cas_in=55.0)
    assert list(block.out) == [100.0, 87.5, 27.5, 0.0]


def test_without_lock_a_finished_leg_goes_back_when_the_next_begins():
    block = splitter((0, 50, 0, 100), (50, 100, 40, 100), lock_value=0, bal_time_s=0.0)
    got = []
    for sp in (40.0, 50.0, 51.0):
        block.step(cas_in=sp)
        got.append((block.out[0], block.out[1]))
    assert got == [(80.0, 40.0), (100.0, 40.0), (0.0, pytest.approx(41.2))]


@given(st.floats(0, 100), st.floats(0, 100))
@settings(max_examples=100)
def test_one_leg_by_hand_control_goes_on_with_the_other(by_hand, sp):
    """Promise: the hand's leg is followed, the other one moves as always."""
    block = splitter()
    block.bkcal_in[0], block.bkcal_in_status[0] = by_hand, CASCADE_NI
    block.step(cas_in=sp)
    assert (block.mode, block.out[0]) == (CAS, by_hand)
    assert block.out[1] == pytest.approx(min(100.0, max(0.0, (sp - 50.0) * 2.0)))


def test_a_leg_comes_back_where_it_is_and_is_bled():
    block = splitter(bal_time_s=4.0)
    wanted = block.out[0]
    block.bkcal_in[0], block.bkcal_in_status[0] = 80.0, CASCADE_IR
    block.step(count=3)
    assert (block.out[0], sub_status_of(block.out_status[0])) == (80.0, IA)
    assert sub_status_of(block.out_status[1]) == OK
    block.bkcal_in_status[0] = CASCADE_OK
    got = [block.step().out[0] for _ in range(6)]
    part = (80.0 - wanted) / 4.0
    assert got == pytest.approx([80.0 - part * min(k, 4) for k in range(1, 7)])


def test_all_legs_by_hand_the_block_above_is_asked_for_the_setpoint_that_fits():
    """Promise: the smallest balances: here there is a setpoint that fits both legs."""
    block = splitter()
    block.bkcal_in[0], block.bkcal_in[1] = 0.0, 37.0
    block.bkcal_in_status[0] = block.bkcal_in_status[1] = CASCADE_NI
    block.step(count=2)
    assert (block.mode, block.bkcal_out) == (IMAN, pytest.approx(68.5))
    block.bkcal_in_status[1] = CASCADE_IR
    block.step()
    assert sub_status_of(block.out_status[1]) == IA
    block.bkcal_in_status[1] = CASCADE_OK
    block.step()
    assert (block.mode, sub_status_of(block.bkcal_out_status)) == (AUTO, IR)
    assert (block.bkcal_out, block.out[1]) == (pytest.approx(68.5), pytest.approx(37.0))


def test_only_the_leg_that_comes_back_decides_the_setpoint():
    block = splitter()
    block.bkcal_in[0], block.bkcal_in[1] = 90.0, 50.0
    block.bkcal_in_status[0], block.bkcal_in_status[1] = CASCADE_NI, CASCADE_IR
    block.step(count=2)
    assert block.bkcal_out == pytest.approx(75.0)


@pytest.mark.parametrize(
    ("sp", "statuses", "said"),
    [
        (30.0, (CASCADE_OK, CASCADE_OK), 0),
        (30.0, (LOW, CASCADE_OK), 0),  # the falling leg is at its low end, the other one is still to come
        (30.0, (HIGH, CASCADE_OK), LIMIT_LOW),  # it cannot open further, and the other one is at its beginning
        (70.0, (CASCADE_OK, HIGH), LIMIT_HIGH),
        (70.0, (CASCADE_OK, LOW), 0),
        (100.0, (CASCADE_OK, CASCADE_OK), LIMIT_HIGH),
        (0.0, (CASCADE_OK, CASCADE_OK), LIMIT_LOW),
        (47.0, (CASCADE_OK, CASCADE_OK), 0),
        (45.0, (CASCADE_OK, CASCADE_NI), LIMIT_HIGH),  # the only leg that can move has finished
        (20.0, (CASCADE_NI, CASCADE_OK), LIMIT_LOW),
    ],
)
def test_limited_only_when_all_legs_that_can_move_are(sp, statuses, said):
    block = splitter()
    block.bkcal_in_status[0], block.bkcal_in_status[1] = statuses
    block.step(cas_in=sp)
    assert limits_of(block.bkcal_out_status) == said


def test_bad_and_dead_ways_back_are_legs_that_cannot_move():
    block = splitter()
    before = block.out[0]
    block.bkcal_in[0], block.bkcal_in_status[0] = math.nan, CASCADE_OK
    block.step(cas_in=10.0)
    assert (block.mode, block.out[0]) == (CAS, before)
    block.bkcal_in_status[1] = STATUS_BAD
    block.step(cas_in=90.0)
    assert (block.mode, block.out[0], block.out[1]) == (IMAN, before, 0.0)


def test_a_bad_setpoint_leaves_cascade_and_holds():
    block = splitter()
    held = list(block.out)
    block.step(cas_in=99.0, cas_in_status=STATUS_BAD)
    assert (block.mode, block.target, list(block.out)) == (AUTO, CAS, held)
    assert sub_status_of(block.bkcal_out_status) == IR


def test_out_of_service_holds_and_starts_through_one_scan_of_man():
    block = splitter()
    held = list(block.out)
    block.step(target=OOS)
    assert (list(block.out), block.out_status[0]) == (held, STATUS_OOS)
    block.step(target=CAS)
    assert (block.mode, list(block.out)) == (MAN, held)
    assert block.out_status[2] == STATUS_NOT_CONNECTED


def test_a_leg_without_a_range_is_refused():
    spec = BlockSpec("S.s", "SPLITTER", "loops", {"leg_in_low": (0.0, 60.0), "leg_in_high": (50.0, 60.0)})
    with pytest.raises(ConfigError, match=r"S\.s \(SPLITTER\): leg 2 goes from 60 to 60"):
        compile_strategy(strategy((spec,), []))


@pytest.mark.parametrize("change", ["leg_in_low", "leg_in_high", "leg_out_low", "leg_out_high"])
def test_another_range_of_a_leg_is_bled_in(change):
    """Promise: in the scan of the change OUT moves by no more than one scan of the bleed, then in a straight line."""
    block = splitter(bal_time_s=10.0)
    before = list(block.out)
    getattr(block, change)[0] += 20.0
    block.settings_changed = 1  # as an online change says it
    ways = [block.step().out[0] for _ in range(11)]
    other = splitter(bal_time_s=0.0)
    getattr(other, change)[0] += 20.0
    goal = other.step(count=2).out[0]
    assert goal != before[0]
    line = [before[0] + (goal - before[0]) * part / 10.0 for part in range(1, 11)]
    assert ways == pytest.approx([*line, goal], abs=1e-9)
    assert block.out[1] == before[1]


def test_a_setpoint_step_in_the_scan_of_a_change_goes_through_at_once():
    block = splitter(bal_time_s=10.0, target=AUTO, sp=30.0)
    block.step(count=2)
    before = block.out[0]
    block.leg_out_low[0] = 90.0  # the leg goes from 90 to 0 % over 0 to 45 %
    block.step(sp=21.0)
    assert block.out[0] == pytest.approx(before + 2.0 * 9.0 - 0.1 * (100.0 - 90.0) * (1 - 30.0 / 45.0), abs=0.5)
    assert block.sp == 21.0


def test_an_operators_setpoint_does_not_start_the_bleed_again():
    block = splitter(bal_time_s=10.0, target=AUTO, sp=30.0)
    block.leg_out_low[0] = 70.0
    block.step(settings_changed=1)
    start = block.balance_from[0]
    assert start != 0.0
    for _ in range(9):
        block.step(sp=30.0)  # written again and again
    assert block.balance[0] == pytest.approx(0.0, abs=1e-9)
    assert block.balance_from[0] == start


def test_another_leg_starts_where_it_is():
    block = splitter((0, 50, 0, 100), (50, 100, 0, 100), (0, 100, 0, 100), legs=2, cas_in=40.0, bal_time_s=10.0)
    block.bkcal_in_linked[2] = 0
    assert block.step(count=2).out[2] == 0.0
    assert block.step(legs=3).out[2] == 0.0
    assert [block.step().out[2] for _ in range(10)] == pytest.approx([4.0 * k for k in range(1, 11)])
