r"""Separator: an upright vessel in which dissolved gas leaves the liquid; level and pressure.

Called by   ``plant_models.units.library``; kernels by ``plant_models.units.run``.

The feed is a liquid in which one of the components, named by ``gas``, is dissolved. In the vessel it comes out of the
liquid with a time constant, collects above it, and leaves through a vent valve of the vessel's own to a gas header.
What has not come out leaves with the liquid (carry-under).

Equations
---------
.. math::

    V &= A h, \qquad W = \rho V w_g / \tau \\
    A \dot h &= \sum q_\mathrm{in} - \sum q_\mathrm{out} - W / \rho, \qquad
    \dot m = W - W_\mathrm{vent} \\
    p &= \frac{m R T}{M A (H - h)}, \qquad p_\mathrm{outlet} = p + \rho g h \\
    W_\mathrm{vent} &= K_v z \Big(1 - \frac{x}{3 x_T}\Big) \sqrt{\frac{x\, p\, \rho_g \cdot 1000}{10^5}}, \qquad
    x = \min\!\Big(\frac{p - p_\mathrm{header}}{p}, x_T\Big), \; x_T = 0.7

The balances of heat and of the other components are those of a tank; gas takes along its share of both.

Symbols
-------
========  =================  ======  =====================================================
symbol    quantity           unit    meaning
========  =================  ======  =====================================================
h         level              m       level of the liquid
m         gas_mass           kg      gas above the liquid
p         pressure           Pa      pressure in the vessel (absolute)
T         temperature        K       temperature of both
w_k       (each component)   1       mass fractions in the liquid
W         release            kg/s    gas that comes out of the liquid
W_vent    gas_flow           kg/s    gas that leaves
z         vent               1       opening of the vent valve
K_v       vent_kv            m3/s    of the vent valve, for water
p_header  header             Pa      pressure of the gas header
A, H      area, height       m2, m   cross-section and height of the vessel
τ         release_time       s       time constant of the release
M         molar_mass         kg/mol  of the gas
========  =================  ======  =====================================================

Validity
--------
Ideal gas at the liquid's temperature; nothing stays dissolved for ever (no solubility), no vapour of the liquid. Level
from 1 % to 99 % of the height; nothing flows back into the feed line.

Reference
---------
IEC 60534-2-1 (2011), flow equations for compressible fluids; M. Stewart and K. Arnold, Gas-Liquid and Liquid-Liquid
Separators, 2008, chapter 3 (retention time).
"""

import math
from collections.abc import Mapping

from plant_models.kernel import Parts, kernel, note
from plant_models.units.declare import REQUIRED, Fact, Port, Quantity, UnitType, pressure, share, temperature
from plant_models.units.table import (
    C_FLOW,
    C_X,
    G_M_S2,
    H_DENSITY,
    N_GIVES,
    N_P,
    NODE_COLUMNS,
    U_CELL,
    U_FACT,
    U_LINK,
    U_NODE,
    U_STATE,
    Net,
    cell_columns,
    cell_fraction,
    cell_temperature,
    column,
    fill_cell,
    outputs_of,
    put_fractions,
    read,
    slot_of,
    within,
)

AREA, HEIGHT, RELEASE_TIME, MOLAR_MASS, VENT_KV, VENT, HEADER = range(7)
R_J_MOL_K = 8.314462618
X_T = 0.7
DRY = 0.01  # of the height


def gas_at_start(given: Mapping[str, float]) -> dict[str, float]:
    """The mass of gas that has the pressure that the file gives."""
    free_m3 = given["area"] * max(given["height"] - given["h"], DRY * given["height"])
    return {"m": given["pressure"] * free_m3 * given["molar_mass"] / (R_J_MOL_K * given["T"])}


SEPARATOR = UnitType(
    number=8,
    name="separator",
    title="Separator",
    ports=(
        Port("inlet", "in", "feed, above the liquid", many=True, one_way=True, node=0),
        Port("outlet", "out", "liquid, at the bottom", many=True, node=1),
    ),
    parameters=(
        Quantity("area", "m2", 1e-3, 1e3, "cross-section", REQUIRED),
        Quantity("height", "m", 0.1, 50.0, "height of the vessel", REQUIRED),
        Quantity("release_time", "s", 0.5, 3600.0, "time constant with which gas leaves the liquid", 10.0),
        Quantity("molar_mass", "kg/mol", 0.002, 0.3, "molar mass of the gas", 0.029),
        Quantity("vent_kv", "m3/s", 1e-8, 10.0, "K_v of the vent valve, for water", REQUIRED),
    ),
    inputs=(share("vent", "opening of the vent valve"),),
    disturbances=(pressure("header", "pressure of the gas header"),),
    states=(
        Quantity("h", "m", 0.0, 50.0, "level of the liquid", REQUIRED, key="level"),
        Quantity("m", "kg", 0.0, 1e6, "gas above the liquid", key="gas_mass"),
    ),
    outputs=(
        Quantity("level", "m", 0.0, 50.0, "level of the liquid"),
        pressure("pressure", "pressure in the vessel"),
        temperature("temperature", "temperature of the liquid"),
        Quantity("gas_flow", "kg/s", 0.0, 1e4, "gas that leaves through the vent"),
        Quantity("release", "kg/s", 0.0, 1e4, "gas that comes out of the liquid"),
        Quantity("gas_mass", "kg", 0.0, 1e6, "gas above the liquid"),
    ),
    facts=(
        Fact("carry_over", "is full: liquid would go with the gas"),
        Fact("gas_blow_by", "has hardly any liquid: gas would go with it"),
    ),
    cells=("",),
    texts=("gas",),
    starts=(pressure("pressure", "pressure in the vessel, instead of the mass of gas"),),
    start=gas_at_start,
    fractions_out=True,
)


@kernel
def pressure_pa(net: Net, u: int) -> float:
    """Ideal gas in what the liquid leaves free, at least 1 % of the vessel."""
    slot, state = slot_of(net, u), column(net, u, U_STATE)
    height_m = read(net, slot + HEIGHT)
    free_m3 = read(net, slot + AREA) * max(height_m - net.states[state], DRY * height_m)
    moles = max(net.states[state + 1], 0.0) / read(net, slot + MOLAR_MASS)
    return float(moles * R_J_MOL_K * cell_temperature(net, column(net, u, U_CELL)) / free_m3)


@kernel
def vent_kg_s(net: Net, u: int, inside_pa: float) -> float:
    """Gas through the vent valve; choked beyond x_T, nothing flows back."""
    slot = slot_of(net, u)
    header_pa = read(net, slot + HEADER)
    if inside_pa <= header_pa or inside_pa <= 0.0:
        return 0.0
    x = min((inside_pa - header_pa) / inside_pa, X_T)
    temperature_k = cell_temperature(net, column(net, u, U_CELL))
    density = inside_pa * read(net, slot + MOLAR_MASS) / (R_J_MOL_K * temperature_k)
    kv_m3_s = read(net, slot + VENT_KV) * within(read(net, slot + VENT), 0.0, 1.0)
    return kv_m3_s * (1.0 - x / (3.0 * X_T)) * math.sqrt(x * inside_pa * density * 0.01)


@kernel
def release_kg_s(net: Net, u: int) -> float:
    """Gas that comes out of the liquid."""
    slot, cell = slot_of(net, u), column(net, u, U_CELL)
    volume_m3 = read(net, slot + AREA) * max(net.states[column(net, u, U_STATE)], 0.0)
    fraction = cell_fraction(net, cell, column(net, u, U_LINK))
    return float(net.k[net.head + H_DENSITY] * volume_m3 * fraction / read(net, slot + RELEASE_TIME))


@kernel
def prepare(net: Net, u: int) -> None:
    """Pressures above the liquid and under it."""
    slot, row = slot_of(net, u), net.nodes + NODE_COLUMNS * column(net, u, U_NODE)
    inside_pa, level_m = pressure_pa(net, u), net.states[column(net, u, U_STATE)]
    net.k[row + N_P] = inside_pa
    net.k[row + N_GIVES] = 0.0
    net.k[row + NODE_COLUMNS + N_P] = inside_pa + net.k[net.head + H_DENSITY] * G_M_S2 * max(level_m, 0.0)
    net.k[row + NODE_COLUMNS + N_GIVES] = within(level_m / (DRY * read(net, slot + HEIGHT)), 0.0, 1.0)


@kernel
def rates(net: Net, u: int) -> None:
    """Liquid, gas, heat, components."""
    slot, state, cell = slot_of(net, u), column(net, u, U_STATE), column(net, u, U_CELL)
    area_m2 = read(net, slot + AREA)
    released = release_kg_s(net, u)
    lost_m3_s = released / net.k[net.head + H_DENSITY]
    net.rates[state] = (net.k[net.cells + cell_columns(net) * cell + C_FLOW] - lost_m3_s) / area_m2
    net.rates[state + 1] = released - vent_kg_s(net, u, pressure_pa(net, u))
    volume_m3 = area_m2 * max(net.states[state], DRY * read(net, slot + HEIGHT))
    fill_cell(net, cell, volume_m3, 0.0)
    at_x = int(net.k[net.cells + cell_columns(net) * cell + C_X])
    gas = column(net, u, U_LINK)
    for k in range(net.components):  # what the gas takes along is gas and nothing else
        own = 1.0 if k == gas else 0.0
        net.rates[at_x + k] -= lost_m3_s * (own - net.states[at_x + k]) / volume_m3


@kernel
def settle(p: Parts, net: Net, u: int) -> None:
    """Full and empty."""
    state, fact = column(net, u, U_STATE), column(net, u, U_FACT)
    height_m = read(net, slot_of(net, u) + HEIGHT)
    net.states[state] = within(net.states[state], 0.0, height_m)
    net.states[state + 1] = max(net.states[state + 1], 0.0)
    level_m = net.states[state]
    if level_m >= 0.99 * height_m:
        note(p, fact, 1.0, level_m)
    elif level_m < 0.98 * height_m:
        note(p, fact, 0.0, level_m)
    if level_m <= DRY * height_m:
        note(p, fact + 1, 1.0, level_m)
    elif level_m > 2.0 * DRY * height_m:
        note(p, fact + 1, 0.0, level_m)


@kernel
def measure(net: Net, u: int) -> None:
    """Level, pressure, temperature, gas flows, gas mass, fractions."""
    out, state, cell = outputs_of(net, u), column(net, u, U_STATE), column(net, u, U_CELL)
    inside_pa = pressure_pa(net, u)
    net.k[out] = net.states[state]
    net.k[out + 1] = inside_pa
    net.k[out + 2] = cell_temperature(net, cell)
    net.k[out + 3] = vent_kg_s(net, u, inside_pa)
    net.k[out + 4] = release_kg_s(net, u)
    net.k[out + 5] = net.states[state + 1]
    put_fractions(net, cell, out + 6)
