"""One run of a situation, with or without a fault: what the devices were written, and what the holder's memory held.

Called by   tests.simulation.twin.study, the tests.
Knows       the box. The memory is looked at in the middle of every period, when every scan of it is done in both runs.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcs.bench.machines.bump import Course
from dcs.bus.messages import Event, event_subject
from dcs.config.plant_config import PlantConfig
from dcs.core.clock import NS_PER_S
from dcs.core.simulated_time import SimulatedLoop, run_simulated
from dcs.engine.plan import Plan
from dcs.node.box import Box
from dcs.node.controller import Controller
from dcs.node.recorder import Recorder
from tests.simulation.twin.faults import FAULTS
from tests.simulation.twin.situations import Situation

LOOK_AT = 0.9
"""Where in a period the two runs are compared: every scan of it is done and written."""


@dataclass
class Run:
    """What one run left behind."""

    plan: Plan
    course: Course
    events: list[Event] = field(default_factory=list)
    looks: dict[int, NDArray[np.int64]] = field(default_factory=dict)  # of the holder's memory, by plant time
    frames: list[tuple[bytes, int, int]] = field(default_factory=list)  # published: (layout, time of the scan, epoch)
    told: list[Event] = field(default_factory=list)  # as ``events``, but with what was published twice
    struck_ns: int = 0  # UTC
    old: str = ""
    members: tuple[str, ...] = ()


def run(
    config: PlantConfig, situation: Situation, period_s: float, fault: str = "", at_s: float = 0.0, seed: int = 1
) -> Run:
    """``fault`` at ``at_s`` seconds of true time; "" = the twin."""
    return run_simulated(lambda loop: _run(loop, config, situation, period_s, fault, at_s, seed))


async def _run(
    loop: SimulatedLoop, config: PlantConfig, situation: Situation, period_s: float, fault: str, at_s: float, seed: int
) -> Run:
    async with Box(config, loop, seed) as box:
        recorder = Recorder(config.name, await box.peers.bus("recorder"))
        await recorder.start()
        told: list[Event] = []

        async def hear(subject: str, payload: bytes) -> None:
            told.append(Event.from_bytes(payload))

        listener = await box.peers.bus("listener")
        await listener.subscribe(event_subject(config.name, "*"), hear)
        for device in box.field.simulation.devices:
            record: Any = device
            record.record_writes()
        pair = config.controllers[0].name
        story: list[tuple[float, int, Any]] = [
            (second, 0, (tag, value)) for second, tag, value in (*situation.before, *situation.after)
        ]
        looks = round((situation.end_s - 20.0) / period_s)
        story += [(20.0 + (n + LOOK_AT) * period_s, 1, None) for n in range(looks)]
        if fault:
            story.append((at_s, 2, None))
        await box.run_until_ns(round(20.0 * NS_PER_S))
        found = Run(box.controller(box.active(pair)).replica.program.plan, Course())
        found.members = tuple(config.controller(pair).members)
        for second, what, command in sorted(story, key=lambda one: one[:2]):
            await box.run_until_ns(round(second * NS_PER_S))
            if what == 0:
                await _command(box, pair, *command)
            elif what == 1:
                _look(box, pair, found)
            else:
                found.old, found.struck_ns = box.active(pair), box.clock.time_ns()
                await FAULTS[fault](box, pair, found.old)
        for device in box.field.simulation.devices:
            record = device
            for write in record.writes:
                if write.accepted:
                    found.course.add(write.point, write.time_ns, write.value, write.peer)
        found.events, found.told = list(recorder.events), list(told)  # not what is told while the box is shut
        found.frames = [(frame.layout_hash, frame.time_ns, frame.epoch) for frame in recorder.frames]
        return found


async def _command(box: Box, pair: str, tag: str, value: float | str) -> None:
    reply = await box.command(pair, "ack", str(value)) if tag == "ack" else await box.command(pair, "set", tag, value)
    assert reply.ok, reply.text


def _look(box: Box, pair: str, found: Run) -> None:
    members = [box.nodes.get(name) for name in box.config.controller(pair).members]
    holders = [one for one in members if isinstance(one, Controller) and one.member.role == "active"]
    if not holders:
        return
    controller = max(holders, key=lambda one: one.member.epoch)  # one that stands still does not know that it is none
    memory = controller.replica.engine.memory
    time_ns = max(controller.replica.last_time_ns(n) for n in range(len(controller.replica.program.scan_classes)))
    found.looks[time_ns] = memory.view(np.int64).copy()
