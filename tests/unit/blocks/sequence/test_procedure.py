"""The state model: a table of (state, command) → state, what commands do to steps and actions."""

import pytest

from dcs.blocks.sequence.procedure import COMMAND_NAMES, STATE_NAMES
from dcs.core.status import STATUS_BAD, STATUS_GOOD
from tests.unit.blocks.sequence.charts import active, chain, give, sequence

WAITING = {name: chain({f"{name[:4]}": {"actions": ["N OUT2"]}}, "IN2 > 0.0")
           for name in ("holding", "restarting", "stopping", "aborting")}  # fmt: skip
CHART = chain({"FILL": {"actions": ["N OUT1", "S OUT3"]}}, "IN1 > 0.0") | WAITING

WAYS = {  # how to come to a state: commands, and inputs that end a chart
    "IDLE": [], "RUNNING": ["START"], "COMPLETE": ["START", "in1"], "HOLDING": ["START", "HOLD"],
    "HELD": ["START", "HOLD", "in2"], "RESTARTING": ["START", "HOLD", "in2", "RESTART"],
    "STOPPING": ["START", "STOP"], "STOPPED": ["START", "STOP", "in2"], "ABORTING": ["START", "ABORT"],
    "ABORTED": ["START", "ABORT", "in2"],
}  # fmt: skip

TABLE = """
state       START    HOLD     RESTART     STOP      ABORT     RESET
IDLE        RUNNING  -        -           -         -         -
RUNNING     -        HOLDING  -           STOPPING  ABORTING  -
COMPLETE    -        -        -           -         -         IDLE
HOLDING     -        -        -           STOPPING  ABORTING  -
HELD        -        -        RESTARTING  STOPPING  ABORTING  -
RESTARTING  -        HOLDING  -           STOPPING  ABORTING  -
STOPPING    -        -        -           -         ABORTING  -
STOPPED     -        -        -           -         -         IDLE
ABORTING    -        -        -           -         -         -
ABORTED     -        -        -           -         -         IDLE
"""
_HEAD, *_ROWS = [line.split() for line in TABLE.strip().splitlines()]
CASES = [(row[0], command, to) for row in _ROWS for command, to in zip(_HEAD[1:], row[1:], strict=True)]


def brought_to(state, chart=CHART):
    block = sequence(chart, start=False).scan()
    for move in WAYS[state]:
        if move.startswith("in"):
            block.reads(*[1.0 if move == f"in{n}" else 0.0 for n in (1, 2)]).scan()
            block.reads(0.0, 0.0)
        else:
            give(block, move).scan()
    assert state_of(block) == state
    block.scan(20)  # until the journal has heard everything
    block.events.clear()
    return block


def state_of(block):
    return STATE_NAMES[block.record.state]


@pytest.mark.parametrize(("state", "command", "to"), CASES)
def test_command(state, command, to):
    """Promise: the table; a command that does not fit changes nothing and the journal says why."""
    block = brought_to(state)
    before = active(block)
    give(block, command).scan()
    if to == "-":
        assert (state_of(block), active(block)) == (state, before)
        assert block.events == [f"{command} refused: not possible in {state}"]
    else:
        assert state_of(block) == to
        assert block.events == [f"is {to}"]
    assert block.record.command == 0, "a command is taken once"


def test_the_table_is_whole():
    assert len(CASES) == len(STATE_NAMES) * (len(COMMAND_NAMES) - 1)


@pytest.mark.parametrize(
    ("state", "after"),
    [("RUNNING", "COMPLETE"), ("HOLDING", "HELD"), ("RESTARTING", "RUNNING"), ("STOPPING", "STOPPED"),
     ("ABORTING", "ABORTED")],
)  # fmt: skip
def test_a_chart_that_has_ended_leads_on(state, after):
    block = brought_to(state)
    block.reads(1.0 if state == "RUNNING" else 0.0, 0.0 if state == "RUNNING" else 1.0).scan()
    assert state_of(block) == after


@pytest.mark.parametrize(("command", "to"), [("HOLD", "HELD"), ("STOP", "STOPPED"), ("ABORT", "ABORTED")])
def test_a_state_without_a_chart_is_passed_at_once(command, to):
    block = sequence(chain({"FILL": {}}, "FALSE")).scan()
    give(block, command).scan()
    assert state_of(block) == to
    if to == "HELD":
        give(block, "RESTART").scan()
        assert (state_of(block), active(block)) == ("RUNNING", ["FILL"])
        block.scan(9)
        assert block.events == ["is RUNNING", "is HOLDING", "is HELD", "is RESTARTING", "is RUNNING"]


def test_a_hold_suspends_steps_timers_and_actions_and_a_restart_goes_on_where_it_was():
    """Promise: timers stand still, stored actions stay, pulses are not repeated."""
    chart = chain({"FILL": {"actions": ["N OUT1", "S OUT3", {"P1": "OUT4 := OUT4 + 1;"}]}}, "FILL.T >= T#10s") | WAITING
    block = sequence(chart).scan(4)
    assert block.record.step_time_s == 3.0
    give(block, "HOLD").scan(5)
    assert [block.out(n) for n in (1, 2, 3, 4)] == [0.0, 1.0, 1.0, 1.0]
    assert active(block) == ["hold"]
    block.reads(0.0, 1.0).scan(5)
    assert (state_of(block), active(block), block.out(2), block.out(3)) == ("HELD", [], 0.0, 1.0)
    give(block, "RESTART").scan()
    block.scan()
    assert (state_of(block), active(block), block.record.step_time_s) == ("RUNNING", ["FILL"], 4.0)
    assert [block.out(n) for n in (1, 2, 3, 4)] == [1.0, 0.0, 1.0, 1.0]
    assert state_of(block.scan(5)) == "RUNNING"
    assert state_of(block.scan()) == "COMPLETE"


@pytest.mark.parametrize("command", ["STOP", "ABORT"])
def test_stop_and_abort_end_every_action(command):
    """Promise: also the stored ones, in the scan of the command."""
    block = brought_to("RUNNING")
    assert [block.out(n) for n in (1, 3)] == [1.0, 1.0]
    give(block, command).scan()
    assert [block.out(n) for n in (1, 2, 3)] == [0.0, 1.0, 0.0]


def test_conditions_give_commands_the_gravest_first():
    """Promise: level, not edge: as long as ABORT's condition is TRUE nothing gets past Aborting."""
    commands = {"ABORT": "IN3 > 90.0", "HOLD": "IS_BAD(IN4)", "START": "IN5 > 0.0", "STOP": "IN3 > 80.0"}
    block = sequence(CHART | {"commands": commands}, start=False)
    assert state_of(block.scan()) == "IDLE"
    assert state_of(block.reads(0, 0, 0, 0, 1.0).scan()) == "RUNNING"
    block.reads(0, 0, 95.0, 0, 0, in4=STATUS_BAD).scan()
    assert state_of(block) == "ABORTING"
    block = sequence(CHART | {"commands": commands})
    block.reads(0, 0, 0, 0, 0, in4=STATUS_BAD).scan()
    assert state_of(block) == "HOLDING", "the operator's START does not get past it"
    block.reads(0, 0, 99.0, 0, 0, in3=STATUS_BAD, in4=STATUS_GOOD).scan()
    assert state_of(block) == "HOLDING", "a Bad condition gives no command"
