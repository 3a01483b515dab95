"""One writer, and fail actions in time: judged at the registers of the devices, in true time.

Called by   tests.simulation.swarm.world, which puts it behind every device that has outputs.
Knows       which process wrote to which device when, with which epoch; what a device's watchdog did. Nothing of what
            controllers believe.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dcs.core.clock import NS_PER_MS, NS_PER_S
from field_io.devices.opc_ua_device import SimulatedUaDevice
from field_io.devices.simulated import SimulatedModbusDevice
from tests.simulation.swarm.judge import Judge

MS = NS_PER_MS
SimulatedDevice = SimulatedModbusDevice | SimulatedUaDevice
_CLOCK_ERROR = 0.021  # of the device's own clock, and a little
_REQUESTS_LATE = 1
"""Of an old holder, to one device, after the first write of a new one: the one that was on its way."""


class Sender(NamedTuple):
    """Who sends a request, as the simulation knows it."""

    process: str  # ``C1A.2``: the second process of that node
    claimed: int  # the epoch it writes with, for requests that carry none
    paused: bool  # it stood still since it asked its gate: the one way in which a late write may happen


@dataclass
class Registers:
    """What one device has seen."""

    watchdog_ns: int
    checks: bool  # it keeps the highest epoch and refuses lower ones
    epoch: int = 0  # of the newest holder that it took a write of
    last_ns: int = 0  # of the last write that it took; 0 = never
    expired: int = 0  # fail actions since then
    late: dict[str, int] = field(default_factory=dict)  # requests of old holders that it took
    late_ns: int = 0  # when it took the last of them


class Writes:
    """Judges every write that a device accepts."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self.devices: dict[str, Registers] = {}
        self.newest = 0
        self.newest_by = ""
        self.last_by = ""  # node whose write was accepted last
        self.last_ns = 0
        self.times_ns: deque[int] = deque(maxlen=1000)  # of the latest accepted writes, all devices
        self._source_of: dict[int, str] = {}

    def watch(self, device: SimulatedDevice, sender_of: Callable[[str], Sender | None], forgets: bool = False) -> None:
        """Judge this device from now on. ``sender_of``: whose connection that is, by its name, None for another pair's;
        ``forgets``: a reboot costs it the epoch that it knows.
        """
        spec = device.spec
        seen = self.devices[spec.name] = Registers(spec.watchdog_ns, spec.epoch is not None)
        record: Callable[..., None] = device._record
        expire, power_up = device.watchdog.expire, device.watchdog.power_up

        def judged(names: Any, values: Any, peer: str, epoch: int, accepted: bool = True) -> None:
            sender = sender_of(peer)
            if sender is None:  # it has outputs of its own in this device, and feeds the same watchdog
                if accepted and names:
                    self._fail_action(spec.name, seen, self._judge.now_ns())
            elif accepted and names:
                self.accepted(spec.name, seen, sender, epoch or sender.claimed)
            elif names:
                self._judge.counts["stale writes refused"] += 1
                self._judge.tell(spec.name, f"refuses a write of {sender.process} with epoch {epoch}")
            record(names, values, peer, epoch, accepted)

        def expired(values: tuple[tuple[str, float], ...]) -> None:
            silent_ns = self._judge.now_ns() - seen.last_ns
            expire(values)
            seen.expired += 1
            self._judge.counts["fail actions"] += 1
            self._judge.tell(spec.name, f"fail action, seen {silent_ns / NS_PER_S:.3f} s after the last write")

        def powered_up() -> None:
            seen.last_ns, seen.expired = 0, 0
            if forgets and isinstance(device, SimulatedModbusDevice) and device.gate is not None:
                device.gate.keep_epoch(0)
                seen.epoch = 0
                self._judge.counts["epochs forgotten"] += 1
            self._judge.counts["devices rebooted"] += 1
            self._judge.tell(spec.name, f"is switched on again and knows epoch {seen.epoch}")
            power_up()

        device.watchdog.power_up = powered_up  # type: ignore[method-assign]
        device._record = judged  # type: ignore[method-assign, assignment]
        device.watchdog.expire = expired  # type: ignore[method-assign]

    def accepted(self, name: str, seen: Registers, sender: Sender, epoch: int) -> None:
        """A device took a write."""
        judge, now_ns, process = self._judge, self._judge.now_ns(), sender.process
        judge.counts["writes"] += 1
        writer = self._source_of.setdefault(epoch, process)
        if writer != process:
            judge.breaks(f"S1: {process} and {writer} both write with epoch {epoch}")
        if epoch > self.newest:
            if self.newest and process.split(".")[0] != self.newest_by.split(".")[0]:
                judge.counts["takeovers"] += 1
            judge.tell(name, f"first write of {process} with epoch {epoch}")
            self.newest, self.newest_by = epoch, process
        elif epoch < self.newest and process != self.newest_by:
            self._late(name, seen, sender, epoch)
        if epoch < seen.epoch and seen.checks:
            judge.breaks(f"S1: {name} checks epochs and took a write of {process} with {epoch} after {seen.epoch}")
        seen.epoch = max(seen.epoch, epoch)
        self._fail_action(name, seen, now_ns)
        self.times_ns.append(now_ns)
        self.last_by, self.last_ns = process.split(".")[0], now_ns

    def _late(self, name: str, seen: Registers, sender: Sender, epoch: int) -> None:
        process = sender.process
        term, now_ns = f"{process} {epoch}", self._judge.now_ns()
        seen.late[term] = seen.late.get(term, 0) + (now_ns != seen.late_ns)  # OPC UA: the nodes of one request
        seen.late_ns = now_ns
        self._judge.counts["late writes"] += 1
        self._judge.tell(name, f"late write of {process} with epoch {epoch}, {self.newest} writes already")
        if not sender.paused:
            self._judge.breaks(
                f"S1: {name} took a write of {process} (epoch {epoch}) after {self.newest_by} had written with epoch "
                f"{self.newest}, and it had not stood still since its gate was asked"
            )
        if seen.late[term] > _REQUESTS_LATE:
            self._judge.breaks(
                f"S1: {name} took {seen.late[term]} writes of {process} (epoch {epoch}) after {self.newest_by} had "
                f"written with epoch {self.newest}; at most {_REQUESTS_LATE} may be on its way"
            )

    def _fail_action(self, name: str, seen: Registers, now_ns: int) -> None:
        """S4, once the silence is over: the fail action came if it was due, and only then."""
        silent_ns = now_ns - seen.last_ns
        if seen.last_ns and seen.watchdog_ns:
            if silent_ns < seen.watchdog_ns * (1 - _CLOCK_ERROR) - MS and seen.expired:
                self._judge.breaks(f"S4: {name} took its fail action within {silent_ns / NS_PER_S:.3f} s")
            if silent_ns > seen.watchdog_ns * (1 + _CLOCK_ERROR) + MS and not seen.expired:
                self._judge.breaks(
                    f"S4: nobody wrote to {name} for {silent_ns / NS_PER_S:.3f} s and it took no fail action; its "
                    f"watchdog is set to {seen.watchdog_ns / NS_PER_S:g} s"
                )
        seen.last_ns, seen.expired = now_ns, 0

    def none_failed(self) -> str:
        """The device whose outputs nobody writes; "" = none."""
        now_ns = self._judge.now_ns()
        for name, seen in self.devices.items():
            if seen.expired or now_ns - seen.last_ns > max(seen.watchdog_ns, 3 * NS_PER_S):
                return name
        return ""
