"""A plant whose model is a flowsheet: its errors reach the user with file and line, its text travels."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import configs
import plant_models.library  # noqa: F401  (fills PLANTS)
from dcs.config.diff import restart_needed
from dcs.config.load import load_plant
from dcs.core.errors import ConfigError
from dcs.node.assembly import build_direct, create_plant, load_version
from dcs.node.versions import version_of
from plant_models.model import PLANTS, PlantFileError, PlantType


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(Path(configs.__file__).parent / "heated_tank", tmp_path / "tank")
    monkeypatch.chdir(tmp_path)
    return Path("tank")


def edit(folder: Path, old: str, new: str, file: str = "flowsheet.yaml") -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file} must contain exactly once: {old}"
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")


def refused(folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_plant(folder, PLANTS)
    return [re.sub(r"\\", "/", line) for line in str(caught.value).splitlines()]


def test_the_shipped_plant_is_good_and_holds_its_setpoints() -> None:
    """Promise: half an hour with noise and no operator: no alarm, temperature, level and flow where they should be."""
    config = load_plant(Path(configs.__file__).parent / "heated_tank", PLANTS)
    plant = build_direct(config, 3, 10.0)
    plant.run_for(1800)
    assert plant.annunciations() == []
    assert plant.value("TIC-101.PV") == pytest.approx(60.0, abs=0.5)
    assert plant.value("FIC-101.PV") == pytest.approx(4.0, abs=0.1)
    assert plant.value("FIC-102.MODE") == 5, "in cascade"
    plant.set("TIC-101.SP", 65.0)
    plant.run_for(900)
    assert plant.value("TIC-101.PV") == pytest.approx(65.0, abs=0.5)


def test_the_pump_trips_when_the_feed_fails() -> None:
    """Promise: the story of the scenario: low level alarm, then the interlock stops the pump, and says why."""
    config = load_plant(Path(configs.__file__).parent / "heated_tank", PLANTS)
    plant = build_direct(config, 1, 10.0)
    plant.disturb("feed.pressure", 1.0e5)
    plant.run_for(4500)
    assert plant.value("P-101.TRIPPED") == 1
    assert plant.value("P-101.PV") == 0
    texts = [event.text for event in plant.events]
    assert "P-101.motor tripped: level low-low" in texts
    assert plant.value("LIC-101.PV") == pytest.approx(0.2, abs=0.03)


def test_what_is_wrong_in_the_flowsheet_is_said_with_its_own_line(folder: Path) -> None:
    """Promise: several errors of the flowsheet in one check, together with those of other files."""
    edit(folder, "area: 1.5 m2", "area: 1.5 m3")
    edit(folder, "type: motor, ", "type: moter, ")
    edit(folder, "TIC-101:\n    HI:\n      limit: 70 degC", "TIC-101:\n    HI:\n      limit: 70 bar", "alarms.yaml")
    lines = refused(folder)
    assert lines[0].startswith("tank/alarms.yaml:32: ")
    assert lines[1:] == [
        "tank/flowsheet.yaml:10: T-101 (tank): area: `1.5 m3` is in m3, but m2, cm2 or mm2 is needed. "
        "Write for example `2 m2`.",
        "tank/flowsheet.yaml:13: M-101: there is no unit type `moter`. Did you mean `motor`?",
    ]


def test_a_missing_file_is_said_where_it_is_named(folder: Path) -> None:
    edit(folder, "file: flowsheet.yaml", "file: plan.yaml", "plant.yaml")
    (line,) = refused(folder)
    assert line == (
        "tank/plant.yaml:10: model: tank/plan.yaml cannot be read (no such file or directory). "
        "Correct the name of the file."
    )


def test_a_field_point_that_names_no_variable_is_told_which_there_are(folder: Path) -> None:
    edit(folder, "variable: T-101.temperature", "variable: T-101.temprature", "field.yaml")
    (line,) = refused(folder)
    assert "Did you mean `T-101.temperature`?" in line


def test_the_text_travels_with_the_configuration(folder: Path) -> None:
    """Promise: a version can be loaded, and its plant made, where the folder is not; it has the same digest."""
    config = load_plant(folder, PLANTS)
    assert folder / "flowsheet.yaml" in config.files
    version = version_of(config, 1, 0, "started", "anna", "OS1")
    texts = dict(config.texts)
    assert texts["flowsheet.yaml"] == (folder / "flowsheet.yaml").read_text(encoding="utf-8")
    shutil.rmtree(folder)
    again = load_plant(folder, PLANTS, (), texts)
    assert again.digest == config.digest
    assert create_plant(again).get("T-101.level") == 1.25
    assert load_version(version).digest == config.digest


def test_a_changed_flowsheet_changes_the_digest_and_needs_a_restart(folder: Path) -> None:
    before = load_plant(folder, PLANTS)
    edit(folder, "ua: 8 kW/K", "ua: 9 kW/K")
    after = load_plant(folder, PLANTS)
    assert before.digest != after.digest
    assert restart_needed(before, after) == [
        "plant.yaml: the plant model or its settings changed. This needs a restart."
    ]


class Files(dict[str, PlantType]):
    """A catalogue with a kind of plant whose file is no text."""

    def __init__(self) -> None:
        super().__init__()
        self.readers = {"binary": None}
        self.text_readers: dict[str, object] = {}

    def open(self, kind: str, file: Path | None = None, text: str | None = None) -> PlantType:
        assert file is not None
        assert text is None
        if not file.exists():
            raise ValueError(f"{file} does not exist")
        return replace(PLANTS["quadruple_tank"], name=kind)


def test_a_version_without_the_file_of_its_model_can_be_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise: a controller on another machine needs no binary model; its configuration has the same digest."""
    shutil.copytree(Path(configs.__file__).parent / "quadruple_tank", tmp_path / "tank")
    monkeypatch.chdir(tmp_path)
    folder = Path("tank")
    edit(folder, "  type: quadruple_tank\n", "  type: binary\n  file: model.bin\n", "plant.yaml")
    (folder / "model.bin").write_bytes(b"\x00\x01")
    catalog = Files()
    config = load_plant(folder, catalog)
    shutil.rmtree(folder)
    again = load_plant(folder, catalog, (), dict(config.texts))
    assert again.digest == config.digest
    assert [p.name for d in again.devices for p in d.points] == [p.name for d in config.devices for p in d.points]


def test_errors_of_a_file_are_one_sentence_a_line() -> None:
    error = PlantFileError("a.yaml", [(3, "this is wrong."), (4, "and this.")])
    assert str(error) == "a.yaml:3: this is wrong.\na.yaml:4: and this."
    assert error.problems == ((3, "this is wrong."), (4, "and this."))
