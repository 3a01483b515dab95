r"""Heat and composition carried by the flows, from cell to cell.

Called by   ``plant_models.units.run``, after the flows are known.
Knows       cells and branches; no unit type.
Promise     what leaves a cell enters the next one, the same number with the other sign: the sums over all cells balance to
            the last rounding, whatever the flows.

Equations
---------
Upwind, for every pair of neighbours along a branch with flow :math:`q` (heat is counted as :math:`q T`, in m3 K/s; the
liquid has one density and one heat capacity):

.. math::

    \dot H_a = -q T_\uparrow, \qquad \dot H_b = +q T_\uparrow, \qquad
    T_\uparrow = T_a \;(q \ge 0), \quad T_b \;(q < 0)

and likewise with every mass fraction.

Reference
---------
S. V. Patankar, Numerical Heat Transfer and Fluid Flow, 1980, chapter 5 (upwind scheme, conservation).
"""

from plant_models.kernel import Parts, kernel
from plant_models.units.table import (
    B_ELEMENT,
    B_ELEMENTS,
    B_FLOW,
    B_FROM,
    B_TO,
    BRANCH_COLUMNS,
    C_FLOW,
    C_HEAT,
    CELL_COLUMNS,
    E_CELL,
    E_CELLS,
    ELEMENT_COLUMNS,
    H_COMPONENTS,
    N_CELL,
    N_INTAKE,
    NODE_COLUMNS,
    Net,
    cell_columns,
    cell_fraction,
    cell_temperature,
)


@kernel
def _carry(p: Parts, net: Net, a: int, b: int, flow_m3_s: float) -> None:
    """``flow_m3_s`` goes from cell ``a`` to cell ``b``, with the content of where it comes from."""
    if flow_m3_s == 0.0:
        return
    width = cell_columns(net)
    upstream = a if flow_m3_s > 0.0 else b
    net.cells[width * a + C_FLOW] -= flow_m3_s
    net.cells[width * b + C_FLOW] += flow_m3_s
    heat = flow_m3_s * cell_temperature(p, net, upstream)
    net.cells[width * a + C_HEAT] -= heat
    net.cells[width * b + C_HEAT] += heat
    for k in range(int(net.head[H_COMPONENTS])):
        carried = flow_m3_s * cell_fraction(p, net, upstream, k)
        net.cells[width * a + CELL_COLUMNS + k] -= carried
        net.cells[width * b + CELL_COLUMNS + k] += carried


@kernel
def transport(p: Parts, net: Net) -> None:
    """What flows into every cell, net: liquid, heat, components."""
    width = cell_columns(net)
    for c in range(net.cells.shape[0] // width):
        net.cells[width * c + C_FLOW] = 0.0
        net.cells[width * c + C_HEAT] = 0.0
        for k in range(int(net.head[H_COMPONENTS])):
            net.cells[width * c + CELL_COLUMNS + k] = 0.0
    for n in range(net.nodes.shape[0] // NODE_COLUMNS):
        net.nodes[NODE_COLUMNS * n + N_INTAKE] = 0.0
    for b in range(net.branches.shape[0] // BRANCH_COLUMNS):
        row = BRANCH_COLUMNS * b
        flow_m3_s = net.branches[row + B_FLOW]
        source, target = int(net.branches[row + B_FROM]), int(net.branches[row + B_TO])
        net.nodes[NODE_COLUMNS * source + N_INTAKE] -= flow_m3_s
        net.nodes[NODE_COLUMNS * target + N_INTAKE] += flow_m3_s
        before = int(net.nodes[NODE_COLUMNS * source + N_CELL])
        first = int(net.branches[row + B_ELEMENT])
        for e in range(first, first + int(net.branches[row + B_ELEMENTS])):
            at = ELEMENT_COLUMNS * e
            cell = int(net.elements[at + E_CELL])
            for c in range(cell, cell + int(net.elements[at + E_CELLS])):
                _carry(p, net, before, c, flow_m3_s)
                before = c
        _carry(p, net, before, int(net.nodes[NODE_COLUMNS * target + N_CELL]), flow_m3_s)
