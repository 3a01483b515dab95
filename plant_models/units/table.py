"""A flowsheet as numbers: tables in a plant's ``kept`` memory that the kernels of all units run over.

Called by   ``plant_models.units.layout`` (writes the tables) and every kernel of a unit (reads them).
Knows       rows and columns. Nothing is compiled for a flowsheet: the same kernels run over every table, and a snapshot
            holds the tables as well.

``kept`` begins with where each table ends. Whole numbers are stored as floats (exact up to 2⁵³).
A *cell* is a well-mixed content with one temperature and composition, a *node* a place with a pressure, an *element* a
unit that is flowed through, a *branch* a row of elements between two nodes: it has one flow.
"""

from typing import NamedTuple

from plant_models.kernel import Parts, kernel
from plant_models.model import Vector

VIEWS = 15
"""Tables; as many words at the beginning of ``kept`` say where they end."""

# columns of a row
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
    """The tables of one flowsheet: where they begin in ``k``, and how many rows they have.

    Few arrays and many whole numbers: every call counts the references of every array that it hands on (measured: a
    view per table made an evaluation three times as slow).
    """

    k: Vector  # the plant's ``kept``
    states: Vector
    rates: Vector
    inputs: Vector
    disturbances: Vector
    parameters: Vector
    clock: Vector
    head: int
    units: int
    slots: int
    branches: int
    elements: int
    nodes: int
    cells: int
    junctions: int  # nodes whose pressure is unknown
    matrix: int  # the network's: one row per junction, and pivots
    balance: int
    way: int
    outputs: int  # every output of every unit
    chosen: int  # which of them are the plant's
    memory: int  # what units remember beyond states
    components: int
    unit_count: int
    branch_count: int
    node_count: int
    cell_count: int
    junction_count: int


@kernel
def net_of(p: Parts) -> Net:
    """The tables in ``p.kept``."""
    k = p.kept
    components = int(k[VIEWS + H_COMPONENTS])
    return Net(
        k,
        p.states,
        p.rates,
        p.inputs,
        p.disturbances,
        p.parameters,
        p.clock,
        VIEWS,
        int(k[0]),
        int(k[1]),
        int(k[2]),
        int(k[3]),
        int(k[4]),
        int(k[5]),
        int(k[6]),
        int(k[7]),
        int(k[8]),
        int(k[9]),
        int(k[10]),
        int(k[11]),
        int(k[12]),
        components,
        int(k[1] - k[0]) // UNIT_COLUMNS,
        int(k[3] - k[2]) // BRANCH_COLUMNS,
        int(k[5] - k[4]) // NODE_COLUMNS,
        int(k[6] - k[5]) // (CELL_COLUMNS + components),
        int(k[7] - k[6]),
    )


@kernel
def read(net: Net, slot: int) -> float:
    """The number behind a slot: a parameter, an input, a disturbance, or a state of another unit."""
    code = int(net.k[net.slots + slot])
    role = code // ROLE
    at = code - role * ROLE
    if role == PARAMETER_ROLE:
        return float(net.parameters[at])
    if role == INPUT_ROLE:
        return float(net.inputs[at])
    if role == DISTURBANCE_ROLE:
        return float(net.disturbances[at])
    return float(net.states[at])


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
    return int(net.k[net.units + UNIT_COLUMNS * u + U_SLOT])


@kernel
def column(net: Net, u: int, which: int) -> int:
    """A column of the row of unit ``u``, which is a whole number."""
    return int(net.k[net.units + UNIT_COLUMNS * u + which])


@kernel
def memory_of(net: Net, u: int) -> int:
    """Where in ``k`` the memory of unit ``u`` begins."""
    return net.memory + int(net.k[net.units + UNIT_COLUMNS * u + U_MEMORY])


@kernel
def outputs_of(net: Net, u: int) -> int:
    """Where in ``k`` the outputs of unit ``u`` begin."""
    return net.outputs + int(net.k[net.units + UNIT_COLUMNS * u + U_OUT])


@kernel
def cell_columns(net: Net) -> int:
    """How wide a cell's row is: one more column per component."""
    return CELL_COLUMNS + net.components


@kernel
def cell_temperature(net: Net, cell: int) -> float:
    """Temperature of a cell, K: a state, or given for a boundary."""
    row = net.cells + cell * cell_columns(net)
    at = int(net.k[row + C_T])
    if net.k[row + C_FIXED] != 0.0:
        return read(net, at)
    return float(net.states[at])


@kernel
def cell_fraction(net: Net, cell: int, component: int) -> float:
    """Mass fraction of a component in a cell."""
    row = net.cells + cell * cell_columns(net)
    at = int(net.k[row + C_X]) + component
    if net.k[row + C_FIXED] != 0.0:
        return read(net, at)
    return float(net.states[at])


@kernel
def element_flow(net: Net, element: int) -> float:
    """Flow through an element, m3/s."""
    branch = int(net.k[net.elements + ELEMENT_COLUMNS * element + E_BRANCH])
    return float(net.k[net.branches + BRANCH_COLUMNS * branch + B_FLOW])


@kernel
def fill_cell(net: Net, cell: int, volume_m3: float, heat_m3k_s: float) -> None:
    """Rates of temperature and fractions of a cell of ``volume_m3`` from what flows in; ``heat_m3k_s`` = Q / (ρ c)."""
    row = net.cells + cell * cell_columns(net)
    inflow_m3_s = net.k[row + C_FLOW]
    at_t, at_x = int(net.k[row + C_T]), int(net.k[row + C_X])
    net.rates[at_t] = (net.k[row + C_HEAT] - net.states[at_t] * inflow_m3_s + heat_m3k_s) / volume_m3
    for k in range(net.components):
        net.rates[at_x + k] = (net.k[row + CELL_COLUMNS + k] - net.states[at_x + k] * inflow_m3_s) / volume_m3


@kernel
def put_fractions(net: Net, cell: int, at: int) -> None:
    """Outputs from ``at`` on: the mass fractions of a cell."""
    for k in range(net.components):
        net.k[at + k] = cell_fraction(net, cell, k)
