"""Where a run keeps what survives it."""

import socket
from pathlib import Path

import pytest

from dcs.core.errors import Missing
from dcs.node.endpoints import Endpoints
from dcs.node.run_dirs import kept_for


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("DCS_STATE_DIR", str(tmp_path / "state"))
    made = tmp_path / "tank"
    made.mkdir()
    return made


def test_runs_of_one_folder_share_what_is_kept_and_other_folders_do_not(tmp_path, folder):
    other = tmp_path / "other"
    other.mkdir()
    first = kept_for("tank", folder, tmp_path / "run1", private=False)
    assert first == kept_for("tank", folder, tmp_path / "run2", private=False)
    assert first.is_dir()
    assert first != kept_for("tank", other, tmp_path / "run3", private=False)


def test_a_private_run_keeps_to_itself(tmp_path, folder):
    assert kept_for("tank", folder, tmp_path / "run1", private=True) == tmp_path / "run1"


def test_a_second_run_beside_a_living_one_does_not_write_over_its_memory(tmp_path, folder):
    """Promise: two runs of one folder at one time never share a memory."""
    common = kept_for("tank", folder, tmp_path / "run1", private=False)
    with socket.create_server(("127.0.0.1", 0)) as bus:
        living = tmp_path / "state" / "runs" / "1-tank"
        living.mkdir(parents=True)
        Endpoints("tank", str(folder), f"nats://127.0.0.1:{bus.getsockname()[1]}", kept=str(common)).write(living)
        assert kept_for("tank", folder, tmp_path / "run2", private=False) == tmp_path / "run2"
    assert kept_for("tank", folder, tmp_path / "run3", private=False) == common


def test_a_state_folder_that_cannot_be_made_is_one_sentence(tmp_path, folder, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DCS_STATE_DIR", str(tmp_path / "file"))
    with pytest.raises(Missing, match=r"cannot be made .* or start with --fresh"):
        kept_for("tank", folder, tmp_path / "run1", private=False)
