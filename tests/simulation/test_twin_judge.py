"""The judge of a takeover can fail: everything that must go on is once made to go on otherwise."""

from collections.abc import Callable

import numpy as np
import pytest

from dcs.bus.messages import Event
from dcs.engine import memory
from dcs.node.event_outbox import EventOutbox
from dcs.node.replica import Replica
from dcs.node.takeover import Takeover
from tests.simulation.twin import study
from tests.simulation.twin.run import Run
from tests.simulation.twin.study import Verdict, compare

Spoil = Callable[[Replica], None]


def _add(record: str, name: str, what: float) -> Spoil:
    def spoil(replica: Replica) -> None:
        at = next(one.at + one.type.index[name] for one in replica.program.plan.records if one.name == record)
        replica.engine.memory.view(np.float64)[at : at + 1] += what

    return spoil


def _put(record: str, name: str, change: Callable[[int], int]) -> Spoil:
    def spoil(replica: Replica) -> None:
        at = next(one.at + one.type.index[name] for one in replica.program.plan.records if one.name == record)
        words = replica.engine.memory.view(np.int64)
        words[at] = change(int(words[at]))

    return spoil


def _spoiled(monkeypatch: pytest.MonkeyPatch, spoil: Spoil, situation: str, fault: str) -> Verdict:
    """A takeover in which the new holder's memory is changed before it goes on; the twin's is not."""
    begin = Replica.begin_term

    def begin_otherwise(replica: Replica, epoch: int) -> None:
        begin(replica, epoch)
        if replica.inputs is not None:  # it has followed somebody
            spoil(replica)

    monkeypatch.setattr(Replica, "begin_term", begin_otherwise)
    return compare(situation, fault, 1, 1000)


@pytest.mark.parametrize(
    ("situation", "fault", "spoil", "names"),
    [
        ("sequence", "kill", _add("FQ-101.constant", "out", 1e-9), "FQ-101.constant.out"),
        ("sequence", "freeze", _put("SEQ-1.seq", "step_ns_1", lambda ns: ns + 1), "SEQ-1.seq"),
        ("alarms", "kill", _put("FIC-101.DEV_LO", "alarm_state", lambda state: state ^ 2), "FIC-101.DEV_LO"),
        ("alarms", "isolate", _put("FIC-102.DEV_LO", "alarm_time_ns", lambda ns: ns + 1), "FIC-102.DEV_LO"),
        ("tune", "kill", _put("LIC-101.pid", "tune_scans", lambda scans: scans + 1), "LIC-101.pid.tune"),
        ("tune", "switchover", _add("LIC-101.pid", "tune_time_s", 1.0), "LIC-101.pid.tune_time_s"),
    ],
)
def test_what_goes_on_otherwise_is_seen(
    monkeypatch: pytest.MonkeyPatch, situation: str, fault: str, spoil: Spoil, names: str
) -> None:
    """Promise: totals, steps, acknowledgements, times of alarms and the relay test are compared to the last bit."""
    verdict = _spoiled(monkeypatch, spoil, situation, fault)
    assert any(text.startswith(names) for text in verdict.states), verdict.states
    assert not verdict.passes


def test_a_switchover_that_shifts_an_integral_drifts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: after a switchover every number is compared; a hundred thousandth of a per cent is seen."""
    verdict = _spoiled(monkeypatch, _add("FIC-101.pid", "integral_pct", 1e-5), "sequence", "switchover")
    assert any(text.startswith("FIC-101.pid.integral_pct") for text in verdict.drift)


def test_a_relay_that_is_elsewhere_bumps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: an auto-tune that goes on with another output is a bump."""
    verdict = _spoiled(monkeypatch, _put("LIC-101.pid", "tune_up", lambda up: 1 - up), "tune", "kill")
    assert verdict.worst.largest_pct > study.LIMIT_PCT


def test_numbers_of_events_that_are_given_twice_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: what the new holder tells under a number of the old one is no repetition."""

    def back(replica: Replica) -> None:
        words = replica.engine.memory.view(np.int64)
        words[memory.EVENT_HEAD] = words[memory.EVENT_MARK] = 1
        replica.engine.forget_events()

    assert _spoiled(monkeypatch, back, "alarms", "kill").events


def test_an_event_that_is_lost_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: the journal is that of the twin, entry by entry."""
    put = EventOutbox.put

    def forget(outbox: EventOutbox, event: Event) -> None:
        if "FIC-101" not in event.subject or "acknowledged" not in event.text:
            put(outbox, event)

    study.compare("alarms", "kill", 0, 1000)  # the twin is kept, with all events
    monkeypatch.setattr(EventOutbox, "put", forget)
    assert any(line.startswith("-(") for line in compare("alarms", "kill", 1, 1000).events)


def test_a_scan_that_nobody_ran_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: a sample that the twin has and this run has not is counted."""
    monkeypatch.setattr(Takeover, "overdue", lambda takeover, classes: [])
    assert compare("sequence", "kill", 3, 1000).missed == 1


def test_samples_that_came_twice_or_of_no_scan_are_seen() -> None:
    """Promise: one sample for each scan; two terms share at most the scan in which the old holder fell."""
    plan, course = study._twin("sequence", 1000, 0).plan, study._twin("sequence", 1000, 0).course
    twin = Run(plan, course, frames=[(b"L", at, 1) for at in range(5)])

    def judged(*frames: tuple[bytes, int, int]) -> list[str]:
        verdict = Verdict("", "", 0, 1000, 0.0, [], 0)
        study._judge_history(verdict, Run(plan, course, frames=list(frames)), twin)
        return verdict.history

    one, two = [(b"L", at, 1) for at in range(3)], [(b"L", at, 2) for at in range(2, 5)]
    assert judged(*one, *two) == []
    assert judged(*one, one[0], *two)
    assert judged(*one, *two, (b"L", 7, 2))
    assert judged(*one, (b"L", 3, 1), *two)
