"""Up-down counter: one input counts up, another one down.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state. No clock, no I/O, no log.
Promise     a rise counts once; rises of both inputs in one scan leave the count as it is; RESET_IN wins over LOAD_IN,
            and that over counting.
Source      IEC 61131-3 standard function block CTUD.
"""

from typing import Any

from dcs.blocks.declare import block_type, discrete, i8, signal, step
from dcs.blocks.discrete.truth import FALSE, TRUE, as_number, forwarded, held, worse

COUNT_MAX = 2_147_483_647
"""Where a counter stands still: the largest DINT."""

CTUD = block_type(
    "CTUD",
    "Up-down counter",
    inputs=[
        discrete("count_up", "its rises add one"),
        discrete("count_down", "its rises take one off"),
        discrete("reset_in", "sets the count to zero, and holds it there"),
        discrete("load_in", "sets the count to the preset, and holds it there"),
    ],
    state=[
        i8("up_before", "last usable value of COUNT_UP"),
        i8("down_before", "last usable value of COUNT_DOWN"),
        i8("reset_before", "last usable value of RESET_IN"),
        i8("load_before", "last usable value of LOAD_IN"),
        i8("counted", "count", low=-COUNT_MAX - 1, high=COUNT_MAX),
    ],
    outputs=[
        discrete("out", "the preset is reached"),
        discrete("out_low", "zero is reached"),
        signal("count_out", "", "count"),
    ],
    params=[i8("preset", "count to reach", low=0, high=COUNT_MAX)],
    optional_inputs=("reset_in", "load_in"),
    published={"OUT": "out", "OUT_LOW": "out_low", "COUNT": "count_out", "PRESET": "preset"},
    writable=("PRESET",),
)


@step(CTUD)
def ctud(b: Any, dt_s: float) -> None:
    """``OUT := COUNT >= PRESET``, ``OUT_LOW := COUNT <= 0``."""
    up = held(b.count_up, b.count_up_status, b.up_before)
    down = held(b.count_down, b.count_down_status, b.down_before)
    b.reset_before = held(b.reset_in, b.reset_in_status, b.reset_before)
    b.load_before = held(b.load_in, b.load_in_status, b.load_before)
    rises = up == TRUE and b.up_before == FALSE
    falls = down == TRUE and b.down_before == FALSE
    if b.reset_before == TRUE:
        b.counted = 0
    elif b.load_before == TRUE:
        b.counted = b.preset
    elif rises and not falls and b.counted < COUNT_MAX:
        b.counted = b.counted + 1
    elif falls and not rises and b.counted > -COUNT_MAX:
        b.counted = b.counted - 1
    b.up_before, b.down_before = up, down
    b.out = as_number(TRUE if b.counted >= b.preset else FALSE)
    b.out_low = as_number(TRUE if b.counted <= 0 else FALSE)
    status = worse(forwarded(b.count_up, b.count_up_status), forwarded(b.count_down, b.count_down_status))
    b.out_status = status
    b.out_low_status = status
    b.count_out = 1.0 * b.counted
    b.count_out_status = status
