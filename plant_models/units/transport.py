r"""Heat and composition carried by the flows, from cell to cell.

Called by   ``plant_models.units.run``, after the flows are known.
Knows       cells and branches; no unit type.
Promise     what leaves a cell enters the next one, the same number with the other sign: the sums over all cells balance
            to the last rounding, whatever the flows.

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

from plant_models.kernel import kernel
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
    N_CELL,
    N_INTAKE,
    NODE_COLUMNS,
    Net,
    cell_columns,
    cell_fraction,
    cell_temperature,
)


@kernel
def _carry(net: Net, a: int, b: int, flow_m3_s: float) -> None:
    """``flow_m3_s`` goes from cell ``a`` to cell ``b``, with the content of where it comes from."""
    if flow_m3_s == 0.0:
        return
    width = cell_columns(net)
    upstream = a if flow_m3_s > 0.0 else b
    net.k[net.cells + width * a + C_FLOW] -= flow_m3_s
    net.k[net.cells + width * b + C_FLOW] += flow_m3_s
    heat = flow_m3_s * cell_temperature(net, upstream)
    net.k[net.cells + width * a + C_HEAT] -= heat
    net.k[net.cells + width * b + C_HEAT] += heat
    for k in range(net.components):
        carried = flow_m3_s * cell_fraction(net, upstream, k)
        net.k[net.cells + width * a + CELL_COLUMNS + k] -= carried
        net.k[net.cells + width * b + CELL_COLUMNS + k] += carried


@kernel
def transport(net: Net) -> None:
    """What flows into every cell, net: liquid, heat, components."""
    width = cell_columns(net)
    for c in range(net.cell_count):
        net.k[net.cells + width * c + C_FLOW] = 0.0
        net.k[net.cells + width * c + C_HEAT] = 0.0
        for k in range(net.components):
            net.k[net.cells + width * c + CELL_COLUMNS + k] = 0.0
    for n in range(net.node_count):
        net.k[net.nodes + NODE_COLUMNS * n + N_INTAKE] = 0.0
    for b in range(net.branch_count):
        row = net.branches + BRANCH_COLUMNS * b
        flow_m3_s = net.k[row + B_FLOW]
        source, target = int(net.k[row + B_FROM]), int(net.k[row + B_TO])
        net.k[net.nodes + NODE_COLUMNS * source + N_INTAKE] -= flow_m3_s
        net.k[net.nodes + NODE_COLUMNS * target + N_INTAKE] += flow_m3_s
        before = int(net.k[net.nodes + NODE_COLUMNS * source + N_CELL])
        first = int(net.k[row + B_ELEMENT])
        for e in range(first, first + int(net.k[row + B_ELEMENTS])):
            at = net.elements + ELEMENT_COLUMNS * e
            cell = int(net.k[at + E_CELL])
            for c in range(cell, cell + int(net.k[at + E_CELLS])):
                _carry(net, before, c, flow_m3_s)
                before = c
        _carry(net, before, int(net.k[net.nodes + NODE_COLUMNS * target + N_CELL]), flow_m3_s)
