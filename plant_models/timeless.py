"""A plant as if everything had always been as it is now: what linear analysis sees of dead times.

Called by   ``plant_models.linear``, ``plant_models.steady_state``.
Knows       ``PlantModel``. Steady states and gains do not depend on dead times, but a plant with a delay line does not
            answer at once; here it does, because its past is made like its present before every look.
"""

from typing import Any, Protocol, cast, runtime_checkable

from plant_models.model import PlantModel, Vector


@runtime_checkable
class HasPast(Protocol):
    """A plant that remembers what was: delay lines of inputs, sample lines of analysers."""

    def forget_past(self) -> None:
        """Let everything that it remembers be as it is now."""
        ...


class _Timeless:
    """The plant, except that it forgets before it answers."""

    def __init__(self, plant: PlantModel, past: HasPast) -> None:
        self._plant = plant
        self._past = past

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plant, name)

    def derivatives(self) -> Vector:
        self._past.forget_past()
        return self._plant.derivatives()

    def measure(self) -> None:
        self._past.forget_past()
        self._plant.measure()


def without_past(plant: PlantModel) -> PlantModel:
    """``plant`` for analysis: the same vectors, answers without dead time."""
    return cast(PlantModel, _Timeless(plant, plant)) if isinstance(plant, HasPast) else plant


def settled_rates(plant: PlantModel) -> Vector:
    """Derivatives once all that is under way has arrived; the plant is left as it was."""
    if not isinstance(plant, HasPast):
        return plant.derivatives()
    before = plant.snapshot()
    plant.forget_past()
    rates = plant.derivatives()
    plant.restore(before)
    return rates
