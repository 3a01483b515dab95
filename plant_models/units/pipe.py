r"""Pipe: friction, rise, and a content that temperature and composition have to pass through.

Called by   ``plant_models.units.library``; kernels by ``plant_models.units.run``.

Equations
---------
.. math::

    \Delta p &= \Big(\lambda \frac{L}{D} + \zeta\Big) \frac{\rho}{2} \frac{q |q|}{A_D^2} + \rho g z, \qquad
    A_D = \tfrac{\pi}{4} D^2 \\
    \frac{V}{n} \dot T_i &= q (T_{i-1} - T_i), \qquad \frac{V}{n} \dot w_{k,i} = q (w_{k,i-1} - w_{k,i}), \qquad
    V = A_D L

The :math:`n` cells in series delay by :math:`V / q`; a step at the inlet comes out as an Erlang distribution of order
:math:`n`, whose spread is :math:`V / (q \sqrt n)`: more cells, sharper front. Backwards it works as well, unless there
is a ``check_valve`` in it.

Symbols
-------
========  =================  =====  =====================================================
symbol    quantity           unit   meaning
========  =================  =====  =====================================================
q         flow               m3/s   flow
T_i       temperature_i      K      temperature of cell i; ``temperature`` is that of the last
w_k,i     (each component)   1      mass fractions, likewise
Δp        pressure_drop      Pa     pressure at the inlet less that at the outlet
L         length             m      length
D         diameter           m      inner diameter
z         rise               m      height of the outlet above the inlet
λ         friction           1      Darcy friction factor
ζ         fittings           1      loss coefficients of bends and fittings, together
n         cells              1      well-mixed cells, 1 … 50
b         blocked            1      disturbance: share of the cross-section that is blocked
========  =================  =====  =====================================================

Validity
--------
Fully rough turbulent flow (constant λ). No heat through the wall. The integration step must stay below the time in a
cell, V / (n q).

Reference
---------
F. M. White, Fluid Mechanics, 7th ed., 2011, section 6.3 (Darcy and Weisbach); O. Levenspiel, Chemical Reaction
Engineering, 3rd ed., 1999, chapter 14 (tanks in series).
"""

import math

from plant_models.kernel import kernel
from plant_models.units.declare import P_MAX_PA, REQUIRED, Quantity, UnitType, flow, passage, share, temperature
from plant_models.units.table import (
    CLOSED,
    E_HEAD,
    E_ONE_WAY,
    E_P_IN,
    E_P_OUT,
    E_R,
    ELEMENT_COLUMNS,
    G_M_S2,
    H_DENSITY,
    U_CELL,
    U_CELLS,
    U_ELEMENT,
    Net,
    cell_temperature,
    column,
    element_flow,
    fill_cell,
    outputs_of,
    put_fractions,
    read,
    slot_of,
)

LENGTH, DIAMETER, RISE, FRICTION, FITTINGS, CELLS, CHECK_VALVE, BLOCKED = range(8)

PIPE = UnitType(
    number=5,
    name="pipe",
    title="Pipe",
    ports=passage(),
    parameters=(
        Quantity("length", "m", 1e-3, 1e5, "length", REQUIRED),
        Quantity("diameter", "m", 1e-3, 10.0, "inner diameter", REQUIRED),
        Quantity("rise", "m", -1000.0, 1000.0, "height of the outlet above the inlet"),
        Quantity("friction", "1", 1e-4, 1.0, "Darcy friction factor", 0.02),
        Quantity("fittings", "1", 0.0, 1e4, "loss coefficients of bends and fittings, together"),
        Quantity("cells", "1", 1.0, 50.0, "well-mixed cells; fixed when the plant is made", 10.0),
        Quantity("check_valve", "1", 0.0, 1.0, "nothing flows back through it", 0.0, ("no", "yes")),
    ),
    disturbances=(share("blocked", "share of the cross-section that is blocked"),),
    outputs=(
        flow("flow", "flow through the pipe"),
        temperature("temperature", "temperature at the outlet"),
        Quantity("pressure_drop", "Pa", -P_MAX_PA, P_MAX_PA, "pressure at the inlet less that at the outlet"),
    ),
    cells=("",),
    numbered=True,
    fractions_out=True,
)


@kernel
def section_m2(net: Net, u: int) -> float:
    """Inner cross-section."""
    diameter_m = read(net, slot_of(net, u) + DIAMETER)
    return 0.25 * math.pi * diameter_m * diameter_m


@kernel
def prepare(net: Net, u: int) -> None:
    """Resistance and head of the rise."""
    slot, row = slot_of(net, u), net.elements + ELEMENT_COLUMNS * column(net, u, U_ELEMENT)
    open_m2 = section_m2(net, u) * (1.0 - read(net, slot + BLOCKED))
    net.k[row + E_ONE_WAY] = read(net, slot + CHECK_VALVE)
    net.k[row + E_HEAD] = -net.k[net.head + H_DENSITY] * G_M_S2 * read(net, slot + RISE)
    if open_m2 <= 0.0:
        net.k[row + E_R] = CLOSED
        return
    losses = read(net, slot + FRICTION) * read(net, slot + LENGTH) / read(net, slot + DIAMETER)
    losses += read(net, slot + FITTINGS)
    net.k[row + E_R] = losses * 0.5 * net.k[net.head + H_DENSITY] / (open_m2 * open_m2)


@kernel
def rates(net: Net, u: int) -> None:
    """Every cell."""
    first, count = column(net, u, U_CELL), column(net, u, U_CELLS)
    volume_m3 = section_m2(net, u) * read(net, slot_of(net, u) + LENGTH) / count
    for cell in range(first, first + count):
        fill_cell(net, cell, volume_m3, 0.0)


@kernel
def measure(net: Net, u: int) -> None:
    """Flow, and the content of the cell at the outlet."""
    out, element = outputs_of(net, u), column(net, u, U_ELEMENT)
    last = column(net, u, U_CELL) + column(net, u, U_CELLS) - 1
    row = net.elements + ELEMENT_COLUMNS * element
    net.k[out] = element_flow(net, element)
    net.k[out + 1] = cell_temperature(net, last)
    net.k[out + 2] = net.k[row + E_P_IN] - net.k[row + E_P_OUT]
    put_fractions(net, last, out + 3)
