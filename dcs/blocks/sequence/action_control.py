"""Action control: which actions are carried out in this scan. Functions on the record of SFC.

Called by   the step of SFC; compiled together with it.
Knows       the record ``b``: uses (a step names an action with a qualifier), actions (a BOOL variable or a program).
Source      IEC 61131-3, sequential function chart: action control. There is no final scan: P0 is for what is to be done
            when a step is left.
"""

from typing import Any

from dcs.blocks.sequence.evolution import run
from dcs.blocks.sequence.qualifiers import STORED, R, carried_out, latched_after
from dcs.core.status import STATUS_GOOD


def carry_out(b: Any) -> None:
    """Action control, then the actions: boolean ones first, programs in the order of the text."""
    for a in range(b.action_count):
        b.carried[a] = 0
        b.reset_now[a] = 0
    for k in range(b.use_count):
        if b.use_qualifier[k] == R and (b.active >> b.use_step[k]) & 1:
            b.reset_now[b.use_action[k]] = 1
    for k in range(b.use_count):
        if b.reset_now[b.use_action[k]] != 0:
            b.latched[k] = 0
            b.latched_ns[k] = 0
        elif is_carried_out(b, k):
            b.carried[b.use_action[k]] = 1
    for a in range(b.action_count):
        slot = b.action_slot[a]
        if slot >= 0:
            b.memory[slot] = 1.0 * b.carried[a]
            b.memory_status[slot] = STATUS_GOOD
    for a in range(b.action_count):
        if b.action_slot[a] < 0 and b.carried[a] != 0:
            run(b, b.action_start[a], b.action_end[a])


def is_carried_out(b: Any, k: int) -> bool:
    """One use of an action by a step: its latch, then whether the action is carried out."""
    i, qualifier, time_ns = b.use_step[k], b.use_qualifier[k], b.use_ns[k]
    active = ((b.active >> i) & 1) != 0
    if (STORED >> qualifier) & 1:
        b.latched[k] = latched_after(qualifier, b.latched[k], active, b.step_ns[i], time_ns)
    entered, left = ((b.entered >> i) & 1) != 0, ((b.left >> i) & 1) != 0
    return carried_out(qualifier, active, entered, left, b.step_ns[i], b.latched[k], b.latched_ns[k], time_ns)
