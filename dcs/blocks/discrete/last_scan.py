"""Loop breaker: passes a discrete value on without waiting for it.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals. No clock, no I/O, no log.
Promise     a loop of logic (a valve that needs a pump that needs the valve) can be computed: in this wire the value of
            the last scan counts, FALSE at first. Its status is Good unless the loop is Bad, and then Uncertain: trouble
            enters a loop through its other inputs, and one that were passed round and round would never leave it.
Source      unit delay; feedback variable of IEC 61131-3 function block diagrams.
"""

from typing import Any

from dcs.blocks.declare import block_type, discrete, step
from dcs.blocks.discrete.truth import UNKNOWN, as_number, truth
from dcs.core.status import LAST_USABLE, STATUS_GOOD, UNCERTAIN, make_status

LAST_SCAN = block_type(
    "LAST_SCAN",
    "Loop breaker",
    inputs=[discrete("inp", "value of this scan or the last one")],
    outputs=[discrete("out", "the same")],
    feedback_inputs=("inp",),
    published={"OUT": "out"},
)


@step(LAST_SCAN)
def last_scan(b: Any, dt_s: float) -> None:
    """``out = inp``; a Bad input keeps the last value, which is Uncertain then."""
    now = truth(b.inp, b.inp_status)
    if now != UNKNOWN:
        b.out = as_number(now)
    b.out_status = make_status(UNCERTAIN, LAST_USABLE) if now == UNKNOWN else STATUS_GOOD
