"""Lead-lag block: dynamic compensation of a feed-forward, or a plain filter.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     exact for an input that is constant between scans; starts at rest with the first good input, and again
            after a Bad one; a NaN or an infinity holds the output with a Bad status.
Source      Seborg, Edgar, Mellichamp, Doyle, Process Dynamics and Control, feed-forward control.
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, f8, i8, scale, signal, step
from dcs.blocks.handshake import lag_factor
from dcs.core.status import BAD, SENSOR_FAILURE, make_status, quality_of

LEAD_LAG = block_type(
    "LEAD_LAG",
    "Lead-lag",
    inputs=[signal("signal_in", "@signal_scale", "signal to shape")],
    state=[f8("lagged", "@signal_scale", "input after the lag"), i8("seeded", "1 once a good input has been seen")],
    outputs=[signal("out", "@signal_scale", "shaped signal")],
    params=[
        scale("signal_scale", "range of input and output"),
        f8("gain", "", "static gain", default=1.0),
        f8("lead_s", "s", "lead time constant", low=0.0),
        f8("lag_s", "s", "lag time constant; 0 = only the gain", low=0.0),
        f8("bias", "@signal_scale", "added to the output"),
    ],
    published={"IN": "signal_in", "OUT": "out", "GAIN": "gain", "LEAD": "lead_s", "LAG": "lag_s", "BIAS": "bias"},
    writable=("GAIN", "LEAD", "LAG", "BIAS"),
)


@step(LEAD_LAG)
def lead_lag(b: Any, dt_s: float) -> None:
    r""":math:`G(s) = K \frac{1 + T_{lead} s}{1 + T_{lag} s}`, exact for an input that is constant between scans.

    With :math:`x` the input after the lag, :math:`out = K[x + (T_{lead}/T_{lag})(in - x)] + bias`.
    """
    if quality_of(b.signal_in_status) == BAD or not math.isfinite(b.signal_in):
        b.seeded = 0  # hold, and start again without a step from the first good value
        b.out_status = make_status(BAD, SENSOR_FAILURE)
        if quality_of(b.signal_in_status) == BAD:
            b.out_status = b.signal_in_status & 0xFF
        return
    if b.seeded == 0:
        b.lagged = b.signal_in
        b.seeded = 1
    lagged = b.signal_in
    out = b.gain * b.signal_in + b.bias
    if b.lag_s > 0.0:
        # The lead acts on the lag's state before this scan: a step of the input shows in full in its first scan.
        out = b.gain * (b.lagged + b.lead_s / b.lag_s * (b.signal_in - b.lagged)) + b.bias
        lagged = b.lagged + lag_factor(dt_s, b.lag_s) * (b.signal_in - b.lagged)
    if math.isfinite(lagged):
        b.lagged = lagged
    if math.isfinite(out):
        b.out = out
    b.out_status = b.signal_in_status & 0xFF
