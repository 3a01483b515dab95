"""What surrounds the movement of a chart: inputs and flags before it, outputs and the faceplate after it.

Called by   the step of SFC; compiled together with it.
Knows       the record ``b``. It stands apart from the declaration because of ``b.step``: what a step names is looked up
            among the globals of its module, and there ``step`` is a decorator.
"""

import math
from typing import Any

from dcs.blocks.program import UNTOUCHED, plain_status
from dcs.blocks.sequence.evolution import IN_TIME, NOT_COMPUTED, TIMED_OUT, note
from dcs.blocks.sequence.procedure import (
    ABORT,
    HOLD,
    MANUAL,
    REFUSED,
    RESET,
    RESTART,
    RUNNING,
    START,
    STOP,
    after_command,
)  # fmt: skip
from dcs.blocks.sequence.sizes import (
    DT_AT,
    EVENT_PLACES_AT,
    INPUTS,
    OUTPUTS,
    OUTPUTS_AT,
    VARIABLES,
    VARIABLES_AT,
    WORDS,
)
from dcs.core.status import BAD, CONFIGURATION_ERROR, INITIAL_VALUE, STATUS_GOOD, UNCERTAIN, make_status


def begin(b: Any, dt_s: float) -> None:
    """Inputs and flags of the scan; initial values in the first one."""
    if b.started == 0:
        b.started = 1
        for i in range(VARIABLES):
            b.memory[VARIABLES_AT + i] = b.initial[i]
        for i in range(OUTPUTS):
            b.out_status[i] = make_status(BAD, CONFIGURATION_ERROR)
            if b.assigned[i] != 0:
                b.out_status[i] = make_status(UNCERTAIN, INITIAL_VALUE)
    for i in range(INPUTS):
        b.memory_status[i] = plain_status(b.inp[i], b.inp_status[i])
        if math.isfinite(b.inp[i]):
            b.memory[i] = b.inp[i]
    for i in range(OUTPUTS_AT, WORDS):
        b.memory_status[i] = UNTOUCHED
    b.memory[DT_AT] = dt_s
    b.entered = 0
    b.left = 0
    b.fault = 0
    b.noted = 0


def show(b: Any) -> None:
    """Outputs, time-outs, the parts of the faceplate, and one event."""
    for i in range(OUTPUTS):
        if b.memory_status[OUTPUTS_AT + i] != UNTOUCHED:
            b.out[i] = b.memory[OUTPUTS_AT + i]
            b.out_status[i] = b.memory_status[OUTPUTS_AT + i]
    late = 0
    b.step = 0
    b.step_time_s = 0.0
    for i in range(b.step_count - 1, -1, -1):
        if (b.active >> i) & 1:
            b.step = i + 1
            b.step_time_s = b.step_ns[i] / 1.0e9
            if b.max_ns[i] > 0 and b.step_ns[i] >= b.max_ns[i]:
                late = late | (1 << i)
                b.timed_out_step = i + 1
    if late & ~b.timed_out:
        note(b, TIMED_OUT, 1.0 * b.timed_out_step)
    if late == 0:
        if b.timed_out != 0:
            note(b, IN_TIME, 0.0)
        b.timed_out_step = 0
    b.timed_out = late
    b.timeout = 1.0 if late != 0 else 0.0
    b.timeout_status = STATUS_GOOD
    if b.fault != 0 and b.fault != b.fault_noted:
        note(b, NOT_COMPUTED, 1.0 * (EVENT_PLACES_AT + b.fault))
    b.fault_noted = b.fault
    b.may_start = possible(b.state, START)
    b.may_hold = possible(b.state, HOLD)
    b.may_restart = possible(b.state, RESTART)
    b.may_stop = possible(b.state, STOP)
    b.may_abort = possible(b.state, ABORT)
    b.may_reset = possible(b.state, RESET)
    b.may_force = 1 if b.state == RUNNING and b.seq_mode == MANUAL else 0


def possible(state: int, command: int) -> int:
    """1 for a command that the state accepts."""
    return 1 if after_command(state, command) != REFUSED else 0
