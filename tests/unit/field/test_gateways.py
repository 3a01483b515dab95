"""Promises of a shared connection: many units behind one address, some of them dead."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.core.errors import LinkDown
from dcs.core.simulated_time import SimulatedClock, run_simulated
from dcs.core.status import STATUS_GOOD, STATUS_NO_COMM_LAST_USABLE
from field_io.devices.modbus_server import ModbusServer, Unit
from field_io.drivers.backoff import Backoff
from field_io.drivers.links.choice import MemoryLinks
from field_io.drivers.links.link import ModbusLink
from field_io.drivers.links.shared_link import starts_backing_off_at_ns
from field_io.drivers.links.slots import PASSED_MAX, Slots
from field_io.drivers.modbus.driver import ModbusDriver
from field_io.memory_network import MemoryNetwork
from field_io.specs import DeviceSpec, PointSpec, RequestLimits, SerialLine

GATEWAY = DeviceSpec("GW", shared=True, timeout_ns=500 * NS_PER_MS)
LINE = DeviceSpec("LINE", protocol="modbus-rtu", serial=SerialLine("/dev/line"), timeout_ns=500 * NS_PER_MS)


def always() -> bool:
    return True


@dataclass
class Bench:
    """A gateway with units 1 … n, a driver for each, all polling once a second."""

    clock: SimulatedClock
    network: MemoryNetwork
    server: ModbusServer
    units: dict[int, Unit]
    drivers: dict[int, ModbusDriver]
    links: dict[int, ModbusLink]
    answered_ns: dict[int, list[int]]
    opened: list[int]

    async def until_s(self, seconds: float) -> None:
        await self.clock.sleep_until(round(seconds * NS_PER_S))

    def status(self, unit: int) -> int:
        return self.drivers[unit].read(f"P{unit}", self.clock.monotonic_ns()).status

    def gaps_s(self, unit: int, since_s: float = 0.0) -> list[float]:
        times = [at for at in self.answered_ns[unit] if at >= since_s * NS_PER_S]
        return [(b - a) / NS_PER_S for a, b in itertools.pairwise(times)]


def behind(base: DeviceSpec, scenario: Callable[[Bench], Awaitable[None]], units: int = 20) -> None:
    async def main(loop: object) -> None:
        clock = SimulatedClock(asyncio.get_running_loop())  # type: ignore[arg-type]
        network = MemoryNetwork()
        server = ModbusServer.of(base, network)
        links = MemoryLinks(network, "C1A")
        bench = Bench(clock, network, server, {}, {}, {}, {}, [])
        connect = network.connect
        network.connect = lambda *args: (bench.opened.append(clock.monotonic_ns()), connect(*args))[1]  # type: ignore[method-assign]
        for number in range(1, units + 1):
            unit = bench.units[number] = server.units[number] = Unit(f"U{number}", number, {"holding": [(0, 10)]})
            bench.answered_ns[number] = heard = []
            unit.before_request = lambda peer, heard=heard: heard.append(clock.monotonic_ns())  # type: ignore[misc]
            spec = replace(base, name=f"U{number}", unit=number, points=(
                PointSpec(f"P{number}", "holding", 0), PointSpec(f"OUT{number}", "holding", 1, direction="out"),
            ))  # fmt: skip
            bench.links[number] = links.link(spec)
            bench.drivers[number] = ModbusDriver(spec, bench.links[number], clock, random.Random(number))
        await server.start()
        tasks = [asyncio.create_task(driver.run()) for driver in bench.drivers.values()]
        try:
            await scenario(bench)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            server.stop()
            assert network.connections == 0

    run_simulated(main)


def test_all_units_behind_a_gateway_use_one_connection() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.until_s(10.5)
        assert len(bench.opened) == 1
        assert len(bench.server.connections) == 1
        assert {bench.status(unit) for unit in bench.units} == {STATUS_GOOD}

    behind(GATEWAY, scenario)


@pytest.mark.parametrize("dead", [(7,), (2, 3, 5, 7, 11, 13, 17, 19)])
def test_dead_units_never_delay_the_others_nor_cost_them_the_connection(dead: tuple[int, ...]) -> None:
    """Promise: with one dead unit, or with as many as there are slots, whoever lives is polled to the second."""

    async def scenario(bench: Bench) -> None:
        await bench.until_s(2.5)
        for unit in dead:
            bench.units[unit].silent = True
        await bench.until_s(600.0)
        alive = [unit for unit in bench.units if unit not in dead]
        for unit in alive:
            assert max(bench.gaps_s(unit)) <= 1.0, f"unit {unit} waited"
            assert bench.drivers[unit].errors == 0
        assert len(bench.opened) == 1, "a time-out of one is no reason to drop the connection of all"
        assert {bench.status(unit) for unit in dead} == {STATUS_NO_COMM_LAST_USABLE}
        for unit in dead:
            bench.units[unit].silent = False
        await bench.until_s(605.0)
        assert {bench.status(unit) for unit in bench.units} == {STATUS_GOOD}, "all are back within 5 s"
        assert len(bench.opened) == 1

    behind(GATEWAY, scenario)


def test_a_dead_connection_is_dropped_and_opened_anew() -> None:
    """Promise: when every unit that asks times out it is the connection that is dead, and a fresh one is made."""

    async def scenario(bench: Bench) -> None:
        await bench.until_s(2.5)
        for connection in bench.server.connections:
            connection.data_received = lambda data: None  # type: ignore[method-assign]  # as behind a lost NAT entry
        await bench.until_s(8.0)
        assert 2 <= len(bench.opened) <= 4
        assert {bench.status(unit) for unit in bench.units} == {STATUS_GOOD}

    behind(GATEWAY, scenario)


def test_a_gateway_that_is_gone_costs_one_attempt_for_all_of_its_units() -> None:
    async def scenario(bench: Bench) -> None:
        bench.server.stop()
        await bench.until_s(60.0)
        assert {driver.state for driver in bench.drivers.values()} == {"backing off"}
        await bench.server.start()
        await bench.until_s(65.0)
        assert {bench.status(unit) for unit in bench.units} == {STATUS_GOOD}
        assert len(bench.server.connections) == 1

    behind(GATEWAY, scenario)


def test_requests_of_several_units_are_under_way_together_up_to_the_limit() -> None:
    """Promise: eight at once by default; what a device allows is kept."""

    async def took_s(bench: Bench) -> float:
        loop = asyncio.get_running_loop()
        await bench.until_s(2.5)
        for unit in bench.units.values():
            unit.latency_s = 0.04
        start_s = loop.time()
        await asyncio.gather(*(bench.links[unit].read("holding", 0, 1) for unit in range(1, 17)))
        return loop.time() - start_s

    async def by_default(bench: Bench) -> None:
        assert await took_s(bench) == pytest.approx(2 * 0.04, abs=1e-6)

    async def limited(bench: Bench) -> None:
        assert await took_s(bench) == pytest.approx(8 * 0.04, abs=1e-6)

    behind(GATEWAY, by_default)
    behind(replace(GATEWAY, limits=RequestLimits(in_flight=2)), limited)


def test_a_gateways_word_for_a_dead_unit_makes_it_bad_at_once_and_rarely_asked() -> None:
    """Promise: exception 0x0B is no answer of the unit: its values are Bad, and others are not held up by asking."""

    async def scenario(bench: Bench) -> None:
        await bench.until_s(2.5)
        bench.units[4].offline = True
        await bench.until_s(3.001)
        assert bench.status(4) == STATUS_NO_COMM_LAST_USABLE
        assert bench.drivers[4].state == "down"
        before = bench.drivers[4].requests
        await bench.until_s(103.0)
        assert bench.drivers[4].requests - before < 60, "half of what polling it would cost"
        bench.units[4].offline = False
        await bench.until_s(108.0)
        assert bench.status(4) == STATUS_GOOD

    behind(GATEWAY, scenario)


def test_losing_authority_drops_the_connection_only_for_a_write_that_may_still_arrive() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.until_s(2.5)
        bench.drivers[1].abort()
        assert len(bench.server.connections) == 1
        assert bench.links[2].connected
        assert not bench.links[1].connected
        bench.units[3].latency_s = 0.3
        write = asyncio.create_task(bench.drivers[3].write({"OUT3": 5.0}, always))
        await bench.until_s(2.6)
        bench.drivers[3].abort()
        assert not bench.links[2].connected, "what was sent must not be served after the authority is gone"
        assert (await write).state == "failed"
        await bench.until_s(2.9)
        assert bench.units[3].bank.get_words("holding", 1, 1) == [0]
        await bench.until_s(5.0)
        assert {bench.status(unit) for unit in bench.units} == {STATUS_GOOD}

    behind(GATEWAY, scenario)


# --- serial lines -------------------------------------------------------------------------------------------------
def test_on_a_line_a_dead_unit_costs_its_time_out_and_is_asked_rarely() -> None:
    """Promise: one request at a time; a dead unit takes no more than a fifth of the line, and says what it costs."""

    async def scenario(bench: Bench) -> None:
        await bench.until_s(2.5)
        bench.units[3].silent = True
        await bench.until_s(60.0)
        attempts = bench.drivers[3].errors
        await bench.until_s(160.0)
        line_share = (bench.drivers[3].errors - attempts) * 0.5 / 100.0
        assert 0.0 < line_share <= 0.2
        assert max(bench.gaps_s(1, since_s=5.0)) <= 1.5 + 1e-6, "one time-out, never two"
        assert {bench.status(unit) for unit in (1, 2, 4, 5)} == {STATUS_GOOD}
        assert "holds up the other units for 500 ms" in bench.drivers[3].report().detail
        assert len(bench.opened) == 1
        bench.units[3].silent = False
        await bench.until_s(165.0)
        assert bench.status(3) == STATUS_GOOD

    behind(LINE, scenario, units=5)


def test_frames_on_a_line_are_separated_by_silence() -> None:
    """Promise: at least 3.5 characters between an answer and the next request, at 9600 bit/s 4 ms."""
    slow = replace(LINE, serial=SerialLine("/dev/line", 9600, "even", 1))

    async def scenario(bench: Bench) -> None:
        await bench.until_s(3.5)
        asked = sorted(at for times in bench.answered_ns.values() for at in times if at >= NS_PER_S)
        gaps = [b - a for a, b in itertools.pairwise(asked)]
        assert min(gaps) >= 3.5 * 11 / 9600 * NS_PER_S - 100  # rounded to whole nanoseconds

    behind(slow, scenario, units=5)


def test_a_device_that_wants_a_pause_gets_it_and_the_others_do_not_wait() -> None:
    slow = RequestLimits(spacing_ns=200 * NS_PER_MS)

    async def scenario(bench: Bench) -> None:
        paused = MemoryLinks(bench.network).link(replace(GATEWAY, shared=False, unit=1, limits=slow))
        await paused.connect()
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        await asyncio.gather(*(paused.read("holding", 0, 1) for _ in range(4)))
        assert loop.time() - start_s == pytest.approx(0.6)
        paused.abort()

    behind(GATEWAY, scenario, units=2)


# --- slots --------------------------------------------------------------------------------------------------------
@given(st.integers(1, 8), st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=80), st.randoms())
@settings(max_examples=60, deadline=None)
def test_slots_keep_their_promises_whatever_comes(count: int, asks: list[tuple[int, bool]], rng: random.Random) -> None:
    """Promise: never more than ``count``; a suspect has one at most and never the last; nobody waits without reason."""

    async def main(loop: object) -> None:
        slots = Slots(count)
        slots.suspects.update(unit for unit, suspect in asks if suspect)
        under_way: list[int] = []
        done = 0

        async def ask(unit: int) -> None:
            nonlocal done
            if not slots.take(unit):
                await slots.wait(unit)
            under_way.append(unit)
            assert len(under_way) <= count
            suspects = [each for each in under_way if each in slots.suspects]
            if count > 1:
                assert len(suspects) == len(set(suspects)) <= count - 1
            await asyncio.sleep(rng.random())
            under_way.remove(unit)
            slots.give(unit)
            done += 1

        tasks = [asyncio.ensure_future(ask(unit)) for unit, _ in asks]
        await asyncio.sleep(0)
        cancelled = [task for task in tasks if rng.random() < 0.1 and not task.done()]
        waiting = [task for task in cancelled if not under_way]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert done == len(asks) - len(waiting)

    run_simulated(main)


def test_on_one_slot_a_suspect_lets_others_pass_but_not_for_ever() -> None:
    async def main(loop: object) -> None:
        slots, order = Slots(1), []
        slots.suspects.add(9)

        async def ask(unit: int) -> None:
            if not slots.take(unit):
                await slots.wait(unit)
            order.append(unit)
            await asyncio.sleep(0.01)
            slots.give(unit)

        await asyncio.gather(*(ask(unit) for unit in (1, 9, *[2] * (PASSED_MAX + 10))))
        assert 2 <= order.index(9) <= PASSED_MAX + 2

    run_simulated(main)


def test_no_unit_takes_all_slots_before_anybody_knows_whether_it_answers() -> None:
    alone = Slots(2)
    assert [alone.take(1), alone.take(1)] == [True, True], "a connection of its own is all its own"
    slots = Slots(3)
    assert slots.take(2)
    slots.give(2)
    assert [slots.take(1), slots.take(1), slots.take(1)] == [True, True, False]
    assert slots.take(2), "one is left for the others"
    slots.give(1)
    assert slots.take(1)


@pytest.mark.parametrize("timeout_ms", [200, 500, 1000, 1500])
def test_a_unit_of_a_line_is_found_again_in_time_however_long_its_time_out_is(timeout_ms: int) -> None:
    """Promise: pauses after failures are long where a time-out is lost for all, but the 5 s hold."""
    spec = replace(LINE, timeout_ns=timeout_ms * NS_PER_MS)
    for seed in range(20):
        backoff, now_ns = Backoff(random.Random(seed), starts_backing_off_at_ns(spec), spec.backoff_ns), 0
        for _ in range(12):
            failed_ns = now_ns + spec.timeout_ns
            backoff.failed(failed_ns)
            assert 2 * spec.timeout_ns <= backoff.attempt_ns - failed_ns + spec.timeout_ns
            assert backoff.attempt_ns - now_ns < 5 * NS_PER_S
            now_ns = backoff.attempt_ns


def test_a_waiter_that_is_cancelled_in_the_moment_of_its_turn_gives_the_slot_back() -> None:
    async def main(loop: object) -> None:
        slots = Slots(1)
        assert slots.take(1)
        waiter = asyncio.ensure_future(slots.wait(2))
        await asyncio.sleep(0)
        slots.give(1)
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
        assert slots.take(3)

    run_simulated(main)


def test_a_link_that_is_not_connected_says_so() -> None:
    async def scenario(bench: Bench) -> None:
        link = MemoryLinks(bench.network).link(replace(GATEWAY, unit=1))
        with pytest.raises(LinkDown, match="not connected"):
            await link.read("holding", 0, 1)

    behind(GATEWAY, scenario, units=1)
