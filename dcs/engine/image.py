"""The buffer as it is before the first scan: defaults, parameters, statuses of what is not wired.

Called by   ``dcs.engine.compile``. Knows the block declarations.
"""

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Any

from numpy.typing import NDArray

from dcs.blocks.declare import BlockType, Field, ParamValue
from dcs.core.errors import ConfigError, Place
from dcs.core.status import STATUS_NOT_CONNECTED


def nearest(name: str, known: Iterable[str]) -> str:
    """`` Did you mean …?`` or nothing."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean `{found[0]}`?" if found else ""


def initial_values(
    kind: BlockType, name: str, params: Mapping[str, ParamValue], place: Place, wired: frozenset[str] | None = None
) -> list[float]:
    """Words of a record before the first scan, as numbers; ``wired`` are its inputs with a link, None if not known yet.

    Raises ``ConfigError`` for a parameter that cannot be.
    """
    known = {f.name: f for f in kind.of_role("param")}
    for given in params:
        if given not in known:
            raise ConfigError(f"{name} ({kind.name}) has no parameter `{given}`.{nearest(given, known)}", place)
    values: dict[str, list[float]] = {}
    for f in kind.fields:
        values[f.name] = _elements(name, f, params.get(f.name, f.default), place)
        if f.default_from and f.name not in params:
            values[f.name] = values[f.default_from]
        if f.status_of and f.role == "input":
            values[f.name] = [STATUS_NOT_CONNECTED] * f.count
        for value in values[f.name]:
            _check_value(name, f, value, place)
    for scale in kind.scales:
        low, high = values[f"{scale}_low"][0], values[f"{scale}_high"][0]
        if not low < high:
            raise ConfigError(f"{name}: `{scale}` goes from {low:g} to {high:g}; the first must be lower.", place)
    if wired is not None:
        check_together(kind, values, wired, name, place)
    return [value for f in kind.fields for value in values[f.name]]


def check_together(
    kind: BlockType, values: Mapping[str, list[float]], wired: frozenset[str], name: str, place: Place
) -> None:
    """What the type itself demands of its parameters and wires. Raises ``ConfigError``."""
    if kind.check is None:
        return
    params: dict[str, ParamValue] = {
        f.name: tuple(values[f.name]) if f.count > 1 else values[f.name][0] for f in kind.of_role("param")
    }
    for sentence in kind.check(params, wired):
        raise ConfigError(f"{name} ({kind.name}): {sentence}", place)


def _elements(name: str, f: Field, given: ParamValue, place: Place) -> list[float]:
    """The words of a field; what a list leaves open is the default."""
    if not isinstance(given, tuple):
        return [given] * f.count
    if len(given) > f.count:
        raise ConfigError(f"{name}: `{f.name}` has {len(given)} elements; {f.count} are possible.", place)
    return [*given, *[f.default] * (f.count - len(given))]


def fill(words: NDArray[Any], numbers: NDArray[Any], at: int, kind: BlockType, values: list[float]) -> None:
    """Write a record into the buffer; ``words`` and ``numbers`` are the same memory as i8 and as f8."""
    index = 0
    for f in kind.fields:
        for _ in range(f.count):
            if f.dtype == "i8":
                words[at + index] = int(values[index])
            else:
                numbers[at + index] = values[index]
            index += 1


def _check_value(name: str, f: Field, value: float, place: Place) -> None:
    where = f"{name}: `{f.name}`"
    if not math.isfinite(value):
        raise ConfigError(f"{where} is {value}; a finite number is needed.", place)
    if f.dtype == "i8" and value != int(value):
        raise ConfigError(f"{where} is {value:g}; a whole number is needed.", place)
    if f.choices and int(value) not in {code for _, code in f.choices}:
        names = ", ".join(choice for choice, _ in f.choices)
        raise ConfigError(f"{where} is {value:g}; it can be {names}.", place)
    if not f.low <= value <= f.high:
        raise ConfigError(f"{where} is {value:g}; it must lie between {f.low:g} and {f.high:g}.", place)
