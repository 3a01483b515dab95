"""BATCH_SWITCH block: keeps a controller from overshooting after a long time at its limit (batch start-up).

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     while the controller asks for more than the batch limit, its reset feedback is the preload, so that its
            integral falls until the output is at the limit, but no further than the preload; the output never passes
            the limit; the handshake of a cascade passes through.
Source      Shinskey, Process Control Systems, batch controllers: the batch switch in the reset circuit.
"""

from typing import Any

from dcs.blocks.declare import block_type, f8, i8, scale, signal, step
from dcs.blocks.handshake import clamp
from dcs.blocks.regulation.transfer import (
    follows_below,
    limits_between,
    pass_back,
    pass_on,
    taken_below,
    taken_whole,
    usable,
)
from dcs.core.status import LIMIT_HIGH, LIMIT_LOW, LIMIT_NONE, limits_of, with_limits

HIGH_LIMIT, LOW_LIMIT = 0, 1

BATCH_SWITCH = block_type(
    "BATCH_SWITCH",
    "Batch switch",
    inputs=[
        signal("inp", "@out_scale", "output of the controller"),
        signal("bkcal_in", "@out_scale", "what the block below accepted"),
    ],
    state=[
        i8("bkcal_in_linked", "1 when BKCAL_IN is wired"),
        f8("balance", "@out_scale", "what is still to be bled off"),
        f8("balance_from", "@out_scale", "balance when the block below was last followed"),
    ],
    outputs=[
        signal("out", "@out_scale", "output, held at the batch limit"),
        signal("bkcal_out", "@out_scale", "reset feedback of the controller"),
        i8("preloading", "1 while the controller gets the preload"),
    ],
    params=[
        scale("out_scale", "range of the output"),
        i8("side", "which limit is watched", choices=(("HIGH", HIGH_LIMIT), ("LOW", LOW_LIMIT))),
        f8("batch_limit", "@out_scale", "output at which the reset is switched", default_from="out_scale_high"),
        f8("preload", "@out_scale", "reset feedback beyond the limit", default=50.0),
        f8("bal_time_s", "s", "time in which a balance is bled off; 0 = at once", default=10.0, low=0.0),
        i8("in_service", "0: only the limit is left", default=1, low=0, high=1),
    ],
    feedback_inputs=("bkcal_in",),
    optional_inputs=("bkcal_in",),
    above=(("inp", "bkcal_out"),),
    published={
        "IN": "inp",
        "OUT": "out",
        "LIMIT": "batch_limit",
        "PRELOAD": "preload",
        "ACTIVE": "preloading",
        "IN_SERVICE": "in_service",
    },
    writable=("LIMIT", "PRELOAD", "IN_SERVICE"),
)


@step(BATCH_SWITCH)
def batch_switch(b: Any, dt_s: float) -> None:
    r""":math:`out = \min(in, L)`; reset feedback :math:`= preload` while :math:`in \ge L`, else what was accepted.

    With the watched side LOW: :math:`\max` and :math:`\le`.
    """
    span = b.out_scale_high - b.out_scale_low
    out_before = b.out
    good = usable(b.inp, b.inp_status)
    low = b.batch_limit if b.side == LOW_LIMIT else min(b.out_scale_low, b.batch_limit)
    high = b.batch_limit if b.side == HIGH_LIMIT else max(b.out_scale_high, b.batch_limit)
    signal_in = b.inp if good else b.out
    own = limits_between(signal_in, low, high)
    pass_on(b, clamp(signal_in, low, high), own | limits_of(b.inp_status), span, dt_s)
    back = b.inp
    if own != 0 or not good or not taken_whole(b, out_before, span):
        back = clamp(taken_below(b, out_before, span), low, high)
    beyond = signal_in >= b.batch_limit if b.side == HIGH_LIMIT else signal_in <= b.batch_limit
    b.preloading = 1 if good and beyond and b.in_service != 0 and not follows_below(b) else 0
    if b.preloading != 0:
        pass_back(b, b.preload, LIMIT_NONE, True)
        # Only the direction away from the limit is free: the integral is to fall to the preload.
        limit = LIMIT_HIGH if b.side == HIGH_LIMIT else LIMIT_LOW
        b.bkcal_out_status = with_limits(b.bkcal_out_status, limit)
    else:
        pass_back(b, back, own, True)
