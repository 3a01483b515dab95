"""Where the plant may start: the published base case and operating modes.

Called by   ``plant``.
Knows       numbers alone.
"""

from plant_models.model import Setting
from plant_models.tennessee_eastman.cold_state import COLD
from plant_models.tennessee_eastman.mode_states import MODE_1, MODE_2, MODE_3, MODE_4, MODE_5, MODE_6

BASE = (
    10.40491389, 4.363996017, 7.570059737, 0.4230042431, 24.15513437, 2.942597645, 154.3770655, 159.1865960,
    2.808522723, 63.75581199, 26.74026066, 46.38532432, 0.2464521543, 15.20484404, 1.852266172, 52.44639459,
    41.20394008, 0.5699317760, 0.4306056376, 7.9906200783e-03, 0.9056036089, 1.6054258216e-02, 0.7509759687,
    8.8582855955e-02, 48.27726193, 39.38459028, 0.3755297257, 107.7562698, 29.77250546, 88.32481135, 23.03929507,
    62.85848794, 5.546318688, 11.92244772, 5.555448243, 0.9218489762, 94.59927549, 77.29698353, 63.05263039,
    53.97970677, 24.64355755, 61.30192144, 22.21000000, 40.06374673, 38.10034370, 46.53415582, 47.44573456,
    41.10581288, 18.11349055, 50.00000000,
)  # fmt: skip
"""States of the base case, as published."""


BASE_DRIFT = 1e-4
"""Ten published digits of an unstable plant: within ten minutes a state moves by 2e-5 of itself."""

COLD_DRIFT = 0.2
"""The compressor runs: within ten minutes a tenth of a cubic metre goes from the reactor to the separator."""


def setting(name: str, meaning: str, states: tuple[float, ...], drift: float = 1e-9) -> Setting:
    """A setting whose demands are where its valves are."""
    return Setting(
        name,
        meaning,
        {f"y{i + 1}": value for i, value in enumerate(states)},
        {f"xmv{i + 1}": value for i, value in enumerate(states[38:])},
        {"noise": 1.0, "shared_generator": 0.0},
        drift=drift,
    )


SETTINGS = (
    setting("base", "base case of Downs and Vogel: 50/50 G/H by mass, 14 076 kg/h; 170.6 $/h", BASE, BASE_DRIFT),
    setting("mode_1", "optimum at 50/50 G/H and 14 076 kg/h: 114.3 $/h", MODE_1),
    setting("mode_2", "optimum at 10/90 G/H and 14 077 kg/h: 181.1 $/h", MODE_2),
    setting("mode_3", "optimum at 90/10 G/H and 11 111 kg/h: 43.9 $/h", MODE_3),
    setting("mode_4", "optimum at 50/50 G/H and the greatest production: 243.9 $/h", MODE_4),
    setting("mode_5", "optimum at 10/90 G/H and the greatest production: 194.6 $/h", MODE_5),
    setting("mode_6", "optimum at 90/10 G/H and the greatest production: 49.2 $/h", MODE_6),
    setting(
        "cold",
        "the coldest state that the model supports, where a start-up begins: feeds, steam and purge closed, cooling "
        "water on; 35 degC, 200 kPa gauge; 7.1 m3 of liquid in the reactor, 1.6 m3 in separator and stripper. It "
        "stands for five hours: 1 m3/h of liquid moves from the reactor to the separator",
        COLD,
        COLD_DRIFT,
    ),
)
