"""The loop bank against the closed answer of a first-order lag."""

import math

import pytest

from plant_models.library import PLANTS


def test_step_response_is_the_exponential_and_others_stand_still():
    """Promise: after a step of a demand by 0.2 measurement i goes the exponential way; nobody else moves."""
    plant = PLANTS["loop_bank"].create()
    plant.set("demand_3", 0.7)
    plant.advance(0.1, 150)
    assert plant.get("measurement_3") == pytest.approx(0.7 - 0.2 * math.exp(-1.5), abs=1e-6)
    assert plant.get("measurement_4") == 0.5


def test_measurement_ends_where_its_range_ends():
    plant = PLANTS["loop_bank"].create()
    plant.set("load", 1.0)
    plant.advance(0.1, 1000)
    assert plant.get("measurement_1") == 1.0
