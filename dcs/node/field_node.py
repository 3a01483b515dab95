"""The field node: the simulated plant and its devices, with a desk for disturbances and exercises.

Called by   ``dcs.node.assembly`` builds it; ``run`` is the node.
Knows       the simulation through a protocol; which plant and which devices it is, the assembly decides.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from dcs.bus.messages import Command, Event, NodeReport, Reply, command_subject
from dcs.core.clock import sleep
from dcs.core.errors import DcsError
from dcs.node.face import NodeFace
from dcs.node.fault_desk import VERBS, FaultDesk
from dcs.node.history_service import HistoryService
from dcs.node.plant_words import DeclaredPlant, PlantCondition, state_of, words_for
from dcs.node.sample_history import PlantHistory
from field_io.fault_kinds import PlannedFault
from field_io.faults import FaultTarget, FieldFaults

_LOOK_S = 2.0


class SimulatedPlant(Protocol):
    """The part of a plant model that the node uses."""

    @property
    def type(self) -> DeclaredPlant: ...
    @property
    def time_s(self) -> float: ...
    @property
    def frozen(self) -> bool: ...
    def active_conditions(self) -> tuple[str, ...]: ...
    def take_events(self) -> Sequence[PlantCondition]: ...
    def get(self, name: str) -> float: ...


class Simulation(Protocol):
    """The simulated field: ``field_io.devices.simulation.FieldSimulation``."""

    slipped_steps: int

    @property
    def plant(self) -> SimulatedPlant: ...
    @property
    def fault_targets(self) -> Mapping[str, FaultTarget]: ...
    async def start(self) -> None: ...
    async def run(self) -> None: ...
    def set_disturbance(self, name: str, value: float) -> None: ...
    def refused_writes(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Before:
    """What was before the start: samples to serve, events for the journal."""

    history: PlantHistory
    events: Sequence[Event]


class FieldNode:
    """Runs the simulation and answers commands; those that make the field fail are the business of ``desk``."""

    def __init__(
        self,
        face: NodeFace,
        simulation: Simulation,
        desk: FaultDesk,
        planned: Sequence[PlannedFault] = (),
        before: Before | None = None,
    ) -> None:
        """``planned``: faults of the configuration."""
        self.face = face
        self.simulation = simulation
        self.desk = desk
        self._planned = planned
        self._before = before

    @property
    def faults(self) -> FieldFaults:
        """What can fail, and what has."""
        return self.desk.faults

    async def run(self) -> None:
        """Run until cancelled. Raises ``Missing`` when a port is taken."""
        await self.simulation.start()
        await self.face.bus.serve(command_subject(self.face.plant, self.face.node), self._serve)
        self.desk.start(self._planned)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.simulation.run())
                group.create_task(self.face.run(self.report))
                group.create_task(self._journal_conditions())
                history = self._before.history if self._before is not None else PlantHistory()
                group.create_task(HistoryService(self.face.plant, self.face.bus, history).run())
                for event in self._before.events if self._before is not None else ():
                    self.face.outbox.put(event)
        finally:
            self.desk.faults.close()

    async def _serve(self, subject: str, payload: bytes) -> bytes:
        try:
            command = Command.from_bytes(payload)
        except (ValueError, TypeError) as error:
            return Reply("", False, f"This is not a command: {error}").to_bytes()
        return (await self.do(command)).to_bytes()

    async def do(self, command: Command) -> Reply:
        """One command: a disturbance of the plant, or a fault of the field."""
        if command.verb == "disturb":
            return self.disturb(command)
        if command.verb not in VERBS:
            return Reply(command.id, False, f"The field takes disturb, {', '.join(VERBS)}, not {command.verb}.")
        return await self.desk.do(command)

    def disturb(self, command: Command) -> Reply:
        """Change a disturbance of the plant; refused with the known names or the range."""
        if command.verb != "disturb" or not isinstance(command.value, int | float):
            return Reply(command.id, False, f"The field takes `disturb NAME NUMBER`, not `{command.verb}`.")
        try:
            old = self.simulation.plant.get(command.subject)
            self.simulation.set_disturbance(command.subject, float(command.value))
        except (KeyError, ValueError, DcsError) as error:
            return Reply(command.id, False, str(error.args[0] if error.args else error))
        text = f"disturbance {command.subject}: {old:g} -> {command.value:g}"
        self.face.event("field", command.subject, text, command.user, command.station)
        return Reply(command.id, True, text)

    async def _journal_conditions(self) -> None:
        while True:
            plant = self.simulation.plant
            for change in plant.take_events():
                self.face.event("field", change.condition, words_for(change, plant.type))
            await sleep(self.face.clock, _LOOK_S)

    def report(self) -> NodeReport:
        """For ``dcs status``."""
        plant, slipped = self.simulation.plant, self.simulation.slipped_steps
        outside = [name for name in map(state_of, plant.active_conditions()) if name]
        detail = [f"plant time {plant.time_s:.0f} s"]
        if plant.frozen:
            detail.append(f"stands still since: {', '.join(plant.active_conditions())}")
        elif outside:
            detail.append(f"outside its validity range: {', '.join(outside)}")
        if refused := self.simulation.refused_writes():
            detail.append(refused)
        if slipped:
            detail.append(f"{slipped} steps slipped")
        return NodeReport(
            node=self.face.node,
            kind="field",
            pid=self.face.pid,
            time_ns=self.face.clock.time_ns(),
            state="frozen" if plant.frozen else "running",
            links=(self.face.bus_link(),),
            endpoints=self.face.endpoints,
            detail=", ".join(detail),
        )
