"""A plan for people: what is printed is what is executed."""

from dcs.bench.loops_plan import loops_strategy
from dcs.engine.compile import compile_strategy
from dcs.engine.describe import describe, describe_lines
from dcs.engine.strategy import AlarmSpec
from tests.unit.engine.strategies import cascade

ALARMS = (AlarmSpec("LIC.HI", "LIC", "LIC.ai.out", "HI", 2, limit=14.0),)


def test_runs_records_and_wires_add_up():
    """Promise: every record is named once, in the order of execution, and every wire belongs to a run."""
    plan = compile_strategy(cascade(1.0, 0.1, alarms=ALARMS))
    found = describe(plan)
    runs = [run for scan_class in found["scan_classes"] for run in scan_class["runs"]]
    assert [name for run in runs for name in run["records"]] == [record.name for record in plan.records]
    assert sum(run["wires"] for run in runs) == len(plan.links) == found["wires"]
    assert found["types"] == {"AI": 2, "ALARM": 1, "AO": 1, "PID": 2}
    assert [scan_class["period_s"] for scan_class in found["scan_classes"]] == [1.0, 0.1]


def test_the_map_covers_the_memory_without_gaps():
    plan = compile_strategy(cascade(alarms=ALARMS))
    at = 0
    for region in describe(plan)["memory"]:
        assert region["from_word"] == at, region
        at += region["words"]
    assert at == plan.words


def test_lines_for_people():
    lines = describe_lines(compile_strategy(loops_strategy(6)))
    assert lines[0].startswith("controller LOOPS, plan ")
    assert "  6 AI, 24 ALARM, 6 AO, 6 PID" in lines
    (level,) = [line for line in lines if "6 × AI" in line]
    assert level.strip().startswith("1. 6 × AI from word ")
    assert level.endswith("FIC-000000.ai, FIC-000001.ai, FIC-000002.ai, FIC-000003.ai …")
    assert lines[-1].strip() == "5. outputs: 12 words to field channels"
