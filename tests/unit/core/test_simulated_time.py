"""What the loop of the box promises: exact deadlines, one order, no outside world, no silent stall."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.core.simulated_time import (
    START_OF_SIMULATION_NS,
    OutsideWorld,
    SimulatedClock,
    SimulatedLoop,
    SimulationStalled,
    run_simulated,
)

DAY_S = 86_400


# --- time ------------------------------------------------------------------------------------------------
def test_time_jumps_instead_of_passing() -> None:
    async def main(loop: SimulatedLoop) -> int:
        await asyncio.sleep(30 * DAY_S)
        return loop.now_ns()

    start = time.monotonic()
    assert run_simulated(main) == 30 * DAY_S * NS_PER_S
    assert time.monotonic() - start < 5.0


@settings(max_examples=30, deadline=None)
@example(start_s=2_097_152, steps_ns=[4, 2648])  # where sums of float seconds begin to miss
@given(
    start_s=st.integers(0, 48 * DAY_S),
    steps_ns=st.lists(st.integers(1, 10 * NS_PER_S), min_size=1, max_size=50),
)
def test_deadlines_are_met_to_the_nanosecond_for_forty_eight_days(start_s: int, steps_ns: list[int]) -> None:
    async def main(loop: SimulatedLoop) -> None:
        clock = SimulatedClock(loop)
        due_ns = start_s * NS_PER_S
        await clock.sleep_until(due_ns)
        for step_ns in steps_ns:
            due_ns += step_ns
            await clock.sleep_until(due_ns)
            assert loop.now_ns() == clock.monotonic_ns() == due_ns

    run_simulated(main)


@pytest.mark.parametrize("start_s", [49 * DAY_S, 100 * DAY_S, 1000 * DAY_S])
def test_time_goes_on_when_floats_get_coarse(start_s: int) -> None:
    """Promise: no stall and no early return after months; a deadline may be late by some nanoseconds then."""

    async def main(loop: SimulatedLoop) -> None:
        clock = SimulatedClock(loop)
        due_ns = start_s * NS_PER_S
        for step in range(500):
            due_ns += 100 * NS_PER_MS + step
            await clock.sleep_until(due_ns)
            assert 0 <= loop.now_ns() - due_ns < 100
        await asyncio.sleep(1e-9)

    run_simulated(main)


def test_a_clock_has_its_own_rate_and_offset() -> None:
    async def main(loop: SimulatedLoop) -> None:
        fast = SimulatedClock(loop, rate=1.001, offset_ns=5 * NS_PER_S)
        slow = SimulatedClock(loop, rate=0.5)
        assert fast.time_ns() - slow.time_ns() == 5 * NS_PER_S
        assert slow.time_ns() == START_OF_SIMULATION_NS
        await asyncio.sleep(1000)
        assert fast.monotonic_ns() == 1001 * NS_PER_S
        assert slow.monotonic_ns() == 500 * NS_PER_S
        await slow.sleep_until(501 * NS_PER_S)
        assert loop.now_ns() == 1002 * NS_PER_S

    run_simulated(main)


@settings(max_examples=30, deadline=None)
@given(rates=st.lists(st.floats(0.5, 2.0), min_size=1, max_size=10))
def test_a_clock_that_changes_its_rate_neither_steps_nor_wakes_early(rates: list[float]) -> None:
    async def main(loop: SimulatedLoop) -> None:
        clock = SimulatedClock(loop)
        for rate in rates:
            before_ns = clock.monotonic_ns()
            clock.set_rate(rate)
            assert clock.monotonic_ns() == before_ns
            due_ns = before_ns + 123_456_789
            await clock.sleep_until(due_ns)
            assert 0 <= clock.monotonic_ns() - due_ns <= 2

    run_simulated(main)


def test_a_step_of_utc_leaves_the_monotonic_time_alone() -> None:
    async def main(loop: SimulatedLoop) -> None:
        clock = SimulatedClock(loop)
        await asyncio.sleep(1)
        clock.step_utc(-3600 * NS_PER_S)
        assert clock.monotonic_ns() == NS_PER_S
        assert clock.time_ns() == START_OF_SIMULATION_NS - 3599 * NS_PER_S

    run_simulated(main)


def test_a_clock_cannot_stand_still() -> None:
    async def main(loop: SimulatedLoop) -> None:
        with pytest.raises(ValueError, match="must be positive"):
            SimulatedClock(loop, rate=0.0)

    run_simulated(main)


def test_a_deadline_that_has_passed_yields_once() -> None:
    async def main(loop: SimulatedLoop) -> None:
        clock = SimulatedClock(loop)
        await asyncio.sleep(10)
        ran = []
        asyncio.get_running_loop().call_soon(ran.append, 1)
        await clock.sleep_until(NS_PER_S)
        assert ran == [1]
        assert loop.now_ns() == 10 * NS_PER_S

    run_simulated(main)


# --- order -----------------------------------------------------------------------------------------------
_ORDER_SCRIPT = """
import asyncio, sys
from dcs.core.simulated_time import run_simulated

seen, ballast = [], [object() for _ in range(int(sys.argv[1]))]

async def wait_for_it(i):
    try:
        await asyncio.sleep(100)
    finally:
        seen.append(i)
        await asyncio.sleep(0)
        seen.append(-i)

async def fail():
    await asyncio.sleep(1)
    raise RuntimeError

async def main(loop):
    try:
        async with asyncio.TaskGroup() as group:
            for i in range(40):
                group.create_task(wait_for_it(i))
                ballast.append([i] * i * 7)
            group.create_task(fail())
    except* RuntimeError:
        pass
    for i in range(100, 140):
        asyncio.create_task(wait_for_it(i)), ballast.append([i] * i)
    await asyncio.sleep(1)

run_simulated(main)
print(seen)
"""


@pytest.mark.system
def test_a_cancelled_group_ends_in_the_same_order_in_every_process(tmp_path: Path) -> None:
    """asyncio keeps tasks in sets; by address, their order would differ from process to process."""
    runs = []
    for seed, ballast in (("0", "1"), ("1", "20000"), ("2", "377")):
        answer = subprocess.run(
            [sys.executable, "-c", _ORDER_SCRIPT, ballast],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[3])},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        runs.append(answer.stdout)
    assert runs[0] == runs[1] == runs[2]


def test_tasks_are_cancelled_in_the_order_of_their_making() -> None:
    seen: list[int] = []

    async def wait(i: int) -> None:
        try:
            await asyncio.sleep(100)
        finally:
            seen.append(i)

    async def fail() -> None:
        await asyncio.sleep(1)
        raise RuntimeError

    async def main(loop: SimulatedLoop) -> None:
        async with asyncio.TaskGroup() as group:
            for i in range(200):
                group.create_task(wait(i))
            group.create_task(fail())

    with pytest.raises(ExceptionGroup):
        run_simulated(main)
    assert seen == list(range(200))


def test_the_same_program_gives_the_same_order_twice() -> None:
    def once() -> list[tuple[int, int]]:
        seen: list[tuple[int, int]] = []

        async def tick(loop: SimulatedLoop, number: int, period_ms: int) -> None:
            for _ in range(50):
                await asyncio.sleep(period_ms / 1000)
                seen.append((loop.now_ns(), number))

        async def main(loop: SimulatedLoop) -> None:
            await asyncio.gather(*(tick(loop, i, 10 * (1 + i % 4)) for i in range(12)))

        run_simulated(main)
        return seen

    first = once()
    assert first == once()
    assert [at for at, _ in first] == sorted(at for at, _ in first)


# --- the outside world -----------------------------------------------------------------------------------
def _raw_socket() -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    return sock


async def _in_socket(work: Callable[[socket.socket], Awaitable[Any]]) -> None:
    sock = _raw_socket()
    try:
        await work(sock)
    finally:
        sock.close()


OUTSIDE: dict[str, Callable[[SimulatedLoop], Awaitable[Any]]] = {
    "thread": lambda loop: asyncio.to_thread(int),
    "executor": lambda loop: loop.run_in_executor(None, int),
    "connection": lambda loop: asyncio.open_connection("127.0.0.1", 1),
    "server": lambda loop: asyncio.start_server(lambda r, w: None, "127.0.0.1", 0),
    "datagram": lambda loop: loop.create_datagram_endpoint(asyncio.DatagramProtocol, ("127.0.0.1", 0)),
    "name": lambda loop: loop.getaddrinfo("localhost", 80),
    "process": lambda loop: asyncio.create_subprocess_exec(sys.executable, "-c", ""),
    "shell": lambda loop: asyncio.create_subprocess_shell("true"),
    "sock_connect": lambda loop: _in_socket(lambda sock: loop.sock_connect(sock, ("127.0.0.1", 1))),
    "sock_recv": lambda loop: _in_socket(lambda sock: loop.sock_recv(sock, 1)),
    "pipe": lambda loop: loop.connect_read_pipe(asyncio.Protocol, sys.stdin),
}


@pytest.mark.parametrize("way", list(OUTSIDE))
def test_the_outside_world_is_refused(way: str) -> None:
    async def main(loop: SimulatedLoop) -> None:
        with pytest.raises(OutsideWorld):
            await OUTSIDE[way](loop)

    run_simulated(main)


def test_file_descriptors_and_signals_are_refused() -> None:
    async def main(loop: SimulatedLoop) -> None:
        with pytest.raises(OutsideWorld):
            loop.add_reader(0, int)
        with pytest.raises(OutsideWorld):
            loop.add_writer(0, int)
        with pytest.raises(OutsideWorld):
            loop.add_signal_handler(15, int)

    run_simulated(main)


def test_another_thread_cannot_call_in() -> None:
    refused: list[BaseException] = []

    async def main(loop: SimulatedLoop) -> None:
        def call_in() -> None:
            try:
                loop.call_soon_threadsafe(int)
            except OutsideWorld as error:
                refused.append(error)

        thread = threading.Thread(target=call_in)
        thread.start()
        thread.join()

    run_simulated(main)
    assert len(refused) == 1


# --- ends ------------------------------------------------------------------------------------------------
def test_a_stall_is_told() -> None:
    async def main(loop: SimulatedLoop) -> None:
        await asyncio.Event().wait()

    with pytest.raises(SimulationStalled, match="no timer is set"):
        run_simulated(main)


def test_the_result_and_the_error_come_out() -> None:
    async def result(loop: SimulatedLoop) -> int:
        return 42

    async def error(loop: SimulatedLoop) -> None:
        raise KeyError("mine")

    assert run_simulated(result) == 42
    with pytest.raises(KeyError, match="mine"):
        run_simulated(error)


def test_what_is_left_running_is_cancelled_at_the_end() -> None:
    ended = []

    async def forever() -> None:
        try:
            await asyncio.sleep(1e9)
        finally:
            ended.append(True)

    async def main(loop: SimulatedLoop) -> None:
        loop.keep = loop.create_task(forever())  # type: ignore[attr-defined]
        await asyncio.sleep(1)

    run_simulated(main)
    assert ended == [True]


# --- pace ------------------------------------------------------------------------------------------------
class FakeWall:
    """The wall clock of ``dcs.core.simulated_time``: sleeping moves it."""

    def __init__(self, work_ns: int = 0) -> None:
        self.now_ns = 0
        self.work_ns = work_ns  # what the machine needs between two looks at the clock

    def monotonic_ns(self) -> int:
        self.now_ns += self.work_ns
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        self.now_ns += round(seconds * NS_PER_S)


def _paced(monkeypatch: pytest.MonkeyPatch, wall: FakeWall, speed: float | None, main: Any) -> None:
    monkeypatch.setattr("dcs.core.simulated_time.time", wall)
    run_simulated(main, speed)


@pytest.mark.parametrize("speed", [0.5, 1.0, 60.0])
def test_the_pace_is_kept(monkeypatch: pytest.MonkeyPatch, speed: float) -> None:
    wall = FakeWall()

    async def main(loop: SimulatedLoop) -> None:
        for _ in range(100):
            await asyncio.sleep(0.1)

    _paced(monkeypatch, wall, speed, main)
    assert wall.now_ns == pytest.approx(10 * NS_PER_S / speed, rel=0.02)


def test_a_change_of_pace_counts_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """From 100 times to real time: the time gained is not waited for."""
    wall = FakeWall()

    async def main(loop: SimulatedLoop) -> None:
        await asyncio.sleep(1)
        for _ in range(100):
            await asyncio.sleep(1)
        loop.speed = 1.0
        for _ in range(11):
            await asyncio.sleep(1)
        loop.speed = None
        await asyncio.sleep(1e6)

    _paced(monkeypatch, wall, 100.0, main)
    assert wall.now_ns == pytest.approx(11 * NS_PER_S, rel=0.15)


def test_a_machine_too_slow_does_not_rush_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    wall = FakeWall(work_ns=2 * NS_PER_S)

    async def main(loop: SimulatedLoop) -> None:
        for _ in range(20):
            await asyncio.sleep(1)
        wall.work_ns = 0
        before_ns = wall.now_ns
        for _ in range(10):
            await asyncio.sleep(1)
        assert wall.now_ns - before_ns >= 8 * NS_PER_S

    _paced(monkeypatch, wall, 1.0, main)


def test_a_deadline_on_half_a_nanosecond_is_reached() -> None:
    """Promise: whatever fraction of a nanosecond a timer is set to, the loop gets there (it once turned for ever)."""

    async def main(loop: SimulatedLoop) -> None:
        for when_s in (241.68953078250001, 300.0000000005, 400.00000000149999):
            arrived = loop.create_future()
            loop.call_at(when_s, arrived.set_result, None)
            await arrived
            assert abs(loop.time() - when_s) < 1.5e-9

    run_simulated(main)
