"""What holds for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("shared machine", deadline=None)  # how long an example takes says nothing about the code
settings.load_profile("shared machine")


@pytest.fixture(autouse=True, scope="module")
def the_working_folder_stays() -> Iterator[None]:
    """A module of tests that leaves the process in another folder breaks others, elsewhere and later."""
    before = Path.cwd()
    yield
    assert Path.cwd() == before, f"this module left the process in {Path.cwd()}"
