"""An online change of an engine while a sequence stands in a step."""

from typing import Any

from dcs.blocks.sequence.procedure import COMMAND_NAMES
from dcs.engine.compile import compile_strategy
from dcs.engine.migrate import Transfer
from dcs.engine.shape import Shape, shape_of
from tests.unit.blocks.sequence.charts import chain, in_engine
from tests.unit.engine.strategies import Bench
from tests.unit.engine.test_migrate import changed

STEPS: dict[str, Any] = {"FILL": {"actions": ["N OUT1"]}, "HEAT": {"actions": ["N OUT2", {"N": "n := n + 1;"}]}}
OLD = chain(STEPS, "FILL.T >= T#2s", "HEAT.T >= T#8s") | {"variables": "VAR n : INT; END_VAR"}
RENUMBERED = chain({"RINSE": {}, **STEPS}, "RINSE.T > T#1s", "FILL.T >= T#2s", "HEAT.T >= T#8s") | {
    "variables": "VAR fresh : REAL := 3.0; n : INT; END_VAR"
}
WITHOUT = chain({"FILL": {"actions": ["N OUT1"]}}, "FILL.T >= T#2s") | {"variables": "VAR n : INT; END_VAR"}


def in_heat() -> Bench:
    bench = in_engine(OLD, compiled=False)
    block = bench.engine.plan.records[0]
    bench.engine.memory.view("i8")[block.at + block.type.index["command"]] = COMMAND_NAMES.index("START")
    bench.scan(count=6)
    assert step_of(bench) == "HEAT"
    return bench


def step_of(bench: Bench) -> str:
    name = bench.engine.plan.records[0].name
    return bench.engine.plan.labels_of(name)["step"][int(bench[f"{name}.step"])]


def test_a_sequence_goes_on_in_its_step_though_its_number_changed() -> None:
    """Promise: the active step, its timer and its variables are found again by their names."""
    bench = in_heat()
    name = bench.engine.plan.records[0].name
    spent_s = bench[f"{name}.step_time_s"]
    after, report = changed(bench, in_engine(RENUMBERED, compiled=False).engine.plan.strategy)
    after.scan()
    assert step_of(after) == "HEAT"
    assert after[f"{name}.step_time_s"] == spent_s + 1.0
    assert [item.what for item in report.changes if "reads differently" in item.sentence]


def test_a_step_that_is_to_go_while_it_is_active_speaks_against_the_change() -> None:
    bench = in_heat()
    plan = in_engine(WITHOUT, compiled=False).engine.plan
    transfer = Transfer(shape_of(bench.engine.plan), compile_strategy(plan.strategy))
    (problem,) = transfer.problems(bench.engine.snapshot())
    assert problem.endswith("the step HEAT is active, but the new chart has no such step.")
    before = in_engine(OLD, compiled=False)
    assert transfer.problems(before.engine.snapshot()) == [], "it is the step that counts, not the chart"


def test_the_same_answer_from_a_shape_that_was_on_a_disk() -> None:
    bench = in_heat()
    plan = in_engine(RENUMBERED, compiled=False).engine.plan
    shape, before = shape_of(bench.engine.plan), bench.engine.snapshot()
    assert Transfer(Shape.from_bytes(shape.to_bytes()), plan).apply(before) == Transfer(shape, plan).apply(before)
