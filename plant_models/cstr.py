r"""Exothermic stirred-tank reactor: three steady states for one coolant temperature, and a limit cycle for another.

Called by   ``plant_models.library``; run through ``PLANTS["cstr"].create()``.
Knows       its own physics; compiled and stepped by ``plant_models.compiled``.

A feed of A flows through a full, well stirred tank in which A reacts to B and gives off heat; a jacket takes the heat
away. Heat is made along an S-shaped curve over the temperature and taken away along a straight line: they meet once
or three times. The meeting point in the middle is where one wants to run (half converted, 77 °C) and the one at which
nothing stays by itself: it doubles its distance in 15 s. Without control the reactor ignites or goes out.

Equations
---------
.. math::

    \dot c &= \frac{q}{V} (c_f - c) - k c, \qquad k = k_0 e^{-E/(R T)} \\
    \dot T &= \frac{q}{V} (T_f - T) + \frac{-\Delta H}{\rho C_p} k c + \frac{(1 - s) U A}{V \rho C_p} (T_c - T)

A concentration that a coarse step has taken below zero is put back to zero; the rate constant is that of 100 K below
100 K and that of 2000 K above, so that no temperature breaks the arithmetic.

Symbols
-------
===========  =======================================  ======  ============================================
symbol       variable                                 unit    meaning
===========  =======================================  ======  ============================================
c            concentration, outlet_concentration      mol/m3  reactant A in the tank and in what leaves it
T            temperature, reactor_temperature         K       contents of the tank
T_c          coolant_temperature, jacket_temperature  K       coolant in the jacket
q            feed_flow, flow                          m3/s    feed, and what leaves
c_f          feed_concentration                       mol/m3  reactant A in the feed
T_f          feed_temperature                         K       feed
s            fouling                                  1       share of the heat transfer that is lost
V            volume                                   m3      contents of the tank
ρ            density                                  kg/m3   contents and feed
C_p          heat_capacity                            J/kgK   contents and feed
−ΔH          reaction_heat                            J/mol   heat given off
E/R          activation_temperature                   K       activation energy over gas constant
k_0          rate_constant                            1/s     rate at infinite temperature
U A          heat_transfer                            W/K     heat transfer coefficient times area
1 − c/c_f    conversion                               1       share of the reactant that has reacted
V k c        reaction_rate                            mol/s   what reacts in the tank
(−ΔH) V k c  heat_released                            W       heat of reaction
(last term)  heat_removed                             W       heat into the jacket, times V ρ C_p
===========  =======================================  ======  ============================================

The literature counts in litres, minutes, mol/L and grams; all of it is converted here: 100 L/min is 1.6667e-3 m3/s,
1 mol/L 1000 mol/m3, 0.239 J/(g K) 239 J/(kg K), 7.2e10 1/min 1.2e9 1/s, 5e4 J/(min K) 833.33 W/K. Temperatures stay
in K.

Validity
--------
One liquid phase, well mixed, full tank, constant density and heat of reaction, coolant of one temperature (its dynamics
are the actuator's): 250 to 500 K, 0 to 2000 mol/m3. No boiling, no side reaction, no relief.

Reference
---------
A. Uppal, W. H. Ray, A. B. Poore, On the dynamic behavior of continuous stirred tank reactors, Chemical Engineering
Science 29(4), 1974, 967–985; numbers of D. E. Seborg, T. F. Edgar, D. A. Mellichamp, F. J. Doyle, Process Dynamics and
Control, 4th ed., 2016, example 2.5.
"""

import math

from plant_models.compiled import Kernels, compiled_factory
from plant_models.integrators import next_stage, stages_of
from plant_models.kernel import Ends, Parts, finish_step, kernel, parts_of
from plant_models.limits import clipped
from plant_models.model import (
    DISTURBANCE,
    INPUT,
    OUTPUT,
    PARAMETER,
    STATE,
    PlantType,
    Setting,
    Variable,
    Vector,
    register,
)

COOLANT_K = (250.0, 350.0)
FEED_M3_S = (0.0, 200.0 / 60_000.0)
FEED_MOL_M3 = (0.0, 2000.0)
FEED_K = (250.0, 450.0)
COLDEST_K, HOTTEST_K = 100.0, 2000.0  # for the rate constant


@kernel
def rate_1_s(rate_constant_1_s: float, activation_k: float, temperature_k: float) -> float:
    """Arrhenius, held beyond all temperatures that a reactor can have."""
    return rate_constant_1_s * math.exp(-activation_k / clipped(temperature_k, COLDEST_K, HOTTEST_K))


@kernel
def heat_transfer_w_k(p: Parts) -> float:
    """What fouling has left of it."""
    return float(p.parameters[6] * (1.0 - clipped(p.disturbances[2], 0.0, 1.0)))


@kernel
def derivatives(p: Parts) -> None:
    """The two balances of the module's docstring."""
    coolant_k = clipped(p.inputs[0], COOLANT_K[0], COOLANT_K[1])
    feed_k = clipped(p.disturbances[0], FEED_K[0], FEED_K[1])
    feed_mol_m3 = clipped(p.disturbances[1], FEED_MOL_M3[0], FEED_MOL_M3[1])
    renewed_1_s = clipped(p.inputs[1], FEED_M3_S[0], FEED_M3_S[1]) / p.parameters[0]
    j_m3k = p.parameters[1] * p.parameters[2]
    reacted_mol_m3s = rate_1_s(p.parameters[5], p.parameters[4], p.states[1]) * p.states[0]
    p.rates[0] = renewed_1_s * (feed_mol_m3 - p.states[0]) - reacted_mol_m3s
    p.rates[1] = (
        renewed_1_s * (feed_k - p.states[1])
        + p.parameters[3] / j_m3k * reacted_mol_m3s
        + heat_transfer_w_k(p) / (p.parameters[0] * j_m3k) * (coolant_k - p.states[1])
    )


@kernel
def settle(p: Parts) -> None:
    """There is no less than no reactant."""
    if p.states[0] < 0.0:
        p.states[0] = 0.0


@kernel
def measure(p: Parts) -> None:
    """Temperature and concentration as they are, and the two heats whose balance decides."""
    feed_mol_m3 = clipped(p.disturbances[1], FEED_MOL_M3[0], FEED_MOL_M3[1])
    coolant_k = clipped(p.inputs[0], COOLANT_K[0], COOLANT_K[1])
    rate_mol_s = p.parameters[0] * rate_1_s(p.parameters[5], p.parameters[4], p.states[1]) * p.states[0]
    p.outputs[0] = p.states[1]
    p.outputs[1] = p.states[0]
    p.outputs[2] = coolant_k
    p.outputs[3] = clipped(p.inputs[1], FEED_M3_S[0], FEED_M3_S[1])
    p.outputs[4] = clipped(1.0 - p.states[0] / feed_mol_m3, 0.0, 1.0) if feed_mol_m3 > 0.0 else 0.0
    p.outputs[5] = rate_mol_s
    p.outputs[6] = p.parameters[3] * rate_mol_s
    p.outputs[7] = heat_transfer_w_k(p) * (p.states[1] - coolant_k)


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


_PARAMETERS = {
    "volume": 0.1,
    "density": 1000.0,
    "heat_capacity": 239.0,
    "reaction_heat": 5e4,
    "activation_temperature": 8750.0,
    "rate_constant": 7.2e10 / 60.0,
    "heat_transfer": 5e4 / 60.0,
}
_FEED = {"feed_temperature": 350.0, "feed_concentration": 1000.0}
_FLOW_M3_S = 0.1 / 60.0


def steady_state(coolant_k: float, low_k: float, high_k: float) -> dict[str, float]:
    """The steady state of the nominal reactor between two temperatures that bracket exactly one, by bisection."""
    par = _PARAMETERS
    renewed_1_s = _FLOW_M3_S / par["volume"]
    j_m3k = par["density"] * par["heat_capacity"]

    def concentration(temperature_k: float) -> float:
        k_1_s = par["rate_constant"] * math.exp(-par["activation_temperature"] / temperature_k)  # nothing compiled here
        return renewed_1_s * _FEED["feed_concentration"] / (renewed_1_s + k_1_s)

    def heating(temperature_k: float) -> float:
        reacted = renewed_1_s * (_FEED["feed_concentration"] - concentration(temperature_k))
        return (
            renewed_1_s * (_FEED["feed_temperature"] - temperature_k)
            + par["reaction_heat"] / j_m3k * reacted
            + par["heat_transfer"] / (par["volume"] * j_m3k) * (coolant_k - temperature_k)
        )

    rising = heating(high_k) > 0.0
    for _ in range(200):
        middle_k = 0.5 * (low_k + high_k)
        if (heating(middle_k) > 0.0) == rising:
            high_k = middle_k
        else:
            low_k = middle_k
    return {"concentration": concentration(middle_k), "temperature": middle_k}


def _setting(name: str, meaning: str, coolant_k: float, states: dict[str, float], drift: float = 1e-9) -> Setting:
    inputs = {"coolant_temperature": coolant_k, "feed_flow": _FLOW_M3_S}
    return Setting(name, meaning, states, inputs, _PARAMETERS, _FEED, drift)


CSTR = register(
    PlantType(
        name="cstr",
        title="Exothermic reactor",
        description="A stirred tank in which a reaction gives off heat and a jacket takes it away: three steady "
        "states, the wanted one unstable, and a limit cycle. Temperature control is what keeps it where it is.",
        reference="D. E. Seborg et al., Process Dynamics and Control, 4th ed., 2016, example 2.5; "
        "A. Uppal et al., Chemical Engineering Science 29(4), 1974, 967–985",
        variables=(
            Variable("concentration", "mol/m3", 0.0, 2000.0, "reactant in the tank", STATE),
            Variable("temperature", "K", 250.0, 500.0, "contents of the tank", STATE),
            Variable("coolant_temperature", "K", *COOLANT_K, "coolant in the jacket", INPUT),
            Variable("feed_flow", "m3/s", *FEED_M3_S, "feed, and what leaves the full tank", INPUT),
            Variable("feed_temperature", "K", *FEED_K, "temperature of the feed (350 K as designed)", DISTURBANCE),
            Variable(
                "feed_concentration", "mol/m3", *FEED_MOL_M3, "reactant in the feed (1000 as designed)", DISTURBANCE
            ),
            Variable("fouling", "1", 0.0, 1.0, "share of the heat transfer that a fouled jacket has lost", DISTURBANCE),
            Variable("volume", "m3", 1e-3, 10.0, "contents of the tank", PARAMETER),
            Variable("density", "kg/m3", 100.0, 5000.0, "contents and feed", PARAMETER),
            Variable("heat_capacity", "J/kgK", 50.0, 10_000.0, "contents and feed", PARAMETER),
            Variable("reaction_heat", "J/mol", 0.0, 5e5, "heat that a mole gives off", PARAMETER),
            Variable("activation_temperature", "K", 0.0, 30_000.0, "activation energy over gas constant", PARAMETER),
            Variable("rate_constant", "1/s", 0.0, 1e14, "rate at infinite temperature (0 = dead)", PARAMETER),
            Variable("heat_transfer", "W/K", 0.0, 1e5, "heat transfer coefficient times area", PARAMETER),
            Variable("reactor_temperature", "K", 250.0, 500.0, "what the thermometer in the tank sees", OUTPUT),
            Variable("outlet_concentration", "mol/m3", 0.0, 2000.0, "reactant in what leaves", OUTPUT),
            Variable("jacket_temperature", "K", *COOLANT_K, "coolant in the jacket", OUTPUT),
            Variable("flow", "m3/s", *FEED_M3_S, "feed", OUTPUT),
            Variable("conversion", "1", 0.0, 1.0, "share of the reactant that has reacted", OUTPUT),
            Variable("reaction_rate", "mol/s", 0.0, 10.0, "reactant that reacts in the tank", OUTPUT),
            Variable("heat_released", "W", 0.0, 1e6, "heat of reaction", OUTPUT),
            Variable("heat_removed", "W", -1e6, 1e6, "heat into the jacket", OUTPUT),
        ),
        settings=(
            _setting(
                "middle",
                "half converted, 350 K: the wanted steady state, a saddle that nothing but control keeps",
                300.0,
                steady_state(300.0, 340.0, 360.0),
            ),
            _setting(
                "low",
                "nearly out, 324 K: stable, with the same coolant",
                300.0,
                steady_state(300.0, 300.0, 340.0),
            ),
            _setting(
                "high",
                "ignited, 370 K: an unstable focus, with the same coolant",
                300.0,
                steady_state(300.0, 362.0, 390.0),
            ),
            _setting(
                "limit_cycle",
                "coolant of 305 K: nothing is stable, it swings from 362 to 405 K every 2.2 min; starts at its hottest",
                305.0,
                {"concentration": 41.6132540711, "temperature": 405.4535329804},
                drift=10.0,  # it swings
            ),
        ),
        create_model=compiled_factory(Kernels(advance, derivatives, settle, measure)),
        loops=(("reactor_temperature", "coolant_temperature"), ("outlet_concentration", "feed_flow")),
    )
)
