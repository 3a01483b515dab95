"""Timed pulse: like TP, but a new rise starts it again and a reset ends it.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, the time since the last scan. No clock, no I/O, no log.
Promise     OUT is TRUE for the preset time after the last rise; RESET_IN wins.
Source      retriggerable monostable, as against TP of IEC 61131-3.
"""

from typing import Any

from dcs.blocks.declare import block_type, discrete, f8, i8, step
from dcs.blocks.discrete.truth import FALSE, TRUE, as_number, forwarded, held, reached

TIMED_PULSE = block_type(
    "TIMED_PULSE",
    "Timed pulse",
    inputs=[discrete("inp", "input"), discrete("reset_in", "ends it")],
    state=[
        i8("before", "last usable value of INP"),
        i8("reset_before", "last usable value of RESET_IN"),
        f8("elapsed_s", "s", "period plus declared slips"),
    ],
    outputs=[discrete("out", "the pulse"), f8("et_s", "s", "elapsed time")],
    params=[f8("pt_s", "s", "preset time", low=0.0)],
    optional_inputs=("reset_in",),
    published={"IN": "inp", "RESET": "reset_in", "OUT": "out", "ET": "et_s", "PT": "pt_s"},
    writable=("PT",),
)


@step(TIMED_PULSE)
def timed_pulse(b: Any, dt_s: float) -> None:
    """ET runs from the last rise of the input, up to PT; ``OUT`` is TRUE while it runs."""
    now = held(b.inp, b.inp_status, b.before)
    b.reset_before = held(b.reset_in, b.reset_in_status, b.reset_before)
    if b.reset_before == TRUE:
        b.et_s = 0.0
        b.out = 0.0
    elif now == TRUE and b.before == FALSE:
        b.et_s = 0.0
        b.out = as_number(TRUE if b.pt_s > 0.0 else FALSE)
    elif b.out >= 0.5:
        b.et_s = min(b.et_s + b.elapsed_s, b.pt_s)
        if reached(b.et_s, b.pt_s):
            b.out = 0.0
    b.before = now
    b.out_status = forwarded(b.inp, b.inp_status)
