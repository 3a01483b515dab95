"""Every redundant pair is a module with its alarms; a single controller has none."""

from pathlib import Path

import pytest

import plant_models.library  # noqa: F401  (fills PLANTS)
from dcs.config.load import load_plant
from dcs.core.errors import ConfigError
from dcs.engine.compile import compile_strategy
from dcs.engine.layouts import layouts
from plant_models.model import PLANTS
from tests.unit.config.plants import Hunk, apply

NAMES = ["C1.STANDBY", "C1.TAKEN_OUT", "C1.WITNESS", "C1.PATHS"]


def alarms_of(config) -> dict:  # type: ignore[no-untyped-def,type-arg]
    return {alarm.name: alarm for controller in config.controllers for alarm in controller.strategy.alarms}


def test_a_pair_is_a_module_with_alarms_of_low_priority(tank: Path) -> None:
    config = load_plant(tank, PLANTS)
    found = [alarm for name, alarm in alarms_of(config).items() if name.startswith("C1.")]
    assert [alarm.name for alarm in found] == NAMES
    assert {alarm.priority for alarm in found} == {4}
    assert [alarm.on_delay_s for alarm in found] == [30.0, 3600.0, 30.0, 30.0]
    assert all(alarm.description and alarm.consequence and alarm.cause and alarm.action for alarm in found)
    plan = compile_strategy(config.controllers[0].strategy)
    shown = layouts(plan, "tank")
    module = next(module for layout in shown for module in layout.modules if module.name == "C1")
    assert module.kind == "device"
    tags = {tag.name: tag for layout in shown for tag in layout.tags}
    assert tags["C1.STATE"].choices == ("READY", "SYNCHRONISING", "MISSING", "SUSPENDED", "OUT")
    assert {alarm.tag for layout in shown for alarm in layout.alarms if alarm.name in NAMES} <= set(tags)


def test_they_are_configured_at_the_controller_or_switched_off(tank: Path) -> None:
    alarms = "plant.controllers.C1.alarms"
    given = [f"{alarms}.standby.on_delay=5 s", f"{alarms}.standby.priority=2", f"{alarms}.witness.enable=false"]
    found = alarms_of(load_plant(tank, PLANTS, given))
    assert (found["C1.STANDBY"].on_delay_s, found["C1.STANDBY"].priority) == (5.0, 2)
    assert "C1.WITNESS" not in found


def test_a_single_controller_has_none(tank: Path) -> None:
    pair, single = "  C1: {members: [C1A, C1B], witness: W1, lease: auto}", "  C1: {members: [C1A]}"
    apply(Hunk("plant.yaml", pair, single), tank)
    strategy = load_plant(tank, PLANTS).controllers[0].strategy
    assert not [alarm.name for alarm in strategy.alarms if alarm.name.startswith("C1.")]
    assert not [channel.name for channel in strategy.channels if channel.name.startswith("C1:")]


def test_a_pair_with_the_name_of_a_module_is_refused(tank: Path) -> None:
    apply(Hunk("plant.yaml", "  C1:", "  LIC-101:"), tank)
    with pytest.raises(ConfigError) as caught:
        load_plant(tank, PLANTS)
    assert "controller LIC-101 has the name of a module or a device" in str(caught.value)
