"""Faults end in time on every event loop: uvloop's timers know less than asyncio's."""

import asyncio
import importlib
import importlib.util

import pytest

from dcs.core.clock import NS_PER_S, WallClock
from field_io.drivers.links.link import LinkFaults
from field_io.faults import FieldFaults

LOOPS = ["asyncio", *(["uvloop"] if importlib.util.find_spec("uvloop") else [])]


class ClockBehindTheLoop(WallClock):
    """Is still a hair before the end when the loop's timer comes: what remains is no time that a loop can wait."""

    def __init__(self, end_ns: int) -> None:
        self.readings = [0, 0, 0, end_ns - 1, end_ns - 1, end_ns - 1]
        self.end_ns = end_ns

    def time_ns(self) -> int:
        return self.readings.pop(0) if self.readings else self.end_ns


@pytest.mark.parametrize("name", LOOPS)
def test_a_fault_ends_although_the_clock_is_a_hair_behind_and_another_can_begin(name: str) -> None:
    async def scenario() -> None:
        cable = LinkFaults()
        faults = FieldFaults({}, {"C1A>RTU-1": cable}, ClockBehindTheLoop(NS_PER_S // 50), 1, None)
        faults.begin("C1A>RTU-1", "cut", duration="20 ms")
        assert cable.cut
        await asyncio.sleep(0.1)
        assert not cable.cut
        faults.begin("C1A>RTU-1", "latency", "5 ms")
        faults.begin("C1A>RTU-1", "cut", duration="20 ms")
        faults.close()
        await asyncio.sleep(0.05)
        assert cable.cut, "closed: nothing ends by itself any more"

    factory = asyncio.new_event_loop if name == "asyncio" else importlib.import_module(name).new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(scenario())
