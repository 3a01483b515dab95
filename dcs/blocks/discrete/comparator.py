"""Comparator block: a value against a limit or another value, with hysteresis.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state. No clock, no I/O, no log.
Promise     once TRUE it stays so until the value has come back by the hysteresis, so noise at the limit does not
            chatter; a Bad input keeps the last answer, with the status.
Source      IEC 61131-3 comparison functions; hysteresis on the way back only.
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, discrete, f8, i8, scale, signal, step
from dcs.blocks.discrete.truth import FALSE, TRUE, as_number, forwarded, worse
from dcs.core.status import BAD, quality_of

GREATER, GREATER_EQUAL, LESS, LESS_EQUAL, EQUAL, NOT_EQUAL = range(6)
COMPARISONS = ("GT", "GE", "LT", "LE", "EQ", "NE")

COMPARATOR = block_type(
    "COMPARATOR",
    "Comparator",
    inputs=[
        signal("signal_in", "@signal_scale", "value"),
        signal("reference", "@signal_scale", "what it is compared with; LIMIT when it is not wired"),
    ],
    state=[i8("reference_linked", "1 when REFERENCE is wired")],
    outputs=[discrete("out", "answer")],
    params=[
        scale("signal_scale", "range of the values"),
        i8("comparison", "value GT, GE, LT, LE, EQ or NE reference",
           choices=tuple((name, code) for code, name in enumerate(COMPARISONS))),
        f8("limit", "@signal_scale", "what the value is compared with when REFERENCE is not wired"),
        f8("hysteresis", "@signal_scale", "how far the value must come back; EQ, NE: how far apart is still equal",
           low=0.0),
    ],
    optional_inputs=("reference",),
    published={
        "IN": "signal_in",
        "REFERENCE": "reference",
        "OUT": "out",
        "LIMIT": "limit",
        "HYSTERESIS": "hysteresis",
    },
    writable=("LIMIT", "HYSTERESIS"),
)  # fmt: skip


@step(COMPARATOR)
def comparator(b: Any, dt_s: float) -> None:
    """``IN > REF``, held until ``IN <= REF - hysteresis``; LT the other way round; EQ: ``|IN - REF| <= hysteresis``."""
    reference, status = b.limit, forwarded(b.signal_in, b.signal_in_status)
    if b.reference_linked != 0:
        reference = b.reference
        status = worse(status, forwarded(b.reference, b.reference_status))
    b.out_status = status
    if quality_of(status) == BAD:
        return
    above = b.signal_in - reference
    if not math.isfinite(above):
        above = 1.0 if b.signal_in > reference else -1.0
    hold = b.hysteresis if b.out >= 0.5 else 0.0
    answer = False
    if b.comparison == GREATER:
        answer = above > 0.0 if hold == 0.0 else above > -hold
    elif b.comparison == GREATER_EQUAL:
        answer = above >= 0.0 if hold == 0.0 else above > -hold
    elif b.comparison == LESS:
        answer = above < 0.0 if hold == 0.0 else above < hold
    elif b.comparison == LESS_EQUAL:
        answer = above <= 0.0 if hold == 0.0 else above < hold
    elif b.comparison == EQUAL:
        answer = abs(above) <= b.hysteresis
    else:
        answer = abs(above) > b.hysteresis
    b.out = as_number(TRUE if answer else FALSE)
