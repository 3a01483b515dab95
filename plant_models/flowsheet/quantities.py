"""Quantities as people write them: ``2 m``, ``50 %``, ``25 degC``; inside everything is SI.

Called by   ``plant_models.flowsheet.reading``.
Knows       units and factors.
Source      SI Brochure (BIPM, 9th ed.); bar, psi, inch, US gallon by their exact definitions.
"""

import math
import re

from plant_models.units.declare import ATMOSPHERE_PA, Quantity

UNITS: dict[str, dict[str, tuple[float, float]]] = {
    # SI unit: name -> (factor, offset); SI value = value * factor + offset
    "1": {"": (1.0, 0.0), "1": (1.0, 0.0), "%": (0.01, 0.0), "ppm": (1e-6, 0.0)},
    "m": {"m": (1.0, 0.0), "cm": (0.01, 0.0), "mm": (1e-3, 0.0), "km": (1e3, 0.0), "in": (0.0254, 0.0)},
    "m2": {"m2": (1.0, 0.0), "cm2": (1e-4, 0.0), "mm2": (1e-6, 0.0)},
    "m3": {"m3": (1.0, 0.0), "l": (1e-3, 0.0), "cm3": (1e-6, 0.0), "gal": (3.785411784e-3, 0.0)},
    "m3/s": {
        "m3/s": (1.0, 0.0), "m3/h": (1.0 / 3600.0, 0.0), "l/s": (1e-3, 0.0), "l/min": (1e-3 / 60.0, 0.0),
        "l/h": (1e-3 / 3600.0, 0.0), "cm3/s": (1e-6, 0.0), "gpm": (3.785411784e-3 / 60.0, 0.0),
    },
    "s": {"s": (1.0, 0.0), "ms": (1e-3, 0.0), "min": (60.0, 0.0), "h": (3600.0, 0.0)},
    "Pa": {
        "Pa": (1.0, 0.0), "kPa": (1e3, 0.0), "MPa": (1e6, 0.0), "mbar": (100.0, 0.0), "bar": (1e5, 0.0),
        "barg": (1e5, ATMOSPHERE_PA), "psi": (6894.757293168, 0.0),
    },
    "K": {"K": (1.0, 0.0), "degC": (1.0, 273.15), "°C": (1.0, 273.15), "degF": (5.0 / 9.0, 459.67 * 5.0 / 9.0)},
    "W": {"W": (1.0, 0.0), "kW": (1e3, 0.0), "MW": (1e6, 0.0)},
    "W/K": {"W/K": (1.0, 0.0), "kW/K": (1e3, 0.0)},
    "A": {"A": (1.0, 0.0), "mA": (1e-3, 0.0)},
    "kg": {"kg": (1.0, 0.0), "g": (1e-3, 0.0), "t": (1e3, 0.0)},
    "kg/s": {"kg/s": (1.0, 0.0), "kg/h": (1.0 / 3600.0, 0.0), "g/s": (1e-3, 0.0), "t/h": (1000.0 / 3600.0, 0.0)},
    "kg/m3": {"kg/m3": (1.0, 0.0), "kg/l": (1e3, 0.0), "g/cm3": (1e3, 0.0)},
    "J/kgK": {"J/kgK": (1.0, 0.0), "kJ/kgK": (1e3, 0.0)},
    "kg/mol": {"kg/mol": (1.0, 0.0), "g/mol": (1e-3, 0.0)},
}  # fmt: skip
_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*")
_SUPERSCRIPTS = str.maketrans({"²": "2", "³": "3", "·": ""})


def in_si(text: str, quantity: Quantity) -> float:
    """The quantity's value in its SI unit. Raises ``ValueError`` with what was found, what is needed and what to do."""
    if quantity.choices:
        return _choice(text, quantity)
    known = UNITS.get(quantity.unit, {quantity.unit: (1.0, 0.0)})
    example = _example(quantity, known)
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ValueError(f"{_shown(text)} is not a quantity. {example}")
    unit = found[2].translate(_SUPERSCRIPTS)
    if unit not in known:
        units = [name for name in known if name]
        if not unit:
            raise ValueError(f"`{text}` has no unit, and {_any_of(units)} is needed. {example}")
        raise ValueError(f"`{text}` is in {unit}, but {_any_of(units)} is needed. {example}")
    factor, offset = known[unit]
    value = float(found[1]) * factor + offset
    if not (math.isfinite(value) and quantity.low <= value <= quantity.high):
        raise ValueError(
            f"`{text}` lies outside {quantity.low:g} … {quantity.high:g} {quantity.unit}. Write a value inside."
        )
    return value


def _choice(text: str, quantity: Quantity) -> float:
    if text in ("true", "false") and quantity.choices == ("no", "yes"):
        return 1.0 if text == "true" else 0.0
    if text not in quantity.choices:
        raise ValueError(f"{_shown(text)} is not one of the choices. Write {_any_of(quantity.choices)}.")
    return float(quantity.choices.index(text))


def _shown(text: str) -> str:
    return f"`{text}`" if text else "nothing"


def _any_of(names: "list[str] | tuple[str, ...]") -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _example(quantity: Quantity, known: dict[str, tuple[float, float]]) -> str:
    unit = {"1": "%", "K": "degC", "Pa": "bar", "m3/s": "m3/h"}.get(quantity.unit, quantity.unit)
    value = 2.0 if math.isnan(quantity.default) else quantity.default
    factor, offset = known.get(unit, (1.0, 0.0))
    return f"Write for example `{(value - offset) / factor:.4g}{' ' + unit if unit else ''}`."
