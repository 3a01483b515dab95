"""What a block and a host computer say to each other: RCas (the host gives the setpoint) and ROut (the output).

Called by   the step functions of blocks with such modes; compiled together with them.
Knows       status bytes, modes, nominal seconds. No block, no bus.
Source      FF-891: remote cascade, SHED_OPT, SHED_RCAS, SHED_ROUT.

A host writes plain numbers (``RCAS_IN``, ``ROUT_IN``) whenever it likes; every write starts the time-out anew. With the
target RCas the block asks on ``RCAS_OUT`` (initialisation request) with a value that then stands still; the host
acknowledges by writing that value back. The acknowledgement moves nothing: what the host writes next is followed, so
that the way through the bus, however slow, makes no bump.
"""

import math

from dcs.core.modes import AUTO, CAS, MAN
from dcs.core.status import BAD, GOOD_CASCADE, IR, NO_COMM_LAST_USABLE, OK, make_status, quality_of, sub_status_of

SHED_CHOICES = (
    ("NORMAL", 1),
    ("NORMAL_NO_RETURN", 2),
    ("AUTO", 3),
    ("AUTO_NO_RETURN", 4),
    ("MAN", 5),
    ("MAN_NO_RETURN", 6),
    ("RETAINED", 7),
    ("RETAINED_NO_RETURN", 8),
)
"""SHED_OPT with the codes of FF-891. NORMAL: the next lower permitted mode; RETAINED: the target before RCas or ROut.
Without return the target itself is rewritten."""


def heard(written: int, status: int, timer_s: float, timeout_s: float, elapsed_s: float) -> tuple[int, float]:
    """Status of what a host writes, and seconds since it last did; ``timeout_s`` 0 waits for ever."""
    if written != 0:
        return make_status(GOOD_CASCADE, OK), 0.0
    timer_s = timer_s + elapsed_s
    if timeout_s > 0.0 and timer_s > timeout_s and quality_of(status) != BAD:
        status = make_status(BAD, NO_COMM_LAST_USABLE)
    return status, timer_s


def acknowledged(written: int, value: float, asked: float, asked_status: int, tolerance: float) -> bool:
    """Has the host, since it was asked to (``asked_status``: initialisation request), written the value back?"""
    asks = quality_of(asked_status) == GOOD_CASCADE and sub_status_of(asked_status) == IR
    return asks and written != 0 and math.isfinite(value) and abs(value - asked) <= tolerance


def shed_to(option: int, permitted: int, cascade_possible: bool, retained: int) -> int:
    """Mode wanted instead of RCas or ROut while there is no host."""
    if option >= 7:
        wanted = retained
    elif option >= 5:
        wanted = MAN
    elif option >= 3:
        wanted = AUTO
    else:
        wanted = CAS
    if wanted == CAS and not (cascade_possible and (permitted >> CAS) & 1):
        wanted = AUTO
    if wanted == AUTO and not (permitted >> AUTO) & 1:
        wanted = MAN
    return wanted


def sheds_for_good(option: int) -> bool:
    """True where a host that comes back finds another target."""
    return option % 2 == 0
