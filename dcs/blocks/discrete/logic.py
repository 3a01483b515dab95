"""Logic block: AND, OR, XOR and their negations of up to eight inputs.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals. No clock, no I/O, no log.
Promise     the result is Good as soon as the believable inputs decide it, whatever the Bad ones may be; an undecided
            result keeps its last value and is Bad (``dcs.blocks.discrete.truth``). Inputs that are not wired do not
            count.
Source      Kleene's strong three-valued logic; IEC 61131-3 functions AND, OR, XOR, NOT.
"""

from typing import Any

from dcs.blocks.declare import block_type, discrete, flag, i8, step
from dcs.blocks.discrete.truth import FALSE, TRUE, UNKNOWN, as_number, better, forwarded, truth, worse
from dcs.core.status import BAD, NON_SPECIFIC, STATUS_GOOD, make_status

AND, OR, XOR, NAND, NOR, XNOR = range(6)
FUNCTIONS = ("AND", "OR", "XOR", "NAND", "NOR", "XNOR")
INPUTS = 8

LOGIC = block_type(
    "LOGIC",
    "Logic",
    inputs=[discrete("inp", "input", count=INPUTS)],
    state=[i8("inp_linked", "1 when wired", count=INPUTS)],
    outputs=[discrete("out", "result")],
    params=[
        i8("function", "AND, OR, XOR (an odd number is TRUE), or one of them negated",
           choices=tuple((name, code) for code, name in enumerate(FUNCTIONS))),
        flag("invert", "1: this input is negated before it counts", count=INPUTS),
    ],
    optional_inputs=("inp",),
    published={"OUT": "out", "FUNCTION": "function"},
)  # fmt: skip


@step(LOGIC)
def logic(b: Any, dt_s: float) -> None:
    """Truth table with unknown (?) for Bad; a negated function gives the opposite, ? stays ?.

    ====  ====  =====  ====  =====
    a     b     AND    OR    XOR
    ====  ====  =====  ====  =====
    0     0     0      0     0
    0     1     0      1     1
    1     1     1      1     0
    0     ?     0      ?     ?
    1     ?     ?      1     ?
    ?     ?     ?      ?     ?
    ====  ====  =====  ====  =====
    """
    negated = b.function >= NAND
    function = b.function - NAND if negated else b.function
    decider = FALSE if function == AND else TRUE  # one input with this value settles AND, OR
    odd, unknown, decided = 0, 0, 0
    all_status = STATUS_GOOD
    deciding_status = make_status(BAD, NON_SPECIFIC)
    wired = 0
    for i in range(INPUTS):
        if b.inp_linked[i] == 0:
            continue
        wired += 1
        now = truth(b.inp[i], b.inp_status[i])
        status = forwarded(b.inp[i], b.inp_status[i])
        all_status = worse(all_status, status)
        if now == UNKNOWN:
            unknown += 1
            continue
        if b.invert[i] != 0:
            now = 1 - now
        odd = (odd + now) % 2
        if now == decider:
            decided += 1
            deciding_status = better(deciding_status, status)
    if wired == 0:
        b.out_status = make_status(BAD, NON_SPECIFIC)
        return
    result = UNKNOWN
    b.out_status = all_status
    if function == XOR:
        if unknown == 0:
            result = odd
    elif decided > 0:
        result = decider
        b.out_status = deciding_status
    elif unknown == 0:
        result = 1 - decider
    if result != UNKNOWN:
        b.out = as_number(1 - result if negated else result)
