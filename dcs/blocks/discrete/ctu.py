"""Up counter: counts the rises of its input.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state. No clock, no I/O, no log.
Promise     a rise counts once, also when the input is Bad in between; the counter stands still at its end instead of
            rolling over.
Source      IEC 61131-3 standard function block CTU.
"""

from typing import Any

from dcs.blocks.declare import block_type, discrete, i8, signal, step
from dcs.blocks.discrete.truth import FALSE, TRUE, as_number, forwarded, held

COUNT_MAX = 2_147_483_647
"""Where a counter stands still: the largest DINT."""

CTU = block_type(
    "CTU",
    "Up counter",
    inputs=[
        discrete("count_up", "its rises are counted"),
        discrete("reset_in", "sets the count to zero, and holds it there"),
    ],
    state=[
        i8("up_before", "last usable value of COUNT_UP"),
        i8("reset_before", "last usable value of RESET_IN"),
        i8("counted", "count", low=-COUNT_MAX - 1, high=COUNT_MAX),
    ],
    outputs=[
        discrete("out", "the preset is reached"),
        signal("count_out", "", "count"),
    ],
    params=[i8("preset", "count to reach", low=0, high=COUNT_MAX)],
    optional_inputs=("reset_in",),
    published={"OUT": "out", "COUNT": "count_out", "PRESET": "preset"},
    writable=("PRESET",),
)


@step(CTU)
def ctu(b: Any, dt_s: float) -> None:
    """Rises of COUNT_UP add one; RESET_IN wins; ``OUT := COUNT >= PRESET``."""
    up = held(b.count_up, b.count_up_status, b.up_before)
    b.reset_before = held(b.reset_in, b.reset_in_status, b.reset_before)
    if b.reset_before == TRUE:
        b.counted = 0
    elif up == TRUE and b.up_before == FALSE and b.counted < COUNT_MAX:
        b.counted = b.counted + 1
    b.up_before = up
    b.out = as_number(TRUE if b.counted >= b.preset else FALSE)
    status = forwarded(b.count_up, b.count_up_status)
    b.out_status = status
    b.count_out = 1.0 * b.counted
    b.count_out_status = status
