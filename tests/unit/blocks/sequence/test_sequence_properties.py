"""Random commands, modes and inputs: what holds in every scan, compiled and uncompiled."""

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dcs.blocks.sequence.procedure import STATE_NAMES
from dcs.core.status import STATUS_BAD, STATUS_GOOD, make_status
from tests.unit.blocks.sequence.charts import BATCH, in_engine
from tests.unit.engine.strategies import NS, Bench, any_bits

NAMES = [
    step for chart in ("", "holding", "restarting", "aborting") for step in (BATCH[chart] if chart else BATCH)["steps"]
]
CHARTS = {"RUNNING": "", "HOLDING": "holding", "RESTARTING": "restarting", "ABORTING": "aborting"}


def markings(chart: dict[str, Any]) -> set[frozenset[str]]:
    """All sets of steps that can be active, found from the text alone."""
    found = {frozenset([next(iter(chart["steps"]))])}
    queue = list(found)
    for marking in queue:
        for arrow in chart["transitions"]:
            sources, targets = (set([end] if isinstance(end, str) else end) for end in (arrow["from"], arrow["to"]))
            if sources <= marking:
                after = frozenset((marking - sources) | (targets - {"END"}))
                if after not in found:
                    found.add(after)
                    queue.append(after)
    return found


ALLOWED = {state: markings(BATCH[chart] if chart else BATCH) - {frozenset()} for state, chart in CHARTS.items()}

wild = st.tuples(
    st.one_of(st.floats(), st.just(math.nan), st.just(95.0)), st.sampled_from([STATUS_BAD, make_status(1, 2), 255])
)
tame = st.tuples(st.sampled_from([0.0, 2.0, -2.0, 4.0]), st.just(STATUS_GOOD))
signal = st.one_of(tame, tame, tame, tame, tame, tame, tame, wild)
commands = st.sampled_from([0] * 12 + [1, 1, 2, 3, 3, 3, 4, 5, 6])
scan = st.fixed_dictionaries(
    {
        "inputs": st.tuples(signal, signal, signal, signal),
        "command": commands,
        "seq_mode": st.sampled_from([None] * 8 + [0, 0, 1, 2]),
        "confirm": st.sampled_from([0, 0, 1]),
        "force_step": st.sampled_from([0, 0, 0, *range(1, 8)]),
        "slips": st.sampled_from([0, 0, 0, 1, 3]),
    }
)
patient = st.fixed_dictionaries(  # an operator in MANUAL who tries every step
    {
        "inputs": st.tuples(tame, tame, tame, st.just((2.0, STATUS_GOOD))),
        "command": st.just(0),
        "seq_mode": st.sampled_from([0, 0, 2, 2, 2]),
        "confirm": st.just(0),
        "force_step": st.sampled_from([0, *range(1, 8)]),
        "slips": st.just(0),
    }
)
restless = st.fixed_dictionaries(  # an operator who holds and restarts
    {
        "inputs": st.tuples(st.sampled_from([(4.0, STATUS_GOOD), (2.0, STATUS_GOOD)]), tame, tame,
                            st.just((2.0, STATUS_GOOD))),
        "command": st.sampled_from([0, 0, 2, 3, 1]),
        "seq_mode": st.just(0),
        "confirm": st.just(0),
        "force_step": st.just(0),
        "slips": st.just(0),
    }
)  # fmt: skip
histories = st.one_of(*(st.lists(one, min_size=8, max_size=40) for one in (scan, patient, restless)))


def play(at: Bench, moves: dict[str, Any]) -> None:
    for part in ("command", "seq_mode", "confirm", "force_step"):
        if moves[part] is not None and (moves[part] or part == "seq_mode"):
            at.set(f"Q.s.{part.upper()}", float(moves[part]))  # refused where it cannot be
    for n, (value, status) in enumerate(moves["inputs"], 1):
        at.reads[f"I{n}"], at.status[f"I{n}"] = value, status
    at.scan(slips=moves["slips"])


def steps_in(mask: float) -> frozenset[str]:
    return frozenset(name for bit, name in enumerate(NAMES) if int(mask) >> bit & 1)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories)
def test_no_active_step_is_lost_or_doubled(history):
    """Promise: in every scan the active steps are a set that the chart allows; the bits are the same uncompiled."""
    pair = [in_engine(BATCH, compiled) for compiled in (True, False)]
    for at in pair:
        at.must_set("Q.s.COMMAND", 1.0)
    for moves in history:
        for at in pair:
            play(at, moves)
        assert any_bits(pair[0].engine.memory) == any_bits(pair[1].engine.memory)
        at = pair[0]
        state = STATE_NAMES[int(at["Q.s.state"])]
        active, suspended = steps_in(at["Q.s.active"]), steps_in(at["Q.s.suspended"])
        if state in ALLOWED:
            assert active in ALLOWED[state]
        else:
            assert not active
        assert (suspended in ALLOWED["RUNNING"]) == (state in ("HOLDING", "HELD", "RESTARTING"))
        assert bool(suspended) == (state in ("HOLDING", "HELD", "RESTARTING"))
        assert at["Q.s.step"] == (0 if not active else 1 + min(NAMES.index(name) for name in active))
        for n in range(1, 17):
            assert math.isfinite(at[f"Q.s.out_{n}"])
        for n in range(1, 130):
            assert math.isfinite(at[f"Q.s.memory_{n}"])
        if state in ("STOPPED", "ABORTED", "IDLE"):
            assert all(at[f"Q.s.out_{n}"] == 0.0 for n in (1, 2, 3, 6, 7, 8, 9))


@settings(max_examples=25, deadline=None)
@given(st.lists(scan, min_size=1, max_size=20), st.lists(scan, min_size=1, max_size=20))
def test_a_takeover_in_mid_step_goes_on_to_the_last_bit(first, then):
    """Promise: the record is the whole memory: active steps, timers, latches, variables, waiting events."""
    one, other = in_engine(BATCH, True), in_engine(BATCH, False)
    one.must_set("Q.s.COMMAND", 1.0)
    for moves in first:
        play(one, moves)
    other.engine.restore(one.engine.snapshot())
    other.time_ns = one.time_ns
    for moves in then:
        play(one, moves)
        play(other, moves)
        assert one.engine.snapshot() == other.engine.snapshot()


@pytest.mark.parametrize("compiled", [True, False])
def test_step_time_counts_slips(compiled):
    """Promise: a scan that was missed is in the timers: they count nominal scans plus declared slips."""
    at = in_engine(BATCH, compiled, period_ns=NS)
    at.must_set("Q.s.COMMAND", 1.0)
    at.reads.update({f"I{n}": 0.0 for n in range(1, 5)})
    at.scan(count=2)
    at.scan(slips=3)
    assert at["Q.s.step_time_s"] == 5.0
    assert at["Q.s.timeout"] == 1.0


@pytest.mark.parametrize("compiled", [True, False])
def test_the_journal_names_states_and_steps(compiled):
    at = in_engine(BATCH, compiled)
    at.reads.update({f"I{n}": 0.0 for n in range(1, 5)})
    at.must_set("Q.s.COMMAND", 1.0)
    at.scan(count=6)
    texts = [event.text for event in at.engine.take_events() if event.kind == "process"]
    assert texts == [
        "Q.s is RUNNING",
        "Q.s step CHARGE takes longer than its time",
    ]


@pytest.mark.parametrize("compiled", [True, False])
def test_what_an_operator_may_not_do_is_refused_with_the_reason(compiled):
    """Promise: the answer to the command says why, and what would be possible."""
    at = in_engine(BATCH, compiled)
    at.reads.update({f"I{n}": 0.0 for n in range(1, 5)})
    at.scan()
    assert at.set("Q.s.COMMAND", "HOLD") == (
        False, "Q.s.COMMAND: HOLD is not possible in IDLE; it is in RUNNING, RESTARTING."
    )  # fmt: skip
    assert at.set("Q.s.COMMAND", "START")[0]
    at.scan()
    assert at.set("Q.s.CONFIRM", 1.0) == (False, "Q.s.CONFIRM: no transition is ready.")
    assert at.set("Q.s.FORCE_STEP", 2.0) == (
        False,
        "Q.s.FORCE_STEP: a step can be activated while the sequence is RUNNING and its mode is MANUAL; it is RUNNING "
        "and AUTOMATIC.",
    )
    at.must_set("Q.s.SEQ_MODE", "MANUAL")
    at.scan()
    at.must_set("Q.s.FORCE_STEP", 6.0)
    at.scan()
    assert at["Q.s.step"] == 6
