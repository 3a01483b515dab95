"""Tuning as a table, operators' changes into the files: what is written, and what is refused with its row."""

import shutil
from pathlib import Path

import pytest

from dcs.bus.messages import Event
from dcs.config.bulk import COLUMNS, export_rows, import_rows
from dcs.config.find import find_config
from dcs.config.load import load_plant
from dcs.config.plant_config import PlantConfig
from dcs.config.tables import read_table, write_table
from dcs.config.upload import plan_upload
from dcs.core.errors import ConfigError, ConfigErrors
from plant_models.library import PLANTS


@pytest.fixture
def plant(tmp_path: Path) -> PlantConfig:
    folder = tmp_path / "plant"
    shutil.copytree(find_config("quadruple_tank"), folder)
    return load_plant(folder, PLANTS)


def rows_with(plant: PlantConfig, **changes: str) -> list[list[str]]:
    """The exported table with other values: ``LIC_101__pid__gain="3"``."""
    wanted = {tuple(key.replace("_101", "-101").split("__")): value for key, value in changes.items()}
    rows = export_rows(plant)
    for row in rows:
        key = (row[0], row[1].replace(" ", "_"), row[2])
        if key in wanted:
            row[3] = wanted.pop(key)
    assert not wanted
    return rows


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_a_table_that_nobody_touched_changes_nothing(plant: PlantConfig, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"tuning.{suffix}"
    write_table(path, COLUMNS, export_rows(plant))
    texts, changes = import_rows(plant, read_table(path, COLUMNS))
    assert changes == []
    assert texts == dict(plant.texts)
    assert len(export_rows(plant)) > 40


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_changed_cells_reach_their_lines_and_no_others(plant: PlantConfig, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"tuning.{suffix}"
    rows = rows_with(plant, LIC_101__pid__gain="2.75", LIC_101__pid__sp="13", LIC_101__alarm_HI__limit="15.5")
    write_table(path, COLUMNS, rows)
    texts, changes = import_rows(plant, read_table(path, COLUMNS))
    assert sorted(changes) == [
        "LIC-101.alarm HI.limit: 16 → 15.5 cm",
        "LIC-101.pid.gain: 2 → 2.75",
        "LIC-101.pid.sp: 12.3 → 13 cm",
    ]
    before = dict(plant.texts)
    differing = [
        (name, new)
        for name in texts
        for old, new in zip(before[name].splitlines(), texts[name].splitlines(), strict=True)
        if old != new
    ]
    assert [name for name, _ in differing] == ["control", "control", "alarms"]
    assert "gain: 2.75             # % of output" in differing[0][1]
    after = load_plant(plant.folder, PLANTS, (), texts)
    assert export_rows(after) == rows


def test_every_wrong_cell_is_told_with_its_row(plant: PlantConfig, tmp_path: Path) -> None:
    path = tmp_path / "tuning.csv"
    path.write_text(
        "module;block;parameter;value;unit\n"
        "LIC-101;pid;gain;high;\n"
        "LIC-999;pid;gain;1;\n"
        "LIC-101;pid;gian;1;\n"
        "LIC-101;pid;ti_s;-3;s\n"
        "LIC-101;pid;sp_low;3;bar\n"
        "LIC-101;pid;sp;30;mm\n"
        "LIC-101;pid;sp;4;cm\n"
        "LIC-101;alarm HI;priority;2.5;\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigErrors) as caught:
        import_rows(plant, read_table(path, COLUMNS[:5]))
    lines = str(caught.value).splitlines()
    assert [line.split(":")[1] for line in lines] == ["2", "3", "4", "5", "6", "8", "9"]
    assert "value is `high`, but a number is needed" in lines[0]
    assert "there is no module `LIC-999`" in lines[1]
    assert "Did you mean `gain`?" in lines[2]
    assert "must be from 0 to any" in lines[3]
    assert "bar is a unit of pressure" in lines[4]
    assert "stands in row 7 already" in lines[5]
    assert "a whole number is needed" in lines[6]


@pytest.mark.parametrize("content", [b"", b"module,block\nx,y\n", b"\xff\xfe\x00bad"])
def test_what_is_no_table_is_refused(content: bytes, tmp_path: Path) -> None:
    for suffix in ("csv", "xlsx", "ods"):
        path = tmp_path / f"tuning.{suffix}"
        path.write_bytes(content)
        with pytest.raises(ConfigError):
            read_table(path, COLUMNS)


# --- upload -----------------------------------------------------------------------------------------------------
def row(block: str, name: str, in_file: float, now: float, unit: str = "", tag: str = "") -> dict[str, object]:
    return {"block": block, "name": name, "tags": [tag], "in_file": in_file, "now": now, "unit": unit}


def test_operators_changes_are_written_with_who_and_when(plant: PlantConfig) -> None:
    said = Event("x", 1_714_558_920_000_000_000, "C1", "operator", "LIC-101.SP", "", 0, "anna", "OS1")
    rows = [
        row("LIC-101.pid", "sp", 12.3, 13.5, "cm", "LIC-101.SP"),
        row("LIC-101.pid", "target", 3.0, 4.0, "", "LIC-101.MODE"),
        row("FIC-101.pid", "out_high", 100.0, 80.0, "%"),
        row("V-102.ao", "sp_high", 100.0, 90.0, "%"),
    ]
    texts, found = plan_upload(plant, rows, [said])
    text = texts["control"]
    line = next(line for line in text.splitlines() if "sp: 13.5 cm" in line)
    assert line.startswith("        sp: 13.5 cm           # close to where the plant stands with 3 V on both pumps; ")
    assert line.endswith("; [sp: anna at OS1 2024-05-01 10:22, was 12.3 cm]")
    assert "        out_high: 80 %  # [out_high: was 100 %]" in text
    assert found[0].who == "anna at OS1 2024-05-01 10:22"
    after = load_plant(plant.folder, PLANTS, (), texts)
    blocks = {spec.name: spec for spec in after.controllers[0].strategy.blocks}
    assert (blocks["LIC-101.pid"].params["sp"], blocks["FIC-101.pid"].params["out_high"]) == (13.5, 80.0)
    assert blocks["V-102.ao"].params["sp_high"] == 90.0


def test_what_was_changed_in_the_file_meanwhile_is_left_alone_and_told(plant: PlantConfig) -> None:
    texts, found = plan_upload(plant, [row("LIC-101.pid", "gain", 1.5, 3.0), row("X.pid", "gain", 1.0, 2.0)], [])
    assert texts == dict(plant.texts)
    assert [one.left_alone for one in found] == [
        "the file says 2 by now; it said 1.5 when it was loaded",
        "the file has no such block",
    ]


def test_what_the_file_says_already_is_not_written(plant: PlantConfig) -> None:
    assert plan_upload(plant, [row("LIC-101.pid", "gain", 1.5, 2.0)], []) == (dict(plant.texts), [])
