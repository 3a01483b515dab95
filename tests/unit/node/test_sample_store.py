"""Samples while the bus is away: delivered later, in order, once; what does not fit is told. Simulated clock."""

from collections.abc import Awaitable, Callable
from typing import Any

from dcs.bus.memory import MemoryHub
from dcs.core.clock import NS_PER_S
from dcs.core.simulated_time import SimulatedClock, SimulatedLoop, run_simulated
from dcs.node.sample_store import SampleStore

SUBJECT = "dcs.p.frame.C1.loops"


class Bench:
    """A store that runs, samples every 100 ms, and somebody who keeps what arrives."""

    def __init__(self, loop: SimulatedLoop, age_s: float, bytes_max: int) -> None:
        self.hub = MemoryHub()
        self.bus, self.listener = self.hub.connect("A"), self.hub.connect("historian")
        self.clock = SimulatedClock(loop)
        self.told: list[str] = []
        self.live: list[int] = []
        self.late: list[int] = []
        self.store = SampleStore(
            self.bus, self.clock, lambda kind, subject, text: self.told.append(text), round(age_s * NS_PER_S), bytes_max
        )
        self.task = loop.create_task(self.store.run())
        self.number = 0

    async def listen(self) -> None:
        async def live(subject: str, payload: bytes) -> None:
            self.live.append(int(payload))

        async def late(subject: str, payload: bytes) -> None:
            self.late.append(int(payload))

        await self.listener.subscribe(SUBJECT, live)
        await self.listener.subscribe("dcs.p.late.C1.loops", late)

    async def run(self, seconds: float) -> None:
        for _ in range(round(10 * seconds)):
            self.store.publish(SUBJECT, b"%100d" % self.number, self.clock.time_ns())
            self.number += 1
            await self.clock.sleep_until(self.clock.monotonic_ns() + NS_PER_S // 10)


def play(story: Callable[[Bench], Awaitable[None]], age_s: float = 600.0, bytes_max: int = 1_000_000) -> None:
    async def main(loop: Any) -> None:
        bench = Bench(loop, age_s, bytes_max)
        await bench.listen()
        await story(bench)
        bench.task.cancel()
        await bench.bus.close()
        await bench.listener.close()

    run_simulated(main)


def test_nothing_is_late_while_the_bus_is_there_and_little_is_kept() -> None:
    async def story(bench: Bench) -> None:
        await bench.run(60)
        assert bench.live == list(range(600))
        assert bench.late == []
        assert bench.store.waiting <= 12

    play(story)


def test_samples_of_an_outage_come_later_in_order_and_not_all_at_once() -> None:
    async def story(bench: Bench) -> None:
        await bench.run(20.05)
        bench.hub.stop()
        await bench.run(100)
        bench.hub.start()
        await bench.run(1.5)
        assert 0 < len(bench.late) < 900
        await bench.run(10)
        assert bench.late == sorted(set(bench.late))
        assert set(bench.live) | set(bench.late) == set(range(bench.number))
        assert bench.store.waiting <= 12

    play(story)


def test_a_connection_that_breaks_for_a_moment_may_have_taken_samples_with_it() -> None:
    async def story(bench: Bench) -> None:
        await bench.run(20)
        bench.hub.cut("A")
        bench.hub.heal("A")
        await bench.run(5)
        assert 1 <= len(bench.late) <= 20

    play(story)


def test_what_does_not_fit_is_told_with_number_and_times() -> None:
    async def story(bench: Bench) -> None:
        await bench.run(10)
        bench.hub.stop()
        await bench.run(30)
        assert bench.store.waiting <= 100
        bench.hub.start()
        await bench.run(10)
        assert len(bench.told) == 1
        assert " samples from " in bench.told[0]
        missing = set(range(bench.number)) - set(bench.live) - set(bench.late)
        told = int(bench.told[0].split()[0])
        assert len(missing) <= told <= len(missing) + 11, "those of the last second before may have arrived"

    play(story, bytes_max=10_000)


def test_age_bounds_as_well() -> None:
    async def story(bench: Bench) -> None:
        bench.hub.stop()
        await bench.run(30)
        assert bench.store.waiting <= 51

    play(story, age_s=5.0)


def test_a_sample_larger_than_all_room_is_told_as_lost_and_stops_nothing() -> None:
    async def story(bench: Bench) -> None:
        await bench.run(3)
        assert bench.live == list(range(30))
        assert bench.store.waiting == 0

    play(story, bytes_max=99)


def test_what_a_predecessor_left_is_delivered_late_and_confirmed() -> None:
    """Promise: samples of another one go out within two confirmations, before those of an outage are forgotten."""

    async def story(bench: Bench) -> None:
        await bench.run(5)
        bench.store.inherit("dcs.p.late.C1.loops", b"%100d" % 7777, bench.clock.time_ns())
        await bench.run(5)
        assert 7777 in bench.late
        assert bench.live == list(range(100))
        assert bench.store.waiting <= 12

    play(story)


def test_what_is_inherited_while_the_bus_is_away_waits_for_it() -> None:
    async def story(bench: Bench) -> None:
        await bench.run(5)
        bench.hub.stop()
        bench.store.inherit("dcs.p.late.C1.loops", b"%100d" % 7777, bench.clock.time_ns())
        await bench.run(5)
        assert bench.late == []
        bench.hub.start()
        await bench.run(5)
        assert bench.late.count(7777) == 1

    play(story)
