r"""Centrifugal pump: head over flow, speed, power, check valve, running dry and against a closed valve.

Called by   ``plant_models.units.library``; kernels by ``plant_models.units.run``.

A pump that is ``driven_by`` a motor turns as the motor does; without one its speed is an input.

Equations
---------
.. math::

    H(q, n) &= H_0\, n^2 - (H_0 - H_r) \Big(\frac{q}{q_r}\Big)^{2}, \qquad \Delta p = \rho g H \\
    P(q, n) &= \frac{\rho g H_r q_r}{\eta}\, n^3 \Big(0.4 + 0.6\, \frac{q}{n\, q_r}\Big)

The curve goes through the shut-off head :math:`H_0` and the rated point :math:`(q_r, H_r)` and follows the affinity
laws. With ``check_valve`` nothing flows back through a pump that stands.

Symbols
-------
==========  ==================  =====  =====================================================
symbol      quantity            unit   meaning
==========  ==================  =====  =====================================================
n           speed               1      speed, share of the rated one
H           head                m      head that it delivers
q           flow                m3/s   flow
P           power               W      power at the shaft
Δp          (from pressures)    Pa     suction_pressure, discharge_pressure: before and after it
H_0         shutoff_head        m      head without flow at rated speed
H_r         rated_head          m      head at the rated flow
q_r         rated_flow          m3/s   rated flow
η           efficiency          1      at the rated point
f           failed              1      disturbance: share of the head that is lost (wear, gas)
==========  ==================  =====  =====================================================

``deadhead`` holds while it turns (above half speed) with less than 1 % of its rated flow; ``running`` is 1 above 5 %
speed.

Validity
--------
Forward rotation, flows up to where the head is zero (beyond, the pump is a resistance). No cavitation.

Reference
---------
I. J. Karassik et al., Pump Handbook, 4th ed., 2008, chapter 2.3 (performance curves, affinity laws, power at shut-off).
"""

from plant_models.kernel import Parts, kernel, note
from plant_models.units.declare import REQUIRED, Fact, Quantity, UnitType, flow, passage, pressure, share
from plant_models.units.table import (
    E_HEAD,
    E_ONE_WAY,
    E_P_IN,
    E_P_OUT,
    E_R,
    ELEMENT_COLUMNS,
    G_M_S2,
    H_DENSITY,
    U_ELEMENT,
    U_FACT,
    U_LINK,
    Net,
    column,
    element_flow,
    outputs_of,
    read,
    slot_of,
    within,
)

SHUTOFF_HEAD, RATED_HEAD, RATED_FLOW, EFFICIENCY, CHECK_VALVE, SPEED, FAILED = range(7)
AT_SHUTOFF = 0.4  # share of the rated power without flow
RUNNING, HALF_SPEED, NO_FLOW = 0.05, 0.5, 0.01

PUMP = UnitType(
    number=4,
    name="pump",
    title="Centrifugal pump",
    ports=passage(),
    parameters=(
        Quantity("shutoff_head", "m", 0.1, 5000.0, "head without flow at rated speed", REQUIRED),
        Quantity("rated_head", "m", 0.0, 5000.0, "head at the rated flow; below the shut-off head", REQUIRED),
        Quantity("rated_flow", "m3/s", 1e-8, 10.0, "rated flow", REQUIRED),
        Quantity("efficiency", "1", 0.05, 1.0, "at the rated point", 0.7),
        Quantity("check_valve", "1", 0.0, 1.0, "nothing flows back through it", 1.0, ("no", "yes")),
    ),
    inputs=(share("speed", "speed, share of the rated one; not when a motor drives the pump"),),
    disturbances=(share("failed", "share of the head that is lost (wear, gas)"),),
    outputs=(
        flow("flow", "flow through the pump"),
        Quantity("head", "m", -5000.0, 5000.0, "head that it delivers"),
        pressure("suction_pressure", "pressure before the pump"),
        pressure("discharge_pressure", "pressure behind the pump"),
        Quantity("power", "W", 0.0, 1e9, "power at the shaft"),
        share("running", "1 while it turns"),
    ),
    facts=(Fact("deadhead", "turns against a closed valve"),),
    texts=("driven_by",),
)


@kernel
def speed_of(net: Net, u: int) -> float:
    """Share of the rated speed."""
    return within(read(net, slot_of(net, u) + SPEED), 0.0, 1.0)


@kernel
def prepare(net: Net, u: int) -> None:
    """Shut-off head as the element's head, the curve's fall as its resistance."""
    slot, row = slot_of(net, u), net.elements + ELEMENT_COLUMNS * column(net, u, U_ELEMENT)
    weight, speed = net.k[net.head + H_DENSITY] * G_M_S2, speed_of(net, u)
    shutoff_m, rated_m = read(net, slot + SHUTOFF_HEAD), read(net, slot + RATED_HEAD)
    flow_m3_s = read(net, slot + RATED_FLOW)
    fall_m = max(shutoff_m - rated_m, 1e-3 * shutoff_m)
    net.k[row + E_HEAD] = weight * shutoff_m * speed * speed * (1.0 - read(net, slot + FAILED))
    net.k[row + E_R] = weight * fall_m / (flow_m3_s * flow_m3_s)
    net.k[row + E_ONE_WAY] = read(net, slot + CHECK_VALVE)


@kernel
def power_w(net: Net, u: int) -> float:
    """Power at the shaft, W, at the flow as it is."""
    slot, speed = slot_of(net, u), speed_of(net, u)
    rated_m3_s = read(net, slot + RATED_FLOW)
    rated_w = net.k[net.head + H_DENSITY] * G_M_S2 * read(net, slot + RATED_HEAD) * rated_m3_s
    rated_w = rated_w / read(net, slot + EFFICIENCY)
    forward = max(element_flow(net, column(net, u, U_ELEMENT)), 0.0) / rated_m3_s
    return float(rated_w * speed * speed * (AT_SHUTOFF * speed + (1.0 - AT_SHUTOFF) * forward))


@kernel
def load_motor(net: Net, u: int) -> None:
    """Tell the motor what the pump takes."""
    load = column(net, u, U_LINK)
    if load >= 0:
        net.k[net.memory + load] += power_w(net, u)


@kernel
def settle(p: Parts, net: Net, u: int) -> None:
    """Whether it turns against a closed valve."""
    flow_m3_s = element_flow(net, column(net, u, U_ELEMENT))
    rated_m3_s = read(net, slot_of(net, u) + RATED_FLOW)
    blocked = speed_of(net, u) > HALF_SPEED and flow_m3_s < NO_FLOW * rated_m3_s
    note(p, column(net, u, U_FACT), 1.0 if blocked else 0.0, flow_m3_s)


@kernel
def measure(net: Net, u: int) -> None:
    """Flow, head, pressures, power, running."""
    out, element = outputs_of(net, u), column(net, u, U_ELEMENT)
    row = net.elements + ELEMENT_COLUMNS * element
    rise_pa = net.k[row + E_P_OUT] - net.k[row + E_P_IN]
    net.k[out] = element_flow(net, element)
    net.k[out + 1] = rise_pa / (net.k[net.head + H_DENSITY] * G_M_S2)
    net.k[out + 2] = net.k[row + E_P_IN]
    net.k[out + 3] = net.k[row + E_P_OUT]
    net.k[out + 4] = power_w(net, u)
    net.k[out + 5] = 1.0 if speed_of(net, u) > RUNNING else 0.0
