"""Controller pair: what the active knows of its own redundancy, and whether anybody could take over.

Called by   dcs.engine once per scan; never runs on its own. The configuration makes one for every pair of controllers
            (``dcs.config.pair_modules``) and gives it its alarms.
Knows       three channels of the input image that the active fills in (``dcs.node.pair_view``). Detection is in the
            scan, so that the standby comes to the same result and a takeover carries times, counts and alarms on.
Source      ISA-18.2-2016, 3.1 (system diagnostic alarm); decision 0020.
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, coded, discrete, f8, i8, signal, step
from dcs.core.status import BAD, quality_of

READY, SYNCHRONISING, MISSING, SUSPENDED, OUT = range(5)
STANDBY_STATES = (
    ("READY", READY),
    ("SYNCHRONISING", SYNCHRONISING),
    ("MISSING", MISSING),
    ("SUSPENDED", SUSPENDED),
    ("OUT", OUT),
)
"""How the standby is, as ``dcs status`` says it (``dcs.redundancy.report``)."""

CONTROLLER_PAIR = block_type(
    "CONTROLLER_PAIR",
    "Controller pair",
    inputs=[
        coded("standby", "how the standby is", STANDBY_STATES),
        signal("witness", "", "1 while the witness is heard"),
        signal("behind", "", "devices that the standby reaches by fewer ways than the active, or not at all"),
    ],
    state=[
        f8("elapsed_s", "s", "period plus declared slips"),
        i8("was_ready", "1 while the standby could take over at the last scan"),
    ],
    outputs=[
        coded("state", "how the standby is; SUSPENDED: two results differed, and it is given no copy", STANDBY_STATES),
        discrete("not_ready", "1 while the standby could not take over, though nobody has taken it out"),
        discrete("taken_out", "1 while the standby is taken out on command"),
        discrete("no_witness", "1 while the witness is not heard and the standby is not taken out"),
        discrete("fewer_paths", "1 while the standby reaches fewer devices, or by fewer ways, than the active"),
        f8("alone_s", "s", "how long nobody could take over"),
        i8("losses", "how often the standby was lost, other than on command"),
    ],
    published={
        "STATE": "state",
        "ALONE": "alone_s",
        "LOSSES": "losses",
        "BEHIND": "behind",
        "NOT_READY": "not_ready",
        "TAKEN_OUT": "taken_out",
        "NO_WITNESS": "no_witness",
        "FEWER_PATHS": "fewer_paths",
    },
)


@step(CONTROLLER_PAIR)
def controller_pair(b: Any, dt_s: float) -> None:
    """Who could take over, what is missing for it, and since when; nothing is judged while nothing is known."""
    b.state_status, b.not_ready_status, b.taken_out_status = b.standby_status, b.standby_status, b.standby_status
    b.no_witness_status, b.fewer_paths_status = b.witness_status, b.behind_status
    if quality_of(b.standby_status) == BAD or not READY <= b.standby <= OUT:
        return
    b.state = math.floor(b.standby + 0.5)
    ready, out = b.state == READY, b.state == OUT
    b.not_ready = 0.0 if ready or out else 1.0
    b.taken_out = 1.0 if out else 0.0
    b.no_witness = 1.0 if b.witness < 0.5 and not out else 0.0
    b.fewer_paths = 1.0 if b.behind >= 1.0 and ready else 0.0
    if ready:
        b.alone_s = 0.0
    elif math.isfinite(b.elapsed_s):
        b.alone_s = b.alone_s + b.elapsed_s
    if b.was_ready != 0 and not ready and not out:
        b.losses = b.losses + 1
    b.was_ready = 1 if ready else 0
