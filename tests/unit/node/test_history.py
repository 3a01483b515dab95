"""What is kept of frames: the epoch of each sample, declared gaps, late samples in their place."""

import asyncio
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dcs.bus.history import HistoryAnswer, HistoryRequest
from dcs.bus.memory import MemoryHub
from dcs.bus.messages import Frame, Layout, TagInfo, frame_subject, layout_subject, layouts_to_bytes
from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.core.simulated_time import run_simulated
from dcs.node.gaps import Gaps
from dcs.node.history_service import HistoryService
from dcs.node.sample_history import PlantHistory

LAYOUT = Layout("p", "C1", "loops", 100 * NS_PER_MS, (TagInfo("LIC-101.PV"),))
START_NS = 1_700_000_000 * NS_PER_S
PERIOD_NS = 100 * NS_PER_MS


def frame(number: int, epoch: int = 1) -> Frame:
    return Frame(
        LAYOUT.hash, number, START_NS + number * PERIOD_NS, epoch, 1, np.array([float(number)]), np.array([128], "u1")
    )


def put(history: PlantHistory, one: Frame) -> None:
    history.put("C1", "loops", one)


def kept() -> PlantHistory:
    history = PlantHistory(PERIOD_NS)
    history.put_layout(LAYOUT)
    return history


def ask(history: PlantHistory, points: int = 6000) -> HistoryAnswer:
    answer = history.answer(HistoryRequest(("LIC-101.PV",), START_NS, START_NS + 3600 * NS_PER_S, points))
    return HistoryAnswer.from_bytes(answer.to_bytes())


def test_each_sample_has_the_epoch_that_wrote_it() -> None:
    history = kept()
    for number in range(400):
        put(history, frame(number, epoch=1 if number < 300 else 2))
    series = ask(history).series["LIC-101.PV"]
    assert series.epochs == ((START_NS, 1), (START_NS + 300 * PERIOD_NS, 2))
    assert ask(history, 50).series["LIC-101.PV"].epochs == series.epochs
    assert series.gaps == ()


def test_a_gap_is_declared_and_late_samples_close_it_in_their_place() -> None:
    history = kept()
    for number in [*range(100), *range(150, 200)]:
        put(history, frame(number))
    last, first = START_NS + 99 * PERIOD_NS, START_NS + 150 * PERIOD_NS
    assert ask(history).series["LIC-101.PV"].gaps == ((last, first),)
    for number in range(100, 140):
        put(history, frame(number))
    put(history, frame(120))  # delivered twice
    series = ask(history).series["LIC-101.PV"]
    assert series.gaps == ((START_NS + 139 * PERIOD_NS, first),)
    assert series.values.tolist() == [float(n) for n in [*range(140), *range(150, 200)]]


@given(st.sets(st.integers(1, 60), max_size=40), st.randoms())
def test_gaps_are_exactly_what_is_missing_in_whatever_order_late_samples_come(
    missing: set[int], random: Random
) -> None:
    gaps = Gaps()
    late = sorted(missing)[::2]
    here = [number for number in range(-1, 63) if number not in missing]
    for number in here:
        gaps.put(1000 + 10 * number, 10)
    random.shuffle(late)
    for number in late:
        gaps.put(1000 + 10 * number, 10)
    there = sorted({*here, *late})
    expected = [(1000 + 10 * a, 1000 + 10 * b) for a, b in pairwise(there) if b - a > 1]
    assert list(gaps.between(0, 10_000)) == expected


def test_one_early_scan_makes_no_gap_of_all_that_follow() -> None:
    """Promise: the first scan after a takeover, which may come early, changes nothing of what a gap is."""
    gaps = Gaps()
    for time_ns in (100, 110, 120, 123, 133, 143, 153, 173, 183):
        gaps.put(time_ns, 10)
    assert gaps.between(0, 1000) == ((153, 173),)


def test_a_period_that_is_changed_online_is_judged_by_the_new_one() -> None:
    """Promise: and a gap between the very first two samples is one."""
    gaps = Gaps()
    for time_ns, period_ns in ((80, 10), (100, 10), (110, 10), (130, 20), (150, 20), (190, 20), (200, 10), (220, 10)):
        gaps.put(time_ns, period_ns)
    assert gaps.between(0, 1000) == ((80, 100), (150, 190), (200, 220))


def test_samples_that_come_before_their_layout_is_known_are_kept() -> None:
    """After an online change the columns are new, and the answer of the controller takes a while."""
    history = PlantHistory(PERIOD_NS)

    async def main(loop: Any) -> None:
        hub = MemoryHub()
        controller, keeper = hub.connect("C1A"), hub.connect("history")

        async def answer(subject: str, payload: bytes) -> bytes:
            await asyncio.sleep(1.5)
            return layouts_to_bytes([LAYOUT])

        await controller.serve(layout_subject("p", "C1"), answer)
        task = asyncio.ensure_future(HistoryService("p", keeper, history).run())
        for number in range(50):
            await asyncio.sleep(0.1)
            controller.publish(frame_subject("p", "C1", "loops"), frame(number).to_bytes())
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await controller.close()
        await keeper.close()

    run_simulated(main)
    series = ask(history).series["LIC-101.PV"]
    assert series.values.tolist() == [float(number) for number in range(50)]
    assert series.gaps == ()


def test_of_two_samples_of_one_scan_that_of_the_higher_epoch_counts() -> None:
    """An active that is cut off runs a scan that its standby never hears of, and runs again."""
    history = kept()
    for number in range(10):
        put(history, frame(number))
    again = frame(9, epoch=2)
    again.values.setflags(write=True)
    again.values[0] = 90.0
    put(history, again)
    put(history, frame(9))  # the old one once more
    for number in range(10, 20):
        put(history, frame(number, epoch=2))
    series = ask(history).series["LIC-101.PV"]
    assert series.values.tolist() == [*range(9), 90.0, *range(10, 20)]
    assert series.epochs == ((START_NS, 1), (START_NS + 9 * PERIOD_NS, 2))


def test_every_scan_of_the_last_while_and_samples_of_the_time_before() -> None:
    history = PlantHistory(100 * PERIOD_NS, 3 * 5 * 1000)
    history.put_layout(LAYOUT)
    for number in range(20_000):
        put(history, frame(number))
    series = ask(history, 100_000).series["LIC-101.PV"]
    steps = np.diff(series.time_ns) // PERIOD_NS
    fine = int(np.flatnonzero(steps == 1)[0])
    assert (steps[: fine - 1] == 100).all()
    assert 1 <= steps[fine - 1] <= 100
    assert (steps[fine:] == 1).all()
    assert 500 < len(steps) - fine <= 1001, "bounded"
    assert series.time_ns[-1] == START_NS + 19_999 * PERIOD_NS
