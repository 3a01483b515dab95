"""Connections of a flowsheet: arrows between ports become branches between places that have a pressure.

Called by   ``plant_models.flowsheet.plant``.
Knows       ports and passages of unit types; what every connection must be for the network to have a solution.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from plant_models.flowsheet.source import Item, Problems, did_you_mean
from plant_models.flowsheet.unit import Unit
from plant_models.units.declare import Port

Place = tuple[str, int]
"""A node: a unit and which of its places."""


@dataclass(frozen=True, slots=True)
class End:
    """One port of one unit, at one end of an arrow."""

    unit: str
    port: Port
    line: int


@dataclass(frozen=True, slots=True)
class Branch:
    """Elements (unit, passage) in a row between two places; ``one_way``: nothing flows back at its end."""

    start: Place
    end: Place
    elements: tuple[tuple[str, str], ...]
    one_way: bool
    line: int


class Refused(Exception):
    """A connection that cannot be understood; why has been told, unless it names a unit that is broken itself."""


def read_connections(
    item: Item | None, units: dict[str, Unit], broken: set[str], line: int, problems: Problems
) -> list[Branch]:
    """All branches. When a connection is not understood, what would follow from its absence is not told as well."""
    if item is None or not item.items():
        problems.add(
            item.line if item else line, "a flowsheet needs connections. Add `connections: [feed -> V-1 -> T-1]`."
        )
        return []
    arrows: list[tuple[End, End]] = []
    understood = True
    for row in item.items():
        try:
            arrows += _arrows(row, units, broken, problems)
        except Refused:
            understood = False
    _check_twice(arrows, problems)
    if not understood:
        return []
    _check_needed(arrows, units, problems)
    branches = _branches(arrows, units, problems)
    _check_pressures(branches, units, problems)
    return branches


def _arrows(row: Item, units: dict[str, Unit], broken: set[str], problems: Problems) -> list[tuple[End, End]]:
    names = re.split(r"\s*->\s*", row.text().strip())
    if len(names) < 2 or not all(names):
        problems.add(
            row.line, f"`{row.text()}` is not a connection. Write units with arrows: `feed -> V-1 -> T-1.inlet`."
        )
        raise Refused
    found: list[tuple[End, End]] = []
    failed = False
    for one, other in pairwise(names):
        ends = [_end(text, way, row.line, units, broken, problems) for text, way in ((one, "out"), (other, "in"))]
        start, end = ends
        if start is None or end is None:
            failed = True
        else:
            found.append((start, end))
    if failed:
        raise Refused
    return found


def _end(text: str, way: str, line: int, units: dict[str, Unit], broken: set[str], problems: Problems) -> End | None:
    name, _, word = text.partition(".")
    unit = units.get(name)
    if unit is None:
        if name not in broken:
            problems.add(line, f"there is no unit `{name}`. {did_you_mean(name, units, 'Units')}")
        return None
    ports = [port for port in unit.type.ports if port.way == way]
    fitting = [port for port in ports if word in ("", port.name, port.passage)]
    if len(fitting) == 1:
        return End(name, fitting[0], line)
    problems.add(line, _why_not(text, way, unit, ports))
    return None


def _why_not(text: str, way: str, unit: Unit, ports: list[Port]) -> str:
    name, _, word = text.partition(".")
    leave = "leave" if way == "out" else "enter"
    if not ports:
        return f"nothing can {leave} {name}, a {unit.type.name}. Correct the connection."
    if unit.type.port(word) is not None:
        return f"{text} is where liquid {'enters' if way == 'out' else 'leaves'}. Turn the arrow round."
    if word:
        hint = did_you_mean(word, [port.name for port in ports], f"Liquid can {leave} at")
        return f"{name} ({unit.type.name}) has no port `{word}`. {hint}"
    choice = " or ".join(f"{name}.{port.passage or port.name}" for port in ports)
    return f"{name} ({unit.type.name}) has several ports. Write {choice}."


def _check_twice(arrows: list[tuple[End, End]], problems: Problems) -> None:
    used: dict[tuple[str, str], int] = {}
    for end in (end for arrow in arrows for end in arrow):
        key = (end.unit, end.port.name)
        if key in used and not end.port.many:
            problems.add(
                end.line,
                f"{end.unit}.{end.port.name} is connected twice, first on line {used[key]}. "
                "Delete one, or put a mixer where pipes meet.",
            )
        used.setdefault(key, end.line)


def _check_needed(arrows: list[tuple[End, End]], units: dict[str, Unit], problems: Problems) -> None:
    used = {(end.unit, end.port.name) for arrow in arrows for end in arrow}
    for name, unit in units.items():
        for port in unit.type.ports:
            if port.needed and (name, port.name) not in used:
                problems.add(
                    unit.line, f"{name}.{port.name} ({port.meaning}) is not connected. Add it to `connections:`."
                )


def _branches(arrows: list[tuple[End, End]], units: dict[str, Unit], problems: Problems) -> list[Branch]:
    onward = {(start.unit, start.port.name): (start, end) for start, end in arrows if start.port.passage}
    found: list[Branch] = []
    passed: set[tuple[str, str]] = set()
    for start, end in arrows:
        if start.port.passage:
            continue
        elements: list[tuple[str, str]] = []
        at: End | None = end
        while at is not None and at.port.passage and (at.unit, at.port.passage) not in passed:
            element = (at.unit, at.port.passage)
            passed.add(element)
            elements.append(element)
            leaving = next(p for p in units[at.unit].type.ports if p.way == "out" and p.passage == at.port.passage)
            step = onward.get((at.unit, leaving.name))
            at = step[1] if step else None
        if at is None or at.port.passage:
            continue  # told already: not connected, or connected twice
        if not elements:
            problems.add(
                end.line,
                f"between {start.unit} and {end.unit} there is nothing that resists the flow. "
                "Put a valve, a pipe or a pump between them.",
            )
        found.append(
            Branch((start.unit, start.port.node), (at.unit, at.port.node), tuple(elements), at.port.one_way, start.line)
        )
    circle = [end for _, end in arrows if end.port.passage and (end.unit, end.port.passage) not in passed]
    if circle and not problems.any:
        names = " -> ".join(dict.fromkeys(end.unit for end in circle))
        problems.add(
            circle[0].line,
            f"{names} form a loop without a pressure. Put a tank or a mixer into it that is connected to one.",
        )
    return found


def _check_pressures(branches: list[Branch], units: dict[str, Unit], problems: Problems) -> None:
    """Every junction must lead to a place whose pressure is known."""
    known = {place for b in branches for place in (b.start, b.end) if not units[place[0]].type.junction}
    grown = True
    while grown:
        grown = False
        for b in branches:
            if (b.start in known) != (b.end in known):
                known |= {b.start, b.end}
                grown = True
    for b in branches:
        for name, place in (b.start, b.end):
            if (name, place) not in known:
                problems.add(
                    units[name].line,
                    f"{name}: nothing around it has a pressure. Connect it to a tank, a source or a sink.",
                )
