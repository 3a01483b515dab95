"""Pulse timer: one pulse of the preset time per rise of the input.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, the time since the last scan. No clock, no I/O, no log.
Promise     a pulse has its whole length whatever the input does meanwhile, and cannot be started again before it is
            over.
Source      IEC 61131-3 standard function block TP, timing diagram.
"""

from typing import Any

from dcs.blocks.declare import block_type, discrete, f8, i8, step
from dcs.blocks.discrete.truth import FALSE, TRUE, as_number, forwarded, held, reached

TP = block_type(
    "TP",
    "Pulse timer",
    inputs=[discrete("inp", "input")],
    state=[
        i8("before", "last usable value of INP"),
        f8("elapsed_s", "s", "period plus declared slips"),
    ],
    outputs=[discrete("out", "the pulse"), f8("et_s", "s", "elapsed time")],
    params=[f8("pt_s", "s", "preset time", low=0.0)],
    published={"IN": "inp", "OUT": "out", "ET": "et_s", "PT": "pt_s"},
    writable=("PT",),
)


@step(TP)
def tp(b: Any, dt_s: float) -> None:
    """ET runs from the rise of the input to PT and stands there while it is TRUE; ``OUT`` is TRUE while it runs."""
    now = held(b.inp, b.inp_status, b.before)
    if b.out >= 0.5:
        b.et_s = min(b.et_s + b.elapsed_s, b.pt_s)
        if reached(b.et_s, b.pt_s):
            b.out = 0.0
    elif now == TRUE and b.before == FALSE:
        b.et_s = 0.0
        b.out = as_number(TRUE if b.pt_s > 0.0 else FALSE)
    if b.out < 0.5 and now == FALSE:
        b.et_s = 0.0
    b.before = now
    b.out_status = forwarded(b.inp, b.inp_status)
