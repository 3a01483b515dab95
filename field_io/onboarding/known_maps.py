"""Is it a device type that somebody has described already?

Called by   ``dcs device probe``.
Knows       what a probe read, and maps as lists of points. A map fits by what the device says of itself, or by its
            registers: nearly all of its addresses exist, and read through it they give plausible values.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from field_io.modbus.pdu import BIT_TABLES
from field_io.onboarding.identify import Identity
from field_io.onboarding.scan import TableScan
from field_io.registers import decode
from field_io.specs import PointSpec

POINTS_LEAST = 4
"""Values that must be judged before registers alone speak for a map."""
THERE, PLAUSIBLE = 0.9, 0.9
"""Shares of a map's points that must exist, and of those that can be judged that must be plausible."""


@dataclass(frozen=True, slots=True)
class KnownMap:
    """A map of the library. ``plausible``: by point name, what is to be expected in its unit."""

    name: str
    maker: str
    model: str
    points: tuple[PointSpec, ...]
    plausible: dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Match:
    """How a map fits."""

    map: KnownMap
    by_name: bool
    there: int  # points whose addresses exist
    judged: int
    plausible: int

    @property
    def text(self) -> str:
        """Why it is proposed, for people."""
        reasons = [f"{self.there} of its {len(self.map.points)} points exist"]
        if self.judged:
            reasons.append(f"{self.plausible} of {self.judged} values are plausible")
        if self.by_name:
            reasons.insert(0, "the device calls itself so")
        return ", ".join(reasons)


def matches(identity: Identity, tables: dict[str, TableScan], known: Sequence[KnownMap]) -> list[Match]:
    """Maps that fit, the best first."""
    found = [_judge(identity, tables, one) for one in known]
    fitting = [match for match in found if _fits(match)]
    return sorted(fitting, key=lambda match: (match.by_name, match.plausible, match.there), reverse=True)


def _fits(match: Match) -> bool:
    there = match.there >= THERE * len(match.map.points)
    if match.by_name:
        return match.there > 0
    return there and match.judged >= POINTS_LEAST and match.plausible >= PLAUSIBLE * match.judged


def _judge(identity: Identity, tables: dict[str, TableScan], known: KnownMap) -> Match:
    there = judged = plausible = 0
    for point in known.points:
        scan = tables.get(point.table)
        addresses = range(point.address, point.end)
        if scan is None or any(address not in scan.found for address in addresses):
            continue
        there += 1
        if point.table in BIT_TABLES or point.is_text or point.name not in known.plausible:
            continue
        low, high = known.plausible[point.name]
        value, _ = decode(point, [scan.found[address] for address in addresses])
        if value == 0.0 and low <= 0.0 <= high:
            continue  # a register that holds nothing fits everything
        judged += 1
        plausible += math.isfinite(value) and low <= value <= high
    return Match(known, _same_name(identity, known), there, judged, plausible)


def _same_name(identity: Identity, known: KnownMap) -> bool:
    """Every word of the map's model stands in what the device says, and so does its maker or nothing else does."""
    says = _words(f"{identity.maker} {identity.model} {' '.join(identity.objects.values())}")
    model, maker = _words(known.model), _words(known.maker)
    return bool(model) and model <= says and (not maker or bool(maker & says))


def _words(text: str) -> set[str]:
    return {word for word in re.split(r"[^a-z0-9]+", text.lower()) if len(word) > 1}
