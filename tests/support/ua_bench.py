"""A simulated OPC UA device, sessions with it and a driver, over TCP or in memory; what the OPC UA tests stand on."""

import asyncio
import gc
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dcs.core.clock import NS_PER_MS, NS_PER_S, Clock, WallClock
from dcs.core.simulated_time import SimulatedClock
from field_io.devices.opc_ua_device import SimulatedUaDevice
from field_io.drivers.links.link import LinkFaults
from field_io.drivers.opc_ua.driver import OpcUaDriver
from field_io.drivers.opc_ua.memory import MemoryUaSession
from field_io.drivers.opc_ua.session import Change, UaSession
from field_io.opc_ua.network import UaNetwork
from field_io.specs import DeviceSpec, OpcUaAccess, PointSpec, SignalSpec
from tests.support.processes import free_port

NS = "nsu=urn:maker:rig;s="
POINTS = (
    PointSpec("LT-1", "node", type="float64", unit="m", node=NS + "LT", signal=SignalSpec("level", 0, 2, 0, 2)),
    PointSpec("IT-1", "node", type="float32", unit="mA", node=NS + "IT"),
    PointSpec("NAME", "node", type="string", node=NS + "NAME"),
    PointSpec("LV-1", "node", type="float32", unit="%", direction="out", node=NS + "LV"),
    PointSpec("N-1", "node", type="int16", scale=0.1, direction="out", node=NS + "N"),
    PointSpec("P-1", "node", type="bool", direction="out", node=NS + "P"),
)
LT, IT, NAME, LV, N, P = range(6)


def always() -> bool:
    return True


def spec_of(poll_ns: int = NS_PER_S, timeout_ns: int = 500 * NS_PER_MS, **more: Any) -> DeviceSpec:
    """The rig."""
    given: dict[str, Any] = {"protocol": "opc-ua", "opc_ua": OpcUaAccess(), "points": POINTS, "port": 4840, **more}
    return DeviceSpec("RIG", poll_ns=poll_ns, timeout_ns=timeout_ns, **given)


@dataclass
class Heard:
    """A sink that writes down what a subscription tells."""

    messages: list[list[Change]] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)

    def notified(self, changes: Sequence[Change]) -> None:
        self.messages.append(list(changes))

    def lost(self, text: str) -> None:
        self.losses.append(text)

    def ended(self, text: str) -> None:
        self.ends.append(text)

    @property
    def last(self) -> dict[int, Any]:
        """Newest value of every point."""
        return {at: sample.value for message in self.messages for at, sample in message}


@dataclass
class UaBench:
    """One device; sessions and drivers on request. ``folder`` = None: in memory."""

    spec: DeviceSpec
    device: SimulatedUaDevice
    clock: Clock
    network: UaNetwork | None
    folder: Path | None
    sessions: list[UaSession] = field(default_factory=list)

    def session(
        self, name: str = "C1A", faults: LinkFaults | None = None, spec: DeviceSpec | None = None
    ) -> "UaSession":
        if self.network is not None:
            session: UaSession = MemoryUaSession(spec or self.spec, self.network, name, faults)
        else:
            from field_io.drivers.opc_ua.wire.session import WireUaSession

            assert self.folder is not None
            session = WireUaSession(spec or self.spec, self.folder / name, name, faults)
        self.sessions.append(session)
        return session

    async def connected(
        self, name: str = "C1A", faults: LinkFaults | None = None, spec: DeviceSpec | None = None
    ) -> UaSession:
        session = self.session(name, faults, spec)
        await session.connect()
        await session.find()
        return session

    @asynccontextmanager
    async def driver(
        self, session: UaSession | None = None, seed: int = 1, spec: DeviceSpec | None = None, phase_ns: int = 0
    ) -> AsyncIterator[OpcUaDriver]:
        """A driver at work."""
        spec = spec or self.spec
        driver = OpcUaDriver(spec, session or self.session(spec=spec), self.clock, random.Random(seed), phase_ns)
        task = asyncio.create_task(driver.run())
        try:
            yield driver
            if task.done():
                task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def status(self, driver: OpcUaDriver, name: str = "LT-1") -> int:
        return driver.read(name, self.clock.monotonic_ns()).status

    async def until(self, condition: Callable[[], bool], within_s: float, what: str = "it") -> float:
        """Seconds by the bench's clock until ``condition()``; ``AssertionError`` when it does not come."""
        start_ns = self.clock.monotonic_ns()
        while not condition():
            passed_s = (self.clock.monotonic_ns() - start_ns) / NS_PER_S
            assert passed_s < within_s, f"{what}: not within {within_s} s"
            await self.sleep(0.005)
        return (self.clock.monotonic_ns() - start_ns) / NS_PER_S

    async def sleep(self, seconds: float) -> None:
        await self.clock.sleep_until(self.clock.monotonic_ns() + round(seconds * NS_PER_S))


@asynccontextmanager
async def ua_bench(
    spec: DeviceSpec | None = None, folder: Path | None = None, device_spec: DeviceSpec | None = None
) -> AsyncIterator[UaBench]:
    """A device that listens; ``folder`` (for certificates): over TCP and on the wall clock."""
    spec = spec or spec_of()
    device_spec = device_spec or spec
    network = None if folder else UaNetwork()
    clock: Clock = WallClock() if folder else SimulatedClock(asyncio.get_running_loop())  # type: ignore[arg-type]
    if folder is not None:
        port = free_port()
        spec, device_spec = replace(spec, port=port), replace(device_spec, port=port)
    device = SimulatedUaDevice(device_spec, clock, network, str(folder / "device") if folder else "")
    await device.start()
    if folder is not None:  # as a node does after loading: collecting an address space takes longer than an answer may
        gc.collect()
        gc.freeze()
    names = {point.name for point in device_spec.points}
    device.set_value("LT-1", 1.25)
    if "IT-1" in names:
        device.set_value("IT-1", 12.0)
        device.set_text("NAME", "rig")
    await device.settle()
    bench = UaBench(spec, device, clock, network, folder)
    try:
        yield bench
    finally:
        for session in bench.sessions:
            session.abort()
        device.stop()
        await asyncio.sleep(0.02 if folder else 0)  # let sockets close
