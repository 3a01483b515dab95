"""Sequence block: a sequential function chart (IEC 61131-3) in the procedural state model of ISA-88.

Called by   dcs.engine once per scan; never runs on its own.
Knows       its terminals, its chart as masks of steps, the programs of its conditions and actions. No clock, no I/O, no
            log. ``chart_code`` makes the numbers from the text, once, when the configuration is checked.
Behaviour   docs/how-to/write-a-sequence.md.
Source      IEC 61131-3, sequential function chart elements (evolution, action control); ISA-88.00.01 (IEC 61512-1),
            states, commands and modes of procedural elements.

One scan: timers, then commands, then transitions (each on the steps that were active before the scan, the first of
two that compete wins), then actions. A step is active for one scan at least. A chart has ended when no step is active.

Everything lies in the record: active steps as a mask, their timers in ns, latches, variables. The bits are numbered in
the order of the text, and the label ``step`` names them, so an online change can carry them over by name; see
``dcs.blocks.sequence.migration``.
"""

from typing import Any

from dcs.blocks.declare import Text, block_type, f8, i8, signal, signals, step
from dcs.blocks.sequence.action_control import carry_out
from dcs.blocks.sequence.chart_code import translate
from dcs.blocks.sequence.evolution import (
    FORCED,
    IN_TIME,
    NOT_COMPUTED,
    NOT_CONFIRMED,
    NOT_FORCED,
    REFUSED_AT,
    TIMED_OUT,
    advance_timers,
    enter_state,
    evolve,
    note,
    take_commands,
)  # fmt: skip
from dcs.blocks.sequence.frame import begin, show
from dcs.blocks.sequence.procedure import COMMAND_NAMES, MODE_NAMES, NO_CHART, STATE_NAMES, after_chart, chart_of
from dcs.blocks.sequence.sizes import (
    ACTIONS,
    CHARTS,
    INPUTS,
    LIMITS,
    OUTPUTS,
    QUEUE,
    STEPS,
    TRANSITIONS,
    USES,
    VARIABLES,
    WORDS,
)  # fmt: skip

_EVENT_TEXTS = {
    **{1 + code: f"is {name}" for code, name in enumerate(STATE_NAMES)},
    **{
        REFUSED_AT + code: f"{name} refused: not possible in {{name}}"
        for code, name in enumerate(COMMAND_NAMES)
        if code
    },
    TIMED_OUT: "step {name} takes longer than its time",
    IN_TIME: "no step is over its time any more",
    FORCED: "step {name} was activated by the operator",
    NOT_FORCED: "step {name} not activated: only a running chart in MANUAL, and only within one branch",
    NOT_CONFIRMED: "nothing to confirm: no transition is ready",
    NOT_COMPUTED: "could not compute: {name}",
}

SFC = block_type(
    "SFC",
    "Sequence",
    inputs=[signals("inp", INPUTS, "*", "input of the programs")],
    state=[
        i8("started", "1 once the variables have their initial values", low=0, high=1),
        f8("elapsed_s", "s", "time since the last scan"),
        i8("active", "mask of the active steps"),
        i8("suspended", "mask of the steps that go on after a hold"),
        i8("entered", "mask of the steps activated in this scan"),
        i8("left", "mask of the steps deactivated in this scan"),
        i8("timed_out", "mask of the active steps that are over their time"),
        i8("timed_out_step", "the first of them"),
        i8("step_ns", "time that each step has been active", count=STEPS),
        i8("latched", "1 while a stored action is stored", count=USES),
        i8("latched_ns", "time since then", count=USES),
        i8("carried", "1 while an action is carried out", count=ACTIONS),
        i8("reset_now", "1 while R holds an action off", count=ACTIONS),
        f8("memory", "", "values of the programs: inputs, outputs, period, steps, variables", count=WORDS),
        i8("memory_status", "their status bytes in this scan", count=WORDS),
        f8("stack", "", "intermediate values", count=LIMITS.stack),
        i8("stack_status", "their status bytes", count=LIMITS.stack),
        i8("fault", "place of the first fault of a program in this scan"),
        i8("fault_noted", "place of the fault that the journal knows"),
        i8("waiting", "number of events that wait for their line in the journal"),
        i8("waiting_code", "their codes", count=QUEUE),
        f8("waiting_value", "", "their values", count=QUEUE),
        i8("event", "code of what is to be journalled"),
        f8("event_value", "", "what it is about"),
        i8("command", "command of the operator", choices=[(name, code) for code, name in enumerate(COMMAND_NAMES)]),
        i8("confirm", "1: the operator confirms the transition that is ready", low=0, high=1),
        i8("force_step", "step that the operator activates", low=0, high=STEPS),
    ],
    outputs=[
        signals("out", OUTPUTS, "*", "output of the programs"),
        signal("timeout", "", "1 while a step is over its time"),
        i8("state", "procedural state", choices=[(name, code) for code, name in enumerate(STATE_NAMES)]),
        i8("step", "the first active step"),
        f8("step_time_s", "s", "how long it has been active"),
        i8("ready", "transition whose condition is fulfilled and that waits for the operator"),
    ],
    params=[
        i8("seq_mode", "how it goes from step to step", choices=[(name, code) for code, name in enumerate(MODE_NAMES)]),
        i8("step_count", "number of steps", high=STEPS),
        i8("transition_count", "number of transitions", high=TRANSITIONS),
        i8("use_count", "number of actions of all steps", high=USES),
        i8("action_count", "number of different actions", high=ACTIONS),
        i8("main_steps", "mask of the steps of the main chart"),
        i8("chart_initial", "masks of the initial steps of each chart", count=CHARTS),
        i8("min_ns", "shortest time of each step", count=STEPS),
        i8("max_ns", "longest time of each step; 0 = any", count=STEPS),
        i8("partners", "masks of the steps that may be active with each step", count=STEPS),
        i8("from_steps", "masks of the steps before each transition", count=TRANSITIONS),
        i8("to_steps", "masks of the steps after it; 0 = the end", count=TRANSITIONS),
        i8("condition_start", "program of its condition: first instruction", count=TRANSITIONS),
        i8("condition_end", "and the one after the last", count=TRANSITIONS),
        i8("command_start", "programs of the conditions of commands: first instruction", count=len(COMMAND_NAMES)),
        i8("command_end", "and the one after the last", count=len(COMMAND_NAMES)),
        i8("use_step", "step of each use of an action", count=USES),
        i8("use_qualifier", "its qualifier", count=USES),
        i8("use_action", "its action", count=USES),
        i8("use_ns", "its time", count=USES),
        i8("action_slot", "variable of each boolean action; -1 for a program", count=ACTIONS),
        i8("action_start", "program of each action: first instruction", count=ACTIONS),
        i8("action_end", "and the one after the last", count=ACTIONS),
        i8("code", "the programs", count=LIMITS.code),
        f8("consts", "", "numbers of the programs", count=LIMITS.consts),
        f8("initial", "", "initial values of the variables", count=VARIABLES),
        i8("assigned", "1 for an output that is set somewhere", count=OUTPUTS),
    ],
    texts=[
        Text("steps", "the steps of the main chart: name, min_time, max_time, actions"),
        Text("transitions", "from, to, when; the first of two that compete wins"),
        Text("actions", "named actions: statements of structured text"),
        Text("variables", "declarations in structured text: VAR … END_VAR"),
        Text("commands", "commands with conditions that give them by themselves"),
        Text("holding", "steps and transitions of the state Holding"),
        Text("restarting", "steps and transitions of the state Restarting"),
        Text("stopping", "steps and transitions of the state Stopping"),
        Text("aborting", "steps and transitions of the state Aborting"),
    ],
    translate=translate,
    optional_inputs=("inp",),
    published={
        "STATE": "state", "STEP": "step", "STEP_TIME": "step_time_s", "COMMAND": "command", "SEQ_MODE": "seq_mode",
        "READY": "ready", "CONFIRM": "confirm", "FORCE_STEP": "force_step", "TIMEOUT": "timeout",
    },
    writable=("COMMAND", "SEQ_MODE", "CONFIRM", "FORCE_STEP"),
    events=_EVENT_TEXTS,
)  # fmt: skip


@step(SFC)
def sfc(b: Any, dt_s: float) -> None:
    """One scan: timers, commands, transitions, actions, what the operator sees."""
    begin(b, dt_s)
    advance_timers(b)
    before = b.state
    take_commands(b)
    b.ready = 0
    if b.state == before and chart_of(b.state) != NO_CHART:
        evolve(b)
    if b.confirm != 0:
        note(b, NOT_CONFIRMED, 0.0)
    if b.force_step != 0:
        note(b, NOT_FORCED, 1.0 * b.force_step)
    for _ in range(2):  # a chart that is not there ends at once: Restarting is followed by Running
        if chart_of(b.state) != NO_CHART and b.active == 0:
            enter_state(b, after_chart(b.state))
    b.confirm = 0
    b.force_step = 0
    carry_out(b)
    show(b)
