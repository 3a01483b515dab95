"""The guard of this folder itself: in CI a skip is a failure."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

SUITE = """
import pytest

def test_needs_a_program():
    pytest.skip("libfoo is not installed (apt-get install libfoo-dev)")

@pytest.fixture
def device():
    pytest.skip("libbar is not installed")

def test_needs_a_device(device):
    pass
"""


def outcome(folder: Path, ci: str) -> tuple[int, str]:
    (folder / "conftest.py").write_text((HERE / "conftest.py").read_text())
    (folder / "test_suite.py").write_text(SUITE)
    arguments = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", folder / "pytest.ini", folder]
    (folder / "pytest.ini").write_text("[pytest]")
    environment = {**os.environ, "CI": ci}
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
        cwd=folder,
    )
    return done.returncode, done.stdout


def test_at_home_a_skip_is_a_skip(tmp_path: Path) -> None:
    code, text = outcome(tmp_path, "")
    assert code == 0, text
    assert "2 skipped" in text


def test_in_ci_a_skip_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    code, text = outcome(tmp_path, "true")
    assert code == 1, text
    assert "1 failed, 1 error" in text
    assert "libfoo is not installed (apt-get install libfoo-dev)" in text
    assert "libbar is not installed" in text
