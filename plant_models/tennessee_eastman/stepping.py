"""Steps of the plant, with or without the published controllers, in one compiled call.

Called by   ``plant``, ``closed_loop`` and ``plant_models.compiled``.
Knows       evaluation and the fixed-step integrators.
"""

import math

from plant_models.integrators import RK4, next_stage, stages_of
from plant_models.kernel import Ends, Parts, finish_step, kernel, nogil, parts_of
from plant_models.model import Vector
from plant_models.tennessee_eastman.analysers import show
from plant_models.tennessee_eastman.constants import (
    FT3_PER_M3,
    GAS_PERIOD_H,
    HOUR_S,
    LBMOL_TO_KMOL,
    PRODUCT_PERIOD_H,
    REACTOR_FT3,
    SEPARATOR_FT3,
    VALVES,
)
from plant_models.tennessee_eastman.economics import (
    PURGE_KMOL_PER_KSCM,
    mass_ratio,
    operating_cost,
    product_loss,
    purge_loss,
)
from plant_models.tennessee_eastman.evaluation import eight, evaluate
from plant_models.tennessee_eastman.layout import (
    COMMAND,
    NEXT_GAS,
    NEXT_PRODUCT,
    NOISE,
    NOW,
    SECONDS,
    TIME_H,
    WARM,
)
from plant_models.tennessee_eastman.noise import still_noise
from plant_models.tennessee_eastman.reference_control import SEEN, clip_demands, control_second
from plant_models.tennessee_eastman.thermodynamics import equilibrium, liquid_ft3, positive, total
from plant_models.tennessee_eastman.valves import move_commands
from plant_models.tennessee_eastman.walks import begin_walks

COLD_START_C = (100.0, 80.0, 60.0, 90.0)
"""Where the first search for a temperature begins: reactor, separator, stripper, mixing zone."""


@kernel
def stage_offset(method: int, stage: int, dt_h: float) -> float:
    """How much later than the step's start a stage looks."""
    if method != RK4:
        return 0.0
    if stage == 3:
        return dt_h
    return 0.5 * dt_h


@nogil
def run(
    memory: Vector, ends: Ends, control: Vector, steps: int, dt_s: float, steps_per_second: int, method: int
) -> None:
    """``steps`` steps of ``dt_s``; with ``steps_per_second`` the published controllers act at every second, else 0.

    The controllers see the measurements of the start of the last second: those go straight to their memory.
    """
    p = parts_of(memory, ends)
    seen = control[SEEN:]
    start_s = p.clock[0]
    dt_h = dt_s / HOUR_S
    stages = stages_of(method, p.states.shape[0])
    for number in range(steps):
        second = steps_per_second > 0 and number % steps_per_second == 0
        if second:
            control_second(control, p.inputs)
        move_commands(p.kept, p.inputs, p.disturbances, p.clock[0] == 0.0)
        for stage in range(stages):
            out = seen if second and stage == 0 else p.outputs
            evaluate(p, out, p.rates, stage_offset(method, stage, dt_h), stage)
            if number == 0 and second and stage == 0:
                show(p.kept, seen)  # analysers may have sampled at the end of the call before
            next_stage(method, stage, dt_h, p)
            warm(p.kept)
        if number == 0 and steps_per_second > 0:
            show(p.kept, seen)  # samples of this moment that the last call has taken already
        p.clock[0] = start_s + (number + 1) * dt_s
        tell_hours(p.kept, p.clock[0], dt_s)
        finish_step(p)
        if steps_per_second > 0 and (number + 1) % steps_per_second == 0:
            clip_demands(p.inputs)
    measure(p)


@kernel
def tell_hours(kept: Vector, time_s: float, dt_s: float) -> None:
    """The clock in hours, after a step.

    Which second an analyser samples in hangs on its rounding: the published trajectories sum the hours step by step
    with Euler and 1 s, and divide the seconds with a finer step.
    """
    if dt_s < 1.0:
        kept[TIME_H] = time_s / HOUR_S
    else:
        kept[TIME_H] += dt_s / HOUR_S


def advance(memory: Vector, ends: Ends, dt_s: float, steps: int, method: int) -> None:
    """``steps`` steps of ``dt_s`` without controllers: the same machine code."""
    run(memory, ends, memory, steps, dt_s, 0, method)


@kernel
def measure(p: Parts) -> None:
    """The outputs of the states and disturbances as they are now."""
    for stage in range(1):  # a literal 0 would be compiled apart
        evaluate(p, p.outputs, p.rates, 0.0, stage)
    show(p.kept, p.outputs)
    measure_more(p)


@kernel
def measure_more(p: Parts) -> None:
    """Outputs beside the published measurements: cost, ratio of the products, liquid volumes (without noise)."""
    out, n_c = p.outputs, eight(p.states, 18)
    _, _, volume_r, _, _ = equilibrium(eight(p.states, 0), p.states[8], REACTOR_FT3, p.kept[WARM])
    _, _, volume_s, p_s, partial_s = equilibrium(eight(p.states, 9), p.states[17], SEPARATOR_FT3, p.kept[WARM + 1])
    per_s, per_c = 1.0 / p_s, 1.0 / positive(total(n_c))
    purge_price = per_s * purge_loss(
        partial_s[0], partial_s[2], partial_s[3], partial_s[4], partial_s[5], partial_s[6], partial_s[7]
    )
    purge_kmol_h = (out[9] - p.kept[NOISE + 9]) * PURGE_KMOL_PER_KSCM
    product_kmol_h = 10.0 * p.states[45] * LBMOL_TO_KMOL
    product_price = per_c * product_loss(n_c[3], n_c[4], n_c[5])
    work_kw = out[19] - p.kept[NOISE + 19]
    steam_kg_h = out[18] - p.kept[NOISE + 18]
    out[41] = operating_cost(purge_kmol_h, purge_price, product_kmol_h, product_price, work_kw, steam_kg_h)
    out[42] = mass_ratio(n_c[6], n_c[7])
    out[43] = volume_r / FT3_PER_M3
    out[44] = volume_s / FT3_PER_M3
    out[45] = liquid_ft3(n_c, p.kept[NOW + 2]) / FT3_PER_M3
    out[46] = math.floor(p.kept[NEXT_GAS] / GAS_PERIOD_H + 0.5) - 1.0
    out[47] = math.floor(p.kept[NEXT_PRODUCT] / PRODUCT_PERIOD_H + 0.5) - 1.0


@kernel
def derivatives(p: Parts) -> None:
    """Of the states as they are now, per second, with the valves following the demands as they are now."""
    for valve in range(VALVES):
        p.slope[valve] = p.kept[COMMAND + valve]
    move_commands(p.kept, p.inputs, p.disturbances, p.clock[0] == 0.0)
    for stage in range(1, 2):
        evaluate(p, p.start, p.rates, 0.0, stage)
    for valve in range(VALVES):
        p.kept[COMMAND + valve] = p.slope[valve]
    for i in range(p.rates.shape[0]):
        p.rates[i] /= HOUR_S


@kernel
def before(p: Parts, dt_s: float) -> None:
    """Before a step of an adaptive integrator."""
    move_commands(p.kept, p.inputs, p.disturbances, p.clock[0] == 0.0)
    p.kept[TIME_H] += dt_s / HOUR_S


@kernel
def forget(p: Parts) -> None:
    """The analysers show what is there now, as they do at the start; nothing waits in them."""
    now_s, next_gas, next_product = p.clock[0], p.kept[NEXT_GAS], p.kept[NEXT_PRODUCT]
    p.clock[0] = 0.0
    for stage in range(1):
        evaluate(p, p.outputs, p.rates, 0.0, stage)
    p.clock[0], p.kept[NEXT_GAS], p.kept[NEXT_PRODUCT] = now_s, next_gas, next_product


@kernel
def settle(p: Parts) -> None:
    """Nothing is limited by the model itself: it stands still when it trips."""


@kernel
def begin_memory(p: Parts) -> None:
    """What the plant remembers beside its states, at the start; generator and seed are already there."""
    kept = p.kept
    kept[SECONDS] = 0.0
    kept[TIME_H] = 0.0
    begin_walks(kept)
    still_noise(kept)
    for valve in range(VALVES):
        kept[COMMAND + valve] = p.inputs[valve]
    for vessel in range(4):
        kept[WARM + vessel] = COLD_START_C[vessel]


@kernel
def warm(kept: Vector) -> None:
    """The temperatures that were found last are where the next search begins."""
    for vessel in range(4):
        kept[WARM + vessel] = kept[NOW + vessel]
