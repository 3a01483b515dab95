"""Majority block: TRUE when enough of its inputs are.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals. No clock, no I/O, no log.
Promise     the answer is Good as soon as the believable inputs decide it, whatever the Bad ones may be; else it keeps
            its last value and is Bad. (For a safety function take a voter, which says what a Bad input counts as.)
Source      Kleene's three-valued logic on a threshold function.
"""

from typing import Any

from dcs.blocks.declare import block_type, discrete, i8, step
from dcs.blocks.discrete.truth import TRUE, UNKNOWN, as_number, forwarded, truth, worse
from dcs.core.status import BAD, NON_SPECIFIC, STATUS_GOOD, make_status

INPUTS = 8

MAJORITY = block_type(
    "MAJORITY",
    "Majority",
    inputs=[discrete("inp", "input", count=INPUTS)],
    state=[i8("inp_linked", "1 when wired", count=INPUTS)],
    outputs=[discrete("out", "enough inputs are TRUE"), i8("votes", "how many inputs are TRUE")],
    params=[i8("needed", "how many must be TRUE; 0 = more than half of the wired ones", low=0, high=INPUTS)],
    optional_inputs=("inp",),
    published={"OUT": "out", "VOTES": "votes", "NEEDED": "needed"},
    writable=("NEEDED",),
)


@step(MAJORITY)
def majority(b: Any, dt_s: float) -> None:
    """TRUE when ``votes >= needed``; FALSE when ``votes + unknown < needed``; else undecided."""
    wired, votes, unknown = 0, 0, 0
    status = STATUS_GOOD
    for i in range(INPUTS):
        if b.inp_linked[i] == 0:
            continue
        wired += 1
        now = truth(b.inp[i], b.inp_status[i])
        if now == UNKNOWN:
            unknown += 1
            continue
        status = worse(status, forwarded(b.inp[i], b.inp_status[i]))
        if now == TRUE:
            votes += 1
    b.votes = votes
    needed = b.needed if b.needed > 0 else wired // 2 + 1
    if wired == 0 or (votes < needed <= votes + unknown):
        b.out_status = make_status(BAD, NON_SPECIFIC)
        return
    b.out = as_number(TRUE if votes >= needed else 0)
    b.out_status = status
