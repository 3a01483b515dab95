"""Promises of the protection of configs/tennessee_eastman, on the plant with its noise in the fast runner."""

import math
from collections.abc import Iterator

import pytest

from dcs.core.errors import NotAuthorised
from dcs.core.modes import CAS, IMAN, LO, MAN
from tests.support.te_protection import FAILURES, HOUR_S, NOT_PREVENTED, World

NEEDED = [failure for failure in FAILURES if failure.name != NOT_PREVENTED]


@pytest.fixture(scope="module")
def built() -> World:
    return World(seed=7)


@pytest.fixture
def world(built: World) -> Iterator[World]:
    yield built
    built.reset()


@pytest.mark.parametrize("failure", NEEDED, ids=lambda one: one.name)
def test_the_protection_keeps_the_model_from_standing_still_for_an_hour(world, failure):
    """Promise: it trips inside the model's limits, and nothing leaves them in the hour after."""
    outcome = world.fail(failure, HOUR_S)
    assert outcome.trip_s is not None
    assert outcome.frozen_s is None, outcome
    assert outcome.highest["xmeas7"] < 3000.0
    assert outcome.highest["xmeas9"] < 175.0


def test_without_the_quench_a_shut_water_valve_freezes_the_model(world):
    """The study means something: the trips of pressure and temperature alone come too late."""
    world.plant.set("HS-2.SP", "PERMITTED")
    world.plant.run_for(2.0)
    world.plant.set("ESD-1.BYPASS_4", 1)
    world.base, before = world.plant.snapshot(), world.base
    try:
        outcome = world.fail(next(one for one in FAILURES if one.name == "water_0"), HOUR_S)
    finally:
        world.base = before
    assert outcome.first_out == "TAHH-9"
    assert outcome.frozen_by == "trip_reactor_pressure"


def test_the_base_case_does_not_trip(world):
    world.plant.run_for(2 * HOUR_S)
    assert world.plant.value("ESD-1.PV") == 0.0
    assert not [one for one in world.plant.events if "asks for the trip" in one.text]


def test_the_button_acts_on_valves_in_every_mode_and_returns_without_a_bump(world):
    """Promise: first-out, no reset while the button is down, loops in IMan meanwhile, return from where they are."""
    plant = world.plant
    plant.set("XV-2.MODE", "MAN")
    plant.run_for(2.0)
    plant.set("HS-1.SP", "SHUTDOWN")
    plant.run_for(3.0)
    for valve, demand in (("XV-1", 0.0), ("XV-2", 0.0), ("XV-6", 100.0), ("XV-9", 0.0), ("XV-10", 100.0)):
        assert (plant.value(f"{valve}.OUT"), plant.value(f"{valve}.MODE")) == (demand, LO)
    assert plant.value("ESD-1.FIRST_OUT_1") == 1.0  # HS-1
    plant.run_for(5.0)
    assert plant.value("FIC-2.MODE") == IMAN
    plant.set("HS-3.RESET", 1)
    plant.run_for(3.0)
    assert plant.value("ESD-1.EFFECT_1") == 0.0
    plant.set("HS-1.SP", "NORMAL")
    plant.run_for(2.0)
    plant.set("HS-3.RESET", 1)
    plant.run_for(2.0)
    assert plant.value("ESD-1.EFFECT_1") == 1.0
    assert plant.value("XV-1.OUT") == pytest.approx(0.0, abs=3.0)
    assert (plant.value("XV-2.OUT"), plant.value("XV-2.MODE")) == (0.0, MAN)
    plant.run_for(30.0)
    assert plant.value("XV-1.MODE") == CAS
    assert plant.value("XV-10.OUT") < 100.0


def test_two_of_three_transmitters_trip_and_one_does_not(world):
    """Promise: one that is wrong is flagged and does not trip; of two the plant is tripped."""
    plant = world.plant
    for name, tripped in (("a", 0.0), ("b", 1.0)):
        plant.set(f"PAHH-7.{name}.SIMULATE", 1)
        plant.set(f"PAHH-7.{name}.SIM_VALUE", 3000.0)
        plant.run_for(15.0)
        assert plant.value("PAHH-7.TRIPPED") == tripped
    assert any("deviat" in one.text for one in plant.events)
    assert plant.value("ESD-1.FIRST_OUT_1") == 2.0  # PAHH-7


def test_a_bypass_needs_the_key_and_ends_after_thirty_minutes(world):
    plant = world.plant
    plant.set("ESD-1.BYPASS_2", 1)
    plant.run_for(2.0)
    assert plant.value("ESD-1.BYPASSED") == 0.0
    plant.set("HS-2.SP", "PERMITTED")
    plant.run_for(2.0)
    plant.set("ESD-1.BYPASS_2", 1)
    plant.run_for(1700.0)
    assert plant.value("ESD-1.BYPASSED") == 1.0
    assert any("bypassed" in one.text for one in plant.annunciations())
    plant.run_for(150.0)
    assert (plant.value("ESD-1.BYPASSED"), plant.value("HS-2.STATE")) == (0.0, 0.0)


def test_commands_that_do_not_fit_are_refused(world):
    with pytest.raises(NotAuthorised):
        world.plant.set("SEQ-1.COMMAND", "RESTART")
    assert math.isfinite(world.measured("xmeas7"))
