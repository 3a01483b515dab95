"""Promises of the state of a unit."""

import pytest

from dcs.blocks.discrete.unit_state import translate
from dcs.core.errors import ConfigError
from dcs.core.modes import AUTO, LO, MAN, OOS
from dcs.core.status import BAD, STATUS_BAD, STATUS_GOOD, quality_of
from tests.unit.blocks.bench import OnBench
from tests.unit.blocks.hostile import nothing_comes_through
from tests.unit.engine.strategies import Bench, BlockSpec, Channel, strategy

STOPPED, STARTING, RUNNING, TRIPPED = range(4)
NAMES = ["stopped", "starting", "running", "tripped"]


def unit(**values: float) -> OnBench:
    block = OnBench("UNIT_STATE", state_count=4, **values)
    block.step()
    return block


def press(block: OnBench, state: int, value: float, status: int = STATUS_GOOD) -> None:
    block.set_in[state], block.set_in_status[state] = value, status


def test_operator_sequence_and_logic_in_their_order():
    """Promise: logic over sequence over operator; a state stays when whoever set it lets go."""
    block = unit()
    assert block.step(sp=STARTING).state == STARTING
    block.step(target=AUTO, sequence_in_linked=1, sequence_in=3.0, sequence_in_status=STATUS_GOOD)
    assert (block.mode, block.state) == (AUTO, RUNNING)
    press(block, TRIPPED, 1.0)
    assert (block.step().state, block.mode) == (TRIPPED, LO)
    press(block, TRIPPED, 0.0)
    block.step(target=MAN)
    assert (block.state, block.sp, block.mode) == (TRIPPED, TRIPPED, MAN)
    assert block.step(sp=STOPPED).state == STOPPED


def test_of_several_logic_inputs_the_last_wins_and_a_bad_one_sets_nothing():
    block = unit()
    press(block, STARTING, 1.0)
    press(block, TRIPPED, 1.0, STATUS_BAD)
    assert block.step().state == STARTING
    press(block, RUNNING, 1.0)
    assert block.step().state == RUNNING


@pytest.mark.parametrize(("number", "status"), [(0.0, STATUS_GOOD), (5.0, STATUS_GOOD), (2.0, STATUS_BAD)])
def test_a_sequence_that_names_nothing_changes_nothing(number, status):
    block = unit(target=AUTO, sequence_in_linked=1, sequence_in=3.0, sequence_in_status=STATUS_GOOD)
    assert block.step(sequence_in=number, sequence_in_status=status).state == RUNNING


def test_time_in_state_and_one_terminal_per_state():
    block = unit()
    block.step(sp=RUNNING)
    block.step(count=3)
    block.step(elapsed_s=7.0)
    assert (block.since_s, block.in_state[:4]) == (10.0, [0.0, 0.0, 1.0, 0.0])


def test_out_of_service_keeps_the_state_and_says_so():
    block = unit(sp=RUNNING)
    press(block, TRIPPED, 1.0)
    block.step(target=OOS)
    assert (block.state, quality_of(block.state_status)) == (RUNNING, BAD)


def test_names_from_the_configuration_to_command_and_journal():
    """Promise: a state is written and journalled by its name; a name that is none is refused with the list."""
    names = translate({"states": NAMES, "initial": "Running"})
    spec = strategy(
        (BlockSpec("U.u", "UNIT_STATE", "loops", dict(names.params), {}, dict(names.labels)),),
        [("T", "U.u.set_in_4")],
        (Channel("T", "in", ""),),
    )
    at = Bench.of(spec)
    at.reads["T"] = 0.0
    at.scan()
    assert at["U.u.state"] == RUNNING
    tags = [place.tag for place in at.engine.plan.tags]
    assert {tag.name for tag in tags} >= {"U.u.STATE", "U.u.SP"}
    at.must_set("U.u.SP", 0.0)
    at.scan()
    at.reads["T"] = 1.0
    at.scan()
    texts = [event.text for event in at.engine.take_events() if event.kind == "process"]
    assert texts == ["U.u is now stopped", "U.u is now tripped"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "states must be a list of names"),
        ({"states": ["on"]}, "has 1 names, but 2 to 16"),
        ({"states": [f"s{n}" for n in range(17)]}, "has 17 names, but 2 to 16"),
        ({"states": ["on", "ON"]}, "the name `on` stands twice"),
        ({"states": NAMES, "initial": "runing"}, "initial is `runing`, but must be one of stopped, starting"),
    ],
)
def test_states_that_cannot_be(given, sentence):
    with pytest.raises(ConfigError, match=sentence):
        translate(given)


def test_nothing_comes_through():
    nothing_comes_through("UNIT_STATE", {"state_count": 4.0, "target": float(AUTO)})
