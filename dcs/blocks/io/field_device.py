"""Field device: what a controller knows of one device beside its values, and whether it has lost it.

Called by   dcs.engine once per scan; never runs on its own. The configuration makes one for every device that a
            controller uses (``dcs.config.device_modules``) and gives it its alarm COMM.
Knows       the link channel of the input image: how many of the points in use have a value, and in its status why not.
            Detection is in the scan, so that the standby comes to the same result; the time-outs behind it are those of
            the values (``stale``), so that a device is lost in the scan in which its last value turns Bad. One that was
            never reached is not lost yet: at a start nobody can say whether it is dead or only late.
Source      NAMUR NE 107 (2012) for the condition; decision 0014.
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, coded, discrete, f8, i8, signal, step
from dcs.core.status import BAD, DEVICE_FAILURE, NOT_CONNECTED, STATUS_GOOD, UNCERTAIN, quality_of, sub_status_of

COMMUNICATES, NEVER_ANSWERED, NO_COMMUNICATION, NO_VALUES, SOME_VALUES = range(5)
STATE_CHOICES = (
    ("COMMUNICATES", COMMUNICATES),
    ("NEVER_ANSWERED", NEVER_ANSWERED),
    ("NO_COMMUNICATION", NO_COMMUNICATION),
    ("NO_VALUES", NO_VALUES),
    ("SOME_VALUES", SOME_VALUES),
)
DEVICE_GOOD, DEVICE_FAILED, DEVICE_NEEDS_MAINTENANCE = 0, 1, 4
CONDITION_CHOICES = (
    ("GOOD", DEVICE_GOOD),
    ("FAILURE", DEVICE_FAILED),
    ("FUNCTION_CHECK", 2),
    ("OUT_OF_SPECIFICATION", 3),
    ("MAINTENANCE_REQUIRED", DEVICE_NEEDS_MAINTENANCE),
)
"""The four signals of NE 107, and none of them."""
FIRST_CONTACT_S = 10.0
"""Some retries of a driver (2.5 s each, at most), and the start of a field that is simulated."""

FIELD_DEVICE = block_type(
    "FIELD_DEVICE",
    "Field device",
    inputs=[
        signal("link", "%", "points in use that have a value"),
        signal("errors", "", "requests without a proper answer since the controller was started"),
        signal("round_trip", "ms", "time from a request to its answer, smoothed"),
    ],
    state=[
        f8("elapsed_s", "s", "period plus declared slips"),
        i8("was_silent", "1 while no point had a value at the last scan"),
        i8("was_lost", "1 while it was lost at the last scan"),
    ],
    outputs=[
        coded(
            "state",
            "what comes from it; NO_VALUES: it answers, but refuses; SOME_VALUES: not all points have one",
            STATE_CHOICES,
        ),
        coded("condition", "diagnosis by NE 107", CONDITION_CHOICES),
        discrete(
            "lost", f"1 while no point in use has a value; of a device that never answered, after {FIRST_CONTACT_S:g} s"
        ),
        f8("silent_s", "s", "how long no point has had a value"),
        i8("losses", "how often it was lost"),
    ],
    optional_inputs=("errors", "round_trip"),
    published={
        "STATE": "state",
        "CONDITION": "condition",
        "VALUES": "link",
        "SILENT": "silent_s",
        "LOSSES": "losses",
        "ERRORS": "errors",
        "ROUND_TRIP": "round_trip",
        "LOST": "lost",
    },
)


@step(FIELD_DEVICE)
def field_device(b: Any, dt_s: float) -> None:
    """State and condition from the status of the link; how long, and how often, it has been lost."""
    quality, sub = quality_of(b.link_status), sub_status_of(b.link_status)
    state, condition = COMMUNICATES, DEVICE_GOOD
    if quality == BAD:
        condition = DEVICE_FAILED
        state = NO_COMMUNICATION
        if sub == NOT_CONNECTED:
            state = NEVER_ANSWERED
        elif sub == DEVICE_FAILURE:
            state = NO_VALUES
    elif quality == UNCERTAIN:
        state, condition = SOME_VALUES, DEVICE_NEEDS_MAINTENANCE
    b.state, b.state_status = 1.0 * state, STATUS_GOOD
    b.condition, b.condition_status = 1.0 * condition, STATUS_GOOD
    if quality != BAD:
        b.was_silent, b.silent_s = 0, 0.0
    elif b.was_silent == 0:
        b.was_silent, b.silent_s = 1, 0.0
    elif math.isfinite(b.elapsed_s):
        b.silent_s = b.silent_s + b.elapsed_s
    lost = 1 if quality == BAD and (state != NEVER_ANSWERED or b.silent_s >= FIRST_CONTACT_S) else 0
    if lost != 0 and b.was_lost == 0:
        b.losses = b.losses + 1
    b.was_lost = lost
    b.lost, b.lost_status = 1.0 * lost, STATUS_GOOD
