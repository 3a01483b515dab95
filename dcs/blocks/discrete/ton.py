"""On-delay timer: TRUE once the input has been TRUE for the preset time.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, the time since the last scan. No clock, no I/O, no log.
Promise     OUT is never early; a scan that slipped counts with the time it took. A Bad input goes on with its last
            usable value.
Source      IEC 61131-3 standard function block TON, timing diagram.
"""

from typing import Any

from dcs.blocks.declare import block_type, discrete, f8, i8, step
from dcs.blocks.discrete.truth import FALSE, TRUE, as_number, forwarded, held, reached

TON = block_type(
    "TON",
    "On-delay timer",
    inputs=[discrete("inp", "input")],
    state=[
        i8("before", "last usable value of INP"),
        f8("elapsed_s", "s", "period plus declared slips"),
    ],
    outputs=[discrete("out", "input, delayed on its rise"), f8("et_s", "s", "elapsed time")],
    params=[f8("pt_s", "s", "preset time", low=0.0)],
    published={"IN": "inp", "OUT": "out", "ET": "et_s", "PT": "pt_s"},
    writable=("PT",),
)


@step(TON)
def ton(b: Any, dt_s: float) -> None:
    """ET runs while the input is TRUE, up to PT; ``OUT := ET >= PT`` and the input TRUE."""
    now = held(b.inp, b.inp_status, b.before)
    if now == FALSE or b.before == FALSE:
        b.et_s = 0.0
    else:
        b.et_s = min(b.et_s + b.elapsed_s, b.pt_s)
    b.before = now
    b.out = as_number(TRUE if now == TRUE and reached(b.et_s, b.pt_s) else FALSE)
    b.out_status = forwarded(b.inp, b.inp_status)
