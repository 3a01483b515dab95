"""The A feed of the Tennessee Eastman plant fails: what docs/explanations/tennessee-eastman-protection.md says to do.

That it trips without anybody is in test_te_protection.py (case a_feed).
More seeds, for two days: `python -m tests.support.te_a_feed`.
"""

from tests.support.te_a_feed import answer
from tests.support.te_protection import World


def test_an_operator_who_acts_an_hour_later_keeps_the_plant_running() -> None:
    """Promise: no trip in nine hours (by itself it trips after six to eight), levels between 30 and 90 %, 80 % of the
    product."""
    held = answer(World(seed=6), 3600.0, 9.0)
    assert held.trip_s is None
    assert held.highest["kPa"] < 2900.0
    assert held.highest["°C"] < 121.5
    for level in ("reactor %", "separator %", "stripper %"):
        assert held.lowest[level] > 30.0
        assert held.highest[level] < 90.0
    assert held.product_m3_h > 0.8 * 22.95
