"""What is said about a wrong program: line, column, what was found, what was expected, what may have been meant."""

import pytest

from dcs.blocks.maths.calc import translate
from dcs.core.errors import ConfigError

ERRORS = [
    # words and characters
    ("IN1 ? 2", "line 1, column 5: found `?`, which has no meaning in structured text. Delete it."),
    ("OUT1 := 'on';", "line 1, column 9: found ', but texts are not in this subset of structured text. Delete it."),
    ("(* never closed", "line 1, column 1: the comment that begins here does not end. Close it with `*)`."),
    ("1E5", "line 1, column 1: `1E5` is not a number. Write it like 1.0E5."),
    ("12abc", "line 1, column 1: `12abc` is not a number. Write it like 12.5."),
    ("3000000000", "line 1, column 1: `3000000000` does not fit into DINT, which goes from -2147483648 to 2147483647."),
    (
        "2147483647 + 1",
        "line 1, column 12: the result 2147483648 does not fit into DINT, which goes from -2147483648 to 2147483647.",
    ),
    ("INT#40000", "line 1, column 1: `INT#40000` does not fit into INT, which goes from -32768 to 32767."),
    ("7#12", "line 1, column 1: `7#12` has the base 7; there are 2, 8 and 16."),
    ("2#12", "line 1, column 1: `2#12` is not a number of base 2."),
    ("T#1s1m", "line 1, column 1: `T#1s1m` is not a time: write the larger unit first, each once, like T#1m30s."),
    ("T#5", "line 1, column 1: `T#5` is not a time. Write it like T#1m30s or T#250ms."),
    (
        "WORD#5",
        "line 1, column 1: `WORD#5`: there is no type `WORD`. There are BOOL, INT, DINT, REAL, LREAL, TIME and T#.",
    ),
    # order of words
    ("IN1 +", "line 1, column 6: found the end of the text, expected a value: a number, a name, a function or `(`."),
    ("IN1 IN2", "line 1, column 5: found `IN2`, expected an operator or the end of the text."),
    ("OUT1 := IN1", "line 1, column 12: found the end of the text, expected `;`."),
    ("OUT1 := IN1 IN2;", "line 1, column 13: found `IN2`, expected `;` or an operator."),
    ("OUT1 = 3.0;", "line 1, column 6: found `=`, expected `:=`. `=` compares, `:=` assigns."),
    (
        "OUT1 := (IN1 + 3;",
        "line 1, column 17: found `;`, expected `)` (the `(` of line 1, column 9).",
    ),
    ("OUT1 := 1;\nIF IN1 > 3\n  OUT2 := 1;", "line 3, column 3: found `OUT2`, expected `THEN` or an operator."),
    (
        "IF IN1 > 3 THEN\n  OUT1 := 1;\n",
        "line 3, column 1: found the end of the text, expected `END_IF` (the IF of line 1).",
    ),
    (
        "IF IN1 > 3 THEN\n  OUT1 := 1;\nEND_FI",
        "line 3, column 1: found `END_FI`, expected a statement. Did you mean `END_IF`?",
    ),
    ("END_IF", "line 1, column 1: found `END_IF`, expected a value: a number, a name, a function or `(`."),
    ("OUT1 := 1; END_IF", "line 1, column 12: found `END_IF`, expected a statement."),
    (
        "CASE 1 OF 1 OUT1 := 2; END_CASE",
        "line 1, column 13: found `OUT1`, expected `:` after the labels.",
    ),
    (
        "CASE 1 OF 1: OUT1 := 2; THEN END_CASE",
        "line 1, column 25: found `THEN`, expected a statement, a label or `END_CASE`.",
    ),
    ("VAR x REAL; END_VAR OUT1 := 1;", "line 1, column 7: found `REAL`, expected `:` and a type."),
    (
        "VAR x : REEL; END_VAR OUT1 := 1;",
        "line 1, column 9: found `REEL`, expected a type: BOOL, INT, DINT, REAL, LREAL, TIME. Did you mean `REAL`?",
    ),
    ("VAR x : REAL;\nOUT1 := 1;", "line 2, column 6: found `:=`, expected `:` and a type."),
    # what is not in the subset
    (
        "FOR i := 1 TO 3 DO",
        "line 1, column 1: found `FOR`, but loops are not in this subset of structured text. A block is executed once "
        "in every scan: count in a variable instead.",
    ),
    ("RETURN;", "line 1, column 1: found `RETURN`, but jumps are not in this subset of structured text."),
    ("VAR x : ARRAY", "line 1, column 9: found `ARRAY`, but arrays are not in this subset of structured text."),
    # names
    ("IN1 + LEVL", "line 1, column 7: `LEVL` is not declared. Declare it: VAR …; END_VAR."),
    ("OUT9 + 1", "line 1, column 1: `OUT9` is not declared. Did you mean `OUT4`?"),
    (
        "VAR level : REAL; END_VAR OUT1 := levle;",
        "line 1, column 35: `levle` is not declared. Did you mean `level`?",
    ),
    ("MAXX(IN1, IN2)", "line 1, column 1: there is no function `MAXX`. Did you mean `MAX`?"),
    ("REAL_TO_INTT(IN1)", "line 1, column 1: there is no function `REAL_TO_INTT`. Did you mean `REAL_TO_INT`?"),
    ("SQRT", "line 1, column 1: found the function `SQRT` without arguments, expected `(` after it."),
    ("VAR IN1 : REAL; END_VAR", "line 1, column 5: `IN1` is already the name of the input IN1. Rename it."),
    ("VAR a, A : REAL; END_VAR", "line 1, column 8: `A` is already the name of the variable a. Rename it."),
    ("VAR max : REAL; END_VAR", "line 1, column 5: `max` is the name of a standard function. Rename it."),
    (
        "VAR_INPUT level : REAL; END_VAR",
        "line 1, column 11: `level` is no input of this block: VAR_INPUT gives the inputs that are there a type.",
    ),
    # assignments
    ("IN1 := 3.0;", "line 1, column 1: `IN1` is an input and cannot be assigned to."),
    ("DT := 3.0;", "line 1, column 1: `DT` is a value and cannot be assigned to."),
    (
        "VAR CONSTANT k : INT := 1; END_VAR k := 2;",
        "line 1, column 36: `k` is a constant and cannot be assigned to.",
    ),
    ("VAR CONSTANT k : INT; END_VAR", "line 1, column 14: the constant `k` has no value. Write `:=` and one."),
    (
        "VAR k : REAL := IN1; END_VAR",
        "line 1, column 17: the initial value of `k` must be one number.",
    ),
    # types
    (
        "OUT1 := TRUE;",
        "line 1, column 9: `OUT1` is of type REAL, but what is assigned is of type BOOL. Convert it with BOOL_TO_REAL.",
    ),
    (
        "VAR i : INT; END_VAR i := IN1 * 2;",
        "line 1, column 27: `i` is of type INT, but what is assigned is of type REAL. Convert it with REAL_TO_INT.",
    ),
    (
        "VAR i : INT; d : DINT; END_VAR i := d;",
        "line 1, column 37: `i` is of type INT, but what is assigned is of type DINT. Convert it with DINT_TO_INT.",
    ),
    (
        "IF IN1 THEN OUT1 := 1; END_IF",
        "line 1, column 4: a condition must be BOOL, but this is REAL. Compare it with something.",
    ),
    ("IN1 AND TRUE", "line 1, column 1: AND needs BOOL, but this is REAL."),
    ("NOT IN1", "line 1, column 5: NOT needs BOOL, but this is REAL."),
    ("-TRUE", "line 1, column 2: `-` needs a number or a TIME, but this is BOOL."),
    ("IN1 MOD 2", "line 1, column 5: MOD needs INT or DINT, but these are REAL and INT."),
    ("IN1 + T#1s", "line 1, column 5: `+` cannot combine REAL and TIME."),
    ("IN1 = TRUE", "line 1, column 5: `=` cannot compare REAL and BOOL."),
    ("TRUE < FALSE", "line 1, column 6: `<` cannot compare BOOL and BOOL."),
    ("SQRT(TRUE)", "line 1, column 6: SQRT needs REAL here, but this is BOOL. Convert it with BOOL_TO_REAL."),
    ("SEL(IN1, 1, 2)", "line 1, column 5: SEL needs BOOL here, but this is REAL. Convert it with REAL_TO_BOOL."),
    ("MIN(IN1, T#1s)", "line 1, column 5: the arguments of MIN must be of one type, but these are REAL and TIME."),
    ("MIN(IN1)", "line 1, column 1: MIN needs 2 or more arguments, but has 1: MIN(ANY, ANY, …)."),
    ("LIMIT(1, 2)", "line 1, column 1: LIMIT needs 3 arguments, but has 2: LIMIT(ANY, ANY, ANY)."),
    ("INT_TO_REAL(1.5)", "line 1, column 13: INT_TO_REAL needs INT, but this is REAL."),
    (
        "CASE IN1 OF 1: OUT1 := 1; END_CASE",
        "line 1, column 6: the selector of a CASE must be INT or DINT, but this is REAL. Convert it with REAL_TO_INT.",
    ),
    ("CASE 1 OF 1..3: ; 2: ; END_CASE", "line 1, column 19: the label 2 is already used in this CASE. Delete one."),
    ("CASE 1 OF 3..1: ; END_CASE", "line 1, column 11: the range goes from 3 to 1. Exchange its ends."),
    ("CASE 1 OF 1.5: ; END_CASE", "line 1, column 11: a label must be a whole number or a constant of type INT."),
    # sizes
    ("OUT1 := 1;" * 200, "the program has 400 instructions, but 256 fit. Split it over two blocks."),
    (
        "+".join(f"{n}.5" for n in range(40)),
        "the program has 40 different numbers, but 32 fit. Split it over two blocks.",
    ),
    (
        "VAR " + "".join(f"v{n} : REAL; " for n in range(33)) + "END_VAR",
        "line 1, column 379: `v32` is one variable too many: 32 fit. Split the program over two blocks.",
    ),
    (
        "IN1+(" * 20 + "1" + ")" * 20,
        "the program is nested too deep: more than 16 intermediate values are needed at once. Use variables for parts "
        "of it.",
    ),
    (
        "(" * 41 + "1" + ")" * 41,
        "line 1, column 41: this is nested more than 40 deep. Use a variable for the inner part.",
    ),
    # the whole
    ("", "line 1, column 1: found the end of the text, expected a value: a number, a name, a function or `(`."),
    ("VAR x : REAL; END_VAR x := 1;", "the program assigns nothing that leaves the block. Assign to OUT1."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "sentence"), ERRORS)
def test_error(text, sentence):
    """Promise: one exact sentence."""
    with pytest.raises(ConfigError) as caught:
        translate({"program": text})
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "there is no program. Write `program: IN1 + IN2`, or statements below `program: |`."),
        (
            {"program": ["IN1"]},
            "program must be a text: an expression, or statements below `program: |`.",
        ),
    ],
)
def test_no_text(given, sentence):
    with pytest.raises(ConfigError) as caught:
        translate(given)
    assert str(caught.value) == sentence
