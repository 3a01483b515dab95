r"""Saturated water and steam between 7 and 11 MPa, for the drum boiler: quadratic fits to IAPWS-IF97.

Called by   ``plant_models.drum_boiler``.
Knows       pressure, and what follows from it at saturation.

With :math:`d = p / \mathrm{MPa} - 10`, every property is :math:`a_0 + a_1 d + a_2 d^2`; errors against the tables
between 7 and 11 MPa are at most 1.4e-5 (h_s), 7e-4 (ρ_s), 2.8e-4 (h_w), 1.3e-4 (ρ_w) and 2.7e-4 (t_s). Below 0.5 and
above 20 MPa the properties are those at the end, so that no pressure breaks the arithmetic.
"""

from typing import NamedTuple

from plant_models.kernel import kernel

_PA_PER_MPA = 1e6
_LOWEST_MPA, _HIGHEST_MPA = 0.5, 20.0


class Saturation(NamedTuple):
    """At one pressure; the second half are derivatives by the pressure, per Pa."""

    steam_j_kg: float
    steam_kg_m3: float
    water_j_kg: float
    water_kg_m3: float
    boiling_degc: float
    steam_j_kg_pa: float
    steam_kg_m3_pa: float
    water_j_kg_pa: float
    water_kg_m3_pa: float
    boiling_k_pa: float


@kernel
def saturation_at(pressure_pa: float) -> Saturation:
    """Enthalpies, densities and temperature of boiling water and its steam, and how they change with the pressure."""
    mpa = pressure_pa / _PA_PER_MPA
    if not mpa > _LOWEST_MPA:
        mpa = _LOWEST_MPA
    elif mpa > _HIGHEST_MPA:
        mpa = _HIGHEST_MPA
    d = mpa - 10.0
    return Saturation(
        2725480.0 + d * (-18253.7 - 848.393 * d),
        55.465 + d * (6.84966 + 0.18141 * d),
        1408010.0 + d * (43157.6 - 1194.74 * d),
        688.37 + d * (-16.6366 + 0.149691 * d),
        311.03 + d * (7.33412 - 0.346903 * d),
        (-18253.7 - 2.0 * 848.393 * d) / _PA_PER_MPA,
        (6.84966 + 2.0 * 0.18141 * d) / _PA_PER_MPA,
        (43157.6 - 2.0 * 1194.74 * d) / _PA_PER_MPA,
        (-16.6366 + 2.0 * 0.149691 * d) / _PA_PER_MPA,
        (7.33412 - 2.0 * 0.346903 * d) / _PA_PER_MPA,
    )
