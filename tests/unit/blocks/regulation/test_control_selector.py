"""Promises of the control selector, on the bench; the chain with its controllers is in ``test_pitfalls``."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.modes import AUTO, IMAN, MAN, OOS
from dcs.core.status import (
    BAD,
    DNS,
    GOOD_CASCADE,
    IA,
    IFS,
    IR,
    LIMIT_CONSTANT,
    LIMIT_HIGH,
    LIMIT_LOW,
    NI,
    NS,
    OK,
    STATUS_BAD,
    STATUS_GOOD,
    STATUS_OOS,
    UNCERTAIN,
    limits_of,
    make_status,
    quality_of,
    sub_status_of,
)
from tests.unit.blocks.bench import CASCADE_IA, CASCADE_IR, CASCADE_NI, CASCADE_OK, OnBench

LOW, HIGH, MID = 0, 1, 2
ASKS_OUT = make_status(GOOD_CASCADE, DNS)


def selector(*inputs: float, **values: float) -> OnBench:
    """In Auto, with these controllers above it, each initialised to OUT."""
    block = OnBench("CONTROL_SELECTOR", **{"out": 50.0} | values)
    for k in range(len(inputs)):
        block.inp[k], block.inp_status[k], block.inp_linked[k] = block.out, CASCADE_IA, 1
    block.step(count=2)
    assert block.mode == AUTO
    assert block.selected != 0
    for k, value in enumerate(inputs):
        block.inp[k], block.inp_status[k] = value, CASCADE_OK
    return block.step() and block


def subs(block: OnBench) -> list[int]:
    return [sub_status_of(status) for status in block.bkcal_out_status]


@pytest.mark.parametrize(
    ("select", "inputs", "chosen"),
    [
        (LOW, (40.0, 30.0, 60.0), 2),
        (HIGH, (40.0, 30.0, 60.0), 3),
        (MID, (40.0, 30.0, 60.0), 1),
        (MID, (40.0, 30.0, 60.0, 50.0), 1),
        (MID, (40.0, 30.0), 2),
        (LOW, (70.0, 70.0), 1),
    ],
)
def test_the_rule(select, inputs, chosen):
    """Promise: the winner is told OK, the losers Not Selected, all of them the selected output."""
    block = selector(*inputs, select=select)
    assert (block.selected, block.out) == (chosen, inputs[chosen - 1])
    assert subs(block)[: len(inputs)] == [OK if k + 1 == chosen else NS for k in range(len(inputs))]
    assert list(block.bkcal_out)[: len(inputs)] == [block.out] * len(inputs)


@given(
    st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2), st.floats(-2, 2)), min_size=1, max_size=60),
    st.sampled_from([LOW, HIGH, MID]),
)
@settings(deadline=None)
def test_a_cross_over_moves_out_by_at_most_one_scans_increment(moves, select):
    """Promise: however the controllers move, OUT moves no more than the fastest of them did."""
    block = selector(45.0, 50.0, 55.0, select=select)
    for move in moves:
        before = block.out
        for k in range(3):
            block.inp[k] = min(100.0, max(0.0, block.inp[k] + move[k]))
        block.step()
        assert abs(block.out - before) <= max(abs(one) for one in move) + 1e-12


@pytest.mark.parametrize("lost", [(30.0, STATUS_BAD), (30.0, ASKS_OUT), (math.nan, CASCADE_OK), (math.inf, CASCADE_OK)])
def test_one_that_takes_the_place_of_a_lost_one_is_initialised_first(lost):
    """Promise: OUT does not move until the new one has been initialised to it, and not then."""
    block = selector(30.0, 60.0)
    block.inp[0], block.inp_status[0] = lost
    block.step(count=3)
    assert (block.mode, block.out, subs(block)[1], block.bkcal_out[1]) == (AUTO, 30.0, IR, 30.0)
    block.inp_status[1] = CASCADE_IA  # an acknowledgement of something else
    block.step()
    assert (block.out, subs(block)[1]) == (30.0, IR)
    block.inp[1] = 30.0
    block.step()
    assert (block.out, block.selected, subs(block)[1]) == (30.0, 2, OK)
    block.inp[1], block.inp_status[1] = 33.0, CASCADE_OK
    assert block.step().out == 33.0


def test_one_that_comes_back_below_the_output_is_initialised_first():
    block = selector(30.0, 60.0)
    block.inp_status[0] = STATUS_BAD
    block.step()
    block.inp[1], block.inp_status[1] = 30.0, CASCADE_IA
    block.step()
    block.inp[0], block.inp_status[0] = 5.0, CASCADE_OK
    block.step()
    assert (block.out, subs(block)[0]) == (30.0, IR)
    block.inp[0], block.inp_status[0] = 30.0, CASCADE_IA
    assert block.step().out == 30.0
    assert block.selected in (1, 2)


def test_one_that_takes_part_in_no_cascade_comes_in_with_a_balance():
    """Promise: a constant cannot be initialised; what it is off is bled over BAL_TIME."""
    block = selector(30.0, 60.0, bal_time_s=10.0)
    block.inp_status[1] = STATUS_GOOD
    block.inp_status[0] = STATUS_BAD
    got = [block.step().out for _ in range(12)]
    assert got == pytest.approx([30.0 + 3.0 * min(k, 10) for k in range(12)])


def test_one_that_never_answers_is_taken_in_the_end():
    block = selector(30.0, 60.0, answer_time_s=5.0, bal_time_s=10.0)
    block.inp_status[0] = STATUS_BAD
    block.step(count=5)
    assert block.selected == 1
    block.step(count=2)
    assert (block.selected, block.out) == (2, pytest.approx(33.0))


def test_all_lost_out_is_bad_and_holds():
    block = selector(30.0, 60.0)
    block.inp_status[0] = block.inp_status[1] = STATUS_BAD
    block.step(count=5)
    assert (block.mode, block.out, quality_of(block.out_status), block.selected) == (MAN, 30.0, BAD, 0)


def test_uncertain_takes_part_only_on_demand():
    block = selector(30.0, 60.0)
    block.inp_status[0] = make_status(UNCERTAIN)
    block.step()
    assert block.awaited == 2
    block = selector(30.0, 60.0, uncertain_as_good=1)
    block.inp_status[0] = make_status(UNCERTAIN)
    block.step()
    assert block.selected == 1


@pytest.mark.parametrize(("below", "said"), [(CASCADE_NI, OK), (CASCADE_IR, IA)])
def test_follows_the_block_below_and_takes_all_controllers_along(below, said):
    block = selector(30.0, 60.0, bkcal_in_linked=1, bkcal_in=50.0, bkcal_in_status=CASCADE_OK)
    block.step(bkcal_in=77.0, bkcal_in_status=below)
    assert (block.mode, block.out, sub_status_of(block.out_status)) == (IMAN, 77.0, said)
    assert subs(block)[:2] == [NI, NI]
    assert list(block.bkcal_out)[:2] == [77.0, 77.0]


@pytest.mark.parametrize(
    ("select", "inputs", "limits"),
    [
        (LOW, (30.0, 60.0, 31.0), (0, LIMIT_HIGH, LIMIT_HIGH)),
        (HIGH, (30.0, 60.0, 31.0), (LIMIT_LOW, 0, LIMIT_LOW)),
        (MID, (30.0, 60.0, 31.0), (LIMIT_LOW, LIMIT_HIGH, 0)),
    ],
)
def test_a_loser_is_limited_in_the_direction_that_leads_nowhere(select, inputs, limits):
    block = selector(*inputs, select=select)
    assert tuple(limits_of(status) for status in block.bkcal_out_status[:3]) == limits
    block.inp_status[0] = ASKS_OUT  # left out: nothing that it does counts
    block.step(count=3)
    assert limits_of(block.bkcal_out_status[0]) == LIMIT_CONSTANT


def test_limits_below_go_to_the_selected_one_alone():
    block = selector(30.0, 60.0, bkcal_in_linked=1, bkcal_in=50.0, bkcal_in_status=CASCADE_OK)
    block.step(bkcal_in=30.0, bkcal_in_status=make_status(GOOD_CASCADE, OK, LIMIT_LOW))
    assert [limits_of(status) for status in block.bkcal_out_status[:2]] == [LIMIT_LOW, LIMIT_HIGH]


def test_what_the_block_below_could_not_take_goes_up_as_what_it_took():
    block = selector(30.0, 60.0, bkcal_in_linked=1, bkcal_in=50.0, bkcal_in_status=CASCADE_OK)
    block.step(bkcal_in=22.0)
    assert list(block.bkcal_out)[:2] == [22.0, 22.0]


def test_the_selected_ones_call_for_the_fault_state_passes():
    block = selector(30.0, 60.0)
    block.inp_status[1] = make_status(GOOD_CASCADE, IFS)
    assert sub_status_of(block.step().out_status) == OK
    block.inp_status[0] = make_status(GOOD_CASCADE, IFS)
    assert sub_status_of(block.step().out_status) == IFS


def test_man_and_out_of_service_belong_to_the_operator():
    block = selector(30.0, 60.0)
    block.step(target=MAN)
    block.step(out=12.0)
    assert (block.out, subs(block)[:2], list(block.bkcal_out)[:2]) == (12.0, [NI, NI], [12.0, 12.0])
    block.step(target=AUTO)
    assert (block.out, subs(block)[0]) == (12.0, IR)
    block.step(target=OOS)
    assert (block.out, block.out_status) == (12.0, STATUS_OOS)
    assert quality_of(block.bkcal_out_status[0]) == BAD
