"""The decoder of whole columns gives what the decoder of points gives, to the last bit."""

import math
import random
import struct
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from field_io.array_decoder import ArrayDecoder
from field_io.registers import BlockDecoder
from field_io.specs import ORDERS, TYPES, PointSpec

NUMBERS = st.floats(-1e6, 1e6).filter(lambda number: number != 0.0)


@st.composite
def blocks(draw: st.DrawFn) -> tuple[list[PointSpec], int]:
    points, at = [], 0
    table = draw(st.sampled_from(["input", "coil"]))
    same = draw(st.booleans())
    kind, order = draw(st.sampled_from(list(TYPES))), draw(st.sampled_from(ORDERS))
    for number in range(draw(st.integers(1, 16))):
        if not same:
            kind, order = draw(st.sampled_from(list(TYPES))), draw(st.sampled_from(ORDERS))
        type_name = "bool" if table == "coil" else kind
        bit = draw(st.integers(-1, 15)) if type_name == "bool" and table == "input" else -1
        point = PointSpec(
            f"P{number}", table, at, type_name, word_order=order, byte_order=draw(st.sampled_from(ORDERS)),
            scale=draw(st.one_of(st.just(1.0), NUMBERS)), offset=draw(st.one_of(st.just(0.0), NUMBERS)),
            unit=draw(st.sampled_from(["", "mA"])), bit=bit,
        )  # fmt: skip
        points.append(point)
        at = point.end + draw(st.sampled_from([0, 0, 0, 1, 5]))
    return points, points[-1].end


def same_bits(one: float, other: float) -> bool:
    return (math.isnan(one) and math.isnan(other)) or struct.pack("d", one) == struct.pack("d", other)


@given(blocks(), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_columns_and_points_agree(block: tuple[list[PointSpec], int], rng: random.Random) -> None:
    points, count = block
    is_bit = points[0].is_bit
    data = bytes(rng.randrange(2) if is_bit else rng.randrange(256) for _ in range(count if is_bit else 2 * count))
    values, statuses = BlockDecoder(points, 0, count).decode(data)
    decoder = ArrayDecoder(points, 0, count)
    columns, column_statuses = decoder.decode(data)
    assert all(same_bits(a, b) for a, b in zip(values, columns.tolist(), strict=True))
    assert statuses == column_statuses.tolist()
    row, row_statuses = np.full(len(points), np.nan), np.full(len(points), 24, np.uint8)
    all_good = decoder.decode_into(data, row, row_statuses, False)
    all_good = decoder.decode_into(data, row, row_statuses, all_good)
    assert all(same_bits(a, b) for a, b in zip(values, row.tolist(), strict=True))
    assert statuses == row_statuses.tolist()


@pytest.mark.parametrize("type_name", [name for name in TYPES if name != "bool"])
@pytest.mark.parametrize("scale", [1.0, -1.0, 1e300])
def test_zeros_of_both_signs_and_what_overflows_agree_without_a_warning(type_name: str, scale: float) -> None:
    letter, words = TYPES[type_name]
    points = [PointSpec(f"P{at}", "input", at * words, type_name, scale=scale) for at in range(2)]
    for number in (0, -0.0 if type_name.startswith("float") else 1, 32000):
        data = struct.pack(f">2{letter}", number, number)
        values, statuses = BlockDecoder(points, 0, 2 * words).decode(data)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            columns, column_statuses = ArrayDecoder(points, 0, 2 * words).decode(data)
        assert all(same_bits(a, b) for a, b in zip(values, columns.tolist(), strict=True))
        assert statuses == column_statuses.tolist()
