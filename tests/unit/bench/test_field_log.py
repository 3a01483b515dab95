"""The bystander at the field: what it reads from the bytes of Modbus TCP, and when it says that two have written."""

import struct

import pytest

from dcs.bench.machines.field_log import FieldLog, Write, first_of_another, late_writes, outputs_written


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
    assert [(w.node, outputs_written(w), w.accepted) for w in log.writes] == [
        ("A", {"P-101": 12.5}, True),
        ("A", {"P-101": 13.5}, False),
    ]
    assert log.requests == {"A": 2}


def test_outputs_are_read_from_their_own_registers_or_from_the_window_of_one_who_checks_epochs() -> None:
    low_high = struct.unpack(">HH", struct.pack(">f", 25.0))[::-1]

    def outputs(address: int, *words: int) -> dict[str, float]:
        data = struct.pack(">HB", len(words), 2 * len(words)) + struct.pack(f">{len(words)}H", *words)
        return outputs_written(Write(1.0, "A", "DRV-1", 16, address, data))

    assert outputs(2, *low_high, 7000, 3000) == {"P-102": 25.0, "V-101": 70.0, "V-102": 30.0}
    assert outputs(3, 0, 7000) == {"V-101": 70.0}, "half a float is no value"
    window = (0, 9, 0b1001, *low_high, *low_high, 7000, 3000)
    assert outputs(100, *window) == {"P-101": 25.0, "V-102": 30.0}, "only those that the mask names"


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
