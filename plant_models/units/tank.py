r"""Tank: an open, upright vessel of constant cross-section; liquid enters at the top and leaves at the bottom.

Called by   ``plant_models.units.library``; kernels by ``plant_models.units.run``.

Equations
---------
.. math::

    A \dot h &= \sum q_\mathrm{in} - \sum q_\mathrm{out} - a_\mathrm{leak} \sqrt{2 g h} \\
    A h \dot T &= \sum q_\mathrm{in} (T_\mathrm{in} - T) + \frac{k (T_\mathrm{amb} - T)}{\rho c}, \qquad
    A h \dot w_k = \sum q_\mathrm{in} (w_{k,\mathrm{in}} - w_k) \\
    p_\mathrm{outlet} &= p_0 + \rho g h, \qquad p_\mathrm{inlet} = p_0

What is above the rim (:math:`h > H`) is spilled: the level stays at the rim and the condition ``overflow`` holds until
it is 1 % of the height below it. An outlet takes less and less over the last ``dry`` metres of level (it sucks air),
and nothing below. In the heat balance the content counts as at least ``dry`` metres.

Symbols
-------
========  =================  =====  =====================================================
symbol    quantity           unit   meaning
========  =================  =====  =====================================================
h         level              m      level of the liquid above the outlet
V         volume             m3     liquid in the tank
T         temperature        K      temperature of the liquid, well mixed
w_k       (each component)   1      its mass fraction
A         area               m2     cross-section
H         height             m      height of the rim above the outlet
p_0       surface            Pa     pressure above the liquid (absolute)
p_outlet  bottom_pressure    Pa     pressure at the outlet
k         heat_loss          W/K    heat loss to the ambient per kelvin
T_amb     (flowsheet)        K      temperature of the surroundings: disturbance ``ambient``
a_leak    leak               m2     area of a leak in the bottom
q_lost    spilled            m3     what has gone over the rim
========  =================  =====  =====================================================

Validity
--------
Liquid at rest in the tank, well mixed. Constant density. The leak flows into the open.

Reference
---------
F. M. White, Fluid Mechanics, 7th ed., 2011, sections 2.3 (hydrostatics) and 3.5 (Torricelli).
"""

import math

from plant_models.kernel import Parts, kernel, note
from plant_models.units.declare import (
    REQUIRED,
    Fact,
    Port,
    Quantity,
    UnitType,
    pressure,
    temperature,
)
from plant_models.units.table import (
    C_FLOW,
    G_M_S2,
    H_AMBIENT,
    H_DENSITY,
    H_HEAT_CAPACITY,
    N_GIVES,
    N_P,
    NODE_COLUMNS,
    U_CELL,
    U_FACT,
    U_NODE,
    U_STATE,
    Net,
    cell_columns,
    cell_temperature,
    column,
    fill_cell,
    memory_of,
    outputs_of,
    put_fractions,
    read,
    slot_of,
    within,
)

AREA, HEIGHT, HEAT_LOSS, LOW_LOW, DRY, LEAK, SURFACE = range(7)
LAMINAR_M = 1e-3  # below this level a leak falls linearly
REARM = 0.01  # of the height

TANK = UnitType(
    number=2,
    name="tank",
    title="Tank",
    ports=(
        Port("inlet", "in", "at the top, above the liquid", many=True, needed=False, one_way=True, node=0),
        Port("outlet", "out", "at the bottom", many=True, needed=False, node=1),
    ),
    parameters=(
        Quantity("area", "m2", 1e-4, 1e5, "cross-section", REQUIRED),
        Quantity("height", "m", 0.01, 100.0, "height of the rim above the outlet", REQUIRED),
        Quantity("heat_loss", "W/K", 0.0, 1e6, "heat loss to the ambient per kelvin"),
        Quantity("low_low", "m", 0.0, 100.0, "level below which the condition `low_low` holds"),
        Quantity("dry", "m", 1e-4, 1.0, "level over which the outlet begins to suck air", 0.01),
    ),
    disturbances=(
        Quantity("leak", "m2", 0.0, 1.0, "area of a leak in the bottom"),
        pressure("surface", "pressure above the liquid"),
    ),
    states=(Quantity("h", "m", 0.0, 100.0, "level of the liquid", REQUIRED, key="level"),),
    outputs=(
        Quantity("level", "m", 0.0, 100.0, "level of the liquid"),
        Quantity("volume", "m3", 0.0, 1e7, "liquid in the tank"),
        temperature("temperature", "temperature of the liquid"),
        pressure("bottom_pressure", "pressure at the outlet"),
        Quantity("spilled", "m3", 0.0, 1e12, "what has gone over the rim since the start"),
    ),
    facts=(
        Fact("overflow", "is full to the rim and spills"),
        Fact("low_low", "has less liquid than its low-low level"),
    ),
    cells=("",),
    memory=1,
    fractions_out=True,
)


@kernel
def prepare(net: Net, u: int) -> None:
    """Pressures at the top and at the bottom, and what the bottom can give."""
    slot, level_m = slot_of(net, u), net.states[column(net, u, U_STATE)]
    surface_pa = read(net, slot + SURFACE)
    top = net.nodes + NODE_COLUMNS * column(net, u, U_NODE)
    net.k[top + N_P] = surface_pa
    net.k[top + N_GIVES] = 0.0
    bottom = top + NODE_COLUMNS
    net.k[bottom + N_P] = surface_pa + net.k[net.head + H_DENSITY] * G_M_S2 * max(level_m, 0.0)
    net.k[bottom + N_GIVES] = within(level_m / read(net, slot + DRY), 0.0, 1.0)


@kernel
def leak_m3_s(area_m2: float, level_m: float) -> float:
    """Torricelli, linear over the last millimetre."""
    if level_m <= 0.0 or area_m2 <= 0.0:
        return 0.0
    if level_m < LAMINAR_M:
        return area_m2 * level_m * math.sqrt(2.0 * G_M_S2 / LAMINAR_M)
    return area_m2 * math.sqrt(2.0 * G_M_S2 * level_m)


@kernel
def rates(net: Net, u: int) -> None:
    """The balances of the module's docstring."""
    slot, state, cell = slot_of(net, u), column(net, u, U_STATE), column(net, u, U_CELL)
    level_m, area_m2 = net.states[state], read(net, slot + AREA)
    inflow_m3_s = net.k[net.cells + cell_columns(net) * cell + C_FLOW]
    net.rates[state] = (inflow_m3_s - leak_m3_s(read(net, slot + LEAK), level_m)) / area_m2
    loss_w = read(net, slot + HEAT_LOSS) * (
        net.disturbances[int(net.k[net.head + H_AMBIENT])] - cell_temperature(net, cell)
    )
    volume_m3 = area_m2 * max(level_m, read(net, slot + DRY))
    fill_cell(net, cell, volume_m3, loss_w / (net.k[net.head + H_DENSITY] * net.k[net.head + H_HEAT_CAPACITY]))


@kernel
def settle(p: Parts, net: Net, u: int) -> None:
    """Rim and bottom, and the low-low level."""
    slot, state, fact = slot_of(net, u), column(net, u, U_STATE), column(net, u, U_FACT)
    height_m, low_m = read(net, slot + HEIGHT), read(net, slot + LOW_LOW)
    if net.states[state] < 0.0:
        net.states[state] = 0.0
    level_m = net.states[state]
    if level_m > height_m:
        note(p, fact, 1.0, level_m)
        net.k[memory_of(net, u)] += (level_m - height_m) * read(net, slot + AREA)
        net.states[state] = height_m
    elif level_m < (1.0 - REARM) * height_m:
        note(p, fact, 0.0, level_m)
    if level_m < low_m:
        note(p, fact + 1, 1.0, level_m)
    elif level_m >= low_m + min(REARM * height_m, low_m):
        note(p, fact + 1, 0.0, level_m)


@kernel
def measure(net: Net, u: int) -> None:
    """Level, volume, temperature, pressure at the bottom, what was spilled, fractions."""
    out, cell = outputs_of(net, u), column(net, u, U_CELL)
    level_m = net.states[column(net, u, U_STATE)]
    net.k[out] = level_m
    net.k[out + 1] = level_m * read(net, slot_of(net, u) + AREA)
    net.k[out + 2] = cell_temperature(net, cell)
    net.k[out + 3] = net.k[net.nodes + NODE_COLUMNS * (column(net, u, U_NODE) + 1) + N_P]
    net.k[out + 4] = net.k[memory_of(net, u)]
    put_fractions(net, cell, out + 5)
