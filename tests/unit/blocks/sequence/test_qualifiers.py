"""Every action qualifier against a time table.

A is active in scans 0 … 4, B in 5 … 7, C, which resets, in 8 and 9; a scan is a second.
"""

import pytest

from tests.unit.blocks.sequence.charts import chain, sequence

TABLE = [
    ("N", "", "1111100000"),
    ("S", "", "1111111100"),
    ("P", "", "1000000000"),
    ("P1", "", "1000000000"),
    ("P0", "", "0000010000"),
    ("L", "3 s", "1110000000"),
    ("L", "9 s", "1111100000"),
    ("D", "2 s", "0011100000"),
    ("D", "9 s", "0000000000"),
    ("SD", "2 s", "0011111100"),
    ("SD", "6 s", "0000001100"),
    ("DS", "2 s", "0011111100"),
    ("DS", "6 s", "0000000000"),
    ("SL", "3 s", "1110000000"),
    ("SL", "7 s", "1111111000"),
    ("SL", "60 s", "1111111100"),
]


def table_of(action, resetting):
    chart = chain({"A": {"actions": [action]}, "B": {}, "C": {"actions": resetting}}, "A.T >= T#5s", "B.T >= T#3s")
    block = sequence(chart)
    return "".join(str(round(block.scan().out())) for _ in range(10))


@pytest.mark.parametrize(("qualifier", "time", "wanted"), TABLE)
def test_boolean_action(qualifier, time, wanted):
    """Promise: a BOOL variable is TRUE in exactly those scans, and FALSE in the others."""
    assert table_of(f"{qualifier} OUT1 {time}".strip(), ["R OUT1"]) == wanted


@pytest.mark.parametrize(("qualifier", "time", "wanted"), TABLE)
def test_action_with_statements(qualifier, time, wanted):
    """Promise: a program is executed in exactly those scans."""
    chart = chain({"A": {"actions": [f"{qualifier} COUNT {time}".strip()]}, "B": {}, "C": {"actions": ["R COUNT"]}},
                  "A.T >= T#5s", "B.T >= T#3s")  # fmt: skip
    block = sequence(chart | {"actions": {"COUNT": "OUT1 := OUT1 + 1;"}})
    counts = [block.scan().out() for _ in range(10)]
    steps = [now - before for before, now in zip([0.0, *counts], counts, strict=False)]
    assert "".join(str(round(step)) for step in steps) == wanted


def test_reset_wins_and_reset_of_one_use_resets_all():
    """Promise: R holds the action off as long as its step is active, whoever else asks for it."""
    assert table_of("S OUT1", ["S OUT1", "R OUT1"]) == "1111111100"
    chart = chain({"A": {"actions": ["S OUT1"]}, "B": {"actions": ["SL OUT1 60 s"]}, "C": {"actions": ["R OUT1"]},
                   "D": {}}, "A.T >= T#1s", "B.T >= T#1s", "C.T >= T#1s")  # fmt: skip
    block = sequence(chart)
    assert [block.scan().out() for _ in range(6)] == [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]


def test_two_steps_that_name_one_action():
    """Promise: an action is carried out when any use of it asks for it, once a scan."""
    chart = {
        "actions": {"COUNT": "OUT1 := OUT1 + 1;"},
        "steps": {"A": {}, "B": {"actions": ["N COUNT"]}, "C": {"actions": ["N COUNT"]}},
        "transitions": [
            {"from": "A", "to": ["B", "C"], "when": "TRUE"},
            {"from": ["B", "C"], "to": "A", "when": "FALSE"},
        ],
    }
    block = sequence(chart)
    assert block.scan(4).out() == 3.0


def test_a_step_that_is_entered_again_pulses_again():
    chart = {"steps": {"A": {"actions": [{"P1": "OUT1 := OUT1 + 1;"}, {"P0": "OUT2 := OUT2 + 1;"}]}},
             "transitions": [{"from": "A", "to": "A", "when": "A.T >= T#2s"}]}  # fmt: skip
    block = sequence(chart).scan(5)
    assert (block.out(1), block.out(2)) == (3.0, 2.0)
