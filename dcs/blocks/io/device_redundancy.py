"""Redundancy of a field device: whether all of its links, and all cards of its pairs, could take over.

Called by   dcs.engine once per scan; never runs on its own. The configuration makes one for every device that has a
            second address or a pair of cards (``dcs.config.device_modules``) and gives it its alarm REDUNDANCY.
Knows       one channel of the input image, filled in from what the driver of the active knows. While the device gives
            no values at all its alarm COMM says so, and of its redundancy nothing new is said.
Source      ISA-18.2-2016, 3.1 (system diagnostic alarm); decision 0020.
"""

import math
from typing import Any

from dcs.blocks.declare import block_type, discrete, i8, signal, step
from dcs.core.status import BAD, quality_of

DEVICE_REDUNDANCY = block_type(
    "DEVICE_REDUNDANCY",
    "Redundancy of a field device",
    inputs=[signal("whole", "", "1 while each of its links, and each card of a pair, works")],
    state=[i8("was_lost", "1 while redundancy was lost at the last scan")],
    outputs=[
        discrete("lost", "1 while one of its links, or a card of a pair, could not take over"),
        i8("losses", "how often redundancy was lost"),
    ],
    published={"LOST": "lost", "LOSSES": "losses"},
)


@step(DEVICE_REDUNDANCY)
def device_redundancy(b: Any, dt_s: float) -> None:
    """Lost or whole; stands as it stood while the device gives no values."""
    b.lost_status = b.whole_status
    if quality_of(b.whole_status) == BAD or not math.isfinite(b.whole):
        return
    b.lost = 0.0 if b.whole >= 0.5 else 1.0
    if b.lost >= 0.5 and b.was_lost == 0:
        b.losses = b.losses + 1
    b.was_lost = 1 if b.lost >= 0.5 else 0
