"""The language, as a table: source, inputs, value."""

import math

import pytest

from dcs.core.status import BAD, STATUS_GOOD, quality_of
from tests.unit.structured_text.machines import value_of

EXPRESSIONS = [
    # precedence and association (IEC 61131-3: sign and NOT bind stronger than **)
    ("1 + 2 * 3", 7.0),
    ("(1 + 2) * 3", 9.0),
    ("10 - 4 - 3", 3.0),
    ("200 * 200", 40000.0),
    ("32767 + 1 - 2", 32766.0),
    ("-32767 - 2", -32769.0),
    ("100 / 10 / 5", 2.0),
    ("2.0 ** 3.0 ** 2.0", 64.0),
    ("-2.0 ** 2.0", 4.0),
    ("-(2.0 ** 2.0)", -4.0),
    ("2 * -3", -6.0),
    ("NOT TRUE OR TRUE", 1.0),
    ("NOT (TRUE OR TRUE)", 0.0),
    ("TRUE OR TRUE AND FALSE", 1.0),
    ("TRUE XOR TRUE AND FALSE", 1.0),
    ("TRUE OR TRUE XOR TRUE", 1.0),
    ("TRUE & FALSE", 0.0),
    ("1 < 2 = TRUE", 1.0),
    ("1 + 1 = 2 AND 3 <> 4", 1.0),
    ("7 - 2 MOD 4", 5.0),
    # literals
    ("1_000 + 16#FF + 2#1010 + 8#17", 1280.0),
    ("1.5E-3 * 1_000.0", 1.5),
    ("INT#5 + DINT#-7", -2.0),
    ("REAL#1.5 + REAL#2", 3.5),
    ("BOOL#1 AND TRUE", 1.0),
    ("TIME_TO_REAL(T#1m30s)", 90.0),
    ("TIME_TO_REAL(TIME#1d2h3m4.5s)", 93784.5),
    ("TIME_TO_REAL(T#1s500ms)", 1.5),
    ("TIME_TO_REAL(t#-250ms)", -0.25),
    # integers
    ("7 / 2", 3.0),
    ("-7 / 2", -3.0),
    ("7 MOD 3", 1.0),
    ("-7 MOD 3", -1.0),
    ("7 MOD -3", 1.0),
    ("7 / 2.0", 3.5),
    ("INT_TO_REAL(7) / 2", 3.5),
    ("REAL_TO_INT(2.5)", 2.0),
    ("REAL_TO_INT(3.5)", 4.0),
    ("REAL_TO_INT(-2.5)", -2.0),
    ("REAL_TO_DINT(-3.6)", -4.0),
    ("TRUNC(-3.6)", -3.0),
    ("TRUNC(3.6)", 3.0),
    ("REAL_TO_INT(0.49999999999999994)", 0.0),
    ("BOOL_TO_INT(TRUE) + 1", 2.0),
    ("REAL_TO_BOOL(0.3)", 1.0),
    ("DINT_TO_INT(32767)", 32767.0),
    # times
    ("T#1s + T#500ms = T#1.5s", 1.0),
    ("T#3s * 2 > T#5s", 1.0),
    ("T#3s / T#2s", 1.5),
    ("TIME_TO_REAL(REAL_TO_TIME(2.5) / 2)", 1.25),
    # functions
    ("ABS(-3)", 3.0),
    ("SQRT(9)", 3.0),
    ("LN(EXP(1.0))", 1.0),
    ("LOG(1000.0)", math.log10(1000.0)),
    ("SIN(0.5)", math.sin(0.5)),
    ("COS(0.5)", math.cos(0.5)),
    ("TAN(0.5)", math.tan(0.5)),
    ("ASIN(0.5)", math.asin(0.5)),
    ("ACOS(0.5)", math.acos(0.5)),
    ("ATAN(0.5)", math.atan(0.5)),
    ("MIN(3, 1.5, 2)", 1.5),
    ("MAX(3, 1, 2)", 3.0),
    ("LIMIT(0.0, 5.0, 3.0)", 3.0),
    ("LIMIT(0.0, -5.0, 3.0)", 0.0),
    ("SEL(FALSE, 1, 2)", 1.0),
    ("SEL(TRUE, 1, 2)", 2.0),
    ("MUX(2, 10, 20, 30)", 30.0),
    ("EXPT(2.0, 10)", 1024.0),
    ("EXPT(2.0, -2)", 0.25),
    ("EXPT(-3.0, 3.0)", -27.0),
    ("EXPT(2.0, 0.5)", math.exp(0.5 * math.log(2.0))),
    ("EXPT(0.0, 0.0)", 1.0),
    ("EXPT(0.0, 2.5)", 0.0),
    # comments, cases of letters
    ("1 (* one (* inner *) still *) + // rest\n 2 /* three */", 3.0),
    ("in1 + In2 + sQrT(IN3)", 8.0),
    ("+IN1 - -IN2", 5.0),
]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(("text", "value"), EXPRESSIONS)
def test_expression(text, value, compiled):
    """Promise: each means what the standard says, compiled and uncompiled."""
    assert value_of(text, 2.0, 3.0, 9.0, compiled=compiled) == (value, STATUS_GOOD)


NOT_COMPUTABLE = [
    "IN1 / IN2", "1 / 0", "1 MOD 0", "SQRT(-1)", "LN(0)", "LN(-1.0)", "LOG(0.0)", "ASIN(1.1)", "ACOS(-2)",
    "EXP(1000.0)", "1.0E308 * 10.0", "-1.0E308 - 1.0E308", "1.0E300 / 1.0E-300", "EXPT(0.0, -1)", "EXPT(-2.0, 0.5)",
    "EXPT(0.0, -0.5)", "EXPT(10.0, 309)", "EXPT(10.0, 308.5)",
    "-(-32768)", "ABS(-32768)", "REAL_TO_INT(1.0E5)", "REAL_TO_DINT(3.0E9)", "TRUNC(-1.0E300)",
    "MUX(3, 1, 2)", "MUX(-1, 1, 2)", "DINT_TO_INT(32768)",
]  # fmt: skip


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("text", NOT_COMPUTABLE)
def test_what_cannot_be_computed_is_bad_and_never_a_number(text, compiled):
    """Promise: the assignment does not take place, the output is Bad."""
    value, status = value_of(f"OUT1 := 4.0; OUT1 := {text};", 1.0, 0.0, compiled=compiled)
    assert (value, quality_of(status)) == (4.0, BAD)


PROGRAMS = [
    ("OUT1 := IN1; OUT1 := OUT1 + 1;", 3.0),
    ("IF IN1 > 5 THEN OUT1 := 1; ELSIF IN1 > 1 THEN OUT1 := 2; ELSE OUT1 := 3; END_IF;", 2.0),
    ("IF IN1 > 5 THEN OUT1 := 1; ELSIF IN1 > 4 THEN OUT1 := 2; ELSE OUT1 := 3; END_IF", 3.0),
    ("OUT1 := 7; IF IN1 > 5 THEN OUT1 := 1; END_IF", 7.0),
    ("IF TRUE THEN IF FALSE THEN OUT1 := 1; ELSE OUT1 := 2; END_IF; OUT1 := OUT1 * 10; END_IF", 20.0),
    ("CASE REAL_TO_INT(IN1) OF 1: OUT1 := 10; 2: OUT1 := 20; ELSE OUT1 := 30; END_CASE", 20.0),
    ("CASE 5 OF 1, 2: OUT1 := 1; 3..6, 9: OUT1 := 2; OUT1 := OUT1 + 0.5; END_CASE;", 2.5),
    ("CASE 7 OF 1..3: OUT1 := 1; ELSE OUT1 := 2; END_CASE", 2.0),
    ("CASE -2 OF -3..-1: OUT1 := 1; 0: ; END_CASE", 1.0),
    ("VAR CONSTANT LOW : INT := 3; HIGH : INT := 5; END_VAR CASE 4 OF LOW..HIGH: OUT1 := 5; END_CASE", 5.0),
    ("VAR a, b : INT := 4; c : REAL; END_VAR VAR RETAIN d : TIME := T#2s; END_VAR c := a + b; OUT1 := c;", 8.0),
    ("VAR a : LREAL := -1.5; END_VAR a := a + 1; OUT1 := a;", -0.5),
    ("VAR_INPUT IN1 : BOOL; IN2 : INT; END_VAR IF IN1 THEN OUT1 := IN2 / 2; END_IF", 1.0),
    ("VAR_OUTPUT OUT1 : BOOL; END_VAR OUT1 := IN1 > IN2;", 0.0),
    (";;OUT1 := 1;;", 1.0),
    ("OUT1 := DT;", 0.0),
]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(("text", "value"), PROGRAMS)
def test_program(text, value, compiled):
    """Promise: statements do what the standard says."""
    assert value_of(text, 2.0, 3.0, compiled=compiled) == (value, STATUS_GOOD)
