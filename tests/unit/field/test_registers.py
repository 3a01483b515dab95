"""Codecs: what goes into a device comes out again, and what does not fit is said."""

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.status import (
    BAD,
    LIMIT_HIGH,
    LIMIT_LOW,
    STATUS_GOOD,
    UNCERTAIN,
    is_good,
    limits_of,
    quality_of,
)
from field_io.modbus.pdu import bytes_of, words_of
from field_io.registers import BlockDecoder, BlockEncoder, current_status, decode, encode
from field_io.specs import ORDERS, TYPES, PointSpec, SignalSpec, overlaps, point_problems

INTEGERS = {"int16": 16, "uint16": 16, "int32": 32, "uint32": 32}


def point(type_name: str, **changes: object) -> PointSpec:
    return PointSpec(**{"name": "X", "table": "holding", "address": 10, "type": type_name, **changes})  # type: ignore[arg-type]


@st.composite
def points_and_raws(draw: st.DrawFn) -> tuple[PointSpec, float]:
    type_name = draw(st.sampled_from([name for name in TYPES if name != "bool"]))
    if type_name.startswith("float"):
        raw: float = draw(st.floats(width=32, allow_nan=False, allow_infinity=False))
    else:
        bits = int(type_name.removeprefix("u").removeprefix("int"))
        signed = not type_name.startswith("u")
        bits_exact = min(bits, 53)  # beyond that a float has no such whole number
        low = -(2 ** (bits_exact - 1)) if signed else 0
        raw = float(draw(st.integers(low, 2 ** (bits_exact - signed) - 1)))
    spec = point(
        type_name, word_order=draw(st.sampled_from(ORDERS)), byte_order=draw(st.sampled_from(ORDERS)), scale=1.0
    )
    return spec, raw


@given(points_and_raws())
@settings(max_examples=100, deadline=None)
def test_what_is_encoded_decodes_to_the_same_number(case: tuple[PointSpec, float]) -> None:
    spec, raw = case
    words, status = encode(spec, raw)
    assert status == STATUS_GOOD
    assert len(words) == spec.count
    assert all(0 <= word <= 0xFFFF for word in words)
    assert decode(spec, words) == (raw, STATUS_GOOD)


@given(
    value=st.floats(-1e6, 1e6),
    scale=st.floats(1e-3, 1e3),
    offset=st.floats(-1e3, 1e3),
    type_name=st.sampled_from(sorted(INTEGERS)),
)
@settings(max_examples=100, deadline=None)
def test_a_scaled_integer_is_right_to_half_a_count_or_says_that_it_was_clamped(
    value: float, scale: float, offset: float, type_name: str
) -> None:
    spec = point(type_name, scale=scale, offset=offset)
    words, status = encode(spec, value)
    back, _ = decode(spec, words)
    if limits_of(status):
        assert (back > value) == (limits_of(status) == LIMIT_LOW)
    else:
        assert abs(back - value) <= 0.5 * scale + 1e-6 * abs(value) + 1e-9


@pytest.mark.parametrize(
    ("word_order", "byte_order", "expected"),
    [
        ("high_first", "high_first", (0x4148, 0x0000)),
        ("low_first", "high_first", (0x0000, 0x4148)),
        ("high_first", "low_first", (0x4841, 0x0000)),
        ("low_first", "low_first", (0x0000, 0x4841)),
    ],
)
def test_the_four_orders_of_a_float_are_the_ones_the_field_knows(
    word_order: str, byte_order: str, expected: tuple[int, int]
) -> None:
    spec = point("float32", word_order=word_order, byte_order=byte_order)
    assert encode(spec, 12.5)[0] == expected


def test_low_word_first_of_a_64_bit_number_reverses_all_four_words() -> None:
    words = struct.unpack(">4H", struct.pack(">d", math.pi))
    assert encode(point("float64", word_order="low_first"), math.pi)[0] == words[::-1]


@pytest.mark.parametrize(
    ("type_name", "value", "word", "limit"),
    [
        ("uint16", -1.0, 0, LIMIT_LOW),
        ("uint16", 70000.0, 65535, LIMIT_HIGH),
        ("int16", -40000.0, 0x8000, LIMIT_LOW),
        ("int16", math.inf, 0x7FFF, LIMIT_HIGH),
        ("uint16", -math.inf, 0, LIMIT_LOW),
    ],
)
def test_out_of_range_is_clamped_and_says_to_which_side(type_name: str, value: float, word: int, limit: int) -> None:
    words, status = encode(point(type_name), value)
    assert words == (word,)
    assert is_good(status)
    assert limits_of(status) == limit


def test_a_negative_scale_turns_the_sides_round() -> None:
    _, status = encode(point("uint16", scale=-1.0), 5.0)  # raw -5 is below what a uint16 holds: the value is too high
    assert limits_of(status) == LIMIT_HIGH


def test_float32_clamps_what_only_a_float64_holds() -> None:
    words, status = encode(point("float32"), 1e300)
    assert limits_of(status) == LIMIT_HIGH
    assert decode(point("float32"), words)[0] == pytest.approx(3.4028234663852886e38)


def test_nan_is_never_sent_and_makes_a_measurement_bad() -> None:
    words, status = encode(point("float32"), math.nan)
    assert words == ()
    assert quality_of(status) == BAD
    value, status = decode(point("float32"), (0x7FC0, 0))
    assert math.isnan(value)
    assert quality_of(status) == BAD


@pytest.mark.parametrize(
    ("current_ma", "quality", "limit"),
    [
        (3.6, BAD, LIMIT_LOW),
        (3.7, UNCERTAIN, LIMIT_LOW),
        (3.8, 2, 0),
        (12.0, 2, 0),
        (20.5, 2, 0),
        (20.7, UNCERTAIN, LIMIT_HIGH),
        (21.0, BAD, LIMIT_HIGH),
        (0.0, BAD, LIMIT_LOW),
    ],
)
def test_a_current_is_judged_by_ne_43(current_ma: float, quality: int, limit: int) -> None:
    status = current_status(current_ma)
    assert (quality_of(status), limits_of(status)) == (quality, limit)
    spec = point("int16", unit="mA", scale=0.001)
    assert decode(spec, encode(spec, current_ma)[0])[1] == status


def test_a_block_decodes_and_encodes_each_point_by_its_own_order() -> None:
    points = [
        PointSpec("A", "holding", 100, "int16", unit="mA", scale=0.001),
        PointSpec("B", "holding", 101, "float32", word_order="low_first"),
        PointSpec("C", "holding", 103, "bool"),
        PointSpec("D", "holding", 104, "float32"),
    ]
    data, _ = BlockEncoder(points).encode([4.0, -2.5, 1.0, 1e-3])
    words = tuple(words_of(data))
    assert words == (4000, *encode(points[1], -2.5)[0], 1, *encode(points[3], 1e-3)[0])
    values, statuses = BlockDecoder([points[0], points[3]], 99, 8).decode(bytes_of((0, *words, 77)))
    assert values == pytest.approx([4.0, 1e-3])
    assert statuses == [STATUS_GOOD, STATUS_GOOD]


def test_a_signal_is_the_straight_line_through_its_two_ends() -> None:
    level = SignalSpec("level_1", 0.0, 0.2, 4.0, 20.0)
    assert level.field_from_plant(0.1) == pytest.approx(12.0)
    assert level.plant_from_field(level.field_from_plant(0.07)) == pytest.approx(0.07)


def test_overlaps_name_both_points_once_and_only_within_a_table() -> None:
    a, b = PointSpec("A", "holding", 0, "float32"), PointSpec("B", "holding", 1, "int16")
    c, d = PointSpec("C", "holding", 2, "int16"), PointSpec("D", "input", 1, "int16")
    assert overlaps([b, a, c, d]) == [(b, a)]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (PointSpec("X", "holdings", 0), "table is `holdings`"),
        (PointSpec("X", "holding", 0, "int8"), "type is `int8`"),
        (PointSpec("X", "coil", 0, "int16"), "a point in table coil is a bool"),
        (PointSpec("X", "input", 0, direction="out"), "use table holding"),
        (PointSpec("X", "discrete", 0, "bool", direction="out"), "use table coil"),
        (PointSpec("X", "holding", 65535, "float32"), "65535 to 65536"),
        (PointSpec("X", "holding", -1), "from 0 to 65535"),
        (PointSpec("X", "holding", 0, scale=0.0), "scale not 0"),
        (PointSpec("X", "holding", 0, word_order="big"), "word_order is `big`"),
    ],
)
def test_a_point_that_cannot_work_says_why(spec: PointSpec, words: str) -> None:
    assert any(words in sentence for sentence in point_problems(spec))


def test_a_sound_point_has_no_problems() -> None:
    assert point_problems(PointSpec("X", "holding", 65534, "float32", direction="out")) == []
