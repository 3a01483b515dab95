"""A voter's memory: what was saved is there after a restart, and a damaged record is never believed."""

import contextlib
import json
import zlib
from pathlib import Path

import pytest

from dcs.core.errors import Missing
from dcs.redundancy.messages import Generation
from dcs.redundancy.protocol import VoterRecord
from dcs.redundancy.store import FileStore, MemoryStore, RecordLost, RecordStore

RECORD = VoterRecord(
    epoch=7, owner="C1A", owner_incarnation=3, generation=Generation(6, 2), starts=4, alone="C1B", agreed=True
)


@pytest.mark.parametrize("peer", ["file", "memory"])
def test_what_was_saved_is_loaded(peer: str, tmp_path: Path) -> None:
    memory = MemoryStore()

    def after_restart() -> RecordStore:
        return memory if peer == "memory" else FileStore(tmp_path / "voters")

    assert after_restart().load("C1") is None
    after_restart().save("C1", VoterRecord(epoch=1))
    after_restart().save("C1", RECORD)
    after_restart().save("C2", VoterRecord(known=False))
    assert after_restart().load("C1") == RECORD
    assert after_restart().load("C2") == VoterRecord(known=False)


def test_a_record_of_before_there_were_voter_sets_is_read(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.save("C1", VoterRecord(epoch=7))
    raw = json.loads(store.path("C1").read_text())
    for key in ("alone", "alone_epoch", "agreed"):
        del raw["record"][key]
    raw["crc32"] = zlib.crc32(json.dumps(raw["record"], sort_keys=True).encode())
    store.path("C1").write_text(json.dumps(raw))
    assert store.load("C1") == VoterRecord(epoch=7)


def test_every_truncation_and_every_changed_byte_is_noticed(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.save("C1", RECORD)
    path = store.path("C1")
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(RecordLost, match=r"voter-C1\.json: .*not a whole voter record"):
            store.load("C1")
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with contextlib.suppress(RecordLost):
            assert store.load("C1") == RECORD, "a changed byte may only be harmless"


def test_a_crash_while_writing_leaves_the_old_record(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.save("C1", RECORD)
    store.path("C1").with_suffix(".new").write_text("{half")
    assert store.load("C1") == RECORD
    store.save("C1", RECORD._replace(epoch=8))
    assert FileStore(tmp_path).load("C1") == RECORD._replace(epoch=8)


def test_a_folder_that_cannot_be_written_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        Missing, match=r"voter-C1\.json: the voter record could not be written .* make the folder writable"
    ):
        FileStore(tmp_path / "file").save("C1", RECORD)
