r"""Drum boiler: a steam drum whose level rises when water is short, and falls when there is more of it.

Called by   ``plant_models.library``; run through ``PLANTS["drum_boiler"].create()``.
Knows       its own physics; saturated steam from ``drum_steam``, the e-matrix from ``drum_coefficients``; stepped by
            ``plant_models.compiled``.

Water goes round by itself: down from the drum through the downcomers, up through the heated risers as a mixture of
water and steam. When more steam is drawn the pressure falls, the bubbles under the level grow, and the level swells by
5 cm before it falls (shrink and swell); cold feedwater does the opposite. A level control that only looks at the level
moves the wrong way first: hence three-element control.

Equations
---------
Volumes: :math:`V_t = V_d + V_r + V_{dc}`, :math:`V_{st} = V_t - V_{wt}`. Properties of saturated steam (s) and water
(w) and their derivatives by the pressure (prime) are those of ``drum_steam``; :math:`h_c = h_s - h_w`.

.. math::

    e_{11} \dot V_{wt} + e_{12} \dot p &= q_f - q_s \\
    e_{21} \dot V_{wt} + e_{22} \dot p &= Q + q_f h_f - q_s h_s \\
    e_{32} \dot p + e_{33} \dot \alpha_r &= Q - \alpha_r h_c q_{dc} \\
    e_{42} \dot p + e_{43} \dot \alpha_r + e_{44} \dot V_{sd}
        &= \frac{\rho_s}{T_d} (V_{sd}^0 - V_{sd}) + \frac{h_f - h_w}{h_c} q_f \\
    \bar\alpha_v &= \frac{\rho_w}{\rho_w - \rho_s} \Bigl(1 - \frac{\ln(1 + \eta)}{\eta}\Bigr), \qquad
        \eta = \alpha_r \frac{\rho_w - \rho_s}{\rho_s} \\
    \tfrac12 k q_{dc}^2 &= \rho_w A_{dc} (\rho_w - \rho_s) g \bar\alpha_v V_r \\
    V_{wd} &= V_{wt} - V_{dc} - (1 - \bar\alpha_v) V_r, \qquad \ell = \frac{V_{wd} + V_{sd}}{A_d}

with

.. math::

    e_{11} &= \rho_w - \rho_s, \quad e_{12} = V_{wt} \rho_w' + V_{st} \rho_s', \quad
        e_{21} = \rho_w h_w - \rho_s h_s \\
    e_{22} &= V_{wt} (h_w \rho_w' + \rho_w h_w') + V_{st} (h_s \rho_s' + \rho_s h_s') - V_t + m_t C_p t_s' \\
    e_{32} &= (\rho_w h_w' - \alpha_r h_c \rho_w') (1 - \bar\alpha_v) V_r
        + ((1 - \alpha_r) h_c \rho_s' + \rho_s h_s') \bar\alpha_v V_r \\
        &\quad + (\rho_s + (\rho_w - \rho_s) \alpha_r) h_c V_r \partial_p \bar\alpha_v - V_r + m_r C_p t_s' \\
    e_{33} &= ((1 - \alpha_r) \rho_s + \alpha_r \rho_w) h_c V_r \partial_\alpha \bar\alpha_v, \quad e_{44} = \rho_s \\
    e_{42} &= V_{sd} \rho_s' + \frac{\rho_s V_{sd} h_s' + \rho_w V_{wd} h_w' - V_{sd} - V_{wd} + m_d C_p t_s'}{h_c}
        + \alpha_r (1 + \beta) V_r (\bar\alpha_v \rho_s' + (1 - \bar\alpha_v) \rho_w'
        + (\rho_s - \rho_w) \partial_p \bar\alpha_v) \\
    e_{43} &= \alpha_r (1 + \beta) (\rho_s - \rho_w) V_r \partial_\alpha \bar\alpha_v

Coefficients are those of the nearest state in which a boiler can be (water and steam within their vessels, quality
0.01 to 95 %), so that they stay finite when the states do not stay there.

Symbols
-------
=======  ===============================  =====  ================================================================
symbol   variable                         unit   meaning
=======  ===============================  =====  ================================================================
V_wt     water_volume                     m3     water in drum, risers and downcomers
p        pressure, drum_pressure          Pa     drum pressure, absolute
α_r      riser_quality                    1      mass fraction of steam at the top of the risers
V_sd     steam_under_level                m3     steam in the drum under the level
Q        heat, heat_to_risers             W      heat that the fire gives to the risers
q_f      feedwater_flow, feedwater        kg/s   feedwater
q_s      steam_flow, steam_demand, steam  kg/s   steam to the turbine: flow asked for, what is drawn on top, both
h_f      feedwater_enthalpy               J/kg   feedwater
(share)  heat_lost                        1      share of the heat that slag on the tubes keeps away
V_d      drum_volume                      m3     drum
V_r      riser_volume                     m3     risers
V_dc     downcomer_volume                 m3     downcomers
A_d      drum_area                        m2     drum at the level
m_t      metal_mass                       kg     all metal in contact with water; m_d = m_t − m_r
m_r      riser_mass                       kg     metal of the risers
C_p      metal_heat_capacity              J/kgK  metal
k        friction                         1      of the circulation
A_dc     downcomer_area                   m2     downcomers
β        drum_steam_factor                1      empirical, steam flow in the drum
T_d      bubble_time                      s      residence time of steam in the drum
V_sd^0   steam_without_condensation       m3     steam under the level without condensation
ℓ        level                            m      above the bottom of the drum
t_s      drum_temperature                 K      saturation temperature
q_dc     circulation                      kg/s   through the downcomers
=======  ===============================  =====  ================================================================

Everything is in SI already; pressures of the literature in MPa are given in Pa, t_s in °C becomes K.

Validity
--------
7 to 11 MPa (range of the fits), level within the drum (conditions ``drum_full`` and ``drum_empty``), natural
circulation, metal at the temperature of the water, medium to high load.
Fire, feed pump and turbine are the actuators' and not in here.

Reference
---------
K. J. Åström, R. D. Bell, Drum-boiler dynamics, Automatica 36(3), 2000, 363–378. Metal heat capacity and downcomer area
are calibrated to the paper's operating point (only k / A_dc matters); steam properties IAPWS-IF97.
"""

import math

from plant_models.compiled import Kernels, compiled_factory
from plant_models.drum_coefficients import G_M_S2, coefficients
from plant_models.drum_steam import saturation_at
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

HEAT_MAX_W = 150e6
FEED_MAX_KG_S = 100.0
STEAM_MAX_KG_S = 100.0
DEMAND_MAX_KG_S = 30.0
FEED_J_KG = (2e5, 1.4e6)
REARM_M = 0.01  # the drum counts as neither full nor empty again this far inside


@kernel
def heat_w(p: Parts) -> float:
    """What reaches the risers."""
    return clipped(p.inputs[0], 0.0, HEAT_MAX_W) * (1.0 - clipped(p.disturbances[2], 0.0, 1.0))


@kernel
def steam_kg_s(p: Parts) -> float:
    """What leaves for the turbine."""
    drawn = clipped(p.inputs[2], 0.0, STEAM_MAX_KG_S) + clipped(p.disturbances[0], -DEMAND_MAX_KG_S, DEMAND_MAX_KG_S)
    return drawn if drawn > 0.0 else 0.0


@kernel
def derivatives(p: Parts) -> None:
    """The four balances of the module's docstring, solved one after the other."""
    s = saturation_at(p.states[1])
    e = coefficients(p, s)
    fire_w = heat_w(p)
    feed_kg_s = clipped(p.inputs[1], 0.0, FEED_MAX_KG_S)
    drawn_kg_s = steam_kg_s(p)
    feed_j_kg = clipped(p.disturbances[1], FEED_J_KG[0], FEED_J_KG[1])
    h_c = s.steam_j_kg - s.water_j_kg

    mass_kg_s = feed_kg_s - drawn_kg_s
    energy_w = fire_w + feed_kg_s * feed_j_kg - drawn_kg_s * s.steam_j_kg
    determinant = e.e11 * e.e22 - e.e12 * e.e21
    pressure_pa_s = (e.e11 * energy_w - e.e21 * mass_kg_s) / determinant
    quality = clipped(p.states[2], -1.0, 1.0)
    quality_1_s = (fire_w - quality * h_c * e.circulation_kg_s - e.e32 * pressure_pa_s) / e.e33
    condensing_kg_s = (feed_j_kg - s.water_j_kg) / h_c * feed_kg_s
    bubbles = s.steam_kg_m3 / p.parameters[10] * (p.parameters[11] - p.states[3]) + condensing_kg_s
    p.rates[0] = (mass_kg_s * e.e22 - e.e12 * energy_w) / determinant
    p.rates[1] = pressure_pa_s
    p.rates[2] = quality_1_s
    p.rates[3] = (bubbles - e.e42 * pressure_pa_s - e.e43 * quality_1_s) / e.e44


@kernel
def level_m(p: Parts) -> float:
    """Above the bottom of the drum."""
    e = coefficients(p, saturation_at(p.states[1]))
    return float((e.water_in_drum_m3 + p.states[3]) / p.parameters[3])


@kernel
def settle(p: Parts) -> None:
    """A drum that is full sends water to the turbine, an empty one leaves the risers dry: both are said."""
    level = level_m(p)
    top_m = p.parameters[0] / p.parameters[3]
    if level >= top_m:
        note(p, 0, 1.0, level)
    elif level < top_m - REARM_M:
        note(p, 0, 0.0, level)
    if level <= 0.0:
        note(p, 1, 1.0, level)
    elif level > REARM_M:
        note(p, 1, 0.0, level)


@kernel
def measure(p: Parts) -> None:
    """What the instruments see."""
    s = saturation_at(p.states[1])
    e = coefficients(p, s)
    p.outputs[0] = (e.water_in_drum_m3 + p.states[3]) / p.parameters[3]
    p.outputs[1] = p.states[1]
    p.outputs[2] = s.boiling_degc + 273.15
    p.outputs[3] = steam_kg_s(p)
    p.outputs[4] = clipped(p.inputs[1], 0.0, FEED_MAX_KG_S)
    p.outputs[5] = heat_w(p)
    p.outputs[6] = e.circulation_kg_s


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
    "drum_volume": 40.0,
    "riser_volume": 37.0,
    "downcomer_volume": 11.0,
    "drum_area": 20.0,
    "metal_mass": 300e3,
    "riser_mass": 160e3,
    "metal_heat_capacity": 550.0,
    "friction": 25.0,
    "downcomer_area": 0.38,
    "drum_steam_factor": 0.3,
    "bubble_time": 12.0,
}
_FEED_J_KG = 1.04692e6


def _at_rest(name: str, meaning: str, states: dict[str, float]) -> Setting:
    """Heat, flows and the free steam volume that keep ``states`` where they are."""
    par = _PARAMETERS
    s = getattr(saturation_at, "py_func", saturation_at)(states["pressure"])  # nothing is compiled at import
    lighter = s.water_kg_m3 - s.steam_kg_m3
    h_c = s.steam_j_kg - s.water_j_kg
    eta = states["riser_quality"] * lighter / s.steam_kg_m3
    void = s.water_kg_m3 / lighter * (1.0 - math.log(1.0 + eta) / eta)
    drive = 2.0 * s.water_kg_m3 * par["downcomer_area"] * lighter * G_M_S2 * void * par["riser_volume"]
    fire_w = states["riser_quality"] * h_c * math.sqrt(drive / par["friction"])
    flow_kg_s = fire_w / (s.steam_j_kg - _FEED_J_KG)
    condensing_kg_s = (_FEED_J_KG - s.water_j_kg) / h_c * flow_kg_s
    free_m3 = states["steam_under_level"] - condensing_kg_s * par["bubble_time"] / s.steam_kg_m3
    return Setting(
        name,
        meaning,
        states,
        {"heat": fire_w, "feedwater_flow": flow_kg_s, "steam_flow": flow_kg_s},
        par | {"steam_without_condensation": free_m3},
        {"feedwater_enthalpy": _FEED_J_KG},
    )


def _parameters() -> tuple[Variable, ...]:
    """Name, unit, range, meaning."""
    return (
        Variable("drum_volume", "m3", 1.0, 200.0, "drum", PARAMETER),
        Variable("riser_volume", "m3", 1.0, 200.0, "risers", PARAMETER),
        Variable("downcomer_volume", "m3", 1.0, 200.0, "downcomers", PARAMETER),
        Variable("drum_area", "m2", 1.0, 200.0, "drum, seen from above, at the level", PARAMETER),
        Variable("metal_mass", "kg", 1e3, 1e7, "all metal in contact with the water", PARAMETER),
        Variable("riser_mass", "kg", 1e3, 1e7, "metal of the risers, a part of it", PARAMETER),
        Variable("metal_heat_capacity", "J/kgK", 100.0, 2000.0, "metal", PARAMETER),
        Variable("friction", "1", 1.0, 1000.0, "of the circulation; rises when tubes clog", PARAMETER),
        Variable("downcomer_area", "m2", 0.01, 10.0, "downcomers", PARAMETER),
        Variable("drum_steam_factor", "1", 0.0, 2.0, "empirical factor of the steam flow in the drum", PARAMETER),
        Variable("bubble_time", "s", 1.0, 100.0, "residence time of steam under the level", PARAMETER),
        Variable(
            "steam_without_condensation", "m3", 0.0, 40.0, "steam under the level if nothing condensed", PARAMETER
        ),
    )


DRUM_BOILER = register(
    PlantType(
        name="drum_boiler",
        title="Drum boiler",
        description="A boiler with natural circulation: drum pressure and a level that first goes the wrong way when "
        "the load changes (shrink and swell).",
        reference="K. J. Åström, R. D. Bell, Automatica 36(3), 2000, 363–378",
        variables=(
            Variable("water_volume", "m3", 20.0, 88.0, "water in drum, risers and downcomers", STATE),
            Variable("pressure", "Pa", 7e6, 11e6, "drum pressure, absolute", STATE),
            Variable("riser_quality", "1", 1e-3, 0.5, "mass fraction of steam at the top of the risers", STATE),
            Variable("steam_under_level", "m3", 0.0, 40.0, "steam in the drum under the level", STATE),
            Variable("heat", "W", 0.0, HEAT_MAX_W, "heat that the fire gives to the risers", INPUT),
            Variable("feedwater_flow", "kg/s", 0.0, FEED_MAX_KG_S, "feedwater into the drum", INPUT),
            Variable("steam_flow", "kg/s", 0.0, STEAM_MAX_KG_S, "steam that the turbine valves let through", INPUT),
            Variable(
                "steam_demand", "kg/s", -DEMAND_MAX_KG_S, DEMAND_MAX_KG_S, "drawn on top of the steam flow", DISTURBANCE
            ),
            Variable(
                "feedwater_enthalpy",
                "J/kg",
                *FEED_J_KG,
                "of the feedwater (1.047e6 at 242 °C as designed)",
                DISTURBANCE,
            ),
            Variable("heat_lost", "1", 0.0, 1.0, "share of the heat that slag on the tubes keeps away", DISTURBANCE),
            *_parameters(),
            Variable("level", "m", 0.0, 2.0, "drum level above its bottom", OUTPUT),
            Variable("drum_pressure", "Pa", 7e6, 11e6, "drum pressure, absolute", OUTPUT),
            Variable("drum_temperature", "K", 500.0, 650.0, "boiling temperature in the drum", OUTPUT),
            Variable("steam", "kg/s", 0.0, STEAM_MAX_KG_S + DEMAND_MAX_KG_S, "steam to the turbine", OUTPUT),
            Variable("feedwater", "kg/s", 0.0, FEED_MAX_KG_S, "feedwater into the drum", OUTPUT),
            Variable("heat_to_risers", "W", 0.0, HEAT_MAX_W, "heat that reaches the risers", OUTPUT),
            Variable("circulation", "kg/s", 0.0, 5000.0, "water through the downcomers", OUTPUT),
        ),
        settings=(
            _at_rest(
                "medium_load",
                "8.5 MPa, 50 kg/s of steam, half a full load",
                {"water_volume": 57.1, "pressure": 8.5e6, "riser_quality": 0.051, "steam_under_level": 4.9},
            ),
        ),
        conditions=(
            Condition("drum_full", "the level has reached the top of the drum: water goes with the steam"),
            Condition("drum_empty", "the level has reached the bottom of the drum: the risers run dry"),
        ),
        create_model=compiled_factory(Kernels(advance, derivatives, settle, measure)),
        loops=(("level", "feedwater_flow"), ("drum_pressure", "heat")),
    )
)
