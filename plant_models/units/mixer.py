r"""Mixer: where pipes meet or part; always full, well mixed, with a small content.

Called by   ``plant_models.units.library``; kernels by ``plant_models.units.run``.

Equations
---------
.. math::

    \sum_b q_b = 0, \qquad V \dot T = \sum q_\mathrm{in} (T_\mathrm{in} - T), \qquad
    V \dot w_k = \sum q_\mathrm{in} (w_{k,\mathrm{in}} - w_k)

Its pressure is the one at which as much flows in as out (``plant_models.units.network``). Every pipe that ends there
may be flowed through in either direction, so the same unit divides a flow.

Symbols
-------
========  =================  =====  =====================================================
symbol    quantity           unit   meaning
========  =================  =====  =====================================================
V         volume             m3     content
T         temperature        K      temperature, well mixed
w_k       (each component)   1      mass fractions
p         pressure           Pa     pressure (absolute)
q         flow               m3/s   what flows through: the sum of what flows in
========  =================  =====  =====================================================

Validity
--------
One density, one heat capacity, no heat of mixing. Every pressure drop is that of the pipes and valves around it.

Reference
---------
F. M. White, Fluid Mechanics, 7th ed., 2011, section 6.10 (multiple-pipe systems).
"""

from plant_models.kernel import kernel
from plant_models.units.declare import Port, Quantity, UnitType, flow, pressure, temperature
from plant_models.units.table import (
    B_FLOW,
    B_FROM,
    B_TO,
    BRANCH_COLUMNS,
    N_GIVES,
    N_P,
    NODE_COLUMNS,
    U_CELL,
    U_NODE,
    Net,
    cell_temperature,
    column,
    fill_cell,
    outputs_of,
    put_fractions,
    read,
    slot_of,
)

VOLUME = 0

MIXER = UnitType(
    number=7,
    name="mixer",
    title="Mixer",
    ports=(
        Port("inlet", "in", "what comes in", many=True),
        Port("outlet", "out", "what leaves", many=True),
    ),
    parameters=(Quantity("volume", "m3", 1e-6, 1e4, "content", 0.01),),
    outputs=(
        flow("flow", "what flows through"),
        pressure("pressure", "pressure"),
        temperature("temperature", "temperature of the content"),
    ),
    cells=("",),
    junction=True,
    fractions_out=True,
)


@kernel
def prepare(net: Net, u: int) -> None:
    """It gives whatever comes in; its pressure is found by the network."""
    net.k[net.nodes + NODE_COLUMNS * column(net, u, U_NODE) + N_GIVES] = 1.0


@kernel
def rates(net: Net, u: int) -> None:
    """The content."""
    fill_cell(net, column(net, u, U_CELL), read(net, slot_of(net, u) + VOLUME), 0.0)


@kernel
def measure(net: Net, u: int) -> None:
    """Flow, pressure, temperature, fractions."""
    out, cell, node = outputs_of(net, u), column(net, u, U_CELL), column(net, u, U_NODE)
    into_m3_s = 0.0
    for b in range(net.branch_count):
        row = net.branches + BRANCH_COLUMNS * b
        if net.k[row + B_TO] == node:
            into_m3_s += max(net.k[row + B_FLOW], 0.0)
        if net.k[row + B_FROM] == node:
            into_m3_s += max(-net.k[row + B_FLOW], 0.0)
    net.k[out] = into_m3_s
    net.k[out + 1] = net.k[net.nodes + NODE_COLUMNS * node + N_P]
    net.k[out + 2] = cell_temperature(net, cell)
    put_fractions(net, cell, out + 3)
