"""What every driver peer does with a device that checks epochs: one request, with the epoch of the moment of sending.

The same scenario over TCP, on a serial line, in memory, direct and from a recording; with and without read-back.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from dcs.core.status import STATUS_GOOD
from field_io.drivers.modbus.driver import ModbusDriver
from field_io.specs import EpochSpec, PointSpec
from tests.support.driver_bench import PEERS, POINTS, SPEC, Bench, Runner, run_on

BITS = (
    PointSpec("MIXER", "holding", 5, "bool", bit=0, direction="out", write="masked"),
    PointSpec("LAMP", "holding", 5, "bool", bit=3, direction="out", write="masked"),
    PointSpec("EPOCH", "holding", 300, "uint32", word_order="low_first"),
)
CHECKS = replace(SPEC, points=(*POINTS, *BITS), epoch=EpochSpec(300, word_order="low_first"))
ALL = {"VALVE": 41.5, "SPEED": 12.34, "PUMP": 1.0, "MIXER": 0.0, "LAMP": 1.0}


@pytest.fixture(params=[False, True], ids=["unverified", "verified"])
def verify(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(params=PEERS)
def on_peer(request: pytest.FixtureRequest, tmp_path: Path, verify: bool) -> Runner:
    points = tuple(replace(point, verify=verify and point.direction == "out") for point in CHECKS.points)
    return lambda scenario: run_on(request.param, scenario, tmp_path, replace(CHECKS, points=points))


def held(bench: Bench) -> dict[str, float]:
    return dict(zip(ALL, bench.device.values(tuple(ALL)), strict=True))


def test_one_request_drives_all_outputs_whatever_table_they_are_in(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        before = bench.driver.requests
        outcome = await bench.driver.write(ALL, lambda: 7)
        assert (outcome.state, outcome.text, outcome.stale_epoch) == ("written", "", 0)
        assert set(outcome.written) == set(ALL)
        if not any(point.verify for point in bench.driver.spec.points):
            assert bench.driver.requests - before <= 1 + 4, "the write, and what a poll may have asked meanwhile"
        await bench.until(lambda: bench.value("EPOCH") == 7.0)
        await bench.until(lambda: bench.value("LAMP") == 1.0, 0.5)
        if not bench.replayed:
            assert held(bench) == pytest.approx(ALL)

    on_peer(scenario)


def test_outputs_that_are_not_named_stay_where_they_are(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        assert (await bench.driver.write(ALL, lambda: 1)).ok
        assert (await bench.driver.write({"SPEED": 50.0, "VALVE": float("nan")}, lambda: 1)).written == ("SPEED",)
        if not bench.replayed:
            assert held(bench) == pytest.approx(ALL | {"SPEED": 50.0})

    on_peer(scenario)


def test_a_lower_epoch_is_refused_as_a_whole_and_the_higher_one_is_told(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        assert (await bench.driver.write(ALL, lambda: 9)).ok
        await bench.pass_s(0.15)  # a recording tells answers apart by their time
        outcome = await bench.driver.write({"VALVE": 1.0, "PUMP": 0.0}, lambda: 8)
        assert (outcome.state, outcome.stale_epoch, outcome.written) == ("failed", 9, ())
        assert "has accepted epoch 9 before" in outcome.text
        if not bench.replayed:
            assert held(bench) == pytest.approx(ALL)
        assert bench.driver.state == "up"
        assert bench.status("LT") == STATUS_GOOD
        await bench.pass_s(0.15)
        assert (await bench.driver.write({"VALVE": 1.0}, lambda: 10)).ok, "the holder has raised its epoch above it"

    on_peer(scenario)


def test_a_closed_gate_lets_nothing_out(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        assert (await bench.driver.write({"VALVE": 99.0}, lambda: 0)).state == "refused"
        await bench.pass_s(0.25)
        assert bench.value("EPOCH") == 0.0

    on_peer(scenario)


def test_the_epoch_is_that_of_the_moment_of_sending(on_peer: Runner) -> None:
    """Promise: an epoch that was raised, or lost, between the making of a request and its sending, is not sent."""

    async def scenario(bench: Bench) -> None:
        epochs = [3, 4]
        outcome = await bench.driver.write({"VALVE": 5.0}, lambda: epochs.pop(0) if len(epochs) > 1 else epochs[0])
        assert outcome.ok
        await bench.until(lambda: bench.value("EPOCH") == 4.0)
        left = [5]
        outcome = await bench.driver.write({"VALVE": 6.0}, lambda: left.pop() if left else 0)
        assert outcome.state == "refused"
        await bench.pass_s(0.25)
        assert bench.value("EPOCH") == 4.0

    on_peer(scenario)


def test_an_output_that_the_device_does_not_hold_is_told(on_peer: Runner, verify: bool) -> None:
    async def scenario(bench: Bench) -> None:
        if not verify or bench.replayed:
            return
        put = bench.device.bank.write
        bench.device.bank.write = (  # type: ignore[method-assign]
            lambda table, address, data: None if (table, address) == ("holding", 2) else put(table, address, data)
        )
        outcome = await bench.driver.write(ALL, lambda: 1)
        assert outcome.state == "failed"
        assert "not held: SPEED" in outcome.text
        assert set(outcome.written) == set(ALL) - {"SPEED"}
        assert isinstance(bench.driver, ModbusDriver)
        assert "SPEED" in bench.driver.report().detail

    on_peer(scenario)


def test_who_passes_by_the_window_is_refused_and_changes_nothing(on_peer: Runner) -> None:
    async def scenario(bench: Bench) -> None:
        assert isinstance(bench.driver, ModbusDriver)
        if bench.replayed:
            return
        assert (await bench.driver.write(ALL, lambda: 1)).ok
        bench.device.record_writes()
        plain = ModbusDriver(
            replace(bench.driver.spec, epoch=None), bench.driver._link, bench.clock, bench.driver._health.backoff._rng
        )
        outcome = await plain.write({"VALVE": 0.0, "PUMP": 0.0, "LAMP": 0.0}, lambda: 99)
        assert outcome.state == "failed"
        assert "exception 3" in outcome.text
        assert held(bench) == pytest.approx(ALL)
        assert bench.device.writes is not None
        assert {(write.point, write.accepted) for write in bench.device.writes} >= {("VALVE", False), ("PUMP", False)}
        assert all(not write.accepted for write in bench.device.writes)

    on_peer(scenario)
