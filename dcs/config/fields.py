"""Kinds of values in configuration files: what is accepted, and the sentence when it is not.

Called by   ``dcs.config.schema`` through pydantic.
Knows       one value at a time; which unit a quantity needs is known later, by the cross checks.
"""

import math
import re
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from dcs.config.problems import did_you_mean
from dcs.config.source import plain_value
from dcs.core.errors import ConfigError
from dcs.core.units import find_unit, parse_duration

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_VARIABLE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\[\]-]*")
_BLOCK_NAME = re.compile(r"[a-z][a-z0-9_]*")


def refuse(sentence: str) -> NoReturn:
    """Refuse the value with our own sentence."""
    raise PydanticCustomError("config", "{sentence}", {"sentence": sentence})


def found(value: Any) -> str:
    """What stands in the file, in words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, dict):
        return "keys with values"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str) and not isinstance(plain_value(value), str):
        return f"the text `{value}`"
    return f"`{value}`"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, (bool, int, float)):
        refuse(f"{found(value)} is not a text. Put it in quotes.")
    refuse(f"{found(value)} is not a text. Write a text.")


def _terminal(value: Any) -> str:
    if isinstance(value, str):
        return value
    refuse(
        f"{found(value)} is not the name of a terminal or of a field point. "
        "Write one, such as `LT-101` or `ai.out`; a constant is a parameter of the block, not a wire."
    )


def _name(value: Any) -> str:
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    refuse(f"{found(value)} is not a name. Use letters, digits, `-` and `_`, beginning with a letter or digit.")


def _variable_name(value: Any) -> str:
    if isinstance(value, str) and _VARIABLE_NAME.fullmatch(value):
        return value
    refuse(f"{found(value)} is not the name of a plant variable. Write one, such as `level_1` or `T-101.level`.")


def _block_name(value: Any) -> str:
    if isinstance(value, str) and _BLOCK_NAME.fullmatch(value):
        return value
    refuse(f"{found(value)} is not a block name. Use small letters, digits and `_`, beginning with a letter.")


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    refuse(f"{found(value)} is neither true nor false. Write `true` or `false`.")


def _number(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    refuse(f"{found(value)} is not a number. Write a number.")


def _duration(value: Any) -> int:
    if value == 0 and not isinstance(value, bool):
        return 0
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        refuse(f"`{value}` has no unit. Write `{value} s` if you mean seconds, or `{value} ms`.")
    if not isinstance(value, str):
        refuse(f"{found(value)} is not a duration. Write a number and a unit, such as `500 ms` or `10 min`.")
    try:
        return parse_duration(value)
    except ConfigError as exc:
        refuse(exc.message)


def _unit(value: Any) -> str:
    if not isinstance(value, str):
        refuse(f"{found(value)} is not a unit. Write its name, such as `cm` or `mA`.")
    try:
        return find_unit(value).name
    except ConfigError as exc:
        refuse(exc.message)


def _port(value: Any) -> int:
    if value == "auto":
        return 0
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 65535:
        return value
    refuse(f"{found(value)} is not a port. Write a number from 1 to 65535, or `auto` to take a free one.")


def _quantity(value: Any) -> float | str:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    refuse(f"{found(value)} is not a quantity. Write a number, or a number with its unit such as `16 cm`.")


Range = tuple[float, float, str]


def range_of(value: Any) -> Range:
    example = "Write `[low, high, unit]`, such as `[0, 20, cm]`."
    if not isinstance(value, list) or len(value) not in (2, 3):
        refuse(f"{found(value)} is not a range. {example}")
    ends = []
    for end in value[:2]:
        if isinstance(end, bool) or not isinstance(end, (int, float)) or not math.isfinite(end):
            refuse(f"the end {found(end)} of the range is not a number. {example}")
        ends.append(float(end))
    low, high = ends
    if not low < high:
        refuse(f"the range goes from {low:g} to {high:g}. The first number must be below the second.")
    return low, high, _unit(value[2]) if len(value) == 3 else ""


def choices_of(value: Any) -> tuple[tuple[int, str], ...]:
    example = "Write codes and what they mean, such as `{0: stopped, 1: running}`."
    if not isinstance(value, dict):
        refuse(f"{found(value)} is no list of choices. {example}")
    known = []
    for code, name in value.items():
        number = plain_value(code) if isinstance(code, str) else code
        if not isinstance(number, int) or isinstance(number, bool):
            refuse(f"the code {found(code)} is not a whole number. {example}")
        if not isinstance(name, str) or not name:
            refuse(f"the code {number} has {found(name)} for a name. {example}")
        known.append((number, name))
    return tuple(sorted(known))


def behaviours_of(value: Any) -> list[dict[str, Any]]:
    """One mapping or a list of them; what they say is checked in ``dcs.config.behaviour_check``."""
    items = value if isinstance(value, list) else [value]
    for item in items:
        if not isinstance(item, dict):
            refuse(
                f"{found(item)} is no behaviour. Write one such as `{{type: positioner, setpoint: SP, position: PV}}`."
            )
    return list(items)


def whole(low: int, high: int) -> BeforeValidator:
    """A whole number between two limits, both included."""

    def check(value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        refuse(f"{found(value)} does not fit. Write a whole number from {low} to {high}.")

    return BeforeValidator(check)


def duration_between(low: str, high: str) -> BeforeValidator:
    """A duration between two limits, both included; in ns."""
    low_ns, high_ns = parse_duration(low), parse_duration(high)

    def check(value: Any) -> int:
        duration_ns = _duration(value)
        if low_ns <= duration_ns <= high_ns:
            return duration_ns
        refuse(f"{found(value)} does not fit. Write a duration from {low} to {high}.")

    return BeforeValidator(check)


def choice(*names: str) -> BeforeValidator:
    """One of some words."""

    def check(value: Any) -> str:
        if isinstance(value, str) and value in names:
            return value
        hint = did_you_mean(value if isinstance(value, str) else "", names, "Write one of")
        refuse(f"{found(value)} is not one of the choices. {hint}")

    return BeforeValidator(check)


def optional(check: Callable[[Any], Any], word: str) -> BeforeValidator:
    """``word`` (such as ``auto``) means None; anything else goes to ``check``."""
    return BeforeValidator(lambda value: None if value == word else check(value))


def _host(value: Any) -> Any:
    text = _text(value).strip()
    if not text or " " in text or "/" in text or text.count(":") == 1:
        refuse(
            f"{found(value)} is not the address of a host. Write a name or an IP address; "
            "the port has a key of its own."
        )
    return text


Text = Annotated[str, BeforeValidator(_text)]
Host = Annotated[str, BeforeValidator(_host)]
TerminalName = Annotated[str, BeforeValidator(_terminal)]
Name = Annotated[str, BeforeValidator(_name)]
VariableName = Annotated[str, BeforeValidator(_variable_name)]
BlockName = Annotated[str, BeforeValidator(_block_name)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Number = Annotated[float, BeforeValidator(_number)]
DurationNs = Annotated[int, BeforeValidator(_duration)]
UnitName = Annotated[str, BeforeValidator(_unit)]
PortNumber = Annotated[int, BeforeValidator(_port)]
Quantity = Annotated[float | str, BeforeValidator(_quantity)]
RangeOf = Annotated[tuple[float, float, str], BeforeValidator(range_of)]
Choices = Annotated[tuple[tuple[int, str], ...], BeforeValidator(choices_of)]
Behaviours = Annotated[list[dict[str, Any]], BeforeValidator(behaviours_of)]
AutoDurationNs = Annotated[int | None, optional(_duration, "auto")]
AnyDurationNs = Annotated[int | None, optional(_duration, "any")]
