"""Where a run keeps what survives it."""

import socket
from pathlib import Path

import pytest

from dcs.core.errors import Missing
from dcs.node.endpoints import FILE_NAME, Endpoints
from dcs.node.run_dirs import find_run, kept_for


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


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "3",
        '{"plant": "tank", "config": "tank", "bus_url": "nats://"}',
        '{"devices": {"RTU-1": 5}}',
        '{"voters": []}',
    ],
)
def test_the_directory_of_a_run_of_another_version_hides_no_other_run(tmp_path, folder, text):
    """Promise: what cannot be read is passed over; naming it is one sentence."""
    runs = tmp_path / "state" / "runs"
    (runs / "9-strange").mkdir(parents=True)
    (runs / "9-strange" / FILE_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(Missing):
        find_run(runs / "9-strange")
    with socket.create_server(("127.0.0.1", 0)) as bus:
        (runs / "1-tank").mkdir()
        Endpoints("tank", str(folder), f"nats://127.0.0.1:{bus.getsockname()[1]}").write(runs / "1-tank")
        assert find_run(None)[0] == runs / "1-tank"


def test_a_run_that_says_more_or_less_than_ours_is_read(tmp_path):
    (tmp_path / FILE_NAME).write_text(
        '{"plant": "tank", "config": "here", "bus_url": "nats://127.0.0.1:1", "moons": 2}', encoding="utf-8"
    )
    read = Endpoints.read(tmp_path)
    assert (read.plant, read.devices, read.metrics, read.kept) == ("tank", {}, {}, "")
