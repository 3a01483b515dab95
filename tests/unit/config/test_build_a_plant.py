"""Promises of docs/how-to/build-a-plant-from-units.md: its files make a plant, and its mistake gives its message."""

import re
from pathlib import Path

import pytest

import plant_models.library  # noqa: F401  (fills PLANTS)
from dcs.cli.check import check_plant
from dcs.config.load import load_plant
from dcs.core.errors import ConfigError
from dcs.node.assembly import build_direct
from plant_models.model import PLANTS

HOW_TO = Path(__file__).parents[3] / "docs" / "how-to" / "build-a-plant-from-units.md"


def fenced(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    made = Path("my_plant")
    made.mkdir()
    for name, text in zip(("flowsheet", "plant", "field", "control"), fenced("yaml")[:4], strict=True):
        (made / f"{name}.yaml").write_text(text, encoding="utf-8")
    return made


def test_the_files_of_the_how_to_make_a_plant_that_controls_its_level(folder: Path, capsys) -> None:
    assert check_plant(str(folder), (), False) == 0
    assert "is fit to start" in capsys.readouterr().out
    plant = build_direct(load_plant(folder, PLANTS), 1, 10.0)
    plant.run_for(1800)
    assert plant.value("LIC-1.PV") == pytest.approx(1.0, abs=0.02)
    plant.set("LIC-1.SP", 1.4)
    plant.run_for(1800)
    assert plant.value("LIC-1.PV") == pytest.approx(1.4, abs=0.02)


def test_the_extended_flowsheet_runs_too(folder: Path) -> None:
    """Promise: with pump and hot water the level still holds, and the thermometer behind the pipe follows the tank."""
    (folder / "flowsheet.yaml").write_text(fenced("yaml")[4], encoding="utf-8")
    plant = build_direct(load_plant(folder, PLANTS), 1, 10.0)
    plant.run_for(3600)
    model = plant.field.plant
    assert plant.value("LIC-1.PV") == pytest.approx(1.0, abs=0.02)
    assert model.get("M-1.running") == 1.0
    assert 300.0 < model.get("TT-1.reading") < 330.0
    assert model.get("TT-1.reading") == pytest.approx(model.get("T-1.temperature"), abs=0.5)


def test_every_disturbance_of_the_how_to_is_one_of_its_plant(folder: Path) -> None:
    (folder / "flowsheet.yaml").write_text(fenced("yaml")[4], encoding="utf-8")
    plant = build_direct(load_plant(folder, PLANTS), 1, 10.0)
    said = re.findall(r"dcs disturb (\S+) (\S+)", HOW_TO.read_text(encoding="utf-8"))
    assert len(said) == 5
    for name, value in said:
        plant.disturb(name, float(value))
        assert plant.field.plant.get(name) == float(value)


def test_the_mistakes_of_the_how_to_give_the_messages_that_it_shows(folder: Path) -> None:
    path = folder / "flowsheet.yaml"
    text = path.read_text(encoding="utf-8").replace("0.8 m2", "0.8 m").replace("T-1 -> HV-1 -> drain", "T-1 -> drain")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_plant(folder, PLANTS)
    assert str(caught.value).replace("\\", "/") == fenced("text")[0].strip()
