"""A simulated OPC UA device: a process instrument with a node for every point of its ``DeviceSpec``.

Called by   ``devices.simulation`` (values), ``faults``, checkers (the record of writes), the sessions of the box.
Knows       points and nodes; no plant. Over TCP ``devices.opc_ua_server`` shows the same nodes.
Behaviour   anonymous clients may read, and write outputs unless a user is configured; then only that user may write. A
            signal that is simulated says so (uncertain), and the condition of the device (NE 107) marks all its values.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcs.core.clock import Clock
from dcs.core.errors import Missing
from field_io.devices.output_watchdog import OutputWatchdog
from field_io.devices.own_clock import OwnClock
from field_io.devices.ua_gate import UaOutputGate
from field_io.devices.ua_space import (
    CODE_OF_HEALTH,
    HEALTH_NAMES,
    Content,
    Range,
    UaVariable,
    Unit,
    build_space,
)
from field_io.devices.ua_users import UaUsers
from field_io.devices.write_record import WriteRecord
from field_io.faults import FaultyDevice
from field_io.ne107 import CHECK_FUNCTION, NORMAL
from field_io.opc_ua import variants
from field_io.opc_ua.messages import NodeInfo, UaSample
from field_io.opc_ua.network import UaClientEnd, UaNetwork
from field_io.opc_ua.nodes import parse_node
from field_io.opc_ua.status import CODES, is_bad
from field_io.specs import DeviceSpec, OpcUaAccess

if TYPE_CHECKING:
    from field_io.devices.opc_ua_server import UaServer

_SIMULATED = CODES["UncertainSimulatedValue"]
_SENSOR_FAILED = CODES["BadSensorFailure"]
_WATCHDOG = "watchdog"
"""Key of the snapshot beside the nodes, of which every name has an `=`."""


class SimulatedUaDevice:
    """One device. ``network`` = None serves TCP on ``spec.host``:``spec.port``."""

    def __init__(
        self, spec: DeviceSpec, clock: Clock, network: UaNetwork | None = None, certificates: str = ""
    ) -> None:
        """``certificates``: folder where the device keeps the one it makes for itself; "" = a temporary one."""
        if spec.port == 0 and network is None:
            raise ValueError(f"device {spec.name}: the port must be resolved before")
        self.spec = spec
        self.access = spec.opc_ua or OpcUaAccess()
        self.users = UaUsers(spec.name, self.access)
        self.writes: deque[WriteRecord] | None = None
        self.on_request: Callable[[], None] | None = None
        self.on_output: Callable[[str, float], None] | None = None
        self.silent = False
        self.latency_s = 0.0
        self.refuses_subscriptions = False
        self.refuse_writes_with = 0  # status code for every write; 0 = none
        self.space = build_space(spec)
        self.own_clock = self._clock = OwnClock(clock)
        self._points = {point.name: point for point in spec.points}
        self.parts: dict[str, FaultyDevice] = {}
        self.watchdog = OutputWatchdog(spec.watchdog_ns, clock)
        self.gate = UaOutputGate(spec, self.space) if spec.epoch is not None else None  # it checks epochs
        if self.gate is not None:
            self.gate.on_refused = self._note_refused
        self._codes: dict[str, int] = {}  # of points that a fault has marked
        self._network = network
        self._server: UaServer | None = None
        self._clients: dict[UaClientEnd, str] = {}  # the user of each session of the box
        self._condition = NORMAL  # as it was set; a signal that is being simulated shows CHECK_FUNCTION besides
        self._listening = False
        if network is None:
            from field_io.devices import opc_ua_server  # asyncua takes half a second to load

            self._server = opc_ua_server.UaServer(self, Path(certificates) if certificates else None)

    # --- network ----------------------------------------------------------------------------------------------
    @property
    def listening(self) -> bool:
        """True while clients can reach it."""
        return self._listening

    @property
    def acts(self) -> bool:
        """True when it has a watchdog."""
        return self.watchdog.time_ns > 0

    @property
    def due_ns(self) -> int | None:
        """When it runs out."""
        return self.watchdog.due_ns

    def happen(self) -> None:
        """The time ``due_ns`` is there: nobody has written for so long, outputs take their fail action."""
        values = tuple((p.name, p.fail_value) for p in self.spec.points if p.fail_value is not None)
        self.watchdog.expire(values)
        for name, value in values:
            self.set_value(name, value)
            if self.on_output is not None:
                self.on_output(name, value)

    async def start(self) -> None:
        """Listen. Raises ``Missing`` when the port is taken, or a password is not in the environment."""
        if self._listening:
            return
        _ = self.users.password  # told now, not when the first client comes
        try:
            if self._network is not None:
                self._network.listen(self.spec.host, self.spec.port, self)
            elif self._server is not None:
                await self._server.start()
        except OSError as exc:
            reason = os.strerror(exc.errno) if exc.errno else str(exc)
            raise Missing(
                f"device {self.spec.name}: cannot listen on {self.spec.host}:{self.spec.port} ({reason}). Stop "
                f"what uses this port, or give {self.spec.name} another `port` in field.yaml (`port: auto` takes a "
                "free one)."
            ) from exc
        self._listening = True

    def stop(self) -> None:
        """Close connections and stop listening; values stay."""
        if not self._listening:
            return
        self._listening = False
        if self._network is not None:
            self._network.forget(self.spec.host, self.spec.port)
        if self._server is not None:
            self._server.stop()
        for client in tuple(self._clients):
            client.closed()
        self._clients.clear()

    @property
    def now_ns(self) -> int:
        """UTC by the clock of the device."""
        return self._clock.time_ns()

    def record_writes(self, kept: int = 10_000) -> None:
        """Keep the last ``kept`` written outputs, refused ones too, in ``writes`` from now on."""
        self.writes = deque(maxlen=kept)

    # --- faults -----------------------------------------------------------------------------------------------
    def cut(self, silent: bool = False) -> None:
        """Off the network: connections close and none is accepted; ``silent``: it accepts but never answers."""
        if silent:
            self.silent = True
        else:
            self.stop()

    async def heal(self) -> None:
        """Back on the network, answering, without latency, in order. Raises ``Missing`` when the port is taken."""
        self.silent = self.refuses_subscriptions = False
        self.latency_s = 0.0
        self.refuse_writes_with = 0
        self._codes.clear()
        self.set_health(NORMAL)
        await self.reconnect()

    async def reconnect(self) -> None:
        """Back on the network. Raises ``Missing`` when the port is taken."""
        await self.start()

    def swap(self, name: str, kinds: tuple[str, ...]) -> None:
        """A node has no bytes that could change places (``fault_kinds`` knows that)."""

    def note_power_up(self) -> None:
        """It keeps what it was told over a reboot."""

    def set_failed(self, name: str, failed: bool) -> None:
        """The sensor of a point has failed, and the value says so."""
        self.mark(name, _SENSOR_FAILED if failed else 0)

    def set_latency(self, latency_s: float) -> None:
        """Every answer is that late."""
        self.latency_s = latency_s

    def set_health(self, health: int) -> None:
        """NE 107 condition (``ua_space``): it is shown, and it is what the values are worth."""
        self._condition = health
        self._show_health()
        self._recode()

    def _show_health(self) -> None:
        shown = CHECK_FUNCTION if self._condition == NORMAL and any(self._simulated()) else self._condition
        self.space.set(self.space.health, shown, 0, self._clock.time_ns())

    def _simulated(self) -> Iterator[bool]:
        for name, variable in self.space.of_point.items():
            yield _has_signal(variable) and bool(self.space.signal(name, "SimulationState").value)

    @property
    def health(self) -> str:
        """NE 107 condition in words."""
        return HEALTH_NAMES[int(self.space.health.value)]  # type: ignore[arg-type]

    def mark(self, point: str, code: int) -> None:
        """The value of a point has this status code from now on, whatever it is; 0 = as it comes."""
        self._codes[point] = code
        self._recode()

    def _recode(self) -> None:
        for name in self._points:
            variable = self.space.of_point[name]
            if variable.point:
                self._show(name, variable, variable.value)

    # --- values -----------------------------------------------------------------------------------------------
    def set_value(self, name: str, value: float) -> None:
        """Put a value, in the point's unit, into its node; clamped to what its type holds."""
        self.set_values((name,), (value,))

    def set_values(self, names: tuple[str, ...], values: Sequence[float]) -> None:
        """Several points at once; one that is no number stays as it is."""
        for name, value in zip(names, values, strict=True):
            point, variable = self._points[name], self.space.of_point[name]
            try:
                raw, _ = variants.to_variant(variable.type, (value - point.offset) / point.scale)
            except ValueError:
                continue
            self._measured(name, variable, raw)

    def _measured(self, name: str, variable: UaVariable, raw: Content) -> None:
        """The sensor says ``raw``; a signal that is being simulated shows something else."""
        if _has_signal(variable):
            self.space.set(self.space.signal(name, "ActualValue"), raw, 0, self._clock.time_ns())
            if self.space.signal(name, "SimulationState").value:
                raw = self.space.signal(name, "SimulationValue").value
        self._show(name, variable, raw)

    def _show(self, name: str, variable: UaVariable, raw: Content) -> None:
        code = self._codes.get(name, 0) or CODE_OF_HEALTH.get(self._condition, 0)
        if not code and _has_signal(variable):
            code = _SIMULATED if self.space.signal(name, "SimulationState").value else 0
        self.space.set(variable, raw, code, self._clock.time_ns())

    def set_text(self, name: str, text: str) -> None:
        """Put a text into the node of a point of type string."""
        self._show(name, self.space.of_point[name], text)

    def value(self, name: str) -> float:
        """What the node of a point holds, in the point's unit."""
        return self.values((name,))[0]

    def values(self, names: tuple[str, ...]) -> list[float]:
        """The same of several points; NaN for a text."""
        found = []
        for name in names:
            point, raw = self._points[name], self.space.of_point[name].value
            number = float(raw) if isinstance(raw, bool | int | float) else float("nan")
            found.append(number * point.scale + point.offset)
        return found

    def snapshot(self) -> dict[str, list[Any]]:
        """All values, with codes and times, as JSON types."""
        return {
            name: [variable.value, variable.code, variable.source_ns]
            for name, variable in self.space.variables.items()
            if not isinstance(variable.value, Unit | Range)
        } | ({_WATCHDOG: self.watchdog.snapshot()} if self.acts else {})

    def restore(self, snapshot: dict[str, list[Any]]) -> None:
        """Inverse of ``snapshot``."""
        if _WATCHDOG in snapshot:
            self.watchdog.restore(snapshot[_WATCHDOG])
        for name, (value, code, source_ns) in ((k, v) for k, v in snapshot.items() if k != _WATCHDOG):
            variable = self.space.variables[name]
            variable.value, variable.code, variable.source_ns = value, code, source_ns
            self.space.changed.add(name)

    # --- what clients do (UaEndpoint) -------------------------------------------------------------------------
    def admit(self, client: UaClientEnd, access: OpcUaAccess) -> str:
        """Open a session of the box; the same refusals as over TCP."""
        refusal = self.users.refusal(access)
        if refusal:
            return refusal
        self._clients[client] = access.user
        return ""

    def leave(self, client: UaClientEnd) -> None:
        """The session is over."""
        self._clients.pop(client, None)

    def describe(self, node: str) -> NodeInfo:
        """What that node is."""
        variable = self.space.variables.get(str(parse_node(node)))
        return NodeInfo(CODES["BadNodeIdUnknown"]) if variable is None else NodeInfo(0, variable.type)

    def read(self, nodes: Sequence[str]) -> list[UaSample]:
        """Values now."""
        self.refresh()
        return [self._sample(node) for node in nodes]

    def refresh(self) -> None:
        """Somebody looks: bring the values up to date."""
        if self.on_request is not None:
            self.on_request()
        while (due_ns := self.due_ns) is not None and due_ns <= self.watchdog.now_ns:  # a device without a plant
            self.happen()

    def _sample(self, node: str) -> UaSample:
        variable = self.space.variables.get(str(parse_node(node)))
        if variable is None:
            return UaSample(None, CODES["BadNodeIdUnknown"])
        value = variable.value
        if isinstance(value, Unit | Range):
            return UaSample(None, CODES["BadTypeMismatch"])
        return UaSample(None if is_bad(variable.code) else value, variable.code, variable.source_ns)

    def write(self, client: UaClientEnd, values: Sequence[tuple[str, bool | int | float | str]]) -> list[int]:
        """A session of the box writes; a status code for each node."""
        self.refresh()
        items = [(self.space.variables.get(str(parse_node(node))), value) for node, value in values]
        allowed = self.users.may_write(self._clients.get(client, ""))
        refusal = (
            self.refusal(items, client.peer) if allowed else 0
        )  # who may not write does not raise the epoch either
        if refusal:
            return [refusal] * len(items)
        epoch = self.gate.carried(items) if self.gate is not None else 0
        return [self._write(client, variable, value, epoch) for variable, value in items]

    def refusal(self, items: Sequence[tuple[UaVariable | None, Any]], peer: str) -> int:
        """Status code with which a write request is refused as a whole; 0 = it is looked at node by node."""
        return self.gate.refusal(items, peer) if self.gate is not None and not self.refuse_writes_with else 0

    def _write(self, client: UaClientEnd, variable: UaVariable | None, value: Content, epoch: int) -> int:
        if variable is None:
            return CODES["BadNodeIdUnknown"]
        if self.refuse_writes_with:
            return self.refuse_writes_with
        if not variable.writable or not self.users.may_write(self._clients.get(client, "")):
            return CODES["BadUserAccessDenied"]
        self.accept(variable, value, client.peer, epoch)
        return 0

    def watch(self) -> int:
        """May a subscription be made?"""
        return CODES["BadTooManySubscriptions"] if self.refuses_subscriptions else 0

    def accept(self, variable: UaVariable, value: Content, peer: str, epoch: int = 0) -> None:
        """A client has written ``variable``."""
        now_ns = self._clock.time_ns()
        self.space.set(variable, value, variable.code if not variable.point else 0, now_ns)
        name = variable.point
        if not name:
            self._simulation_written(variable)
            return
        written = self.value(name)
        self._record(name, written, peer, epoch)
        self.watchdog.written()
        if self.on_output is not None:
            self.on_output(name, written)

    def _note_refused(self, outputs: tuple[str, ...], epoch: int, peer: str) -> None:
        for name in outputs:
            self._record(name, self.value(name), peer, epoch, accepted=False)

    def _record(self, name: str, value: float, peer: str, epoch: int, accepted: bool = True) -> None:
        if self.writes is not None:
            now_ns, device_ns = self._clock.time_ns(), self._clock.monotonic_ns()
            self.writes.append(WriteRecord(now_ns, name, value, peer, epoch, accepted, device_ns))

    def _simulation_written(self, variable: UaVariable) -> None:
        """A part of a signal was written: show what is to be shown now, and that somebody works here."""
        for name, shown in self.space.of_point.items():
            if str(shown.name) == variable.parent:
                self._measured(name, shown, self.space.signal(name, "ActualValue").value)
        self._show_health()

    async def settle(self) -> None:
        """Over TCP: what has changed is with the server now (for tests and tools)."""
        if self._server is not None:
            await self._server.show_changes()
        await asyncio.sleep(0)


def _has_signal(variable: UaVariable) -> bool:
    """True for a point with a number: what it shows may be simulated."""
    return bool(variable.point) and variable.type not in (variants.BOOLEAN, variants.STRING)
