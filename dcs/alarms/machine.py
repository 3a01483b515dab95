"""The ISA-18.2 alarm as pure step functions: detection with deadband and delays, the states A to D and H.

Called by   the alarm record in ``dcs.blocks.alarm`` (compiled together with it), the engine's ``ack``, the HMI's tests.
Knows       numbers and status bytes. No clock, no text, no list of alarms.
Source      ISA-18.2-2016 / IEC 62682, alarm state transition diagram.
"""

import math

from dcs.core.status import BAD, OUT_OF_SERVICE, quality_of, sub_status_of

NORMAL, UNACKNOWLEDGED, ACKNOWLEDGED, RETURNED = 0, 1, 2, 3
"""States A, B, C and D of the standard, as they stand in a frame."""
SUPPRESSED = 7
"""State H: in alarm, but another alarm says why; hidden until that one no longer explains it."""
STATE_LETTERS = "ABCDEFGHI"

HIHI, HI, LO, LOLO, DEV_HI, DEV_LO, BAD_PV, ON, OFF, ROC = range(10)
ALARM_KINDS = ("HIHI", "HI", "LO", "LOLO", "DEV_HI", "DEV_LO", "BAD_PV", "ON", "OFF", "ROC")
"""Names of the kinds, in the order of their codes."""


def detect(kind: int, active: int, value: float, status: int, reference: float, limit: float, deadband: float) -> int:
    """1 in alarm, 0 normal, -1 nothing can be said (a Bad value freezes limit alarms: neither set nor cleared).

    ``active`` is the answer so far: the deadband holds on leaving only. For a deviation the size of ``limit`` counts; a
    rate of change is the distance, on either side, from what the value was (``reference``).
    """
    bad = quality_of(status) == BAD
    if kind == BAD_PV:
        return 1 if bad and sub_status_of(status) != OUT_OF_SERVICE else 0
    if bad or not math.isfinite(value) or not math.isfinite(reference):
        return -1
    if kind in (ON, OFF):
        return 1 if (value >= 0.5) == (kind == ON) else 0
    hold = deadband if active != 0 else 0.0
    if kind == ROC:
        return 1 if math.fabs(value - reference) > abs(limit) - hold else 0
    if kind in (HIHI, HI):
        return 1 if value > limit - hold else 0
    if kind in (LO, LOLO):
        return 1 if value < limit + hold else 0
    if kind == DEV_HI:
        return 1 if value - reference > abs(limit) - hold else 0
    return 1 if value - reference < hold - abs(limit) else 0


def delay_over(timer_s: float, delay_s: float, dt_s: float) -> bool:
    """Has a condition lasted? Half a period of tolerance, so that ten times 0.1 s is one second."""
    return timer_s + 0.5 * dt_s >= delay_s


def after_alarm(state: int) -> int:
    """The process went into alarm (again)."""
    return ACKNOWLEDGED if state == ACKNOWLEDGED else UNACKNOWLEDGED


def after_return(state: int) -> int:
    """The process returned to normal."""
    if state == UNACKNOWLEDGED:
        return RETURNED
    return NORMAL if state == ACKNOWLEDGED else state


def after_ack(state: int) -> int:
    """Somebody acknowledged."""
    if state == UNACKNOWLEDGED:
        return ACKNOWLEDGED
    return NORMAL if state == RETURNED else state
