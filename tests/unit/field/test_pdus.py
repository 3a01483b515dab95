"""Our packed messages are pymodbus' own, byte for byte; and what is malformed is refused the same way."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu import register_message as theirs

from field_io import pdus

WORDS = st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=123)


def frame(pdu: ModbusPDU) -> bytes:
    return bytes([pdu.function_code]) + pdu.encode()


@given(WORDS)
@settings(max_examples=50, deadline=None)
def test_answers_are_the_same_on_the_wire_and_read_the_same(words: list[int]) -> None:
    for ours, original in (
        (pdus.ReadHoldingAnswer, theirs.ReadHoldingRegistersResponse),
        (pdus.ReadInputAnswer, theirs.ReadInputRegistersResponse),
    ):
        packed = frame(ours(registers=words))
        assert packed == frame(original(registers=words))
        read = pdus.QuietDecoder(False).decode(packed)
        assert type(read) is ours
        assert list(read.registers) == words


@given(WORDS, st.integers(0, 60000))
@settings(max_examples=50, deadline=None)
def test_a_write_is_the_same_on_the_wire_and_reads_the_same(words: list[int], address: int) -> None:
    packed = frame(pdus.WriteHolding(address=address, registers=words))
    assert packed == frame(theirs.WriteMultipleRegistersRequest(address=address, registers=words))
    read, original = pdus.QuietDecoder(True).decode(packed), DecodePDU(True).decode(packed)
    assert isinstance(read, pdus.WriteHolding)
    assert isinstance(original, theirs.WriteMultipleRegistersRequest)
    assert (read.address, read.count, list(read.registers)) == (address, len(words), words)
    assert (read.byte_count, read._payload_byte_count) == (original.byte_count, original._payload_byte_count)


@given(st.binary(min_size=1, max_size=20), st.booleans())
@settings(max_examples=100, deadline=None)
def test_rubbish_decodes_to_nothing_or_to_a_message_but_never_raises(data: bytes, is_server: bool) -> None:
    for code in (*range(1, 24), 0x83):
        pdus.QuietDecoder(is_server).decode(bytes([code]) + data)


@pytest.mark.parametrize("answer", [b"\x03\x04\x00\x01", b"\x03\x06\x00\x01\x00\x02"])
def test_an_answer_shorter_than_it_says_is_refused(answer: bytes) -> None:
    assert pdus.QuietDecoder(False).decode(answer) is None
