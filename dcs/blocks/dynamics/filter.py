"""FILTER block: a first- or second-order lag.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     exact for an input that is constant between scans, whatever the ratio of period and time constant; starts at
            rest with the first good input, and again after a Bad one.
Source      Seborg, Edgar, Mellichamp, Doyle, Process Dynamics and Control, digital filters.
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, f8, i8, scale, signal, step
from dcs.blocks.regulation.transfer import bad_status_of, usable

FILTER = block_type(
    "FILTER",
    "Filter",
    inputs=[signal("signal_in", "@signal_scale", "signal to filter")],
    state=[
        f8("lagged", "@signal_scale", "input after the first lag"),
        i8("seeded", "1 once a good input has been seen"),
    ],
    outputs=[signal("out", "@signal_scale", "filtered signal")],
    params=[
        scale("signal_scale", "range of input and output"),
        f8("time_s", "s", "time constant of each lag; 0 = none", default=5.0, low=0.0),
        i8("order", "number of lags", default=1, low=1, high=2),
    ],
    published={"IN": "signal_in", "OUT": "out", "TIME": "time_s", "ORDER": "order"},
    writable=("TIME", "ORDER"),
)


@step(FILTER)
def filter_step(b: Any, dt_s: float) -> None:
    r""":math:`G(s) = 1/(1 + T s)^n`, :math:`n` = 1 or 2.

    With :math:`E = e^{-\Delta t/T}` and distances :math:`e_i` from the input: :math:`e_1' = e_1 E`,
    :math:`e_2' = (e_2 + e_1 \Delta t/T) E`.
    """
    if not usable(b.signal_in, b.signal_in_status):
        b.seeded = 0
        b.out_status = bad_status_of(b.signal_in_status)
        return
    if b.seeded == 0:
        b.lagged, b.out = b.signal_in, b.signal_in
        b.seeded = 1
    if b.order == 1:
        b.lagged = b.out  # so that a second lag may be added at any time without a jump
    left = math.exp(-dt_s / b.time_s) if b.time_s > 0.0 else 0.0
    first = b.lagged - b.signal_in
    second = first
    if b.order == 2 and left > 0.0:
        second = b.out - b.signal_in + first * (dt_s / b.time_s)
    lagged = b.signal_in + first * left
    out = b.signal_in + second * left
    if math.isfinite(lagged) and math.isfinite(out):
        b.lagged, b.out = lagged, out
    b.out_status = b.signal_in_status & 0xFF
