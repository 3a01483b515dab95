"""The contract of all drivers (``test_drivers``) on the OPC UA driver, in memory and over TCP, word by word.

Left out are the two that are Modbus' own: an exception code for every request, and one request for each table.
"""

import asyncio
import gc
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dcs.core.clock import Clock, WallClock
from dcs.core.simulated_time import SimulatedClock, run_simulated
from dcs.core.status import STATUS_GOOD
from field_io.devices.opc_ua_device import SimulatedUaDevice
from field_io.drivers.links.link import LinkFaults
from field_io.drivers.opc_ua.driver import OpcUaDriver
from field_io.drivers.opc_ua.memory import MemoryUaSession
from field_io.drivers.opc_ua.session import UaSession
from field_io.opc_ua.network import UaNetwork
from field_io.specs import NODE, DeviceSpec, OpcUaAccess
from tests.contracts import test_drivers as contract
from tests.support.driver_bench import POLL_NS, Bench, Runner, Scenario
from tests.support.processes import free_port

SPEC = replace(
    contract.SPEC,
    protocol="opc-ua",
    opc_ua=OpcUaAccess(),
    points=tuple(replace(p, table=NODE, address=0, node=f"nsu=urn:x;s={p.name}") for p in contract.POINTS),
)
PROMISES = [
    contract.test_values_of_all_tables_and_types_arrive_with_status_and_time,
    contract.test_a_value_that_changes_is_seen_with_the_next_poll,
    contract.test_a_signal_outside_its_range_has_the_status_of_its_failure,
    contract.test_writes_arrive_and_are_read_back,
    contract.test_a_value_that_does_not_fit_is_clamped_and_told_and_no_number_is_not_sent,
    contract.test_a_closed_gate_lets_nothing_out,
    contract.test_a_device_that_falls_silent_is_bad_in_time_and_good_again_by_itself,
    contract.test_a_standby_asks_for_its_health_only_and_polls_at_once_when_it_takes_over,
    contract.test_an_abort_is_no_fault_of_the_device_and_the_next_poll_goes_on,
    contract.test_the_report_names_link_and_address,
    contract.test_a_cut_cable_is_bad_in_time_and_good_again,
]


async def _on_bench(
    scenario: Scenario, spec: DeviceSpec, clock: Clock, network: UaNetwork | None,
    make: Callable[[DeviceSpec, LinkFaults], UaSession],
) -> None:  # fmt: skip
    device: Any = SimulatedUaDevice(spec, clock, network)
    cable = LinkFaults()
    driver = OpcUaDriver(spec, make(spec, cable), clock, random.Random(5), phase_ns=0, health_ns=2 * POLL_NS)
    device.set_values(("LT", "FT", "TOTAL", "RUNS"), (12.345, -7.25, 2.0**40, 1.0))
    await device.start()
    if network is None:  # as a node does after loading: collecting an address space takes longer than an answer may
        gc.collect()
        gc.freeze()
    task = asyncio.create_task(driver.run())
    bench = Bench(clock, device, driver, cable, False)
    try:
        await bench.until(lambda: bench.status("LT") == STATUS_GOOD)
        await scenario(bench)
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        device.stop()
        await asyncio.sleep(0.02 if network is None else 0.0)


@pytest.fixture(params=["memory", pytest.param("wire", marks=pytest.mark.system)])
def on_opc_ua(request: pytest.FixtureRequest, tmp_path: Path) -> Runner:
    def in_memory(scenario: Scenario) -> None:
        async def main(loop: Any) -> None:
            network = UaNetwork()

            def make(spec: DeviceSpec, cable: LinkFaults) -> UaSession:
                return MemoryUaSession(spec, network, "C1A", cable)

            await _on_bench(scenario, SPEC, SimulatedClock(loop), network, make)

        run_simulated(main)

    def over_tcp(scenario: Scenario) -> None:
        from field_io.drivers.opc_ua.wire.session import WireUaSession

        spec = replace(SPEC, port=free_port())
        make = lambda spec, cable: WireUaSession(spec, tmp_path, "C1A", cable)  # noqa: E731
        asyncio.run(_on_bench(scenario, spec, WallClock(), None, make))

    return in_memory if request.param == "memory" else over_tcp


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__.removeprefix("test_"))
def test_it_keeps_what_every_driver_promises(promise: Callable[[Runner], None], on_opc_ua: Runner) -> None:
    promise(on_opc_ua)
