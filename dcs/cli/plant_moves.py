"""What a person asks of a plant's variables: ``XMV3=+1``, ``PUMP=3.2@100s``, ``IDV4@0s``; read and checked.

Called by   ``dcs plant run`` and ``dcs plant step``.
Knows       a plant's variables with their ranges, and the grid of steps. Whatever is wrong is one sentence.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcs.config.problems import did_you_mean
from dcs.core.errors import ConfigError
from dcs.core.units import parse_duration

if TYPE_CHECKING:
    from dcs.node.assembly import PlantType

ON = 1.0


@dataclass(frozen=True, slots=True)
class Asked:
    """``name`` goes to ``value``, or by ``value`` from where it is, at ``time_ns``. ``text`` is how it was said."""

    text: str
    name: str
    value: float
    relative: bool
    time_ns: int


def find_name(option: str, said: str, kind: "PlantType", roles: Sequence[str]) -> str:
    """A variable's own name. Case is free unless two names differ by it alone. Raises ``ConfigError``."""
    names = [v.name for v in kind.variables if v.role in roles]
    alike = [name for name in names if name.lower() == said.lower()]
    if said in names or len(alike) == 1:
        return said if said in names else alike[0]
    what = " or ".join(roles)
    others = [v for v in kind.variables if v.name.lower() == said.lower()]
    if others and not alike:
<<<<<<< HEAD
        raise ConfigError(
            f"{option}: {others[0].name} of {kind.name} is not {_with_article(what)} "
            f"but {_with_article(others[0].role)}."
        )
=======
        role = _with_article(others[0].role)
        raise ConfigError(f"{option}: {others[0].name} of {kind.name} is not {_with_article(what)} but {role}.")
>>>>>>> review-plants
    plural = "Its " + " and ".join(f"{role}s" for role in roles)
    raise ConfigError(f"{option}: {kind.name} has no {what} `{said}`. {did_you_mean(said, names, plural)}")


def _with_article(role: str) -> str:
    return f"{'an' if role[0] in 'aeiou' else 'a'} {role}"


def read_moves(option: str, texts: Sequence[str], kind: "PlantType", role: str) -> list[Asked]:
    """``NAME=VALUE[@TIME]``: with a sign it is a change, without one a value; ``NAME:=-2`` is a value below zero.

    A disturbance that is a switch needs no value: ``IDV4@0s``. Raises ``ConfigError``.
    """
    return [_read(option, text, kind, role) for text in texts]


def _read(option: str, text: str, kind: "PlantType", role: str) -> Asked:
    whole = f"{option} {text}"
    body, at, time = text.rpartition("@") if "@" in text else (text, "", "")
    time_ns = 0
    if at:
        try:
            time_ns = parse_duration(time)
        except ConfigError as error:
            raise ConfigError(f"{whole}: {error.message}") from None
    said, equals, number = body.partition("=")
    plain = said.endswith(":")
    name = find_name(whole, said.removesuffix(":").strip(), kind, (role,))
    variable = kind.variable(name)
    if not equals:
        if role != "disturbance" or (variable.low, variable.high) != (0.0, 1.0):
            raise ConfigError(f"{whole}: how much? Write {name}=VALUE, or {name}=+CHANGE, in {variable.unit}.")
        return Asked(text, name, ON, False, time_ns)
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ConfigError(f"{whole}: `{number}` is not a number. Write for example {name}=+1 or {name}=3.2@100s.")
    return Asked(text, name, value, not plain and number.strip()[0] in "+-", time_ns)


def check_ranges(option: str, asked: Sequence[Asked], kind: "PlantType", start: Mapping[str, float]) -> None:
    """Every value that the moves lead to lies within its variable's range. Raises ``ConfigError``."""
    now = dict(start)
    for one in sorted(asked, key=lambda move: move.time_ns):
        variable = kind.variable(one.name)
        reached = now[one.name] + one.value if one.relative else one.value
        if not variable.low <= reached <= variable.high:
            leads = (
                f" leads to {reached:g} {variable.unit}, which" if one.relative else f": {reached:g} {variable.unit}"
            )
            hint = ""
            if one.relative and variable.low <= one.value <= variable.high:
                hint = f" {one.name}:={one.value:g} would set it to that."
            raise ConfigError(
                f"{option} {one.text}{leads} lies outside {variable.low:g} … {variable.high:g} {variable.unit}.{hint}"
            )
        now[one.name] = reached


def steps_of(option: str, time_ns: int, step_ns: int) -> int:
    """A time in whole steps. Raises ``ConfigError`` when the step does not divide it."""
    if time_ns % step_ns:
        raise ConfigError(
            f"{option}: {time_ns / 1e9:g} s is no whole number of steps of {step_ns / 1e9:g} s. "
            "Choose a --step that divides it."
        )
    return time_ns // step_ns
