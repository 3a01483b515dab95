"""Limits of what acts on a plant.

Called by   plants, wherever an input or a disturbance enters an equation.
Knows       three numbers.
"""

from plant_models.kernel import kernel


@kernel
def clipped(value: float, low: float, high: float) -> float:
    """``value`` within ``low`` … ``high``; ``low`` for NaN (a pump whose demand is not a number stands)."""
    if value >= high:
        return high
    if value > low:
        return value
    return low
