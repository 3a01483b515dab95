"""Limits and exceptions of the specification's state diagrams, and what a refused request must not do."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from field_io.devices.register_bank import RegisterBank
from field_io.modbus import pdu
from field_io.modbus.service import serve

SPANS = {"coil": [(0, 40), (100, 2000)], "discrete": [(0, 40)], "holding": [(0, 40), (100, 130)], "input": [(5, 35)]}


def bank() -> RegisterBank:
    """Registers that are all different, so that no change goes unseen."""
    found = RegisterBank(SPANS)
    for table, spans in SPANS.items():
        for start, count in spans:
            if table in pdu.BIT_TABLES:
                found.write(table, start, bytes(at % 3 == 0 for at in range(count)))
            else:
                found.set_words(table, start, [(start + at) * 257 & 0xFFFF for at in range(count)])
    return found


def words(code: int, *values: int) -> bytes:
    return struct.pack(f">B{len(values)}H", code, *values)


def multiple(code: int, address: int, count: int, size: int, data: bytes) -> bytes:
    return struct.pack(">BHHB", code, address, count, size) + data


def both(address: int, count: int, write_address: int, write_count: int, size: int, data: bytes) -> bytes:
    return struct.pack(">BHHHHB", 23, address, count, write_address, write_count, size) + data


REFUSED: dict[str, tuple[bytes, int]] = {
    # quantity before address, address before anything is done: the order of the state diagrams
    "no coil at all": (words(1, 0, 0), 3),
    "2001 coils": (words(1, 0, 2001), 3),
    "too many at an address that is not there": (words(1, 9000, 2001), 3),
    "coils past the end": (words(1, 39, 2), 2),
    "coils over a gap": (words(1, 39, 70), 2),
    "inputs that are not there": (words(2, 40, 1), 2),
    "no register at all": (words(3, 0, 0), 3),
    "126 registers": (words(3, 100, 126), 3),
    "registers past the end": (words(3, 39, 2), 2),
    "registers before the beginning": (words(4, 4, 2), 2),
    "the very last address and one more": (words(3, 65_535, 2), 2),
    "a coil that is neither on nor off": (words(5, 0, 0x0001), 3),
    "a coil that is 0xFF01": (words(5, 0, 0xFF01), 3),
    "a wrong value at an address that is not there": (words(5, 9000, 1), 3),
    "a coil that is not there": (words(5, 40, 0xFF00), 2),
    "a register that is not there": (words(6, 40, 1), 2),
    "no coil to write": (multiple(15, 0, 0, 0, b""), 3),
    "1969 coils to write": (multiple(15, 100, 1969, 247, bytes(247)), 3),
    "coils with a wrong byte count": (multiple(15, 0, 9, 1, bytes(2)), 3),
    "coils with too few bytes": (multiple(15, 0, 9, 2, bytes(1)), 3),
    "coils with too many bytes": (multiple(15, 0, 9, 2, bytes(3)), 3),
    "coils to write past the end": (multiple(15, 39, 2, 1, b"\3"), 2),
    "no register to write": (multiple(16, 0, 0, 0, b""), 3),
    "124 registers to write": (multiple(16, 100, 124, 248, bytes(248)), 3),
    "registers with a wrong byte count": (multiple(16, 0, 2, 3, bytes(4)), 3),
    "registers with too few bytes": (multiple(16, 0, 2, 4, bytes(3)), 3),
    "registers to write past the end": (multiple(16, 39, 2, 4, b"\1\1\1\1"), 2),
    "a mask for a register that is not there": (words(22, 40, 0, 1), 2),
    "126 registers to read with a write": (both(100, 126, 0, 1, 2, b"\1\1"), 3),
    "122 registers to write with a read": (both(0, 1, 100, 122, 244, bytes(244)), 3),
    "nothing to read with a write": (both(0, 0, 0, 1, 2, b"\1\1"), 3),
    "a wrong byte count with a read": (both(0, 1, 0, 2, 2, b"\1\1"), 3),
    "a read past the end with a write that would do": (both(39, 2, 0, 1, 2, b"\1\1"), 2),
    "a write past the end with a read that would do": (both(0, 1, 39, 2, 4, b"\1\1\1\1"), 2),
    "a request that is too short": (b"\3\0", 3),
    "a write that is too short": (b"\x10\0\0", 3),
    "a read with something behind it": (words(3, 0, 1) + b"\0", 3),
    "function 0": (b"\0", 1),
    "diagnostics": (words(8, 0, 0), 1),
    "a function of the maker": (b"\x64\1\2", 1),
    "a request that looks like an exception": (b"\x83\2", 1),
}


@pytest.mark.parametrize(("request_pdu", "code"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_has_the_right_code_and_changes_nothing(request_pdu: bytes, code: int) -> None:
    registers = bank()
    before = registers.snapshot()
    answer, written = serve(request_pdu, registers, {})
    assert answer == bytes((request_pdu[0] | 0x80, code))
    assert written is None
    assert registers.snapshot() == before


def test_the_largest_requests_of_the_specification_are_served() -> None:
    registers = bank()
    assert len(serve(words(1, 100, 2000), registers, {})[0]) == 2 + 250
    assert len(serve(words(3, 100, 125), registers, {})[0]) == 2 + 250
    assert serve(multiple(15, 100, 1968, 246, bytes(246)), registers, {})[1] == ("coil", 100, 1968)
    assert serve(multiple(16, 100, 123, 246, bytes(246)), registers, {})[1] == ("holding", 100, 123)
    answer, written = serve(both(100, 125, 100, 121, 242, bytes(242)), registers, {})
    assert (len(answer), written) == (252, ("holding", 100, 121))


def test_neighbouring_spans_are_one_and_a_gap_is_none() -> None:
    registers = RegisterBank({"holding": [(10, 5), (15, 5), (21, 1), (12, 1)]})
    assert registers.spans()["holding"] == [(10, 10), (21, 1)]
    assert serve(words(3, 10, 10), registers, {})[0][1] == 20
    assert serve(words(3, 19, 3), registers, {})[0] == b"\x83\2"


codes = st.sampled_from([1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43]) | st.integers(0, 255)
small = st.integers(0, 300).map(lambda number: number.to_bytes(2, "big"))
field = small | st.binary(max_size=4) | st.sampled_from([b"\xff\x00", b"\x00\x00"])


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Anything from right over nearly right to rubbish."""
    request = bytes((draw(codes),)) + b"".join(draw(st.lists(field, max_size=5)))
    if draw(st.booleans()):
        size = draw(st.integers(0, 20))
        request += bytes((size,)) + draw(st.binary(min_size=size, max_size=size))
    return request[:253]


@settings(max_examples=400)
@given(requests())
def test_whatever_is_asked_there_is_one_answer_and_a_refusal_changes_nothing(request: bytes) -> None:
    registers = bank()
    before = registers.snapshot()
    answer, written = serve(request, registers, {0: b"x"})
    assert 2 <= len(answer) <= 253
    assert answer[0] & 0x7F == request[0] & 0x7F
    if written is None:
        assert registers.snapshot() == before
    else:
        table, address, count = written
        width = 1 if table == "coil" else 2
        after = registers.read(table, address, count)
        untouched = bank()
        untouched.write(table, address, after)
        assert registers.snapshot() == untouched.snapshot(), "nothing but the written addresses has changed"
        assert len(after) == count * width
