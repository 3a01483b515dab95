"""LIMIT block: a signal held between two limits, in a measurement or between the blocks of a cascade.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     the limit bits say forwards and backwards what was cut off; the handshake of a cascade passes through; a
            block below that stands outside the limits is taken as it is and bled to the limit over ``bal_time_s``.
Source      FF-891: limits in the status, BKCAL_OUT; IEC 61131-3 function LIMIT.
"""

from typing import Any

from dcs.blocks.declare import block_type, f8, i8, scale, signal, step
from dcs.blocks.handshake import clamp
from dcs.blocks.regulation.transfer import (
    limits_between,
    pass_back,
    pass_on,
    taken_below,
    taken_whole,
    usable,
)
from dcs.core.status import limits_of

LIMIT = block_type(
    "LIMIT",
    "Limiter",
    inputs=[
        signal("inp", "@signal_scale", "signal to limit"),
        signal("bkcal_in", "@signal_scale", "what the block below accepted"),
    ],
    state=[
        i8("bkcal_in_linked", "1 when BKCAL_IN is wired"),
        f8("balance", "@signal_scale", "what is still to be bled off"),
        f8("balance_from", "@signal_scale", "balance when the block below was last followed"),
    ],
    outputs=[
        signal("out", "@signal_scale", "limited signal"),
        signal("bkcal_out", "@signal_scale", "input accepted, for the block above"),
    ],
    params=[
        scale("signal_scale", "range of the signal"),
        f8(
            "out_low",
            "@signal_scale",
            "lowest output",
            default_from="signal_scale_low",
            limited_by=("signal_scale_low", "out_high"),
        ),
        f8(
            "out_high",
            "@signal_scale",
            "highest output",
            default_from="signal_scale_high",
            limited_by=("out_low", "signal_scale_high"),
        ),
        f8("bal_time_s", "s", "time in which a balance is bled off; 0 = at once", default=10.0, low=0.0),
    ],
    feedback_inputs=("bkcal_in",),
    optional_inputs=("bkcal_in",),
    above=(("inp", "bkcal_out"),),
    published={"IN": "inp", "OUT": "out", "OUT_LO": "out_low", "OUT_HI": "out_high"},
    writable=("OUT_LO", "OUT_HI"),
)


@step(LIMIT)
def limit(b: Any, dt_s: float) -> None:
    r""":math:`out = \max(low, \min(high, in)) + balance`; back: the limited input that was accepted."""
    span = b.signal_scale_high - b.signal_scale_low
    out_before = b.out
    good = usable(b.inp, b.inp_status)
    wanted = clamp(b.inp, b.out_low, b.out_high) if good else clamp(b.out, b.out_low, b.out_high)
    own = limits_between(b.inp, b.out_low, b.out_high) if good else 0
    pass_on(b, wanted, own | limits_of(b.inp_status), span, dt_s)
    back = b.inp
    if own != 0 or not good or not taken_whole(b, out_before, span):
        back = clamp(taken_below(b, out_before, span), b.out_low, b.out_high)
    pass_back(b, back, own, True)
