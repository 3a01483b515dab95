"""Where a frame ends, however the bytes arrive, and what a damaged one costs."""

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU

from field_io.modbus import pdu
from field_io.modbus.framing import Frame, Framing, FramingLost, Mbap, Rtu, answer_length, crc16, request_length

REQUESTS = [
    pdu.read("coil", 19, 37),
    pdu.read("discrete", 196, 22),
    pdu.read("holding", 107, 3),
    pdu.read("input", 8, 1),
    pdu.write("coil", 172, b"\1", single=True),
    pdu.write("holding", 1, b"\0\3", single=True),
    pdu.write("coil", 19, bytes([1, 0, 1, 1, 0, 0, 1, 1, 1, 0])),
    pdu.write("holding", 1, b"\0\x0a\1\2"),
    pdu.write("holding", 1, bytes(range(246))),
    pdu.mask_write(4, 0xF2, 0x25),
    pdu.read_write(3, 6, 14, b"\0\xff\0\xff\0\xff"),
    pdu.identification(),
]
ANSWERS = [
    bytes.fromhex("01 05 CD 6B B2 0E 1B"),
    bytes.fromhex("02 03 AC DB 35"),
    bytes.fromhex("03 06 02 2B 00 00 00 64"),
    bytes.fromhex("04 02 00 0A"),
    bytes.fromhex("05 00 AC FF 00"),
    bytes.fromhex("06 00 01 00 03"),
    bytes.fromhex("0F 00 13 00 0A"),
    bytes.fromhex("10 00 01 00 02"),
    bytes.fromhex("16 00 04 00 F2 00 25"),
    bytes.fromhex("17 04 00 FE 0A CD"),
    bytes.fromhex("2B 0E 01 01 00 00 03 00 03 41 42 43 01 01 58 02 00"),
    bytes.fromhex("83 02"),
    bytes((3, 250)) + bytes(250),
]


def test_crc_is_the_published_one() -> None:
    """Modbus over serial line V1.02, section 6.2.2, and the check value of CRC-16/MODBUS."""
    assert crc16(b"123456789") == 0x4B37
    assert crc16(b"\x02\x07") == 0x1241
    assert crc16(b"") == 0xFFFF


@given(st.binary(max_size=256))
def test_crc_is_that_of_pymodbus(data: bytes) -> None:
    assert crc16(data).to_bytes(2, "little") == FramerRTU.compute_CRC(data).to_bytes(2, "big")


@pytest.mark.parametrize("message", REQUESTS, ids=lambda message: message[:1].hex())
def test_the_length_of_a_request_follows_from_its_beginning(message: bytes) -> None:
    assert request_length(message) == len(message)
    assert request_length(message + b"rubbish") == len(message)
    for size in range(1, len(message)):
        assert request_length(message[:size]) in (0, len(message))


@pytest.mark.parametrize("message", ANSWERS, ids=lambda message: message[:1].hex())
def test_the_length_of_an_answer_follows_from_its_beginning(message: bytes) -> None:
    assert answer_length(message + b"rubbish") == len(message)
    for size in range(1, len(message)):
        assert answer_length(message[:size]) in (0, len(message))


def frames_of(framing: Framing, data: bytes, cuts: list[int]) -> list[Frame]:
    """What comes out when ``data`` arrives cut at ``cuts``."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    found: list[Frame] = []
    for start, end in pairwise(edges):
        found += framing.feed(data[start:end])
    return found


messages = st.lists(st.tuples(st.integers(0, 65_535), st.integers(0, 247), st.sampled_from(REQUESTS)), max_size=8)
cuts = st.lists(st.integers(0, 4000), max_size=12)


@given(messages, cuts)
def test_mbap_frames_survive_every_cut(sent: list[tuple[int, int, bytes]], at: list[int]) -> None:
    ours, theirs = Mbap(), Mbap()
    data = b"".join(ours.frame(*message) for message in sent)
    assert frames_of(theirs, data, at) == [Frame(*message) for message in sent]
    assert not theirs.begun


@given(messages, cuts, st.booleans())
def test_rtu_frames_survive_every_cut(sent: list[tuple[int, int, bytes]], at: list[int], serves: bool) -> None:
    if not serves:
        sent = [(number, unit, ANSWERS[number % len(ANSWERS)]) for number, unit, _ in sent]
    framing = Rtu(serves)
    data = b"".join(framing.frame(*message) for message in sent)
    assert frames_of(framing, data, at) == [Frame(0, unit, message) for _, unit, message in sent]
    assert framing.rejected == 0
    assert not framing.begun


@settings(derandomize=True)  # one in 65,536 damaged frames has a right CRC: a fixed choice has none
@given(st.sampled_from(REQUESTS), st.integers(0, 2000), st.integers(1, 255))
def test_a_damaged_rtu_frame_is_never_taken_for_another(message: bytes, place: int, damage: int) -> None:
    framing = Rtu(serves=True)
    data = bytearray(framing.frame(0, 17, message))
    data[place % len(data)] ^= damage
    found = [*framing.feed(bytes(data)), *framing.silence()]
    assert Frame(0, 17, message) not in found
    assert all(frame.unit == 17 or frame.pdu != message for frame in found)
    assert not framing.begun


@settings(derandomize=True)
@given(st.binary(max_size=300), cuts)
def test_behind_rubbish_and_silence_every_frame_is_found(rubbish: bytes, at: list[int]) -> None:
    """A frame is in what came, or it comes out when the line falls silent."""
    framing = Rtu(serves=True)
    good = framing.frame(0, 1, pdu.read("holding", 0, 2))
    found = frames_of(framing, rubbish + good, at)
    found += framing.silence()
    assert Frame(0, 1, pdu.read("holding", 0, 2)) in found


@given(st.binary(max_size=3000), cuts, st.booleans())
def test_rubbish_is_never_kept_for_long(rubbish: bytes, at: list[int], serves: bool) -> None:
    framing = Rtu(serves)
    frames_of(framing, rubbish, at)
    assert len(framing._rest) < 256
    mbap = Mbap()
    try:
        frames_of(mbap, rubbish, at)
    except FramingLost:
        assert not mbap.begun
    assert len(mbap._rest) < 260


def test_one_damaged_frame_costs_itself_alone() -> None:
    framing = Rtu(serves=True)
    frames = [framing.frame(0, 1, request) for request in REQUESTS]
    frames[3] = frames[3][:-1] + bytes((frames[3][-1] ^ 1,))
    found = framing.feed(b"".join(frames))
    assert [frame.pdu for frame in found] == [*REQUESTS[:3], *REQUESTS[4:]]
    assert framing.rejected == 1


@pytest.mark.parametrize("size", [1, 2, 5, 200, 253])
def test_a_request_of_an_unknown_function_ends_with_the_silence_behind_it(size: int) -> None:
    framing = Rtu(serves=True)
    unknown = bytes((0x41,)) + bytes(range(1, size))
    for byte in framing.frame(0, 5, unknown):
        assert framing.feed(bytes((byte,))) == []
    assert framing.silence() == [Frame(0, 5, unknown)]
    assert (framing.rejected, framing.begun) == (0, False)
    found = framing.feed(framing.frame(0, 5, unknown) + framing.frame(0, 1, REQUESTS[0]))
    assert found == [Frame(0, 1, REQUESTS[0])], "without a silence nobody knows where it ends"


def test_another_transport_than_identification_ends_with_the_silence_too() -> None:
    """Function code 43 with a type that we do not serve, such as 13 (CANopen), is of any length."""
    framing = Rtu(serves=True)
    request = bytes((pdu.ENCAPSULATED, 13, 1, 2, 3, 4, 5))
    assert framing.feed(framing.frame(0, 5, request)) == []
    assert framing.silence() == [Frame(0, 5, request)]
    assert framing.feed(framing.frame(0, 5, pdu.identification())) == [Frame(0, 5, pdu.identification())]


def test_a_run_of_rubbish_counts_once() -> None:
    framing = Rtu(serves=True)
    for _ in range(5):
        framing.feed(b"\xee" * 100)
    assert framing.rejected == 1
    framing.feed(framing.frame(0, 1, REQUESTS[0]))
    framing.feed(b"\xee" * 100)
    framing.silence()
    assert framing.rejected == 2


@pytest.mark.parametrize(
    "header",
    [
        "00 01 00 01 00 06 01",
        "00 01 01 00 00 06 01",
        "00 01 00 00 00 01 01",
        "00 01 00 00 00 FF 01",
        "47 45 54 20 2F 20 48",
    ],
)
def test_what_is_no_modbus_is_told_and_the_frames_before_it_are_not_lost(header: str) -> None:
    framing = Mbap()
    good = framing.frame(7, 1, REQUESTS[2])
    with pytest.raises(FramingLost, match="not Modbus TCP") as lost:
        framing.feed(good + bytes.fromhex(header) + bytes(9))
    assert lost.value.frames == [Frame(7, 1, REQUESTS[2])]
    assert (framing.rejected, framing.begun) == (1, False)


def test_a_flood_of_rubbish_made_to_be_expensive_is_cut_short() -> None:
    """At each place of it a frame seems to begin: a CRC over 36 bytes at every one of 256 KiB takes half a second."""
    framing = Rtu(serves=True)
    good = framing.frame(0, 1, REQUESTS[2])
    began_s = time.thread_time()
    found = framing.feed(b"\x17" * 262_144 + good)
    assert time.thread_time() - began_s < 0.1
    assert Frame(0, 1, REQUESTS[2]) in [*found, *framing.silence()]
    assert framing.rejected == 1
    many = framing.frame(0, 1, REQUESTS[2]) * 1000
    assert len(framing.feed(many)) == 1000, "as much as anybody sends at once is served"


def test_the_largest_frame_of_each_kind_fits() -> None:
    largest = bytes((16,)) + bytes(4) + bytes((247,)) + bytes(247)
    assert len(largest) == 253
    mbap, rtu = Mbap(), Rtu(serves=True)
    assert mbap.feed(mbap.frame(1, 1, largest))[0].pdu == largest
    assert rtu.feed(rtu.frame(1, 1, largest))[0].pdu == largest
