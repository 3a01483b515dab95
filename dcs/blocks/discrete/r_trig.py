"""Rising edge: TRUE for one scan.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state. No clock, no I/O, no log.
Promise     only a change between two usable values is an edge: an input that is TRUE in the first scan is none,
            and one that comes back from Bad is one only if it differs from the last usable value.
Source      IEC 61131-3 standard function block R_TRIG.
"""

from typing import Any

from dcs.blocks.declare import block_type, discrete, i8, step
from dcs.blocks.discrete.truth import FALSE, TRUE, UNKNOWN, as_number, forwarded, truth

R_TRIG = block_type(
    "R_TRIG",
    "Rising edge",
    inputs=[discrete("inp", "input")],
    state=[i8("before", "last usable value of INP"), i8("seeded", "1 once the input has been usable")],
    outputs=[discrete("out", "TRUE for the scan of the edge")],
    published={"IN": "inp", "OUT": "out"},
)


@step(R_TRIG)
def r_trig(b: Any, dt_s: float) -> None:
    """``OUT := IN AND NOT M; M := IN``, with M the last usable value."""
    now = truth(b.inp, b.inp_status)
    b.out = 0.0
    if now != UNKNOWN:
        edge = b.seeded != 0 and now == TRUE and b.before == FALSE
        b.out = as_number(TRUE if edge else FALSE)
        b.before = now
        b.seeded = 1
    b.out_status = forwarded(b.inp, b.inp_status)
