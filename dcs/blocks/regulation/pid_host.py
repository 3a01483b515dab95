"""RCas and ROut of the PID: a host that gives the setpoint or the output.

Called by   the step of the PID, where a host mode is permitted.
Knows       the fields declared here, targets and modes. How hosts and blocks talk: ``dcs.blocks.host``.
"""

from typing import Any

from dcs.blocks.declare import f8, i8
from dcs.blocks.handshake import AS_ASKED, HANDSHAKE_PART, HOST_SILENT, INPUT_BAD, NO_HOST, backward_status_of
from dcs.blocks.host import SHED_CHOICES, acknowledged, heard, shed_to, sheds_for_good
from dcs.core.modes import AUTO, CAS, MAN, RCAS, ROUT
from dcs.core.status import IR, STATUS_NOT_CONNECTED, sub_status_of

HOST_STATE = (
    f8("rcas_in", "@pv_scale", "setpoint that a host has written"),
    i8("rcas_in_status", "status of rcas_in", default=STATUS_NOT_CONNECTED),
    i8("rcas_in_written", "1 when the host has written rcas_in since the last scan"),
    f8("rcas_timer_s", "s", "time since the host wrote rcas_in, or since it was asked for"),
    f8("rout_in", "@out_scale", "output that a host has written"),
    i8("rout_in_status", "status of rout_in", default=STATUS_NOT_CONNECTED),
    i8("rout_in_written", "1 when the host has written rout_in since the last scan"),
    f8("rout_timer_s", "s", "time since the host wrote rout_in, or since it was asked for"),
    f8("rcas_out", "@pv_scale", "working setpoint, for the host"),
    i8("rcas_out_status", "status of rcas_out"),
    f8("rout_out", "@out_scale", "output, for the host"),
    i8("rout_out_status", "status of rout_out"),
    i8("host_leads", "1 once the host has written after its acknowledgement"),
    i8("target_seen", "target of the last scan"),
    i8("retained", "last target that was Man, Auto or Cas", default=AUTO),
    i8("retained_sp", "last target that was Auto, Cas or RCas", default=AUTO),
)

HOST_PARAMS = (
    i8("shed_opt", "what happens in RCas and ROut without a host", default=1, choices=SHED_CHOICES),
    f8("rcas_timeout_s", "s", "RCas is shed when rcas_in is not written for so long; 0 = never", default=20.0, low=0.0),
    f8("rout_timeout_s", "s", "ROut is shed when rout_in is not written for so long; 0 = never", default=20.0, low=0.0),
)  # fmt: skip


def remote_target(b: Any, mode_before: int) -> tuple[int, int]:
    """The mode that is wanted, and why it is not the target: what a missing host sheds to."""
    if b.target != b.target_seen:
        b.target_seen = b.target
        b.rcas_timer_s, b.rout_timer_s = 0.0, 0.0  # from now on the host has time to acknowledge
    written = b.rcas_in_written if b.target == RCAS else b.rout_in_written
    b.rcas_in_status, b.rcas_timer_s = heard(
        b.rcas_in_written, b.rcas_in_status, b.rcas_timer_s, b.rcas_timeout_s, b.elapsed_s
    )
    b.rout_in_status, b.rout_timer_s = heard(
        b.rout_in_written, b.rout_in_status, b.rout_timer_s, b.rout_timeout_s, b.elapsed_s
    )
    b.rcas_in_written, b.rout_in_written = 0, 0
    if b.target == RCAS:
        silent = b.rcas_timeout_s > 0.0 and b.rcas_timer_s > b.rcas_timeout_s
        tolerance = HANDSHAKE_PART * (b.pv_scale_high - b.pv_scale_low)
        answered = acknowledged(written, b.rcas_in, b.rcas_out, b.rcas_out_status, tolerance)
    elif b.target == ROUT:
        silent = b.rout_timeout_s > 0.0 and b.rout_timer_s > b.rout_timeout_s
        tolerance = HANDSHAKE_PART * (b.out_scale_high - b.out_scale_low)
        answered = acknowledged(written, b.rout_in, b.rout_out, b.rout_out_status, tolerance)
    else:
        if b.target >= MAN:
            b.retained = b.target
        if b.target == AUTO or b.target == CAS:
            b.retained_sp = b.target
        return b.target, AS_ASKED

    if b.target == RCAS:
        b.retained_sp = RCAS
    if mode_before == b.target and not silent:
        if written != 0:
            b.host_leads = 1
        return b.target, AS_ASKED
    b.host_leads = 0
    if answered and not silent:
        return b.target, AS_ASKED
    wanted = shed_to(b.shed_opt, b.permitted, b.cas_in_linked != 0, b.retained)
    if silent and sheds_for_good(b.shed_opt):
        b.target = wanted
        b.target_seen = wanted
    return wanted, HOST_SILENT if silent else NO_HOST


def tell_host(b: Any, pv_good: bool, sp_limits: int, out_limits: int) -> None:
    """RCAS_OUT and ROUT_OUT. While the host is asked to acknowledge, the value that it was asked for stands still."""
    waits = b.reason == NO_HOST or b.reason == HOST_SILENT
    status = backward_status_of(RCAS, b.target, b.mode, waits and pv_good, sp_limits)
    if sub_status_of(status) != IR or sub_status_of(b.rcas_out_status) != IR:
        b.rcas_out = b.sp_wrk
    b.rcas_out_status = status
    waits = waits or b.reason == INPUT_BAD  # whoever gives the output needs no measurement
    status = backward_status_of(ROUT, b.target, b.mode, waits, out_limits)
    if sub_status_of(status) != IR or sub_status_of(b.rout_out_status) != IR:
        b.rout_out = b.out
    b.rout_out_status = status
