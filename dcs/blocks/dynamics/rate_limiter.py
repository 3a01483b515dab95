"""RATE_LIMITER block: the output follows the input no faster than a rate.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, dt. No clock, no I/O, no log.
Promise     the limit bits say in which direction the output is held back; after a Bad input the output goes on from
            where it was held.
Source      slew-rate limit; the limit bits of FF-891.
"""

from typing import Any

from dcs.blocks.declare import block_type, f8, i8, scale, signal, step
from dcs.blocks.handshake import limit_code
from dcs.blocks.regulation.transfer import bad_status_of, usable
from dcs.core.status import limits_of, with_limits

RATE_LIMITER = block_type(
    "RATE_LIMITER",
    "Rate limiter",
    inputs=[signal("signal_in", "@signal_scale", "signal to follow")],
    state=[i8("seeded", "1 once a good input has been seen")],
    outputs=[signal("out", "@signal_scale", "limited signal")],
    params=[
        scale("signal_scale", "range of input and output"),
        f8("rate_up", "@signal_scale", "fastest rise, per second; 0 = any", low=0.0),
        f8("rate_down", "@signal_scale", "fastest fall, per second; 0 = any", low=0.0),
        i8("in_service", "0: the output is the input", default=1, low=0, high=1),
    ],
    published={
        "IN": "signal_in",
        "OUT": "out",
        "RATE_UP": "rate_up",
        "RATE_DOWN": "rate_down",
        "IN_SERVICE": "in_service",
    },
    writable=("RATE_UP", "RATE_DOWN", "IN_SERVICE"),
)


@step(RATE_LIMITER)
def rate_limiter(b: Any, dt_s: float) -> None:
    r""":math:`out_{k+1} = out_k + \mathrm{sat}(in - out_k, -r_d \Delta t, r_u \Delta t)`."""
    if not usable(b.signal_in, b.signal_in_status):
        b.out_status = bad_status_of(b.signal_in_status)
        return
    out = b.signal_in
    held_up, held_down = False, False
    if b.seeded != 0 and b.in_service != 0:
        if b.rate_up > 0.0 and out > b.out + b.rate_up * dt_s:
            out = b.out + b.rate_up * dt_s
            held_up = True
        elif b.rate_down > 0.0 and out < b.out - b.rate_down * dt_s:
            out = b.out - b.rate_down * dt_s
            held_down = True
    b.seeded = 1
    b.out = out
    b.out_status = with_limits(
        b.signal_in_status & 0xFF, limits_of(b.signal_in_status) | limit_code(held_down, held_up)
    )
