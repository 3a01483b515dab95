r"""Source and sink: where liquid comes from and where it goes, at a given pressure.

Called by   ``plant_models.units.library``; kernels by ``plant_models.units.run``.

A source has the pressure, temperature and composition that the world gives it; a sink has a pressure, and, for what
flows back out of it, a temperature and a composition as well. All of them are disturbances: they may change at any
time.

Equations
---------
.. math::

    p = p_\mathrm{given}, \qquad T = T_\mathrm{given}, \qquad w_k = w_{k,\mathrm{given}}, \qquad q = \sum_b q_b

Symbols
-------
========  =================  =====  =====================================================
symbol    quantity           unit   meaning
========  =================  =====  =====================================================
p         pressure           Pa     pressure at the boundary (absolute)
T         temperature        K      temperature of what comes from there
w_k       (each component)   1      its mass fraction in what comes from there
T, w_k    flowing_…          K, 1   the same of what flows now, in or out
q         flow               m3/s   flow out of a source, into a sink
========  =================  =====  =====================================================

Validity
--------
The world is large: what flows does not change its pressure.

Reference
---------
F. M. White, Fluid Mechanics, 7th ed., 2011, chapter 3 (control volumes and their boundaries).
"""

from plant_models.kernel import kernel
from plant_models.units.declare import Port, UnitType, flow, pressure, temperature
from plant_models.units.table import (
    C_FLOW,
    C_HEAT,
    CELL_COLUMNS,
    N_GIVES,
    N_INTAKE,
    N_P,
    NODE_COLUMNS,
    U_CELL,
    U_NODE,
    Net,
    cell_columns,
    cell_temperature,
    column,
    outputs_of,
    put_fractions,
    read,
    slot_of,
)

PRESSURE, TEMPERATURE = range(2)
SMALL_M3_S = 1e-12

_GIVEN = (
    pressure("pressure", "pressure at the boundary"),
    temperature("temperature", "temperature of what comes from there"),
)
_FLOWING = temperature("flowing_temperature", "temperature of what flows at the boundary")

SOURCE = UnitType(
    number=0,
    name="source",
    title="Source",
    ports=(Port("outlet", "out", "what comes from the source", many=True),),
    disturbances=_GIVEN,
    outputs=(flow("flow", "flow out of the source"), _FLOWING),
    cells=("",),
    boundary=True,
    fractions_out=True,
)

SINK = UnitType(
    number=1,
    name="sink",
    title="Sink",
    ports=(Port("inlet", "in", "what goes into the sink", many=True),),
    disturbances=_GIVEN,
    outputs=(flow("flow", "flow into the sink"), _FLOWING),
    cells=("",),
    boundary=True,
    fractions_out=True,
)


@kernel
def prepare(net: Net, u: int) -> None:
    """The node of a source or sink."""
    row = net.nodes + NODE_COLUMNS * column(net, u, U_NODE)
    net.k[row + N_P] = read(net, slot_of(net, u) + PRESSURE)
    net.k[row + N_GIVES] = 1.0


@kernel
def measure(net: Net, u: int, sign: float) -> None:
    """Flow in the direction that counts positive (``sign`` of what flows in); content of what flows."""
    out, cell = outputs_of(net, u), column(net, u, U_CELL)
    node = net.nodes + NODE_COLUMNS * column(net, u, U_NODE)
    row = net.cells + cell_columns(net) * cell
    flow_m3_s = net.k[node + N_INTAKE]
    net.k[out] = sign * flow_m3_s
    net.k[out + 1] = cell_temperature(net, cell)
    put_fractions(net, cell, out + 2)
    if flow_m3_s > SMALL_M3_S and net.k[row + C_FLOW] > SMALL_M3_S:  # what arrives is seen as it arrives
        net.k[out + 1] = net.k[row + C_HEAT] / net.k[row + C_FLOW]
        for k in range(net.components):
            net.k[out + 2 + k] = net.k[row + CELL_COLUMNS + k] / net.k[row + C_FLOW]
