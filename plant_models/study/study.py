"""One plant taken alone: what it is, a run of it, its analysis.

Called by   ``dcs.node.assembly.open_study`` for ``dcs plant``, and studies.
Knows       the parts of this package. Names are the plant's own; who reads names from people corrects them before.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from plant_models.model import OUT_OF_RANGE, ROLES, NoSnapshot, PlantEvent, PlantModel, PlantType
from plant_models.study.analysis import analyse
from plant_models.study.run import Grid, Move, Outcome, Rows, Stepper, default_columns, run_alone
from plant_models.study.step_response import Response, answer_time_s, step_responses

NOISE = "noise"
"""Parameter by which a plant scales its measurement noise: 0 = off, 1 = as published."""


def describe(kind: PlantType) -> dict[str, Any]:
    """All that is declared of a plant, as plain numbers, lists and texts; None where a range has no end."""
    return {
        "name": kind.name,
        "title": kind.title,
        "description": kind.description,
        "reference": kind.reference,
        "step_s": kind.step_s,
        "integrator": kind.integrator,
        "reference_control": _hook(kind) is not None,
        "variables": [
            {"name": v.name, "role": v.role, "unit": v.unit, "low": _end(v.low), "high": _end(v.high),
             "meaning": v.meaning}
            for role in ROLES for v in kind.of_role(role)
        ],
        "settings": [
            {"name": s.name, "meaning": s.meaning, "inputs": dict(s.inputs), "parameters": dict(s.parameters),
             "disturbances": dict(s.disturbances)}
            for s in kind.settings
        ],
        "conditions": [{"name": c.name, "meaning": c.meaning} for c in kind.conditions],
    }  # fmt: skip


def _end(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _hook(kind: PlantType) -> Callable[[PlantModel], Any] | None:
    hook: Callable[[PlantModel], Any] | None = getattr(kind, "reference_control", None)
    return hook


class _Controlled:
    """The plant under the controllers that were published with it; time passes in their periods."""

    def __init__(self, plant: PlantModel, control: Any, period_s: float) -> None:
        self._plant, self._control, self._period_s = plant, control, period_s

    def advance(self, dt_s: float, steps: int = 1) -> None:
        self._control.advance(self._plant, round(steps * dt_s / self._period_s), dt_s)


class Study:
    """A plant alone, at its start."""

    def __init__(self, plant: PlantModel) -> None:
        self.plant = plant
        self._stepper: Stepper = plant
        self._period_s = 0.0

    @property
    def has_noise(self) -> bool:
        """Whether the plant has measurement noise that can be switched."""
        return NOISE in self.plant.type.names("parameter")

    @property
    def period_s(self) -> float:
        """Period of the controllers, s; 0 without."""
        return self._period_s

    def take_control(self) -> None:
        """From now on the controllers that were published with the plant move its inputs.

        Raises ``ValueError`` for a plant that has none.
        """
        hook = _hook(self.plant.type)
        if hook is None:
            raise ValueError(f"plant {self.plant.type.name} has no controllers of its own")
        self._period_s = float(getattr(self.plant.type, "control_period_s", 1.0))
        self._stepper = _Controlled(self.plant, hook(self.plant), self._period_s)

    def columns(self) -> tuple[str, ...]:
        """Outputs, inputs, states in declared order."""
        return default_columns(self.plant)

    def run(
        self,
        step_s: float,
        steps: int,
        every: int,
        moves: Sequence[tuple[str, float, bool, int]],
        names: Sequence[str],
        write: Callable[[Rows], None],
        *,
        until_trip: bool = False,
        tell: Callable[[float], None] = lambda share: None,
        heard: Callable[[PlantEvent], None] = lambda event: None,
    ) -> Outcome:
        """``plant_models.study.run.run_alone``; moves are (name, value, relative, after how many steps)."""
        together = max(round(self._period_s / step_s), 1) if self._period_s else 1
        grid = Grid(step_s, steps, every, together)
        return run_alone(
            self.plant, self._stepper, grid, [Move(*move) for move in moves], names, write,
            until_trip=until_trip, tell=tell, heard=heard,
        )  # fmt: skip

    def analyse(self, inputs: Sequence[str], outputs: Sequence[str], *, search: bool) -> dict[str, Any]:
        """``plant_models.study.analysis.analyse``."""
        return analyse(self.plant, inputs, outputs, search=search)

    def unit_of_condition(self, condition: str) -> str:
        """Unit of the value of an event; "" where it is not known."""
        name = condition.removeprefix(OUT_OF_RANGE)
        return self.plant.type.variable(name).unit if name != condition else ""

    def steps(
        self,
        step_s: float,
        steps: int,
        moves: Sequence[tuple[str, float, bool]],
        outputs: Sequence[str],
        restart: "Callable[[], Study]",
        tell: Callable[[float], None] = lambda share: None,
        heard: Callable[[PlantEvent], None] = lambda event: None,
    ) -> list[Response]:
        """``plant_models.study.step_response.step_responses``; moves are (input, value, relative)."""
        return step_responses(self.plant, step_s, steps, moves, outputs, lambda: restart().plant, tell, heard)

    def answer_time_s(self) -> float:
        """How long a step response of this plant should be watched, from its poles where they can be computed."""
        step_s = self.plant.type.step_s
        try:
            before = self.plant.snapshot()
            poles = self.analyse((), (), search=False)["poles"]
            self.plant.restore(before)
        except (ValueError, ArithmeticError, NoSnapshot):
            poles = []
        return answer_time_s(poles, step_s)
