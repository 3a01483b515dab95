"""A flowsheet as numbers: tables in a plant's ``kept`` memory that the kernels of all units run over.

Called by   ``plant_models.units.layout`` (writes the tables) and every kernel of a unit (reads them).
Knows       rows and columns. Nothing is compiled for a flowsheet: the same kernels run over every table, and a snapshot
            holds the tables as well.

``kept`` begins with where each view of ``Net`` ends. Whole numbers are stored as floats (exact up to 2⁵³).
A *cell* is a well-mixed content with one temperature and composition, a *node* a place with a pressure, an *element* a
unit that is flowed through, a *branch* a row of elements between two nodes: it has one flow.
"""

from typing import NamedTuple

from plant_models.kernel import Parts, kernel
from plant_models.model import Vector

VIEWS = 15
"""Views of ``Net``; as many words at the beginning of ``kept`` say where they end."""

# columns of a row; places in ``kept`` views are whole numbers
U_TYPE, U_SLOT, U_STATE, U_OUT, U_FACT, U_CELL, U_ELEMENT, U_NODE, U_MEMORY, U_LINK, U_CELLS, U_OTHER = range(12)
UNIT_COLUMNS = 12
B_FROM, B_TO, B_ELEMENT, B_ELEMENTS, B_ONE_WAY, B_FORWARD, B_BACKWARD, B_DP, B_FLOW, B_SLOPE = range(10)
BRANCH_COLUMNS = 10
E_UNIT, E_CELL, E_CELLS, E_BRANCH, E_R, E_HEAD, E_ONE_WAY, E_P_IN, E_P_OUT = range(9)
ELEMENT_COLUMNS = 9
N_UNIT, N_CELL, N_JUNCTION, N_P, N_GIVES, N_BRANCHES, N_INTAKE = range(7)
NODE_COLUMNS = 7
C_FIXED, C_T, C_X, C_FLOW, C_HEAT = range(5)
"""Columns of a cell; then, for every component, what flows in of it. ``C_T`` and ``C_X`` are states (or slots)."""
CELL_COLUMNS = 5

H_DENSITY, H_HEAT_CAPACITY, H_COMPONENTS, H_AMBIENT, H_ROUNDS, H_TRANSMITTERS = range(6)
HEAD_COLUMNS = 6

STATE_ROLE, INPUT_ROLE, DISTURBANCE_ROLE, PARAMETER_ROLE = range(4)
ROLE = 65536
"""A slot holds ``role * ROLE + position``: where the number is that a unit reads."""

CLOSED = -1.0
"""Resistance of an element that lets nothing through."""

G_M_S2 = 9.81


class Net(NamedTuple):
    """Views on the tables of one flowsheet."""

    head: Vector
    units: Vector
    slots: Vector
    branches: Vector
    elements: Vector
    nodes: Vector
    cells: Vector
    junctions: Vector  # nodes whose pressure is unknown
    matrix: Vector  # the network's: one row per junction, and pivots
    balance: Vector
    way: Vector
    outputs: Vector  # every output of every unit
    chosen: Vector  # which of them are the plant's
    memory: Vector  # what units remember beyond states
    ends: Vector


@kernel
def net_of(p: Parts) -> Net:
    """The views on ``p.kept``."""
    k = p.kept
    e0, e1, e2, e3, e4 = int(k[0]), int(k[1]), int(k[2]), int(k[3]), int(k[4])
    e5, e6, e7, e8, e9 = int(k[5]), int(k[6]), int(k[7]), int(k[8]), int(k[9])
    e10, e11, e12, e13 = int(k[10]), int(k[11]), int(k[12]), int(k[13])
    return Net(
        k[VIEWS:e0],
        k[e0:e1],
        k[e1:e2],
        k[e2:e3],
        k[e3:e4],
        k[e4:e5],
        k[e5:e6],
        k[e6:e7],
        k[e7:e8],
        k[e8:e9],
        k[e9:e10],
        k[e10:e11],
        k[e11:e12],
        k[e12:e13],
        k[0:VIEWS],
    )


@kernel
def read(p: Parts, net: Net, slot: int) -> float:
    """The number behind a slot: a parameter, an input, a disturbance, or a state of another unit."""
    code = int(net.slots[slot])
    role = code // ROLE
    at = code - role * ROLE
    if role == PARAMETER_ROLE:
        return p.parameters[at]
    if role == INPUT_ROLE:
        return p.inputs[at]
    if role == DISTURBANCE_ROLE:
        return p.disturbances[at]
    return p.states[at]


@kernel
def within(value: float, low: float, high: float) -> float:
    """``value`` within ``low`` … ``high``; ``low`` for what is not a number."""
    if value >= high:
        return high
    if value > low:
        return value
    return low


@kernel
def slot_of(net: Net, u: int) -> int:
    """First slot of unit ``u``."""
    return int(net.units[UNIT_COLUMNS * u + U_SLOT])


@kernel
def column(net: Net, u: int, which: int) -> int:
    """A column of the row of unit ``u``, which is a whole number."""
    return int(net.units[UNIT_COLUMNS * u + which])


@kernel
def cell_columns(net: Net) -> int:
    """How wide a cell's row is: one more column per component."""
    return CELL_COLUMNS + int(net.head[H_COMPONENTS])


@kernel
def cell_temperature(p: Parts, net: Net, cell: int) -> float:
    """Temperature of a cell, K: a state, or given for a boundary."""
    row = cell * cell_columns(net)
    at = int(net.cells[row + C_T])
    if net.cells[row + C_FIXED] != 0.0:
        return read(p, net, at)
    return p.states[at]


@kernel
def cell_fraction(p: Parts, net: Net, cell: int, component: int) -> float:
    """Mass fraction of a component in a cell."""
    row = cell * cell_columns(net)
    at = int(net.cells[row + C_X]) + component
    if net.cells[row + C_FIXED] != 0.0:
        return read(p, net, at)
    return p.states[at]


@kernel
def element_flow(net: Net, element: int) -> float:
    """Flow through an element, m3/s."""
    branch = int(net.elements[ELEMENT_COLUMNS * element + E_BRANCH])
    return net.branches[BRANCH_COLUMNS * branch + B_FLOW]


@kernel
def fill_cell(p: Parts, net: Net, cell: int, volume_m3: float, heat_m3k_s: float) -> None:
    """Rates of temperature and fractions of a cell of ``volume_m3`` from what flows in; ``heat_m3k_s`` = Q / (ρ c)."""
    row = cell * cell_columns(net)
    inflow_m3_s = net.cells[row + C_FLOW]
    at_t, at_x = int(net.cells[row + C_T]), int(net.cells[row + C_X])
    p.rates[at_t] = (net.cells[row + C_HEAT] - p.states[at_t] * inflow_m3_s + heat_m3k_s) / volume_m3
    for k in range(int(net.head[H_COMPONENTS])):
        p.rates[at_x + k] = (net.cells[row + CELL_COLUMNS + k] - p.states[at_x + k] * inflow_m3_s) / volume_m3


@kernel
def put_fractions(p: Parts, net: Net, cell: int, at: int) -> None:
    """Outputs from ``at`` on: the mass fractions of a cell."""
    for k in range(int(net.head[H_COMPONENTS])):
        net.outputs[at + k] = cell_fraction(p, net, cell, k)
