"""What a node keeps over its death: pieces, versions, checkpoints; the same promises on disk and in memory."""

from dataclasses import replace
from pathlib import Path

import pytest

from dcs.core.errors import Missing
from dcs.node.checkpoint import Checkpoints
from dcs.node.keep import FileKeep, Keep, MemoryKeep
from dcs.node.versions import APPLIED, STARTED, Version, Versions, find_version

FIRST = Version(1, "a" * 64, 5, STARTED, "", "", "plant", (), (("control", "modules: {}"),))
SECOND = replace(FIRST, number=2, digest="b" * 64, origin=APPLIED, user="anna")


@pytest.fixture(params=["file", "memory"])
def keep(request: pytest.FixtureRequest, tmp_path: Path) -> Keep:
    return FileKeep(tmp_path / "kept") if request.param == "file" else MemoryKeep()


def test_a_piece_is_the_last_one_written(keep: Keep) -> None:
    assert keep.read("x") is None
    keep.write("x", b"1")
    keep.write("x", b"2")
    keep.write("y", b"3")
    assert (keep.read("x"), keep.names(""), keep.names("y")) == (b"2", ["x", "y"], ["y"])
    keep.remove("x")
    keep.remove("x")
    assert keep.read("x") is None


def test_a_folder_that_cannot_be_written_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file stands where the folder should be")
    with pytest.raises(Missing, match="cannot be written"):
        FileKeep(tmp_path / "kept").write("x", b"1")


def test_what_was_applied_runs_until_the_files_are_others(keep: Keep) -> None:
    versions = Versions(keep)
    assert versions.current("files") is None
    assert versions.next_number() == 1
    versions.make_current(FIRST, "files")
    versions.make_current(SECOND, "files")
    again = Versions(keep)
    assert again.current("files") == SECOND
    assert again.current("other files") is None
    assert again.all() == [FIRST, SECOND]
    assert again.next_number() == 3


def test_a_damaged_version_is_left_out_and_does_not_stop_a_start(keep: Keep) -> None:
    versions = Versions(keep)
    versions.make_current(FIRST, "files")
    versions.make_current(SECOND, "files")
    keep.write(keep.names("version-")[-1], b"half a ver")
    assert versions.current("files") is None
    assert versions.all() == [FIRST]


def test_a_version_is_found_by_number_or_digest() -> None:
    assert find_version([FIRST, SECOND], "2") == SECOND
    assert find_version([FIRST, SECOND], "aaaaaaaa") == FIRST
    assert find_version([FIRST, SECOND], "a") is None
    assert find_version([FIRST, SECOND], "7") is None


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b"X" + b[1:], lambda b: b[:40] + b"?" + b[41:], lambda b: b""]
)
def test_a_damaged_checkpoint_is_never_read(keep: Keep, damage) -> None:
    keep.write("checkpoint", damage(b"DCK1" + bytes(60)))
    with pytest.raises(ValueError, match=r"it was not written whole|cannot be understood"):
        Checkpoints(keep).read()
