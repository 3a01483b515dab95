"""Two pairs in one plant, with one witness and one drive cabinet for both: what happens to one is none of the other."""

from pathlib import Path

import pytest

from dcs.node.box import Box
from dcs.node.controller import Controller
from dcs.node.recorder import Recorder
from tests.simulation.swarm.run import run_seed
from tests.support.boxes import in_box
from tests.support.two_pairs import make_two_pairs

SEEDS = (103,)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_two_pairs(tmp_path_factory.mktemp("plant") / "two_pairs")


def active(box: Box, pair: str) -> Controller:
    return box.controller(box.active(pair))


def terms(recorder: Recorder, pair: str) -> list[str]:
    """Who took the authority of a pair, as the journal says it."""
    return [e.text for e in recorder.events if e.source.startswith(pair) and "is active with epoch" in e.text]


async def _one_fails(box: Box, recorder: Recorder) -> None:
    await box.run_for(40.0)
    dead = box.active("C1")
    await box.kill(dead)
    await box.run_for(60.0)
    assert len(terms(recorder, "C1")) == 2
    assert len(terms(recorder, "C2")) == 1
    assert active(box, "C2").member.epoch == 1
    await box.start(dead)
    await box.run_for(10.0)
    assert (await box.command("C2", "switchover")).ok
    await box.run_for(10.0)
    assert (len(terms(recorder, "C1")), len(terms(recorder, "C2"))) == (2, 2)


def test_a_takeover_of_one_pair_is_none_of_the_other(plant: Path) -> None:
    in_box(_one_fails, plant=plant)


async def _witness_fails(box: Box, recorder: Recorder) -> None:
    await box.run_for(40.0)
    await box.kill("W1")
    await box.run_for(40.0)
    assert {e.subject for e in recorder.events if e.kind == "alarm"} == {"C1.WITNESS", "C2.WITNESS"}
    await box.start("W1")
    await box.run_for(10.0)
    for pair in ("C1", "C2"):
        assert active(box, pair).member.report().granting == 3
        await box.kill(box.active(pair))
    await box.run_for(10.0)
    for tag, pair in (("LIC-101.SP", "C1"), ("LIC-102.SP", "C2")):
        assert (await box.command(pair, "set", tag, 13.0)).ok, "the witness votes for both again"
    await box.run_for(300.0)
    for module, pair in (("LIC-101", "C1"), ("LIC-102", "C2")):
        assert active(box, pair).replica.engine.field(f"{module}.ai", "out") == pytest.approx(13.0, abs=0.05)


def test_one_witness_serves_both_and_comes_back_to_both(plant: Path) -> None:
    in_box(_witness_fails, plant=plant)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_swarm_on_one_pair(plant: Path, seed: int) -> None:
    """Promise: all promises of a pair hold beside another one that writes to the same device."""
    result = run_seed(str(plant), seed)
    assert not result.broken, f"{result.broken}; {result.drawn}"
    assert result.counts["takeovers"] > 0
