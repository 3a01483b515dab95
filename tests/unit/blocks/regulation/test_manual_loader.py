"""Promises of the manual loader."""

import math

import pytest

from dcs.core.modes import IMAN, LO, MAN, OOS
from dcs.core.status import IA, LIMIT_HIGH, STATUS_GOOD, STATUS_OOS, limits_of, sub_status_of
from tests.unit.blocks.bench import CASCADE_IR, CASCADE_NI, CASCADE_OK, OnBench


def loader(**values: float) -> OnBench:
    return OnBench("MANUAL_LOADER", **values)


def test_the_operator_loads_within_the_limits():
    block = loader(out_high=80.0)
    assert [block.step(load=value).out for value in (30.0, 95.0)] == [30.0, 80.0]
    assert (block.mode, limits_of(block.out_status)) == (MAN, LIMIT_HIGH)


def test_no_faster_than_its_rate():
    block = loader(load=30.0, out_rate=4.0)
    block.step()
    assert [block.step(load=40.0).out for _ in range(4)] == [34.0, 38.0, 40.0, 40.0]
    assert [block.step(load=33.0).out for _ in range(3)] == [36.0, 33.0, 33.0]


@pytest.mark.parametrize(("below", "said"), [(CASCADE_NI, 0), (CASCADE_IR, IA)])
def test_starts_from_what_the_block_below_has(below, said):
    block = loader(load=90.0, bkcal_in_linked=1)
    block.step(bkcal_in=37.0, bkcal_in_status=below)
    assert (block.mode, block.out, block.load, sub_status_of(block.out_status)) == (IMAN, 37.0, 37.0, said)
    block.step(bkcal_in_status=CASCADE_OK)
    assert (block.mode, block.out) == (MAN, 37.0)


def test_tracking_and_its_end_are_bumpless():
    block = loader(load=20.0, track_enable=1, trk_val=55.0, trk_val_status=STATUS_GOOD, trk_in_d_status=STATUS_GOOD)
    assert (block.step().mode, block.out) == (MAN, 20.0)
    assert (block.step(trk_in_d=1.0).mode, block.out) == (LO, 55.0)
    assert (block.step(trk_in_d=0.0).mode, block.out) == (MAN, 55.0)


@pytest.mark.parametrize("dead", [{"trk_val": math.nan}, {"trk_in_d": math.nan}])
def test_dead_tracking_inputs_do_not_track(dead):
    block = loader(load=20.0, track_enable=1, trk_val_status=STATUS_GOOD, trk_in_d_status=STATUS_GOOD)
    assert (block.step(**{"trk_in_d": 1.0} | dead).mode, block.out) == (MAN, 20.0)


def test_out_of_service_holds():
    block = loader(load=20.0)
    block.step()
    block.step(target=OOS, load=70.0)
    assert (block.mode, block.out, block.out_status) == (OOS, 20.0, STATUS_OOS)
