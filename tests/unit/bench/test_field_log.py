"""The bystander at the field: what it reads from the bytes of Modbus TCP, and when it says that two have written."""

import struct

import pytest

from dcs.bench.machines.field_log import FieldLog, Write, first_of_another, float_written, late_writes


def request(number: int, address: int, value: float) -> bytes:
    """Write a float32, low word first."""
    high, low = struct.unpack(">HH", struct.pack(">f", value))
    body = struct.pack(">BBHHBHH", 2, 16, address, 2, 4, low, high)
    return struct.pack(">HHH", number, 0, len(body)) + body


def answer(number: int, *, refused: bool = False) -> bytes:
    body = bytes([2, 0x90, 4]) if refused else struct.pack(">BBHH", 2, 16, 0, 2)
    return struct.pack(">HHH", number, 0, len(body)) + body


def written(node: str, at_s: float, accepted: bool | None = True) -> Write:
    return Write(at_s, node, "DRV-1", 16, 0, b"", accepted)


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_requests_are_read_however_the_stream_is_cut_and_each_has_its_own_answer(size: int) -> None:
    log = FieldLog()
    ears = log.ears("A", "DRV-1")
    asked = request(1, 0, 12.5) + request(2, 0, 13.5)
    for at in range(0, len(asked), size):
        ears.asked(asked[at : at + size])
    answered = answer(2, refused=True) + answer(1)
    for at in range(0, len(answered), size):
        ears.answered(answered[at : at + size])
    assert [(w.node, float_written(w, 0), w.accepted) for w in log.writes] == [("A", 12.5, True), ("A", 13.5, False)]
    assert float_written(log.writes[0], 1) is None
    assert log.requests == {"A": 2}


def test_reads_are_no_writes() -> None:
    log = FieldLog()
    log.ears("A", "DRV-1").asked(struct.pack(">HHHBBHH", 1, 0, 6, 2, 3, 0, 2))
    assert log.writes == []
    assert log.requests == {"A": 1}


def test_one_who_writes_after_his_successor_is_late() -> None:
    takeover = [written("A", 1.0), written("B", 2.0), written("B", 3.0)]
    assert late_writes(takeover) == []
    stale = written("A", 2.5)
    assert late_writes([*takeover[:2], stale, takeover[2]]) == [stale]
    refused = written("A", 2.5, accepted=False)
    assert late_writes([*takeover[:2], refused, takeover[2]]) == []
    unanswered = written("A", 2.5, accepted=None)
    assert late_writes([*takeover[:2], unanswered]) == [unanswered], "nobody knows whether it was taken: it counts"


def test_the_first_of_another_is_one_that_was_not_refused() -> None:
    writes = [written("A", 1.0), written("B", 2.0, accepted=False), written("B", 3.0)]
    assert first_of_another(writes, "A") is writes[2]
    assert first_of_another(writes[:2], "A") is None
