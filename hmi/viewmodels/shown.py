"""A value as the screen shows it: text, mark, and whether it may be believed.

Called by   every view-model and view. Knows no Qt.
Promise     nothing is invented: Bad is struck through or "—" with its reason, stale shows its age, no bus says COMM.
"""

import math
from dataclasses import dataclass

from dcs.bus.messages import AlarmInfo, TagInfo
from dcs.core.modes import mode_name
from dcs.core.status import LIMIT_HIGH, LIMIT_LOW, UNCERTAIN, describe_status, is_usable, limits_of, quality_of
from hmi.model.tags import Link, Reading

NO_VALUE = "—"
UNITS = {"cm3/s": "cm³/s", "m3/s": "m³/s", "m3/h": "m³/h", "m2": "m²", "m3": "m³", "degC": "°C", "deg C": "°C"}


@dataclass(frozen=True, slots=True)
class Shown:
    """What is painted for one value. ``mark`` is "" or one of BAD, COMM, UNC, ``12 s`` (the age of a stale value)."""

    text: str = NO_VALUE
    unit: str = ""
    mark: str = "COMM"
    struck: bool = False
    value: float = math.nan
    fraction: float | None = None  # of the tag's range, 0–1; None when it must not be drawn as a level or bar
    limited: str = ""  # "", "low" or "high"
    reason: str = "never received"

    @property
    def live(self) -> bool:
        """True for a value that is fresh and not Bad."""
        return self.fraction is not None or self.mark in ("", "UNC")


NOT_SHOWN = Shown()


def number_text(value: float, decimals: int) -> str:
    """Fixed decimals, a real minus sign, no "-0.00"; ``—`` for what is no number."""
    if not math.isfinite(value):
        return NO_VALUE
    text = f"{value:.{max(decimals, 0)}f}"
    if text.startswith("-") and not text.strip("-0."):
        text = text[1:]
    return text.replace("-", "\u2212")


def unit_text(unit: str) -> str:
    """A unit as people write it: ``cm³/s`` for ``cm3/s``."""
    return UNITS.get(unit, unit)


def age_text(age_s: float) -> str:
    """``12 s``, ``3 min``, ``2 h``: rough, because it only says how old."""
    if age_s < 100.0:
        return f"{age_s:.0f} s"
    return f"{age_s / 60.0:.0f} min" if age_s < 6000.0 else f"{age_s / 3600.0:.0f} h"


def has_limit(alarm: AlarmInfo) -> bool:
    """False for an alarm on quality or on a state: neither its limit nor its value says anything."""
    return "BAD" not in alarm.kind and alarm.kind not in ("ON", "OFF")


def alarm_value_text(alarm: AlarmInfo, value: float) -> str:
    """What it stood at, where that says something."""
    return number_text(value, 2) if has_limit(alarm) else ""


def limit_text(alarm: AlarmInfo, *, sign: bool = False) -> str:
    """``> 16.00``; nothing for an alarm on quality or on a state, which has no limit."""
    if not has_limit(alarm):
        return ""
    text = number_text(alarm.limit, 2)
    return f"{'<' if 'LO' in alarm.kind else '>'} {text}" if sign else text


def show(reading: Reading, info: TagInfo | None) -> Shown:
    """How a reading is shown."""
    if info is None:
        return NOT_SHOWN
    pv = reading.pv
    text = value_text(pv.value, info)
    unit, reason = unit_text(info.unit), describe_status(pv.status)
    if reading.link is Link.COMM:
        return Shown(NO_VALUE, unit, "COMM", reason="no communication with the controller")
    if not is_usable(pv.status):
        return Shown(text, unit, "BAD", struck=text != NO_VALUE, value=pv.value, reason=reason)
    if reading.link is Link.STALE:
        age = age_text(reading.age_s)
        return Shown(text, unit, age, value=pv.value, reason=f"no news for {age}")
    limits = limits_of(pv.status)
    return Shown(
        text,
        unit,
        "UNC" if quality_of(pv.status) == UNCERTAIN else "",
        value=pv.value,
        fraction=fraction_of(pv.value, info.low, info.high),
        limited="high" if limits == LIMIT_HIGH else "low" if limits == LIMIT_LOW else "",
        reason=reason,
    )


def value_text(value: float, info: TagInfo) -> str:
    """A mode or a choice by its name, a flag as on or off, anything else as a number."""
    if not math.isfinite(value):
        return NO_VALUE
    if info.kind == "mode":
        return mode_name(value)
    if info.kind == "bool":
        return "on" if value else "off"
    if 0 <= value < len(info.choices) and info.choices[int(value)]:
        return info.choices[int(value)]
    return number_text(value, info.decimals)


def fraction_of(value: float, low: float, high: float) -> float | None:
    """Place of a value in a range, clipped to 0–1; None when either is no number."""
    if not (math.isfinite(value) and high > low):
        return None
    return min(max((value - low) / (high - low), 0.0), 1.0)
