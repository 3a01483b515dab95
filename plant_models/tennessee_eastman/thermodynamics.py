r"""Mixtures: enthalpy, temperature, liquid volume, vapour pressure, and the equilibrium of a vessel.

Called by   ``evaluation``.
Knows       ``constants``; amounts in lbmol, energy in MBtu, pressure in mmHg, temperature in °C. A mixture is a
            tuple of eight amounts, A to H.

Temperatures are implicit: :math:`N h(x, T) = E`. With the coefficients of the mixture summed first, that is a cubic in
:math:`T`, and Newton from the last temperature takes one or two short rounds. Nothing here divides by what can be zero:
an empty vessel gives finite numbers, and the plant trips.
"""

import math

from plant_models.kernel import kernel
from plant_models.tennessee_eastman.constants import (
    ANTOINE_D,
    ANTOINE_E,
    ANTOINE_G,
    ANTOINE_H,
    DENSITY_0,
    DENSITY_1,
    DENSITY_2,
    GAS_ENERGY,
    GAS_PRESSURE,
    KELVIN,
    LIQUID_1,
    LIQUID_2,
    LIQUID_3,
    VAPOUR_0,
    VAPOUR_1,
    VAPOUR_2,
    VAPOUR_3,
    Eight,
)

_TINY = 1e-9
_CLOSE_C = 1e-6  # Newton's error falls as its square: a step below this leaves less than the last bit
_ROUNDS_MAX = 100
_COLDEST_C, _HOTTEST_C = -100.0, 205.0  # outside of what trips, inside of what the liquid densities bear


@kernel
def positive(value: float) -> float:
    """``value``, and a tiny number instead of zero, less or NaN: what may stand below a fraction line."""
    if value > _TINY:
        return value
    return _TINY


@kernel
def dot8(c: Eight, z: Eight) -> float:
    """Sum of products over the eight components."""
    return c[0] * z[0] + c[1] * z[1] + c[2] * z[2] + c[3] * z[3] + c[4] * z[4] + c[5] * z[5] + c[6] * z[6] + c[7] * z[7]


@kernel
def dot_heavy(c: Eight, z: Eight) -> float:
    """Sum of products over D … H."""
    return c[3] * z[3] + c[4] * z[4] + c[5] * z[5] + c[6] * z[6] + c[7] * z[7]


@kernel
def scaled(k: float, z: Eight) -> Eight:
    """``k z``."""
    return (k * z[0], k * z[1], k * z[2], k * z[3], k * z[4], k * z[5], k * z[6], k * z[7])


@kernel
def total(z: Eight) -> float:
    """Sum over the eight components."""
    return z[0] + z[1] + z[2] + z[3] + z[4] + z[5] + z[6] + z[7]


@kernel
def vapour_enthalpy(z: Eight, temperature: float) -> float:
    """MBtu of ``z`` lbmol (or lbmol/h) of vapour."""
    t = temperature
    return dot8(VAPOUR_0, z) + t * (dot8(VAPOUR_1, z) + t * (dot8(VAPOUR_2, z) + t * dot8(VAPOUR_3, z)))


@kernel
def temperature_of(energy: float, first: float, second: float, third: float, start: float) -> float:
    """T with T (first + T (second + T third)) = energy, by Newton from ``start``; ``start`` if there is none."""
    t = start
    for _ in range(_ROUNDS_MAX):
        step = (t * (first + t * (second + t * third)) - energy) / positive_slope(
            first + t * (2.0 * second + 3.0 * third * t)
        )
        t -= step
        if t < _COLDEST_C:
            t = _COLDEST_C
        elif t > _HOTTEST_C:
            t = _HOTTEST_C
        if abs(step) < _CLOSE_C:
            return t
    return start


@kernel
def positive_slope(slope: float) -> float:
    """A heat capacity that is not zero (MBtu/°C; a mixture has 1e-6 per lbmol and more)."""
    if slope > 1e-15:
        return slope
    return 1e-15


@kernel
def heavy_liquid_ft3(z: Eight, t: float) -> float:
    """Volume of D … H as a liquid of ``t`` °C."""
    return (
        z[3] / (DENSITY_0[3] + t * (DENSITY_1[3] + t * DENSITY_2[3]))
        + z[4] / (DENSITY_0[4] + t * (DENSITY_1[4] + t * DENSITY_2[4]))
        + z[5] / (DENSITY_0[5] + t * (DENSITY_1[5] + t * DENSITY_2[5]))
        + z[6] / (DENSITY_0[6] + t * (DENSITY_1[6] + t * DENSITY_2[6]))
        + z[7] / (DENSITY_0[7] + t * (DENSITY_1[7] + t * DENSITY_2[7]))
    )


@kernel
def liquid_ft3(z: Eight, t: float) -> float:
    """Volume of all eight as a liquid of ``t`` °C; A, B and C have made-up densities that do not depend on it."""
    return heavy_liquid_ft3(z, t) + (z[0] / DENSITY_0[0] + z[1] / DENSITY_0[1] + z[2] / DENSITY_0[2])


@kernel
def saturation_mmhg(antoine: tuple[float, float, float], t: float) -> float:
    """Vapour pressure of one component."""
    return math.exp(antoine[0] + antoine[1] / (t + antoine[2]))


@kernel
def equilibrium(n: Eight, energy: float, volume_ft3: float, start: float) -> tuple[float, float, float, float, Eight]:
    """A vessel of liquid D … H under vapour: temperature, liquid lbmol and ft3, pressure, the partial pressures.

    ``n`` are A, B, C in the vapour and D … H in the liquid; the vapour's D … H follow from Raoult's law.
    """
    liquid = positive(n[3] + n[4] + n[5] + n[6] + n[7])
    t = temperature_of(energy, dot_heavy(LIQUID_1, n), dot_heavy(LIQUID_2, n), dot_heavy(LIQUID_3, n), start)
    liquid_volume = heavy_liquid_ft3(n, t)
    gas = GAS_PRESSURE * (t + KELVIN) / max(volume_ft3 - liquid_volume, 1.0)
    share = 1.0 / liquid
    light = saturation_mmhg(ANTOINE_E, t) * share  # of E and F
    partial = (
        n[0] * gas,
        n[1] * gas,
        n[2] * gas,
        n[3] * (saturation_mmhg(ANTOINE_D, t) * share),
        n[4] * light,
        n[5] * light,
        n[6] * (saturation_mmhg(ANTOINE_G, t) * share),
        n[7] * (saturation_mmhg(ANTOINE_H, t) * share),
    )
    return t, liquid, liquid_volume, positive(total(partial)), partial


@kernel
def vapour_temperature(n: Eight, lbmol: float, energy: float, start: float) -> float:
    """Temperature of ``n`` lbmol of vapour whose internal energy is ``energy``."""
    work = GAS_ENERGY * lbmol
    return temperature_of(
        energy - dot8(VAPOUR_0, n) + work * KELVIN,
        dot8(VAPOUR_1, n) - work,
        dot8(VAPOUR_2, n),
        dot8(VAPOUR_3, n),
        start,
    )


@kernel
def liquid_temperature(n: Eight, energy: float, start: float) -> float:
    """Temperature of ``n`` lbmol of liquid whose energy is ``energy``."""
    return temperature_of(energy, dot8(LIQUID_1, n), dot8(LIQUID_2, n), dot8(LIQUID_3, n), start)
