"""A private copy of the good plant, addressed as a user would: by a relative path."""

from pathlib import Path

import pytest

from tests.unit.config.plants import copy_good


@pytest.fixture
def tank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Path ``tank`` relative to the working directory."""
    folder = copy_good(tmp_path)
    monkeypatch.chdir(tmp_path)
    return Path(folder.name)
