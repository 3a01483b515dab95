"""Steps of the plant in one compiled call.

Called by   ``plant`` and ``closed_loop``.
Knows       evaluation and the fixed-step integrators.
"""

from plant_models.integrators import RK4, next_stage, stages_of
from plant_models.kernel import Ends, Parts, finish_step, kernel, parts_of
from plant_models.model import Vector
from plant_models.tennessee_eastman.constants import HOUR_S
from plant_models.tennessee_eastman.evaluation import evaluate
from plant_models.tennessee_eastman.layout import NOW, TIME_H, WARM
from plant_models.tennessee_eastman.valves import move_commands


@kernel
def stage_offset(method: int, stage: int, dt_h: float) -> float:
    """How much later than the step's start a stage looks."""
    if method != RK4:
        return 0.0
    if stage == 3:
        return dt_h
    return 0.5 * dt_h


@kernel
def step(p: Parts, out: Vector, dt_s: float, method: int, stages: int) -> None:
    """One step, all but its end: ``out`` gets the measurements of its start."""
    dt_h = dt_s / HOUR_S
    move_commands(p)
    for stage in range(stages):
        if stage == 0:
            evaluate(p, out, p.rates, 0.0, True)
        else:
            evaluate(p, p.outputs, p.rates, stage_offset(method, stage, dt_h), False)
        next_stage(method, stage, dt_h, p)
        for vessel in range(4):
            p.kept[WARM + vessel] = p.kept[NOW + vessel]


@kernel
def finish(p: Parts, time_s: float, dt_s: float) -> None:
    """The end of a step: the clocks, and a look at the states.

    Which second an analyser samples in hangs on the rounding of the hours: the published trajectories sum them step
    by step with Euler and 1 s, and divide the seconds with a finer step.
    """
    p.clock[0] = time_s
    if dt_s < 1.0:
        p.kept[TIME_H] = time_s / HOUR_S
    else:
        p.kept[TIME_H] += dt_s / HOUR_S
    finish_step(p)


@kernel
def measure(p: Parts) -> None:
    """The outputs of the states and disturbances as they are now."""
    evaluate(p, p.outputs, p.rates, 0.0, True)


@kernel
def advance(memory: Vector, ends: Ends, dt_s: float, steps: int, method: int) -> None:
    """``steps`` steps of ``dt_s``, in one compiled call."""
    p = parts_of(memory, ends)
    start_s = p.clock[0]
    stages = stages_of(method, p.states.shape[0])
    for number in range(steps):
        step(p, p.outputs, dt_s, method, stages)
        finish(p, start_s + (number + 1) * dt_s, dt_s)
    measure(p)
