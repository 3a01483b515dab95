"""An OPC UA device that checks epochs, over TCP and in memory: the epoch is the first node of every write request."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dcs.core.clock import NS_PER_MS, NS_PER_S
from dcs.core.simulated_time import run_simulated
from field_io.devices.ua_gate import STALE
from field_io.opc_ua.refusals import ServiceRefused
from field_io.specs import EpochSpec
from tests.support.ua_bench import LV, NS, POINTS, N, P, UaBench, always, spec_of, ua_bench

EPOCH = NS + "EPOCH"
SPEC = spec_of(100 * NS_PER_MS, 200 * NS_PER_MS, epoch=EpochSpec(node=EPOCH))
OUTPUTS = ("LV-1", "N-1", "P-1")
Runner = Callable[[Callable[[UaBench], Awaitable[None]]], None]


@pytest.fixture(params=["memory", pytest.param("wire", marks=pytest.mark.system)])
def on_peer(request: pytest.FixtureRequest, tmp_path: Path) -> Runner:
    def run(scenario: Callable[[UaBench], Awaitable[None]]) -> None:
        async def main(folder: Path | None) -> None:
            async with ua_bench(SPEC, folder) as bench:
                bench.device.record_writes()
                await scenario(bench)

        if request.param == "memory":
            run_simulated(lambda loop: main(None))
        else:
            asyncio.run(main(tmp_path))

    return run


def test_a_request_with_a_lower_epoch_is_refused_as_a_whole(on_peer: Runner) -> None:
    async def scenario(bench: UaBench) -> None:
        session = await bench.connected()
        assert await session.write({LV: 42.5, N: 7, P: True}, always, 5) == {LV: 0, N: 0, P: 0}
        with pytest.raises(ServiceRefused):
            await session.write({LV: 1.0, P: False}, always, 4)
        assert await session.read_epoch() == 5
        assert bench.device.values(OUTPUTS) == pytest.approx([42.5, 0.7, 1.0])
        assert [sample.value for sample in await session.read([LV, P])] == [42.5, True]
        assert await session.write({LV: 43.0}, always, 5) == {LV: 0}
        assert await session.write({LV: 44.0}, always, 9) == {LV: 0}
        assert await session.read_epoch() == 9
        assert bench.device.writes is not None
        found = [(write.point, write.epoch, write.accepted) for write in bench.device.writes]
        assert found[3:] == [("LV-1", 4, False), ("P-1", 4, False), ("LV-1", 5, True), ("LV-1", 9, True)]

    on_peer(scenario)


def test_a_write_without_an_epoch_is_refused_and_reading_is_not(on_peer: Runner) -> None:
    async def scenario(bench: UaBench) -> None:
        plain = await bench.connected("C9", spec=replace(bench.spec, epoch=None))
        codes = await plain.write({LV: 50.0}, always)
        assert codes == {LV: STALE}
        assert [sample.value for sample in await plain.read([LV])] == [0.0]
        assert bench.device.gate is not None
        assert (bench.device.gate.epoch, bench.device.gate.refused) == (0, 1)

    on_peer(scenario)


def test_the_driver_tells_the_epoch_that_the_device_knows_and_goes_on_above_it(on_peer: Runner) -> None:
    async def scenario(bench: UaBench) -> None:
        other = await bench.connected("C1B")
        await other.write({LV: 1.0}, always, 9)
        async with bench.driver() as driver:
            await bench.until(lambda: driver.state == "up" and bench.status(driver) >= 64, 3.0)
            outcome = await driver.write({"LV-1": 50.0, "P-1": 1.0}, lambda: 8)
            assert (outcome.state, outcome.stale_epoch, outcome.written) == ("failed", 9, ())
            assert driver.state == "up"
            outcome = await driver.write({"LV-1": 50.0, "P-1": 1.0}, lambda: 10)
            assert set(outcome.written) == {"LV-1", "P-1"}
            assert bench.device.values(("LV-1", "P-1")) == [50.0, 1.0]
            left = [11, 12]
            assert (await driver.write({"LV-1": 51.0}, lambda: left.pop(0) if len(left) > 1 else left[0])).ok
            assert await other.read_epoch() == 12, "the epoch of the moment of sending"

    on_peer(scenario)


def test_its_outputs_take_their_fail_action_when_only_stale_writes_come() -> None:
    points = tuple(replace(point, fail_value=7.0) if point.name == "LV-1" else point for point in POINTS)

    async def main(loop: object) -> None:
        async with ua_bench(replace(SPEC, points=points, watchdog_ns=2 * NS_PER_S)) as bench:
            session = await bench.connected()
            await session.write({LV: 42.5}, always, 5)
            for _ in range(3):
                await bench.sleep(1.0)
                with pytest.raises(ServiceRefused):
                    await session.write({LV: 1.0}, always, 4)
            assert bench.device.value("LV-1") == 7.0
            assert [each.active for each in bench.device.watchdog.record] == [True]
            kept = bench.device.snapshot()
            await session.write({LV: 42.5}, always, 6)
            assert [each.active for each in bench.device.watchdog.record] == [True, False]
            bench.device.restore(kept)
            assert (await session.read_epoch(), bench.device.watchdog.expired) == (5, True)

    run_simulated(main)
