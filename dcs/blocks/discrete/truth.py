"""What discrete blocks have in common: true and false, and what may be said when an input cannot be believed.

Called by   the steps of the discrete blocks; compiled together with them.
Knows       numbers and status bytes. No block.
Promise     two rules, said here once. *Combinations* (logic, majority) know a third answer, unknown: a Bad input
            counts as unknown, and the result is Good as soon as the other inputs decide it (AND with one Good FALSE is
            FALSE). An unknown result keeps its last value and is Bad. *Sequences* (flip-flops, edges, timers,
            counters) keep the last usable value of a Bad input, go on with it, and put its status on their output.
Source      Kleene's strong three-valued logic for the combinations.
"""

import math

from dcs.core.status import BAD, GOOD, NON_SPECIFIC, STATUS_GOOD, make_status, quality_of, sub_status_of

FALSE, TRUE, UNKNOWN = 0, 1, 2


def truth(value: float, status: int) -> int:
    """FALSE, TRUE (0.5 and above), or UNKNOWN for what is Bad or no number."""
    if quality_of(status) == BAD or not math.isfinite(value):
        return UNKNOWN
    return TRUE if value >= 0.5 else FALSE


def held(value: float, status: int, before: int) -> int:
    """TRUE or FALSE; the answer before where the input cannot be believed."""
    now = truth(value, status)
    return before if now == UNKNOWN else now


def forwarded(value: float, status: int) -> int:
    """Status of a result that rests on this input: its quality, without limits or what a cascade says."""
    quality = quality_of(status)
    if quality != BAD and not math.isfinite(value):
        return make_status(BAD, NON_SPECIFIC)
    return STATUS_GOOD if quality >= GOOD else make_status(quality, sub_status_of(status))


def worse(a: int, b: int) -> int:
    """The status of the lower quality; the first one among equals."""
    return b if quality_of(b) < quality_of(a) else a


def better(a: int, b: int) -> int:
    """The status of the higher quality; the first one among equals."""
    return b if quality_of(b) > quality_of(a) else a


def as_number(truth_value: int) -> float:
    """1.0 or 0.0, as terminals carry it."""
    return 1.0 if truth_value == TRUE else 0.0


def reached(elapsed_s: float, preset_s: float) -> bool:
    """Has a timer run its time? Never early; ten times 0.1 s is one second whatever the rounding."""
    return elapsed_s >= preset_s * (1.0 - 1e-9)


def selection(value: float, status: int, count: int) -> int:
    """The whole number 1 … ``count`` that a selector carries; 0 where it carries none or cannot be believed."""
    if quality_of(status) == BAD or not math.isfinite(value):
        return 0
    if value < 0.5 or value >= count + 0.5:
        return 0
    return math.floor(value + 0.5)
