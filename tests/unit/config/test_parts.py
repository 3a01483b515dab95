"""A plant's files may be continued in folders of their names."""

import shutil
from pathlib import Path

import pytest

from dcs.bus.messages import Event
from dcs.config.bulk import COLUMNS, import_rows
from dcs.config.folder import write_texts
from dcs.config.load import load_plant
from dcs.config.source import parse_document
from dcs.config.tables import Row
from dcs.config.upload import plan_upload
from dcs.core.errors import ConfigErrors, Place
from plant_models.library import PLANTS


@pytest.fixture
def split(tank: Path) -> Path:
    """The quadruple tank with its level loop and that loop's alarms in files of their own."""
    for name, section, module in (("control", "modules", "LIC-101"), ("alarms", "alarms", "LIC-101")):
        path = tank / f"{name}.yaml"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        first = lines.index(f"  {module}:\n")
        last = next(i for i in range(first + 1, len(lines)) if lines[i].startswith("  ") and lines[i][2] not in " \n")
        (tank / name).mkdir()
        (tank / name / "level.yaml").write_text(
            f"{section}:\n{''.join(lines[first:last])}", encoding="utf-8", newline="\n"
        )
        path.write_text("".join([*lines[:first], *lines[last:]]), encoding="utf-8", newline="\n")
    return tank


def strategy(folder: Path) -> object:
    return load_plant(folder, PLANTS).controllers[0].strategy


def test_a_continued_plant_is_the_same_plant(tank: Path, tmp_path: Path, split: Path) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(split, whole)
    for name in ("control", "alarms"):
        part = (whole / name / "level.yaml").read_text(encoding="utf-8").split("\n", 1)[1]
        (whole / f"{name}.yaml").write_text(
            (whole / f"{name}.yaml").read_text(encoding="utf-8") + part, encoding="utf-8"
        )
        shutil.rmtree(whole / name)

    def blocks(folder: Path) -> dict[str, tuple[object, ...]]:
        found = load_plant(folder, PLANTS).controllers[0].strategy
        return {one.name: (one.type, one.params, len(found.alarms)) for one in found.blocks}

    assert blocks(whole) == blocks(split)


def test_what_is_wrong_stands_in_its_own_file(split: Path) -> None:
    path = split / "control" / "level.yaml"
    text = path.read_text(encoding="utf-8").replace("type: PID", "type: PDI")
    path.write_text(text + "  FIC-101: {scan: loops, blocks: {}}\n", encoding="utf-8")
    with pytest.raises(ConfigErrors) as caught:
        load_plant(split, PLANTS)
    line = 1 + text.count("\n", 0, text.index("type: PDI"))
    assert f"{path}:{line}: LIC-101.pid: there is no block type `PDI`" in str(caught.value)
    assert f"`FIC-101` stands in {split / 'control.yaml'} as well, on line" in str(caught.value)


def test_texts_and_digest_hold_the_parts(split: Path) -> None:
    first = load_plant(split, PLANTS)
    assert {"control", "control/level", "alarms/level"} <= set(dict(first.texts))
    again = load_plant(split / "not here", PLANTS, (), dict(first.texts))
    assert [(b.name, b.params) for b in again.controllers[0].strategy.blocks] == [
        (b.name, b.params) for b in first.controllers[0].strategy.blocks
    ]
    path = split / "control" / "level.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "# more\n", encoding="utf-8")
    assert load_plant(split, PLANTS).digest != first.digest
    assert path in load_plant(split, PLANTS).files


def test_edits_go_to_the_file_where_the_value_stands(split: Path) -> None:
    plant = load_plant(split, PLANTS)
    before = dict(plant.texts)
    row = {"block": "LIC-101.pid", "name": "gain", "tags": [], "in_file": 2.0, "now": 2.5, "unit": ""}
    no_journal: list[Event] = []
    after, _ = plan_upload(plant, [row], no_journal)
    assert {name for name in before if before[name] != after[name]} == {"control/level"}
    cells = {"module": "LIC-101", "block": "alarm HI", "parameter": "limit", "value": "15.5", "unit": "cm"}
    after, _ = import_rows(plant, [Row(Place("t.csv", 2), {**dict.fromkeys(COLUMNS, ""), **cells})])
    assert {name for name in before if before[name] != after[name]} == {"alarms/level"}
    assert write_texts(split, before, after) == [split / "alarms" / "level.yaml"]
    written = parse_document((split / "alarms" / "level.yaml").read_text(encoding="utf-8"), "level.yaml")
    assert written.get(("alarms", "LIC-101", "HI", "limit")) == "15.5 cm"
