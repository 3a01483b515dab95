"""Every device a controller uses is a module with its alarm; which BAD_PV alarms it explains."""

from pathlib import Path

import pytest

import plant_models.library  # noqa: F401  (fills PLANTS)
from dcs.config.counts import counts_of
from dcs.config.load import load_plant
from dcs.config.where_used import where_used
from dcs.core.errors import ConfigError
from dcs.engine.compile import compile_strategy
from dcs.engine.layouts import layouts
from plant_models.model import PLANTS
from tests.unit.config.plants import Hunk, apply


def alarms_of(config) -> dict:  # type: ignore[no-untyped-def,type-arg]
    return {alarm.name: alarm for controller in config.controllers for alarm in controller.strategy.alarms}


def test_a_device_is_a_module_with_one_alarm(tank: Path) -> None:
    config = load_plant(tank, PLANTS)
    strategy = config.controllers[0].strategy
    used = [device.name for device in config.devices]
    modules = {module.name: module for module in strategy.modules}
    for name in used:
        assert modules[name].kind == "device"
        assert modules[name].parts["STATE"] == f"{name}.STATE"
        alarm = alarms_of(config)[f"{name}.COMM"]
        assert (alarm.kind, alarm.priority, alarm.on_delay_s) == ("ON", 2, 2.0)
        assert all((alarm.description, alarm.consequence, alarm.cause, alarm.action))
        assert any(use.kind == "alarm" for use in where_used(config, f"{name}.COMM"))
    tags = {tag.name: tag for tag in strategy.tags}
    assert tags[f"{used[0]}.STATE"].choices[:2] == ("COMMUNICATES", "NEVER_ANSWERED")
    assert counts_of(config)["modules"] == len(modules) - len(used) - 1, "and one for the pair"


def test_bad_pv_knows_the_devices_that_its_value_comes_from(tank: Path) -> None:
    """Promise: along the wires, upstream and not back from the blocks below."""
    bad_pv = "  LIC-101:\n    BAD_PV: {priority: 3}\n  FIC-101:\n    BAD_PV: {priority: 3}\n"
    (tank / "alarms.yaml").write_text(f"alarms:\n{bad_pv}", encoding="utf-8")
    config = load_plant(tank, PLANTS)
    device_of = {point.name: device.name for device in config.devices for point in device.points}
    alarms = alarms_of(config)
    assert alarms["LIC-101.BAD_PV"].causes == (f"{device_of['LT-101']}:link",)
    assert alarms["FIC-101.BAD_PV"].causes == (f"{device_of['FT-101']}:link",)
    spec = next(device for device in config.devices if device.name == device_of["LT-101"])
    assert alarms["LIC-101.BAD_PV"].grace_s == (spec.poll_ns + spec.timeout_ns) / 1e9
    assert alarms["RTU-1.COMM"].causes == ()


def test_the_alarm_is_configured_at_the_device_or_switched_off(tank: Path) -> None:
    bad_pv = "alarms:\n  LIC-101:\n    BAD_PV: {priority: 3}\n"
    (tank / "alarms.yaml").write_text(bad_pv, encoding="utf-8")
    given = ["field.devices.RTU-1.alarm.priority=4", "field.devices.RTU-1.alarm.action=Call the electrician."]
    alarm = alarms_of(load_plant(tank, PLANTS, given))["RTU-1.COMM"]
    assert (alarm.priority, alarm.action) == (4, "Call the electrician.")
    off = alarms_of(load_plant(tank, PLANTS, ["field.devices.RTU-1.alarm.enable=false"]))
    assert "RTU-1.COMM" not in off
    assert off["LIC-101.BAD_PV"].causes == ()


def test_a_device_with_the_name_of_a_module_is_refused(tank: Path) -> None:
    apply(Hunk("field.yaml", "  RTU-1:", "  LIC-101:"), tank)
    with pytest.raises(ConfigError) as caught:
        load_plant(tank, PLANTS)
    assert "device LIC-101 has the name of a module in control.yaml" in str(caught.value)


def test_layouts_name_the_device_and_its_alarm(tank: Path) -> None:
    """Promise: a station shows it with nothing but the layout."""
    plan = compile_strategy(load_plant(tank, PLANTS).controllers[0].strategy)
    found = layouts(plan, "tank")
    alarm = next(alarm for layout in found for alarm in layout.alarms if alarm.name == "RTU-1.COMM")
    assert alarm.tag == "RTU-1.LOST"
    module = next(module for layout in found for module in layout.modules if module.name == "RTU-1")
    assert {"STATE", "CONDITION", "VALUES", "SILENT", "ERRORS", "ROUND_TRIP"} <= set(module.parts)
