"""On/off valve: open and close with limit switches, interlocks, permissives, first-out, open hours.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state. No clock, no I/O, no log.
Promise     as ``dcs.blocks.discrete.device_control``. One limit switch is enough (the other position is then its
            opposite); both at once are a failure of the feedback. ``trip_to: OPEN`` for a valve that is safe when
            open.
Source      the behaviour that the motor and valve blocks of process control systems have in common.
"""

from typing import Any

from dcs.blocks.declare import block_type, discrete, i8, step
from dcs.blocks.discrete import device_face
from dcs.blocks.discrete.device_control import BETWEEN, CONTRADICTION, HOLD, NOT_KNOWN, assumed_position, control
from dcs.blocks.discrete.truth import TRUE, UNKNOWN, forwarded, truth, worse
from dcs.core.status import STATUS_GOOD

STATES = ("CLOSED", "OPEN", "OPENING", "CLOSING", "FAILED", "UNKNOWN")
FAILS = ("NONE", "DID NOT OPEN", "DID NOT CLOSE", "MOVED BY ITSELF", "BOTH LIMIT SWITCHES")

VALVE = block_type(
    "VALVE",
    "On/off valve",
    inputs=[
        discrete("opened", "limit switch: TRUE when open"),
        discrete("closed", "limit switch: TRUE when closed"),
        *device_face.inputs(),
    ],
    state=[
        i8("opened_linked", "1 when OPENED is wired"),
        i8("closed_linked", "1 when CLOSED is wired"),
        *device_face.state(),
    ],
    outputs=device_face.outputs(STATES, FAILS),
    params=device_face.params(("CLOSE", "OPEN"), fail_direction=HOLD),
    feedback_inputs=("bkcal_in",),
    optional_inputs=("opened", "closed", *device_face.OPTIONAL_INPUTS),
    published=device_face.PUBLISHED,
    writable=device_face.WRITABLE,
    texts=device_face.TEXTS,
    translate=device_face.translator(FAILS),
    events=device_face.EVENTS,
)


@step(VALVE)
def valve(b: Any, dt_s: float) -> None:
    """Position from the limit switches; then ``control``.

    ======  ======  =============
    opened  closed  position
    ======  ======  =============
    1       0       open
    0       1       closed
    0       0       between
    1       1       contradiction
    Bad     any     not known
    ======  ======  =============
    """
    status = STATUS_GOOD
    if b.simulate != 0:
        position = b.command
    elif b.opened_linked == 0 and b.closed_linked == 0:
        position = assumed_position(b)
    else:
        opened = truth(b.opened, b.opened_status)
        closed = truth(b.closed, b.closed_status)
        if b.closed_linked == 0:
            status = forwarded(b.opened, b.opened_status)
            position = NOT_KNOWN if opened == UNKNOWN else opened
        elif b.opened_linked == 0:
            status = forwarded(b.closed, b.closed_status)
            position = NOT_KNOWN if closed == UNKNOWN else 1 - closed
        else:
            status = worse(forwarded(b.opened, b.opened_status), forwarded(b.closed, b.closed_status))
            if opened == UNKNOWN or closed == UNKNOWN:
                position = NOT_KNOWN
            elif opened == closed:
                position = CONTRADICTION if opened == TRUE else BETWEEN
            else:
                position = opened
    control(b, position, status)
