"""SCALER block: from one range into another, in a measurement or between the blocks of a cascade.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     the way back is the inverse; an inverted scale swaps the limits; the handshake of a cascade passes through.
Source      linear scaling as in FF-891 transducer scales (XD_SCALE, OUT_SCALE).
"""

from typing import Any

from dcs.blocks.declare import block_type, f8, i8, scale, signal, step
from dcs.blocks.handshake import clamp
from dcs.blocks.regulation.transfer import (
    limits_between,
    pass_back,
    pass_on,
    swapped,
    taken_below,
    taken_whole,
    usable,
)
from dcs.core.status import limits_of

SCALER = block_type(
    "SCALER",
    "Scaler",
    inputs=[
        signal("inp", "@in_scale", "signal to convert"),
        signal("bkcal_in", "@out_scale", "what the block below accepted"),
    ],
    state=[
        i8("bkcal_in_linked", "1 when BKCAL_IN is wired"),
        f8("balance", "@out_scale", "what is still to be bled off"),
        f8("balance_from", "@out_scale", "balance when the block below was last followed"),
    ],
    outputs=[
        signal("out", "@out_scale", "converted signal"),
        signal("bkcal_out", "@in_scale", "input accepted, for the block above"),
    ],
    params=[
        scale("in_scale", "range of the input"),
        scale("out_scale", "range of the output"),
        i8("inverted", "1: the low end of the input is the high end of the output", low=0, high=1),
        i8("limited", "1: the output stays within its range", low=0, high=1),
        f8("bal_time_s", "s", "time in which a balance is bled off; 0 = at once", default=10.0, low=0.0),
    ],
    feedback_inputs=("bkcal_in",),
    optional_inputs=("bkcal_in",),
    above=(("inp", "bkcal_out"),),
    published={"IN": "inp", "OUT": "out"},
)


@step(SCALER)
def scaler(b: Any, dt_s: float) -> None:
    r""":math:`out = o_l + (in - i_l)\frac{o_h - o_l}{i_h - i_l} + balance`; inverted: :math:`o_h - \dots`."""
    in_span = b.in_scale_high - b.in_scale_low
    out_span = b.out_scale_high - b.out_scale_low
    out_before = b.out
    good = usable(b.inp, b.inp_status)
    signal_in = b.inp if good else b.in_scale_low
    own = 0
    if good and b.limited != 0:
        own = limits_between(b.inp, b.in_scale_low, b.in_scale_high)
        signal_in = clamp(b.inp, b.in_scale_low, b.in_scale_high)
    part = (signal_in - b.in_scale_low) / in_span
    if b.inverted != 0:
        part = 1.0 - part
    limits = own | limits_of(b.inp_status)
    pass_on(b, b.out_scale_low + part * out_span, swapped(limits) if b.inverted != 0 else limits, in_span, dt_s)
    back = b.inp
    if own != 0 or not good or not taken_whole(b, out_before, out_span):
        part = (taken_below(b, out_before, out_span) - b.out_scale_low) / out_span
        if b.inverted != 0:
            part = 1.0 - part
        back = b.in_scale_low + part * in_span
        if b.limited != 0:
            back = clamp(back, b.in_scale_low, b.in_scale_high)
    pass_back(b, back, own, b.inverted == 0)
