"""Off-delay timer: FALSE once the input has been FALSE for the preset time.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state, the time since the last scan. No clock, no I/O, no log.
Promise     OUT is never early; a scan that slipped counts with the time it took. A Bad input goes on with its last
            usable value.
Source      IEC 61131-3 standard function block TOF, timing diagram.
"""

from typing import Any

from dcs.blocks.declare import block_type, discrete, f8, i8, step
from dcs.blocks.discrete.truth import TRUE, forwarded, held, reached

TOF = block_type(
    "TOF",
    "Off-delay timer",
    inputs=[discrete("inp", "input")],
    state=[
        i8("before", "last usable value of INP"),
        f8("elapsed_s", "s", "period plus declared slips"),
    ],
    outputs=[discrete("out", "input, delayed on its fall"), f8("et_s", "s", "elapsed time")],
    params=[f8("pt_s", "s", "preset time", low=0.0)],
    published={"IN": "inp", "OUT": "out", "ET": "et_s", "PT": "pt_s"},
    writable=("PT",),
)


@step(TOF)
def tof(b: Any, dt_s: float) -> None:
    """ET runs from the fall of the input, up to PT; ``OUT`` is TRUE with the input and until then."""
    now = held(b.inp, b.inp_status, b.before)
    if now == TRUE or b.before == TRUE:
        b.et_s = 0.0
    elif b.out >= 0.5:
        b.et_s = min(b.et_s + b.elapsed_s, b.pt_s)
    if now == TRUE:
        b.out = 1.0
    elif reached(b.et_s, b.pt_s):
        b.out = 0.0
    b.before = now
    b.out_status = forwarded(b.inp, b.inp_status)
