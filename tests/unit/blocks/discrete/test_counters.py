"""Promises of the counters."""

import pytest

from dcs.blocks.discrete.ctu import COUNT_MAX
from dcs.core.status import BAD, quality_of
from tests.unit.blocks.bench import OnBench
from tests.unit.blocks.discrete.traces import trace, values
from tests.unit.blocks.hostile import nothing_comes_through


def test_ctu_counts_rises_until_reset():
    rows = {"count_up": "1011010110100", "reset_in": "0000000000110"}
    assert values(OnBench("CTU", preset=3), "count_out", **rows) == [1, 1, 2, 2, 2, 3, 3, 4, 4, 4, 0, 0, 0]
    assert trace(OnBench("CTU", preset=3), **rows) == "0000011111000"


def test_ctd_counts_rises_down_from_the_preset():
    rows = {"count_down": "00101011010", "load_in": "01000000000"}
    assert values(OnBench("CTD", preset=3), "count_out", **rows) == [0, 3, 2, 2, 1, 1, 0, 0, 0, -1, -1]
    assert trace(OnBench("CTD", preset=3), **rows) == "10000011111"


def test_ctud_both_ways():
    rows = {
        "count_up": "0101011000001",
        "count_down": "0000010101000",
        "load_in": "0000000000110",
        "reset_in": "0000000000100",
    }
    assert values(OnBench("CTUD", preset=2), "count_out", **rows) == [0, 1, 1, 2, 2, 2, 2, 1, 1, 0, 0, 2, 3]
    assert trace(OnBench("CTUD", preset=2), **rows) == "0001111000011"
    assert trace(OnBench("CTUD", preset=2), "out_low", **rows) == "1000000001100"


def test_a_rise_counts_once_also_over_a_bad_reading():
    block = OnBench("CTU", preset=9)
    assert values(block, "count_out", count_up="01?1?01", reset_in="0000000") == [0, 1, 1, 1, 1, 1, 2]
    assert trace(block, count_up="?", reset_in="0") == "0"
    assert quality_of(block.count_out_status) == BAD


def test_a_counter_stands_still_at_its_end():
    block = OnBench("CTU", counted=COUNT_MAX)
    assert values(block, "count_out", count_up="0101", reset_in="0000") == [COUNT_MAX] * 4


@pytest.mark.parametrize("kind", ["CTU", "CTD", "CTUD"])
def test_nothing_comes_through(kind):
    nothing_comes_through(kind, {"preset": 3.0})
