r"""Transmitter: what an instrument makes of a quantity: lag, then dead time, then bias; it can freeze.

Called by   ``plant_models.units.library``; kernels by ``plant_models.units.run``.

``measures: T-101.level`` names an output of another unit; the reading has its unit. Lags of electronics can as well be
given in field.yaml (``signal: {lag: …}``); this unit is for what belongs to the process: a thermowell, a sample line.

Equations
---------
.. math::

    \tau \dot y = u - y, \qquad r(t) = y(t - \theta) + \beta

The delay line keeps samples of :math:`y`, one a step but no more than 500 over the dead time, and interpolates
linearly. While ``frozen`` is 1 the reading stays.

Symbols
-------
========  =================  =====  =====================================================
symbol    quantity           unit   meaning
========  =================  =====  =====================================================
u         (measured)         (its)  the output that it measures
y         lagged             (its)  after the lag
r         reading            (its)  what it says
τ         lag                s      lag (a sensor in its pocket)
θ         dead_time          s      dead time (a sample line)
β         bias               (its)  disturbance: what it says too much
frozen    frozen             1      disturbance: 1 = the reading stays
========  =================  =====  =====================================================

Validity
--------
Lag from 0.05 s. Changes faster than 1/500 of the dead time are interpolated.

Reference
---------
D. E. Seborg, T. F. Edgar, D. A. Mellichamp, F. J. Doyle, Process Dynamics and Control, 4th ed., 2016, sections 6.2 and
9.1.
"""

from plant_models.kernel import kernel
from plant_models.units.declare import Quantity, UnitType, share
from plant_models.units.table import U_LINK, U_STATE, Net, column, memory_of, outputs_of, read, slot_of

LAG, DEAD_TIME, BIAS, FROZEN = range(4)
COUNT, NEXT, HELD, RING = range(4)  # memory: samples kept, where the next goes, last reading, then times and values
SAMPLES = 512
SPACINGS = 500.0

TRANSMITTER = UnitType(
    number=10,
    name="transmitter",
    title="Transmitter",
    parameters=(
        Quantity("lag", "s", 0.05, 3600.0, "lag (a sensor in its pocket)", 0.5),
        Quantity("dead_time", "s", 0.0, 3600.0, "dead time (a sample line)"),
    ),
    disturbances=(
        Quantity("bias", "", -1e9, 1e9, "what it says too much"),
        share("frozen", "1 = the reading stays"),
    ),
    states=(Quantity("y", "", -1e12, 1e12, "what it measures, after the lag", key="reading"),),
    outputs=(Quantity("reading", "", -1e12, 1e12, "what it says"),),
    memory=RING + 2 * SAMPLES,
    texts=("measures",),
)


@kernel
def rates(net: Net, u: int) -> None:
    """The lag; ``net.outputs`` hold what is measured."""
    state = column(net, u, U_STATE)
    measured = net.k[net.outputs + column(net, u, U_LINK)]
    net.rates[state] = (measured - net.states[state]) / read(net, slot_of(net, u) + LAG)


@kernel
def delayed(net: Net, u: int) -> float:
    """y(t − θ); before there is a sample that old, the oldest."""
    m, dead_s = memory_of(net, u), read(net, slot_of(net, u) + DEAD_TIME)
    later = net.states[column(net, u, U_STATE)]
    if dead_s <= 0.0:
        return float(later)
    later_s, wanted_s = net.clock[0], net.clock[0] - dead_s
    at = int(net.k[m + NEXT])
    for _ in range(int(net.k[m + COUNT])):
        at = at - 1 if at > 0 else SAMPLES - 1
        time_s, value = net.k[m + RING + at], net.k[m + RING + SAMPLES + at]
        if time_s <= wanted_s:
            if later_s <= time_s:
                return float(value)
            return float(value + (later - value) * (wanted_s - time_s) / (later_s - time_s))
        later_s, later = time_s, value
    return float(later)


@kernel
def settle(net: Net, u: int) -> None:
    """Keep a sample, and the reading in case that it freezes."""
    m, slot = memory_of(net, u), slot_of(net, u)
    now_s, at, count = net.clock[0], int(net.k[m + NEXT]), int(net.k[m + COUNT])
    last = at - 1 if at > 0 else SAMPLES - 1
    if count == 0 or now_s - net.k[m + RING + last] >= read(net, slot + DEAD_TIME) / SPACINGS:
        net.k[m + RING + at] = now_s
        net.k[m + RING + SAMPLES + at] = net.states[column(net, u, U_STATE)]
        net.k[m + NEXT] = 0 if at == SAMPLES - 1 else at + 1
        net.k[m + COUNT] = min(count + 1, SAMPLES)
    if read(net, slot + FROZEN) < 0.5:
        net.k[m + HELD] = delayed(net, u) + read(net, slot + BIAS)


@kernel
def measure(net: Net, u: int) -> None:
    """The reading."""
    slot = slot_of(net, u)
    reading = net.k[memory_of(net, u) + HELD]
    if read(net, slot + FROZEN) < 0.5:
        reading = delayed(net, u) + read(net, slot + BIAS)
    net.k[outputs_of(net, u)] = reading
