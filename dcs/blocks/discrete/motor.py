"""Motor: start and stop with a running feedback, interlocks, permissives, first-out, running hours.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its state. No clock, no I/O, no log.
Promise     as ``dcs.blocks.discrete.device_control``. Wire OUT to a DO for a held contactor, OUT_ON and OUT_REST for a
            starter with two pulses.
Source      the behaviour that the motor and valve blocks of process control systems have in common.
"""

from typing import Any

from dcs.blocks.declare import block_type, discrete, i8, step
from dcs.blocks.discrete import device_face
from dcs.blocks.discrete.device_control import NOT_KNOWN, assumed_position, control
from dcs.blocks.discrete.truth import UNKNOWN, forwarded, truth
from dcs.core.status import STATUS_GOOD

STATES = ("STOPPED", "RUNNING", "STARTING", "STOPPING", "FAILED", "UNKNOWN")
FAILS = ("NONE", "DID NOT START", "DID NOT STOP", "STOPPED OR STARTED BY ITSELF", "FEEDBACK")

MOTOR = block_type(
    "MOTOR",
    "Motor",
    inputs=[discrete("feedback", "TRUE while it runs"), *device_face.inputs()],
    state=[i8("feedback_linked", "1 when FEEDBACK is wired"), *device_face.state()],
    outputs=device_face.outputs(STATES, FAILS),
    params=device_face.params(("STOP", "START"), fail_direction=0),
    feedback_inputs=("bkcal_in",),
    optional_inputs=("feedback", *device_face.OPTIONAL_INPUTS),
    published=device_face.PUBLISHED,
    writable=device_face.WRITABLE,
    texts=device_face.TEXTS,
    translate=device_face.translator(FAILS),
    events=device_face.EVENTS,
)


@step(MOTOR)
def motor(b: Any, dt_s: float) -> None:
    """Position from the running feedback; then ``control``."""
    status = STATUS_GOOD
    if b.simulate != 0:
        position = b.command
    elif b.feedback_linked == 0:
        position = assumed_position(b)
    else:
        now = truth(b.feedback, b.feedback_status)
        position = NOT_KNOWN if now == UNKNOWN else now
        status = forwarded(b.feedback, b.feedback_status)
    control(b, position, status)
