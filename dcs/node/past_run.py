"""Computes a past: the plant without its network runs for hours in seconds, and what it did is kept.

Called by   ``dcs.node.past_store`` when the past is not there yet.
Knows       ``dcs.node.direct`` through what the assembly built. The controllers' memories at the end are kept as
            checkpoints, the field's as a snapshot: both belong to the same instant.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dcs.bus.messages import Event, Layout
from dcs.config.plant_config import PlantConfig
from dcs.core.clock import NS_PER_S
from dcs.core.errors import DcsError
from dcs.core.status import BAD
from dcs.engine.engine import Engine
from dcs.node.direct import START_UTC_NS, DirectPlant
from dcs.node.past import Past, PastController, PastGroup
from dcs.node.program import build_program
from dcs.node.replica import Replica
from dcs.node.versions import STARTED, version_of

LEAD_IN_S = 600.0
"""Computed before and not kept: the start-up of controllers that begin with nothing is no part of the past."""
UNACKNOWLEDGED = (1, 3, 4)
"""States of alarms that wait for an acknowledgement (ISA-18.2: B, D, E)."""
EVENTS_MAX = 400
"""The newest events of a past that are kept."""
Progress = Callable[[float], None]
"""Called with the seconds that are computed."""


class CannotCompute(DcsError):
    """The past of this plant cannot be computed, and why."""


def compute_past(config: PlantConfig, plant: DirectPlant, length_ns: int, sample_ns: int, progress: Progress) -> Past:
    """Let ``plant``, fresh from its start, run for ``length_ns``. Raises ``CannotCompute``."""
    recorders = [
        _Recorder(layout, index, plant.engine(controller.name))
        for controller in config.controllers
        for index, layout in enumerate(plant.engine(controller.name).layouts(config.name))
    ]
    plant.run_for(LEAD_IN_S)
    plant.events.clear()
    for number in range(1, length_ns // sample_ns + 1):
        plant.run_for(sample_ns / NS_PER_S)
        for recorder in recorders:
            recorder.sample(number * sample_ns - length_ns)
        progress(number * sample_ns / NS_PER_S)
    end_ns = START_UTC_NS + round(plant.time_s * NS_PER_S)
    if not all(recorder.finite for recorder in recorders):
        raise CannotCompute("a measurement was no number during all of it")
    if any(recorder.unacknowledged for recorder in recorders):
        plant.command("ack_all")  # somebody has seen it: what is old does not sound the horn of a new day
    plant.field.write_registers()
    return Past(
        length_ns,
        sample_ns,
        tuple(recorder.group() for recorder in recorders),
        tuple(_stand(config, controller.name, plant, end_ns) for controller in config.controllers),
        plant.field.snapshot(),
        tuple(_event(event, end_ns) for event in plant.events[-EVENTS_MAX:]),
    )


def _event(event: Event, end_ns: int) -> Event:
    return replace(event, id=f"past:{event.id}", time_ns=event.time_ns - end_ns)


class _Recorder:
    """Samples of one scan class."""

    def __init__(self, layout: Layout, index: int, engine: Engine) -> None:
        self._layout, self._index, self._engine = layout, index, engine
        self._times: list[int] = []
        self._values: list[NDArray[np.float32]] = []
        self._bad: list[NDArray[np.bool_]] = []

    def sample(self, time_ns: int) -> None:
        values, statuses, _ = self._engine.columns(self._index)
        self._times.append(time_ns)
        with np.errstate(over="ignore"):  # a number beyond float32 is drawn as what it is: beyond everything
            self._values.append(values.astype(np.float32))
        self._bad.append((statuses >> 6) == BAD)

    @property
    def finite(self) -> bool:
        """Was there anything to see?"""
        return not self._values or bool(np.isfinite(self._values[-1]).any())

    @property
    def unacknowledged(self) -> bool:
        """Does an alarm wait for somebody?"""
        _, _, alarms = self._engine.columns(self._index)
        return bool(np.isin(alarms["state"], UNACKNOWLEDGED).any())

    def group(self) -> PastGroup:
        layout = self._layout
        return PastGroup(
            layout.pair,
            layout.scan_class,
            layout.hash,
            tuple(tag.name for tag in layout.tags),
            np.array(self._times, np.int64),
            np.array(self._values, np.float32).reshape(len(self._times), len(layout.tags)),
            np.array(self._bad, np.bool_).reshape(len(self._times), len(layout.tags)),
        )


def _stand(config: PlantConfig, name: str, plant: DirectPlant, end_ns: int) -> PastController:
    """One controller at the end, as the copy that its checkpoint holds."""
    program = build_program(version_of(config, 1, 0, STARTED, "", ""), config, name)
    plan = program.plan
    words = np.frombuffer(plant.engine(name).snapshot(), np.int64).copy()
    time_words = [plan.word_of(alarm.record, "alarm_time_ns") for alarm in plan.alarms]
    time_words = [word for word in time_words if words[word]]
    words[time_words] -= end_ns
    program.engine.restore(words.tobytes())
    replica = Replica(program)
    replica.scan = sum(plant.engine(name).scans(index) for index in range(len(program.scan_classes)))
    return PastController(
        name,
        plan.digest.hex(),
        replica.scan,
        program.shape.to_bytes(),
        replica.snapshot(),
        8 * plan.words,
        tuple(time_words),
    )
