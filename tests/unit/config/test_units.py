"""Units: conversions are exact and reversible, dimensions are kept apart, texts are read as people write them."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs.core.errors import ConfigError
from dcs.core.units import UNITS, convert, parse_duration, parse_quantity, same_dimension

PAIRS = st.sampled_from([(a, b) for a in sorted(UNITS) for b in sorted(UNITS) if same_dimension(a, b)])
NUMBERS = st.floats(-1e9, 1e9)


@given(NUMBERS, PAIRS)
@settings(max_examples=100, deadline=None)
def test_there_and_back_is_where_it_was(value: float, pair: tuple[str, str]) -> None:
    a, b = pair
    back = convert(convert(value, a, b), b, a)
    slack = 1e-12 * max(abs(value), abs(convert(0.0, b, a)), 1e-300)
    assert math.isclose(back, value, rel_tol=1e-12, abs_tol=slack)


@given(NUMBERS, NUMBERS, PAIRS)
@settings(max_examples=100, deadline=None)
def test_a_difference_converts_without_the_offset(x: float, y: float, pair: tuple[str, str]) -> None:
    a, b = pair
    expected = convert(x, a, b) - convert(y, a, b)
    scale = max(abs(convert(x, a, b)), abs(convert(y, a, b)), 1e-300)
    assert math.isclose(convert(x - y, a, b, difference=True), expected, abs_tol=1e-9 * scale)


@given(st.sampled_from([(a, b) for a in sorted(UNITS) for b in sorted(UNITS) if not same_dimension(a, b)]))
@settings(max_examples=100, deadline=None)
def test_dimensions_never_mix(pair: tuple[str, str]) -> None:
    with pytest.raises(ConfigError):
        convert(1.0, *pair)


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (16.0, "cm", "m", 0.16),
        (0.2, "cm", "mm", 2.0),
        (10.0, "cm3/s", "m3/s", 1e-5),
        (36.0, "m3/h", "l/s", 10.0),
        (100.0, "degC", "degF", 212.0),
        (0.0, "degC", "K", 273.15),
        (1.0, "bar", "kPa", 100.0),
        (50.0, "%", "", 0.5),
        (2.0, "h", "min", 120.0),
        (1.0, "kWh", "MJ", 3.6),
        (1.0, "lb/min", "kg/h", 27.2155422),
        (6.0, "kmol/min", "mol/s", 100.0),
    ],
)
def test_known_conversions_to_the_last_bit(value: float, source: str, target: str, expected: float) -> None:
    assert convert(value, source, target) == expected


def test_not_a_number_stays_one() -> None:
    assert math.isnan(convert(math.nan, "cm", "m"))
    assert convert(math.inf, "cm", "m") == math.inf


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("16 cm", "m", 0.16),
        ("16cm", "cm", 16.0),
        ("16", "cm", 16.0),
        ("-5 °C", "K", 268.15),
        ("10 cm³/s", "l/h", 36.0),
        ("1e-3 m", "mm", 1.0),
        (".5 L", "l", 0.5),
        ("25 %", "%", 25.0),
    ],
)
def test_quantities_as_people_write_them(text: str, unit: str, expected: float) -> None:
    assert parse_quantity(text, unit) == expected


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("500 ms", 500_000_000),
        ("1h", 3_600_000_000_000),
        ("2.5 min", 150_000_000_000),
        ("0", 0),
        ("0.1 s", 100_000_000),
        ("1 d", 86_400_000_000_000),
        ("1ns", 1),
    ],
)
def test_durations(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: parse_quantity("16 mA", "cm"),
            "`16 mA` has a unit of current, but a unit of length is needed. Write it in m, cm, mm, km or in.",
        ),
        (lambda: parse_quantity("16 CM", "cm"), "`16 CM`: `CM` is not a unit. Did you mean `cm`?"),
        (
            lambda: parse_quantity("16 foo", "cm"),
            "`16 foo`: `foo` is not a unit. Write for example %, s, cm, m3/h, kg/s, degC, bar, mA or V.",
        ),
        (
            lambda: parse_quantity("much", "cm"),
            "`much` is not a quantity. Write a number and a unit, such as `16 cm`.",
        ),
        (
            lambda: parse_quantity("1e999 cm", "m"),
            "`1e999 cm` is outside of what a floating-point number holds. Write a number in range.",
        ),
        (
            lambda: convert(1.0, "", "s"),
            "a plain number is a unit of ratio, but a unit of time is needed: s, ms, us, ns, min, h or d.",
        ),
        (
            lambda: parse_duration("5 m"),
            "`5 m` is not a duration: `m` is not a unit of time. Use s, ms, us, ns, min, h or d.",
        ),
        (
            lambda: parse_duration("5"),
            "`5` has no unit. Write `5 s` if you mean seconds (s, ms, us, ns, min, h or d).",
        ),
        (lambda: parse_duration("-5 s"), "`-5 s` is negative. A duration is at least 0 s."),
        (
            lambda: parse_duration("soon"),
            "`soon` is not a duration. Write a number and a unit, such as `500 ms` or `10 min`.",
        ),
    ],
)
def test_messages_say_what_was_found_and_what_fits(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError) as caught:
        call()
    assert str(caught.value) == message
