"""An operator at a station, who remembers what was acknowledged, and looks for it in every later active.

Called by   tests.simulation.swarm.world.
Knows       the bus, the plan's tags, the answers. Judges S5: what was answered with ok is in the state of each later
            active, unless a later command to the same tag replaced it, or a cold start said that data may be lost.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

from dcs.bus.memory import MemoryBus
from dcs.bus.messages import Command, Reply, command_subject
from dcs.core.clock import NS_PER_S
from dcs.core.errors import LinkDown
from dcs.core.modes import AUTO, MAN, MODE_NAMES
from dcs.engine.engine import Engine
from dcs.node.controller import Controller
from tests.simulation.swarm.judge import Judge

_PATIENCE_S, _BEYOND_SCANS_S = 5.0, 3.0
_REMEMBERED = 100  # answered commands; the book of the controllers keeps 256
_BY_HAND_S = 15.0  # so long a loop stays in Man
_LOOKS_EVERY_S = 20.0  # for what has tripped or was taken to Man
_SETTING_SPREAD = 0.05
_SETPOINT_SPREAD = 0.01


def value_of(engine: Engine, tag: str) -> float:
    """What the memory of a controller holds for a tag that people write."""
    place = engine.plan.tag_by_name[tag]
    record = engine.plan.records[place.record]
    name = "target" if place.field == "mode" else place.field
    word = record.at + record.type.index[name]
    kind: Any = np.int64 if record.type.field(name).dtype == "i8" else np.float64
    return float(engine.memory.view(kind)[word])


class Client:
    """Gives one command after the other, each with a value that was never used before."""

    def __init__(
        self,
        plant: str,
        pair: str,
        bus: MemoryBus,
        judge: Judge,
        rng: Random,
        every_s: float,
        active: Callable[[], Controller | None],
    ) -> None:
        """``active``: what the screens of the station show is the state of that one."""
        self._subject = command_subject(plant, pair)
        self._bus = bus
        self._judge = judge
        self._rng = rng
        self._every_s = every_s
        self._active = active
        self._number = 0
        self._patience_s = _PATIENCE_S
        self.allowed: dict[str, tuple[float, ...]] = {}  # what may be in the memory for a tag
        self.answered: deque[str] = deque(maxlen=_REMEMBERED)
        self._first: dict[str, float] = {}  # how the plant was found
        self._settings: list[str] = []
        self._setpoints: list[str] = []
        self._modes: list[str] = []
        self._by_hand: deque[tuple[int, str]] = deque()
        self._targets: dict[str, int] = {}  # mode of every block that people can move, as it was found
        self._commands: dict[str, int] = {}  # what motors and valves were told, as it was found

    def learn(self, controller: Controller, may_move: bool) -> None:
        """What can be written in this plant, as it is now. ``may_move``: also setpoints and modes."""
        engine = controller.replica.engine
        fastest_s = min(c.period_ns for c in controller.replica.program.scan_classes) / NS_PER_S
        self._patience_s = max(_PATIENCE_S, _BEYOND_SCANS_S + 2.0 * fastest_s)
        for place in engine.plan.tags:
            name = place.tag.name
            if not place.tag.writable or place.record < 0 or name.count(".") != 1:
                continue
            value = value_of(engine, name)
            if name.endswith(".MODE"):
                self._targets[name] = int(value)
            kind = engine.plan.records[place.record].type
            if place.field == "sp" and kind.has("tripped"):
                self._commands[name] = int(value)
                continue
            if name.endswith((".GAIN", ".TI")) and value > 0.0:
                self._settings.append(name)
            elif may_move and name.endswith(".MODE") and value == AUTO and kind.has("ti_s"):
                self._modes.append(name)
                self._setpoints.append(name.replace(".MODE", ".SP"))
            else:
                continue
            self._first[name] = value
        for name in self._setpoints:
            self._first[name] = value_of(engine, name)
        self.allowed = {name: (value,) for name, value in self._first.items()}

    # --- commands -----------------------------------------------------------------------------------------
    async def run(self) -> None:
        """Until cancelled."""
        looked_ns = self._judge.now_ns()
        while True:
            await asyncio.sleep(self._rng.expovariate(1.0 / self._every_s))
            now_ns = self._judge.now_ns()
            if now_ns - looked_ns > _LOOKS_EVERY_S * NS_PER_S:
                looked_ns = now_ns
                await self.look_after()
                continue
            if self._by_hand and now_ns - self._by_hand[0][0] > _BY_HAND_S * NS_PER_S:
                if await self.order("set", self._by_hand[0][1], "AUTO"):
                    self._by_hand.popleft()
                continue
            await self._something()

    async def _something(self) -> None:
        chance = self._rng.random()
        if chance < 0.1:
            await self.order("ack_all")
        elif chance < 0.2 and self._modes and not self._by_hand:
            name = self._rng.choice(self._modes)
            self._by_hand.append((self._judge.now_ns(), name))
            await self.order("set", name, "MAN")
        elif chance < 0.35 and self._setpoints:
            name = self._rng.choice(self._setpoints)
            await self.order("set", name, self._near(name, _SETPOINT_SPREAD))
        elif self._settings:
            name = self._rng.choice(self._settings)
            await self.order("set", name, self._near(name, _SETTING_SPREAD))

    def _near(self, name: str, spread: float) -> float:
        return self._first[name] * (1.0 + spread * (2.0 * self._rng.random() - 1.0))

    async def put_back(self) -> bool:
        """Leave the plant as it was found; False when a command was not answered with ok."""
        wanted = [name for name, value in self._first.items() if self.allowed[name] != (value,)]
        done = True
        for name in sorted(wanted, key=lambda name: not name.endswith(".MODE")):
            done &= await self.order("set", name, "AUTO" if name.endswith(".MODE") else self._first[name])
        self._by_hand.clear()
        return done

    async def look_after(self) -> None:
        """What an operator does who finds the plant after trouble: blocks go back from the mode that a bad input took
        them to, where their SHED_OPT leaves that to a person; motors that have tripped are reset and started.
        """
        controller = self._active()
        if controller is None:
            return
        engine = controller.replica.engine
        for name, mode in self._targets.items():
            if name not in self.allowed and int(value_of(engine, name)) != mode:
                self._judge.counts["modes put back"] += 1
                await self.order("set", name, MODE_NAMES[mode].upper())
        for name, command in self._commands.items():
            if int(value_of(engine, name)) != command:
                self._judge.counts["motors started again"] += 1
                await self.order("set", name.replace(".SP", ".RESET"), 1.0)
                await self.order("set", name, float(command))

    def reset_s(self, loop: str) -> float:
        """Reset time of a loop, as it was found; 0 = it has none."""
        return self._first.get(f"{loop}.TI", 0.0)

    async def order(self, verb: str, subject: str = "", value: float | str | None = None) -> bool:
        """One command; whether it was answered with ok."""
        self._number += 1
        command = Command(f"client:{self._number}", verb, subject, value, "operator", "OS-1")
        number = {"MAN": float(MAN), "AUTO": float(AUTO)}.get(str(value), value) if subject in self.allowed else None
        if isinstance(number, float):
            before = self.allowed[subject]
            self.allowed[subject] = (*dict.fromkeys((*before, number)),)
        try:
            reply = Reply.from_bytes(await self._bus.request(self._subject, command.to_bytes(), self._patience_s))
        except LinkDown:
            self._judge.counts["commands without an answer"] += 1
            return False
        if not reply.ok:
            self._judge.counts["commands refused"] += 1
            self._judge.tell("client", f"{verb} {subject} {value}: {reply.text}")
            if isinstance(number, float):
                self.allowed[subject] = before
            return False
        self._judge.counts["commands answered"] += 1
        self.answered.append(command.id)
        if isinstance(number, float):
            self.allowed[subject] = (number,)
        return True

    # --- judgement ----------------------------------------------------------------------------------------
    def look(self, controller: Controller, cold: bool) -> None:
        """A controller became the active: is everything in its memory that was answered?"""
        replica = controller.replica
        if cold:  # it said that acknowledged data may be lost: what it has now counts
            self.answered.clear()
            if replica.scan:
                self.allowed = {
                    name: (value_of(replica.engine, name), *values) for name, values in self.allowed.items()
                }
            else:
                self.allowed = {name: (self._first[name], *values) for name, values in self.allowed.items()}
            return
        node = controller.face.node
        for command_id in self.answered:
            if not replica.answered(command_id):
                self._judge.breaks(f"S5: {node} took over without {command_id}, which had been answered with ok")
                return
        for name, values in self.allowed.items():
            found = value_of(replica.engine, name)
            if found not in values:
                wanted = " or ".join(f"{value:g}" for value in values)
                self._judge.breaks(f"S5: {node} took over with {name} = {found:.9g}; answered with ok was {wanted}")
                return
