"""The plant under the published controllers, many seconds in one compiled call.

Called by   ``plant`` (its reference control), ``batch``, studies.
Knows       ``stepping`` and ``reference_control``.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from plant_models.compiled import CompiledPlant
from plant_models.model import PlantModel, Vector
from plant_models.tennessee_eastman import stepping
from plant_models.tennessee_eastman.reference_control import (
    SEEN,
    SETPOINT_NAMES,
    SETPOINTS,
    SP,
    WORDS,
    begin_control,
    clip_demands,
    control_second,
)


class TennesseeEastmanControl:
    """The published controllers beside one plant.

    They begin with the published demands and setpoints of the base case, whatever state the plant is in.
    """

    def __init__(self, plant: PlantModel) -> None:
        self._memory = np.zeros(WORDS)
        self.setpoints = self._memory[SP : SP + len(SETPOINTS)]
        self.setpoint_names = SETPOINT_NAMES
        plant.measure()
        begin_control(self._memory, plant.inputs, plant.outputs, np.array(SETPOINTS))
        plant.measure()

    @property
    def memory(self) -> Vector:
        """Everything the controllers remember; a copy of it is a snapshot."""
        return self._memory

    def step(self, plant: PlantModel) -> None:
        """One second of control, before the plant's second."""
        clip_demands(plant.inputs)
        control_second(self._memory, plant.inputs)
        plant.measure()  # with disturbances as they are now
        self._memory[SEEN:WORDS] = plant.outputs[: WORDS - SEEN]

    def advance(self, plant: PlantModel, periods: int, dt_s: float) -> None:
        """``periods`` seconds of control and plant; compiled as one where the step divides a second."""
        run(plant, self, periods, dt_s)


def run(plant: PlantModel, control: TennesseeEastmanControl, seconds: int, dt_s: float = 1.0) -> None:
    """``seconds`` seconds of closed loop. Raises ``ValueError`` if steps of ``dt_s`` do not divide a second."""
    per_second = round(1.0 / dt_s)
    if per_second < 1 or abs(per_second * dt_s - 1.0) > 1e-9:
        raise ValueError(f"plant {plant.type.name}: under control a step must divide a second; {dt_s} s does not")
    if isinstance(plant, CompiledPlant):
        steps = seconds * per_second
        stepping.run(plant.memory, plant.ends, control.memory, steps, dt_s, per_second, plant.method)
        return
    for _ in range(seconds):
        control.step(plant)
        plant.advance(dt_s, per_second)


@dataclass(frozen=True, slots=True)
class Row:
    """One moment of a closed-loop run: true time, 41 measurements, 12 demands, 20 setpoints."""

    time_s: float
    xmeas: tuple[float, ...]
    xmv: tuple[float, ...]
    setpoints: tuple[float, ...]


def closed_loop(plant: PlantModel, duration_s: int, every_s: int = 180, dt_s: float = 1.0) -> Iterator[Row]:
    """Run ``plant`` from its start under the published controllers; a row at 0 and after every ``every_s`` seconds."""
    control = TennesseeEastmanControl(plant)
    done = 0
    while True:
        yield Row(
            plant.time_s,
            tuple(map(float, plant.outputs[:41])),
            tuple(map(float, plant.inputs)),
            tuple(map(float, control.setpoints)),
        )
        now = min(every_s, duration_s - done)
        if now <= 0:
            return
        run(plant, control, now, dt_s)
        done += now
