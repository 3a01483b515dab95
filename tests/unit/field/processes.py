"""A simulated device of a type, without a plant and without registers: its behaviours step by step."""

from field_io.devices.processes import Process
from tests.unit.config.fields_of import devices_of

STEP_S = 0.1


class OnStep:
    """The process of one device, with points by their names in the map or by their tags."""

    def __init__(self, device: str, seed: int = 1, **files: str) -> None:
        devices, errors = devices_of(f"devices:\n  D: {device}\n", **files)
        assert errors == []
        spec = devices["D"]
        self.process = Process(spec, seed)
        self._names = {point.of_map or point.name: point.name for point in (*spec.points, *spec.untaken)}
        self.process.step(0.0)

    def __getitem__(self, name: str) -> float:
        return self.process.get(self._names[name])

    def __setitem__(self, name: str, value: float) -> None:
        self.process.put(self._names[name], value)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.process.step(STEP_S)

    def names(self) -> list[str]:
        return list(self._names)
