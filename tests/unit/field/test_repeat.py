"""Promises of repeated outputs."""

from itertools import pairwise

import pytest

from dcs.core.clock import NS_PER_S
from dcs.node.box import Box
from dcs.node.recorder import Recorder
from field_io.devices.simulated import SimulatedModbusDevice
from field_io.specs import DeviceSpec
from tests.support.boxes import in_box
from tests.unit.field.benches import Bench, on_bench

WATCHDOG_S = 4.0


def gaps_s(device: SimulatedModbusDevice, until_ns: int) -> list[float]:
    assert device.writes is not None
    times = [write.time_ns for write in device.writes if write.point == "P-101"]
    return [(b - a) / NS_PER_S for a, b in pairwise([*times, until_ns])]


@pytest.mark.parametrize("scan_s", [0.5, 3.0, 60.0])
def test_pitfall_15_every_output_is_repeated_within_half_the_watchdog(scan_s: float) -> None:
    """Promise: however slow the scan is, the device is written at least twice in the time of its watchdog."""

    async def scenario(bench: Bench) -> None:
        await bench.until_s(1.0)
        bench.device.record_writes()
        until_s = 1.0
        while until_s < 121.0:
            await bench.driver.write({"P-101": 50.0, "XV-101": 1.0}, lambda: True)
            until_s += scan_s
            await bench.until_s(until_s)
        gaps = gaps_s(bench.device, bench.clock.time_ns())
        assert max(gaps) <= WATCHDOG_S / 2 + 0.01
        assert bench.device.value("XV-101") == 1.0
        if scan_s < WATCHDOG_S / 2:
            assert len(gaps) == 120 / scan_s, "what the scans send in time is not sent twice"

    on_bench(scenario, watchdog_ns=round(WATCHDOG_S * NS_PER_S))


def test_pitfall_15_without_authority_nothing_is_repeated_and_the_watchdog_can_do_its_work() -> None:
    """Promise: a closed gate, a standby and an abort end the repeats; an output that is not sent any more is let be."""

    async def scenario(bench: Bench) -> None:
        await bench.until_s(1.0)
        device, driver, gate = bench.device, bench.driver, [True]
        await driver.write({"P-101": 50.0, "P-102": 20.0}, lambda: gate[0])
        await driver.write({"P-101": 50.0}, lambda: gate[0])
        device.record_writes()
        assert device.writes is not None
        await bench.until_s(10.0)
        assert {write.point for write in device.writes} == {"P-101"}
        gate[0] = False
        device.writes.clear()
        await bench.until_s(20.0)
        assert not device.writes
        gate[0] = True
        await bench.until_s(25.0)
        assert device.writes, "the gate is asked anew at every repeat"
        driver.set_polling(False)
        device.writes.clear()
        await bench.until_s(40.0)
        assert not device.writes
        driver.set_polling(True)
        await driver.write({"P-101": 50.0}, lambda: True)
        driver.abort()
        device.writes.clear()
        await bench.until_s(60.0)
        assert not device.writes

    on_bench(scenario, watchdog_ns=round(WATCHDOG_S * NS_PER_S))


def test_a_device_without_watchdog_is_written_by_the_scans_alone() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.until_s(1.0)
        await bench.driver.write({"P-101": 50.0}, lambda: True)
        bench.device.record_writes()
        await bench.until_s(60.0)
        assert not bench.device.writes

    on_bench(scenario)


def test_repeat_time() -> None:
    assert DeviceSpec("D").repeat_after_ns == 0
    assert DeviceSpec("D", watchdog_ns=4_000).repeat_after_ns == 2_000
    assert DeviceSpec("D", watchdog_ns=4_000, repeat_ns=1_500).repeat_after_ns == 1_500


def test_pitfall_15_in_the_box_with_a_slow_scan() -> None:
    """Promise: from the configuration to the registers; the standby adds nothing, and after a kill it goes on."""
    slow = ("scan_classes.loops.period=10 s", "field.devices.DRV-1.watchdog=3 s")

    async def story(box: Box, recorder: Recorder) -> None:
        device = next(each for each in box.field.simulation.devices if each.spec.name == "DRV-1")
        assert isinstance(device, SimulatedModbusDevice)
        await box.run_for(60)
        device.record_writes()
        await box.run_for(60)
        assert device.writes is not None
        assert len({write.peer for write in device.writes}) == 1
        assert max(gaps_s(device, device.writes[-1].time_ns)) <= 1.51
        active = box.active("C1")
        await box.kill(active)
        await box.run_for(5)
        device.writes.clear()
        await box.run_for(30)
        assert device.writes
        assert active not in {write.peer for write in device.writes}
        assert max(gaps_s(device, device.writes[-1].time_ns)) <= 1.51

    in_box(story, overrides=slow)
