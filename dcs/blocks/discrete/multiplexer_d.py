"""Discrete multiplexer block: passes on one of its eight discrete inputs.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state. No clock, no I/O, no log.
Promise     a selector that is Bad, or names no wired input, changes nothing: the last selection stays, and a Good
            output is only Uncertain then. The status of the selected input goes with it.
Source      IEC 61131-3 function MUX, with inputs counted from 1.
"""

from typing import Any

from dcs.blocks.declare import block_type, discrete, i8, signal, step
from dcs.blocks.discrete.truth import UNKNOWN, as_number, forwarded, selection, truth
from dcs.core.status import GOOD, SUB_NORMAL, UNCERTAIN, make_status, quality_of

INPUTS = 8

MULTIPLEXER_D = block_type(
    "MULTIPLEXER_D",
    "Discrete multiplexer",
    inputs=[discrete("inp", "input", count=INPUTS), signal("selector", "", "number of the input, from 1")],
    state=[i8("inp_linked", "1 when wired", count=INPUTS), i8("selector_linked", "1 when SELECTOR is wired")],
    outputs=[discrete("out", "the selected input"), i8("selected", "number of the one passed on")],
    params=[
        i8("choice", "number of the input when SELECTOR is not wired", default=1, low=1, high=INPUTS),
    ],
    optional_inputs=("inp", "selector"),
    published={"OUT": "out", "SELECTED": "selected", "CHOICE": "choice"},
    writable=("CHOICE",),
)


@step(MULTIPLEXER_D)
def multiplexer_d(b: Any, dt_s: float) -> None:
    """``OUT := INP[SELECTOR]``; without a wired SELECTOR ``INP[CHOICE]``."""
    wanted = b.choice
    if b.selector_linked != 0:
        wanted = selection(b.selector, b.selector_status, INPUTS)
    valid = wanted > 0 and b.inp_linked[max(wanted, 1) - 1] != 0
    if valid:
        b.selected = wanted
    at = max(b.selected, 1) - 1
    b.out_status = forwarded(b.inp[at], b.inp_status[at])
    now = truth(b.inp[at], b.inp_status[at])
    if now != UNKNOWN:
        b.out = as_number(now)
    if not valid and quality_of(b.out_status) >= GOOD:
        b.out_status = make_status(UNCERTAIN, SUB_NORMAL)
