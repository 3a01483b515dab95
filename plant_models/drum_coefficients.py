"""The coefficients of the drum boiler's balances: the e-matrix of Åström and Bell.

Called by   ``plant_models.drum_boiler``, whose docstring has the formulas and the symbols.
Knows       the states and parameters of that plant.
"""

import math
from typing import NamedTuple

from plant_models.drum_steam import Saturation
from plant_models.kernel import Parts, kernel
from plant_models.limits import clipped

G_M_S2 = 9.81


class Coefficients(NamedTuple):
    """The e-matrix of the paper, and what is computed on the way to it."""

    e11: float
    e12: float
    e21: float
    e22: float
    e32: float
    e33: float
    e42: float
    e43: float
    e44: float
    void: float
    circulation_kg_s: float
    water_in_drum_m3: float


@kernel
def coefficients(p: Parts, s: Saturation) -> Coefficients:
    """Of the states as they are, and of the nearest possible ones beyond what is possible."""
    drum_m3, risers_m3, downcomers_m3 = p.parameters[0], p.parameters[1], p.parameters[2]
    metal_kg, riser_kg, capacity_j_kgk = p.parameters[4], p.parameters[5], p.parameters[6]
    total_m3 = drum_m3 + risers_m3 + downcomers_m3
    water_m3 = clipped(p.states[0], 0.0, total_m3)
    steam_m3 = total_m3 - water_m3
    quality = clipped(p.states[2], 1e-4, 0.95)
    bubbles_m3 = clipped(p.states[3], 0.0, drum_m3)
    rho_s, rho_w, rho_s_pa, rho_w_pa = s.steam_kg_m3, s.water_kg_m3, s.steam_kg_m3_pa, s.water_kg_m3_pa
    h_c = s.steam_j_kg - s.water_j_kg
    lighter = rho_w - rho_s

    eta = quality * lighter / rho_s
    logarithm = math.log(1.0 + eta)
    void = rho_w / lighter * (1.0 - logarithm / eta)
    void_pa = (
        (rho_w * rho_s_pa - rho_s * rho_w_pa)
        / (lighter * lighter)
        * (1.0 + rho_w / rho_s / (1.0 + eta) - (rho_s + rho_w) / (eta * rho_s) * logarithm)
    )
    void_quality = rho_w / (rho_s * eta) * (logarithm / eta - 1.0 / (1.0 + eta))
    water_in_drum_m3 = water_m3 - downcomers_m3 - (1.0 - void) * risers_m3
    spread = quality * (1.0 + p.parameters[9]) * risers_m3
    e32 = (
        (rho_w * s.water_j_kg_pa - quality * h_c * rho_w_pa) * (1.0 - void) * risers_m3
        + ((1.0 - quality) * h_c * rho_s_pa + rho_s * s.steam_j_kg_pa) * void * risers_m3
        + (rho_s + lighter * quality) * h_c * risers_m3 * void_pa
        - risers_m3
        + riser_kg * capacity_j_kgk * s.boiling_k_pa
    )
    e42 = (
        bubbles_m3 * rho_s_pa
        + (
            rho_s * bubbles_m3 * s.steam_j_kg_pa
            + rho_w * water_in_drum_m3 * s.water_j_kg_pa
            - bubbles_m3
            - water_in_drum_m3
            + (metal_kg - riser_kg) * capacity_j_kgk * s.boiling_k_pa
        )
        / h_c
        + spread * (void * rho_s_pa + (1.0 - void) * rho_w_pa - lighter * void_pa)
    )
    return Coefficients(
        lighter,
        water_m3 * rho_w_pa + steam_m3 * rho_s_pa,
        rho_w * s.water_j_kg - rho_s * s.steam_j_kg,
        water_m3 * (s.water_j_kg * rho_w_pa + rho_w * s.water_j_kg_pa)
        + steam_m3 * (s.steam_j_kg * rho_s_pa + rho_s * s.steam_j_kg_pa)
        - total_m3
        + metal_kg * capacity_j_kgk * s.boiling_k_pa,
        e32,
        ((1.0 - quality) * rho_s + quality * rho_w) * h_c * risers_m3 * void_quality,
        e42,
        -spread * lighter * void_quality,
        rho_s,
        void,
        math.sqrt(2.0 * rho_w * p.parameters[8] * lighter * G_M_S2 * void * risers_m3 / p.parameters[7]),
        water_in_drum_m3,
    )
