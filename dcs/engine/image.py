"""The buffer as it is before the first scan: defaults, parameters, statuses of what is not wired.

Called by   ``dcs.engine.compile``. Knows the block declarations.
"""

import difflib
import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
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
    blank = _blank(kind)
    words = blank.words.copy()
    for given, value in params.items():
        f = blank.params.get(given)
        if f is None:
            raise ConfigError(f"{name} ({kind.name}) has no parameter `{given}`.{nearest(given, blank.params)}", place)
        at = kind.index[given]
        for number, element in enumerate(_elements(name, f, value, place)):
            _check_value(name, f, element, place, blank.codes[given])
            words[at + number] = int(element) if f.dtype == "i8" else element
    for f in blank.derived:
        if f.name not in params:
            at, source = kind.index[f.name], kind.index[f.default_from]
            if words[at] != words[source]:
                words[at] = words[source]
                _check_value(name, f, words[at], place, blank.codes[f.name])
    for f in blank.to_be_given:
        if f.name not in params:
            for element in _elements(name, f, f.default, place):
                _check_value(name, f, element, place, blank.codes.get(f.name))
    for scale, low_at, high_at in blank.scales:
        low, high = words[low_at], words[high_at]
        if not low < high:
            raise ConfigError(f"{name}: `{scale}` goes from {low:g} to {high:g}; the first must be lower.", place)
    if wired is not None and kind.check is not None:
        check_together(kind, words, wired, name, place)
    return words


@dataclass(frozen=True, slots=True)
class _Blank:
    """A record with nothing but defaults, and what has to be looked at when parameters are written into it.

    Thousands of blocks are of one type, and each gives a few of its parameters only.
    """

    words: list[float]
    params: dict[str, Field]
    codes: dict[str, frozenset[int]]  # of every parameter, the numbers of its choices
    derived: tuple[Field, ...]  # those whose default is another one's value
    to_be_given: tuple[Field, ...]  # those whose default is no possible value
    scales: tuple[tuple[str, int, int], ...]  # name, word of the low end, word of the high end


@cache
def _blank(kind: BlockType) -> _Blank:
    words: list[float] = []
    to_be_given = []
    params = {f.name: f for f in kind.of_role("param")}
    for f in kind.fields:
        value: float = STATUS_NOT_CONNECTED if f.status_of and f.role == "input" else f.default
        words += [int(value) if f.dtype == "i8" and math.isfinite(value) else value] * f.count
        try:
            _check_value("", f, value, Place())
        except ConfigError:
            to_be_given.append(f)
    return _Blank(
        words,
        params,
        {f.name: frozenset(code for _, code in f.choices) for f in params.values()},
        tuple(f for f in kind.fields if f.default_from),
        tuple(to_be_given),
        tuple((scale, kind.index[f"{scale}_low"], kind.index[f"{scale}_high"]) for scale in kind.scales),
    )


def check_together(kind: BlockType, words: list[float], wired: frozenset[str], name: str, place: Place) -> None:
    """What the type itself demands of its parameters and wires. Raises ``ConfigError``."""
    if kind.check is None:
        return
    params: dict[str, ParamValue] = {}
    for f in kind.of_role("param"):
        at = kind.index[f.name]
        params[f.name] = tuple(words[at : at + f.count]) if f.count > 1 else words[at]
    for sentence in kind.check(params, wired):
        raise ConfigError(f"{name} ({kind.name}): {sentence}", place)


def _elements(name: str, f: Field, given: ParamValue, place: Place) -> list[float]:
    """The words of a field; what a list leaves open is the default."""
    if not isinstance(given, tuple):
        return [given] * f.count
    if len(given) > f.count:
        raise ConfigError(f"{name}: `{f.name}` has {len(given)} elements; {f.count} are possible.", place)
    return [*given, *[f.default] * (f.count - len(given))]


class Records:
    """Writes records into the buffer; blocks of one type with the same parameters have the same words."""

    def __init__(self, words: NDArray[Any]) -> None:
        self._bytes = words.data.cast("B")
        self._known: dict[tuple[object, ...], bytes] = {}

    def put(
        self, at: int, kind: BlockType, name: str, params: Mapping[str, ParamValue], place: Place,
        wired: frozenset[str] | None = None,
    ) -> None:  # fmt: skip
        """Write one record. Raises ``ConfigError`` as ``initial_values`` does."""
        key = (kind.name, wired, *params.items())
        packed = self._known.get(key)
        if packed is None:
            packed = _packing(kind).pack(*initial_values(kind, name, params, place, wired))
            self._known[key] = packed
        self._bytes[8 * at : 8 * at + len(packed)] = packed


@cache
def _packing(kind: BlockType) -> struct.Struct:
    return struct.Struct("<" + "".join(("q" if f.dtype == "i8" else "d") * f.count for f in kind.fields))


def _check_value(name: str, f: Field, value: float, place: Place, codes: frozenset[int] | None = None) -> None:
    """``codes``: the numbers of its choices, where somebody has them at hand."""
    if math.isfinite(value) and f.low <= value <= f.high and not f.choices and (f.dtype == "f8" or value == int(value)):
        return
    where = f"{name}: `{f.name}`"
    if not math.isfinite(value):
        raise ConfigError(f"{where} is {value}; a finite number is needed.", place)
    if f.dtype == "i8" and value != int(value):
        raise ConfigError(f"{where} is {value:g}; a whole number is needed.", place)
    if f.choices and int(value) not in (codes or {code for _, code in f.choices}):
        names = ", ".join(choice for choice, _ in f.choices)
        raise ConfigError(f"{where} is {value:g}; it can be {names}.", place)
    if not f.low <= value <= f.high:
        raise ConfigError(f"{where} is {value:g}; it must lie between {f.low:g} and {f.high:g}.", place)
