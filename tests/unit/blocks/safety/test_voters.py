"""Promises of the voters, held against the table in tests/reference/voters.csv."""

import csv
import itertools
from pathlib import Path

import pytest

from dcs.blocks.safety import maintenance, voting
from dcs.blocks.safety.voter_a import LOW
from dcs.core.status import (
    BAD,
    CONFIGURATION_ERROR,
    STATUS_BAD,
    STATUS_GOOD,
    SUB_NORMAL,
    UNCERTAIN,
    make_status,
)
from tests.unit.blocks.safety.inputs import set_inputs, taken, voter

TABLE = Path(__file__).parents[3] / "reference" / "voters.csv"
POLICIES = {
    "ALWAYS_USE": {"policy": voting.ALWAYS_USE},
    "WILL_NOT_VOTE": {"policy": voting.WILL_NOT_VOTE},
    "WILL_NOT_VOTE+reduce_m": {"policy": voting.WILL_NOT_VOTE, "reduce_m": 1},
    "VOTE_IF_BAD": {"policy": voting.VOTE_IF_BAD},
}
DEGRADED = make_status(UNCERTAIN, SUB_NORMAL)


def table() -> list[dict[str, str]]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def letters(row: dict[str, str]) -> str:
    counts = (row["healthy"], row["tripped"], row["bad_at_healthy"], row["bad_at_trip"])
    return "".join(letter * int(count) for letter, count in zip("HTht", counts, strict=True))


def acts_as(block) -> str:
    if block.acting_m == 0:
        return "tripped"
    return "inhibited" if block.inhibited else f"{block.acting_m}oo{block.acting_n}"


@pytest.mark.parametrize("name", ["1oo1", "1oo2", "2oo2", "2oo3", "2oo4"])
@pytest.mark.parametrize("policy", POLICIES)
def test_whole_truth_table(name, policy):
    """Promise: every row of the table, in every order of the inputs, by switches and by transmitters alike."""
    rows = [row for row in table() if (row["voter"], row["policy"]) == (name, policy)]
    assert rows
    for row in rows:
        for order in sorted(set(itertools.permutations(letters(row)))):
            for kind, values in (("VOTER_D", {}), ("VOTER_A", {"trip_limit": 0.5, "direction": LOW})):
                block = voter("".join(order), int(name[0]), kind, **values, **POLICIES[policy])
                block.step()
                where = f"{kind} {name} {policy} {''.join(order)}"
                assert acts_as(block) == row["acts_as"], where
                assert (block.out, block.trip, block.tripped) == ((0, 1, 1) if row["trips"] == "yes" else (1, 0, 0)), (
                    where
                )
                assert block.out_status == block.trip_status
                assert block.out_status == (DEGRADED if block.degraded else STATUS_GOOD)
                assert block.degraded == any(letter in order for letter in "ht")


def test_table_is_complete():
    """Promise: every combination of healthy, tripped and Bad on either side, of every voter and policy."""
    rows = [(row["voter"], row["policy"], "".join(sorted(letters(row)))) for row in table()]
    wanted = {
        (name, policy, "".join(combination))
        for name in ("1oo1", "1oo2", "2oo2", "2oo3", "2oo4")
        for policy in POLICIES
        for combination in itertools.combinations_with_replacement("HTht", int(name[3]))
    }
    assert len(rows) == len(set(rows)) == len(wanted)
    assert set(rows) == wanted


@pytest.mark.parametrize(
    ("name", "policy", "bad", "wanted"),
    [
        ("2oo3", "ALWAYS_USE", "t", "1oo2"),
        ("2oo3", "ALWAYS_USE", "h", "2oo2"),
        ("2oo3", "WILL_NOT_VOTE", "h", "2oo2"),
        ("1oo2", "WILL_NOT_VOTE", "h", "1oo1"),
        ("1oo1", "WILL_NOT_VOTE", "t", "inhibited"),
        ("2oo2", "WILL_NOT_VOTE", "t", "inhibited"),
        ("2oo2", "WILL_NOT_VOTE+reduce_m", "t", "1oo1"),
        ("2oo3", "VOTE_IF_BAD", "h", "1oo2"),
        ("2oo2", "VOTE_IF_BAD", "h", "1oo1"),
        ("1oo2", "VOTE_IF_BAD", "h", "tripped"),
    ],
)
def test_degradation_rules_as_the_reference_says_them(name, policy, bad, wanted):
    """Promise: the sentences of the reference on one Bad input, so that the table cannot be wrong as a whole."""
    block = voter("H" * (int(name[3]) - 1) + bad, int(name[0]), **POLICIES[policy])
    block.step()
    assert acts_as(block) == wanted


@pytest.mark.parametrize("policy", POLICIES)
def test_bypassed_input_is_left_out_under_every_policy(policy):
    """Promise: 2oo3 with one bypassed is 2oo2, whatever the input says and whether or not it is Bad."""
    for letter in "HTht":
        block = voter("HT" + letter, 2, **POLICIES[policy])
        ask(block, 3)
        block.step()
        assert (acts_as(block), block.out, block.bypassed, block.out_status) == ("2oo2", 1.0, 1, DEGRADED)


def test_when_nobody_may_vote_the_parameter_decides():
    for choice, out in ((voting.INHIBIT, 1.0), (voting.TRIP, 0.0)):
        block = voter("hh", 1, policy=voting.WILL_NOT_VOTE, when_none=choice)
        assert block.step().out == out
        assert block.first_out == (voting.NOBODY if out == 0.0 else 0)


def test_m_above_n_is_a_configuration_error_and_trips():
    block = voter("HH", 3)
    block.step()
    assert (block.out, block.out_status) == (0.0, make_status(BAD, CONFIGURATION_ERROR))
    assert list(voting.voter_check({"m": 3.0}, frozenset({"inp_1", "inp_2"})))
    assert not list(voting.voter_check({"m": 2.0}, frozenset({"inp_1", "inp_2"})))


@pytest.mark.parametrize("course", [("HTH", "HTT"), ("HTH", "TTH"), ("THH", "HHH", "HTH", "TTH"), ("HTT",)])
def test_first_out_is_the_oldest_vote_that_stands(course):
    """Promise: votes that went away again before the trip are not first-out; it stays until the reset."""
    block = voter("HHH", 2, latch=1)
    for text in course:
        set_inputs(block, text)
        block.step()
    assert (block.out, block.first_out) == (0.0, 2)
    set_inputs(block, "THT")
    block.step()
    set_inputs(block, "HHH")
    block.step()
    assert (block.out, block.first_out, block.reset_needed) == (0.0, 2, 1)
    block.step(reset=1)
    assert (block.out, block.first_out, block.reset, block.reset_needed) == (1.0, 0, 0, 0)


def test_reset_is_refused_while_the_votes_stand():
    block = voter("T", 1, latch=1)
    block.step()
    taken(block)
    block.step(reset=1)
    assert block.out == 0.0
    assert taken(block) == [(voting.RESET_REFUSED, voting.NOBODY)]


def test_reset_terminal_acts_on_its_edge_only():
    """Promise: a button that hangs does not reset the next trip."""
    block = voter("T", 1, latch=1, reset_in=1.0, reset_in_status=STATUS_GOOD)
    block.step()
    set_inputs(block, "H")
    assert block.step().out == 0.0
    assert block.step(reset_in_status=STATUS_BAD).out == 0.0
    assert block.step(reset_in_status=STATUS_GOOD).out == 0.0
    block.step(reset_in=0.0)
    assert block.step(reset_in=1.0).out == 1.0


def test_trip_delay_starts_again():
    block = voter("H", 1, trip_delay_s=2.0)
    outs = []
    for text in "TTHTTTT":
        set_inputs(block, text)
        outs.append(block.step().out)
    assert outs == [1, 1, 1, 1, 1, 0, 0]


def test_degraded_operation_is_limited_in_time():
    """Promise: 5 s after the first Bad input the alarm flag comes, once in the journal; with TRIP it trips."""
    for end, out in ((voting.ONLY_ALARM, 1.0), (voting.TRIP, 0.0)):
        block = voter("HHh", 2, policy=voting.WILL_NOT_VOTE, degraded_time_s=5.0, degraded_end=end)
        block.step(5)
        assert (block.degraded, block.degraded_alarm, block.out) == (1, 0, 1.0)
        taken(block)
        block.step(3)
        assert (block.degraded_alarm, block.out) == (1, out)
        assert [code for code, _ in taken(block)].count(voting.DEGRADED_LONG) == 1
        set_inputs(block, "HHH")
        assert block.step().degraded_alarm == 0


def test_uncertain_counts_as_bad_only_when_asked():
    for flag, degraded in ((0, 0), (1, 1)):
        block = voter("H", 1, uncertain_is_bad=flag, policy=voting.ALWAYS_USE)
        block.inp_status[0] = DEGRADED
        assert block.step().degraded == degraded


def test_no_number_keeps_the_last_vote():
    """Promise: with ALWAYS_USE a NaN is neither a trip nor a healthy value: what was last said stands."""
    block = voter("T", 1, policy=voting.ALWAYS_USE)
    block.step()
    block.inp[0] = float("nan")
    assert (block.step().out, block.degraded) == (0.0, 1)


# --- bypass ---------------------------------------------------------------------------------------------------------
def ask(block, *numbers):
    block.bypass = [1 if number + 1 in numbers else 0 for number in range(8)]


def test_only_one_bypass_at_a_time_unless_allowed():
    block = voter("HHH", 2)
    ask(block, 1)
    block.step()
    ask(block, 1, 2)
    block.step()
    assert (block.bypassed, block.bypass[:2]) == (1, [1, 0])
    assert taken(block) == [(maintenance.BYPASSED, 1), (maintenance.ONE_ONLY, 2)]
    ask(block, 2)  # the one ends and the other begins in one scan
    block.step()
    assert (block.bypassed, block.standing[:2]) == (1, [0, 1])
    block.one_at_a_time = 0
    ask(block, 1, 2)
    assert block.step().bypassed == 2


@pytest.mark.parametrize(("permit", "status"), [(0.0, STATUS_GOOD), (1.0, STATUS_BAD), (float("nan"), STATUS_GOOD)])
def test_bypass_needs_the_permit_and_ends_with_it(permit, status):
    block = voter("HHH", 2, permit_linked=1, permit=permit, permit_status=status)
    ask(block, 1)
    block.step()
    assert (block.bypassed, block.bypass[0]) == (0, 0)
    assert taken(block) == [(maintenance.NO_PERMIT, 1)]
    block.permit, block.permit_status = 1.0, STATUS_GOOD
    ask(block, 1)
    assert block.step().bypassed == 1
    taken(block)
    block.permit, block.permit_status = permit, status
    assert (block.step().bypassed, block.bypass[0]) == (0, 0)
    assert taken(block) == [(maintenance.WITHDRAWN, 1)]


def test_bypass_is_removed_after_its_time_with_a_warning_before():
    block = voter("THH", 1, bypass_time_s=10.0, bypass_warn_s=3.0)
    ask(block, 1)
    block.step(7)
    assert (block.out, block.bypass_warning) == (1.0, 0)
    block.step()
    assert (block.out, block.bypass_warning) == (1.0, 1)
    block.step(3)
    assert (block.out, block.bypassed, block.bypass_warning) == (0.0, 0, 0)
    assert taken(block) == [
        (maintenance.BYPASSED, 1),
        (maintenance.EXPIRES_SOON, 1),
        (maintenance.OVER_REMOVED, 1),
        (voting.VOTED, 1),
        (voting.TRIPPED, 1),
    ]


def test_bypass_that_only_alarms_stays_and_reminds():
    block = voter("THH", 1, bypass_time_s=10.0, bypass_end=maintenance.KEEP, remind_s=8.0)
    ask(block, 1)
    block.step(31)
    assert (block.out, block.bypassed, block.bypass_expired, block.bypass_warning) == (1.0, 1, 1, 1)
    codes = [code for code, _ in taken(block)]
    assert codes.count(maintenance.OVER_KEPT) == 1
    assert codes.count(maintenance.REMINDER) == 3


# --- analogue -------------------------------------------------------------------------------------------------------
def measured(*values: float, **params):
    block = voter("H" * len(values), 2, "VOTER_A", trip_limit=90.0, trip_deadband=2.0, **params)
    block.inp[: len(values)] = list(values)
    return block


def test_limit_and_deadband():
    """Promise: the limit itself is healthy; a vote is taken back past the deadband only."""
    block = measured(90.0, 90.0, 50.0)
    assert block.step().out == 1.0
    for value, out in ((90.1, 0.0), (88.5, 0.0), (88.0, 1.0)):
        block.inp[0] = block.inp[1] = value
        assert block.step().out == out


def test_median_and_deviation():
    block = measured(50.0, 51.0, 70.0, deviation_limit=5.0, deviation_delay_s=2.0)
    block.step(2)
    assert (block.pv, block.pv_status, block.deviation, block.deviating) == (51.0, STATUS_GOOD, 19.0, 0)
    block.step()
    assert (block.deviating, block.deviating_input) == (1, 3)
    block.inp_status[2] = STATUS_BAD
    block.step()
    assert (block.pv, block.pv_status, block.deviating, block.deviating_input) == (50.5, DEGRADED, 0, 0)
    block.inp_status = [STATUS_BAD] * 8
    assert block.step().pv_status == STATUS_BAD
