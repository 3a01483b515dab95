"""What takes an analogue output away from its controller: the interlock of a protection, and a sequence that tracks.

Called by   ``dcs.blocks.io.ao``; compiled together with it.
Knows       the fields declared here, modes and reasons.
Promise     an interlock (0 or Bad) gives the safe demand at once and in every mode, before force, tracking and the
            limits that an operator has set; tracking takes the output in every mode but Man and OOS, so that an
            operator can always take it back. In both the block is in LO: the controller above follows and comes back by
            the handshake from where the output is.
"""

import math
from typing import Any

from dcs.blocks.declare import FieldGroup, f8, i8, signal
from dcs.blocks.handshake import FORCED, INTERLOCKED, TRACKING, clamp
from dcs.blocks.safety.maintenance import is_on
from dcs.core.modes import LO, MAN, OOS
from dcs.core.status import is_usable

AO_OVERRIDE_INPUTS: tuple[FieldGroup, ...] = (
    signal("interlock", "", "0 or Bad: OUT goes to the safe demand, whatever the mode"),
    signal("safe_in", "@xd_scale", "safe demand; SAFE_VALUE while it is not wired or Bad"),
    signal("trk_in_d", "", "1 asks for tracking, in every mode but Man and OOS"),
    signal("trk_val", "@xd_scale", "demand while tracking"),
)
AO_OVERRIDE_STATE: tuple[FieldGroup, ...] = (
    i8("interlock_linked", "1 when INTERLOCK is wired"),
    i8("safe_in_linked", "1 when SAFE_IN is wired"),
    i8("trk_in_d_linked", "1 when TRK_IN_D is wired"),
)
AO_OVERRIDE_PARAMS: tuple[FieldGroup, ...] = (f8("safe_value", "@xd_scale", "demand while the interlock stands"),)
AO_OVERRIDE_WIRES = ("interlock", "safe_in", "trk_in_d", "trk_val")


def followable(b: Any) -> bool:
    """Is there a value to track?"""
    return math.isfinite(b.trk_val) and is_usable(b.trk_val_status)


def override_mode(b: Any) -> None:
    """LO for whoever overrides; the interlock comes first, then force, then tracking."""
    if b.started == 0:
        return
    mine = b.target != MAN and b.target != OOS
    if b.trk_in_d_linked != 0 and mine and is_on(b.trk_in_d, b.trk_in_d_status) and followable(b):
        b.mode, b.reason = LO, TRACKING
    if b.force != 0 and b.mode != OOS:
        b.mode, b.reason = LO, FORCED
    if b.interlock_linked != 0 and not is_on(b.interlock, b.interlock_status):
        b.mode, b.reason = LO, INTERLOCKED


def override_demand(b: Any) -> None:
    """OUT of the override that stands; the interlock is held by the range alone."""
    if b.reason == INTERLOCKED:
        safe = b.safe_value
        if b.safe_in_linked != 0 and math.isfinite(b.safe_in) and is_usable(b.safe_in_status):
            safe = b.safe_in
        low = min(b.xd_scale_low, b.xd_scale_high)
        high = max(b.xd_scale_low, b.xd_scale_high)
        b.out = clamp(safe, low, high)
    elif b.reason == FORCED:
        b.out = clamp(b.force_value, b.out_low, b.out_high)
    elif b.reason == TRACKING:
        b.out = clamp(b.trk_val, b.out_low, b.out_high)
