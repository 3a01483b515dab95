"""Inverter block: the opposite of one input.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals. No clock, no I/O, no log.
Source      IEC 61131-3 function NOT.
"""

from typing import Any

from dcs.blocks.declare import block_type, discrete, step
from dcs.blocks.discrete.truth import UNKNOWN, as_number, forwarded, truth

NOT = block_type(
    "NOT",
    "Inverter",
    inputs=[discrete("inp", "input")],
    outputs=[discrete("out", "opposite of the input")],
    published={"IN": "inp", "OUT": "out"},
)


@step(NOT)
def inverter(b: Any, dt_s: float) -> None:
    """``out = 1 - inp``; a Bad input keeps the last value and makes it Bad."""
    now = truth(b.inp, b.inp_status)
    if now != UNKNOWN:
        b.out = as_number(1 - now)
    b.out_status = forwarded(b.inp, b.inp_status)
