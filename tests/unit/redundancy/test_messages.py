"""Every message survives the wire; bytes that are none are refused by one kind of error."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.redundancy import messages as m
from dcs.redundancy.encoding import Malformed, decode, encode

u64, u32, masks = st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**1000)
i64 = st.integers(-(2**63), 2**63 - 1)
flag = st.booleans()
key = st.binary(min_size=8, max_size=8)
generations = st.builds(m.Generation, u64, u32)
sessions = st.builds(m.Session, generations, u64, u64, u64)
all_messages = st.one_of(
    st.builds(m.Request, u64, u64, u64, generations, flag, st.text(max_size=20)),
    st.builds(m.Vote, u64, u64, st.integers(0, 7), u64, generations, i64, st.text(max_size=20), u64),
    st.builds(m.Release, u64, u64),
    st.builds(m.Query, i64),
    st.builds(m.Info, i64, u64, generations, flag, st.text(max_size=20), u64, flag),
    st.builds(m.Hello, u64, generations, u64, flag, u64, u64, key, st.text(max_size=20)),
    st.builds(m.Finding, sessions, u64, flag),
    st.builds(m.CopyBegin, sessions, u64, u64, u32),
    st.builds(m.CopySlice, sessions, u32, st.binary(max_size=100)),
    st.builds(m.Record, sessions, u64, st.binary(max_size=40), st.binary(max_size=100)),
    st.builds(m.Measured, sessions, st.binary(max_size=100)),
    st.builds(m.Offer, key, u32, u32, st.binary(max_size=100)),
    st.builds(m.Verdict, key, flag, st.text(max_size=20)),
    st.builds(m.FieldTold, u64, u64, u64, u64, u64, key, masks, masks, masks),
    st.builds(m.Ack, sessions, u64, u32, flag, flag, flag),
)
names = st.text(min_size=1, max_size=20)


@settings(max_examples=100)
@given(names, names, all_messages)
def test_what_is_encoded_is_decoded(pair: str, sender: str, message: m.Message) -> None:
    decoded = decode(encode(pair, sender, message))
    assert decoded == (pair, sender, message)
    assert type(decoded[2]) is type(message)


@settings(max_examples=100)
@given(st.binary(max_size=80), all_messages, st.integers(0, 200), st.integers(0, 255))
def test_any_bytes_are_a_message_or_malformed(noise: bytes, message: m.Message, place: int, value: int) -> None:
    """Promise: nothing that arrives can raise anything else into the loop."""
    whole = encode("C1", "C1A", message)
    spoiled = bytearray(whole)
    spoiled[place % len(whole)] = value
    for payload in (noise, whole[: place % len(whole)], bytes(spoiled)):
        with contextlib.suppress(Malformed):
            decode(payload)


def test_another_version_is_told() -> None:
    payload = bytearray(encode("C1", "C1A", m.Query(5)))
    payload[1] = 9
    with pytest.raises(Malformed, match="not a redundancy message of version 3"):
        decode(bytes(payload))


@given(sessions, st.binary(min_size=1, max_size=100), st.integers(0, 8 * 100 - 1))
def test_one_flipped_bit_in_a_record_or_a_copy_is_seen(session: m.Session, data: bytes, bit: int) -> None:
    """Promise: a standby never executes, or keeps, what was damaged on its way."""
    for message in (m.Record(session, 7, b"digest", data), m.CopySlice(session, 3, data)):
        whole = bytearray(encode("C1", "C1A", message))
        place = len(whole) - 1 - bit // 8 % len(data)
        whole[place] ^= 1 << bit % 8
        with pytest.raises(Malformed, match="damaged on its way"):
            decode(bytes(whole))
