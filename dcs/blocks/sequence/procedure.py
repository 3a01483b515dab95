"""The procedural state model: which command leads from which state to which, and what follows when a chart has ended.

Called by   the step of SFC; compiled together with it. Also read by its translation and by displays.
Knows       states and commands as numbers. No steps.
Source      ISA-88.00.01 (IEC 61512-1), example states and commands of procedural elements; pausing is left out.
"""

IDLE, RUNNING, COMPLETE, HOLDING, HELD, RESTARTING, STOPPING, STOPPED, ABORTING, ABORTED = range(10)
STATE_NAMES = (
    "IDLE", "RUNNING", "COMPLETE", "HOLDING", "HELD", "RESTARTING", "STOPPING", "STOPPED", "ABORTING", "ABORTED",
)  # fmt: skip

NO_COMMAND, START, HOLD, RESTART, STOP, ABORT, RESET = range(7)
COMMAND_NAMES = ("NONE", "START", "HOLD", "RESTART", "STOP", "ABORT", "RESET")

REFUSED = -1

MAIN_CHART, HOLDING_CHART, RESTARTING_CHART, STOPPING_CHART, ABORTING_CHART, NO_CHART = 0, 1, 2, 3, 4, -1
CHART_NAMES = ("steps", "holding", "restarting", "stopping", "aborting")
"""Where the steps of each chart stand in the configuration."""

AUTOMATIC, SEMI_AUTOMATIC, MANUAL = 0, 1, 2
MODE_NAMES = ("AUTOMATIC", "SEMI_AUTOMATIC", "MANUAL")
"""How the procedure goes from step to step: by itself, by itself after a confirmation, by the operator (ISA-88)."""


_ = REFUSED
AFTER_COMMAND = (
    # NONE, START, HOLD, RESTART, STOP, ABORT, RESET
    (_, RUNNING, _, _, _, _, _),  # IDLE
    (_, _, HOLDING, _, STOPPING, ABORTING, _),  # RUNNING
    (_, _, _, _, _, _, IDLE),  # COMPLETE
    (_, _, _, _, STOPPING, ABORTING, _),  # HOLDING
    (_, _, _, RESTARTING, STOPPING, ABORTING, _),  # HELD
    (_, _, HOLDING, _, STOPPING, ABORTING, _),  # RESTARTING
    (_, _, _, _, _, ABORTING, _),  # STOPPING
    (_, _, _, _, _, _, IDLE),  # STOPPED
    (_, _, _, _, _, _, _),  # ABORTING
    (_, _, _, _, _, _, IDLE),  # ABORTED
)
"""The state that a command leads to, by state and command."""

AFTER_CHART = (IDLE, COMPLETE, COMPLETE, HELD, HELD, RUNNING, STOPPED, STOPPED, ABORTED, ABORTED)
"""The state that follows when the chart of a state has ended, or there is none."""

CHART_OF = (
    NO_CHART, MAIN_CHART, NO_CHART, HOLDING_CHART, NO_CHART, RESTARTING_CHART, STOPPING_CHART, NO_CHART,
    ABORTING_CHART, NO_CHART,
)  # fmt: skip
"""The chart that is executed in a state."""


def after_command(state: int, command: int) -> int:
    """The state that a command leads to, or ``REFUSED``."""
    return AFTER_COMMAND[state][command]


def after_chart(state: int) -> int:
    """The state that follows when the chart of a state has ended."""
    return AFTER_CHART[state]


def chart_of(state: int) -> int:
    """The chart that is executed in a state, or ``NO_CHART``."""
    return CHART_OF[state]


def states_for(command: int) -> list[str]:
    """Names of the states in which a command is possible."""
    return [name for name, row in zip(STATE_NAMES, AFTER_COMMAND, strict=True) if row[command] != REFUSED]
