"""BIAS_GAIN block: a signal plus a bias, times a gain; the bias is set by the operator or by a block above.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     entering Auto or Cas and a changed gain are bumpless; what the block below cannot be given at once is bled
            off over ``bal_time_s``; a NaN, an infinity or a Bad input holds OUT in actual mode Man.
Source      FF-891 bias/gain station.
"""

from typing import Any

from dcs.blocks.declare import block_type, f8, i8, scale, signal, step
from dcs.blocks.handshake import clamp
from dcs.blocks.regulation.station import (
    STATION_OUTPUTS,
    STATION_PARAMS,
    STATION_STATE,
    choose_station_mode,
    run_station,
    station_out,
)
from dcs.blocks.regulation.transfer import usable
from dcs.core.modes import AUTO, MAN

BIAS_GAIN = block_type(
    "BIAS_GAIN",
    "Bias/gain station",
    inputs=[
        signal("inp", "@pv_scale", "signal to which the bias is added"),
        signal("cas_in", "@pv_scale", "bias from the block above"),
        signal("bkcal_in", "@out_scale", "what the block below accepted"),
    ],
    state=[
        *STATION_STATE,
        i8("inp_linked", "1 when the signal is wired; else it counts as 0"),
        f8("inp_used", "@pv_scale", "signal of the last scan with a good one"),
    ],
    outputs=[station_out(), signal("bkcal_out", "@pv_scale", "bias accepted, for the block above"), *STATION_OUTPUTS],
    params=[
        scale("pv_scale", "range of signal and bias"),
        scale("out_scale", "range of the output"),
        f8("gain", "", "output per signal plus bias", default=1.0),
        f8("sp", "@pv_scale", "bias of the operator", limited_by=("sp_low", "sp_high"), write_in=(MAN, AUTO)),
        f8("sp_low", "@pv_scale", "lowest bias", default_from="pv_scale_low"),
        f8("sp_high", "@pv_scale", "highest bias", default_from="pv_scale_high"),
        *STATION_PARAMS,
    ],
    feedback_inputs=("bkcal_in",),
    optional_inputs=("inp", "cas_in", "bkcal_in"),
    published={
        "IN": "inp",
        "SP": "sp",
        "OUT": "out",
        "MODE": "mode",
        "TARGET": "target",
        "NORMAL": "normal",
        "GAIN": "gain",
        "BAL_TIME": "bal_time_s",
        "SP_LO": "sp_low",
        "SP_HI": "sp_high",
        "OUT_LO": "out_low",
        "OUT_HI": "out_high",
    },
    writable=("SP", "OUT", "MODE", "TARGET", "GAIN", "BAL_TIME", "SP_LO", "SP_HI", "OUT_LO", "OUT_HI"),
)


@step(BIAS_GAIN)
def bias_gain(b: Any, dt_s: float) -> None:
    r""":math:`out = K (in + sp) + balance`, with :math:`sp` the bias; inverse: :math:`sp = (out - balance)/K - in`."""
    good = b.inp_linked == 0 or usable(b.inp, b.inp_status)
    if b.inp_linked != 0 and good:
        b.inp_used = b.inp
    b.sp = clamp(b.sp, b.sp_low, b.sp_high)
    mode_before = b.mode
    choose_station_mode(b, mode_before, good, abs(b.sp_high - b.sp_low))
    moved = (b.gain_used - b.gain) * (b.inp_used + b.sp)
    run_station(b, mode_before, b.gain * b.inp_used, b.gain, moved, dt_s)
    b.gain_used = b.gain
