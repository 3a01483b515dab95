"""Our Modbus messages against pymodbus, which knows nothing of ours, in both directions."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.pdu import DecodePDU, ExceptionResponse
from pymodbus.pdu import bit_message as bits_of
from pymodbus.pdu import mei_message as mei
from pymodbus.pdu import register_message as registers_of

from field_io.devices.register_bank import RegisterBank
from field_io.modbus import pdu
from field_io.modbus.pdu import Malformed, Refused, bytes_of, data_of, objects_of, words_of
from field_io.modbus.service import serve

THEIR_SERVER, THEIR_CLIENT = DecodePDU(True), DecodePDU(False)
addresses = st.integers(0, 65_535)
words = st.integers(0, 65_535)
READS = {
    "coil": (bits_of.ReadCoilsRequest, bits_of.ReadCoilsResponse),
    "discrete": (bits_of.ReadDiscreteInputsRequest, bits_of.ReadDiscreteInputsResponse),
    "holding": (registers_of.ReadHoldingRegistersRequest, registers_of.ReadHoldingRegistersResponse),
    "input": (registers_of.ReadInputRegistersRequest, registers_of.ReadInputRegistersResponse),
}
EVERYTHING = {table: [(0, 65_536)] for table in READS}


def whole(message: Any) -> bytes:
    """Their message as a whole PDU."""
    return bytes((message.function_code,)) + message.encode()


def understood(message: bytes) -> Any:
    """Our request as their server reads it."""
    found = THEIR_SERVER.decode(message)
    assert found is not None
    return found


def words_in(message: Any) -> list[int]:
    return list(message.registers)


# --- requests ------------------------------------------------------------------------------------------------
@given(st.sampled_from(list(READS)), addresses, st.integers(1, 125))
def test_reads(table: str, address: int, count: int) -> None:
    ours = pdu.read(table, address, count)
    theirs = understood(ours)
    assert type(theirs) is READS[table][0]
    assert (theirs.address, theirs.count) == (address, count)
    assert whole(READS[table][0](address=address, count=count)) == ours


@given(addresses, st.lists(words, min_size=1, max_size=123))
def test_writes_of_registers(address: int, values: list[int]) -> None:
    ours = pdu.write("holding", address, bytes_of(values))
    theirs = understood(ours)
    assert (theirs.address, words_in(theirs)) == (address, values)
    assert whole(registers_of.WriteMultipleRegistersRequest(address=address, registers=values)) == ours
    single = pdu.write("holding", address, bytes_of(values[:1]), single=True)
    assert whole(registers_of.WriteSingleRegisterRequest(address=address, registers=values[:1])) == single
    assert words_in(understood(single)) == values[:1]


@given(addresses, st.lists(st.booleans(), min_size=1, max_size=1968))
def test_writes_of_coils(address: int, values: list[bool]) -> None:
    ours = pdu.write("coil", address, bytes(values))
    theirs = understood(ours)
    assert (theirs.address, list(theirs.bits)[: len(values)]) == (address, values)
    assert whole(bits_of.WriteMultipleCoilsRequest(address=address, bits=values)) == ours
    single = pdu.write("coil", address, bytes(values[:1]), single=True)
    assert whole(bits_of.WriteSingleCoilRequest(address=address, bits=values[:1])) == single


@given(addresses, words, words)
def test_masked_writes(address: int, keep: int, put: int) -> None:
    ours = pdu.mask_write(address, keep, put)
    assert whole(registers_of.MaskWriteRegisterRequest(address=address, and_mask=keep, or_mask=put)) == ours
    theirs = understood(ours)
    assert (theirs.address, theirs.and_mask, theirs.or_mask) == (address, keep, put)


@given(addresses, st.integers(1, 125), addresses, st.lists(words, min_size=1, max_size=121))
def test_reads_and_writes_in_one(address: int, count: int, write_address: int, values: list[int]) -> None:
    ours = pdu.read_write(address, count, write_address, bytes_of(values))
    assert ours == whole(
        registers_of.ReadWriteMultipleRegistersRequest(
            read_address=address, read_count=count, write_address=write_address, write_registers=values
        )
    )
    theirs = understood(ours)
    assert (theirs.read_address, theirs.read_count) == (address, count)
    assert (theirs.write_address, theirs.write_registers) == (write_address, values)


@pytest.mark.parametrize("access", [1, 2, 3, 4])
def test_identification_is_asked_for(access: int) -> None:
    ours = pdu.identification(access, 5)
    assert whole(mei.ReadDeviceInformationRequest(read_code=access, object_id=5)) == ours
    theirs = understood(ours)
    assert (theirs.read_code, theirs.object_id) == (access, 5)


# --- their answers, read by us --------------------------------------------------------------------------------
@given(st.sampled_from(["holding", "input"]), st.lists(words, min_size=1, max_size=125))
def test_their_registers(table: str, values: list[int]) -> None:
    answer = whole(READS[table][1](registers=values))
    assert words_of(data_of(pdu.read(table, 0, len(values)), answer)) == values
    for wrong in (len(values) - 1, len(values) + 1):
        with pytest.raises(Malformed, match="registers"):
            data_of(pdu.read(table, 0, wrong), answer)


@given(st.sampled_from(["coil", "discrete"]), st.lists(st.booleans(), min_size=1, max_size=2000))
def test_their_bits(table: str, values: list[bool]) -> None:
    answer = whole(READS[table][1](bits=values))
    assert data_of(pdu.read(table, 0, len(values)), answer) == bytes(values)
    with pytest.raises(Malformed, match="bits"):
        data_of(pdu.read(table, 0, len(values) + 8), answer)


@given(addresses, st.lists(words, min_size=2, max_size=121))
def test_their_acknowledgements(address: int, values: list[int]) -> None:
    asked = pdu.write("holding", address, bytes_of(values))
    answer = whole(registers_of.WriteMultipleRegistersResponse(address=address, count=len(values)))
    assert data_of(asked, answer) == b""
    other = whole(registers_of.WriteMultipleRegistersResponse(address=address ^ 1, count=len(values)))
    with pytest.raises(Malformed, match="another write"):
        data_of(asked, other)
    one = pdu.write("holding", address, bytes_of(values[:1]), single=True)
    assert data_of(one, whole(registers_of.WriteSingleRegisterResponse(address=address, registers=values[:1]))) == b""
    mask = pdu.mask_write(address, values[0], values[1])
    done = registers_of.MaskWriteRegisterResponse(address=address, and_mask=values[0], or_mask=values[1])
    assert data_of(mask, whole(done)) == b""
    both = pdu.read_write(0, len(values), address, bytes_of(values))
    read = registers_of.ReadWriteMultipleRegistersResponse(registers=values)
    assert words_of(data_of(both, whole(read))) == values


@given(addresses, st.lists(st.booleans(), min_size=1, max_size=1968))
def test_their_acknowledgements_of_coils(address: int, values: list[bool]) -> None:
    asked = pdu.write("coil", address, bytes(values))
    answer = whole(bits_of.WriteMultipleCoilsResponse(address=address, count=len(values)))
    assert data_of(asked, answer) == b""
    single = pdu.write("coil", address, bytes(values[:1]), single=True)
    assert data_of(single, whole(bits_of.WriteSingleCoilResponse(address=address, bits=values[:1]))) == b""


@pytest.mark.parametrize("code", list(pdu.EXCEPTION_NAMES))
def test_their_exceptions(code: int) -> None:
    with pytest.raises(Refused, match=pdu.EXCEPTION_NAMES[code]) as refused:
        data_of(pdu.read("holding", 0, 1), whole(ExceptionResponse(3, code)))
    assert refused.value.code == code


@given(st.dictionaries(st.integers(0, 255), st.binary(min_size=1, max_size=30), min_size=1, max_size=6))
def test_their_identification(objects: dict[int, bytes]) -> None:
    answer = whole(mei.ReadDeviceInformationResponse(read_code=3, information=dict(sorted(objects.items()))))
    assert objects_of(data_of(pdu.identification(3), answer)) == (objects, 0)


@given(st.binary(max_size=253), st.sampled_from([1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43]))
def test_whatever_comes_is_data_an_exception_or_malformed(answer: bytes, code: int) -> None:
    requests = {
        1: pdu.read("coil", 0, 9), 2: pdu.read("discrete", 0, 9), 3: pdu.read("holding", 0, 2),
        4: pdu.read("input", 0, 2), 5: pdu.write("coil", 0, b"\1", True), 6: pdu.write("holding", 0, b"ab", True),
        15: pdu.write("coil", 0, b"\1\0"), 16: pdu.write("holding", 0, b"abcd"), 22: pdu.mask_write(0, 1, 2),
        23: pdu.read_write(0, 1, 0, b"ab"), 43: pdu.identification(),
    }  # fmt: skip
    for start in (answer, bytes((code,)) + answer):
        try:
            data = data_of(requests[code], start)
            if code == 43:
                objects_of(data)
        except (Refused, Malformed):
            continue


def test_an_identification_that_goes_round_in_circles_is_malformed() -> None:
    good = bytes((14, 1, 0x81, 0xFF, 1, 1, 0, 1)) + b"x"
    assert objects_of(good) == ({0: b"x"}, 1)
    for following in (0, bytes((14, 1, 0x81, 0xFF, 0, 1, 0, 1)) + b"x"):
        if isinstance(following, bytes):
            with pytest.raises(Malformed, match="circles"):
                objects_of(following)


# --- our answers, read by them ---------------------------------------------------------------------------------
def answered(request: bytes, bank: RegisterBank, identity: dict[int, bytes] | None = None) -> Any:
    """Our server's answer as their client reads it."""
    answer, _ = serve(request, bank, identity or {})
    found = THEIR_CLIENT.decode(answer)
    assert found is not None
    return found


@given(addresses.filter(lambda at: at <= 65_000), st.lists(words, min_size=1, max_size=121))
def test_our_registers(address: int, values: list[int]) -> None:
    bank = RegisterBank(EVERYTHING)
    asked = registers_of.WriteMultipleRegistersRequest(address=address, registers=values)
    done = answered(whole(asked), bank)
    assert (done.address, done.count) == (address, len(values))
    bank.set_words("input", address, values)
    for table in ("holding", "input"):
        found = answered(whole(READS[table][0](address=address, count=len(values))), bank)
        assert words_in(found) == values
    one = answered(whole(registers_of.WriteSingleRegisterRequest(address=address, registers=[7])), bank)
    assert (one.address, words_in(one)) == (address, [7])
    both = registers_of.ReadWriteMultipleRegistersRequest(
        read_address=address, read_count=len(values), write_address=address, write_registers=values[::-1]
    )
    assert words_in(answered(whole(both), bank)) == values[::-1], "the write comes before the read"


@given(addresses.filter(lambda at: at <= 60_000), st.lists(st.booleans(), min_size=1, max_size=1968))
def test_our_bits(address: int, values: list[bool]) -> None:
    bank = RegisterBank(EVERYTHING)
    done = answered(whole(bits_of.WriteMultipleCoilsRequest(address=address, bits=values)), bank)
    assert (done.address, done.count) == (address, len(values))
    bank.write("discrete", address, bytes(values))
    for table in ("coil", "discrete"):
        found = answered(whole(READS[table][0](address=address, count=len(values))), bank)
        assert list(found.bits)[: len(values)] == values
        assert not any(list(found.bits)[len(values) :]), "the rest of the last byte is filled with zeros"


@given(words, words, words)
def test_our_masked_write(value: int, keep: int, put: int) -> None:
    bank = RegisterBank(EVERYTHING)
    bank.set_words("holding", 4, [value])
    done = answered(whole(registers_of.MaskWriteRegisterRequest(address=4, and_mask=keep, or_mask=put)), bank)
    assert (done.address, done.and_mask, done.or_mask) == (4, keep, put)
    assert bank.get_words("holding", 4, 1) == [(value & keep) | (put & ~keep & 0xFFFF)]


def test_the_example_of_the_specification() -> None:
    """Section 6.16: register 0x12, AND mask 0xF2, OR mask 0x25 gives 0x17."""
    bank = RegisterBank({"holding": [(0, 8)]})
    bank.set_words("holding", 4, [0x12])
    request = bytes.fromhex("16 00 04 00 F2 00 25")
    assert serve(request, bank, {})[0] == request
    assert bank.get_words("holding", 4, 1) == [0x17]


IDENTITY = {0: b"Maker", 1: b"Code", 2: b"1.0", 4: b"Name", 5: b"Model", 130: b"private"}


@pytest.mark.parametrize(
    ("access", "expected"),
    [(1, [0, 1, 2]), (2, [0, 1, 2, 4, 5]), (3, [0, 1, 2, 4, 5, 130])],
)
def test_our_identification(access: int, expected: Sequence[int]) -> None:
    found = answered(whole(mei.ReadDeviceInformationRequest(read_code=access)), RegisterBank({}), IDENTITY)
    assert {number: bytes(text) for number, text in found.information.items()} == {
        number: IDENTITY[number] for number in expected
    }
    assert found.conformity == 0x83


def test_an_identification_too_long_for_one_answer_comes_in_several() -> None:
    identity = {number: bytes([65 + number]) * 100 for number in range(7)}
    found: dict[int, bytes] = {}
    following, asked = 0, 0
    while True:
        request = pdu.identification(2, following)
        answer, _ = serve(request, RegisterBank({}), identity)
        assert len(answer) <= 253
        objects, following = objects_of(data_of(request, answer))
        assert not set(objects) & set(found)
        found |= objects
        asked += 1
        if not following:
            break
    assert found == identity
    assert asked == 4


@pytest.mark.parametrize(
    ("request_hex", "answer_hex"),
    [
        ("2B 0E 04 05", "2B 0E 04 83 00 00 01 05 05 4D 6F 64 65 6C"),  # one object
        ("2B 0E 04 06", "AB 02"),  # an object that is not there
        ("2B 0E 05 00", "AB 03"),  # an access that does not exist
        ("2B 0E 00 00", "AB 03"),
        ("2B 0D 01 00", "AB 01"),  # another kind of encapsulation
        ("2B 0E 01 03", "2B 0E 01 83 00 00 03 00 05 4D 61 6B 65 72 01 04 43 6F 64 65 02 03 31 2E 30"),  # starts anew
    ],
)
def test_identification_to_the_byte(request_hex: str, answer_hex: str) -> None:
    assert serve(bytes.fromhex(request_hex), RegisterBank({}), IDENTITY)[0] == bytes.fromhex(answer_hex)
