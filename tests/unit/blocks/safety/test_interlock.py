"""Promises of interlock groups and reset stations."""

import pytest

from dcs.blocks.safety import causes, reset_station
from dcs.blocks.safety.maintenance import labels_of
from dcs.core.errors import ConfigError
from dcs.core.status import STATUS_BAD, STATUS_GOOD, SUB_NORMAL, UNCERTAIN, make_status
from tests.unit.blocks.bench import OnBench
from tests.unit.blocks.safety.inputs import set_inputs, taken, wired


def group(text: str, **values) -> OnBench:
    return OnBench("INTERLOCK", elapsed_s=1.0, **wired(text, 16), **values)


def outs(block: OnBench, *texts: str) -> list[float]:
    found = []
    for text in texts:
        set_inputs(block, text)
        found.append(block.step().out)
    return found


def test_permissive_follows_its_conditions():
    block = group("HHH")
    assert outs(block, "HHH", "HTH", "HHH") == [1, 0, 1]
    assert block.first_out == 0
    assert group("").step().out == 1


def test_interlock_stays_blocked_until_the_reset_and_keeps_its_first_out():
    block = group("HHH", latch=1)
    assert outs(block, "HTH", "TTT", "THH", "HHH") == [0, 0, 0, 0]
    assert (block.first_out, block.reset_needed) == (2, 1)
    block.step(reset=1)
    assert (block.out, block.first_out) == (1, 0)


def test_reset_is_refused_with_the_name_of_what_stands():
    block = group("HHT", latch=1)
    block.step()
    taken(block)
    block.step(reset=1)
    assert (block.out, taken(block)) == (0, [(causes.RESET_REFUSED, 3)])


@pytest.mark.parametrize(("policy", "wanted"), [(causes.BAD_TRIPS, 0), (causes.BAD_HOLDS, 1), (causes.BAD_IGNORED, 1)])
def test_bad_condition_by_policy_is_never_good(policy, wanted):
    block = group("HH", bad_input=policy)
    block.step()
    assert outs(block, "Hh") == [wanted]
    assert block.out_status == make_status(UNCERTAIN, SUB_NORMAL)


def test_bypassed_condition_does_not_block():
    block = group("HT")
    block.bypass[1] = 1
    assert (block.step().out, block.out_status) == (1, make_status(UNCERTAIN, SUB_NORMAL))


def test_names_of_inputs():
    assert labels_of(["a", "b"], 3, "input") == ("none", "a", "b", "input 3")
    for wrong, sentence in (
        ("a", "list of texts"),
        ([""], "list of texts"),
        (["a"] * 2, "twice"),
        (list("abcd"), "4 na"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            labels_of(wrong, 3, "input")


# --- reset station --------------------------------------------------------------------------------------------------
def station(text: str = "", **values) -> OnBench:
    return OnBench("RESET_STATION", elapsed_s=1.0, **wired(text, 8, "cond"), **values)


def test_reset_is_a_pulse_of_its_length():
    block = station("HH", pulse_s=3.0)
    got = [block.step(reset=1).out, *(block.step().out for _ in range(4))]
    assert (got, block.uses) == ([1, 1, 1, 0, 0], 1)


@pytest.mark.parametrize("letter", ["T", "h", "t"])
def test_missing_condition_refuses_the_reset(letter):
    block = station("H" + letter)
    block.step(reset=1)
    assert (block.out, block.missing, block.uses) == (0, 2, 0)
    assert (block.event, block.event_value) == (reset_station.REFUSED, 2.0)


def test_button_acts_once_and_not_when_it_hangs_or_is_bad():
    """Promise: a button that is on at the start, or whose signal comes back from Bad, resets nothing."""
    block = station("H", reset_in=1.0, reset_in_status=STATUS_GOOD)
    assert [block.step(reset_in_status=status).out for status in (STATUS_GOOD, STATUS_BAD, STATUS_GOOD)] == [0, 0, 0]
    block.step(reset_in=0.0)
    assert block.step(reset_in=1.0, reset_in_status=STATUS_BAD).out == 0
    assert block.step(reset_in_status=STATUS_GOOD).out == 1
