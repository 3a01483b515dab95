"""An online change in mid-step: what is carried over, and what speaks against it."""

import copy

from dcs.blocks.sequence.chart_code import translate
from dcs.blocks.sequence.migration import migrate
from tests.unit.blocks.programs import Programmed
from tests.unit.blocks.sequence.charts import active, arrow, chain, give, sequence

OLD = chain({"FILL": {"actions": ["S OUT1"]}, "HEAT": {"actions": ["SD OUT2 9 s", {"N": "n := n + 1;"}]}, "DRAIN": {}},
            "FILL.T >= T#2s", "HEAT.T >= T#8s", "DRAIN.T > T#1s") | {
    "variables": "VAR n : INT; gone : REAL := 7.0; END_VAR", "holding": chain({"COOL": {}}, "FALSE"),
}  # fmt: skip
NEW_STEPS = {
    "RINSE": {},
    "FILL": {"actions": ["N OUT4", "S OUT1"]},
    "HEAT": {"actions": [{"N": "n := n + 1;"}, "SD OUT2 9 s"]},
    "EMPTY": {},
    "DRAIN": {},
}
NEW = chain(NEW_STEPS, "RINSE.T > T#1s", "FILL.T >= T#2s", "HEAT.T >= T#8s", "EMPTY.T > T#1s", "DRAIN.T > T#1s") | {
    "variables": "VAR fresh : REAL := 3.0; n : INT; END_VAR",
    "holding": chain({"COOL": {}}, "FALSE"),
}


def changed(old: Programmed, texts) -> tuple[Programmed, tuple[str, ...]]:
    """The block after the change."""
    new = Programmed("SFC", copy.deepcopy(texts))
    fields = {f.name: copy.deepcopy(getattr(old.record, f.name)) for f in old.kind.fields}
    made = migrate(fields, old.translation, new.translation)
    for name, value in made.fields.items():
        setattr(new.record, name, value)
    return new.reads(*[0.0] * 16), made.problems


def test_an_active_step_keeps_its_place_and_its_timer():
    """Promise: after the change the sequence goes on as if it had always been the new one."""
    old = sequence(OLD).scan(6)
    assert (active(old), old.record.step_time_s) == (["HEAT"], 3.0)
    new, problems = changed(old, NEW)
    assert problems == ()
    new.scan()
    assert (active(new), new.record.step_time_s, new.out(1)) == (["HEAT"], 4.0, 1.0)
    names = new.translation.labels["variable"]
    values = dict(zip(names, new.record.memory[97:], strict=False))
    assert (values["N"], values["FRESH"]) == (5.0, 3.0)
    new.scan(4)
    assert active(new) == ["EMPTY"]
    assert [new.scan().out(2) for _ in range(2)] == [1.0, 1.0], "the delay of a stored action has gone on"


def test_a_delay_that_is_running_goes_on():
    old = sequence(OLD).scan(6)
    new, _ = changed(old, NEW)
    assert [new.scan().out(2) for _ in range(7)] == [0.0] * 5 + [1.0] * 2


def test_a_held_sequence_keeps_its_suspended_step():
    old = give(sequence(OLD).scan(6), "HOLD").scan(2)
    new, problems = changed(old, NEW)
    assert problems == ()
    assert (active(new), new.record.suspended, new.record.state) == (["COOL"], 1 << 2, 3)


def test_an_active_step_that_is_gone_speaks_against_the_change():
    chart = chain({"FILL": {}, "DRAIN": {}}, "TRUE", "TRUE")
    _, problems = changed(sequence(OLD).scan(6), chart)
    assert problems == ("the step HEAT is active, but the new chart has no such step.",)


def test_active_steps_that_the_new_chart_keeps_apart_speak_against_it():
    fork = {
        "steps": {"A": {}, "B": {}, "C": {}},
        "transitions": [arrow("A", ["B", "C"], "TRUE"), arrow(["B", "C"], "A", "FALSE")],
    }
    old = sequence(fork).scan(3)
    _, problems = changed(old, chain({"A": {}, "B": {}, "C": {}}, "TRUE", "TRUE"))
    assert problems == ("B and C are active together, which the new chart does not allow.",)


def test_the_same_chart_gives_the_same_record():
    """Promise: nothing that matters is left out of what is carried over."""
    old = sequence(OLD).scan(6)
    new, problems = changed(old, OLD)
    one = [(old.scan().out(n), active(old)) for n in range(1, 12)]
    other = [(new.scan().out(n), active(new)) for n in range(1, 12)]
    assert (problems, one) == ((), other)
    assert translate(OLD).labels == old.translation.labels
