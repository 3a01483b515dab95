"""Promises of where-used: every kind of use, with its line; nothing that only looks alike."""

import json
from pathlib import Path

import pytest

from dcs.cli.where import show_where
from dcs.config.find import find_config
from dcs.config.plant_config import PlantConfig
from dcs.config.where_used import where_used
from dcs.core.errors import ConfigError
from dcs.node.assembly import load_configuration


@pytest.fixture(scope="module")
def config() -> PlantConfig:
    return load_configuration(find_config("quadruple_tank"))


def uses(config: PlantConfig, name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for use in where_used(config, name):
        found.setdefault(use.kind, []).append(use.what)
    return found


def test_point(config: PlantConfig) -> None:
    found = uses(config, "LT-101")
    assert found == {
        "point": ["LT-101 in RTU-1, input 0, in, Level of tank 1"],
        "wire": ["LT-101 → LIC-101.ai.raw"],
    }


def test_output_point_is_named_by_who_reads_it_back_too(config: PlantConfig) -> None:
    assert sorted(uses(config, "P-101")["wire"]) == ["FIC-101.ao.out → P-101", "P-101 → FIC-101.ao.readback"]


def test_module_is_found_in_wires_alarms_displays_and_scenarios(config: PlantConfig) -> None:
    found = uses(config, "LIC-101")
    assert found["module"] == ["LIC-101 (loop) on C1, Level of tank 1"]
    assert found["block"] == ["LIC-101.ai (AI)", "LIC-101.pid (PID)"]
    assert "LIC-101.pid.out → FIC-101.pid.cas_in" in found["wire"]
    assert len(found["alarm"]) == 5
    assert "overview: LIC-101.PV" in found["display"]
    assert "failover: LIC-101.SP" in found["scenario"]


def test_tag_and_its_terminal_are_the_same(config: PlantConfig) -> None:
    """Promise: asked for by the one or the other, the alarm that watches it and the display that shows it come."""
    source = next(tag.source for tag in config.controllers[0].strategy.tags if tag.name == "LIC-101.PV")
    for name in ("LIC-101.PV", source):
        found = uses(config, name)
        assert any(what.startswith("LIC-101.HI (HI 16)") for what in found["alarm"])
        assert "overview: LIC-101.PV" in found["display"]


def test_what_only_begins_alike_is_no_use(config: PlantConfig) -> None:
    assert not any("LIC-102" in what for whats in uses(config, "LIC-101").values() for what in whats if "→" not in what)
    with pytest.raises(ConfigError, match="`LIC-10` is nowhere in this plant"):
        where_used(config, "LIC-10")


def test_device_lists_its_points_and_the_scenario_that_cuts_it(config: PlantConfig) -> None:
    found = uses(config, "RTU-1")
    assert len(found["point"]) == sum(len(device.points) for device in config.devices if device.name == "RTU-1")
    assert "failover: RTU-1" in found["scenario"]


def test_places_are_lines_that_hold_the_name(config: PlantConfig) -> None:
    """Promise: whoever opens the file at the line sees it there."""
    for use in where_used(config, "LIC-101.SP"):
        line = Path(use.place.file).read_text(encoding="utf-8").splitlines()[use.place.line - 1]
        assert "LIC-101.SP" in line or use.kind == "tag"


def test_json(capsys) -> None:
    assert show_where("quadruple_tank", "LT-101", (), True) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [use["kind"] for use in answer["uses"]] == ["point", "wire"]
    assert answer["uses"][0]["line"] > 1
