"""No plant: what stands in where a control system runs on real devices alone, or on devices that need no process.

Called by   ``Catalogue.open`` for the kind ``none`` (a plant.yaml without `model`).
Knows       that time passes, and nothing else. It is no subject of study, so it is not among ``PLANTS``.
"""

import struct

import numpy as np

from plant_models.model import PlantEvent, PlantModel, PlantType, Setting, Vector

NONE = "none"
_MAGIC = b"NOPLANT1"


class NoPlant:
    """A plant without variables; nothing ever happens to it."""

    def __init__(self, kind: PlantType, setting: Setting) -> None:
        self.type = kind
        self.setting = setting.name
        self.time_s = 0.0
        self.frozen = False
        self._nothing = np.zeros(0)

    @property
    def states(self) -> Vector:
        return self._nothing

    inputs = outputs = disturbances = parameters = states

    def advance(self, dt_s: float, steps: int = 1) -> None:
        if not dt_s > 0.0:
            raise ValueError(f"a step is longer than 0 s, not {dt_s}")
        self.time_s += dt_s * steps

    def measure(self) -> None:
        """There is nothing to measure."""

    def derivatives(self) -> Vector:
        return np.zeros(0)

    def get(self, name: str) -> float:
        self.type.variable(name)
        raise AssertionError("a plant without variables has none of any name")  # pragma: no cover

    def set(self, name: str, value: float) -> None:
        self.type.variable(name)

    def active_conditions(self) -> tuple[str, ...]:
        return ()

    def take_events(self) -> list[PlantEvent]:
        return []

    def snapshot(self) -> bytes:
        return _MAGIC + struct.pack("<d", self.time_s)

    def restore(self, snapshot: bytes) -> None:
        if not snapshot.startswith(_MAGIC):
            raise ValueError("this is not a snapshot of no plant")
        (self.time_s,) = struct.unpack("<d", snapshot[len(_MAGIC) :])


def _create(kind: PlantType, setting: Setting, seed: int, integrator: str) -> PlantModel:
    return NoPlant(kind, setting)


NO_PLANT = PlantType(
    name=NONE,
    title="No plant",
    description="Nothing is simulated: the devices are real, or simulate themselves.",
    reference="",
    variables=(),
    settings=(Setting("idle", "nothing to set", {}, {}, {}),),
    create_model=_create,
    step_s=0.1,
)
