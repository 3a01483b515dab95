r"""Heat exchanger: two liquids through a wall, by effectiveness and number of transfer units.

Called by   ``plant_models.units.library``; kernels by ``plant_models.units.run``.

Equations
---------
.. math::

    Q &= \varepsilon\, \rho c\, q_\mathrm{min} (T_{h,\mathrm{in}} - T_{c,\mathrm{in}}), \qquad
    N = \frac{U\!A (1 - f)}{\rho c\, q_\mathrm{min}}, \qquad r = \frac{q_\mathrm{min}}{q_\mathrm{max}} \\
    \varepsilon &= \frac{1 - e^{-N (1 - r)}}{1 - r e^{-N (1 - r)}} \;\text{(counterflow; } \tfrac{N}{1 + N}
    \text{ for } r = 1\text{)}, \qquad \frac{1 - e^{-N (1 + r)}}{1 + r} \;\text{(parallel flow)} \\
    \varepsilon &= 2 \Big(1 + r + s\, \frac{1 + e^{-N s}}{1 - e^{-N s}}\Big)^{-1}, \;
    s = \sqrt{1 + r^2} \;\text{(one shell pass, two tube passes)} \\
    V_h \dot T_h &= q_h (T_{h,\mathrm{in}} - T_h) - \frac{Q}{\rho c}, \qquad
    V_c \dot T_c = q_c (T_{c,\mathrm{in}} - T_c) + \frac{Q}{\rho c}

In steady state the outlets :math:`T_h, T_c` are those of the textbook; on the way there every side has the inertia of
its content. What the one side loses the other gains, always.

Symbols
-------
========  =======================  =====  ===================================================
symbol    quantity                 unit   meaning
========  =======================  =====  ===================================================
T_h, T_c  hot_/cold_temperature    K      temperature at the outlet of either side
q_h, q_c  hot_flow, cold_flow      m3/s   flows
Q         duty                     W      heat that passes the wall
UA        ua                       W/K    overall coefficient times area
f         fouling                  1      disturbance: share of UA that is lost
V_h, V_c  hot_volume, cold_volume  m3     contents
kv        hot_kv, cold_kv          m3/s   flow of water at a drop of 1 bar
w_k       (each component)         1      mass fractions of either content
Δp        (from kv)                Pa     pressure drop of either side
========  =======================  =====  ===================================================

Validity
--------
Liquids without phase change, UA independent of the flow, no heat to the surroundings. The heat follows the inlet
temperatures at once; the contents are mixed.

Reference
---------
F. P. Incropera, D. P. DeWitt, T. L. Bergman, A. S. Lavine, Fundamentals of Heat and Mass Transfer, 6th ed., 2007,
section 11.4, table 11.3.
"""

import math

from plant_models.kernel import kernel
from plant_models.units.declare import REQUIRED, Quantity, UnitType, flow, passage, share, temperature
from plant_models.units.table import (
    C_FLOW,
    C_HEAT,
    E_HEAD,
    E_ONE_WAY,
    E_R,
    ELEMENT_COLUMNS,
    H_DENSITY,
    H_HEAT_CAPACITY,
    U_CELL,
    U_ELEMENT,
    U_OTHER,
    Net,
    cell_columns,
    cell_temperature,
    column,
    element_flow,
    fill_cell,
    outputs_of,
    read,
    slot_of,
)

UA, ARRANGEMENT, HOT_VOLUME, COLD_VOLUME, HOT_KV, COLD_KV, FOULING = range(7)
COUNTERFLOW, PARALLEL, SHELL_AND_TUBE = range(3)
SMALL_M3_S = 1e-12
NTU_MAX = 500.0  # beyond, the exponential is nothing but trouble

EXCHANGER = UnitType(
    number=6,
    name="exchanger",
    title="Heat exchanger",
    ports=(*passage("hot", "hot_"), *passage("cold", "cold_")),
    parameters=(
        Quantity("ua", "W/K", 0.0, 1e9, "overall coefficient times area", REQUIRED),
        Quantity("arrangement", "1", 0.0, 2.0, "how the liquids pass each other", 0.0,
                 ("counterflow", "parallel", "shell_and_tube")),
        Quantity("hot_volume", "m3", 1e-6, 1e3, "content of the hot side", 0.01),
        Quantity("cold_volume", "m3", 1e-6, 1e3, "content of the cold side", 0.01),
        Quantity("hot_kv", "m3/s", 1e-8, 10.0, "flow of water through the hot side at a drop of 1 bar", REQUIRED),
        Quantity("cold_kv", "m3/s", 1e-8, 10.0, "flow of water through the cold side at a drop of 1 bar", REQUIRED),
    ),
    disturbances=(share("fouling", "share of UA that is lost"),),
    outputs=(
        flow("hot_flow", "flow through the hot side"),
        flow("cold_flow", "flow through the cold side"),
        temperature("hot_temperature", "temperature at the hot side's outlet"),
        temperature("cold_temperature", "temperature at the cold side's outlet"),
        Quantity("duty", "W", -1e12, 1e12, "heat that passes the wall"),
    ),
    cells=("hot", "cold"),
)  # fmt: skip


@kernel
def effectiveness(arrangement: float, ntu: float, ratio: float) -> float:
    """ε(NTU, C_min/C_max): the share of the greatest possible heat that passes."""
    if arrangement == PARALLEL:
        return (1.0 - math.exp(-min(ntu * (1.0 + ratio), NTU_MAX))) / (1.0 + ratio)
    if arrangement == SHELL_AND_TUBE:
        s = math.sqrt(1.0 + ratio * ratio)
        fading = math.exp(-min(ntu * s, NTU_MAX))
        if fading >= 1.0:
            return 0.0
        return 2.0 / (1.0 + ratio + s * (1.0 + fading) / (1.0 - fading))
    if 1.0 - ratio < 1e-6:  # to first order in 1 − r; the formula below would divide two roundings
        return ntu / (1.0 + ntu)
    fading = math.exp(-min(ntu * (1.0 - ratio), NTU_MAX))
    return (1.0 - fading) / (1.0 - ratio * fading)


@kernel
def inlet_k(net: Net, cell: int, flow_m3_s: float) -> float:
    """Temperature of what flows into a cell that is flowed through."""
    row = net.cells + cell_columns(net) * cell
    own_k = cell_temperature(net, cell)
    if abs(flow_m3_s) <= SMALL_M3_S:
        return own_k
    return float(own_k + (net.k[row + C_HEAT] - own_k * net.k[row + C_FLOW]) / abs(flow_m3_s))


@kernel
def side_flow(net: Net, u: int, side: int) -> float:
    """Flow of the hot side (``U_ELEMENT``) or of the cold one (``U_OTHER``), m3/s."""
    return element_flow(net, column(net, u, side))


@kernel
def duty_m3k_s(net: Net, u: int) -> float:
    """Q / (ρ c), from hot to cold."""
    slot, cell = slot_of(net, u), column(net, u, U_CELL)
    hot_m3_s, cold_m3_s = side_flow(net, u, U_ELEMENT), side_flow(net, u, U_OTHER)
    least, most = min(abs(hot_m3_s), abs(cold_m3_s)), max(abs(hot_m3_s), abs(cold_m3_s))
    if least <= SMALL_M3_S:
        return 0.0
    ua_m3_s = read(net, slot + UA) * (1.0 - read(net, slot + FOULING))
    ua_m3_s = ua_m3_s / (net.k[net.head + H_DENSITY] * net.k[net.head + H_HEAT_CAPACITY])
    share_of_most = effectiveness(read(net, slot + ARRANGEMENT), ua_m3_s / least, least / most)
    return share_of_most * least * (inlet_k(net, cell, hot_m3_s) - inlet_k(net, cell + 1, cold_m3_s))


@kernel
def prepare(net: Net, u: int) -> None:
    """Resistances of both sides."""
    slot = slot_of(net, u)
    for side in range(2):
        row = net.elements + ELEMENT_COLUMNS * column(net, u, U_OTHER if side == 1 else U_ELEMENT)
        kv_m3_s = read(net, slot + HOT_KV + side)
        net.k[row + E_HEAD] = 0.0
        net.k[row + E_ONE_WAY] = 0.0
        net.k[row + E_R] = 1e5 * net.k[net.head + H_DENSITY] / 1000.0 / (kv_m3_s * kv_m3_s)


@kernel
def rates(net: Net, u: int) -> None:
    """Both contents."""
    slot, cell = slot_of(net, u), column(net, u, U_CELL)
    duty = duty_m3k_s(net, u)
    fill_cell(net, cell, read(net, slot + HOT_VOLUME), -duty)
    fill_cell(net, cell + 1, read(net, slot + COLD_VOLUME), duty)


@kernel
def measure(net: Net, u: int) -> None:
    """Flows, outlet temperatures, duty."""
    out, cell = outputs_of(net, u), column(net, u, U_CELL)
    net.k[out] = side_flow(net, u, U_ELEMENT)
    net.k[out + 1] = side_flow(net, u, U_OTHER)
    net.k[out + 2] = cell_temperature(net, cell)
    net.k[out + 3] = cell_temperature(net, cell + 1)
    net.k[out + 4] = duty_m3k_s(net, u) * net.k[net.head + H_DENSITY] * net.k[net.head + H_HEAT_CAPACITY]
