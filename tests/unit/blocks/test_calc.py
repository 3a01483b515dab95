"""Promises of the CALC block: statuses, retained variables, faults, the same bits compiled and uncompiled."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import plant_models.library  # noqa: F401  (fills PLANTS)
from dcs.blocks.maths.calc import translate
from dcs.config.load import load_plant
from dcs.core.errors import ConfigError
from dcs.core.status import (
    BAD,
    CONFIGURATION_ERROR,
    INITIAL_VALUE,
    NO_COMM,
    STATUS_BAD,
    STATUS_GOOD,
    STATUS_NOT_CONNECTED,
    SUBSTITUTE,
    UNCERTAIN,
    make_status,
    quality_of,
)
from dcs.engine.strategy import BlockSpec, Channel
from plant_models.model import PLANTS
from tests.unit.blocks.programs import Programmed
from tests.unit.config.plants import copy_good
from tests.unit.engine.strategies import Bench, any_bits, strategy

DOUBTFUL = make_status(UNCERTAIN, SUBSTITUTE)
LOST = make_status(BAD, NO_COMM)
CASCADE_LIMITED = make_status(3, 1, 2)

EVERYTHING = """
VAR
  total : REAL := 10.0;    // retained
  runs : DINT;
  phase : INT := 1;
  late : TIME;
END_VAR
runs := runs + 1;
total := total + IN1 * DT;
late := late + T#100ms;
IF IS_BAD(IN2) THEN
  OUT1 := total;
ELSIF IN2 > 50.0 OR IN3 > IN2 THEN
  OUT1 := LIMIT(0.0, SQRT(IN2) + EXPT(IN3, 1.5), 1.0E6);
ELSE
  OUT1 := IN1 / (IN2 - IN3);
END_IF;
CASE phase OF
  1: IF IN4 > 1.0 THEN phase := 2; END_IF;
  2..4: phase := phase + 1;
ELSE phase := 1;
END_CASE;
OUT2 := phase;
OUT3 := AS_UNCERTAIN(SEL(IS_GOOD(IN5), IN6, IN5)) + SIN(total) * LN(IN7);
OUT4 := MAX(IN1, IN2, IN3, IN4, IN8) ** 2.5;
"""


def calc(program: str, dt_s: float = 1.0) -> Programmed:
    return Programmed("CALC", {"program": program}, dt_s)


def test_an_expression_is_out1_and_the_other_outputs_say_that_nobody_sets_them():
    block = calc("IN1 + 2 * IN2").reads(1.0, 2.0).scan()
    assert (block.out(), block.status()) == (5.0, STATUS_GOOD)
    assert [block.status(n) for n in (2, 3, 4)] == [make_status(BAD, CONFIGURATION_ERROR)] * 3


@pytest.mark.parametrize(
    ("status", "wanted"),
    [(STATUS_GOOD, STATUS_GOOD), (DOUBTFUL, DOUBTFUL), (LOST, LOST), (CASCADE_LIMITED, STATUS_GOOD),
     (make_status(BAD, NO_COMM, 3), LOST)],
)  # fmt: skip
def test_an_output_has_the_worst_status_of_what_it_was_computed_from(status, wanted):
    """Promise: of those inputs and of no others."""
    block = calc("OUT1 := IN1 * IN2; OUT2 := IN1; OUT3 := SEL(IN1 > 0.0, IN1, IN2);")
    block.reads(3.0, 4.0, in2=status).scan()
    assert [block.status(n) for n in (1, 2, 3)] == [wanted, STATUS_GOOD, wanted]


@pytest.mark.parametrize(("value", "status"), [(7.0, LOST), (math.nan, STATUS_GOOD), (math.inf, STATUS_GOOD)])
def test_a_bad_input_holds_output_and_variables(value, status):
    """Promise: a Bad value is never stored; the total goes on from where it was."""
    block = calc("VAR total : REAL; END_VAR total := total + IN1 * DT; OUT1 := total;", dt_s=0.5)
    block.reads(2.0).scan(3)
    block.reads(value, in1=status).scan(5)
    assert (block.out(), quality_of(block.status())) == (3.0, BAD)
    block.reads(2.0).scan()
    assert (block.out(), block.status()) == (4.0, STATUS_GOOD)


def test_a_program_that_asks_for_the_status_goes_on_with_a_substitute():
    program = "IF IS_BAD(IN1) THEN OUT1 := AS_UNCERTAIN(IN2); ELSE OUT1 := IN1; END_IF; OUT2 := AS_UNCERTAIN(IN1);"
    block = calc(program).reads(5.0, 6.0).scan()
    assert (block.out(), block.status()) == (5.0, STATUS_GOOD)
    block.reads(math.nan, 6.0, in1=LOST).scan()
    assert (block.out(), block.status()) == (6.0, DOUBTFUL)
    assert (block.out(2), quality_of(block.status(2))) == (5.0, UNCERTAIN), "the last number that it was"


def test_false_and_bad_is_false():
    """Promise: AND and OR answer when one side decides alone, so a test of the status protects what stands after it."""
    block = calc("IS_GOOD(IN1) AND IN1 > 5.0").reads(9.0).scan()
    assert (block.out(), block.status()) == (1.0, STATUS_GOOD)
    block.reads(9.0, in1=LOST).scan()
    assert (block.out(), block.status()) == (0.0, STATUS_GOOD)


def test_an_uncertain_condition_makes_what_it_decides_uncertain():
    block = calc("OUT1 := 1; OUT2 := 1; IF IN1 > 5.0 THEN OUT1 := 2; END_IF;").reads(1.0, in1=DOUBTFUL).scan()
    assert (block.out(), block.status(), block.status(2)) == (1.0, DOUBTFUL, STATUS_GOOD)


def test_an_output_that_is_not_assigned_keeps_value_and_status():
    block = calc("IF IN1 > 5.0 THEN OUT1 := IN2; END_IF;").reads(1.0, 7.0).scan()
    assert block.status() == make_status(UNCERTAIN, INITIAL_VALUE)
    block.reads(6.0, 7.0).scan()
    block.reads(1.0, 8.0, in2=LOST).scan()
    assert (block.out(), block.status()) == (7.0, STATUS_GOOD)


def test_variables_are_retained_and_begin_with_their_initial_values():
    block = calc("VAR n : INT := 40; on : BOOL; END_VAR n := n + 1; on := NOT on; OUT1 := n; OUT2 := BOOL_TO_REAL(on);")
    assert [block.scan().out() for _ in range(3)] == [41.0, 42.0, 43.0]
    assert block.out(2) == 1.0


def test_what_cannot_be_computed_is_journalled_once_with_its_place():
    """Promise: the journal hears when it begins, where it was; the rest of the program goes on."""
    block = calc("OUT2 := IN1;\nOUT1 := 10.0 / IN1;").reads(0.0).scan(3)
    assert block.events == ["could not be computed: division by zero, line 2, column 14"]
    assert (block.record.fault, quality_of(block.status()), block.status(2)) == (1, BAD, STATUS_GOOD)
    block.reads(5.0).scan()
    assert (block.record.fault, block.out(), block.status()) == (0, 2.0, STATUS_GOOD)
    block.reads(0.0).scan(2)
    assert len(block.events) == 2


def test_a_terminal_can_be_given_a_type():
    block = calc(
        "VAR_INPUT IN1 : BOOL; IN2 : INT; END_VAR VAR_OUTPUT OUT1 : BOOL; END_VAR OUT1 := NOT IN1; OUT2 := IN2/2;"
    )
    block.reads(0.0, 5.4).scan()
    assert (block.out(), block.out(2)) == (1.0, 2.0)
    block.reads(1.0, 4.0e4).scan()
    assert (block.out(), quality_of(block.status(2))) == (0.0, BAD)


# --- in the engine ------------------------------------------------------------------------------------------------
def bench(program: str, compiled: bool) -> Bench:
    made = translate({"program": program})
    block = BlockSpec("X.c", "CALC", "loops", dict(made.params), {}, dict(made.labels))
    links = [(f"I{n}", f"X.c.inp_{n}") for n in range(1, 9)]
    channels = tuple(Channel(f"I{n}", "in", "%") for n in range(1, 9))
    return Bench.of(strategy((block,), links, channels), compiled)


any_value = st.one_of(st.floats(), st.floats(-100.0, 100.0), st.sampled_from([math.nan, math.inf, -math.inf, 0.0]))
any_status = st.sampled_from([STATUS_GOOD, STATUS_GOOD, DOUBTFUL, LOST, STATUS_BAD, STATUS_NOT_CONNECTED, 255])
scans = st.lists(st.lists(st.tuples(any_value, any_status), min_size=8, max_size=8), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(scans)
def test_any_inputs_give_finite_outputs_and_the_same_bits(history):
    """Promise: NaN, infinity, Bad and Uncertain on any terminal leave no trace in the memory, compiled or not."""
    images = []
    for compiled in (True, False):
        at = bench(EVERYTHING, compiled)
        for row in history:
            for n, (value, status) in enumerate(row, 1):
                at.reads[f"I{n}"], at.status[f"I{n}"] = value, status
            at.scan()
            for n in range(1, 5):
                assert math.isfinite(at[f"X.c.out_{n}"])
        for n in range(1, 46):
            assert math.isfinite(at[f"X.c.memory_{n}"])
        images.append(any_bits(at.engine.memory))
    assert images[0] == images[1]


@pytest.mark.parametrize("compiled", [True, False])
def test_a_restored_block_goes_on_to_the_last_bit(compiled):
    """Promise: the record is the whole memory of the block."""
    one, other = bench(EVERYTHING, compiled), bench(EVERYTHING, compiled)
    one.scan(count=7)
    other.engine.restore(one.engine.snapshot())
    other.time_ns = one.time_ns
    one.scan(count=5)
    other.scan(count=5)
    assert one.engine.snapshot() == other.engine.snapshot()


# --- in a configuration -------------------------------------------------------------------------------------------
MODULE = """
  CX-101:
    description: Calculated
    scan: loops
    blocks:
      ai: {{type: AI, inputs: {{raw: LT-101}}, xd_scale: [4, 20, mA], out_scale: [0, 20, cm]}}
      calc:
        type: CALC
        inputs: {{inp_1: ai.out}}
        out_scale: [0, 400, cm2]
        program: |
          {program}
    main: calc
"""


def test_a_configured_calculation(tmp_path):
    """Promise: inputs take any unit; the outputs have that of `out_scale`."""
    folder = copy_good(tmp_path)
    with (folder / "control.yaml").open("a", encoding="utf-8") as file:
        file.write(MODULE.format(program="OUT1 := IN1 * IN1;"))
    strategies = [part.strategy for part in load_plant(folder, PLANTS).controllers]
    tags = {tag.name: tag for part in strategies for tag in part.tags}
    assert (tags["CX-101.PV"].unit, tags["CX-101.PV"].high) == ("cm2", 400.0)
    assert tags["CX-101.FAULT"].choices[1] == "division by zero"


def test_a_wrong_calculation_is_refused_with_file_and_line(tmp_path):
    folder = copy_good(tmp_path)
    with (folder / "control.yaml").open("a", encoding="utf-8") as file:
        file.write(MODULE.format(program="OUT1 := IN1 * LEVEL;"))
    with pytest.raises(
        ConfigError, match=r"control\.yaml:\d+: CX-101\.calc \(CALC\): line 1, column 15: `LEVEL` is not"
    ):
        load_plant(folder, PLANTS)
