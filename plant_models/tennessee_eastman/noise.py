"""Measurement noise, once per whole second.

Called by   ``evaluation``.
Knows       ``kept`` and two sources: streams of its own, where a number depends on the seed, the measurement and the
            second alone; or the generator of the walks, as published, where noise and disturbances share one queue.
"""

from plant_models.kernel import kernel
from plant_models.model import Vector
from plant_models.random_streams import normal
from plant_models.tennessee_eastman.constants import NOISE_SIGMA
from plant_models.tennessee_eastman.generator import MODULUS, next_state
from plant_models.tennessee_eastman.layout import GENERATOR, NOISE, NOISY_NOW, SECONDS, SEED

NOISY = 22  # continuous measurements
_DRAWS = 12
_MEAN = 6.0


@kernel
def published_deviation(kept: Vector) -> float:
    """Twelve uniform numbers of the shared generator, less six: nearly normal, as published."""
    state = int(kept[GENERATOR])
    drawn = 0
    for _ in range(_DRAWS):
        state = next_state(state)
        drawn += state
    kept[GENERATOR] = state
    return drawn / MODULUS - _MEAN


@kernel
def deviation(kept: Vector, shared: bool, stream: int, index: int) -> float:
    """A number with mean 0 and standard deviation 1: sample ``index`` of measurement ``stream``."""
    if shared:
        return published_deviation(kept)
    return normal(int(kept[SEED]), stream, index)


@kernel
def renew_noise(kept: Vector, scale: float, shared: bool) -> None:
    """New deviations of the measurements 1 … 22; ``scale`` times the published standard deviations."""
    kept[NOISY_NOW] = 1.0 if scale > 0.0 else 0.0
    second = int(kept[SECONDS])
    for i in range(NOISY):
        if shared or scale > 0.0:
            kept[NOISE + i] = scale * NOISE_SIGMA[i] * deviation(kept, shared, i + 1, second)
        else:
            kept[NOISE + i] = 0.0


@kernel
def still_noise(kept: Vector) -> None:
    """No noise on the measurements: at the start, and after a shutdown."""
    kept[NOISY_NOW] = 0.0
    for i in range(NOISY):
        kept[NOISE + i] = 0.0
