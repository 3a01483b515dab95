r"""Motor: start and stop, ramps, current, thermal overload and trip; it drives the pumps that name it.

Called by   ``plant_models.units.library``; kernels by ``plant_models.units.run``.

Equations
---------
.. math::

    \dot n &= \operatorname{clip}\!\Big(\frac{n^* - n}{0.5\,\mathrm{s}},\, -\frac{1}{t_\mathrm{coast}},\,
    \frac{1}{t_\mathrm{ramp}}\Big), \qquad n^* = n_\mathrm{demand} \;\text{while it runs, else 0} \\
    I &= I_r \Big(i_0 + (1 - i_0) \frac{P}{P_r} + (k - 1) \sigma\Big), \qquad
    \sigma = \max\!\Big(1 - \frac{n}{n^*}, 0\Big) \;\text{while it runs, else } I = 0 \\
    \tau_\theta \dot \theta &= (I / I_r)^2 - \theta, \qquad \text{trip when } \theta > i_\mathrm{trip}^2

A trip (by overload, or by the disturbance ``trip``) stops the motor and stays until ``start`` is taken away and the
winding has cooled below :math:`\theta` = 1. ``running`` is 1 above 5 % speed, ``tripped`` 1 until the reset.

Symbols
-------
========  =================  =====  =====================================================
symbol    quantity           unit   meaning
========  =================  =====  =====================================================
start     start              1      1 = run (maintained contact)
n_demand  speed_demand       1      demanded speed, share of the rated one
n         speed              1      speed
θ         heat               1      heat of the winding, 1 at rated current for ever
I         current            A      current
P         (of the pumps)     W      power at the shaft
I_r, P_r  rated_current, rated_power  A, W  rated current; rated power of the shaft
i_0       idle               1      share of the rated current without load
k         inrush             1      current at standstill over rated current
t_ramp    ramp               s      from standstill to full speed
t_coast   coast              s      from full speed to standstill
i_trip    overload           1      current over rated current that trips after a long time
τ_θ       thermal_time       s      thermal time constant
========  =================  =====  =====================================================

Validity
--------
A drive seen from the process: no torques, no voltage. Inrush 6 fits a direct start, 1.2 a frequency converter.

Reference
---------
IEC 60255-149 (2013), thermal overload protection; IEC 60034-12 (2016), starting performance.
"""

from collections.abc import Mapping

from plant_models.kernel import Parts, kernel, note
from plant_models.units.declare import REQUIRED, Fact, Quantity, UnitType, share
from plant_models.units.table import U_FACT, U_STATE, Net, column, memory_of, outputs_of, read, slot_of, within

RAMP, COAST, RATED_CURRENT, RATED_POWER, IDLE, INRUSH, OVERLOAD, THERMAL_TIME = range(8)
START, SPEED_DEMAND, TRIP = range(8, 11)
LOAD, TRIPPED = range(2)  # memory
FOLLOWS_S = 0.5
TURNS = 0.05


def at_speed(given: Mapping[str, float]) -> dict[str, float]:
    """A motor that is started begins at its speed."""
    return {"n": given["speed_demand"] if given["start"] >= 0.5 else 0.0}


MOTOR = UnitType(
    number=9,
    name="motor",
    title="Motor",
    parameters=(
        Quantity("ramp", "s", 0.1, 600.0, "from standstill to full speed", 3.0),
        Quantity("coast", "s", 0.1, 3600.0, "from full speed to standstill", 5.0),
        Quantity("rated_current", "A", 1e-3, 1e5, "rated current", REQUIRED),
        Quantity("rated_power", "W", 1e-3, 1e9, "rated power at the shaft", REQUIRED),
        share("idle", "share of the rated current without load", 0.3),
        Quantity("inrush", "1", 1.0, 12.0, "current at standstill over rated current", 6.0),
        Quantity("overload", "1", 1.0, 3.0, "current over rated current that trips after a long time", 1.15),
        Quantity("thermal_time", "s", 1.0, 36000.0, "thermal time constant", 600.0),
    ),
    inputs=(share("start", "1 = run (maintained contact)"), share("speed_demand", "demanded speed", 1.0)),
    disturbances=(share("trip", "1 = tripped by something outside"),),
    states=(
        Quantity("n", "1", -1e-6, 1.0 + 1e-6, "speed", key="speed"),
        Quantity("theta", "1", -1e-6, 1e3, "heat of the winding", key="heat"),
    ),
    outputs=(
        share("running", "1 while it turns"),
        share("speed", "speed, share of the rated one"),
        Quantity("current", "A", 0.0, 1e6, "current"),
        share("tripped", "1 after a trip, until it is reset"),
        Quantity("heat", "1", 0.0, 1e3, "heat of the winding"),
    ),
    facts=(Fact("tripped", "has tripped"),),
    memory=2,
    start=at_speed,
)


@kernel
def runs(net: Net, u: int) -> bool:
    """Started and not tripped."""
    slot = slot_of(net, u)
    tripped = net.k[memory_of(net, u) + TRIPPED] != 0.0 or read(net, slot + TRIP) >= 0.5
    return read(net, slot + START) >= 0.5 and not tripped


@kernel
def target_of(net: Net, u: int) -> float:
    """Speed at which it aims."""
    return within(read(net, slot_of(net, u) + SPEED_DEMAND), 0.0, 1.0) if runs(net, u) else 0.0


@kernel
def prepare(net: Net, u: int) -> None:
    """No load yet; the pumps add theirs when flows are known."""
    net.k[memory_of(net, u) + LOAD] = 0.0


@kernel
def current_a(net: Net, u: int) -> float:
    """Current at the load as it is."""
    slot, target = slot_of(net, u), target_of(net, u)
    if target <= 0.0:
        return 0.0
    idle = read(net, slot + IDLE)
    load = net.k[memory_of(net, u) + LOAD] / read(net, slot + RATED_POWER)
    slip = max(1.0 - net.states[column(net, u, U_STATE)] / target, 0.0)
    inrush = (read(net, slot + INRUSH) - 1.0) * slip
    return float(read(net, slot + RATED_CURRENT) * (idle + (1.0 - idle) * load + inrush))


@kernel
def rates(net: Net, u: int) -> None:
    """Speed and heat."""
    slot, state = slot_of(net, u), column(net, u, U_STATE)
    up, down = 1.0 / read(net, slot + RAMP), 1.0 / read(net, slot + COAST)
    net.rates[state] = within((target_of(net, u) - net.states[state]) / FOLLOWS_S, -down, up)
    ratio = current_a(net, u) / read(net, slot + RATED_CURRENT)
    net.rates[state + 1] = (ratio * ratio - net.states[state + 1]) / read(net, slot + THERMAL_TIME)


@kernel
def settle(p: Parts, net: Net, u: int) -> None:
    """Trip and reset."""
    slot, m = slot_of(net, u), memory_of(net, u)
    heat, limit = net.states[column(net, u, U_STATE) + 1], read(net, slot + OVERLOAD)
    outside = read(net, slot + TRIP) >= 0.5
    if outside or heat > limit * limit:
        net.k[m + TRIPPED] = 1.0
    elif read(net, slot + START) < 0.5 and heat < 1.0:
        net.k[m + TRIPPED] = 0.0
    note(p, column(net, u, U_FACT), net.k[m + TRIPPED], heat)


@kernel
def measure(net: Net, u: int) -> None:
    """Running, speed, current, tripped, heat."""
    out, state = outputs_of(net, u), column(net, u, U_STATE)
    net.k[out] = 1.0 if net.states[state] > TURNS else 0.0
    net.k[out + 1] = net.states[state]
    net.k[out + 2] = current_a(net, u)
    net.k[out + 3] = net.k[memory_of(net, u) + TRIPPED]
    net.k[out + 4] = net.states[state + 1]
