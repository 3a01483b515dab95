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

from dcs.blocks.declare import Refusal, Text, block_type, discrete, f8, flag, i8, signals, step
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
from dcs.blocks.sequence.migration import migrate
from dcs.blocks.sequence.procedure import (
    COMMAND_NAMES,
    MODE_NAMES,
    NO_CHART,
    STATE_NAMES,
    after_chart,
    chart_of,
    states_for,
)
from dcs.blocks.sequence.sizes import (
    ACTIONS,
    CHARTS,
    EVENTS_MAX,
    INPUTS,
    LIMITS,
    OUTPUTS,
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

_REFUSALS = [
    Refusal(
        f"{name} is not possible in {{state}}; it is in {', '.join(states_for(code))}.",
        unless=f"may_{name.lower()}",
        value=code,
    )
    for code, name in enumerate(COMMAND_NAMES)
    if code
]

SFC = block_type(
    "SFC",
    "Sequence",
    inputs=[signals("inp", INPUTS, "*", "input of the programs")],
    state=[
        i8("started", "1 once the variables have their initial values", low=0, high=1),
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
        i8("noted", "number of events of this scan"),
        i8("event", "codes of what is to be journalled", count=EVENTS_MAX),
        f8("event_value", "", "what they are about", count=EVENTS_MAX),
        flag("may_start", "1 while START is possible", default=1),
        flag("may_hold", "1 while HOLD is possible"),
        flag("may_restart", "1 while RESTART is possible"),
        flag("may_stop", "1 while STOP is possible"),
        flag("may_abort", "1 while ABORT is possible"),
        flag("may_reset", "1 while RESET is possible"),
        flag("may_force", "1 while the operator may activate a step"),
        i8(
            "command", "command of the operator", choices=[(name, code) for code, name in enumerate(COMMAND_NAMES)],
            refused_if=_REFUSALS,
        ),
        flag(
            "confirm", "1: the operator confirms the transition that is ready",
            refused_if=[Refusal("no transition is ready.", unless="ready", value=1)],
        ),
        i8(
            "force_step", "step that the operator activates", low=0, high=STEPS,
            refused_if=[Refusal(
                "a step can be activated while the sequence is RUNNING and its mode is MANUAL; it is {state} and "
                "{seq_mode}.", unless="may_force",
            )],
        ),
    ],
    outputs=[
        signals("out", OUTPUTS, "*", "output of the programs"),
        discrete("timeout", "1 while a step is over its time"),
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
    carry=migrate,
    by_texts=(
        "step_count", "transition_count", "use_count", "action_count", "main_steps", "chart_initial", "min_ns",
        "max_ns", "partners", "from_steps", "to_steps", "condition_start", "condition_end", "command_start",
        "command_end", "use_step", "use_qualifier", "use_action", "use_ns", "action_slot", "action_start", "action_end",
        "code", "consts", "initial", "assigned",
    ),
    optional_inputs=("inp",),
    published={
        "PV": "timeout", "STATE": "state", "STEP": "step", "STEP_TIME": "step_time_s", "COMMAND": "command",
        "SEQ_MODE": "seq_mode", "READY": "ready", "CONFIRM": "confirm", "FORCE_STEP": "force_step",
        "TIMEOUT": "timeout",
    },
    writable=("COMMAND", "SEQ_MODE", "CONFIRM", "FORCE_STEP"),
    events=_EVENT_TEXTS,
)  # fmt: skip


@step(SFC)
def sfc(b: Any, dt_s: float, elapsed_s: float) -> None:
    """One scan: timers, commands, transitions, actions, what the operator sees."""
    begin(b, dt_s)
    advance_timers(b, elapsed_s)
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
