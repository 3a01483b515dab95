"""Every plant folder that we ship: fit to start, drawings of what is there, scenarios and alarms that say enough."""

from pathlib import Path
from typing import Any

import pytest
import yaml

import configs
from dcs.config.plant_config import PlantConfig
from dcs.node.assembly import create_plant, load_configuration
from dcs.node.scenario import load_scenario
from hmi.model.displays import load_displays
from plant_models.model import DISTURBANCE

ROOT = Path(configs.__file__).parent
FOLDERS = sorted(path.parent for path in ROOT.glob("*/plant.yaml"))
SCENARIOS = sorted(ROOT.glob("*/scenarios/*.yaml"))
NOT_DRAWN = {"tennessee_eastman": ("XV-", "SEQ-")}
"""Modules with alarms that are on no drawing yet: tree, search and group displays lead there."""

folders = pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)


def tags_of(config: PlantConfig) -> dict[str, bool]:
    """Every tag that a node of the plant publishes, and whether it may be written."""
    from dcs.engine.compile import compile_strategy

    return {
        tag.tag.name: tag.tag.writable
        for controller in config.controllers
        for tag in compile_strategy(controller.strategy).tags
    }


def alarms_of(folder: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """(module, kind, what its file says) of every alarm."""
    files = [folder / "alarms.yaml", *sorted(folder.glob("alarms/*.yaml"))]
    return [
        (module, kind, alarm)
        for file in files
        if file.exists()
        for module, kinds in (yaml.safe_load(file.read_text(encoding="utf-8")).get("alarms") or {}).items()
        for kind, alarm in kinds.items()
    ]


@folders
def test_it_is_fit_to_start_and_stands_at_its_setting(folder: Path) -> None:
    config = load_configuration(folder)
    assert config.name == folder.name
    assert config.title
    plant = create_plant(config)
    assert not plant.active_conditions()


@folders
def test_its_drawings_show_tags_and_modules_that_it_has(folder: Path) -> None:
    config = load_configuration(folder)
    tags = tags_of(config)
    displays = load_displays(folder / "displays")
    assert displays, "a shipped plant has an overview"
    assert displays[0].level == 1
    modules = {tag.partition(".")[0] for tag in tags}
    for display in displays:
        assert [str(error) for error in display.missing_tags(tags, modules)] == []
    shown = frozenset[str]().union(*(display.modules for display in displays))
    alarmed = {module for module, _, _ in alarms_of(folder) if not module.startswith(NOT_DRAWN.get(folder.name, ()))}
    assert alarmed - shown == set(), "from an alarm the operator wants to get to a drawing"


@folders
def test_every_alarm_says_what_happens_why_and_what_to_do(folder: Path) -> None:
    alarms = alarms_of(folder)
    assert alarms
    for module, kind, alarm in alarms:
        for word in ("consequence", "cause", "action"):
            assert alarm.get(word), f"{folder.name}: {module}.{kind} has no {word}"


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: f"{path.parents[1].name}-{path.stem}")
def test_its_scenarios_set_and_disturb_what_there_is(path: Path) -> None:
    config = load_configuration(path.parents[1])
    tags, plant = tags_of(config), create_plant(config)
    scenario = load_scenario(path)
    assert scenario.title
    assert scenario.description
    assert scenario.actions
    for action in scenario.actions:
        if action.verb == "set":
            assert all(tags[tag] for tag in action.what), action
        elif action.verb == "disturb":
            for name, value in action.what.items():
                assert name in plant.type.names(DISTURBANCE)
                plant.set(name, float(value))  # within its range
