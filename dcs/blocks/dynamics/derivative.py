"""DERIVATIVE block: the filtered rate of change of a signal.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     a ramp gives its slope; no kick at the start, after a Bad input or when the filter is changed.
Source      Åström & Hägglund, Advanced PID Control (2006), filtered derivative by backward difference.
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, f8, i8, scale, signal, step
from dcs.blocks.dynamics.time_base import TIME_BASE_CHOICES, seconds_of
from dcs.blocks.regulation.transfer import bad_status_of, plain_status, usable

DERIVATIVE = block_type(
    "DERIVATIVE",
    "Derivative",
    inputs=[signal("signal_in", "@signal_scale", "signal to differentiate")],
    state=[
        f8("before", "@signal_scale", "input of the last scan with a good one"),
        f8("slope", "@signal_scale", "filtered rate of change, per second"),
        i8("seeded", "1 once a good input has been seen"),
    ],
    outputs=[signal("out", "*", "rate of change, per unit of time, times the gain")],
    params=[
        scale("signal_scale", "range of the input"),
        f8("gain", "", "output per rate of change", default=1.0),
        f8("filter_s", "s", "time constant of the filter; 0 = none", default=5.0, low=0.0),
        i8("time_base", "unit of time of the rate", choices=TIME_BASE_CHOICES),
    ],
    published={"IN": "signal_in", "OUT": "out", "GAIN": "gain", "FILTER": "filter_s"},
    writable=("GAIN", "FILTER"),
)


@step(DERIVATIVE)
def derivative(b: Any, dt_s: float) -> None:
    r""":math:`G(s) = \frac{K s}{1 + T_f s}`: :math:`d_{k+1} = (T_f d_k + \Delta in)/(T_f + \Delta t)`."""
    if not usable(b.signal_in, b.signal_in_status):
        b.seeded = 0
        b.out_status = bad_status_of(b.signal_in_status)
        return
    if b.seeded == 0:
        b.before = b.signal_in
        b.seeded = 1
    slope = (b.filter_s * b.slope + (b.signal_in - b.before)) / (b.filter_s + dt_s)
    out = b.gain * slope * seconds_of(b.time_base)
    if math.isfinite(slope) and math.isfinite(out):
        b.slope, b.out = slope, out
    b.before = b.signal_in
    b.out_status = plain_status(b.signal_in_status)
