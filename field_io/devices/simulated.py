"""A simulated Modbus device: the register map of its ``DeviceSpec``, served over TCP or in memory.

Called by   ``devices.simulation`` (values in and out), ``faults``, checkers (the record of writes).
Knows       points and registers; no plant. What a register says is what a real device of this map would say.
"""

import json
import math
import struct
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from dcs.core.clock import Clock
from field_io.devices.modbus_server import ModbusServer, Unit
from field_io.devices.output_gate import OutputGate
from field_io.devices.output_watchdog import OutputWatchdog
from field_io.devices.register_bank import Spans
from field_io.devices.write_record import WriteRecord
from field_io.faults import FaultyDevice
from field_io.memory_network import MemoryNetwork
from field_io.output_window import OutputWindow
from field_io.planning import plan_contiguous, plan_reads
from field_io.registers import BlockDecoder, BlockEncoder, byte_order_of
from field_io.specs import DeviceSpec, PointSpec, at_backup

_WATCHDOG = "watchdog"
"""Key of the snapshot beside the tables of registers."""

PLANS_KEPT = 1_000
"""Plans for different writes and sets of points; clients may invent as many as they like."""

_Run = tuple[str, int, tuple[int, ...], BlockEncoder | PointSpec]
"""Table, first address, positions of the values, encoder; the point itself for one bit of a register."""

_Reading = tuple[str, int, int, tuple[int, ...], BlockDecoder]
"""Table, first address, count, positions of the values, decoder."""


class SimulatedModbusDevice:
    """One device. ``network`` = None serves TCP on ``spec.host``:``spec.port`` (loopback unless configured)."""

    def __init__(
        self, spec: DeviceSpec, clock: Clock, network: MemoryNetwork | None = None, server: ModbusServer | None = None
    ) -> None:
        """``server``: the gateway that this unit sits behind; None = the device has an address for itself."""
        if spec.port == 0 and network is None:
            raise ValueError(f"device {spec.name}: the port must be resolved before (see modbus_server.free_port)")
        self.spec = spec
        self.writes: deque[WriteRecord] | None = None
        self.on_request: Callable[[], None] | None = None  # before every request: bring the registers up to date
        self.on_output: Callable[[str, float], None] | None = None  # (point, value) a client has written
        self._clock = clock
        served = (*spec.points, *spec.untaken)
        self._points = {point.name: point for point in served}
        self._plans: dict[tuple[str, ...], list[_Run]] = {}
        self._readings: dict[tuple[str, ...], list[_Reading]] = {}
        self._touched: dict[tuple[str, int, int], tuple[str, ...]] = {}
        self._outputs = [point for point in served if point.direction == "out"]
        self._swapped: dict[str, tuple[int, ...]] = {}  # point -> order in which its bytes stand (a fault)
        self._at_power_up: dict[str, str] = {}
        self.watchdog = OutputWatchdog(spec.watchdog_ns, clock)
        self.parts: dict[str, FaultyDevice] = {}  # what in it can fail by a name of its own
        self.unit = Unit(spec.name, spec.unit, self._spans())
        self.unit.identity |= {number: text.encode() for number, text in spec.identity}
        self.unit.before_request = self._before_request
        self.unit.after_write = self._after_write
        self.bank = self.unit.bank
        self.gate = OutputGate(spec, self.bank) if spec.epoch is not None else None  # it checks epochs
        if self.gate is not None:
            self.unit.registers = self.gate
            self.gate.on_refused = self._note_refused
        self.server = server or ModbusServer.of(spec, network)
        self.server.units[spec.unit] = self.unit

    def _spans(self) -> Spans:
        """The addresses that exist: those of the points, and the gaps that a read may span."""
        spans: dict[str, list[tuple[int, int]]] = {}
        for block in plan_reads((*self.spec.points, *self.spec.untaken), self.spec.gap_max):
            spans.setdefault(block.table, []).append((block.address, block.count))
        if self.spec.epoch is not None:
            window = OutputWindow(self.spec)
            spans.setdefault("holding", []).append((window.address, window.count))
        return spans

    @property
    def listening(self) -> bool:
        """True while clients can reach it."""
        return self.server.listening

    async def start(self) -> None:
        """Listen. Raises ``Missing`` when the port is taken."""
        await self.server.start()

    def stop(self) -> None:
        """Close connections and stop listening; registers keep their values."""
        self.server.stop()

    def record_writes(self, kept: int = 10_000) -> None:
        """Keep the last ``kept`` written outputs, refused ones too, in ``writes`` from now on."""
        self.writes = deque(maxlen=kept)

    def snapshot(self) -> dict[str, str]:
        """All registers and the watchdog, as JSON types."""
        return self.bank.snapshot() | (
            {_WATCHDOG: json.dumps(self.watchdog.snapshot())} if self.watchdog.time_ns else {}
        )

    def restore(self, snapshot: dict[str, str]) -> None:
        """Inverse of ``snapshot``."""
        self.bank.restore({name: text for name, text in snapshot.items() if name != _WATCHDOG})
        if _WATCHDOG in snapshot:
            self.watchdog.restore(json.loads(snapshot[_WATCHDOG]))

    # --- faults (field_io.faults) -------------------------------------------------------------------------------
    def cut(self, silent: bool = False) -> None:
        """Off the network: connections close and none is accepted; ``silent``: it accepts but never answers.

        Behind a gateway the unit alone is gone, and the gateway says so in its own way.
        """
        if silent:
            self.unit.silent = True
        elif len(self.server.units) > 1:
            self.unit.offline = True
        else:
            self.server.stop()

    async def heal(self) -> None:
        """Back on the network, answering, without latency. Raises ``Missing`` when the port is taken meanwhile."""
        self.unit.silent = False
        self.unit.latency_s = 0.0
        self.unit.refuse_with = 0
        await self.reconnect()

    async def reconnect(self) -> None:
        """Back on the network. Raises ``Missing`` when the port is taken meanwhile."""
        self.unit.offline = False
        await self.server.start()

    def note_power_up(self) -> None:
        """The registers are now as they are whenever it is switched on."""
        self._at_power_up = self.bank.snapshot()

    def power_up(self) -> None:
        """It was switched off and on: registers are what they were in the beginning, and drive its outputs."""
        epoch = self.gate.epoch if self.gate is not None else 0
        self.bank.restore(self._at_power_up)
        if self.gate is not None:
            self.gate.keep_epoch(epoch)
        self.watchdog.power_up()
        for point in self._outputs:
            if self.on_output is not None:
                self.on_output(point.name, self._understood(point.name))

    def swap(self, name: str, kinds: tuple[str, ...]) -> None:
        """Bytes or words of a point change places (``field_io.signal_faults``); (): they stand as they should."""
        point = self._points[name]
        order = tuple(range(2 * point.count))
        if "swapped_words" in kinds:
            order = tuple(byte for at in range(len(order) - 2, -1, -2) for byte in order[at : at + 2])
        if "swapped_bytes" in kinds:
            order = tuple(order[at ^ 1] for at in range(len(order)))
        if order == tuple(range(2 * point.count)):
            self._swapped.pop(name, None)
        else:
            self._swapped[name] = order

    def set_latency(self, latency_s: float) -> None:
        """Every answer is that late."""
        self.unit.latency_s = latency_s

    def refuse(self, code: int) -> None:
        """Answer every request with this exception code (0 = serve again)."""
        self.unit.refuse_with = code

    # --- registers as values ----------------------------------------------------------------------------------
    def set_value(self, name: str, value: float) -> None:
        """Put a value, in the point's unit, into the registers of a point; clamped to what its type holds."""
        self.set_values((name,), (value,))

    def set_values(self, names: tuple[str, ...], values: Sequence[float]) -> None:
        """Several points at once; one that is no number leaves its registers, and its neighbours', as they are."""
        for table, address, members, encoder in self._plans.get(names) or self._plan(names):
            if isinstance(encoder, PointSpec):
                self._set_bit_of_register(encoder, values[members[0]])
                continue
            data, _ = encoder.encode([values[at] for at in members])
            if data:
                self.bank.write(table, address, data)
        for name in self._swapped:
            if name in names:
                point = self._points[name]
                self.bank.write(point.table, point.address, self._reordered(name))

    def set_failed(self, name: str, failed: bool) -> None:
        """A float whose sensor has failed is no number; other types cannot say so."""
        point = self._points[name]
        if not failed or point.type not in ("float32", "float64"):
            return
        number = struct.pack(">f" if point.type == "float32" else ">d", math.nan)
        order = byte_order_of(point)
        data = bytes(number[order.index(at)] for at in range(len(order)))
        self.bank.write(point.table, point.address, data)

    def _reordered(self, name: str) -> bytes:
        point = self._points[name]
        data = self.bank.read(point.table, point.address, point.count)
        return bytes(data[at] for at in self._swapped[name])

    def _understood(self, name: str) -> float:
        """What the device itself takes the registers of an output for."""
        point = self._points[name]
        if name not in self._swapped:
            return self.value(name)
        return BlockDecoder([point], point.address, point.count).decode(self._reordered(name))[0][0]

    def _set_bit_of_register(self, point: PointSpec, value: float) -> None:
        (word,) = self.bank.get_words(point.table, point.address, 1)
        mask = 1 << point.bit
        self.bank.set_words(point.table, point.address, [word | mask if value >= 0.5 else word & ~mask])

    def _plan(self, names: tuple[str, ...]) -> list[_Run]:
        if len(self._plans) >= PLANS_KEPT:
            self._plans.clear()
            self._readings.clear()
        plan: list[_Run] = []
        points = [self._points[name] for name in names]
        place = {name: at for at, name in enumerate(names)}
        for block in plan_contiguous([point for point in points if point.bit < 0 and not point.is_text]):
            members = tuple(place[point.name] for point in block.points)
            plan.append((block.table, block.address, members, BlockEncoder(block.points)))
        plan += [(point.table, point.address, (at,), point) for at, point in enumerate(points) if point.bit >= 0]
        self._plans[names] = plan
        return plan

    def value(self, name: str) -> float:
        """What the registers of a point say, in its unit."""
        return self.values((name,))[0]

    def values(self, names: tuple[str, ...]) -> list[float]:
        """What the registers of several points say."""
        values = [0.0] * len(names)
        for table, address, count, members, decoder in self._readings.get(names) or self._plan_reading(names):
            for at, value in zip(members, decoder.decode(self.bank.read(table, address, count))[0], strict=True):
                values[at] = value
        return values

    def _plan_reading(self, names: tuple[str, ...]) -> list[_Reading]:
        plan: list[_Reading] = []
        for table, address, members, _ in self._plan(names):
            points = [self._points[names[at]] for at in members]
            count = sum(point.count for point in points)
            plan.append((table, address, count, members, BlockDecoder(points, address, count)))
        self._readings[names] = plan
        return plan

    # --- what happens by itself (devices.simulation) ------------------------------------------------------------
    @property
    def acts(self) -> bool:
        """True when something happens to it by itself."""
        return bool(self.watchdog.time_ns or self.parts)

    @property
    def due_ns(self) -> int | None:
        """Monotonic time at which ``happen`` is to be called; None = never."""
        return self.watchdog.due_ns

    def happen(self) -> None:
        """The time ``due_ns`` is there: nobody has written for so long, outputs take their fail action."""
        values = self._fail_values([point.name for point in self._outputs])
        self.watchdog.expire(values)
        self._drive(values)

    def bring_up_to_date(self) -> None:
        """Let happen what is due, and take the newest measurements."""
        if self.on_request is not None:
            self.on_request()
        now_ns = self._clock.monotonic_ns()
        while (due_ns := self.due_ns) is not None and due_ns <= now_ns:  # a device without a plant
            self.happen()

    def _fail_values(self, names: Sequence[str]) -> tuple[tuple[str, float], ...]:
        values = [(name, self._points[name].fail_value) for name in names]
        return tuple((name, value) for name, value in values if value is not None)

    def _drive(self, values: Sequence[tuple[str, float]]) -> None:
        """Outputs move by themselves; the registers say where they are."""
        for name, value in values:
            self.set_value(name, value)
            if self.on_output is not None:
                self.on_output(name, value)

    # --- hooks of the server ----------------------------------------------------------------------------------
    def _before_request(self, peer: str) -> None:
        self.bring_up_to_date()
        if self.gate is not None:
            self.gate.peer = peer

    def _after_write(self, peer: str, table: str, address: int, count: int) -> None:
        touched, epoch = self._written(table, address, count)
        values = self.values(touched)
        if self._swapped:
            values = [self._understood(name) for name in touched]
        self._record(touched, values, peer, epoch)
        for name, value in zip(touched, values, strict=True):
            if self._takes(name) and self.on_output is not None:
                self.on_output(name, value)
        if touched:
            self.watchdog.written()

    def _written(self, table: str, address: int, count: int) -> tuple[tuple[str, ...], int]:
        """(outputs that a write has driven, the epoch that it carried)."""
        gate = self.gate
        if gate is not None and (table, address) == ("holding", gate.window.address):
            return gate.driven, gate.epoch
        touched = self._touched.get((table, address, count))
        if touched is None:
            if len(self._touched) >= PLANS_KEPT:
                self._touched.clear()
            touched = self._touched[table, address, count] = self._outputs_at(table, address, count)
        return touched, 0

    def _note_refused(self, outputs: tuple[str, ...], epoch: int) -> None:
        assert self.gate is not None
        self._record(outputs, self.values(outputs), self.gate.peer, epoch, accepted=False)

    def _record(
        self, names: Sequence[str], values: Sequence[float], peer: str, epoch: int, accepted: bool = True
    ) -> None:
        if self.writes is None:
            return
        now_ns, device_ns = self._clock.time_ns(), self._clock.monotonic_ns()
        for name, value in zip(names, values, strict=True):
            self.writes.append(WriteRecord(now_ns, name, value, peer, epoch, accepted, device_ns))

    def _takes(self, name: str) -> bool:
        """Does the output follow what was written?"""
        return True

    def _outputs_at(self, table: str, address: int, count: int) -> tuple[str, ...]:
        """Outputs that a write of these addresses changes, be it in part."""
        return tuple(
            point.name
            for point in sorted(self._outputs, key=lambda each: each.address)
            if point.table == table and point.address < address + count and address < point.end
        )


def simulated_devices(
    specs: Sequence[DeviceSpec], clock: Clock, network: MemoryNetwork | None
) -> list[SimulatedModbusDevice]:
    """Devices in the order of ``specs``; those with one address are units behind one server (a gateway)."""
    from field_io.devices.replayed import ReplayedDevice  # both are devices as those of this module
    from field_io.devices.station import SimulatedStation

    servers: dict[tuple[str, int], ModbusServer] = {}
    devices: list[SimulatedModbusDevice] = []
    for spec in specs:
        server = servers.get(spec.address) or ModbusServer.of(spec, network)
        if spec.port or spec.serial:
            servers[spec.address] = server
        if spec.replay is not None:
            devices.append(ReplayedDevice(spec, clock, network, server))
            continue
        if spec.backup is None and spec.station is None:
            devices.append(SimulatedModbusDevice(spec, clock, network, server))
            continue
        backup = None
        if spec.backup is not None:
            second = at_backup(spec)
            backup = servers.get(second.address) or ModbusServer.of(second, network)
            if second.port:
                servers[second.address] = backup
        devices.append(SimulatedStation(spec, clock, network, server, backup))
    return devices


def with_port(spec: DeviceSpec, port: int) -> DeviceSpec:
    """The same device at another port (``port: auto`` resolved)."""
    return replace(spec, port=port)
