"""Random programs: the machine, compiled and uncompiled, against an evaluation that shares nothing with it."""

import math

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dcs.blocks.maths.calc import SYMBOLS, VARIABLES_AT, WORDS
from dcs.core.errors import ConfigError
from dcs.core.status import BAD, STATUS_BAD, STATUS_GOOD, UNCERTAIN, make_status, quality_of
from tests.unit.structured_text.machines import Run, compiler
from tests.unit.structured_text.reference import Evaluator, block, reals, settled, statements, text_of, truths

STATUSES = (STATUS_BAD, make_status(UNCERTAIN, 1), STATUS_GOOD, make_status(3, 1, 2))
DECLARED = "VAR a : REAL := 1.5; b : REAL := -2.0; n : DINT := 3; m : DINT := -7; END_VAR\n"
PLACES = {"OUT1": SYMBOLS[8].slot, "OUT2": SYMBOLS[9].slot} | {
    name: VARIABLES_AT + offset for offset, name in enumerate("abnm")
}

any_input = st.tuples(
    st.one_of(st.floats(), st.sampled_from([0.0, -0.0, 1.0, math.nan, math.inf, 1.0e308])), st.sampled_from(STATUSES)
)
inputs_3 = st.lists(any_input, min_size=3, max_size=3)
often = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def quality(value: float, status: int) -> int:
    return min(2, quality_of(status)) if math.isfinite(value) else 0


def start(inputs):
    """What the variables are before the program."""
    values = {f"IN{n + 1}": (x if math.isfinite(x) else 0.0, quality(x, s)) for n, (x, s) in enumerate(inputs)}
    return values | {"OUT1": (0.0, 2), "OUT2": (0.0, 2), "a": (1.5, 2), "b": (-2.0, 2), "n": (3.0, 2), "m": (-7.0, 2)}


@often
@given(st.one_of(reals(4), truths(4)), inputs_3)
def test_expressions_agree_bit_for_bit(tree, inputs):
    """Promise: value and quality of any expression are those of plain arithmetic, compiled and uncompiled."""
    tree = settled(tree)
    made = compiler()
    made.declarations(DECLARED)
    try:
        section = made.program_or_expression(text_of(tree), "OUT1")
    except ConfigError as exc:
        assume("fit" not in str(exc) and "deep" not in str(exc))
        raise
    value, wanted = Evaluator(start(inputs)).expression(tree)
    runs = [Run(made, section, inputs, compiled) for compiled in (False, True)]
    assert runs[0].everything == runs[1].everything
    got = runs[0].memory[PLACES["OUT1"]], quality_of(runs[0].statuses[PLACES["OUT1"]])
    assert got[1] == wanted
    if wanted:
        assert repr(got[0]) == repr(value)


@often
@given(st.lists(statements(2), min_size=1, max_size=4), inputs_3)
def test_programs_agree_bit_for_bit(body, inputs):
    """Promise: statements, branches and statuses follow the documented rules; nothing stored is NaN or infinite."""
    body = [settled(one) for one in body]
    made = compiler()
    try:
        section = made.program(DECLARED + block(body))
    except ConfigError as exc:
        assume("fit" not in str(exc) and "deep" not in str(exc))
        raise
    evaluator = Evaluator(start(inputs))
    evaluator.run(body)
    runs = [Run(made, section, inputs, compiled) for compiled in (False, True)]
    assert runs[0].everything == runs[1].everything
    assert all(math.isfinite(value) for value in runs[0].memory)
    for name, place in PLACES.items():
        value, wanted = evaluator.values[name]
        assert (repr(runs[0].memory[place]), quality_of(runs[0].statuses[place])) == (repr(value), wanted), name


@often
@given(st.text(alphabet="IN12OUT:=;()+-*/<>. \nTHENELSFCAVRbool#'_&", max_size=60))
def test_any_text_is_compiled_or_refused_with_one_sentence(text):
    """Promise: no text makes the compiler fail in another way."""
    said = "."
    try:
        compiler().program_or_expression(text, "OUT1")
    except ConfigError as exc:
        said = str(exc)
    assert said.endswith((".", "?"))


@pytest.mark.parametrize("compiled", [False, True])
def test_a_damaged_program_ends(compiled):
    """Promise: a jump goes forward only, so that no program can hold up a scan."""
    made = compiler()
    section = made.program("IF IN1 > 0.0 THEN OUT1 := 1; END_IF; OUT1 := 2;")
    code = made._generator.code
    for index, word in enumerate(code):
        if word & 255 in (5, 6, 7):
            code[index] = word & 255  # to the beginning
    run = Run(made, section, [(1.0, STATUS_GOOD)], compiled)
    assert len(run.memory) == WORDS


def test_an_uncertain_condition_reaches_into_and_past_inner_branches():
    """Promise: after an inner statement the outer condition still counts, and after the outer one no more."""
    made = compiler()
    text = """
    IF IN1 > 0 THEN
      IF IN2 > 0 THEN OUT2 := 1; END_IF;
      CASE 1 OF 1: OUT3 := 1; END_CASE;
      OUT1 := 5; IF OUT1 > 4 THEN OUT4 := OUT1; END_IF;
    END_IF;
    """
    doubtful = make_status(UNCERTAIN, 1)
    section = made.program(text + "OUT3 := 2;")
    run = Run(made, section, [(1.0, doubtful), (1.0, STATUS_GOOD)], compiled=False)
    at = SYMBOLS[8].slot
    assert run.memory[at : at + 4] == [5.0, 1.0, 2.0, 5.0]
    assert run.statuses[at : at + 4] == [doubtful, doubtful, STATUS_GOOD, doubtful]


def test_a_bad_condition_takes_no_branch():
    """Promise: what a branch could have assigned keeps its value and is Bad; everything else goes on."""
    made = compiler()
    section = made.program("OUT1 := 5; OUT2 := 6; IF IN1 > 3 THEN OUT1 := 1; ELSE OUT1 := 2; END_IF; OUT3 := OUT1;")
    run = Run(made, section, [(4.0, STATUS_BAD)], compiled=False)
    at = SYMBOLS[8].slot
    assert run.memory[at : at + 3] == [5.0, 6.0, 0.0]
    assert [quality_of(status) for status in run.statuses[at : at + 3]] == [BAD, 2, BAD]
