"""A simulated Modbus device: the register map of its ``DeviceSpec``, served over TCP or in memory.

Called by   ``devices.simulation`` (values in and out), ``faults``, checkers (the record of writes).
Knows       points and registers; no plant. What a register says is what a real device of this map would say.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from dcs.core.clock import Clock
from field_io.devices.modbus_server import RegisterServer
from field_io.memory_network import MemoryNetwork
from field_io.planning import plan_contiguous, plan_reads
from field_io.registers import BlockDecoder, BlockEncoder
from field_io.specs import DeviceSpec

_Run = tuple[str, int, tuple[int, ...], BlockEncoder | None]
"""Table, first address, positions of the values, encoder (None for one bit)."""

_Reading = tuple[str, int, int, tuple[int, ...], BlockDecoder | None]
"""Table, first address, count, positions of the values, decoder (None for one bit)."""


@dataclass(frozen=True, slots=True)
class WriteRecord:
    """One output written by a client."""

    time_ns: int  # UTC
    point: str
    value: float  # as it stands in the register, in the point's unit
    peer: str  # client's name (memory) or address:port (wire)


class SimulatedModbusDevice:
    """One device. ``network`` = None serves TCP on ``spec.host``:``spec.port`` (loopback unless configured)."""

    def __init__(self, spec: DeviceSpec, clock: Clock, network: MemoryNetwork | None = None) -> None:
        if spec.port == 0 and network is None:
            raise ValueError(f"device {spec.name}: the port must be resolved before (see modbus_server.free_port)")
        self.spec = spec
        self.writes: deque[WriteRecord] | None = None
        self.on_request: Callable[[], None] | None = None  # before every request: bring the registers up to date
        self.on_output: Callable[[str, float], None] | None = None  # (point, value) a client has written
        self._clock = clock
        self._points = {point.name: point for point in spec.points}
        self._plans: dict[tuple[str, ...], list[_Run]] = {}
        self._readings: dict[tuple[str, ...], list[_Reading]] = {}
        self._touched: dict[tuple[str, int, int], tuple[str, ...]] = {}
        self._outputs = [point for point in spec.points if point.direction == "out"]
        spans: dict[str, list[tuple[int, int]]] = {}
        for block in plan_reads(spec.points, spec.gap_max):
            spans.setdefault(block.table, []).append((block.address, block.count))
        self.server = RegisterServer(spec.name, spec.unit, spec.host, spec.port, _merged(spans), network)
        self.server.before_request = self._before_request
        self.server.after_write = self._after_write

    async def start(self) -> None:
        """Listen. Raises ``Missing`` when the port is taken."""
        await self.server.start()

    def stop(self) -> None:
        """Close connections and stop listening; registers keep their values."""
        self.server.stop()

    def record_writes(self, kept: int = 10_000) -> None:
        """Keep the last ``kept`` written outputs in ``writes`` from now on."""
        self.writes = deque(maxlen=kept)

    # --- faults (field_io.faults) -------------------------------------------------------------------------------
    def cut(self, silent: bool = False) -> None:
        """Off the network: connections close and none is accepted; ``silent``: it accepts but never answers."""
        if silent:
            self.server.silent = True
        else:
            self.server.stop()

    async def heal(self) -> None:
        """Back on the network, answering, without latency. Raises ``Missing`` when the port is taken meanwhile."""
        self.server.silent = False
        self.server.latency_s = 0.0
        self.server.refuse_with = 0
        await self.server.start()

    def set_latency(self, latency_s: float) -> None:
        """Every answer is that late."""
        self.server.latency_s = latency_s

    def refuse(self, code: int) -> None:
        """Answer every request with this exception code (0 = serve again)."""
        self.server.refuse_with = code

    # --- registers as values ----------------------------------------------------------------------------------
    def set_value(self, name: str, value: float) -> None:
        """Put a value, in the point's unit, into the registers of a point; clamped to what its type holds."""
        self.set_values((name,), (value,))

    def set_values(self, names: tuple[str, ...], values: Sequence[float]) -> None:
        """Several points at once; one that is no number leaves its registers, and its neighbours', as they are."""
        for table, address, members, encoder in self._plans.get(names) or self._plan(names):
            if encoder is None:
                self.server.set_bit(table, address, values[members[0]] >= 0.5)
                continue
            words, _ = encoder.encode([values[at] for at in members])
            if words:
                self.server.set_words(table, address, words)

    def _plan(self, names: tuple[str, ...]) -> list[_Run]:
        plan: list[_Run] = []
        for block in plan_contiguous([self._points[name] for name in names]):
            members = tuple(names.index(point.name) for point in block.points)
            if block.table in ("coil", "discrete"):
                for point, at in zip(block.points, members, strict=True):
                    plan.append((block.table, point.address, (at,), None))
            else:
                plan.append((block.table, block.address, members, BlockEncoder(block.points)))
        self._plans[names] = plan
        return plan

    def value(self, name: str) -> float:
        """What the registers of a point say, in its unit."""
        return self.values((name,))[0]

    def values(self, names: tuple[str, ...]) -> list[float]:
        """What the registers of several points say."""
        values = [0.0] * len(names)
        for table, address, count, members, decoder in self._readings.get(names) or self._plan_reading(names):
            if decoder is None:
                values[members[0]] = 1.0 if self.server.get_bit(table, address) else 0.0
                continue
            for at, value in zip(members, decoder.decode(self.server.get_words(table, address, count))[0], strict=True):
                values[at] = value
        return values

    def _plan_reading(self, names: tuple[str, ...]) -> list[_Reading]:
        plan: list[_Reading] = []
        for table, address, members, encoder in self._plan(names):
            points = [self._points[names[at]] for at in members]
            count = sum(point.count for point in points)
            decoder = None if encoder is None else BlockDecoder(points, address, count)
            plan.append((table, address, count, members, decoder))
        self._readings[names] = plan
        return plan

    # --- hooks of the server ----------------------------------------------------------------------------------
    def _before_request(self, peer: str) -> None:
        if self.on_request is not None:
            self.on_request()

    def _after_write(self, peer: str, table: str, address: int, count: int) -> None:
        touched = self._touched.get((table, address, count))
        if touched is None:
            touched = self._touched[table, address, count] = self._outputs_at(table, address, count)
        for name, value in zip(touched, self.values(touched), strict=True):
            if self.writes is not None:
                self.writes.append(WriteRecord(self._clock.time_ns(), name, value, peer))
            if self.on_output is not None:
                self.on_output(name, value)

    def _outputs_at(self, table: str, address: int, count: int) -> tuple[str, ...]:
        """Outputs that a write of these addresses changes, be it in part."""
        return tuple(
            point.name
            for point in sorted(self._outputs, key=lambda each: each.address)
            if point.table == table and point.address < address + count and address < point.end
        )


def _merged(spans: dict[str, list[tuple[int, int]]]) -> dict[str, list[tuple[int, int]]]:
    """Neighbouring blocks (split only by the size of a request) as one span; pymodbus refuses overlaps."""
    merged: dict[str, list[tuple[int, int]]] = {}
    for table, blocks in spans.items():
        out: list[tuple[int, int]] = []
        for address, count in sorted(blocks):
            if out and address <= out[-1][0] + out[-1][1]:
                end = max(out[-1][0] + out[-1][1], address + count)
                out[-1] = (out[-1][0], end - out[-1][0])
            else:
                out.append((address, count))
        merged[table] = out
    return merged


def with_port(spec: DeviceSpec, port: int) -> DeviceSpec:
    """The same device at another port (``port: auto`` resolved)."""
    return replace(spec, port=port)
