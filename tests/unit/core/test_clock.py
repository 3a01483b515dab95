"""The wall clock keeps its few promises."""

import asyncio

import pytest

from dcs.core.clock import NS_PER_S, WallClock, sleep, utc_text
from dcs.core.simulated_time import START_OF_SIMULATION_NS, SimulatedClock, SimulatedLoop, run_simulated


def test_monotonic_time_does_not_go_back() -> None:
    clock = WallClock()
    times = [clock.monotonic_ns() for _ in range(1000)]
    assert times == sorted(times)


@pytest.mark.system
def test_a_wall_sleep_is_never_early() -> None:
    clock = WallClock()

    async def main() -> None:
        for _ in range(10):
            due_ns = clock.monotonic_ns() + NS_PER_S // 200
            await clock.sleep_until(due_ns)
            assert clock.monotonic_ns() >= due_ns

    asyncio.run(main())


@pytest.mark.system
def test_a_blocking_sleep_is_never_early() -> None:
    clock = WallClock()
    due_ns = clock.monotonic_ns() + NS_PER_S // 100
    clock.block_until(due_ns)
    assert clock.monotonic_ns() >= due_ns


def test_sleep_counts_on_the_given_clock() -> None:
    async def main(loop: SimulatedLoop) -> None:
        fast = SimulatedClock(loop, rate=2.0)
        await sleep(fast, 10.0)
        assert loop.now_ns() == 5 * NS_PER_S

    run_simulated(main)


def test_utc_text() -> None:
    assert utc_text(START_OF_SIMULATION_NS + 1_234_567_890) == "2026-01-01T00:00:01.234Z"
    assert utc_text(999_999) == "1970-01-01T00:00:00.000Z"
