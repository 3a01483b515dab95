"""Step responses of a plant: each input moved alone, from the same start.

Called by   ``dcs plant step`` through ``dcs.node.assembly``, and studies.
Knows       runs of a plant; figures that are read off a curve. Changes are counted from the start of the run.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plant_models.model import PlantEvent, PlantModel, Vector
from plant_models.study.run import Grid, Move, Rows, run_alone

POINTS = 400
_REACHED = 1.0 - math.exp(-1.0)
_SETTLED = 0.02  # of the change: so far may the last tenth of the run still move
_WRONG_WAY = 0.01  # of the largest change: a dip that counts as an inverse response


@dataclass(frozen=True, eq=False)
class Response:
    """``changes[k]`` is how far ``output`` is from its start at ``times_s[k]`` after ``input`` went to ``to``."""

    input: str
    start: float
    to: float
    output: str
    times_s: Vector
    changes: Vector

    def figures(self) -> dict[str, Any]:
        """What one reads off: final change, gain, time to 63 %, peak; whether it settled or started the wrong way."""
        final = float(self.changes[-1])
        tail = self.changes[-max(len(self.changes) // 10, 2) :]
        largest = float(np.abs(self.changes).max())
        settled = largest > 0.0 and float(np.abs(tail - final).max()) <= _SETTLED * max(abs(final), 1e-3 * largest)
        peak = float(self.changes[int(np.argmax(np.abs(self.changes)))])
        against = float((-math.copysign(1.0, final) * self.changes).max()) if final else 0.0
        return {
            "input": self.input,
            "output": self.output,
            "change": final,
            "gain": final / (self.to - self.start) if settled else None,
            "time_63_s": self._time_to(_REACHED * final) if settled and final else None,
            "peak": peak,
            "settled": settled,
            "inverse": against > _WRONG_WAY * largest,
        }

    def _time_to(self, level: float) -> float | None:
        """When the curve first comes to ``level``, by a straight line between two points."""
        way = math.copysign(1.0, level)
        reached = np.flatnonzero(way * self.changes >= way * level)
        if reached.size == 0 or reached[0] == 0:
            return None
        at = int(reached[0])
        before, after = self.changes[at - 1], self.changes[at]
        share = (level - before) / (after - before)
        return float(self.times_s[at - 1] + share * (self.times_s[at] - self.times_s[at - 1]))


def step_responses(
    plant: PlantModel,
    step_s: float,
    steps: int,
    moves: Sequence[tuple[str, float, bool]],
    outputs: Sequence[str],
    restart: Callable[[], PlantModel],
    tell: Callable[[float], None] = lambda share: None,
    heard: Callable[[PlantEvent], None] = lambda event: None,
) -> list[Response]:
    """Each move (input, value, relative) alone, ``restart`` giving a plant at the same start for each.

    ``plant`` is the first of them. Raises ``ValueError`` where a value leads outside a range.
    """
    every = max(steps // POINTS, 1)
    responses = []
    for number, (name, value, relative) in enumerate(moves):
        model = plant if number == 0 else restart()
        model.measure()
        start = np.array([model.get(output) for output in outputs])
        before = model.get(name)
        blocks: list[Rows] = []
        done = number / len(moves)

        def told(share: float, done: float = done) -> None:
            tell(done + share / len(moves))

        def keep(block: Rows, blocks: list[Rows] = blocks) -> None:
            blocks.append(block.copy())

        run_alone(
            model, model, Grid(step_s, steps, every), [Move(name, value, relative, 0)], outputs,
            keep, tell=told, heard=heard,
        )  # fmt: skip
        rows = np.concatenate(blocks)
        responses += [
            Response(name, before, model.get(name), output, rows[:, 0], rows[:, 1 + at] - start[at])
            for at, output in enumerate(outputs)
        ]
    return responses


def answer_time_s(poles: Sequence[dict[str, Any]], step_s: float) -> float:
    """How long a step response takes to show itself: five of the slowest time constants of an analysis."""
    stable = [float(pole["time_constant_s"]) for pole in poles if pole["kind"] == "stable"]
    unstable = [float(pole["time_constant_s"]) for pole in poles if pole["kind"] == "unstable"]
    if unstable:
        return max(3.0 * min(unstable), 100.0 * step_s)
    return max(5.0 * max(stable, default=200.0 * step_s), 100.0 * step_s)
