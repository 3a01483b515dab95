"""What is said about a wrong chart."""

import copy

import pytest

from dcs.blocks.sequence.chart_code import translate
from dcs.core.errors import ConfigError
from tests.unit.blocks.sequence.charts import BATCH, arrow, chain

TWO = chain({"A": {}, "B": {}}, "IN1 > 1.0", "IN1 < 1.0")


def with_action(action, **more):
    return chain({"A": {"actions": [action]}}, "TRUE") | more


ERRORS = [
    # shape
    ({}, "there are no steps. Write them below `steps:`, and below `transitions:` how one follows on."),
    ({"steps": []}, "steps: names of steps are needed, each with what it does."),
    ({"steps": {"1A": {}}}, "steps: `1A` is no name: letters, digits and _ only, a letter first."),
    ({"steps": {"END": {}}}, "step END: `END` means the end of the chart in `to`. Rename the step."),
    ({"steps": {"A": {"maxtime": "5 s"}}}, "step A: unknown key `maxtime`. Did you mean `max_time`?"),
    ({"steps": {"A": {"max_time": 5}}},
     "step A: max_time: `5` has no unit. Write `5 s` if you mean seconds (s, ms, us, ns, min, h or d)."),
    ({"steps": {"A": {"max_time": "5 s", "min_time": "6 s"}}},
     "step A: max_time is not above min_time. Exchange or correct them."),
    ({"steps": {"A": {}, "a": {}}}, "the step a is there twice. Rename one."),
    ({"steps": {"A": {"initial": True}, "B": {"initial": True}}}, "A and B are both initial. One step is."),
    ({"steps": {"A": {}}, "transitions": {"from": "A"}},
     "transitions: a list is needed, each item `{from: A, to: B, when: IN1 > 5.0}`."),
    ({"steps": {"A": {}}, "transitions": [{"from": "A", "to": "A"}]},
     "transition 1: the key `when` is missing. Write `{from: A, to: B, when: IN1 > 5.0}`."),
    ({"steps": {"FILL": {}}, "transitions": [arrow("FIL", "FILL", "TRUE")]},
     "transition 1: from: there is no step `FIL`. Did you mean `FILL`?"),
    ({"steps": {"FILL": {}}, "transitions": [arrow("FILL", ["FILL", "fill"], "TRUE")]},
     "transition 1: to: a step is named twice. Delete one."),
    (TWO | {"holding": chain({"A": {}}, "TRUE")}, "the step A is in two charts. Rename one."),
    (TWO | {"holding": {"stps": {}}}, "holding: unknown key `stps`. Did you mean `steps`?"),
    (TWO | {"commands": {"HALT": "TRUE"}},
     "commands: there is no command `HALT`. There are START, HOLD, RESTART, STOP, ABORT, RESET."),
    # actions
    (with_action("X OUT1"),
     "step A, action 1: there is no qualifier `X`. There are N, R, S, L, D, P, P0, P1, SD, DS, SL."),
    (with_action("N"), "step A, action 1: N of what? Write the name of an action, or statements."),
    (with_action("D OUT1"), "step A, action 1: D needs a time, such as `D OUT1 5 s`."),
    (with_action("N OUT1 5 s"), "step A, action 1: N takes no time, but `5 s` stands there."),
    (with_action("N OUTT1"), "step A, action 1 (N): there is no action and no variable `OUTT1`. Did you mean `OUT1`?"),
    (with_action("N IN1"),
     "step A, action 1 (N): `IN1` is input of type REAL, but an action must be an output or a BOOL variable. Write an "
     "assignment instead."),
    (with_action("R OUT1"), "step A, action 1 (R): nothing but R names the action OUT1, so it resets nothing."),
    (with_action({"R": "OUT1 := 1;"}), "step A, action 1: R resets an action by its name, but these are statements."),
    (with_action("N DOSE", actions={"DOSE": "OUT1 := TRUE;"}),
     "actions: DOSE: line 1, column 9: `OUT1` is of type REAL, but what is assigned is of type BOOL. Convert it with "
     "BOOL_TO_REAL."),
    (with_action("N OUT1", actions={"DOSE": "OUT1 := 1;"}),
     "actions: DOSE: line 1, column 1: `OUT1` is set by the action OUT1, so nothing else can be assigned to it."),
    (with_action({"N": "VAR x : INT; END_VAR x := 1;"}),
     "step A, action 1 (N): line 1, column 5: variables cannot be declared here."),
    (with_action({"N": "A.X := TRUE;"}),
     "step A, action 1 (N): line 1, column 1: `A.X` is a value and cannot be assigned to."),
    # conditions
    (chain({"A": {}}, "IN1"),
     "transition 1 (A → END): line 1, column 1: a condition must be BOOL, but this is REAL. Compare it with "
     "something."),
    (chain({"FILL": {}}, "FIL.T > T#5s"),
     "transition 1 (FILL → END): line 1, column 1: `FIL.T` is not declared. Did you mean `FILL.T`?"),
    (TWO | {"commands": {"ABORT": "IN1 >"}},
     "commands: ABORT: line 1, column 6: found the end of the text, expected a value: a number, a name, a function or "
     "`(`."),
    (TWO | {"variables": "x := 1;"},
     "variables: line 1, column 1: found a statement, but only declarations (VAR … END_VAR) belong here."),
    # nets
    ({"steps": {"A": {}, "B": {}}, "transitions": [arrow("A", "END", "TRUE")]},
     "B cannot be reached from the initial step. Let a transition lead there, or delete it."),
    ({"steps": {"A": {}, "B": {}, "C": {}}, "transitions": [arrow("A", ["B", "C"], "TRUE"), arrow("B", "A", "TRUE")]},
     "transition 1 (A → B + C): C may still be active when this activates it again. Bring the parallel branches "
     "together first."),
    ({"steps": {"A": {}, "B": {}, "C": {}}, "transitions": [arrow("A", ["B", "C"], "TRUE"), arrow("B", "END", "TRUE")]},
     "transition 2 (B → END): the chart ends while C may still be active. Bring the parallel branches together first."),
    ({"steps": {"A": {}, "B": {}}, "transitions": [arrow("A", "B", "TRUE"), arrow(["A", "B"], "END", "TRUE")]},
     "transition 2 (A + B → END): this can never fire, because A and B are never active together. Correct `from`."),
    (TWO | {"stopping": {"steps": {"S": {}}}}, "stopping: the chart cannot end. Let a transition lead to END."),
    # sizes
    ({"steps": {f"S{n}": {} for n in range(33)}},
     "the sequence has 33 steps, but 32 fit. Split it over two blocks."),
    ({"steps": {"A": {}}, "transitions": [arrow("A", "A", "TRUE")] * 49},
     "the sequence has 49 transitions, but 48 fit. Split it over two blocks."),
    (chain({"A": {"actions": ["N OUT1"] * 65}}, "TRUE"),
     "the sequence has 65 uses of actions by steps, but 64 fit. Split it over two blocks."),
    (chain({"A": {"actions": [{"N": f"OUT1 := {n};"} for n in range(33)]}}, "TRUE"),
     "the sequence has 33 actions, but 32 fit. Split it over two blocks."),
]  # fmt: skip


@pytest.mark.parametrize(("texts", "sentence"), ERRORS)
def test_error(texts, sentence):
    """Promise: one exact sentence that says where."""
    with pytest.raises(ConfigError) as caught:
        translate(copy.deepcopy(texts))
    assert str(caught.value) == sentence


def test_a_chart_in_which_branches_wait_for_each_other_is_refused():
    chart = {
        "steps": {"A": {}, "B": {}, "C": {}, "D": {}, "E": {}},
        "transitions": [arrow("A", ["B", "C"], "TRUE"), arrow("B", "D", "TRUE"), arrow("B", "E", "TRUE"),
                        arrow(["C", "D"], "A", "TRUE")],
    }  # fmt: skip
    with pytest.raises(ConfigError, match=r"with C and E active nothing can fire any more\. Correct .* from C\."):
        translate(chart)


def test_every_chart_of_the_tests_is_safe():
    made = translate(BATCH)
    assert made.params["step_count"] == 11.0
    assert made.labels["step"][1] == "CHARGE"
