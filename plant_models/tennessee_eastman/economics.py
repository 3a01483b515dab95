"""What an hour of operation costs.

Called by   ``stepping.measure`` (true values) and whoever has measurements (``cost_of``).
Knows       prices, $/kmol, of what is lost with the purge and the product; compression and steam.
Source      J. J. Downs and E. F. Vogel (1993); prices and conversions as in N. L. Ricker's version of the simulator.
"""

from collections.abc import Sequence

from plant_models.kernel import kernel
from plant_models.tennessee_eastman.constants import MOLAR_MASS

PURGE_KMOL_PER_KSCM = 44.79
PRODUCT_KMOL_PER_M3 = 9.21  # at the base case; other products have up to 2 % more or less
PRICE = (2.206, 0.0, 6.177, 22.06, 14.56, 17.89, 30.44, 22.94)  # $/kmol of A … H
COMPRESSION = 0.0536  # $/kWh
STEAM = 0.0318  # $/kg

_XMEAS_PURGE = 29  # first analyser of the purge
_XMEAS_PRODUCT = 37


@kernel
def purge_loss(a: float, c: float, d: float, e: float, f: float, g: float, h: float) -> float:
    """$ per kmol of purge of these mole fractions."""
    return a * PRICE[0] + c * PRICE[2] + d * PRICE[3] + e * PRICE[4] + f * PRICE[5] + g * PRICE[6] + h * PRICE[7]


@kernel
def product_loss(d: float, e: float, f: float) -> float:
    """$ of raw material per kmol of product of these mole fractions."""
    return d * PRICE[3] + e * PRICE[4] + f * PRICE[5]


@kernel
def operating_cost(
    purge_kmol_h: float,
    purge_price: float,
    product_kmol_h: float,
    product_price: float,
    work_kw: float,
    steam_kg_h: float,
) -> float:
    """$/h."""
    return purge_kmol_h * purge_price + product_kmol_h * product_price + COMPRESSION * work_kw + STEAM * steam_kg_h


def cost_of(xmeas: Sequence[float]) -> float:
    """$/h from the 41 measurements, analysers included."""
    x = [value / 100.0 for value in xmeas]
    purge = x[_XMEAS_PURGE - 1 : _XMEAS_PURGE + 7]
    product = x[_XMEAS_PRODUCT - 1 : _XMEAS_PRODUCT + 4]
    return float(
        operating_cost(
            xmeas[9] * PURGE_KMOL_PER_KSCM,
            purge_loss(purge[0], *purge[2:]),
            xmeas[16] * PRODUCT_KMOL_PER_M3,
            product_loss(product[0], product[1], product[2]),
            xmeas[19],
            xmeas[18],
        )
    )


@kernel
def mass_ratio(g: float, h: float) -> float:
    """Mass of G over mass of H of two amounts; 0 without H."""
    if h > 0.0:
        return g * MOLAR_MASS[6] / (h * MOLAR_MASS[7])
    return 0.0
