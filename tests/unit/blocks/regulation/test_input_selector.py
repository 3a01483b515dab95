"""Promises of the input selector."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcs.core.modes import AUTO, MAN, OOS
from dcs.core.status import BAD, STATUS_BAD, STATUS_GOOD, STATUS_OOS, UNCERTAIN, make_status, quality_of
from tests.unit.blocks.bench import OnBench

MIN, MAX, MID, AVERAGE, FIRST_GOOD, HOT_BACKUP = range(6)
STATUS_UNCERTAIN = make_status(UNCERTAIN, 6)
DEAD = ((7.0, STATUS_BAD), (math.nan, STATUS_GOOD), (-math.inf, STATUS_GOOD))


def selector(*inputs: float, **values: float) -> OnBench:
    block = OnBench("INPUT_SELECTOR", **values)
    for k, value in enumerate(inputs):
        block.inp[k], block.inp_status[k], block.inp_linked[k] = value, STATUS_GOOD, 1
    block.step()
    return block


def kill(block: OnBench, number: int, dead: tuple[float, int] = DEAD[0]) -> None:
    block.inp[number - 1], block.inp_status[number - 1] = dead


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=4))
def test_rules_against_the_standard_library(inputs):
    assert selector(*inputs, select=MIN).out == min(inputs)
    assert selector(*inputs, select=MAX).out == max(inputs)
    assert selector(*inputs, select=MID).out == pytest.approx(statistics.median(inputs), rel=1e-12, abs=1e-9)
    assert selector(*inputs, select=AVERAGE).out == pytest.approx(statistics.fmean(inputs), rel=1e-12, abs=1e-9)
    assert selector(*inputs, select=FIRST_GOOD).out == inputs[0]


@pytest.mark.parametrize("dead", DEAD)
@pytest.mark.parametrize(
    ("select", "want"), [(MIN, 20.0), (MAX, 40.0), (MID, 30.0), (AVERAGE, 30.0), (FIRST_GOOD, 20.0), (HOT_BACKUP, 20.0)]
)
def test_a_dead_input_is_never_used(select, want, dead):
    block = selector(0.0, 20.0, 40.0, select=select)
    kill(block, 1, dead)
    block.step()
    assert (block.out, block.good_count, block.out_status) == (want, 2, STATUS_GOOD)


def test_an_input_that_is_switched_off_or_not_wired_is_never_used():
    block = selector(10.0, 20.0, select=MIN)
    block.switched_off[0] = 1
    assert block.step().out == 20.0
    block.inp_linked[1] = 0
    assert quality_of(block.step().out_status) == BAD


def test_a_hot_backup_is_kept_until_it_fails_itself():
    """Promise: the first one does not take over again when it comes back."""
    block = selector(10.0, 20.0, 30.0, select=HOT_BACKUP)
    seen = [block.selected]
    kill(block, 1)
    seen.append(block.step().selected)
    kill(block, 1, (11.0, STATUS_GOOD))
    seen.append(block.step().selected)
    kill(block, 2)
    seen.append(block.step().selected)
    assert seen == [1, 2, 2, 1]


@pytest.mark.parametrize(("min_good", "quality"), [(1, 2), (2, 2), (3, BAD)])
def test_too_few_good_ones_are_bad_and_hold(min_good, quality):
    block = selector(10.0, 20.0, 30.0, select=AVERAGE, min_good=min_good)
    kill(block, 3)
    block.step()
    assert quality_of(block.out_status) == quality
    assert block.out == (20.0 if quality == BAD else 15.0)


def test_uncertain_ones_are_used_only_while_no_good_one_is_there():
    block = selector(10.0, 20.0, select=MAX)
    block.inp_status[1] = STATUS_UNCERTAIN
    assert (block.step().out, block.out_status) == (10.0, STATUS_GOOD)
    kill(block, 1)
    assert (block.step().out, block.out_status, block.good_count) == (20.0, STATUS_UNCERTAIN, 0)
    assert quality_of(block.step(min_good=1).out_status) == BAD  # unless somebody insists
    block = selector(10.0, 20.0, select=MAX, uncertain_as_good=1)
    block.inp_status[1] = STATUS_UNCERTAIN
    assert (block.step().out, block.out_status) == (20.0, STATUS_UNCERTAIN)


def test_the_worst_of_those_that_are_mixed_shows():
    block = selector(10.0, 20.0, select=AVERAGE, uncertain_as_good=1)
    block.inp_status[0] = STATUS_UNCERTAIN
    assert (block.step().out, block.out_status) == (15.0, STATUS_UNCERTAIN)


def test_the_operators_choice():
    block = selector(10.0, 20.0, 30.0, select=MIN)
    assert (block.step(op_select=3).out, block.selected) == (30.0, 3)
    kill(block, 3)
    assert quality_of(block.step().out_status) == BAD
    assert block.out == 30.0
    assert block.step(op_select=0).out == 10.0


def test_deviation_and_its_flag():
    block = selector(10.0, 13.0, 11.0, deviation_limit=2.5)
    assert (block.deviation, block.deviates) == (3.0, 1.0)
    kill(block, 2)
    block.step()
    assert (block.deviation, block.deviates, block.deviates_status) == (1.0, 0.0, STATUS_GOOD)
    kill(block, 3)
    assert quality_of(block.step().deviation_status) == UNCERTAIN


def test_man_is_the_operators_and_out_of_service_holds():
    block = selector(10.0, 20.0, target=MAN)
    block.step(out=77.0)
    assert (block.mode, block.out, quality_of(block.out_status)) == (MAN, 77.0, 2)
    block.step(target=OOS)
    assert (block.out, block.out_status) == (77.0, STATUS_OOS)
    block.step(target=AUTO)
    assert (block.mode, block.out) == (MAN, 77.0)
    assert (block.step().mode, block.out) == (AUTO, 10.0)
