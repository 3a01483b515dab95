"""Chromatographs: they sample, and show one period later what they sampled.

Called by   ``evaluation``.
Knows       ``kept``. 23 … 28 reactor feed and 29 … 36 purge every 0.1 h, 37 … 41 product every 0.25 h.
"""

from plant_models.kernel import kernel
from plant_models.model import Vector
from plant_models.tennessee_eastman.constants import (
    ANALYSER_SIGMA,
    GAS_ANALYSERS,
    GAS_PERIOD_H,
    PRODUCT_PERIOD_H,
    Eight,
)
from plant_models.tennessee_eastman.layout import NEXT_GAS, NEXT_PRODUCT, REGISTER, SHOWN, TIME_H
from plant_models.tennessee_eastman.noise import deviation

ANALYSERS = 19
_FIRST = 23


@kernel
def _sampled(kept: Vector, at: int, value: float, number: int, scale: float, shared: bool) -> None:
    """Show what waited, and let ``value`` wait; ``number`` counts the samples."""
    kept[SHOWN + at] = kept[REGISTER + at]
    if shared or scale > 0.0:
        kept[SHOWN + at] += scale * ANALYSER_SIGMA[at] * deviation(kept, shared, _FIRST + at, number)
    kept[REGISTER + at] = value


@kernel
def sample(kept: Vector, feed: Eight, purge: Eight, product: Eight, scale: float, shared: bool) -> None:
    """Take the samples that are due; mole fractions of reactor feed, purge and product as they are now."""
    while kept[TIME_H] >= kept[NEXT_GAS]:
        number = int(kept[NEXT_GAS] / GAS_PERIOD_H + 0.5)
        for i in range(6):
            _sampled(kept, i, 100.0 * feed[i], number, scale, shared)
        for i in range(8):
            _sampled(kept, 6 + i, 100.0 * purge[i], number, scale, shared)
        kept[NEXT_GAS] += GAS_PERIOD_H
    while kept[TIME_H] >= kept[NEXT_PRODUCT]:
        number = int(kept[NEXT_PRODUCT] / PRODUCT_PERIOD_H + 0.5)
        for i in range(5):
            _sampled(kept, GAS_ANALYSERS + i, 100.0 * product[3 + i], number, scale, shared)
        kept[NEXT_PRODUCT] += PRODUCT_PERIOD_H


@kernel
def begin_analysers(kept: Vector, feed: Eight, purge: Eight, product: Eight) -> None:
    """At the start the analysers show what is there."""
    kept[NEXT_GAS] = GAS_PERIOD_H
    kept[NEXT_PRODUCT] = PRODUCT_PERIOD_H
    for i in range(6):
        kept[REGISTER + i] = 100.0 * feed[i]
    for i in range(8):
        kept[REGISTER + 6 + i] = 100.0 * purge[i]
    for i in range(5):
        kept[REGISTER + GAS_ANALYSERS + i] = 100.0 * product[3 + i]
    for i in range(ANALYSERS):
        kept[SHOWN + i] = kept[REGISTER + i]


@kernel
def show(kept: Vector, out: Vector) -> None:
    """Measurements 23 … 41 as the analysers show them."""
    for i in range(ANALYSERS):
        out[_FIRST - 1 + i] = kept[SHOWN + i]
