"""Promise: every command of the how-to runs, and prints the lines that stand below it."""

import re
from pathlib import Path

import pytest

from plant_models.library import PLANTS
from tests.interop.fmu.maker import make_fmu, needs_compiler
from tests.support.command_line import dcs

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "study-a-plant-alone.md"
PICTURE = ROOT / "docs" / "images" / "step_quadruple_tank.svg"


def blocks() -> list[list[str]]:
    return [
        text.strip("\n").split("\n") for text in re.findall(r"```text\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    ]


def test_the_page_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_compiler()
    monkeypatch.chdir(tmp_path)
    make_fmu(tmp_path / "tank.fmu")
    printed = ""
    ran = compared = 0
    for block in blocks():
        if not block[0].startswith("dcs "):
            missing = [line for line in block if line not in printed.splitlines()]
            assert not missing, f"the page shows what is not printed:\n{missing}\nin\n{printed}"
            compared += 1
            continue
        for line in block:
            words = line.split()
            plant = next((word for word in words[3:4] if word.isidentifier()), "")
            if plant and plant not in PLANTS:
                continue  # a plant that is on its way
            done = dcs(*words[1:])
            assert done.code == 0, f"{line}\n{done.err}"
            printed = done.out + done.err
            ran += 1
    assert compared == 4
    assert ran >= 8
    assert _curves(tmp_path / "step.svg") == pytest.approx(_curves(PICTURE), abs=0.2), "draw the picture anew"


def _curves(path: Path) -> list[float]:
    """Coordinates of all curves, in pixels."""
    points = re.findall(r'<polyline points="([^"]*)" class="curve"', path.read_text("utf-8"))
    assert len(points) == 4
    return [float(number) for text in points for number in re.split("[ ,]", text)]
