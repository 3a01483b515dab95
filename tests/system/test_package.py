"""What ``pip install .`` brings: the programs, and the plants as package data."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]


def test_an_installed_package_finds_its_plants_from_any_directory(tmp_path: Path) -> None:
    target, elsewhere = tmp_path / "installed", tmp_path / "elsewhere"
    elsewhere.mkdir()
    source = tmp_path / "source"  # a build leaves its traces beside the source
    source.mkdir()
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    for name in ("dcs", "field_io", "hmi", "plant_models", "configs"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target), str(source)]
    subprocess.run(install, cwd=elsewhere, check=True, timeout=150)
    code = (
        "import configs, sys; from dcs.config.find import find_config; from dcs.cli.check import check_plant; "
        "print(configs.__file__); sys.exit(check_plant('quadruple_tank', (), False))"
    )
    env = {**os.environ, "PYTHONPATH": str(target)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=elsewhere, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(str(target)), "the test must look at the installed package, not at this folder"
    assert (target / "configs" / "quadruple_tank" / "displays" / "overview.svg").is_file()
    assert (target / "hmi" / "theme" / "down.svg").is_file()
