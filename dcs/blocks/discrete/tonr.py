"""Retentive on-delay timer: adds up the time that the input is TRUE.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, the time since the last scan. No clock, no I/O, no log.
Promise     the time stands while the input is FALSE and goes on with it; only RESET_IN sets it to zero. OUT is never
            early.
Source      timing diagram of TON with retention, as programmable controllers have it beside IEC 61131-3.
"""

from typing import Any

from dcs.blocks.declare import block_type, discrete, f8, i8, step
from dcs.blocks.discrete.truth import TRUE, forwarded, held, reached

TONR = block_type(
    "TONR",
    "Retentive on-delay timer",
    inputs=[discrete("inp", "input"), discrete("reset_in", "sets the time to zero")],
    state=[
        i8("before", "last usable value of INP"),
        i8("reset_before", "last usable value of RESET_IN"),
        f8("elapsed_s", "s", "period plus declared slips"),
    ],
    outputs=[discrete("out", "the time is over"), f8("et_s", "s", "elapsed time")],
    params=[f8("pt_s", "s", "preset time", low=0.0)],
    optional_inputs=("reset_in",),
    published={"IN": "inp", "RESET": "reset_in", "OUT": "out", "ET": "et_s", "PT": "pt_s"},
    writable=("PT",),
)


@step(TONR)
def tonr(b: Any, dt_s: float) -> None:
    """ET grows while the input is TRUE, up to PT; ``OUT := ET >= PT`` until RESET_IN."""
    now = held(b.inp, b.inp_status, b.before)
    b.reset_before = held(b.reset_in, b.reset_in_status, b.reset_before)
    if b.reset_before == TRUE:
        b.et_s = 0.0
        b.out = 0.0
    else:
        if now == TRUE and b.before == TRUE:
            b.et_s = min(b.et_s + b.elapsed_s, b.pt_s)
        if reached(b.et_s, b.pt_s) and (b.pt_s > 0.0 or now == TRUE):
            b.out = 1.0
    b.before = now
    b.out_status = forwarded(b.inp, b.inp_status)
