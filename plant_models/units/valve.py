r"""Control valve: characteristic, actuator with stroke time and air failure, stiction, backlash.

Called by   ``plant_models.units.library``; kernels by ``plant_models.units.run``.

Equations
---------
.. math::

    q &= K_v\, f(z) \sqrt{\frac{\Delta p}{1\,\mathrm{bar}} \cdot \frac{1000\,\mathrm{kg/m^3}}{\rho}} \\
    f(z) &= z \;\text{(linear)}, \qquad R^{\,z - 1} \;\text{(equal percentage)}, \qquad
    \sqrt{z} \;\text{(quick opening)} \\
    \dot x &= \operatorname{clip}\!\Big(\frac{u - x}{\tau}, \pm\frac{1}{t_\mathrm{stroke}}\Big)

An equal-percentage valve closes tightly: below :math:`z` = 0.02 its characteristic goes linearly to 0 (the seat).
``leakage`` is the smallest :math:`f`.

The stem :math:`s` follows the actuator :math:`x` with stiction: it rests until :math:`|x - s| > (S + J)/2`, then jumps
by :math:`J` and moves with the actuator, :math:`(S - J)/2` behind it, until the actuator turns round or stops
(two-parameter model: after a turn the actuator travels :math:`S` before the stem comes free; :math:`J \le S`). The plug
:math:`z` follows the stem with play: it stays until the stem has moved by the backlash :math:`b`, :math:`s - b/2 \le z
\le s + b/2`. Both are looked at once a step.

When the air fails the actuator goes, at its stroke time, to where the spring pushes it: closed, open, or it stays
(last).

Symbols
-------
========  =================  =====  =====================================================
symbol    quantity           unit   meaning
========  =================  =====  =====================================================
u         demand             1      demanded opening
x         position           1      position of the actuator
z         opening            1      opening of the plug
q         flow               m3/s   flow
Δp        pressure_drop      Pa     pressure drop
K_v       kv                 m3/s   flow of water at 1 bar when fully open
R         rangeability       1      f(1) / f(0) of an equal-percentage valve
t_stroke  stroke_time        s      time for the full stroke
τ         lag                s      lag of the positioner
S, J      stiction, jump     1      band in which the stem sticks, and by which it jumps
b         backlash           1      play between stem and plug
========  =================  =====  =====================================================

Validity
--------
Turbulent flow of a liquid without cavitation or choking. ``stuck`` holds the actuator, ``blocked`` takes its share of
K_v.

Reference
---------
IEC 60534-2-1 (2011), flow equations for incompressible fluids; IEC 60534-2-4 (2009), inherent characteristics and
rangeability; M. A. A. S. Choudhury, N. F. Thornhill, S. L. Shah, Modelling valve stiction, Control Engineering Practice
13 (2005), 641–658.
"""

import math
from collections.abc import Mapping

from plant_models.kernel import kernel
from plant_models.units.declare import P_MAX_PA, REQUIRED, Quantity, UnitType, flow, passage, share
from plant_models.units.table import (
    CLOSED,
    E_HEAD,
    E_ONE_WAY,
    E_P_IN,
    E_P_OUT,
    E_R,
    ELEMENT_COLUMNS,
    H_DENSITY,
    U_ELEMENT,
    U_STATE,
    Net,
    column,
    element_flow,
    memory_of,
    outputs_of,
    read,
    slot_of,
    within,
)

KV, CHARACTERISTIC, RANGEABILITY, STROKE_TIME, LAG, STICTION, JUMP, BACKLASH, AIR_FAILURE, LEAKAGE = range(10)
DEMAND, AIR_FAILED, STUCK, BLOCKED = range(10, 14)
LINEAR, EQUAL_PERCENTAGE, QUICK_OPENING = range(3)
TO_CLOSED, TO_OPEN, TO_LAST = range(3)
STEM, PLUG, MOVED, WAY, SEEDED = range(5)  # memory
SEAT = 0.02


def at_demand(given: Mapping[str, float]) -> dict[str, float]:
    """A valve begins where it is asked to be."""
    return {"x": given["demand"]}


VALVE = UnitType(
    number=3,
    name="valve",
    title="Control valve",
    ports=passage(),
    parameters=(
        Quantity("kv", "m3/s", 1e-8, 10.0, "flow of water at 1 bar when fully open", REQUIRED),
        Quantity("characteristic", "1", 0.0, 2.0, "inherent characteristic", 0.0,
                 ("linear", "equal_percentage", "quick_opening")),
        Quantity("rangeability", "1", 5.0, 1000.0, "of an equal-percentage valve", 50.0),
        Quantity("stroke_time", "s", 0.1, 3600.0, "time for the full stroke", 5.0),
        Quantity("lag", "s", 0.05, 600.0, "lag of the positioner", 0.5),
        share("stiction", "band in which the stem sticks"),
        share("jump", "by how much the stem jumps when it comes free"),
        share("backlash", "play between stem and plug"),
        Quantity("air_failure", "1", 0.0, 2.0, "where it goes without air", 0.0, ("closed", "open", "last")),
        share("leakage", "share of kv that passes when it is closed"),
    ),
    inputs=(share("demand", "demanded opening"),),
    disturbances=(
        share("air_failed", "1 = there is no air"),
        share("stuck", "1 = the actuator does not move"),
        share("blocked", "share of the flow area that is blocked"),
    ),
    states=(Quantity("x", "1", -1e-6, 1.0 + 1e-6, "position of the actuator", key="position"),),
    outputs=(
        flow("flow", "flow through the valve"),
        share("position", "position of the actuator"),
        share("opening", "opening of the plug"),
        Quantity("pressure_drop", "Pa", -P_MAX_PA, P_MAX_PA, "pressure drop"),
    ),
    memory=5,
    start=at_demand,
)  # fmt: skip


@kernel
def characteristic(kind: float, rangeability: float, opening: float) -> float:
    """Share of K_v at an opening from 0 to 1."""
    z = within(opening, 0.0, 1.0)
    if kind == EQUAL_PERCENTAGE:
        if z < SEAT:
            return z / SEAT * math.exp((SEAT - 1.0) * math.log(rangeability))
        return math.exp((z - 1.0) * math.log(rangeability))
    if kind == QUICK_OPENING:
        return math.sqrt(z)
    return z


@kernel
def opening_of(net: Net, u: int) -> float:
    """Where the plug is: the actuator itself when nothing sticks and nothing has play."""
    slot, memory = slot_of(net, u), memory_of(net, u)
    if read(net, slot + STICTION) == 0.0 and read(net, slot + BACKLASH) == 0.0:
        return within(net.states[column(net, u, U_STATE)], 0.0, 1.0)
    return within(net.k[memory + PLUG], 0.0, 1.0)


@kernel
def prepare(net: Net, u: int) -> None:
    """Resistance: R q |q| is the pressure drop."""
    slot, row = slot_of(net, u), net.elements + ELEMENT_COLUMNS * column(net, u, U_ELEMENT)
    net.k[row + E_HEAD] = 0.0
    net.k[row + E_ONE_WAY] = 0.0
    share_of_kv = characteristic(read(net, slot + CHARACTERISTIC), read(net, slot + RANGEABILITY), opening_of(net, u))
    share_of_kv = max(share_of_kv, read(net, slot + LEAKAGE)) * (1.0 - read(net, slot + BLOCKED))
    kv_m3_s = share_of_kv * read(net, slot + KV)
    if kv_m3_s <= 0.0:
        net.k[row + E_R] = CLOSED
    else:
        net.k[row + E_R] = 1e5 * net.k[net.head + H_DENSITY] / 1000.0 / (kv_m3_s * kv_m3_s)


@kernel
def rates(net: Net, u: int) -> None:
    """The actuator on its way to the demand, or to where the spring pushes it."""
    slot, state = slot_of(net, u), column(net, u, U_STATE)
    position = net.states[state]
    target = within(read(net, slot + DEMAND), 0.0, 1.0)
    if read(net, slot + AIR_FAILED) >= 0.5:
        failure = read(net, slot + AIR_FAILURE)
        target = 0.0 if failure == TO_CLOSED else (1.0 if failure == TO_OPEN else position)
    fastest = 1.0 / read(net, slot + STROKE_TIME)
    net.rates[state] = within((target - position) / read(net, slot + LAG), -fastest, fastest)
    if read(net, slot + STUCK) >= 0.5:
        net.rates[state] = 0.0


@kernel
def settle(net: Net, u: int) -> None:
    """Stem and plug, once a step."""
    slot, m = slot_of(net, u), memory_of(net, u)
    position = net.states[column(net, u, U_STATE)]
    if net.k[m + SEEDED] == 0.0:
        net.k[m + SEEDED] = 1.0
        net.k[m + STEM] = position
        net.k[m + PLUG] = position
        net.k[m + MOVED] = position
    band, jump = read(net, slot + STICTION), min(read(net, slot + JUMP), read(net, slot + STICTION))
    stem, way = net.k[m + STEM], net.k[m + WAY]
    move = position - net.k[m + MOVED]
    net.k[m + MOVED] = position
    if way * move <= 0.0:
        way = 0.0  # it stopped or turned round: the stem sticks
    if way == 0.0 and abs(position - stem) > 0.5 * (band + jump):
        way = 1.0 if position > stem else -1.0
    if way != 0.0:
        stem = position - way * 0.5 * (band - jump)
    net.k[m + STEM] = stem
    net.k[m + WAY] = way
    half = 0.5 * read(net, slot + BACKLASH)
    net.k[m + PLUG] = within(net.k[m + PLUG], stem - half, stem + half)


@kernel
def measure(net: Net, u: int) -> None:
    """Flow, positions, pressure drop."""
    out, element = outputs_of(net, u), column(net, u, U_ELEMENT)
    row = net.elements + ELEMENT_COLUMNS * element
    net.k[out] = element_flow(net, element)
    net.k[out + 1] = net.states[column(net, u, U_STATE)]
    net.k[out + 2] = opening_of(net, u)
    net.k[out + 3] = net.k[row + E_P_IN] - net.k[row + E_P_OUT]
