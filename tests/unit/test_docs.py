"""Promise: what the documentation says is so: links lead somewhere, commands exist, messages are real."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from dcs.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
HERE = os.environ | {"PYTHONPATH": str(ROOT)}
"""Environment in which a program takes the packages of this checkout, not those of an installed one."""
TUTORIAL = ROOT / "docs" / "tutorials" / "your-first-plant.md"

COMMANDS_TO_COME = frozenset({"scenario", "history"})
"""Agreed in the architecture (decisions may speak of them), not there yet; whoever adds one deletes it here."""


def test_the_reference_is_what_the_declarations_say() -> None:
    """Remedy when this fails: run ``make docs`` and commit the result."""
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate_reference.py", "--check"],
        capture_output=True, text=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_reference_is_made_from_the_checkout_that_it_stands_in(tmp_path: Path) -> None:
    """Promise: an installed package does not answer for the code beside the documentation."""
    shutil.copytree(ROOT / "docs" / "generator", tmp_path / "docs" / "generator")
    shutil.copy(ROOT / "docs" / "generate_reference.py", tmp_path / "docs")
    (tmp_path / "dcs").mkdir()
    (tmp_path / "dcs" / "__init__.py").write_text("raise SystemExit('the code of this checkout')\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, tmp_path / "docs" / "generate_reference.py", "--check"],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr.strip() == "the code of this checkout"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in link and not link.startswith("mailto:"):
            assert (page.parent / link).exists(), f"{page.relative_to(ROOT)}: there is no {link}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_exists(page: Path) -> None:
    """``dcs …`` in blocks of code and in code inside of sentences."""
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    if "decisions" in page.parts:
        known |= COMMANDS_TO_COME
    text = page.read_text(encoding="utf-8")
    said = re.findall(r"^(?:\S*/)?dcs ([a-z-]+)", text, re.MULTILINE) + re.findall(r"`dcs ([a-z-]+)", text)
    unknown = sorted(set(said) - known)
    assert not unknown, f"{page.relative_to(ROOT)}: there is no command dcs {', dcs '.join(unknown)}"


def test_the_mistake_in_the_tutorial_gives_the_message_that_it_shows(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "configs" / "quadruple_tank", tmp_path / "my_tank")
    alarms = tmp_path / "my_tank" / "alarms.yaml"
    original = alarms.read_text(encoding="utf-8")
    assert original.count("limit: 16 cm") >= 1
    alarms.write_text(original.replace("limit: 16 cm", "limit: 14 bar", 1), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "dcs", "check", "my_tank"], cwd=tmp_path, env=HERE,
        capture_output=True, text=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    shown = (done.stdout + done.stderr).strip().replace("\\", "/")
    assert f"```\n{shown}\n```" in TUTORIAL.read_text(encoding="utf-8"), f"the tutorial should show:\n{shown}"
