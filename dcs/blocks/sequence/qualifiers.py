"""Action qualifiers: when an action that a step names is carried out.

Called by   the step of SFC, once per association of a step with an action; compiled together with it.
Knows       one association: is its step active, entered or left in this scan, how long, and its own latch and timer.
Source      IEC 61131-3, sequential function chart: action control, qualifiers N R S L D P P0 P1 SD DS SL.
"""

QUALIFIERS = ("N", "R", "S", "L", "D", "P", "P0", "P1", "SD", "DS", "SL")
N, R, S, L, D, P, P0, P1, SD, DS, SL = range(11)

STORED = (1 << S) | (1 << SD) | (1 << DS) | (1 << SL)
"""Mask of those that go on when the step is left, until R."""

TIMED = ("L", "D", "SD", "DS", "SL")
"""Those that need a time."""


def latched_after(qualifier: int, latched: int, active: bool, step_ns: int, time_ns: int) -> int:
    """The latch of a stored action (``STORED``): set by the step, cleared only by R."""
    if latched != 0 or not active:
        return latched
    if qualifier == DS and step_ns < time_ns:
        return 0
    return 1


def carried_out(
    qualifier: int, active: bool, entered: bool, left: bool, step_ns: int, latched: int, timer_ns: int, time_ns: int
) -> bool:
    """Is the action carried out in this scan? ``step_ns``: the step's timer; ``timer_ns``: since the latch was set."""
    if qualifier == N:
        return active
    if qualifier == S or qualifier == DS:  # noqa: SIM109 (a tuple compiles slower)
        return latched != 0
    if qualifier == L:
        return active and step_ns < time_ns
    if qualifier == D:
        return active and step_ns >= time_ns
    if qualifier == P or qualifier == P1:  # noqa: SIM109
        return entered
    if qualifier == P0:
        return left
    if qualifier == SD:
        return latched != 0 and timer_ns >= time_ns
    if qualifier == SL:
        return latched != 0 and timer_ns < time_ns
    return False
