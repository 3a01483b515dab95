"""RATIO block: a flow (or any signal) times a ratio; the ratio is set by the operator or by a block above.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     entering Auto or Cas and a changed gain or bias are bumpless; what the ratio cannot give at once is bled off
            over ``bal_time_s``; a NaN, an infinity or a Bad wild flow holds OUT in actual mode Man.
Source      FF-891 ratio block (RA_FTIME, BAL_TIME); Shinskey, Process Control Systems, ratio control.
"""

from typing import Any

from dcs.blocks.declare import block_type, f8, i8, scale, signal, step
from dcs.blocks.handshake import clamp, lag_factor
from dcs.blocks.regulation.station import (
    STATION_OUTPUTS,
    STATION_PARAMS,
    STATION_STATE,
    choose_station_mode,
    run_station,
    station_out,
)
from dcs.blocks.regulation.transfer import plain_status, usable, worse_status
from dcs.core.modes import AUTO, MAN
from dcs.core.status import LAST_USABLE, STATUS_BAD, UNCERTAIN, make_status

RATIO = block_type(
    "RATIO",
    "Ratio station",
    inputs=[
        signal("wild", "@wild_scale", "wild flow, to which the ratio applies"),
        signal("controlled", "@out_scale", "controlled flow, for the ratio that is reached"),
        signal("cas_in", "", "ratio from the block above"),
        signal("bkcal_in", "@out_scale", "what the block below accepted"),
    ],
    state=[
        *STATION_STATE,
        i8("controlled_linked", "1 when the controlled flow is wired"),
        i8("seeded", "1 once a good wild flow has been seen"),
        f8("wild_used", "@wild_scale", "wild flow after the filter"),
        f8("bias_used", "@out_scale", "bias of the last scan"),
    ],
    outputs=[
        station_out(),
        signal("bkcal_out", "", "ratio accepted, for the block above"),
        signal("ratio", "", "ratio that is reached: controlled flow per wild flow"),
        *STATION_OUTPUTS,
    ],
    params=[
        scale("wild_scale", "range of the wild flow"),
        scale("out_scale", "range of the output"),
        f8("gain", "", "output per ratio times wild flow", default=1.0),
        f8("bias", "@out_scale", "added to the output"),
        f8("filter_s", "s", "time constant of the filter on the wild flow; 0 = none", low=0.0),
        f8("sp", "", "ratio of the operator", default=1.0, limited_by=("sp_low", "sp_high"), write_in=(MAN, AUTO)),
        f8("sp_low", "", "lowest ratio"),
        f8("sp_high", "", "highest ratio", default=10.0),
        *STATION_PARAMS,
    ],
    feedback_inputs=("bkcal_in",),
    optional_inputs=("controlled", "cas_in", "bkcal_in"),
    published={
        "PV": "ratio",
        "SP": "sp",
        "OUT": "out",
        "WILD": "wild",
        "MODE": "mode",
        "TARGET": "target",
        "NORMAL": "normal",
        "GAIN": "gain",
        "BIAS": "bias",
        "BAL_TIME": "bal_time_s",
        "SP_LO": "sp_low",
        "SP_HI": "sp_high",
        "OUT_LO": "out_low",
        "OUT_HI": "out_high",
    },
    writable=("SP", "OUT", "MODE", "TARGET", "GAIN", "BIAS", "BAL_TIME", "SP_LO", "SP_HI", "OUT_LO", "OUT_HI"),
)


@step(RATIO)
def ratio_station(b: Any, dt_s: float) -> None:
    r""":math:`out = K \cdot sp \cdot w + bias + balance` with :math:`w` the filtered wild flow, :math:`sp` the ratio.

    Inverse for the block above: :math:`sp = (out - bias - balance)/(K w)`; the present ratio where :math:`K w` is 0.
    """
    good = usable(b.wild, b.wild_status)
    if not good:
        b.seeded = 0  # starts again from the first good value, without a tail of the old one
    elif b.seeded == 0:
        b.wild_used = b.wild
        b.seeded = 1
    else:
        wild = b.wild_used + lag_factor(dt_s, b.filter_s) * (b.wild - b.wild_used)
        b.wild_used = wild if abs(wild) < 1e300 else b.wild  # the difference of two huge numbers may overflow
    b.sp = clamp(b.sp, b.sp_low, b.sp_high)
    mode_before = b.mode
    choose_station_mode(b, mode_before, good, abs(b.sp_high - b.sp_low))
    moved = (b.gain_used - b.gain) * b.wild_used * b.sp + (b.bias_used - b.bias)
    run_station(b, mode_before, b.bias, b.gain * b.wild_used, moved, dt_s)
    b.gain_used, b.bias_used = b.gain, b.bias
    show_ratio(b, good)


def show_ratio(b: Any, wild_good: bool) -> None:
    """The ratio that is reached, from the measured flows where both are wired and good."""
    flow = b.out
    b.ratio_status = plain_status(b.wild_status)
    flow_good = True
    if b.controlled_linked != 0:
        flow_good = usable(b.controlled, b.controlled_status)
        flow = b.controlled
        b.ratio_status = worse_status(b.ratio_status, plain_status(b.controlled_status))
    if not wild_good or not flow_good:
        b.ratio_status = STATUS_BAD
    elif abs(b.wild) > 1e-9 * (b.wild_scale_high - b.wild_scale_low) and abs((flow - b.bias) / b.wild) < 1e300:
        b.ratio = (flow - b.bias) / b.wild
    else:
        b.ratio_status = make_status(UNCERTAIN, LAST_USABLE)  # without a wild flow there is no ratio
