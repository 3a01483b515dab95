"""OPC UA without input or output: status codes, names of nodes, types of values, numbers of messages."""

import math

import pytest
from asyncua import ua
from hypothesis import given
from hypothesis import strategies as st

from dcs.core.status import (
    BAD,
    GOOD,
    GOOD_CASCADE,
    LIMIT_CONSTANT,
    LIMIT_HIGH,
    LIMIT_LOW,
    UNCERTAIN,
    is_good,
    is_usable,
    limits_of,
    quality_of,
    with_limits,
)
from field_io.opc_ua import status, variants
from field_io.opc_ua.messages import Sequence
from field_io.opc_ua.nodes import CORE, NodeName, parse_node


def test_our_numbers_are_those_of_the_standard() -> None:
    assert {name: getattr(ua.StatusCodes, name) for name in status.CODES} == status.CODES


@given(st.integers(0, 2**32 - 1))
def test_every_code_keeps_its_family_and_its_limits(code: int) -> None:
    """Whatever a server sends: Bad is never shown as usable, Good never as Bad."""
    found = status.ff_status(code)
    family = (GOOD, UNCERTAIN, BAD, BAD)[code >> 30]
    assert quality_of(found) == family or (family == GOOD and quality_of(found) == GOOD_CASCADE)
    assert is_usable(found) == (not status.is_bad(code))
    assert is_good(found) == status.is_good(code)
    assert limits_of(found) == ((code >> 8) & 3 if (code >> 10) & 3 == 1 else 0)


@pytest.mark.parametrize(("bits", "limits"), [(1, LIMIT_LOW), (2, LIMIT_HIGH), (3, LIMIT_CONSTANT)])
def test_limit_bits_of_a_data_value_are_ours(bits: int, limits: int) -> None:
    assert status.ff_status(0x400 | bits << 8) == with_limits(status.ff_status(0), limits)


def test_the_overflow_bit_counts_only_in_a_data_value() -> None:
    assert status.overflowed(0x480)
    assert not status.overflowed(0x080)
    assert not status.overflowed(0x400)


# --- names ----------------------------------------------------------------------------------------------------
@given(
    st.from_regex(r"[a-z:/.0-9_-]{1,30}", fullmatch=True),
    st.sampled_from("sgb"),
    st.text(min_size=1, max_size=30).filter(lambda text: text == text.strip()),
)
def test_a_name_reads_as_it_was_written(uri: str, kind: str, name: str) -> None:
    node = NodeName(uri, kind, name)
    assert parse_node(str(node)) == node


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("nsu=urn:maker:device;s=PV.Value", NodeName("urn:maker:device", "s", "PV.Value")),
        ("nsu=http://maker.com/UA/;i=4711", NodeName("http://maker.com/UA/", "i", "4711")),
        ("i=2258", NodeName(CORE, "i", "2258")),
        ("ns=0;i=2258", NodeName(CORE, "i", "2258")),
        ('nsu=http://maker/plc;s="DB"."a;b=c"', NodeName("http://maker/plc", "s", '"DB"."a;b=c"')),
    ],
)
def test_the_forms_of_a_name(text: str, node: NodeName) -> None:
    assert parse_node(text) == node


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ns=2;s=PV", "by the number 2, which the server may change"),
        ("PV.Value", "is no node identifier. Write it as `nsu=urn:maker:device;s=PV.Value`"),
        ("", "is no node identifier"),
        ("nsu=urn:x;i=seven", "after `i=` stands a number"),
    ],
)
def test_what_is_no_name_is_told_with_the_way_out(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_node(text)


# --- values ---------------------------------------------------------------------------------------------------
@given(st.sampled_from(variants.NUMBERS), st.floats(allow_nan=False))
def test_every_number_becomes_a_value_that_the_type_can_hold(type_name: str, number: float) -> None:
    value, limit = variants.to_variant(type_name, number)
    if type_name in variants.INTEGERS:
        low, high = variants.INTEGERS[type_name]
        assert isinstance(value, int)
        assert low <= value <= high
        if limit == 0:
            assert abs(value - number) <= max(0.5, abs(number) * 2**-52)
        else:
            assert (value, limit) == ((high, LIMIT_HIGH) if number > 0 else (low, LIMIT_LOW))
    elif type_name == variants.FLOAT and math.isfinite(number):
        assert abs(value) <= variants.FLOAT_MAX
        if limit == 0:
            assert value == pytest.approx(number, rel=1e-6, abs=1e-44)


@pytest.mark.parametrize("type_name", [*variants.NUMBERS, "String", ""])
def test_nan_is_never_sent_and_a_text_takes_no_number(type_name: str) -> None:
    with pytest.raises(ValueError, match=r"not a number|takes no number"):
        variants.to_variant(type_name, math.nan)
    if type_name in ("String", ""):
        with pytest.raises(ValueError, match="takes no number"):
            variants.to_variant(type_name, 1.0)


# --- messages -------------------------------------------------------------------------------------------------
@given(st.lists(st.booleans(), max_size=60), st.integers(0, 59))
def test_a_missing_message_is_noticed_with_the_next_one_and_only_then(keep_alives: list[bool], missing: int) -> None:
    """A server counts up with every message that carries data; a keep-alive announces the next number."""
    order, number, lost = Sequence(), 1, False
    for at, keep_alive in enumerate(keep_alives):
        if at == missing and at > 0 and not keep_alive:
            lost = True
        else:
            gap = order.gap(number, keep_alive)
            assert bool(gap) == lost
            lost = False
        number += 0 if keep_alive else 1


def test_numbers_begin_again_after_the_last_one() -> None:
    order = Sequence()
    assert order.gap(2**32 - 1, False) == ""
    assert order.gap(1, False) == ""
    assert order.gap(3, False) == "notification 3 came where 2 was due"
