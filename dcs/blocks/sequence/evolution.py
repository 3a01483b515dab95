"""How a chart moves: timers, commands, states, transitions. Functions on the record of SFC.

Called by   the step of SFC; compiled together with it.
Knows       the record ``b``: steps as bits of masks, programs as ranges of the code.
Source      IEC 61131-3, evolution rules of sequential function charts; ISA-88.00.01, states and commands.
"""

from typing import Any

from dcs.blocks.program import execute
from dcs.blocks.sequence.procedure import (
    ABORT,
    ABORTING,
    AUTOMATIC,
    HELD,
    HOLD,
    HOLDING,
    IDLE,
    MANUAL,
    NO_CHART,
    NO_COMMAND,
    REFUSED,
    RESET,
    RESTART,
    RESTARTING,
    RUNNING,
    START,
    STOP,
    STOPPING,
    after_command,
    chart_of,
)  # fmt: skip
from dcs.blocks.sequence.sizes import ACTIVE_AT, EVENT_STATES_AT, EVENTS_MAX, TIME_AT
from dcs.core.status import BAD, quality_of

INTERRUPTED = (1 << HOLDING) | (1 << HELD) | (1 << RESTARTING)
"""Mask of the states in which steps of the main chart are suspended."""
ALL_ACTIONS_OFF = (1 << IDLE) | (1 << RUNNING) | (1 << STOPPING) | (1 << ABORTING)
"""Mask of the states that begin with no stored action."""

# Events: 1 … 10 a state is entered, 11 … 16 a command is refused, then these.
REFUSED_AT = 10
TIMED_OUT, IN_TIME, FORCED, NOT_FORCED, NOT_CONFIRMED, NOT_COMPUTED = 17, 18, 19, 20, 21, 22


def advance_timers(b: Any, elapsed_s: float) -> None:
    """Timers of the steps that are executed, and of stored actions; suspended steps stand still."""
    elapsed_ns = int(elapsed_s * 1.0e9 + 0.5)
    for i in range(b.step_count):
        if (b.active >> i) & 1:
            b.step_ns[i] += elapsed_ns
    for k in range(b.use_count):
        if b.latched[k] != 0:
            b.latched_ns[k] += elapsed_ns
    publish_steps(b)


def publish_steps(b: Any) -> None:
    """``STEP.X`` and ``STEP.T`` for the programs."""
    for i in range(b.step_count):
        b.memory[ACTIVE_AT + i] = 1.0 * (((b.active | b.suspended) >> i) & 1)
        b.memory[TIME_AT + i] = b.step_ns[i] / 1.0e9


def fulfilled(b: Any, start: int, end: int) -> bool:
    """Is a condition TRUE, and not Bad?"""
    run(b, start, end)
    return b.stack[0] != 0.0 and quality_of(b.stack_status[0]) != BAD


def run(b: Any, start: int, end: int) -> None:
    """Execute one program; the first fault of the scan is kept."""
    fault = execute(b.code, start, end, b.consts, b.memory, b.memory_status, b.stack, b.stack_status)
    if fault != 0 and b.fault == 0:
        b.fault = fault >> 8


def note(b: Any, code: int, value: float) -> None:
    """An event for the journal; more than there is room for in one scan are left out."""
    if b.noted < EVENTS_MAX:
        b.event[b.noted] = code
        b.event_value[b.noted] = value
        b.noted += 1


# --- states -------------------------------------------------------------------------------------------------------
def take_commands(b: Any) -> None:
    """The operator's command, then those whose condition is TRUE, the gravest first, as far as the state allows."""
    if b.command != NO_COMMAND:
        state = after_command(b.state, b.command)
        if state == REFUSED:
            note(b, REFUSED_AT + b.command, 1.0 * (EVENT_STATES_AT + b.state))
        else:
            enter_state(b, state)
    b.command = NO_COMMAND
    for command in (ABORT, STOP, HOLD, RESTART, START, RESET):
        state = after_command(b.state, command)
        given = b.command_end[command] > b.command_start[command]
        if state != REFUSED and given and fulfilled(b, b.command_start[command], b.command_end[command]):
            enter_state(b, state)
            return


def enter_state(b: Any, state: int) -> None:
    """Go to a state: its chart begins; a hold keeps the main chart, STOP and ABORT end it with all its actions."""
    if state == RUNNING and b.state == RESTARTING:
        b.active = b.suspended
        b.suspended = 0
        b.entered = 0
    else:
        if state == HOLDING and b.state == RUNNING:
            b.suspended = b.active
        if not (INTERRUPTED >> state) & 1:
            b.suspended = 0
        if (ALL_ACTIONS_OFF >> state) & 1:
            forget_actions(b)
        begin_chart(b, chart_of(state))
    b.state = state
    note(b, 1 + state, 1.0 * (EVENT_STATES_AT + state))
    publish_steps(b)


def begin_chart(b: Any, chart: int) -> None:
    """The initial step of a chart and no other; no step where there is no chart."""
    b.active = 0
    b.entered = 0
    if chart != NO_CHART:
        activate(b, b.chart_initial[chart])


def activate(b: Any, steps: int) -> None:
    """Activate steps; their timers begin."""
    b.active = b.active | steps
    b.entered = b.entered | steps
    for i in range(b.step_count):
        if (steps >> i) & 1:
            b.step_ns[i] = 0


def forget_actions(b: Any) -> None:
    """Nothing is stored any more."""
    for k in range(b.use_count):
        b.latched[k] = 0
        b.latched_ns[k] = 0


# --- transitions --------------------------------------------------------------------------------------------------
def evolve(b: Any) -> None:
    """Fire every transition that is enabled and fulfilled; in SEMI_AUTOMATIC the confirmed one, in MANUAL none.

    The mode is that of the main chart: holding, restarting, stopping and aborting always go on by themselves.
    """
    mode = b.seq_mode if b.state == RUNNING else AUTOMATIC
    if b.force_step != 0:
        force(b, mode)
    there = b.active & ~b.entered  # steps that no transition has left yet
    gone, next_steps = 0, 0
    for t in range(b.transition_count):
        steps = b.from_steps[t]
        if (steps & there) != steps or not long_enough(b, steps):
            continue
        if not fulfilled(b, b.condition_start[t], b.condition_end[t]):
            continue
        if mode != AUTOMATIC:
            if b.ready != 0:
                continue
            if mode == MANUAL or b.confirm == 0:
                b.ready = t + 1
                continue
            b.confirm = 0  # one confirmation, one transition
        there = there & ~steps
        gone = gone | steps
        next_steps = next_steps | b.to_steps[t]
    b.left = b.left | gone
    b.active = b.active & ~gone
    activate(b, next_steps)
    publish_steps(b)


def long_enough(b: Any, steps: int) -> bool:
    """Has each of the steps been active for its shortest time?"""
    enough = True
    for i in range(b.step_count):
        if (steps >> i) & 1 and b.step_ns[i] < b.min_ns[i]:
            enough = False
    return enough


def force(b: Any, mode: int) -> None:
    """Activate a step instead of the one that is active in its branch.

    A step that is never active together with others takes the place of all; one of a parallel branch that of the step
    with the same partners. Anything else would leave branches without a token, or with two.
    """
    wanted = 1 << (b.force_step - 1)
    partners = b.partners[b.force_step - 1]
    replaced, count = 0, 0
    for i in range(b.step_count):
        if (b.active >> i) & 1 and b.partners[i] == partners:
            replaced = replaced | (1 << i)
            count += 1
    if partners == 0:
        replaced, count = b.active, 1
    if mode != MANUAL or (wanted & b.main_steps) == 0 or count != 1:
        return
    b.left = b.left | replaced
    b.active = b.active & ~replaced
    activate(b, wanted)
    note(b, FORCED, 1.0 * b.force_step)
    b.force_step = 0
