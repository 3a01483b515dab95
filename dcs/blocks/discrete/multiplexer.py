"""Multiplexer block: passes on one of its eight analogue inputs.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state. No clock, no I/O, no log.
Promise     a selector that is Bad, or names no wired input, changes nothing: the last selection stays, and a Good
            output is only Uncertain then. The status of the selected input goes with it.
Source      IEC 61131-3 function MUX, with inputs counted from 1.
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, i8, scale, signal, signals, step
from dcs.blocks.discrete.truth import forwarded, selection
from dcs.core.status import GOOD, SUB_NORMAL, UNCERTAIN, make_status, quality_of

INPUTS = 8

MULTIPLEXER = block_type(
    "MULTIPLEXER",
    "Multiplexer",
    inputs=[signals("inp", INPUTS, "@signal_scale", "input"), signal("selector", "", "number of the input, from 1")],
    state=[i8("inp_linked", "1 when wired", count=INPUTS), i8("selector_linked", "1 when SELECTOR is wired")],
    outputs=[
        signal("out", "@signal_scale", "the selected input"),
        i8("selected", "number of the one passed on"),
    ],
    params=[
        scale("signal_scale", "range of the inputs"),
        i8("choice", "number of the input when SELECTOR is not wired", default=1, low=1, high=INPUTS),
    ],
    optional_inputs=("inp", "selector"),
    published={"OUT": "out", "SELECTED": "selected", "CHOICE": "choice"},
    writable=("CHOICE",),
)


@step(MULTIPLEXER)
def multiplexer(b: Any, dt_s: float) -> None:
    """``OUT := INP[SELECTOR]``; without a wired SELECTOR ``INP[CHOICE]``."""
    wanted = b.choice
    if b.selector_linked != 0:
        wanted = selection(b.selector, b.selector_status, INPUTS)
    valid = wanted > 0 and b.inp_linked[max(wanted, 1) - 1] != 0
    if valid:
        b.selected = wanted
    at = max(b.selected, 1) - 1
    b.out_status = b.inp_status[at] if math.isfinite(b.inp[at]) else forwarded(b.inp[at], b.inp_status[at])
    if math.isfinite(b.inp[at]):
        b.out = b.inp[at]
    if not valid and quality_of(b.out_status) >= GOOD:
        b.out_status = make_status(UNCERTAIN, SUB_NORMAL)
