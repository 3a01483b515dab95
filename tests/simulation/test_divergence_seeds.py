"""Bits flip in a pair whose messages take their time, with and without other trouble."""

from collections import Counter
from random import Random

import pytest

from dcs.redundancy.protocol import MirrorSink
from dcs.redundancy.protocol.dispute import Dispute, Verdict
from tests.simulation.divergence_world import run_with_flips
from tests.simulation.redundancy_checkers import Broken, Faults


def hunt() -> None:
    for seed in range(10):
        run_with_flips(seed)


@pytest.mark.parametrize("seed", range(10))
def test_the_one_that_is_right_goes_on(seed: int) -> None:
    counts = run_with_flips(seed).checkers.counts
    flips = counts["flips in the active"] + counts["flips in the standby"]
    assert flips >= 3
    assert counts["results that differ"] >= flips
    assert counts["handovers"] == counts["flips in the active"]


def test_with_all_other_trouble_nothing_that_was_promised_is_lost() -> None:
    counts: Counter[str] = Counter()
    for seed in range(20):
        counts.update(run_with_flips(seed, faults=Faults.swarm(Random(seed))).checkers.counts)
    print(counts)
    assert counts["results that differ"] >= 20
    assert counts["crashes"] >= 20


def test_a_sink_that_believes_what_it_is_told_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant accepts any digest: a flip stays where it is."""
    execute = MirrorSink._execute

    def believe(sink: MirrorSink, record: object) -> bool:
        sink._is_right = True
        return execute(sink, record)  # type: ignore[arg-type]

    monkeypatch.setattr(MirrorSink, "_execute", believe)
    with pytest.raises(Broken, match="a flipped bit is still in the memory"):
        hunt()


def test_an_active_that_never_doubts_itself_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def verdict(dispute: Dispute) -> Verdict:
        return Verdict.OPEN if dispute.theirs is None else Verdict.STANDBY_WRONG

    monkeypatch.setattr(Dispute, "verdict", property(verdict))
    with pytest.raises(Broken, match="a flipped bit is still in the memory"):
        hunt()
