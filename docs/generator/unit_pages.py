"""``reference/units``: one page for every unit type of flowsheets, from its declaration and its module's docstring.

Called by   ``docs/generate_reference.py``.
Knows       ``plant_models.units``.
"""

import inspect
import sys
from collections.abc import Iterable

from generator.markdown import code, from_docstring, limits, number, page, section, sentence, table
from plant_models.flowsheet.quantities import UNITS
from plant_models.units.declare import Quantity, UnitType
from plant_models.units.library import UNIT_TYPES

_INTRODUCTION = (
    "Units from which a file wires a plant: `model: {type: flowsheet, file: flowsheet.yaml}` in plant.yaml. "
    "[Build a plant from units](../../how-to/build-a-plant-from-units.md) builds one step by step. Every variable of "
    "the plant is called `UNIT.QUANTITY`. The liquid has one density and one heat capacity; up to eight named "
    "components are mass fractions in it. Flows and pressures are those at which the network is in balance, at every "
    "instant."
)
_FILE = """```yaml
title: text
description: text
liquid: {density: 998.2 kg/m3, heat_capacity: 4182 J/kgK}  # water when not given
components: [salt, gas]        # up to eight; none when not given
ambient: 20 degC               # temperature of the surroundings
step: 100 ms                   # integration step; when not given, 100 ms or what the fastest lag needs
units:
  NAME: {type: TYPE, PARAMETER: VALUE, DISTURBANCE: VALUE}
connections:
  - NAME -> NAME.PORT -> NAME  # the way of the flow; a port is named where a unit has several
inputs: [NAME.QUANTITY]        # all when not given; what is left out becomes a parameter
outputs: [NAME.QUANTITY]       # all when not given
disturbances: [NAME.QUANTITY]  # all when not given
initial:
  NAME: {INPUT: VALUE, STATE: VALUE}
```"""


def unit_pages() -> dict[str, str]:
    """Text of every page by its path below ``reference``."""
    kinds = UNIT_TYPES.values()
    pages = {f"units/{kind.name}.md": _unit_page(kind) for kind in kinds}
    rows = [[f"[{kind.name}]({kind.name}.md)", sentence(_summary(kind)), _places(kind)] for kind in kinds]
    units = [[code(si), ", ".join(code(name) for name in names if name)] for si, names in UNITS.items()]
    pages["units/index.md"] = page(
        "Units of flowsheets",
        _INTRODUCTION,
        table(("type", "what it is", "ports"), rows),
        section("The file", _FILE),
        section("Units of measurement", table(("inside", "in the file"), units)),
    )
    return pages


def _doc(kind: UnitType) -> str:
    for name, module in sorted(sys.modules.items()):
        if name.startswith("plant_models.units.") and vars(module).get(kind.name.upper()) is kind:
            return inspect.getdoc(module) or ""
    raise LookupError(f"unit type {kind.name} is in no variable of its own: where is its docstring?")


def _summary(kind: UnitType) -> str:
    return _doc(kind).partition("\n\n")[0].partition(": ")[2] or kind.title


def _places(kind: UnitType) -> str:
    return ", ".join(code(port.name) for port in kind.ports)


def _unit_page(kind: UnitType) -> str:
    summary, _, rest = _doc(kind).partition("\n\n")
    body = "\n\n".join(part for part in rest.split("\n\n") if not part.startswith("Called by"))
    ports = [
        [code(p.name), p.way, p.meaning, "several" if p.many else "one", "needed" if p.needed else "may stay open"]
        for p in kind.ports
    ]
    given = [*kind.states, *kind.starts]
    return page(
        f"{kind.name} – {kind.title}",
        summary,
        section("Ports", table(("port", "way", "meaning", "pipes", "wire"), ports)),
        section("Parameters", "Given in the file with the unit.", _quantities(kind.parameters, True))
        if kind.parameters
        else "",
        section("Inputs", "Values at the start stand under `initial`.", _quantities(kind.inputs, True))
        if kind.inputs
        else "",
        section("Disturbances", "May be given with the unit, too.", _quantities(kind.disturbances, True))
        if kind.disturbances
        else "",
        section("Outputs", _quantities(kind.outputs, False)),
        section("At the start", _starts(kind, given)),
        section("Events", table(("condition", "meaning"), ([code(f.name), f"it {f.meaning}"] for f in kind.facts))),
        from_docstring(body),
    )


def _quantities(quantities: Iterable[Quantity], defaults: bool) -> str:
    rows = []
    for q in quantities:
        default = "needed" if q.required else code(q.choices[int(q.default)] if q.choices else number(q.default))
        span = ", ".join(code(choice) for choice in q.choices) or limits(q.low, q.high)
        unit = "" if q.choices else (q.unit or "its own")
        rows.append([code(q.name), unit, default if defaults else "", span if defaults else "", q.meaning])
    return table(("name", "unit", "default", "range", "meaning"), rows)


def _starts(kind: UnitType, given: Iterable[Quantity]) -> str:
    rows = [[code(q.key or q.name), q.unit or "its own", q.meaning] for q in given]
    if kind.cells and not kind.boundary:
        names = [f"{cell}_temperature" if cell else "temperature" for cell in kind.cells]
        rows += [[code(name), "K", "temperature of the content; 20 °C when not given"] for name in names]
        rows.append(["a component", "1", "its mass fraction; 0 when not given"])
    return table(("under `initial`", "unit", "meaning"), rows)
