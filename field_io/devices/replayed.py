"""A simulated Modbus device whose answers come from a recording, at the recorded times.

Called by   ``devices.simulated.simulated_devices`` for devices with `replay`; served as any other simulated device.
Behaviour   time begins with the first request, so that a client with the schedule of the recorded one finds the
            same answers, bit by bit. What the plant does and what is written to it changes nothing.
"""

from dataclasses import replace
from pathlib import Path

from dcs.core.clock import Clock
from field_io.devices.modbus_server import ModbusServer, Unit
from field_io.devices.register_bank import Spans
from field_io.devices.simulated import SimulatedModbusDevice
from field_io.memory_network import MemoryNetwork
from field_io.replay import Player
from field_io.specs import DeviceSpec


class ReplayedUnit(Unit):
    """Answers as it did then; ``latency_s`` of a fault comes on top of the recorded one."""

    def __init__(self, name: str, number: int, spans: Spans, player: Player, clock: Clock) -> None:
        super().__init__(name, number, spans)
        self._player = player
        self._clock = clock
        self._began_ns: int | None = None

    def respond(self, peer: str, request: bytes) -> tuple[bytes | None, float]:
        """The recorded answer, after the recorded time; None: silence, as then."""
        if self.refuse_with:
            return bytes((request[0] | 0x80, self.refuse_with)), 0.0
        now_ns = self._clock.monotonic_ns()
        if self._began_ns is None:
            self._began_ns = now_ns
        return self._player.answer(request, now_ns - self._began_ns)


class ReplayedDevice(SimulatedModbusDevice):
    """Plays ``spec.replay``. Raises ``Missing`` where there is no such recording."""

    def __init__(
        self, spec: DeviceSpec, clock: Clock, network: MemoryNetwork | None = None, server: ModbusServer | None = None
    ) -> None:
        assert spec.replay is not None
        # The plant moves nothing here: what is measured stands in the recording.
        deaf = replace(spec, points=tuple(replace(point, signal=None) for point in spec.points))
        super().__init__(deaf, clock, network, server)
        player = Player(Path(spec.replay.file), spec.replay.end)
        self.unit = ReplayedUnit(spec.name, spec.unit, self._spans(), player, clock)
        self.bank = self.unit.bank
        self.server.units[spec.unit] = self.unit
