"""A device with two links while one of them fails, and comes back, and the other fails: random stories in the box."""

from random import Random

import pytest

from dcs.node.box import Box
from dcs.node.recorder import Recorder
from tests.simulation.test_redundant_io import STATION, bad_points, station_of
from tests.support.boxes import in_box

FAULTS_A_STORY = 12
LOOK_S = 0.05


async def _both_up(box: Box) -> None:
    for _ in range(200):
        links = [
            link
            for name in ("C1A", "C1B")
            for link in box.controller(name).report().links
            if f"{STATION}." in link.name
        ]
        if all(link.state == "up" for link in links):
            return
        await box.run_for(LOOK_S)
    raise AssertionError("a link that is whole again is not used again")


async def _story(box: Box, recorder: Recorder, seed: int) -> None:
    rng = Random(seed)
    await box.run_for(15.0)
    station = station_of(box)
    station.record_writes()
    active = box.active("C1")
    for _ in range(FAULTS_A_STORY):
        await box.run_for(rng.random())
        what = rng.choice((f"{STATION}.A", f"{STATION}.B", *(f"{name}>{STATION}" for name in ("C1A", "C1B"))))
        box.faults().cut(what, **({} if ">" in what else {"silent": rng.random() < 0.5}))
        for _ in range(rng.randrange(4, 80)):
            await box.run_for(LOOK_S)
            assert bad_points(box) == set(), f"{what} is out, and there is another way"
            assert box.active("C1") == active, "one link is no reason to switch over"
        await box.faults().heal(what)
        await _both_up(box)
    assert station.writes is not None
    assert {write.peer for write in station.writes} == {active}
    assert not station.watchdog.record, "outputs were written in time"


@pytest.mark.parametrize("seed", range(4))
def test_while_one_of_two_links_works_no_value_is_bad_and_nobody_switches(seed: int) -> None:
    in_box(
        lambda box, recorder: _story(box, recorder, seed), plant="drum_boiler", overrides=("variant=redundant_io",),
        seed=seed,
    )  # fmt: skip


def test_both_links_of_the_active_lost_are_handed_over_and_of_the_standby_are_not() -> None:
    async def story(box: Box, recorder: Recorder) -> None:
        await box.run_for(15.0)
        active = box.active("C1")
        (standby,) = {"C1A", "C1B"} - {active}
        for cable in (f"{standby}>{STATION}", f"{standby}>{STATION}.B"):
            box.faults().cut(cable)
        await box.run_for(15.0)
        assert box.active("C1") == active
        await box.faults().heal_all()
        await _both_up(box)
        for cable in (f"{active}>{STATION}", f"{active}>{STATION}.B"):
            box.faults().cut(cable)
            await box.run_for(0.0 if cable.endswith("B") else 4.0)
            assert box.active("C1") == active
        await box.run_for(4.0)
        assert box.active("C1") == standby
        assert bad_points(box) == set()

    in_box(story, plant="drum_boiler", overrides=("variant=redundant_io",))
