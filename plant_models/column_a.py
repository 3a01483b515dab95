r"""Skogestad's column A: 41 stages, two compositions of 1 % impurity, and a direction that hardly any control can move.

Called by   ``plant_models.library``; run through ``PLANTS["column_a"].create()``.
Knows       its own physics; compiled and stepped by ``plant_models.compiled``.

A binary mixture of relative volatility 1.5 is split into two products of 99 %. Reflux and boil-up moved together change
the split by hours; moved against each other they do almost nothing: the gain matrix is nearly singular.

Equations
---------
Stages from the reboiler (1) to the total condenser (N = 41), feed on stage 21; constant molar flows, constant relative
volatility, linear tray hydraulics, equilibrium on every tray:

.. math::

    y_i &= \frac{\alpha x_i}{1 + (\alpha - 1) x_i}, \qquad
    V_i = V_B \;(i < N_F), \quad V_i = V_B + (1 - q_F) F \;(i \ge N_F) \\
    L_i &= L_{0b} + (M_i - M_0)/\tau_L \;(2 \le i \le N_F), \quad L_i = L_0 + (M_i - M_0)/\tau_L \;(N_F < i < N),
    \quad L_N = L_T \\
    \dot M_i &= L_{i+1} - L_i + V_{i-1} - V_i + [F]_{i = N_F} \\
    \dot{(M_i x_i)} &= L_{i+1} x_{i+1} - L_i x_i + V_{i-1} y_{i-1} - V_i y_i + [F z_F]_{i = N_F} \\
    \dot M_1 &= L_2 - V_1 - B, \qquad \dot M_N = V_{N-1} - L_T - D \\
    D &= D_0 + K_l (M_N - M_0), \qquad B = B_0 + K_l (M_1 - M_0), \qquad
    \dot x_i = (\dot{(M_i x_i)} - x_i \dot M_i) / M_i

:math:`D_0` and :math:`B_0` are the inputs ``distillate`` and ``bottoms``. ``level_control`` = 1 closes both levels
inside the model (the LV configuration; the level gain is :math:`K_l`); 0 leaves them to whoever drives the inputs. The
analysers see what was on the end stages ``analyser_delay`` ago. Flows never run backwards. A vessel with less than
``THIN_KMOL`` in it gives what it has in proportion; one that is full to its capacity loses the rest, and the condition
``condenser_full`` or ``reboiler_full`` holds until 1 % is free.

Symbols
-------
===========  ====================================  ========  =======================================================
symbol       variable                              unit      meaning
===========  ====================================  ========  =======================================================
x_i          x_1 … x_41                            1         mole fraction of the light component in the liquid
M_i          m_1 … m_41                            kmol      liquid on stage i
L_T, V_B     reflux, boilup                        kmol/min  reflux, vapour from the reboiler
D_0, B_0     distillate, bottoms                   kmol/min  products, or their bias while the model controls levels
F            feed, feed_measured                   kmol/min  feed
z_F          feed_fraction                         1         mole fraction of the light component in the feed
q_F          feed_liquid                           1         liquid part of the feed; 1 = boiling liquid
y_D, x_B     y_d, x_b                              1         mole fractions in distillate and bottoms
(delayed)    y_d_measured, x_b_measured            1         the same, as analysers see them
D, B         distillate_flow, bottoms_flow         kmol/min  what really leaves
M_N, M_1     condenser_level, reboiler_level       kmol      liquid in condenser and reboiler
α            volatility                            1         relative volatility
τ_L          hydraulic_lag                         s         time constant of the liquid on a tray
L_0, L_0b    rectifying_flow, stripping_flow       kmol/min  liquid at M_0, above and from the feed stage down
M_0          holdup                                kmol      liquid on every stage at design
K_l          level_gain                            1/min     of both level controls
(switch)     level_control                         1         1: the model controls the levels; 0: it does not
(capacity)   vessel_capacity                       kmol      condenser or reboiler, full
(delay)      analyser_delay                        s         dead time of the analysers
===========  ====================================  ========  =======================================================

Amounts and flows are in kmol and kmol per minute, as published; time is in seconds here as everywhere.

Validity
--------
Mole fractions 0 to 1; 40 to 200 % of the design holdup on trays, vessels from 20 % of it
up to their capacity; ideal binary mixture,
constant pressure, no vapour holdup, no weeping or flooding. The fastest modes (trays, 2 to 4 s) want steps below 4 s
of RK4; 1 s is good to 1e-8. The stiff method is stable at any step, but solves for 82 states each time.

Reference
---------
S. Skogestad, M. Morari, Understanding the dynamic behavior of distillation columns, Ind. Eng. Chem. Res. 27(10), 1988,
1848–1862; S. Skogestad, Dynamics and control of distillation columns, Trans. IChemE 75A, 1997, 539–562 (column A).
"""

import numpy as np

from plant_models.compiled import Kernels, compiled_factory
from plant_models.integrators import next_stage, stages_of
from plant_models.kernel import Ends, Parts, finish_step, kernel, note, parts_of
from plant_models.limits import clipped
from plant_models.model import (
    DISTURBANCE,
    INPUT,
    OUTPUT,
    PARAMETER,
    STATE,
    Condition,
    PlantType,
    Setting,
    Variable,
    Vector,
    register,
)
from plant_models.transport_delay import delayed, fill, remember, words_for

STAGES, FEED_STAGE = 41, 21
MINUTE_S = 60.0
MOST = 6.0  # kmol/min: no demand counts for more
THIN_KMOL = 0.1  # a vessel with less than that gives less; so its composition stays slower than a step of 1 s
FREE = 0.01  # share of the capacity below which a full vessel counts as no longer full
GRID_S = 2.0  # of the sample lines
LONGEST_DELAY_S = 600.0


@kernel
def vapour_fraction(x: float, volatility: float) -> float:
    """Mole fraction in the vapour over a liquid of ``x``."""
    return volatility * x / (1.0 + (volatility - 1.0) * x)


@kernel
def held_back(wanted: float, amount_kmol: float) -> float:
    """What a vessel gives of a flow that is wanted from it: all, or less when there is hardly anything in it."""
    if not wanted > 0.0 or amount_kmol <= 0.0:
        return 0.0
    return wanted * min(amount_kmol / THIN_KMOL, 1.0)


@kernel
def product(p: Parts, stage: int, asked: float) -> float:
    """Distillate or bottoms, kmol/min: as asked, and what the level control adds, as far as there is some."""
    amount = float(p.states[STAGES + stage])
    wanted = clipped(asked, 0.0, MOST) + p.parameters[6] * p.parameters[5] * (amount - p.parameters[4])
    return held_back(wanted, amount)


@kernel
def tray_liquid(p: Parts, stage: int) -> float:
    """Liquid that leaves tray ``stage`` (counted from 0), kmol/min."""
    design = p.parameters[3] if stage < FEED_STAGE else p.parameters[2]
    amount = float(p.states[STAGES + stage])
    flow = design + (amount - p.parameters[4]) * MINUTE_S / p.parameters[1]
    return held_back(flow, amount)


@kernel
def derivatives(p: Parts) -> None:
    """The balances of the module's docstring, stage by stage from the bottom; per minute, then per second."""
    volatility = float(p.parameters[0])
    feed = clipped(p.disturbances[0], 0.0, MOST)
    fraction = clipped(p.disturbances[1], 0.0, 1.0)
    boilup = held_back(clipped(p.inputs[1], 0.0, MOST), p.states[STAGES])
    above_feed = max(boilup + (1.0 - p.disturbances[2]) * feed, 0.0)
    top = STAGES - 1
    reflux = held_back(clipped(p.inputs[0], 0.0, MOST), p.states[STAGES + top])
    rising, rising_light, leaving = 0.0, 0.0, 0.0  # vapour from below, its light component, liquid to below
    for stage in range(STAGES):
        x, amount = float(p.states[stage]), float(p.states[STAGES + stage])
        change = rising - leaving
        light = rising_light - leaving * x
        rising = 0.0
        if stage < top:
            falling = reflux if stage == top - 1 else tray_liquid(p, stage + 1)
            rising = boilup if stage < FEED_STAGE - 1 else above_feed
            rising_light = rising * vapour_fraction(x, volatility)
            change += falling - rising
            light += falling * p.states[stage + 1] - rising_light
            leaving = falling
        else:
            drawn = product(p, stage, p.inputs[2])
            change -= drawn
            light -= drawn * x
        if stage == 0:
            drawn = product(p, stage, p.inputs[3])
            change -= drawn
            light -= drawn * x
        if stage == FEED_STAGE - 1:
            change += feed
            light += feed * fraction
        p.rates[STAGES + stage] = change / MINUTE_S
        p.rates[stage] = (light - x * change) / max(amount, 1e-3) / MINUTE_S


@kernel
def settle(p: Parts) -> None:
    """No less than nothing on a stage, no more in a vessel than goes in."""
    for stage in range(STAGES):
        if p.states[STAGES + stage] < 0.0:
            p.states[STAGES + stage] = 0.0
    capacity = float(p.parameters[7])
    for number in range(2):
        at = STAGES if number == 1 else 2 * STAGES - 1
        if p.states[at] > capacity:
            note(p, number, 1.0, p.states[at])
            p.states[at] = capacity
        elif p.states[at] < (1.0 - FREE) * capacity:
            note(p, number, 0.0, p.states[at])


@kernel
def _sample_line(p: Parts, number: int) -> Vector:
    words = p.kept.shape[0] // 2
    return p.kept[number * words : (number + 1) * words]


@kernel
def forget(p: Parts) -> None:
    """The sample lines are full of what is in the products now."""
    fill(_sample_line(p, 0), p.states[STAGES - 1])
    fill(_sample_line(p, 1), p.states[0])
    for number in range(2):
        _sample_line(p, number)[0] = p.clock[0]


@kernel
def begin(p: Parts, seed: int) -> None:
    """The same."""
    forget(p)


@kernel
def before(p: Parts, dt_s: float) -> None:
    """What enters the sample lines now."""
    remember(_sample_line(p, 0), GRID_S, p.clock[0], p.states[STAGES - 1])
    remember(_sample_line(p, 1), GRID_S, p.clock[0], p.states[0])


@kernel
def measure(p: Parts) -> None:
    """Products, analysers, flows, levels."""
    top = STAGES - 1
    p.outputs[0] = p.states[top]
    p.outputs[1] = p.states[0]
    p.outputs[2] = delayed(_sample_line(p, 0), GRID_S, p.clock[0], p.states[top], p.parameters[8])
    p.outputs[3] = delayed(_sample_line(p, 1), GRID_S, p.clock[0], p.states[0], p.parameters[8])
    p.outputs[4] = p.states[STAGES + top]
    p.outputs[5] = p.states[STAGES]
    p.outputs[6] = product(p, top, p.inputs[2])
    p.outputs[7] = product(p, 0, p.inputs[3])
    p.outputs[8] = clipped(p.disturbances[0], 0.0, MOST)


@kernel
def advance(memory: Vector, ends: Ends, dt_s: float, steps: int, method: int) -> None:
    """``steps`` steps of ``dt_s``, in one compiled call."""
    p = parts_of(memory, ends)
    start_s = p.clock[0]
    stages = stages_of(method, p.states.shape[0])
    for step in range(steps):
        before(p, dt_s)
        for stage in range(stages):
            derivatives(p)
            next_stage(method, stage, dt_s, p)
        p.clock[0] = start_s + (step + 1) * dt_s
        settle(p)
        finish_step(p)
    measure(p)


REFLUX, FEED, LIQUID_FEED, HALF = 2.70629, 1.0, 1.0, 0.5
_PARAMETERS = {
    "volatility": 1.5, "hydraulic_lag": 0.063 * MINUTE_S, "rectifying_flow": REFLUX,
    "stripping_flow": REFLUX + LIQUID_FEED * FEED, "holdup": HALF, "level_gain": 10.0, "level_control": 1.0,
    "vessel_capacity": 1.0, "analyser_delay": MINUTE_S,
}  # fmt: skip


def steady_profile(volatility: float, reflux: float, boilup: float, feed: float, fraction: float) -> Vector:
    """Mole fractions of all stages at rest with a feed of boiling liquid: Newton's method on 41 balances."""
    top = STAGES - 1
    below, above = np.full(STAGES, reflux), np.full(STAGES, boilup)
    below[1:FEED_STAGE] = reflux + feed  # liquid that leaves a stage
    below[0], above[top] = reflux + feed - boilup, 0.0  # bottoms
    below[top] += boilup - reflux  # all that leaves the condenser: reflux and distillate
    to_below = below.copy()
    to_below[top] = reflux
    x = np.linspace(0.01, 0.99, STAGES)
    for _ in range(60):
        y = volatility * x / (1.0 + (volatility - 1.0) * x)
        slope = volatility / (1.0 + (volatility - 1.0) * x) ** 2
        rest = -below * x - above * y
        rest[:-1] += to_below[1:] * x[1:]
        rest[1:] += above[:-1] * y[:-1]
        rest[FEED_STAGE - 1] += feed * fraction
        jacobian = np.diag(-below - above * slope)
        jacobian += np.diag(to_below[1:], 1) + np.diag((above * slope)[:-1], -1)
        step = np.linalg.solve(jacobian, -rest)
        x = np.clip(x + step, 1e-9, 1.0 - 1e-9)
        if float(np.abs(step).max()) < 1e-15:
            break
    return x


def _setting() -> Setting:
    boilup = REFLUX + HALF
    profile = steady_profile(_PARAMETERS["volatility"], REFLUX, boilup, FEED, 0.5)
    return Setting(
        "nominal",
        "99 % of light component at the top, 1 % at the bottom",
        {f"x_{i}": float(x) for i, x in enumerate(profile, 1)} | {f"m_{i}": HALF for i in range(1, STAGES + 1)},
        {"reflux": REFLUX, "boilup": boilup, "distillate": HALF, "bottoms": HALF},
        _PARAMETERS,
        {"feed": FEED, "feed_fraction": 0.5, "feed_liquid": LIQUID_FEED},
    )


_PLACES = {1: "reboiler", FEED_STAGE: "feed stage", STAGES: "condenser"}
_NAMED = [(i, _PLACES.get(i, f"stage {i}")) for i in range(1, STAGES + 1)]


def _amounts(stage: int) -> tuple[float, float]:
    """Range of the liquid on a stage, kmol: vessels have more room than trays."""
    return (THIN_KMOL, 10.0) if stage in (1, STAGES) else (0.2, 1.0)


COLUMN_A = register(
    PlantType(
        name="column_a",
        title="Distillation column A",
        description="A high-purity binary column of 41 stages: reflux and boil-up against each other do nothing, "
        "together they move everything for hours.",
        reference="S. Skogestad, M. Morari, Ind. Eng. Chem. Res. 27(10), 1988, 1848–1862",
        variables=(
            *(Variable(f"x_{i}", "1", 0.0, 1.0, f"light component in the liquid, {place}", STATE)
              for i, place in _NAMED),
            *(Variable(f"m_{i}", "kmol", *_amounts(i), f"liquid, {place}", STATE) for i, place in _NAMED),
            Variable("reflux", "kmol/min", 0.0, 6.0, "reflux", INPUT),
            Variable("boilup", "kmol/min", 0.0, 6.0, "vapour from the reboiler", INPUT),
            Variable("distillate", "kmol/min", 0.0, 2.0, "distillate (bias while the model controls levels)", INPUT),
            Variable("bottoms", "kmol/min", 0.0, 2.0, "bottoms (bias while the model controls levels)", INPUT),
            Variable("feed", "kmol/min", 0.0, 2.0, "feed (1.0 as designed)", DISTURBANCE),
            Variable("feed_fraction", "1", 0.0, 1.0, "light component in the feed (0.5 as designed)", DISTURBANCE),
            Variable("feed_liquid", "1", 0.0, 1.2, "liquid part of the feed (1: boiling liquid)", DISTURBANCE),
            Variable("volatility", "1", 1.05, 5.0, "relative volatility", PARAMETER),
            Variable("hydraulic_lag", "s", 1.0, 60.0, "time constant of the liquid on a tray", PARAMETER),
            Variable("rectifying_flow", "kmol/min", 0.0, 20.0, "liquid above the feed at design", PARAMETER),
            Variable("stripping_flow", "kmol/min", 0.0, 20.0, "liquid from the feed stage down at design", PARAMETER),
            Variable("holdup", "kmol", 0.05, 2.0, "liquid on every stage at design", PARAMETER),
            Variable("level_gain", "1/min", 0.0, 100.0, "gain of the model's level controls", PARAMETER),
            Variable("level_control", "1", 0.0, 1.0, "1: the model controls its levels; 0: it does not", PARAMETER),
            Variable("vessel_capacity", "kmol", 0.1, 10.0, "condenser or reboiler, full", PARAMETER),
            Variable("analyser_delay", "s", 0.0, LONGEST_DELAY_S, "dead time of both analysers", PARAMETER),
            Variable("y_d", "1", 0.0, 1.0, "light component in the distillate", OUTPUT),
            Variable("x_b", "1", 0.0, 1.0, "light component in the bottoms", OUTPUT),
            Variable("y_d_measured", "1", 0.0, 1.0, "light component in the distillate, analyser", OUTPUT),
            Variable("x_b_measured", "1", 0.0, 1.0, "light component in the bottoms, analyser", OUTPUT),
            Variable("condenser_level", "kmol", 0.0, 10.0, "liquid in the condenser", OUTPUT),
            Variable("reboiler_level", "kmol", 0.0, 10.0, "liquid in the reboiler", OUTPUT),
            Variable("distillate_flow", "kmol/min", 0.0, 20.0, "distillate that leaves", OUTPUT),
            Variable("bottoms_flow", "kmol/min", 0.0, 20.0, "bottoms that leave", OUTPUT),
            Variable("feed_measured", "kmol/min", 0.0, 2.0, "feed, as its meter sees it", OUTPUT),
        ),
        settings=(_setting(),),
        conditions=(
            Condition("condenser_full", "the condenser drum is full and loses what comes in"),
            Condition("reboiler_full", "the reboiler is full and loses what comes in"),
        ),
        create_model=compiled_factory(Kernels(advance, derivatives, settle, measure, begin, before, forget)),
        loops=(("y_d", "reflux"), ("x_b", "boilup")),
        step_s=1.0,
        kept=2 * words_for(LONGEST_DELAY_S, GRID_S),
    )
)  # fmt: skip
