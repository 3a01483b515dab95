"""From a dead device to the input image and back: in time for any poll, time-out, back-off, scan and outage."""

import math
import random
from collections.abc import Iterator

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.clock import NS_PER_MS, NS_PER_S, WallClock
from dcs.core.status import BAD, STATUS_GOOD, UNCERTAIN, make_status, quality_of
from dcs.engine.strategy import ERRORS, LINK, ROUND_TRIP, device_channel
from dcs.node.field_side import FieldSide
from field_io.drivers.links.choice import memory_link
from field_io.drivers.modbus.driver import ModbusDriver
from field_io.memory_network import MemoryNetwork
from field_io.specs import DeviceSpec, PointSpec
from tests.unit.field.benches import POINTS, Bench, on_bench

NAMES = [point.name for point in POINTS]
DEVICE = [device_channel("RTU-1", what) for what in (LINK, ERRORS, ROUND_TRIP)]
INPUTS = [*NAMES, *DEVICE]
FAULTS = ("closed", "silent", "cut", "4", "6", "10", "11")


def break_it(bench: Bench, fault: str) -> None:
    if fault == "cut":
        bench.cable.cut = True
    elif fault in ("closed", "silent"):
        bench.device.cut(silent=fault == "silent")
    else:
        bench.device.refuse(int(fault))


async def mend(bench: Bench) -> None:
    bench.cable.cut = False
    await bench.device.heal()


def side_of(bench: Bench) -> FieldSide:
    side = FieldSide([bench.driver], INPUTS, [], bench.clock)
    side.take_over(None)
    return side


@settings(max_examples=40)
@given(
    fault=st.sampled_from(FAULTS),
    poll_ms=st.integers(200, 20_000),
    timeout_ms=st.integers(20, 2000),
    backoff_ms=st.integers(400, 20_000),
    scan_ms=st.integers(50, 2000),
    outage_s=st.floats(0.5, 200.0),
)
def test_bad_in_time_and_good_again_soon(
    fault: str, poll_ms: int, timeout_ms: int, backoff_ms: int, scan_ms: int, outage_s: float
) -> None:
    """Promise: Bad in the image of a scan two polls and a time-out after the last good answer, the scan being no slower
    than the poll; Good again a probe and a time-out after the device is back, and as soon as a scan looks. The link of
    the device says the same in the same scan."""
    poll_s, timeout_s, scan_s = poll_ms / 1000, timeout_ms / 1000, scan_ms / 1000
    # Bad by the last scan before two polls and a time-out are over, but not before an answer could come once more.
    in_time_s = max(2 * poll_s + timeout_s - scan_s, poll_s + timeout_s + 0.25)
    probe_s = min(backoff_ms / 1000, max(backoff_ms / 4000, 0.3))
    again_s = min(poll_s, probe_s) if fault in ("4", "6") else probe_s
    seen: list[str] = []

    async def scenario(bench: Bench) -> None:
        side = side_of(bench)
        at_s = math.ceil((2 * poll_s + 1.0) / scan_s) * scan_s
        await bench.until_s(at_s)
        break_it(bench, fault)
        broken_s = at_s
        last = bench.driver.read("LT-101", bench.clock.monotonic_ns())
        last_s = at_s - (bench.clock.time_ns() - last.time_ns) / NS_PER_S
        while at_s < broken_s + max(outage_s, in_time_s + scan_s):
            at_s += scan_s
            await bench.until_s(at_s)
            image = side.read(scan_ms * NS_PER_MS)
            is_bad = [quality_of(int(status)) == BAD for status in image.statuses[: len(NAMES)]]
            link_is_bad = quality_of(int(image.statuses[len(NAMES)])) == BAD
            assert link_is_bad == all(is_bad)
            if at_s - last_s > in_time_s:
                assert all(is_bad), (at_s - last_s, is_bad)
                seen.append("bad")
                break
        await bench.until_s(max(at_s, broken_s + outage_s))
        await mend(bench)
        at_s = bench.clock.monotonic_ns() / NS_PER_S
        # An attempt may be under way that ends in a time-out; then the pause after it, then a question.
        await bench.until_s(at_s + timeout_s + again_s + 0.01)
        image = side.read(scan_ms * NS_PER_MS)
        assert [int(status) for status in image.statuses] == [STATUS_GOOD] * len(INPUTS)
        seen.append("good")

    on_bench(
        scenario, poll_ns=poll_ms * NS_PER_MS, timeout_ns=timeout_ms * NS_PER_MS, backoff_ns=backoff_ms * NS_PER_MS
    )
    assert seen == ["bad", "good"]


def test_one_lost_answer_makes_nothing_bad() -> None:
    """Promise: looking ahead to the next scan leaves room for one repetition."""

    async def scenario(bench: Bench) -> None:
        side = side_of(bench)
        await bench.until_s(3.01)
        bench.device.cut(silent=True)
        await bench.until_s(4.02)  # the poll at 4 s is lost
        await bench.device.heal()
        at_s = 4.02
        while at_s < 8.0:
            image = side.read(NS_PER_S)
            assert (image.statuses == STATUS_GOOD).all(), at_s
            at_s += 0.05
            await bench.until_s(at_s)
        assert bench.driver.errors == 1

    on_bench(scenario)


def test_a_device_of_which_some_points_are_missing_is_not_dead() -> None:
    async def scenario(bench: Bench) -> None:
        side = side_of(bench)
        await bench.until_s(1.5)
        image = side.read()
        assert image.values[len(NAMES)] == 100.0
        side.wiring.view.fill(image, bench.clock.monotonic_ns(), bench.clock.time_ns())
        image.statuses[0] = make_status(BAD, 3)
        side.wiring.view.fill(image, bench.clock.monotonic_ns(), bench.clock.time_ns())
        assert quality_of(int(image.statuses[len(NAMES)])) == UNCERTAIN
        assert image.values[len(NAMES)] == 80.0
        assert np.isfinite(image.values[len(NAMES) + 1 :]).all()

    on_bench(scenario)


def test_a_dead_device_is_sent_nothing_and_told_so_once() -> None:
    """Promise: nothing old waits for its return, neither here nor in what a driver repeats for a watchdog."""
    sent: list[dict[str, float]] = []

    async def scenario(bench: Bench) -> None:
        side = FieldSide([bench.driver], INPUTS, ["P-101"], bench.clock)
        side.take_over(None)
        write = bench.driver.write

        async def noted(values, may_write):  # type: ignore[no-untyped-def]
            sent.append(dict(values))
            return await write(values, may_write)

        bench.driver.write = noted  # type: ignore[method-assign]
        for second in range(1, 20):
            await bench.until_s(second)
            side.read(NS_PER_S)
            side.write(side.wiring, np.array([float(second)]), np.array([True]), lambda: True)
            if second == 5:
                bench.device.cut()
            if second == 12:
                await bench.device.heal()

    on_bench(scenario)
    values = [one.get("P-101") for one in sent]
    assert values[:5] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert values.count(None) == 1
    away = values.index(None)
    assert values[away - 1] <= 8.0
    assert values[away + 1] >= 13.0
    assert values[-1] == 19.0


def test_what_stays_missing_does_not_hold_back_the_outputs_for_ever() -> None:
    """Promise: a device that is back, but for one block that stays busy, is written after its values' time at most."""

    async def scenario(bench: Bench) -> None:
        side = side_of(bench)
        view = side.wiring.view
        await bench.until_s(1.5)
        bench.device.cut()
        await bench.until_s(5.0)
        image = side.read(NS_PER_S)
        assert view.silent == {"RTU-1"}
        image.statuses[:2] = STATUS_GOOD  # the rest is still to come
        for second, expected in ((5, {"RTU-1"}), (6, {"RTU-1"}), (7.4, {"RTU-1"}), (7.6, set())):
            view.fill(image, round(second * NS_PER_S), 0)
            assert view.silent == expected, second

    on_bench(scenario)


class Counted(list[str]):
    """How often somebody goes through all of it."""

    passes = 0

    def __iter__(self) -> Iterator[str]:
        self.passes += 1
        return super().__iter__()


def test_the_channels_of_many_devices_are_found_as_fast_as_those_of_one() -> None:
    """Promise: wiring a plan (at the start, in an online change) goes through its channels as often for 40 devices."""

    def passes(many: int) -> int:
        specs = [
            DeviceSpec(f"D{at}", points=(PointSpec(f"P{at}", "holding", 0, direction="out"),)) for at in range(many)
        ]
        clock, network = WallClock(), MemoryNetwork()
        drivers = [ModbusDriver(spec, memory_link(spec, network), clock, random.Random(1)) for spec in specs]
        names = Counted(f"P{at}" for at in reversed(range(many)))
        side = FieldSide(drivers, names, names, clock)
        for at, part in enumerate(side.wiring.parts):
            assert part.channels.tolist() == [many - 1 - at]
            assert list(part.outputs) == [(many - 1 - at, f"P{at}")]
        return names.passes

    assert passes(40) == passes(1) > 0


def test_what_waits_when_the_authority_is_lost_does_not_go_out_when_it_comes_back() -> None:
    """Promise: an output of an earlier term is not sent in a later one; between them another has written."""

    async def scenario(bench: Bench) -> None:
        bench.device.record_writes()
        side = FieldSide([bench.driver], INPUTS, ["P-101"], bench.clock)
        side.take_over(None)
        await bench.until_s(1.5)
        side.read(NS_PER_S)
        async with bench.driver._outputs._turn:  # something is under way on the link
            side.write(side.wiring, np.array([11.0]), np.array([True]), lambda: 1)
            await bench.until_s(1.6)
            side.stand_by(abort=False)
            side.take_over(None)
            side.write(side.wiring, np.array([33.0]), np.array([True]), lambda: 3)
        await bench.until_s(1.7)
        assert [write.value for write in bench.device.writes or ()] == [33.0]

    on_bench(scenario)
