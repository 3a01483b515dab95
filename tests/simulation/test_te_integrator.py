"""How the operated Tennessee Eastman plant is integrated: right where little flows after a trip, and fast enough."""

import numpy as np
import pytest
from numpy.typing import NDArray

from dcs.config.find import find_config
from dcs.node.assembly import load_configuration
from tests.support.te_protection import FAILURES, World

NAMES = ("xmeas7", "xmeas8", "xmeas9", "xmeas11", "xmeas12", "xmeas15")
WITHIN = (1.0, 0.05, 0.05, 0.1, 0.1, 0.1)
"""kPa, %, °C, °C, %, %"""


def course(*settings: str) -> NDArray[np.float64]:
    """Every second of the 15 minutes after the failure of the reactor's cooling water, without noise."""
    world = World(1, settings=("model.parameters.noise=0", *settings))
    failure = next(one for one in FAILURES if one.name == "water_0")
    world.stuck.update(failure.stuck)
    world.plant.field.demand("XV-10", 0.0)
    rows = []
    for _ in range(15 * 60):
        world.plant.run_for(1.0)
        rows.append([world.measured(name) for name in NAMES])
    return np.array(rows)


def largest_jump_c(rows: NDArray[np.float64]) -> float:
    """Of the reactor's temperature, against the second before and the second after."""
    return float(np.abs(np.diff(rows[:, 2], 2)).max())


def test_the_shipped_step_is_as_good_as_a_fourth_of_it_after_a_trip() -> None:
    """Promise: smooth, and where a step of 250 ms goes."""
    shipped = course()
    assert largest_jump_c(shipped) < 0.1
    assert np.all(np.abs(shipped - course("model.step=250ms")).max(axis=0) < WITHIN)


@pytest.mark.parametrize("explicit", [("1s", "euler"), ("250ms", "rk4")], ids=lambda one: one[1])
def test_explicit_methods_oscillate_there(explicit: tuple[str, str]) -> None:
    """Why it is not the published method: temperatures would jump by degrees from second to second."""
    step, method = explicit
    assert largest_jump_c(course(f"model.step={step}", f"model.integrator={method}")) > 1.0


def test_the_comparison_with_the_literature_is_integrated_as_published() -> None:
    model = load_configuration(find_config("tennessee_eastman"), ("variant=reference",)).model
    assert (model.step_ns, model.integrator) == (1_000_000_000, "euler")
