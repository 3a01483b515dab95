"""Units of measurement: what they mean, how to convert, how to read "16 cm" and "500 ms".

Called by   the configuration checker, the command line (durations), displays that offer another unit.
Knows       a fixed table; every unit is ``base = value * factor + offset`` of one dimension. No block converts: a
            link is a plain copy, so both its ends have the same unit, and the checker sees to that.
Source      SI Brochure (BIPM, 9th ed.); bar, psi, inch, US gallon, pound by their exact definitions; MBtu is 10⁶ Btu
            (International Table).
"""

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from fractions import Fraction

from dcs.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit; ``value * factor + offset`` is the value in the base unit of its dimension."""

    name: str
    dimension: str
    factor: Fraction
    offset: Fraction = Fraction(0)


_TABLE: dict[str, tuple[tuple[str, str, str], ...]] = {
    # dimension: (name, factor, offset) …; the first is the base unit
    "ratio": (("", "1", "0"), ("%", "0.01", "0"), ("mol%", "0.01", "0"), ("ppm", "1e-6", "0")),
    "counts": (("counts", "1", "0"),),
    "time": (
        ("s", "1", "0"),
        ("ms", "1e-3", "0"),
        ("us", "1e-6", "0"),
        ("ns", "1e-9", "0"),
        ("min", "60", "0"),
        ("h", "3600", "0"),
        ("d", "86400", "0"),
    ),
    "length": (("m", "1", "0"), ("cm", "0.01", "0"), ("mm", "1e-3", "0"), ("km", "1000", "0"), ("in", "0.0254", "0")),
    "area": (("m2", "1", "0"), ("cm2", "1e-4", "0"), ("mm2", "1e-6", "0")),
    "volume": (
        ("m3", "1", "0"),
        ("l", "1e-3", "0"),
        ("ml", "1e-6", "0"),
        ("cm3", "1e-6", "0"),
        ("gal", "3.785411784e-3", "0"),
    ),
    "mass": (("kg", "1", "0"), ("g", "1e-3", "0"), ("t", "1000", "0"), ("lb", "0.45359237", "0")),
    "volume flow": (
        ("m3/s", "1", "0"),
        ("m3/h", "1/3600", "0"),
        ("l/s", "1e-3", "0"),
        ("l/min", "1/60000", "0"),
        ("l/h", "1/3600000", "0"),
        ("cm3/s", "1e-6", "0"),
        ("ml/s", "1e-6", "0"),
        ("ml/min", "1e-6/60", "0"),
        ("gpm", "3.785411784e-3/60", "0"),
    ),
    "standard volume flow": (("scmh", "1", "0"), ("kscmh", "1000", "0")),  # gas as m3 at its standard state
    "mass flow": (
        ("kg/s", "1", "0"),
        ("kg/min", "1/60", "0"),
        ("kg/h", "1/3600", "0"),
        ("g/s", "1e-3", "0"),
        ("t/h", "1000/3600", "0"),
        ("lb/min", "0.45359237/60", "0"),
        ("lb/h", "0.45359237/3600", "0"),
    ),
    "temperature": (
        ("K", "1", "0"),
        ("degC", "1", "273.15"),
        ("degF", "5/9", "459.67*5/9"),
    ),
    "pressure": (
        ("Pa", "1", "0"),
        ("kPa", "1e3", "0"),
        ("MPa", "1e6", "0"),
        ("mbar", "100", "0"),
        ("bar", "1e5", "0"),
        ("psi", "6894.757293168", "0"),
    ),
    "speed": (("m/s", "1", "0"), ("cm/s", "0.01", "0"), ("m/h", "1/3600", "0")),
    "rotation speed": (("rpm", "1", "0"),),
    "frequency": (
        ("Hz", "1", "0"),
        ("1/s", "1", "0"),
        ("kHz", "1e3", "0"),
        ("1/min", "1/60", "0"),
        ("1/h", "1/3600", "0"),
    ),
    "current": (("A", "1", "0"), ("mA", "1e-3", "0")),
    "voltage": (("V", "1", "0"), ("mV", "1e-3", "0"), ("kV", "1e3", "0")),
    "power": (("W", "1", "0"), ("kW", "1e3", "0"), ("MW", "1e6", "0")),
    "reactive power": (("var", "1", "0"), ("kvar", "1e3", "0"), ("Mvar", "1e6", "0")),
    "apparent power": (("VA", "1", "0"), ("kVA", "1e3", "0"), ("MVA", "1e6", "0")),
    "reactive energy": (("varh", "1", "0"), ("kvarh", "1e3", "0"), ("Mvarh", "1e6", "0")),
    "apparent energy": (("VAh", "1", "0"), ("kVAh", "1e3", "0")),
    "charge": (("Ah", "1", "0"),),
    "angle": (("deg", "1", "0"),),
    "energy": (
        ("J", "1", "0"),
        ("kJ", "1e3", "0"),
        ("MJ", "1e6", "0"),
        ("Wh", "3600", "0"),
        ("kWh", "3.6e6", "0"),
        ("MWh", "3.6e9", "0"),
        ("MBtu", "1055.05585262e6", "0"),
    ),
    "specific energy": (("J/kg", "1", "0"), ("kJ/kg", "1e3", "0"), ("MJ/kg", "1e6", "0")),
    "heat capacity": (("J/kgK", "1", "0"), ("kJ/kgK", "1e3", "0")),
    "molar energy": (("J/mol", "1", "0"), ("kJ/mol", "1e3", "0")),
    "heat transfer": (("W/K", "1", "0"), ("kW/K", "1e3", "0")),
    "density": (("kg/m3", "1", "0"), ("g/cm3", "1000", "0"), ("kg/l", "1000", "0")),
    "amount": (("mol", "1", "0"), ("kmol", "1000", "0"), ("lbmol", "453.59237", "0")),
    "amount flow": (
        ("mol/s", "1", "0"),
        ("kmol/s", "1000", "0"),
        ("kmol/min", "1000/60", "0"),
        ("kmol/h", "1000/3600", "0"),
    ),
    "concentration": (("mol/m3", "1", "0"), ("mol/l", "1000", "0"), ("kmol/m3", "1000", "0")),
    "conductivity": (("S/m", "1", "0"), ("uS/cm", "1e-4", "0"), ("mS/cm", "0.1", "0")),
    "cost rate": (("$/h", "1", "0"),),
    "acidity": (("pH", "1", "0"),),
}


def _fraction(text: str) -> Fraction:
    """A product and quotient of decimal numbers: ``459.67*5/9``."""
    result = Fraction(1)
    for sign, number in re.findall(r"([*/]?)([^*/]+)", text):
        result = result / Fraction(number) if sign == "/" else result * Fraction(number)
    return result


UNITS: dict[str, Unit] = {
    name: Unit(name, dimension, _fraction(factor), _fraction(offset))
    for dimension, rows in _TABLE.items()
    for name, factor, offset in rows
}
"""Every unit by name."""

_ALIASES = {
    "°C": "degC",
    "°F": "degF",
    "C": "degC",
    "L": "l",
    "L/s": "l/s",
    "L/min": "l/min",
    "L/h": "l/h",
    "mL": "ml",
    "mL/s": "ml/s",
    "mL/min": "ml/min",
    "sec": "s",
    "hr": "h",
    "minute": "min",
    "percent": "%",
    "1": "",
    "µs": "us",
    "°": "deg",
    "VAr": "var",
    "kVAr": "kvar",
}

_SUPERSCRIPTS = str.maketrans({"²": "2", "³": "3"})
_EXPONENT_MAX = 250  # far inside the range of a double, whatever the factor of the unit
_QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*")


def find_unit(name: str) -> Unit:
    """The unit of that name; ``cm³/s``, ``°C`` and ``L`` are understood. Raises ``ConfigError``."""
    plain = name.strip().translate(_SUPERSCRIPTS).replace("^", "")
    plain = _ALIASES.get(plain, plain)
    if plain in UNITS:
        return UNITS[plain]
    near = [unit for unit in UNITS if unit.lower() == plain.lower()] or get_close_matches(plain, UNITS, 1, 0.7)
    hint = f"Did you mean `{near[0]}`?" if near else "Write for example %, s, cm, m3/h, kg/s, degC, bar, mA or V."
    raise ConfigError(f"`{name}` is not a unit. {hint}")


def units_of(dimension: str) -> tuple[str, ...]:
    """Names of all units of one dimension."""
    return tuple(unit.name for unit in UNITS.values() if unit.dimension == dimension)


def fitting(unit: str) -> str:
    """Words for an error message: the units that measure the same thing as ``unit``."""
    names = [name or "a plain number" for name in units_of(find_unit(unit).dimension)]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def same_dimension(one: str, other: str) -> bool:
    """True when a value in ``one`` can be converted to ``other``."""
    return find_unit(one).dimension == find_unit(other).dimension


def convert(value: float, source: str, target: str, *, difference: bool = False) -> float:
    """``value`` of unit ``source`` in unit ``target``.

    ``difference``: the value is a distance (a deadband, a span), so that 1 K is 1 degC. Raises ``ConfigError`` for an
    unknown unit or two dimensions.
    """
    old, new = find_unit(source), find_unit(target)
    if old.dimension != new.dimension:
        raise ConfigError(
            f"{old.name or 'a plain number'} is a unit of {old.dimension}, but a unit of {new.dimension} is needed: "
            f"{fitting(new.name)}."
        )
    if old == new or not math.isfinite(value):
        return float(value)
    # Exact rationals, rounded once: 0.2 cm in mm is the double nearest to 2, on every machine.
    exact = Fraction(value) * old.factor
    if not difference:
        exact += old.offset - new.offset
    return float(exact / new.factor)


_DIFFERENCES = (
    "deadband",
    "hysteresis",
    "gap",
    "rate",
    "span",
    "zone",
    "deviation_limit",
    "lag_limit",
    "temperature_add",
)


def is_difference(name: str) -> bool:
    """True for the name of a parameter that measures a distance, so that 1 K is 1 degC."""
    return any(word in name for word in _DIFFERENCES)


def _split(text: str) -> tuple[Decimal, str] | None:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    number = Decimal(match[1])
    if abs(number.adjusted()) > _EXPONENT_MAX:
        raise ConfigError(f"`{text}` is outside of what a floating-point number holds. Write a number in range.")
    return number, match[2]


def parse_quantity(text: str, unit: str, *, difference: bool = False) -> float:
    """``"16 cm"`` in ``unit``; a text without a unit is already in ``unit``. Raises ``ConfigError``."""
    parts = _split(text)
    if parts is None:
        example = f"a number and a unit, such as `16 {unit}`" if unit else "a number"
        raise ConfigError(f"`{text}` is not a quantity. Write {example}.")
    number, found = parts
    if not found:
        return float(number)
    try:
        source, target = find_unit(found), find_unit(unit)
    except ConfigError as exc:
        raise ConfigError(f"`{text}`: {exc.message}") from None
    if source.dimension != target.dimension:
        raise ConfigError(
            f"`{text}` has a unit of {source.dimension}, but a unit of {target.dimension} is needed. "
            f"Write it in {fitting(unit)}."
        )
    exact = Fraction(number) * source.factor
    if not difference:
        exact += source.offset - target.offset
    return float(exact / target.factor)


def parse_duration(text: str) -> int:
    """``"500 ms"``, ``"1h"``, ``"2.5 min"`` in nanoseconds (nearest; never negative). Raises ``ConfigError``."""
    parts = _split(text)
    if parts is None:
        raise ConfigError(f"`{text}` is not a duration. Write a number and a unit, such as `500 ms` or `10 min`.")
    number, found = parts
    if not found:
        if number == 0:
            return 0
        raise ConfigError(f"`{text}` has no unit. Write `{text} s` if you mean seconds ({fitting('s')}).")
    try:
        unit = find_unit(found)
    except ConfigError:
        unit = None
    if unit is None or unit.dimension != "time":
        raise ConfigError(f"`{text}` is not a duration: `{found}` is not a unit of time. Use {fitting('s')}.")
    if number < 0:
        raise ConfigError(f"`{text}` is negative. A duration is at least 0 s.")
    return round(Fraction(number) * unit.factor * 1_000_000_000)


def duration_text(duration_ns: int) -> str:
    """``8 h``, ``3 h 20 min``, ``45 s``: whole units, the two largest that are not nothing."""
    left_s, parts = duration_ns // 1_000_000_000, []
    for name, size_s in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left_s = divmod(left_s, size_s)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"
