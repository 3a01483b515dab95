"""The simulated field: plant, instruments and devices on one clock.

Called by   the field node (``run``) and, through the devices, by every request a client makes.
Knows       a ``PlantModel``, the devices and their signals. The numbers depend on the step alone: the plant is brought
            up to date in whole steps whenever somebody asks, and an output counts from the first step after it arrived,
            however rarely or often anybody looks.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dcs.core.clock import NS_PER_S, Clock
from dcs.core.errors import ConfigError
from field_io import ne107
from field_io.actuators import Actuators
from field_io.devices.device import SimulatedDevice
from field_io.devices.device_faults import DeviceTarget
from field_io.devices.fault_snapshot import kept_faults, restore_faults
from field_io.devices.point_faults import Bank, PointTarget
from field_io.devices.processes import Processes
from field_io.fault_kinds import device_subjects
from field_io.faults import FaultyDevice
from field_io.signals import Transmitters
from field_io.specs import PointSpec
from plant_models.model import DISTURBANCE, INPUT, OUTPUT, PARAMETER, STATE, NoSnapshot, PlantModel

Vector = NDArray[np.float64]

UPDATE_NS = 5 * NS_PER_S
CATCH_UP_S = 10
"""After a longer sleep of the machine the plant goes on from where it stood instead of racing after the clock."""

_VERSION = 5


@runtime_checkable
class HasHealth(Protocol):
    """A device with an NE 107 condition of its own."""

    def set_health(self, health: int) -> None:
        """From now on it is in that condition."""
        ...


class FieldSimulation:
    """Advances the plant, feeds the measurements to the devices and the devices' outputs to the plant."""

    def __init__(
        self,
        plant: PlantModel,
        devices: Sequence[SimulatedDevice],
        clock: Clock,
        step_ns: int,
        seed: int,
        update_ns: int = UPDATE_NS,
    ) -> None:
        """Raises ``ConfigError`` for a signal whose variable the plant does not have."""
        self.plant = plant
        self.devices = tuple(devices)
        self.slipped_steps = 0
        self._clock = clock
        self._step_ns = step_ns
        self._step_s = step_ns / NS_PER_S
        self._update_ns = update_ns
        self._steps = 0
        self._origin_ns = clock.monotonic_ns()

        self._acting = [device for device in self.devices if device.acts]
        measured: list[PointSpec] = []
        driven: list[PointSpec] = []
        self._columns: list[tuple[SimulatedDevice, tuple[str, ...], slice]] = []
        self._encoded_at: list[int] = []
        for number, device in enumerate(self.devices):
            inputs = [p for p in device.spec.points if p.direction == "in" and p.signal is not None]
            self._columns.append(
                (device, tuple(p.name for p in inputs), slice(len(measured), len(measured) + len(inputs)))
            )
            self._encoded_at.append(-1)
            measured += inputs
            outputs = [p for p in device.spec.points if p.direction == "out" and p.signal is not None]
            self._attach(device, number, {p.name: len(driven) + at for at, p in enumerate(outputs)})
            driven += outputs

        self.measured_points, self.driven_points = tuple(measured), tuple(driven)
        self._driven_place = {point.name: at for at, point in enumerate(driven)}
        self._transmitters = Transmitters(measured, self._step_s, seed)
        self._actuators = Actuators(driven, self._step_s)
        self._sources = [self._find(point, (OUTPUT, STATE, INPUT)) for point in measured]
        self._inputs, self._outputs = plant.inputs, plant.outputs  # views, good for the plant's life
        self._only_outputs = all(
            point.signal.variable in plant.type.names(OUTPUT) for point in measured if point.signal
        )
        self._source_at = [at for _, at in self._sources]
        self._driven_at = [self._find(point, (INPUT,))[1] for point in driven]
        place = {point.name: at for at, point in enumerate(measured)}
        self._diagnosed = [self._status_points(device, place) for device in self.devices]
        self._failed: list[set[str]] = [set() for _ in self.devices]
        self._told = [device if isinstance(device, HasHealth) else None for device in self.devices]
        self._conditions = [ne107.NORMAL] * len(self.devices)  # what devices were told of themselves last
        self.fault_targets = self._fault_targets()
        self._processes = Processes([device.spec for device in self.devices], seed, measured)
        self.measured_points += self._processes.made
        self.driven_points += self._processes.told_alone

        self._prepare_plant()
        self._transmitters.settle(self._plant_values())
        self._actuators.settle([float(plant.inputs[at]) for at in self._driven_at])
        for device in self.devices:
            for point in device.spec.points:
                if point.direction == "out" and point.signal is not None:
                    at = self._driven_place[point.name]
                    demand = self._actuators.demand_of(at, float(self._actuators.targets[at]))
                    device.set_value(point.name, demand)
                    self._processes.settle(point.name, demand)
            device.note_power_up()
        self._step_processes(0.0)

    def _status_points(self, device: SimulatedDevice, place: Mapping[str, int]) -> list[tuple[PointSpec, list[int]]]:
        """Points that carry an NE 107 status, each with the measurements that it is about."""
        told = {p.status for p in device.spec.points if p.status}
        return [
            (status, [place[p.name] for p in device.spec.points if p.status == status.name and p.name in place])
            for status in device.spec.points
            if status.name in told
        ]

    def _fault_targets(self) -> dict[str, PointTarget | DeviceTarget]:
        targets: dict[str, PointTarget | DeviceTarget] = {}
        banks: tuple[tuple[Bank, tuple[PointSpec, ...]], ...] = (
            (self._transmitters, self.measured_points),
            (self._actuators, self.driven_points),
        )
        device_of = {point.name: device for device in self.devices for point in device.spec.points}
        for bank, points in banks:
            for at, point in enumerate(points):
                device = device_of[point.name]
                targets[point.name] = PointTarget(point, bank, at, device, self, self._step_ns, self._encode_anew)
        for device in self.devices:
            own: dict[str, FaultyDevice] = {device.spec.name: device, **device.parts}
            targets |= {
                subject.name: DeviceTarget(own[subject.name], subject) for subject in device_subjects(device.spec)
            }
        return targets

    def _encode_anew(self) -> None:
        self._encoded_at = [-1] * len(self.devices)

    def _prepare_plant(self) -> None:
        """Compile it here, while nobody waits for an answer. What cannot go back a step needs no compiling either."""
        try:
            still = self.plant.snapshot()
        except NoSnapshot:
            self.plant.measure()
            return
        self.plant.advance(self._step_s)
        self.plant.restore(still)
        self.plant.measure()

    def _attach(self, device: SimulatedDevice, number: int, actuator_of: dict[str, int]) -> None:
        def bring_up_to_date() -> None:
            if self._steps_due() > 0:  # what devices do by themselves between two steps counts from the next one
                self.advance()
            self._encode(number)

        def take_output(name: str, value: float) -> None:
            at = actuator_of.get(name)
            if not self._processes.tell(name, value) and at is not None:
                self._actuators.demand(at, value)

        device.on_request = bring_up_to_date
        device.on_output = take_output

    def _step_processes(self, dt_s: float) -> None:
        """Behaviours after a step of the plant; what they do in the plant counts from the next step."""
        said = self._transmitters.field_values() if self._processes.read_plant else None
        for name, demand in self._processes.step(dt_s, said):
            self._actuators.demand(self._driven_place[name], demand)

    def _find(self, point: PointSpec, roles: tuple[str, ...]) -> tuple[Vector, int]:
        assert point.signal is not None
        vectors = {OUTPUT: self.plant.outputs, STATE: self.plant.states, INPUT: self.plant.inputs}
        for role in roles:
            names = self.plant.type.names(role)
            if point.signal.variable in names:
                return vectors[role], names.index(point.signal.variable)
        known = ", ".join(name for role in roles for name in self.plant.type.names(role))
        raise ConfigError(
            f"{point.name}: plant {self.plant.type.name} has no {' or '.join(roles)} `{point.signal.variable}`. "
            f"Use one of {known}.",
            point.place,
        )

    def _plant_values(self) -> list[float]:
        if self._only_outputs:
            outputs = self._outputs.tolist()
            return [outputs[at] for at in self._source_at]
        return [float(vector[at]) for vector, at in self._sources]

    # --- time -------------------------------------------------------------------------------------------------
    @property
    def steps(self) -> int:
        """Plant steps since the start."""
        return self._steps

    def _steps_due(self) -> int:
        return (self._clock.monotonic_ns() - self._origin_ns) // self._step_ns - self._steps

    def advance(self) -> int:
        """Bring the plant up to the clock in whole steps; returns how many it took."""
        due = self._steps_due()
        if due <= 0 and not self._acting:
            return 0
        now_ns = self._clock.monotonic_ns()
        most = max(CATCH_UP_S * NS_PER_S, 2 * self._update_ns) // self._step_ns + 1
        if due > most:
            self.slipped_steps += due - most
            self._origin_ns += (due - most) * self._step_ns
            due = most
        end = self._steps + max(0, due)
        while (at_ns := min((d.due_ns for d in self._acting if d.due_ns is not None), default=now_ns + 1)) <= now_ns:
            # What devices do by themselves counts from the first step after it, as what is written to them.
            self._take_steps(min(end, (at_ns - self._origin_ns) // self._step_ns) - self._steps)
            for device in self._acting:
                if device.due_ns == at_ns:
                    device.happen()
        self._take_steps(end - self._steps)
        return max(0, due)

    def _take_steps(self, count: int) -> None:
        if count <= 0:
            return
        plant, actuators, transmitters = self.plant, self._actuators, self._transmitters
        inputs = self._inputs
        for _ in range(count):
            for at, position in zip(self._driven_at, actuators.step(), strict=True):
                inputs[at] = position
            plant.advance(self._step_s)
            transmitters.step(self._plant_values())
            if self._processes.some:
                self._step_processes(self._step_s)
        self._steps += count

    def _encode(self, number: int) -> None:
        """Put the newest measurements into the registers of one device, once per plant step."""
        if self._encoded_at[number] != self._steps:
            self._encoded_at[number] = self._steps
            device, names, columns = self._columns[number]
            values = self._transmitters.field_values()[columns].tolist()
            failed = {name for name, value in zip(names, values, strict=True) if value != value}
            device.set_values(names, [0.0 if value != value else value for value in values] if failed else values)
            for name in failed | self._failed[number]:
                device.set_failed(name, name in failed)
            self._failed[number] = failed
            if (process := self._processes.of[number]) is not None:
                device.set_values(process.made_names, process.made_values())
            self._encode_diagnosis(number)

    def _encode_diagnosis(self, number: int) -> None:
        """What devices know of themselves: status points, and the condition of a device that has one as a whole."""
        device, _, columns = self._columns[number]
        told = self._told[number]  # asking a protocol every time is slow
        for point, sources in self._diagnosed[number]:
            conditions = [self._transmitters.diagnosis(at) for at in sources]
            device.set_value(point.name, ne107.encoded(ne107.worst(conditions), point.ne107))
        if told is not None:
            condition = ne107.worst([self._transmitters.diagnosis(at) for at in range(columns.start, columns.stop)])
            if condition != self._conditions[number]:
                self._conditions[number] = condition
                told.set_health(condition)

    async def start(self) -> None:
        """Let every device listen; the plant's time begins now. Raises ``Missing`` when a port is taken."""
        self._origin_ns = self._clock.monotonic_ns() - self._steps * self._step_ns
        try:
            for number, device in enumerate(self.devices):
                self._encode(number)
                await device.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Close every device."""
        for device in self.devices:
            device.stop()

    async def run(self) -> None:
        """Keep the plant moving when nobody asks; until cancelled. Starts the devices if nobody has."""
        if not any(device.listening for device in self.devices):
            await self.start()
        try:
            due_ns = self._clock.monotonic_ns()
            while True:
                due_ns = max(due_ns + self._update_ns, self._clock.monotonic_ns())
                await self._clock.sleep_until(due_ns)
                self.advance()
        finally:
            self.stop()

    def refused_writes(self) -> str:
        """What devices that check epochs have refused so far, in words; "" = nothing."""
        gates = [(device.spec.name, device.gate) for device in self.devices if device.gate is not None]
        return "; ".join(
            f"{name} has refused {gate.refused} writes, accepts epoch {gate.epoch}, last from {gate.writer or 'nobody'}"
            for name, gate in gates
            if gate.refused
        )

    # --- without registers (dcs.node.direct) ------------------------------------------------------------------
    def measurements(self) -> Vector:
        """What the instruments and behaviours of ``measured_points`` say now, in the points' units."""
        said = self._transmitters.field_values()
        return np.concatenate((said, self._processes.made_values())) if self._processes.made else said

    def demands(self) -> Vector:
        """The demands that stand at ``driven_points``, in the points' units."""
        targets = self._actuators.targets
        demands = [self._actuators.demand_of(at, target) for at, target in enumerate(targets)]
        return np.array([*self._processes.told(demands, self._driven_place), *self._processes.told_alone_values()])

    def demand(self, name: str, value: float) -> None:
        """A demand for one of ``driven_points``. Raises ``KeyError``."""
        if not self._processes.tell(name, value):
            self._actuators.demand(self._driven_place[name], value)

    def write_registers(self) -> None:
        """Put the demands that stand into the registers, as a client who demanded them would have left them."""
        for device in self.devices:
            names = tuple(p.name for p in device.spec.points if p.name in self._driven_place)
            if names:
                demands = self.demands()
                device.set_values(names, [float(demands[self._driven_place[name]]) for name in names])

    # --- from outside -----------------------------------------------------------------------------------------
    def set_disturbance(self, name: str, value: float) -> None:
        """From the next step on. Raises ``KeyError`` for an unknown name, ``ValueError`` outside its range (SI)."""
        self._set(name, value, DISTURBANCE)

    def set_parameter(self, name: str, value: float) -> None:
        """A malfunction of the plant itself; like ``set_disturbance``."""
        self._set(name, value, PARAMETER)

    def _set(self, name: str, value: float, role: str) -> None:
        known = self.plant.type.names(role)
        if name not in known:
            raise KeyError(f"plant {self.plant.type.name} has no {role} `{name}`; it has {', '.join(known)}")
        self.advance()
        self.plant.set(name, value)

    def snapshot(self) -> bytes:
        """Plant, instruments and registers at this instant. Raises ``NoSnapshot`` where the plant cannot be copied."""
        self.advance()
        now_ns = self._clock.monotonic_ns()
        head = json.dumps(
            {
                "version": _VERSION,
                "steps": self._steps,
                "age_ns": now_ns - self._origin_ns,
                "transmitters": self._transmitters.snapshot(),
                "actuators": self._actuators.snapshot(),
                "processes": self._processes.snapshot(),
                "registers": {device.spec.name: device.snapshot() for device in self.devices},
                "faults": kept_faults(self.fault_targets, self._clock.time_ns()),
            },
            separators=(",", ":"),
        ).encode()
        return struct.pack("<I", len(head)) + head + self.plant.snapshot()

    def restore(self, snapshot: bytes) -> None:
        """Go on from ``snapshot`` at the present time. Raises ``ValueError`` when it is of another field."""
        (length,) = struct.unpack_from("<I", snapshot)
        try:
            head = json.loads(snapshot[4 : 4 + length])
        except ValueError as exc:
            raise ValueError("this is not a snapshot of a simulated field") from exc
        names = [device.spec.name for device in self.devices]
        if head["version"] != _VERSION or list(head["registers"]) != names:
            raise ValueError(
                f"this snapshot (version {head['version']}) is of the devices {', '.join(head['registers'])}; "
                f"this field (version {_VERSION}) has {', '.join(names)}"
            )
        self.plant.restore(snapshot[4 + length :])
        self._steps = head["steps"]
        self._origin_ns = self._clock.monotonic_ns() - head["age_ns"]
        self._transmitters.restore(head["transmitters"])
        self._actuators.restore(head["actuators"])
        self._processes.restore(head["processes"])
        for device in self.devices:
            device.restore(head["registers"][device.spec.name])
        restore_faults(self.fault_targets, head["faults"], self._clock.time_ns())
        self._encode_anew()
