r"""Quadruple tank: two pumps, four tanks, and a zero that the operator can move across the imaginary axis.

Called by   ``plant_models.library``; run through ``PLANTS["quadruple_tank"].create()``.
Knows       its own physics; compiled and stepped by ``plant_models.compiled``.

Pump 1 fills tank 1 and, past a three-way valve, tank 4; pump 2 fills tank 2 and tank 3. Tank 3 empties into tank 1,
tank 4 into tank 2. Each pump therefore moves both lower levels, one of them through an upper tank. With
:math:`\gamma_1 + \gamma_2 > 1` most water goes straight to the lower tanks and control is easy (minimum phase); with
:math:`\gamma_1 + \gamma_2 < 1` a transmission zero lies in the right half plane and fast control is impossible.

Equations
---------
.. math::

    A_1 \dot h_1 &= -q(a_1, h_1) - q(l_1, h_1) + q(a_3, h_3) + \gamma_1 k_1 v_1 \\
    A_2 \dot h_2 &= -q(a_2, h_2) - q(l_2, h_2) + q(a_4, h_4) + \gamma_2 k_2 v_2 \\
    A_3 \dot h_3 &= -q(a_3, h_3) - q(l_3, h_3) + (1 - \gamma_2) k_2 v_2 \\
    A_4 \dot h_4 &= -q(a_4, h_4) - q(l_4, h_4) + (1 - \gamma_1) k_1 v_1 \\
    q(a, h) &= a \sqrt{2 g h}, \qquad h \ge h_\mathrm{lam}
    \qquad\text{and}\qquad q(a, h) = a h \sqrt{2 g / h_\mathrm{lam}}, \qquad 0 \le h < h_\mathrm{lam}

The second branch (:math:`h_\mathrm{lam} = 0.1` mm, laminar) keeps a nearly empty tank from oscillating; it reaches
zero and not less. A tank that is full to its rim stays full; what comes in too much is spilled out of the process, and
the condition ``overflow_i`` holds until the level is 1 mm below the rim.

Symbols
-------
===========  =======================  =====  ===========================================================
symbol       variable                 unit   meaning
===========  =======================  =====  ===========================================================
h_i          h_1 … h_4, level_1 … 4   m      water level of tank i
v_j          pump_voltage_1, _2       V      pump drive voltage
γ_j          valve_1, valve_2         1      share of pump j that goes to its lower tank
l_i          leak_1 … leak_4          m2     area of a leak in the bottom of tank i
k_j v_j      pump_flow_1, _2          m3/s   flow of pump j
A_i          area_1 … area_4          m2     cross-section of tank i
a_i          outlet_1 … outlet_4      m2     cross-section of the outlet of tank i
k_j          pump_gain_1, _2          m3/Vs  flow per volt of pump j
H            height                   m      height of the rim
g            (constant 9.81)          m/s2   acceleration of free fall
===========  =======================  =====  ===========================================================


Validity
--------
Levels 0 to 0.20 m, pumps 0 to 10 V (proportional, no dead zone), water at rest in the tanks (time constants of 20 s and
more against less than a second of inflow dynamics). Pump and valve dynamics are the actuators' and not in here.

Reference
---------
K. H. Johansson, The quadruple-tank process: a multivariable laboratory process with an adjustable zero, IEEE Trans.
Control Systems Technology 8(3), 2000, 456–465. Numbers of the two settings from there; levels are the exact steady
state of these equations (the published ones are rounded).
"""

import math

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

G_M_S2 = 9.81
LAMINAR_M = 1e-4  # below this head the outflow falls linearly
REARM_M = 1e-3  # an overflow is over when the level is this far below the rim
VOLTAGE_MAX_V = 10.0

TANKS = (1, 2, 3, 4)


@kernel
def outflow_m3_s(area_m2: float, level_m: float) -> float:
    """Torricelli through an opening of ``area_m2`` under ``level_m`` of water, laminar in the last 0.1 mm."""
    if level_m <= 0.0 or area_m2 <= 0.0:
        return 0.0
    if level_m < LAMINAR_M:
        return area_m2 * level_m * math.sqrt(2.0 * G_M_S2 / LAMINAR_M)
    return area_m2 * math.sqrt(2.0 * G_M_S2 * level_m)


@kernel
def derivatives(p: Parts) -> None:
    """The four balances of the module's docstring."""
    pump_1_m3_s = p.parameters[8] * clipped(p.inputs[0], 0.0, VOLTAGE_MAX_V)
    pump_2_m3_s = p.parameters[9] * clipped(p.inputs[1], 0.0, VOLTAGE_MAX_V)
    split_1 = clipped(p.inputs[2], 0.0, 1.0)
    split_2 = clipped(p.inputs[3], 0.0, 1.0)
    from_3_m3_s = outflow_m3_s(p.parameters[6], p.states[2])
    from_4_m3_s = outflow_m3_s(p.parameters[7], p.states[3])
    p.rates[0] = from_3_m3_s + split_1 * pump_1_m3_s - outflow_m3_s(p.parameters[4], p.states[0])
    p.rates[1] = from_4_m3_s + split_2 * pump_2_m3_s - outflow_m3_s(p.parameters[5], p.states[1])
    p.rates[2] = (1.0 - split_2) * pump_2_m3_s - from_3_m3_s
    p.rates[3] = (1.0 - split_1) * pump_1_m3_s - from_4_m3_s
    for tank in range(4):
        lost_m3_s = outflow_m3_s(p.disturbances[tank], p.states[tank])
        p.rates[tank] = (p.rates[tank] - lost_m3_s) / p.parameters[tank]


@kernel
def settle(p: Parts) -> None:
    """Rims and bottoms: nothing above the one, nothing below the other."""
    rim_m = p.parameters[10]
    for tank in range(4):
        if p.states[tank] < 0.0:
            p.states[tank] = 0.0
        if p.states[tank] > rim_m:
            note(p, tank, 1.0, p.states[tank])
            p.states[tank] = rim_m
        elif p.states[tank] < rim_m - REARM_M:
            note(p, tank, 0.0, p.states[tank])


@kernel
def measure(p: Parts) -> None:
    """Levels as they are; flows that the pumps deliver."""
    for tank in range(4):
        p.outputs[tank] = p.states[tank]
    p.outputs[4] = p.parameters[8] * clipped(p.inputs[0], 0.0, VOLTAGE_MAX_V)
    p.outputs[5] = p.parameters[9] * clipped(p.inputs[1], 0.0, VOLTAGE_MAX_V)


@kernel
def advance(memory: Vector, ends: Ends, dt_s: float, steps: int, method: int) -> None:
    """``steps`` steps of ``dt_s``, in one compiled call."""
    p = parts_of(memory, ends)
    start_s = p.clock[0]
    stages = stages_of(method, p.states.shape[0])
    for step in range(steps):
        for stage in range(stages):
            derivatives(p)
            next_stage(method, stage, dt_s, p)
        p.clock[0] = start_s + (step + 1) * dt_s
        settle(p)
        finish_step(p)
    measure(p)


def steady_levels_m(inputs: dict[str, float], parameters: dict[str, float]) -> dict[str, float]:
    """The exact steady state without leaks: what comes in goes out, solved for the levels."""
    pump_m3_s = [parameters[f"pump_gain_{j}"] * inputs[f"pump_voltage_{j}"] for j in (1, 2)]
    flow_3_m3_s = (1.0 - inputs["valve_2"]) * pump_m3_s[1]
    flow_4_m3_s = (1.0 - inputs["valve_1"]) * pump_m3_s[0]
    flows_m3_s = (
        inputs["valve_1"] * pump_m3_s[0] + flow_3_m3_s,
        inputs["valve_2"] * pump_m3_s[1] + flow_4_m3_s,
        flow_3_m3_s,
        flow_4_m3_s,
    )
    speeds_m_s = [flow / parameters[f"outlet_{tank}"] for tank, flow in zip(TANKS, flows_m3_s, strict=True)]
    return {f"h_{tank}": speed * speed / (2.0 * G_M_S2) for tank, speed in zip(TANKS, speeds_m_s, strict=True)}


def _setting(name: str, meaning: str, volts: float, gains: tuple[float, float], splits: tuple[float, float]) -> Setting:
    inputs = {"pump_voltage_1": volts, "pump_voltage_2": volts, "valve_1": splits[0], "valve_2": splits[1]}
    parameters = {
        "area_1": 28e-4, "area_2": 32e-4, "area_3": 28e-4, "area_4": 32e-4,
        "outlet_1": 0.071e-4, "outlet_2": 0.057e-4, "outlet_3": 0.071e-4, "outlet_4": 0.057e-4,
        "pump_gain_1": gains[0], "pump_gain_2": gains[1], "height": 0.20,
    }  # fmt: skip
    return Setting(name, meaning, steady_levels_m(inputs, parameters), inputs, parameters)


_PLACES = {1: "lower left", 2: "lower right", 3: "upper left, above tank 1", 4: "upper right, above tank 2"}

QUADRUPLE_TANK = register(
    PlantType(
        name="quadruple_tank",
        title="Quadruple tank",
        description="Four tanks and two pumps: each pump moves both lower levels; the split of the three-way valves "
        "decides whether that is easy or impossible to control fast.",
        reference="K. H. Johansson, IEEE Trans. Control Systems Technology 8(3), 2000, 456–465",
        variables=(
            *(Variable(f"h_{i}", "m", 0.0, 0.5, f"water in tank {i} ({_PLACES[i]})", STATE) for i in TANKS),
            *(Variable(f"pump_voltage_{j}", "V", 0.0, VOLTAGE_MAX_V, f"drive of pump {j}", INPUT) for j in (1, 2)),
            Variable("valve_1", "1", 0.0, 1.0, "share of pump 1 that goes to tank 1; the rest goes to tank 4", INPUT),
            Variable("valve_2", "1", 0.0, 1.0, "share of pump 2 that goes to tank 2; the rest goes to tank 3", INPUT),
            *(Variable(f"leak_{i}", "m2", 0.0, 5e-5, f"leak in the bottom of tank {i}", DISTURBANCE) for i in TANKS),
            *(Variable(f"area_{i}", "m2", 1e-4, 1.0, f"cross-section of tank {i}", PARAMETER) for i in TANKS),
            *(Variable(f"outlet_{i}", "m2", 0.0, 1e-3, f"outlet of tank {i} (0 = blocked)", PARAMETER) for i in TANKS),
            *(
                Variable(f"pump_gain_{j}", "m3/Vs", 0.0, 1e-3, f"flow per volt of pump {j} (0 = failed)", PARAMETER)
                for j in (1, 2)
            ),
            Variable("height", "m", 0.01, 0.5, "height of the rim of every tank", PARAMETER),
            *(Variable(f"level_{i}", "m", 0.0, 0.5, f"level of tank {i} ({_PLACES[i]})", OUTPUT) for i in TANKS),
            *(Variable(f"pump_flow_{j}", "m3/s", 0.0, 1e-2, f"flow of pump {j}", OUTPUT) for j in (1, 2)),
        ),
        settings=(
            _setting(
                "minimum_phase", "P−: 70 % and 60 % straight to the lower tanks", 3.0, (3.33e-6, 3.35e-6), (0.70, 0.60)
            ),
            _setting(
                "nonminimum_phase",
                "P+: most water takes the way round; a zero at +0.013 1/s",
                3.15,
                (3.14e-6, 3.29e-6),
                (0.43, 0.34),
            ),
        ),
        conditions=tuple(Condition(f"overflow_{i}", f"tank {i} is full to the rim and spills") for i in TANKS),
        create_model=compiled_factory(Kernels(advance, derivatives, settle, measure)),
        loops=(("level_1", "pump_voltage_1"), ("level_2", "pump_voltage_2")),
    )
)
