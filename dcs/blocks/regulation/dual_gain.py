"""DUAL_GAIN block: another gain for each sign of the error and for a zone around the setpoint.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state. No clock, no I/O, no log.
Promise     the shaped error is continuous, so a PID with ``out`` as its measurement sees no step at a border; a Bad
            measurement or setpoint holds the outputs with a Bad status.
Source      Shinskey, Process Control Systems, nonlinear controllers (gap and two-gain action, level averaging, pH).
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, f8, scale, signal, step
from dcs.blocks.regulation.transfer import bad_status_of, plain_status, usable, worse_status

DUAL_GAIN = block_type(
    "DUAL_GAIN",
    "Dual gain",
    inputs=[signal("pv", "@pv_scale", "measurement"), signal("sp", "@pv_scale", "setpoint")],
    outputs=[
        signal("out", "@pv_scale", "setpoint less shaped error: the measurement for a PID with the same setpoint"),
        signal("error", "@pv_scale", "shaped error"),
        signal("gain", "", "gain of the zone times the base gain, for GAIN_FACTOR of a PID"),
    ],
    params=[
        scale("pv_scale", "range of measurement and setpoint"),
        f8("gain_above", "", "gain while the measurement is above the zone", default=1.0, low=0.0),
        f8("gain_below", "", "gain while the measurement is below the zone", default=1.0, low=0.0),
        f8("gain_inside", "", "gain inside the zone", default=1.0, low=0.0),
        f8("zone", "@pv_scale", "half width of the zone around the setpoint; 0 = none", low=0.0),
        f8("base_gain", "", "gain that the zone's gain multiplies", default=1.0, low=0.0),
    ],
    published={
        "PV": "pv",
        "SP": "sp",
        "OUT": "out",
        "ERROR": "error",
        "GAIN": "gain",
        "GAIN_ABOVE": "gain_above",
        "GAIN_BELOW": "gain_below",
        "GAIN_INSIDE": "gain_inside",
        "ZONE": "zone",
        "BASE_GAIN": "base_gain",
    },
    writable=("GAIN_ABOVE", "GAIN_BELOW", "GAIN_INSIDE", "ZONE", "BASE_GAIN"),
)


@step(DUAL_GAIN)
def dual_gain(b: Any, dt_s: float) -> None:
    r"""With :math:`e = sp - pv`, half width :math:`z`: :math:`e' = k_i\,\mathrm{sat}_z e + k\,(e - \mathrm{sat}_z e)`.

    :math:`k` is the gain below for :math:`e > z` and the gain above for :math:`e < -z`; :math:`out = sp - e'`.
    """
    if not usable(b.pv, b.pv_status) or not usable(b.sp, b.sp_status):
        status = bad_status_of(b.sp_status if usable(b.pv, b.pv_status) else b.pv_status)
        b.out_status, b.error_status, b.gain_status = status, status, status
        return
    error = b.sp - b.pv
    inside = error
    factor = b.gain_inside
    if error > b.zone:
        inside, factor = b.zone, b.gain_below
    elif error < -b.zone:
        inside, factor = -b.zone, b.gain_above
    shaped = b.gain_inside * inside + factor * (error - inside)
    out = b.sp - shaped
    gain = b.base_gain * factor
    if math.isfinite(shaped) and math.isfinite(out):
        b.error, b.out = shaped, out
    if math.isfinite(gain):
        b.gain = gain
    status = worse_status(plain_status(b.pv_status), plain_status(b.sp_status))
    b.out_status, b.error_status, b.gain_status = status, status, status
