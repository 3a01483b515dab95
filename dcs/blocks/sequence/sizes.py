"""How much fits into one sequence, and where it lies in the memory of its programs.

Called by   the declaration and the translation of SFC.
"""

from dcs.structured_text.generator import Limits

INPUTS, OUTPUTS, STEPS, VARIABLES = 16, 16, 32, 32
TRANSITIONS, ACTIONS, USES, CHARTS = 48, 32, 64, 5
"""``USES``: actions counted once for each step that names them."""

OUTPUTS_AT = INPUTS
DT_AT = OUTPUTS_AT + OUTPUTS
ACTIVE_AT = DT_AT + 1
TIME_AT = ACTIVE_AT + STEPS
VARIABLES_AT = TIME_AT + STEPS
WORDS = VARIABLES_AT + VARIABLES

LIMITS = Limits(code=1024, consts=96, stack=16, variables=VARIABLES)

EVENTS_MAX = 12
"""Lines for the journal in one scan."""

# Values of events: one table of names for all of them.
EVENT_STATES_AT = STEPS + 1
EVENT_TRANSITIONS_AT = EVENT_STATES_AT + 10
EVENT_PLACES_AT = EVENT_TRANSITIONS_AT + TRANSITIONS + 1
