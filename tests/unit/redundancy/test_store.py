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


def test_a_record_of_before_there_were_voter_sets_is_read_and_written_anew(tmp_path: Path) -> None:
    """Then the file had one line, without a number."""
    store = FileStore(tmp_path)
    record = {"epoch": 7, "owner": "C1A", "owner_incarnation": 3, "generation": [6, 2], "starts": 4, "known": True}
    crc32 = zlib.crc32(json.dumps(record, sort_keys=True).encode())
    store.path("C1").write_text(json.dumps({"record": record, "crc32": crc32}))
    found = store.load("C1")
    assert found == VoterRecord(7, "C1A", 3, Generation(6, 2), 4)
    store.save("C1", found._replace(epoch=8))
    store.save("C1", found._replace(epoch=9))
    assert FileStore(tmp_path).load("C1") == found._replace(epoch=9)


def test_the_newest_of_many_is_loaded_and_the_file_does_not_grow(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    for epoch in range(1, 12):
        store.save("C1", VoterRecord(epoch=epoch))
        assert FileStore(tmp_path).load("C1") == VoterRecord(epoch=epoch)
        if epoch % 3 == 0:  # a restart goes on with the numbers
            store = FileStore(tmp_path)
            store.load("C1")
    assert store.path("C1").stat().st_size == 2048


def test_the_longest_names_fit(tmp_path: Path) -> None:
    record = VoterRecord(2**63, "x" * 255, 2**63, Generation(2**63, 2**31), 2**63, True, "y" * 255, 2**63, True)
    store = FileStore(tmp_path)
    store.save("C1", record)
    store.save("C1", record)
    assert FileStore(tmp_path).load("C1") == record


def test_every_truncation_and_every_changed_byte_is_noticed(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.save("C1", RECORD._replace(epoch=5))
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


def test_a_crash_while_the_file_is_made_leaves_a_first_start(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.path("C1").with_suffix(".new").write_text("{half")
    assert store.load("C1") is None
    store.save("C1", RECORD)
    assert FileStore(tmp_path).load("C1") == RECORD


def test_a_damaged_file_is_replaced_by_the_next_record(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.path("C1").write_text("{half")
    with pytest.raises(RecordLost):
        store.load("C1")
    store.save("C1", RECORD)
    assert FileStore(tmp_path).load("C1") == RECORD


def test_a_folder_that_cannot_be_written_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        Missing, match=r"voter-C1\.json: the voter record could not be written .* make the folder writable"
    ):
        FileStore(tmp_path / "file").save("C1", RECORD)
