"""Promises of start-up and shutdown of configs/tennessee_eastman, whole, in the fast runner."""

import pytest

from dcs.core.modes import AUTO, CAS, LO, MAN
from tests.support.te_protection import HOUR_S
from tests.support.te_sequences import ABORTED, COMPLETE, HELD, IDLE, RUNNING, Operation


@pytest.fixture(scope="module")
def cold() -> Operation:
    return Operation("cold", seed=3)


def test_start_up_from_cold_ends_near_the_base_case_with_all_loops_in_service(cold):
    """Promise: inside the protection's limits all the way; then the loops have the valves, in their normal modes."""
    plant = cold.plant
    plant.run_for(10.0)
    assert plant.value("XV-1.MODE") == LO  # a cold plant is kept shut until the start-up takes it
    plant.set("SEQ-1.COMMAND", "START")
    course = cold.follow("SEQ-1", 8 * HOUR_S)
    assert course.frozen_by == ""
    assert plant.value("SEQ-1.STATE") == COMPLETE
    assert course.highest["xmeas7"] < 2900.0
    assert course.highest["xmeas9"] < 123.0
    plant.run_for(4 * HOUR_S)
    world = cold.world
    assert world.measured("xmeas17") == pytest.approx(22.95, abs=1.5)
    assert world.measured("xmeas7") == pytest.approx(2705.0, abs=200.0)
    assert world.measured("xmeas9") == pytest.approx(120.4, abs=0.5)
    for valve in range(1, 12):
        assert plant.value(f"XV-{valve}.MODE") == CAS
    for loop in ("TIC-9", "LIC-12", "LIC-15"):
        assert plant.value(f"{loop}.MODE") == AUTO
    for loop in ("FIC-2", "FIC-3", "FIC-4", "TIC-21"):
        assert plant.value(f"{loop}.MODE") == CAS
    assert plant.value("ESD-1.PV") == 0.0


def test_shutdown_from_the_base_case_ends_cold_and_without_pressure():
    """Promise: inside the limits all the way, without a trip of the emergency shutdown; the valves stay shut."""
    plant = (base := Operation("base", seed=3)).plant
    plant.run_for(300.0)
    plant.set("SEQ-2.COMMAND", "START")
    course = base.follow("SEQ-2", 10 * HOUR_S)
    assert (course.frozen_by, plant.value("SEQ-2.STATE")) == ("", COMPLETE)
    assert not [one for one in plant.events if "tripped FEEDS" in one.text]
    plant.run_for(600.0)
    assert base.world.measured("xmeas13") < 260.0
    assert base.world.measured("xmeas9") < 40.0
    for valve in range(1, 10):
        assert plant.value(f"XV-{valve}.OUT") == 0.0


def test_a_hold_keeps_the_plant_under_control_and_a_restart_goes_on():
    """Promise: the load stands still during a hold, temperature and pressure stay inside their limits."""
    plant = (held := Operation("cold", seed=4)).plant
    plant.set("SEQ-1.COMMAND", "START")
    held.follow("SEQ-1", 5 * HOUR_S, until=lambda: plant.value("XV-5.OUT") < 60.0 and held.step_name("SEQ-1") == "RAMP")
    before = plant.value("XV-5.OUT")
    plant.set("SEQ-1.COMMAND", "HOLD")
    plant.run_for(HOUR_S)
    assert plant.value("SEQ-1.STATE") == HELD
    assert plant.value("XV-5.OUT") == pytest.approx(before, abs=0.5)
    assert held.world.frozen_by() == ""
    assert held.world.measured("xmeas9") == pytest.approx(119.5, abs=3.0)
    assert held.world.measured("xmeas7") < 2950.0
    plant.set("SEQ-1.COMMAND", "RESTART")
    plant.run_for(HOUR_S)
    assert plant.value("SEQ-1.STATE") == RUNNING
    assert plant.value("XV-5.OUT") < before - 5.0
    plant.set("SEQ-1.COMMAND", "ABORT")
    plant.run_for(20.0)
    assert plant.value("SEQ-1.STATE") == ABORTED
    assert plant.value("ESD-1.FIRST_OUT_1") == 1.0  # HS-1, pushed by the sequence


def test_what_holds_the_start_up_up_is_said():
    """Promise: with the protection tripped the start-up waits in CHECK, and after five minutes an alarm says so."""
    plant = (waiting := Operation("cold", seed=5)).plant
    plant.set("HS-1.SP", "SHUTDOWN")
    plant.run_for(5.0)
    plant.set("SEQ-1.COMMAND", "START")
    plant.run_for(330.0)
    assert waiting.step_name("SEQ-1") == "CHECK"
    assert any(one.subject == "SEQ-1.TIMEOUT" for one in plant.annunciations())


def test_an_operator_keeps_a_valve_in_man_during_a_sequence():
    plant = Operation("cold", seed=5).plant
    plant.run_for(10.0)
    plant.set("XV-9.MODE", "MAN")
    assert plant.value("SEQ-1.STATE") == IDLE
    plant.set("SEQ-1.COMMAND", "START")
    plant.run_for(60.0)
    assert plant.value("XV-9.MODE") == MAN
    assert (plant.value("XV-9.OUT"), plant.value("XV-5.OUT")) == (0.0, 100.0)
