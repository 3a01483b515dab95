"""From units and branches to the tables over which the kernels run.

Called by   ``plant_models.flowsheet.plant``.
Knows       the columns of ``plant_models.units.table`` and the order of the plant's variables.
"""

from dataclasses import dataclass, field

import numpy as np

from plant_models.flowsheet.unit import Unit
from plant_models.flowsheet.wiring import Branch, Place
from plant_models.model import Vector
from plant_models.units import table as t


@dataclass
class Order:
    """Where the plant has what: positions of inputs, disturbances, parameters and states by ``UNIT.NAME``."""

    inputs: list[str]
    disturbances: list[str]
    parameters: list[str]
    states: list[str]
    codes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        roles = (
            (t.STATE_ROLE, self.states),
            (t.INPUT_ROLE, self.inputs),
            (t.DISTURBANCE_ROLE, self.disturbances),
            (t.PARAMETER_ROLE, self.parameters),
        )
        for role, names in roles:
            self.codes |= {name: role * t.ROLE + at for at, name in enumerate(names)}

    def state(self, name: str) -> int:
        """Position of a state."""
        return self.codes[name]


@dataclass
class Tables:
    """Rows under construction."""

    units: list[float] = field(default_factory=list)
    slots: list[float] = field(default_factory=list)
    branches: list[float] = field(default_factory=list)
    elements: list[float] = field(default_factory=list)
    nodes: list[float] = field(default_factory=list)
    cells: list[float] = field(default_factory=list)
    junctions: list[float] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    memory: int = 0


def lay_out(
    units: dict[str, Unit],
    branches: list[Branch],
    order: Order,
    chosen: list[str],
    head: tuple[float, float, int],
    facts: list[str],
) -> Vector:
    """The whole of ``kept``. ``head``: density, heat capacity, number of components."""
    tables = Tables()
    nodes = _nodes(units, branches, tables)
    cells = _cells(units, order, tables)
    elements = _branch_rows(units, branches, nodes, cells, tables)
    _node_rows(units, branches, nodes, cells, tables)
    memories = {}
    for name, unit in units.items():
        memories[name] = tables.memory
        tables.memory += unit.type.memory
        tables.outputs += [f"{name}.{q.name}" for q in unit.outputs]
    for unit in units.values():
        _unit_row(unit, order, tables, nodes, cells, elements, memories, facts)
    count = len(tables.junctions)
    transmitters = any(unit.type.name == "transmitter" for unit in units.values())
    ambient = order.disturbances.index("ambient")
    views: list[list[float]] = [
        [*head, ambient, 0.0, 1.0 if transmitters else 0.0],
        tables.units,
        tables.slots,
        tables.branches,
        tables.elements,
        tables.nodes,
        tables.cells,
        tables.junctions,
        [0.0] * (count * count + count),
        [0.0] * count,
        [0.0] * count,
        [0.0] * len(tables.outputs),
        [float(tables.outputs.index(name)) for name in chosen],
        [0.0] * tables.memory,
    ]
    ends = np.cumsum([t.VIEWS, *(len(view) for view in views)])[1:]
    return np.array([*ends, ends[-1], *(number for view in views for number in view)], np.float64)


def _nodes(units: dict[str, Unit], branches: list[Branch], tables: Tables) -> dict[Place, int]:
    places = [
        (name, at)
        for name, unit in units.items()
        for at in sorted({port.node for port in unit.type.ports if not port.passage})
    ]
    tables.junctions = [float(i) for i, (name, _) in enumerate(places) if units[name].type.junction]
    return {place: i for i, place in enumerate(places)}


def _cells(units: dict[str, Unit], order: Order, tables: Tables) -> dict[str, int]:
    """First cell of every unit that has any."""
    first: dict[str, int] = {}
    count = 0
    for name, unit in units.items():
        if not unit.cells:
            continue
        first[name] = count
        count += len(unit.cells)
        own = len(unit.own_states)
        for i in range(len(unit.cells)):
            if unit.type.boundary:  # where its slots will be: every unit before it has as many as it has names
                before = sum(len(one.slots) for one in _until(units, name))
                t_at = before + unit.slots.index("temperature")
                x_at = before + len(unit.type.slots)
            else:
                t_at = order.state(f"{name}.{unit.states[own + i * (1 + len(unit.components))].name}")
                x_at = t_at + 1
            tables.cells += [1.0 if unit.type.boundary else 0.0, t_at, x_at, 0.0, 0.0, *(0.0 for _ in unit.components)]
    return first


def _until(units: dict[str, Unit], name: str) -> list[Unit]:
    names = list(units)
    return [units[one] for one in names[: names.index(name)]]


def _branch_rows(
    units: dict[str, Unit], branches: list[Branch], nodes: dict[Place, int], cells: dict[str, int], tables: Tables
) -> dict[tuple[str, str], int]:
    """Rows of branches and of their elements; where each element is. Passages of one unit stand together.

    A branch needs its elements in a row, and an exchanger its two sides: so an element of an exchanger is where its
    branch is, and the unit's row names both (``U_ELEMENT`` and ``U_OTHER``).
    """
    found: dict[tuple[str, str], int] = {}
    for number, branch in enumerate(branches):
        tables.branches += [
            nodes[branch.start], nodes[branch.end], len(found), len(branch.elements), 1.0 if branch.one_way else 0.0,
            0.0, 0.0, 0.0, 0.0, 0.0,
        ]  # fmt: skip
        for name, passage in branch.elements:
            unit = units[name]
            found[(name, passage)] = len(found)
            cell, count = cells.get(name, 0), len(unit.cells)
            if unit.type.cells and not unit.type.numbered:
                cell, count = cell + unit.type.cells.index(passage), 1
            tables.elements += [0.0, cell, count, number, 0.0, 0.0, 0.0, 0.0, 0.0]
    return found


def _node_rows(
    units: dict[str, Unit], branches: list[Branch], nodes: dict[Place, int], cells: dict[str, int], tables: Tables
) -> None:
    for (name, at), number in nodes.items():
        junction = tables.junctions.index(number) if number in tables.junctions else -1
        ends = sum((branch.start, branch.end).count((name, at)) for branch in branches)
        tables.nodes += [0.0, cells[name], junction, 0.0, 0.0, ends, 0.0]


def _unit_row(
    unit: Unit,
    order: Order,
    tables: Tables,
    nodes: dict[Place, int],
    cells: dict[str, int],
    elements: dict[tuple[str, str], int],
    memories: dict[str, int],
    facts: list[str],
) -> None:
    name = unit.name
    first_slot = len(tables.slots)
    for slot in unit.slots:
        if slot == "speed" and "driven_by" in unit.texts:
            tables.slots.append(order.codes[f"{unit.texts['driven_by'].text()}.n"])
        else:
            tables.slots.append(order.codes[f"{name}.{slot}"])
    own_elements = [elements[key] for key in elements if key[0] == name]
    passages = list(dict.fromkeys(port.passage for port in unit.type.ports if port.passage))
    if own_elements:
        own_elements = [elements[(name, passage)] for passage in passages]
    tables.units += [
        unit.type.number,
        first_slot,
        order.state(f"{name}.{unit.states[0].name}") if unit.states else -1,
        tables.outputs.index(f"{name}.{unit.outputs[0].name}") if unit.outputs else -1,
        facts.index(f"{name}.{unit.type.facts[0].name}") if unit.type.facts else -1,
        cells.get(name, -1),
        own_elements[0] if own_elements else -1,
        nodes.get((name, 0), -1),
        memories[name],
        _link(unit, tables, memories),
        len(unit.cells),
        own_elements[-1] if own_elements else -1,
    ]


def _link(unit: Unit, tables: Tables, memories: dict[str, int]) -> int:
    """Whom a unit names: the motor's memory, the output that is measured, the component that is a gas."""
    if "driven_by" in unit.texts:
        return memories[unit.texts["driven_by"].text()]
    if "measures" in unit.texts:
        return tables.outputs.index(unit.texts["measures"].text())
    if "gas" in unit.texts:
        return unit.components.index(unit.texts["gas"].text())
    return -1
