"""Down counter: counts the rises of its input down from the preset.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state. No clock, no I/O, no log.
Promise     a rise counts once, also when the input is Bad in between; the counter stands still at its end instead of
            rolling over.
Source      IEC 61131-3 standard function block CTD.
"""

from typing import Any

from dcs.blocks.declare import block_type, discrete, i8, signal, step
from dcs.blocks.discrete.truth import FALSE, TRUE, as_number, forwarded, held

COUNT_MAX = 2_147_483_647
"""Where a counter stands still: the largest DINT."""

CTD = block_type(
    "CTD",
    "Down counter",
    inputs=[
        discrete("count_down", "its rises are counted"),
        discrete("load_in", "sets the count to the preset, and holds it there"),
    ],
    state=[
        i8("down_before", "last usable value of COUNT_DOWN"),
        i8("load_before", "last usable value of LOAD_IN"),
        i8("counted", "count", low=-COUNT_MAX - 1, high=COUNT_MAX),
    ],
    outputs=[
        discrete("out", "zero is reached"),
        signal("count_out", "", "count"),
    ],
    params=[i8("preset", "count to reach", low=0, high=COUNT_MAX)],
    optional_inputs=("load_in",),
    published={"OUT": "out", "COUNT": "count_out", "PRESET": "preset"},
    writable=("PRESET",),
)


@step(CTD)
def ctd(b: Any, dt_s: float) -> None:
    """Rises of COUNT_DOWN take one off; LOAD_IN wins; ``OUT := COUNT <= 0``."""
    down = held(b.count_down, b.count_down_status, b.down_before)
    b.load_before = held(b.load_in, b.load_in_status, b.load_before)
    if b.load_before == TRUE:
        b.counted = b.preset
    elif down == TRUE and b.down_before == FALSE and b.counted > -COUNT_MAX:
        b.counted = b.counted - 1
    b.down_before = down
    b.out = as_number(TRUE if b.counted <= 0 else FALSE)
    status = forwarded(b.count_down, b.count_down_status)
    b.out_status = status
    b.count_out = 1.0 * b.counted
    b.count_out_status = status
