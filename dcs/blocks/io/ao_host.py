"""RCas of the analogue output: a host that gives the setpoint of a valve.

Called by   the step of AO, where RCas is permitted; compiled together with it.
Knows       the fields declared here, targets and modes. How hosts and blocks talk: ``dcs.blocks.host``.
Source      FF-891 analogue output: OOS, LO, Man, Auto, Cas, RCas; SHED_OPT, SHED_RCAS.
"""

from typing import Any

from dcs.blocks.declare import f8, i8
from dcs.blocks.handshake import AS_ASKED, HANDSHAKE_PART, HOST_SILENT, NO_HOST, backward_status_of
from dcs.blocks.host import SHED_CHOICES, acknowledged, heard, shed_to, sheds_for_good
from dcs.core.modes import AUTO, LO, MAN, RCAS
from dcs.core.status import FSA, GOOD_CASCADE, IR, LIMIT_CONSTANT, STATUS_NOT_CONNECTED, make_status, sub_status_of

AO_HOST_STATE = (
    f8("rcas_in", "@pv_scale", "setpoint that a host has written"),
    i8("rcas_in_status", "status of rcas_in", default=STATUS_NOT_CONNECTED),
    i8("rcas_in_written", "1 when the host has written rcas_in since the last scan"),
    f8("rcas_timer_s", "s", "time since the host wrote rcas_in, or since it was asked for"),
    f8("rcas_out", "@pv_scale", "working setpoint, for the host"),
    i8("rcas_out_status", "status of rcas_out"),
    i8("host_leads", "1 once the host has written after its acknowledgement"),
    i8("target_seen", "target of the last scan"),
    i8("retained", "last target that was Man, Auto or Cas", default=AUTO),
)

AO_HOST_PARAMS = (
    i8("shed_opt", "what happens in RCas without a host", default=1, choices=SHED_CHOICES),
    f8("rcas_timeout_s", "s", "RCas is shed when rcas_in is not written for so long; 0 = never", default=20.0, low=0.0),
)  # fmt: skip


def host_target(b: Any, mode_before: int) -> tuple[int, int]:
    """The mode that is wanted, and why it is not the target: what a missing host sheds to."""
    if b.target != b.target_seen:
        b.target_seen = b.target
        b.rcas_timer_s = 0.0  # from now on the host has time to acknowledge
    written = b.rcas_in_written
    b.rcas_in_written = 0
    b.rcas_in_status, b.rcas_timer_s = heard(written, b.rcas_in_status, b.rcas_timer_s, b.rcas_timeout_s, b.elapsed_s)
    if b.target != RCAS:
        if b.target >= MAN:
            b.retained = b.target
        return b.target, AS_ASKED
    silent = b.rcas_timeout_s > 0.0 and b.rcas_timer_s > b.rcas_timeout_s
    if mode_before == RCAS and not silent:
        if written != 0:
            b.host_leads = 1
        return RCAS, AS_ASKED
    b.host_leads = 0
    tolerance = HANDSHAKE_PART * (b.pv_scale_high - b.pv_scale_low)
    if acknowledged(written, b.rcas_in, b.rcas_out, b.rcas_out_status, tolerance) and not silent:
        return RCAS, AS_ASKED
    wanted = shed_to(b.shed_opt, b.permitted, b.cas_in_linked != 0, b.retained)
    if silent and sheds_for_good(b.shed_opt):
        b.target = wanted
        b.target_seen = wanted
    return wanted, HOST_SILENT if silent else NO_HOST


def tell_host(b: Any, limits: int) -> None:
    """RCAS_OUT. While the host is asked to acknowledge, the value that it was asked for stands still."""
    waits = b.reason == NO_HOST or b.reason == HOST_SILENT
    status = backward_status_of(RCAS, b.target, b.mode, waits, limits)
    if b.mode == LO and b.force == 0:
        status = make_status(GOOD_CASCADE, FSA, LIMIT_CONSTANT)
    if sub_status_of(status) != IR or sub_status_of(b.rcas_out_status) != IR:
        b.rcas_out = b.sp_wrk
    b.rcas_out_status = status
