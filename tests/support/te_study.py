"""Tennessee Eastman with measurement noise: how quiet it is, and how far its valves travel.

Called by   tests of the plant's tuning, ``tests.simulation.tennessee_eastman``.
Knows       the plant folder without its network (``dcs.node.direct``).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dcs.config.find import find_config
from dcs.node.assembly import build_direct, load_configuration
from dcs.node.direct import START_UTC_NS, DirectPlant

Floats = NDArray[np.float64]
VALVES = tuple(f"XV-{number}" for number in range(1, 13))
REFERENCE = ("variant=reference", "model.parameters.noise=1")


@dataclass(frozen=True)
class Quiet:
    """What happened in some hours at the base case."""

    seed: int
    alarms: tuple[str, ...]
    conditions: tuple[str, ...]  # trips of the model
    selected: tuple[str, ...]  # overrides that have taken a valve or the load


OVERRIDES = {
    "XV-5.SELECTED": "compressor power",
    "XV-6.SELECTED": "reactor pressure (purge)",
    "HIC-1.LIMITED_BY": "reactor pressure (load)",
    "LIC-8.LOWEST": "reactor level high",
    "LIC-8.HIGHEST": "reactor level low",
}
"""Parts that say 1 while the ordinary controller is selected."""


def plant(seed: int, *overrides: str, every_s: float = 0.0, polled: bool = False) -> DirectPlant:
    """The plant folder for a study."""
    return build_direct(load_configuration(find_config("tennessee_eastman"), overrides), seed, every_s, polled)


def at_the_base_case(seed: int, hours: float) -> Quiet:
    """Noise on, nobody touches anything."""
    one = plant(seed)
    one.run_for(60)  # the cascades close
    taken: dict[str, None] = {}
    for _ in range(round(hours * 60)):
        one.run_for(60)
        taken |= {what: None for tag, what in OVERRIDES.items() if one.value(tag) != 1.0}
    return Quiet(
        seed,
        tuple(f"{(e.time_ns - START_UTC_NS) / 3.6e12:.2f} h {e.subject}" for e in one.annunciations()),
        tuple(one.field.plant.active_conditions()),  # type: ignore[attr-defined]
        tuple(taken),
    )


def travel_pct_h(seed: int, hours: float, *overrides: str) -> Floats:
    """How far the demands to the valves 1 … 12 travel, % per hour."""
    one = plant(seed, *overrides)
    at = [[point.name for point in one.field.driven_points].index(name) for name in VALVES]
    one.run_for(600)
    before, way = one.field.demands()[at], np.zeros(len(at))
    for _ in range(round(hours * 3600)):
        one.run_for(1)
        now = one.field.demands()[at]
        way += np.abs(now - before)
        before = now
    return way / hours
