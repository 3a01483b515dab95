r"""What happens to the components: the reactions, and how the stripper divides its feed.

Called by   ``evaluation``.
Knows       ``constants``; rates and flows in lbmol/h, partial pressures in mmHg.
"""

import math

from plant_models.kernel import kernel
from plant_models.tennessee_eastman.constants import KELVIN, Eight

_GAS_CAL = 1.987  # cal/(mol K)
_A_ORDER, _C_ORDER = 1.1544, 0.3735
_SIDE = 0.767488334  # reaction 4 beside reaction 3

REACTION_1_MBTU, REACTION_2_MBTU = 0.06899381054, 0.05

_FRACTION_A, _FRACTION_B, _FRACTION_C = 0.995, 0.991, 0.99
_DRY = (0.9999, 0.999, 0.999, 0.99, 0.98)  # without liquid to strip
_VOLATILITY = (8.5010, 11.402, 11.795, 0.0480, 0.0242)  # D … H
_LIQUID_MIN = 0.1  # lbmol/h


@kernel
def reaction_rates(
    partial: Eight, temperature: float, vapour_ft3: float, factor_1: float, factor_2: float
) -> tuple[float, float, float, float]:
    """A + C + D → G, A + C + E → H, A + E → F, 3 D → 2 F (with A in its rate, as published)."""
    a, c, d, e = partial[0], partial[2], partial[3], partial[4]
    inverse = 1.0 / (_GAS_CAL * (temperature + KELVIN))
    first = 0.0
    second = 0.0
    if a > 0.0 and c > 0.0:
        orders = _A_ORDER * math.log(a) + _C_ORDER * math.log(c)
        first = factor_1 * math.exp(31.5859536 - 40000.0 * inverse + orders) * d * vapour_ft3
        second = factor_2 * math.exp(3.00094014 - 20000.0 * inverse + orders) * e * vapour_ft3
    side = math.exp(53.4060443 - 60000.0 * inverse) * a * vapour_ft3
    return first, second, side * e, _SIDE * side * d


@kernel
def stripped_share(volatility: float, ratio: float) -> float:
    """Share of a component that leaves with the gas; ``ratio`` is the stripping factor of volatility 1."""
    q = volatility * ratio
    return q / (1.0 + q)


@kernel
def stripping(temperature: float) -> float:
    """How well gas strips at this temperature: the published curve with its two ends."""
    if temperature > 170.0:
        return temperature - 120.262
    if temperature < 5.292:
        return 0.1
    return 363.744 / (177.0 - temperature) - 2.22579488


@kernel
def split_shares(temperature: float, gas: float, liquid: float) -> Eight:
    """Shares of A … H of the stripper's feeds that leave overhead; ``gas`` and ``liquid`` fed in lbmol/h."""
    if liquid > _LIQUID_MIN:
        ratio = stripping(temperature) * gas / liquid
        return (
            _FRACTION_A,
            _FRACTION_B,
            _FRACTION_C,
            stripped_share(_VOLATILITY[0], ratio),
            stripped_share(_VOLATILITY[1], ratio),
            stripped_share(_VOLATILITY[2], ratio),
            stripped_share(_VOLATILITY[3], ratio),
            stripped_share(_VOLATILITY[4], ratio),
        )
    return _FRACTION_A, _FRACTION_B, _FRACTION_C, _DRY[0], _DRY[1], _DRY[2], _DRY[3], _DRY[4]
