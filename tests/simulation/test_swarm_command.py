"""``python -m tests.simulation``: a plant that cannot be put to the test is one sentence, not a traceback."""

import shutil
import sys
from pathlib import Path

import pytest

from dcs.config.find import find_config
from tests.simulation.__main__ import main


def _run(monkeypatch: pytest.MonkeyPatch, plant: str) -> int:
    monkeypatch.setattr(sys, "argv", ["tests.simulation", plant, "--seed", "1"])
    return main()


def test_an_unknown_plant(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(monkeypatch, "heated_tnak") == 2
    assert "Did you mean `heated_tank`?" in capsys.readouterr().err


def test_a_plant_without_a_pair(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    plant = find_config("heated_tank").joinpath("plant.yaml").read_text(encoding="utf-8")
    single = [line for line in plant.splitlines() if "witness: W1" not in line and "lease:" not in line]
    folder = tmp_path / "lonely"
    shutil.copytree(find_config("heated_tank"), folder)
    (folder / "plant.yaml").write_text("\n".join(single).replace("[C1A, C1B]", "[C1A]"), encoding="utf-8")
    assert _run(monkeypatch, str(folder)) == 2
    assert capsys.readouterr().err == "heated_tank has no redundant pair\n"
