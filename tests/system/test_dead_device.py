"""A device that goes silent and one that closes its port, over real sockets on the wall clock."""

import asyncio
import random

import pytest

from dcs.core.clock import NS_PER_MS, NS_PER_S, WallClock
from dcs.core.status import BAD, STATUS_GOOD, quality_of
from dcs.engine.strategy import ERRORS, LINK, ROUND_TRIP, device_channel
from dcs.node.field_side import FieldSide
from field_io.devices.modbus_server import free_port
from field_io.devices.simulated import SimulatedModbusDevice, with_port
from field_io.drivers.links.choice import wire_link
from field_io.drivers.modbus.driver import ModbusDriver
from field_io.specs import DeviceSpec, PointSpec

SPEC = DeviceSpec(
    "RTU-1",
    poll_ns=400 * NS_PER_MS,
    timeout_ns=100 * NS_PER_MS,
    points=(PointSpec("LT-101", "input", 0, "float32", unit="cm"),),
)
INPUTS = ["LT-101", *(device_channel("RTU-1", what) for what in (LINK, ERRORS, ROUND_TRIP))]
SCAN_S = 0.05
IN_TIME_S = 2 * 0.4 + 0.1
JITTER_S = 0.1  # of a busy machine


@pytest.mark.system
def test_bad_in_time_and_good_again_within_five_seconds_on_the_wire() -> None:
    async def main() -> None:
        clock = WallClock()
        spec = with_port(SPEC, await free_port())
        device = SimulatedModbusDevice(spec, clock)
        await device.start()
        driver = ModbusDriver(spec, wire_link(spec), clock, random.Random(1))
        side = FieldSide([driver], INPUTS, [], clock)
        side.take_over(None)
        task = asyncio.create_task(driver.run())

        async def until(wanted_bad: bool) -> float:
            """Monotonic time, s, of the first scan that sees it; value and link agree."""
            async with asyncio.timeout(6.0):
                while True:
                    image = side.read(round(SCAN_S * NS_PER_S))
                    value, link = (int(status) for status in image.statuses[:2])
                    assert (quality_of(value) == BAD) == (quality_of(link) == BAD)
                    if (quality_of(value) == BAD) == wanted_bad:
                        assert wanted_bad or value == STATUS_GOOD
                        return clock.monotonic_ns() / NS_PER_S
                    await asyncio.sleep(SCAN_S)

        try:
            await until(wanted_bad=False)
            for silent in (False, True):
                device.cut(silent=silent)
                last = driver.read("LT-101", clock.monotonic_ns())
                last_s = (clock.monotonic_ns() - clock.time_ns() + last.time_ns) / NS_PER_S
                assert await until(wanted_bad=True) - last_s <= IN_TIME_S + JITTER_S
                while driver.state != "backing off":  # long enough away for probes alone
                    await asyncio.sleep(SCAN_S)
                await asyncio.sleep(1.5)
                back_s = clock.monotonic_ns() / NS_PER_S
                await device.heal()
                assert await until(wanted_bad=False) - back_s <= 5.0
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            device.stop()

    asyncio.run(main())
