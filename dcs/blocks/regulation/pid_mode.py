"""Which mode the PID is in, and why that is not its target.

Called by   the step of the PID. Knows its inputs, statuses and options; sets ``mode``, ``reason`` and, where an option
says so, ``target``.
Source      FF-891, mode parameter; priorities as in the reference for function blocks.
"""

from typing import Any

from dcs.blocks.handshake import (
    AS_ASKED,
    BELOW_NOT_READY,
    HANDSHAKE_PART,
    INPUT_BAD,
    NO_CASCADE,
    STARTING,
    TRACKING,
    below_ready,
    cascade_ok,
    input_ok,
)
from dcs.blocks.regulation.pid_host import remote_target
from dcs.blocks.regulation.pid_settings import BELOW, HOST, TARGET_MAN_IF_BAD, TRACK, TRACK_IN_MAN
from dcs.core.modes import AUTO, CAS, IMAN, LO, MAN, OOS, is_automatic


def choose_mode(b: Any, mode_before: int, can_control: bool) -> int:
    """Actual mode and its reason; what comes later has priority.

    Returns the mode that is wanted: the target, or what the target is shed to while there is no host.
    """
    wanted, reason = b.target, AS_ASKED
    if b.options & HOST:
        wanted, reason = remote_target(b, mode_before)
    if wanted == OOS:
        b.mode, b.reason = OOS, AS_ASKED
        return OOS
    mode = wanted
    if wanted == CAS:
        tolerance = HANDSHAKE_PART * (b.pv_scale_high - b.pv_scale_low)
        if not cascade_ok(b.cas_in, b.cas_in_status, mode_before, b.bkcal_out, tolerance):
            mode = AUTO
            if reason == AS_ASKED:
                reason = NO_CASCADE
    if not can_control and is_automatic(wanted):
        mode, reason = MAN, INPUT_BAD
        if b.options & TARGET_MAN_IF_BAD and is_automatic(mode_before):
            b.target = MAN
    if mode_before == OOS and wanted != MAN:
        mode, reason = MAN, STARTING
    if b.options & TRACK and (wanted != MAN or b.options & TRACK_IN_MAN != 0) and tracks(b):
        mode, reason = LO, TRACKING
    if b.options & BELOW and not below_ready(b.bkcal_in, b.bkcal_in_status):
        mode, reason = IMAN, BELOW_NOT_READY
    b.mode, b.reason = mode, reason
    return wanted  # type: ignore[no-any-return]


def tracks(b: Any) -> bool:
    """Is tracking asked for, with a value that can be followed?"""
    return input_ok(b.trk_in_d, b.trk_in_d_status, 1) and b.trk_in_d > 0.5 and input_ok(b.trk_val, b.trk_val_status, 1)
