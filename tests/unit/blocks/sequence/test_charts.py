"""Evolution of charts: branches, priorities, times, modes, statuses, faults."""

import pytest

from dcs.core.status import BAD, CONFIGURATION_ERROR, STATUS_BAD, STATUS_GOOD, UNCERTAIN, make_status, quality_of
from tests.unit.blocks.sequence.charts import active, arrow, chain, give, sequence

FORK = {
    "steps": {"A": {}, "B": {}, "C": {}, "D": {}, "E": {}},
    "transitions": [
        arrow("A", ["B", "C"], "IN1 > 0.0"),
        arrow("C", "D", "IN2 > 0.0"),
        arrow(["B", "D"], "E", "IN3 > 0.0"),
        arrow("E", "A", "IN4 > 0.0"),
    ],
}


def test_simultaneous_divergence_and_convergence():
    """Promise: branches go on by themselves and come together only when both have arrived and the condition is TRUE."""
    block = sequence(FORK).scan()
    seen = [active(block)]
    for row in [(1, 0, 0), (0, 0, 1), (0, 1, 1), (0, 0, 0), (0, 0, 1), (0, 0, 0, 1)]:
        seen.append(active(block.reads(*row, *[0] * (4 - len(row))).scan()))
    assert seen == [["A"], ["B", "C"], ["B", "C"], ["B", "D"], ["B", "D"], ["E"], ["A"]]


def test_of_alternatives_the_first_that_is_true_wins():
    chart = {
        "steps": {"A": {}, "B": {}, "C": {}},
        "transitions": [arrow("A", "B", "IN1 > 5.0"), arrow("A", "C", "IN1 > 1.0"), arrow(["B"], "A", "TRUE"),
                        arrow("C", "A", "TRUE")],
    }  # fmt: skip
    for value, step in ((9.0, "B"), (3.0, "C"), (0.0, "A")):
        assert active(sequence(chart).scan().reads(value).scan()) == [step]


def test_a_step_is_active_for_one_scan_at_least():
    """Promise: no chart runs through in one scan, and a loop of TRUE conditions does not hang."""
    block = sequence(chain({"A": {}, "B": {}, "C": {}}, "TRUE", "TRUE", "TRUE"))
    assert [active(block.scan()) for _ in range(4)] == [["A"], ["B"], ["C"], []]


def test_shortest_time():
    block = sequence(chain({"A": {"min_time": "3 s"}, "B": {}}, "TRUE"))
    assert [active(block.scan()) for _ in range(5)] == [["A"], ["A"], ["A"], ["B"], ["B"]]


def test_longest_time():
    """Promise: TIMEOUT is 1 exactly while a step is over its time; the journal hears when it begins and ends."""
    block = sequence(chain({"A": {"max_time": "2 s"}, "B": {}}, "IN1 > 0.0"))
    seen = [block.scan().record.timeout for _ in range(4)]
    seen += [block.reads(1.0).scan().record.timeout for _ in range(2)]
    assert seen == [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]
    assert block.record.timeout_status == STATUS_GOOD
    assert block.events == ["is RUNNING", "step A takes longer than its time", "no step is over its time any more"]


def test_time_is_counted_in_nominal_time_to_the_nanosecond():
    """Promise: ten scans of 100 ms are T#1s, not a rounding less."""
    block = sequence(chain({"A": {}, "B": {}}, "A.T >= T#1s"), dt_s=0.1).scan(10)
    assert (active(block), block.record.step_time_s) == (["A"], 0.9)
    assert active(block.scan()) == ["B"]


def test_flags_and_times_of_steps_in_programs():
    chart = chain({"A": {"actions": [{"N": "OUT1 := A.T / T#1s;"}]}, "B": {}}, "A.T > T#1s AND NOT B.X")
    block = sequence(chart).scan(2)
    assert block.out() == 1.0
    assert active(block.scan()) == ["B"]


@pytest.mark.parametrize("value", [float("nan"), 9.0])
def test_a_bad_condition_does_not_fire(value):
    """Promise: a transition needs TRUE that is not Bad; the time-out of the step tells the operator."""
    block = sequence(chain({"A": {"max_time": "3 s"}, "B": {}}, "IN1 > 5.0")).scan()
    block.reads(value, in1=STATUS_BAD).scan(5)
    assert (active(block), block.record.timeout) == (["A"], 1.0)
    assert active(block.reads(9.0).scan()) == ["B"]


def test_outputs_and_their_statuses():
    block = sequence(chain({"A": {"actions": ["N OUT1", {"N": "OUT2 := IN1;"}]}, "B": {}}, "A.T > T#4s"), start=False)
    block.scan()
    assert block.status(1) == STATUS_GOOD, "a boolean action is off for certain"
    assert quality_of(block.status(2)) == UNCERTAIN
    assert block.status(3) == make_status(BAD, CONFIGURATION_ERROR)
    give(block, "START").reads(3.0).scan()
    block.reads(4.0, in1=STATUS_BAD).scan()
    assert (block.out(2), block.status(2)) == (3.0, STATUS_BAD)


def test_what_cannot_be_computed_is_journalled_once_with_its_place():
    block = sequence(chain({"A": {"actions": [{"N": "OUT2 := 1;\nOUT1 := 1.0 / IN1;"}]}, "B": {}}, "LN(IN2) > 0.0"))
    block.scan(4)
    assert block.events == [
        "is RUNNING",
        "could not compute: step A, action 1 (N), line 2, column 13",
        "could not compute: transition 1 (A → B), line 1, column 1",
    ]


def test_semi_automatic_waits_for_the_operator_at_each_transition():
    """Promise: the condition must be TRUE as well; one confirmation, one transition."""
    block = sequence(FORK)
    block.record.seq_mode = 1
    block.scan()
    block.record.confirm = 1
    block.scan()
    assert active(block) == ["A"]
    block.reads(1.0, 1.0).scan(3)
    assert (active(block), block.record.ready) == (["A"], 1)
    block.record.confirm = 1
    assert active(block.scan()) == ["B", "C"]
    block.scan(2)
    assert (active(block), block.record.ready) == (["B", "C"], 2)
    block.record.confirm = 1
    assert active(block.scan()) == ["B", "D"]
    assert block.record.confirm == 0
    assert block.events == ["is RUNNING", "nothing to confirm: no transition is ready"]


def test_manual_fires_nothing_by_itself_and_the_operator_activates_steps():
    block = sequence(FORK)
    block.record.seq_mode = 2
    block.reads(1.0, 1.0, 1.0, 1.0).scan(3)
    assert (active(block), block.record.ready) == (["A"], 1)
    block.record.force_step = 5
    assert active(block.scan()) == ["E"]
    block.record.force_step = 2
    assert active(block.scan()) == ["E"], "B alone would wait for D for ever"
    block.record.seq_mode = 0
    assert active(block.scan()) == ["A"]
    assert active(block.scan()) == ["B", "C"]
    block.record.seq_mode = 2
    block.record.force_step = 4
    assert active(block.scan()) == ["B", "D"], "within its branch"
    block.record.force_step = 4
    assert active(block.scan()) == ["B", "D"]
    assert block.record.step_ns[3] == 0, "activated again"
    block.record.force_step = 1
    assert active(block.scan()) == ["A"], "a step that is always alone takes the place of all"
    assert [event for event in block.events if "not activated" in event] == [
        "step B not activated: only a running chart in MANUAL, and only within one branch"
    ]


def test_steps_are_forced_in_manual_only():
    block = sequence(FORK).scan()
    block.record.force_step = 5
    assert active(block.scan()) == ["A"]
    assert block.scan().events[-1].startswith("step E not activated")


def test_the_other_charts_go_on_by_themselves_in_every_mode():
    """Promise: who has asked for a hold need not confirm its steps."""
    block = sequence(FORK | {"holding": chain({"H": {}}, "TRUE")})
    block.record.seq_mode = 2
    give(block.scan(), "HOLD").scan(2)
    assert block.record.state == 4


def test_the_initial_step_can_stand_anywhere():
    chart = {"steps": {"B": {}, "A": {"initial": True}}, "transitions": [arrow("A", "B", "TRUE")]}
    assert active(sequence(chart).scan()) == ["A"]


def test_variables_and_terminals_with_types():
    chart = chain({"A": {"actions": ["N go", {"N": "n := n + 1; OUT1 := n;"}]}, "B": {}}, "IN1 AND go AND n > 12")
    chart["variables"] = "VAR n : INT := 10; go : BOOL; END_VAR VAR_INPUT IN1 : BOOL; END_VAR"
    block = sequence(chart).reads(1.0)
    assert [active(block.scan()) for _ in range(4)] == [["A"], ["A"], ["A"], ["B"]]
    assert block.out() == 13.0
