"""Set-dominant flip-flop.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state. No clock, no I/O, no log.
Source      IEC 61131-3 standard function block SR.
"""

from typing import Any

from dcs.blocks.declare import block_type, discrete, i8, step
from dcs.blocks.discrete.truth import TRUE, forwarded, held, worse

SR = block_type(
    "SR",
    "Set-dominant flip-flop",
    inputs=[discrete("set_in", "sets the output"), discrete("reset_in", "resets the output")],
    state=[
        i8("set_before", "last usable value of SET_IN"),
        i8("reset_before", "last usable value of RESET_IN"),
    ],
    outputs=[discrete("out", "what was set last")],
    published={"SET": "set_in", "RESET": "reset_in", "OUT": "out"},
)


@step(SR)
def sr(b: Any, dt_s: float) -> None:
    """``OUT := S OR (NOT R AND OUT)``: with both, set wins."""
    s = held(b.set_in, b.set_in_status, b.set_before)
    r = held(b.reset_in, b.reset_in_status, b.reset_before)
    b.set_before, b.reset_before = s, r
    if s == TRUE:
        b.out = 1.0
    elif r == TRUE:
        b.out = 0.0
    b.out_status = worse(forwarded(b.set_in, b.set_in_status), forwarded(b.reset_in, b.reset_in_status))
