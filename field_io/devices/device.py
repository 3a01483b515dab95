"""What the simulated field needs of a simulated device, whatever it speaks.

Used by     ``devices.simulation``, the field node, faults, checkers.
Peers       ``devices.simulated`` (Modbus), ``devices.opc_ua_device`` (OPC UA).
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from dcs.core.clock import Clock
from field_io.devices.simulated import SimulatedModbusDevice, simulated_devices
from field_io.devices.write_record import WriteRecord
from field_io.faults import FaultyDevice
from field_io.memory_network import MemoryNetwork
from field_io.opc_ua.network import UaNetwork
from field_io.specs import OPC_UA, DeviceSpec


class ChecksEpochs(Protocol):
    """What a device knows of those who write its outputs."""

    writer: str  # who was accepted last
    refused: int  # requests so far

    @property
    def epoch(self) -> int:
        """The highest that was accepted; 0 = none yet."""
        ...


class SimulatedDevice(FaultyDevice, Protocol):
    """One device that this system serves itself."""

    spec: DeviceSpec
    writes: (
        deque[WriteRecord] | None
    )  # outputs that clients have written or tried to, once ``record_writes`` was called
    on_request: Callable[[], None] | None  # before every request: bring the values up to date
    on_output: Callable[[str, float], None] | None  # (point, value) a client has written

    @property
    def gate(self) -> ChecksEpochs | None:
        """None: it does not check the epoch of whoever writes its outputs."""
        ...

    parts: dict[str, FaultyDevice]  # what in it can fail by a name of its own

    @property
    def acts(self) -> bool:
        """True when something happens to it by itself, at ``due_ns``."""
        ...

    @property
    def due_ns(self) -> int | None:
        """Monotonic time at which the next thing happens by itself: a watchdog runs out, a card has started."""
        ...

    def happen(self) -> None:
        """The time ``due_ns`` is there."""
        ...

    @property
    def listening(self) -> bool:
        """True while clients can reach it."""
        ...

    async def start(self) -> None:
        """Listen. Raises ``Missing`` when the port is taken."""
        ...

    def stop(self) -> None:
        """Close connections and stop listening; values stay."""
        ...

    def record_writes(self, kept: int = 10_000) -> None:
        """Keep the last written outputs, refused ones too, in ``writes`` from now on."""
        ...

    def set_value(self, name: str, value: float) -> None:
        """Put a value, in the point's unit, where clients read it."""
        ...

    def set_values(self, names: tuple[str, ...], values: Sequence[float]) -> None:
        """Several points at once; one that is no number stays as it is."""
        ...

    def value(self, name: str) -> float:
        """What a client would read, in the point's unit."""
        ...

    def values(self, names: tuple[str, ...]) -> list[float]:
        """The same of several points."""
        ...

    def set_failed(self, name: str, failed: bool) -> None:
        """The sensor of a point has failed: its value says so, where it can."""
        ...

    def swap(self, name: str, kinds: tuple[str, ...]) -> None:
        """Bytes or words of a point change places from now on (faults); (): they stand as they should."""
        ...

    def note_power_up(self) -> None:
        """Its values are now what they are whenever it is switched on."""
        ...

    def snapshot(self) -> Any:
        """All values, as JSON types."""
        ...

    def restore(self, snapshot: Any) -> None:
        """Inverse of ``snapshot``."""
        ...


def make_devices(
    specs: Sequence[DeviceSpec],
    clock: Clock,
    network: MemoryNetwork | None,
    ua_network: UaNetwork | None,
    certificates: str = "",
) -> list[SimulatedDevice]:
    """The simulated devices in the order of ``specs``. Networks: None = TCP.

    ``certificates``: folder for those that OPC UA devices make for themselves; "" = a temporary one.
    """
    modbus: dict[str, SimulatedModbusDevice] = {
        device.spec.name: device
        for device in simulated_devices([spec for spec in specs if spec.protocol != OPC_UA], clock, network)
    }
    devices: list[SimulatedDevice] = []
    for spec in specs:
        if spec.protocol == OPC_UA:
            from field_io.devices.opc_ua_device import SimulatedUaDevice

            devices.append(SimulatedUaDevice(spec, clock, ua_network, certificates))
        else:
            devices.append(modbus[spec.name])
    return devices
