"""Promises of logic, inverter and majority: the whole truth table with unknown inputs."""

import itertools

import pytest

from dcs.blocks.discrete.logic import FUNCTIONS
from dcs.core.status import BAD, STATUS_BAD, STATUS_GOOD, UNCERTAIN, make_status, quality_of
from tests.unit.blocks.bench import OnBench
from tests.unit.blocks.hostile import nothing_comes_through

DOUBTFUL = make_status(UNCERTAIN, 1)


def gate(kind: str, letters: str, out: float = 0.0, **values: float) -> OnBench:
    """0, 1, ? (Bad, reads as 1), u (Uncertain 1), v (Uncertain 0) on the first inputs; the others are not wired."""
    block = OnBench(kind, out=out, **values)
    for i, letter in enumerate(letters):
        block.inp[i] = 0.0 if letter in "0v" else 1.0
        block.inp_status[i] = {"?": STATUS_BAD, "u": DOUBTFUL, "v": DOUBTFUL}.get(letter, STATUS_GOOD)
        block.inp_linked[i] = 1
    block.step()
    return block


def answers(function: str, bits: tuple[int, ...]) -> int:
    plain = {"AND": min(bits), "OR": max(bits), "XOR": sum(bits) % 2}
    name = {"NAND": "AND", "NOR": "OR", "XNOR": "XOR"}.get(function, function)
    return plain[name] if name == function else 1 - plain[name]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_truth_table_with_unknown_inputs(function, count):
    """Promise: Good exactly when every way to read the Bad inputs gives the same answer, and then that answer."""
    for letters in itertools.product("01?", repeat=count):
        readings = itertools.product(*([0, 1] if letter == "?" else [int(letter)] for letter in letters))
        possible = {answers(function, bits) for bits in readings}
        for before in (0.0, 1.0):
            block = gate("LOGIC", "".join(letters), before, function=FUNCTIONS.index(function))
            if len(possible) == 1:
                assert (block.out, block.out_status) == (float(possible.pop()), STATUS_GOOD), letters
                possible = {int(block.out)}
            else:
                assert (block.out, quality_of(block.out_status)) == (before, BAD), letters


@pytest.mark.parametrize(
    ("function", "letters", "quality"),
    [("AND", "1u", UNCERTAIN), ("AND", "0u", 2), ("AND", "0v", 2), ("AND", "vv", UNCERTAIN), ("AND", "v?", UNCERTAIN),
     ("OR", "1u", 2), ("OR", "0u", UNCERTAIN), ("XOR", "1u", UNCERTAIN)],
)  # fmt: skip
def test_the_status_is_that_of_the_inputs_on_which_the_answer_rests(function, letters, quality):
    assert quality_of(gate("LOGIC", letters, function=FUNCTIONS.index(function)).out_status) == quality


def test_a_negated_input():
    block = OnBench("LOGIC")
    block.invert[1] = 1
    block.inp[0] = 1.0
    block.inp_linked[0] = block.inp_linked[1] = 1
    block.inp_status[0] = block.inp_status[1] = STATUS_GOOD
    assert block.step().out == 1.0


def test_a_gate_without_wires_says_nothing():
    assert quality_of(gate("LOGIC", "").out_status) == BAD


def test_inverter():
    block = OnBench("NOT", inp=1.0, inp_status=STATUS_GOOD)
    assert (block.step().out, block.out_status) == (0.0, STATUS_GOOD)
    assert block.step(inp=0.0).out == 1.0
    block.step(inp=1.0, inp_status=STATUS_BAD)
    assert (block.out, quality_of(block.out_status)) == (1.0, BAD)


@pytest.mark.parametrize("needed", [0, 1, 2, 3])
@pytest.mark.parametrize("letters", ["".join(row) for row in itertools.product("01?", repeat=3)])
def test_majority_is_good_when_the_bad_inputs_cannot_change_it(letters, needed):
    threshold = needed or 2
    sure, doubt = letters.count("1"), letters.count("?")
    block = gate("MAJORITY", letters, 1.0, needed=needed)
    if sure >= threshold or sure + doubt < threshold:
        assert (block.out, block.out_status) == (float(sure >= threshold), STATUS_GOOD)
    else:
        assert (block.out, quality_of(block.out_status)) == (1.0, BAD)
    assert block.votes == sure


def test_more_votes_than_wires_are_never_reached():
    assert gate("MAJORITY", "111", 1.0, needed=4).out == 0.0


@pytest.mark.parametrize("kind", ["LOGIC", "NOT", "MAJORITY"])
def test_nothing_comes_through(kind):
    nothing_comes_through(kind)
